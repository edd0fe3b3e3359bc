"""Training, beside sam2's own trainer: same config, data, random numbers' seed, machine.

    python -m benchmarks.train                  # nano, 512 px, 4 objects, 7 correction clicks
    python -m benchmarks.train --quick          # 128 px, two steps: does it run?
    python -m benchmarks.train --append         # keep the table in benchmarks/RESULTS.md

One configuration in the sam2 trainer's own format is run twice, each time in a process of its own:
with the classes it names, and with ours in their place, which is what ``python -m floorseg train``
does with such a file. Both read the same plans through sam2's own dataset, sampler and transforms.
On a CPU two processes that share each batch (``--num-gpus 2 --share-batch``) are faster than one
with as many threads; that is measured, too, batch and threads in all being the same.
The upstream trainer switches mixed precision on for CUDA alone, so on a CPU it trains in float32;
ours honours the setting, and is measured both ways.

On a machine without CUDA the upstream trainer's memory meter fails; it is told to measure nothing.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks.table import keep, machine, show
from benchmarks.timed_optimizer import TimedAdamW

NANO = Path(__file__).parents[1] / "floorseg" / "core" / "nano.yaml"
SIDES = {
    "sam2": "sam2's trainer",
    "float32": "floorseg, float32",
    "bfloat16": "floorseg, bfloat16 as configured",
    "shared": "floorseg, bfloat16, --num-gpus 2 --share-batch",
}
PROCESSES = {"shared": 2}  # of half the threads and half the batch each


@dataclass(frozen=True, slots=True)
class Timing:
    """Median seconds a step of one side, and the most memory it held, bytes."""

    seconds: float
    memory: int


def main() -> None:
    """Measure every side and print the table."""
    options = _options()
    if options.side:
        print(json.dumps(measure(options)))
        return
    with tempfile.TemporaryDirectory(prefix="floorseg-benchmark-") as folder:
        write_data(Path(folder), options)
        found = {side: _in_own_processes(side, folder, options) for side in SIDES}
    base = found["sam2"].seconds
    rows = [
        [SIDES[side], f"{t.seconds:.2f} s", f"{options.batch / t.seconds:.2f}",
         f"{base / t.seconds:.2f}", f"{t.memory / 2**30:.1f} GiB"]
        for side, t in found.items()
    ]  # fmt: skip
    text = show(["trainer", "step", "images/s", "times as fast", "peak memory"], rows)
    title = (
        f"Training: nano, {options.size} px, batch {options.batch}, {options.objects} objects, "
        f"{options.clicks} correction clicks"
    )
    print(f"{title}\n\n{text}\n\n{machine(options.device)}")
    if options.append:
        command = f"python -m benchmarks.train {' '.join(sys.argv[1:])}".strip()
        print(f"kept in {keep(title, command, text, options.device)}")


def write_data(folder: Path, options: argparse.Namespace) -> None:
    """Enough synthetic plans for one epoch of the steps to be measured."""
    from floorseg.data.synth.writer import Order, write_plans

    images = options.batch * (options.steps + 1)
    write_plans(folder / "plans", Order(images, seed=7, size=(options.size, options.size)))


def configuration(folder: Path, options: argparse.Namespace) -> DictConfig:
    """What is trained, in the sam2 trainer's own format and by its own classes."""
    model = OmegaConf.load(NANO).model
    OmegaConf.set_struct(model, False)
    model.update(
        _target_="training.model.sam2.SAM2Train", image_size=options.size,
        prob_to_use_pt_input_for_train=1.0, prob_to_use_box_input_for_train=0.5,
        prob_to_sample_from_gt_for_train=0.1, num_correction_pt_per_frame=options.clicks,
    )  # fmt: skip
    return OmegaConf.create({
        "_target_": "training.trainer.Trainer",
        "mode": "train_only",
        "max_epochs": 1,
        "accelerator": options.device,
        "seed_value": 123,
        "model": model,
        "data": {"train": _data(folder, options)},
        "optim": {
            "amp": {"enabled": options.side != "float32", "amp_dtype": "bfloat16"},
            "optimizer": {"_target_": "benchmarks.timed_optimizer.TimedAdamW"},
            "gradient_clip": {
                "_target_": "training.optimizer.GradientClipper", "max_norm": 0.1, "norm_type": 2,
            },
            "options": {"lr": [{"scheduler": {
                "_target_": "fvcore.common.param_scheduler.ConstantParamScheduler", "value": 5e-6,
            }}]},
        },
        "loss": {"all": {
            "_target_": "training.loss_fns.MultiStepMultiMasksAndIous",
            "weight_dict": {"loss_mask": 20, "loss_dice": 1, "loss_iou": 1, "loss_class": 1},
            "supervise_all_iou": True, "iou_use_l1_loss": True, "pred_obj_scores": True,
            "focal_gamma_obj_score": 0.0, "focal_alpha_obj_score": -1.0,
        }},
        "distributed": {
            "backend": "nccl" if options.device == "cuda" else "gloo",
            "find_unused_parameters": True,
        },
        "logging": {
            "tensorboard_writer": None, "log_dir": str(folder / options.side), "log_freq": 10,
        },
        "checkpoint": {"save_dir": str(folder / options.side / "checkpoints"), "save_freq": 0},
    })  # fmt: skip


def _data(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    transforms = "training.dataset.transforms"
    return {
        "_target_": "training.dataset.sam2_datasets.TorchTrainMixedDataset",
        "phases_per_epoch": 1,
        "batch_sizes": [options.batch],
        "datasets": [{
            "_target_": "training.dataset.vos_dataset.VOSDataset",
            "training": True,
            "multiplier": 1,
            "video_dataset": {
                "_target_": "floorseg.training.dataset.FloorplanRawDataset",
                "folder": str(folder / "plans"), "categories": ["room"],
            },
            "sampler": {
                "_target_": "training.dataset.vos_sampler.RandomUniformSampler",
                "num_frames": 1, "max_num_objects": options.objects,
            },
            "transforms": [{"_target_": f"{transforms}.ComposeAPI", "transforms": [
                {"_target_": f"{transforms}.RandomHorizontalFlip", "consistent_transform": True},
                {"_target_": f"{transforms}.RandomResizeAPI", "sizes": options.size,
                 "square": True, "consistent_transform": True},
                {"_target_": f"{transforms}.ToTensorAPI"},
                {"_target_": f"{transforms}.NormalizeAPI", "mean": [0.485, 0.456, 0.406],
                 "std": [0.229, 0.224, 0.225]},
            ]}],
        }],
        "shuffle": True,
        "num_workers": 0,
        "pin_memory": False,
        "drop_last": True,
        "collate_fn": {
            "_target_": "training.utils.data_utils.collate_fn", "_partial_": True,
            "dict_key": "all",
        },
    }  # fmt: skip


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Train with one side's classes in this process; seconds a step and peak memory."""
    from floorseg.training.config import register_resolvers
    from floorseg.training.official import with_our_classes

    torch.set_num_threads(options.threads)
    os.environ.update(
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(options.port), RANK=str(options.rank),
        LOCAL_RANK=str(options.rank), WORLD_SIZE=str(options.world),
    )  # fmt: skip
    register_resolvers()
    config = configuration(Path(options.folder), options)
    if options.side == "sam2":
        _spare_the_memory_meter()
    else:
        config = with_our_classes(config)
    instantiate(config, _recursive_=False).run()
    moments = TimedAdamW.moments
    times = [after - before for before, after in pairwise(moments)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if torch.cuda.is_available():
        memory = torch.cuda.max_memory_allocated()
    return {"seconds": statistics.median(times), "memory": memory}


def _spare_the_memory_meter() -> None:
    if not torch.cuda.is_available():
        from training.utils.train_utils import MemMeter

        MemMeter.update = lambda self, **_: None  # type: ignore[method-assign]


def _in_own_processes(side: str, folder: str, options: argparse.Namespace) -> Timing:
    """Measure one side in fresh processes; the last line of each is its answer."""
    count = PROCESSES.get(side, 1)
    asked = {name: getattr(options, name) for name in ("size", "objects", "clicks", "steps")}
    asked |= {"batch": options.batch // count, "threads": max(1, options.threads // count)}
    asked |= {"device": options.device, "port": _free_port(), "world": count}
    words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    members = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.train", "--side", side, "--folder", folder,
             "--rank", str(rank), *words],
            stdout=subprocess.PIPE, text=True,
        )
        for rank in range(count)
    ]  # fmt: skip
    said = [member.communicate()[0] for member in members]
    if any(member.returncode for member in members):
        raise SystemExit(f"{SIDES[side]} failed; what it said stands above")
    facts = [json.loads(text.strip().splitlines()[-1]) for text in said]
    return Timing(max(f["seconds"] for f in facts), sum(int(f["memory"]) for f in facts))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="sam2's trainer and ours on the same config")
    parser.add_argument("--quick", action="store_true", help="small and short: does it run?")
    parser.add_argument("--append", action="store_true", help="keep it in RESULTS.md")
    parser.add_argument("--size", type=int, default=512, help="pixels a side")
    parser.add_argument("--batch", type=int, default=4, help="images a step")
    parser.add_argument("--objects", type=int, default=4, help="masks an image")
    parser.add_argument("--clicks", type=int, default=7, help="correction clicks")
    parser.add_argument("--steps", type=int, default=5, help="steps measured, after a first one")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--side", default="", choices=["", *SIDES], help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    for name, usual in (("--port", 0), ("--rank", 0), ("--world", 1)):
        parser.add_argument(name, type=int, default=usual, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.size, options.batch, options.clicks, options.steps = 128, 2, 2, 2
    return options


if __name__ == "__main__":
    main()
