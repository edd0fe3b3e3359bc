"""Training with the encoder frozen, beside sam2's own trainer with its encoder frozen.

    python -m benchmarks.train_frozen            # SAM 2.1 tiny, 1024 px, 4 objects; 7 clicks and 0
    python -m benchmarks.train_frozen --quick    # nano, 128 px, two steps: does it run?
    python -m benchmarks.train_frozen --append   # keep the table in benchmarks/RESULTS.md

Each side trains on the same synthetic plans in a process of its own. Of this project's trainer the
second epoch is measured, when every feature it keeps is on disk; to the upstream trainer all epochs
are alike, so it runs one. Weights are random: they do not change the time. On two idle cores all of
it takes about six minutes. The upstream trainer computes the encoder's features at every step,
without gradients, which is what freezing gives there.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from training.model.sam2 import SAM2Train

from benchmarks import train as usual
from benchmarks.table import keep, machine, show
from benchmarks.timed_optimizer import TimedAdamW

SIDES = {
    "sam2": "sam2's trainer, encoder frozen",
    "float32": "floorseg, features kept, float32",
    "bfloat16": "floorseg, features kept, bfloat16 as configured",
}


class FrozenSAM2Train(SAM2Train):
    """sam2's own training model with an encoder that does not learn."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.image_encoder.requires_grad_(False)

    def prepare_prompt_inputs(self, *args: Any, **more: Any) -> Any:
        """As upstream, which cannot do without correction clicks: it fails where none are asked."""
        found = super().prepare_prompt_inputs(*args, **more)
        if not self.num_correction_pt_per_frame:
            found["frames_to_add_correction_pt"] = []
        return found


def main() -> None:
    """Measure every side and print the table."""
    options = _options()
    if options.side:
        print(json.dumps(measure(options)))
        return
    rows = []
    with tempfile.TemporaryDirectory(prefix="floorseg-benchmark-") as folder:
        options.folder = folder
        usual.write_data(Path(folder), argparse.Namespace(**vars(options)))
        for clicks in options.clicks:
            found = {side: _in_own_process(side, clicks, options) for side in SIDES}
            rows += [
                [str(clicks), SIDES[side], f"{facts['seconds']:.2f} s",
                 f"{found['sam2']['seconds'] / facts['seconds']:.2f}",
                 f"{facts['memory'] / 2**30:.1f} GiB"]
                for side, facts in found.items()
            ]  # fmt: skip
    text = show(["correction clicks", "trainer", "step", "times as fast", "peak memory"], rows)
    title = (
        f"Frozen encoder, from the second epoch on: SAM 2.1 {options.model}, {options.size} px, "
        f"{options.objects} objects"
    )
    print(f"{title}\n\n{text}\n\n{machine(options.device)}")
    if options.append:
        command = f"python -m benchmarks.train_frozen {' '.join(sys.argv[1:])}".strip()
        print(f"kept in {keep(title, command, text, options.device)}")


def configuration(folder: Path, options: argparse.Namespace) -> DictConfig:
    """The encoder frozen, the model named instead of nano; two epochs where features are kept."""
    config = usual.configuration(folder, options)
    model = OmegaConf.load(_architecture(options.model)).model
    OmegaConf.set_struct(model, False)
    for key, value in config.model.items():
        if key.startswith(("prob_", "num_correction")) or key == "image_size":
            model[key] = value
    model._target_ = "benchmarks.train_frozen.FrozenSAM2Train"
    config.model, config.max_epochs = model, 1 if options.side == "sam2" else 2
    own = folder / f"{options.side}-{options.clicks}"  # a trainer goes on from what it finds there
    config.logging.log_dir, config.checkpoint.save_dir = str(own), str(own / "checkpoints")
    if options.side != "sam2":
        _as_floorseg(config, folder, options)
    return config


def _as_floorseg(config: DictConfig, folder: Path, options: argparse.Namespace) -> None:
    """What the preset ``trained=decoder`` makes of it."""
    config._target_ = "floorseg.training.trainer.Trainer"
    config.model._target_ = "floorseg.training.partial.PartSAM2Train"
    config.model.trained = "decoder"
    config.model.feature_cache = {
        "_target_": "floorseg.training.features.FeatureCache",
        "folder": str(folder / "features"), "ways": options.ways,
    }  # fmt: skip
    config.loss["all"]._target_ = "floorseg.training.official_loss.MultiStepMultiMasksAndIous"
    config.data.train.datasets = [{
        "_target_": "floorseg.training.dataset.PlanDataset",
        "video_dataset": {
            "_target_": "floorseg.training.dataset.FloorplanRawDataset",
            "folder": str(folder / "plans"), "categories": ["room"],
        },
        "image_size": options.size,
        "max_num_objects": options.objects,
        "reserve": 1.0,
        "augmentation": {"_target_": "floorseg.training.turns.RightAngles", "ways": options.ways},
        "cache": {
            "_target_": "floorseg.training.reduced.ReducedCache", "folder": str(folder / "reduced"),
        },
    }]  # fmt: skip


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Train with one side in this process; seconds a step of the second epoch, and peak memory."""
    from floorseg.training.config import register_resolvers

    torch.set_num_threads(options.threads)
    os.environ.update(
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(options.port), RANK="0", LOCAL_RANK="0",
        WORLD_SIZE="1",
    )  # fmt: skip
    register_resolvers()
    if options.side == "sam2":
        usual._spare_the_memory_meter()
    options.clicks = options.clicks[0]
    instantiate(configuration(Path(options.folder), options), _recursive_=False).run()
    times = [after - before for before, after in pairwise(TimedAdamW.moments)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": statistics.median(times[-options.steps :]), "memory": memory}


def _architecture(name: str) -> Any:
    if name == "nano":
        return usual.NANO
    return str(files("sam2") / f"configs/sam2.1/sam2.1_hiera_{name[0]}.yaml")


def _in_own_process(side: str, clicks: int, options: argparse.Namespace) -> dict[str, float]:
    asked = {
        "side": side, "clicks": clicks, "folder": options.folder, "model": options.model,
        "size": options.size, "objects": options.objects, "steps": options.steps,
        "ways": options.ways, "threads": options.threads, "device": options.device,
        "port": options.port,
    }  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.train_frozen"]
    print(f"{clicks} correction clicks: {SIDES[side]} ...", file=sys.stderr, flush=True)
    command += [part for key, value in asked.items() for part in (f"--{key}", str(value))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny", help="tiny, small, large or nano")
    parser.add_argument("--size", type=int, default=1024, help="pixels a side")
    parser.add_argument("--objects", type=int, default=4)
    parser.add_argument("--clicks", type=int, nargs="+", default=[7, 0], help="corrections")
    parser.add_argument("--steps", type=int, default=4, help="measured, of the second epoch")
    parser.add_argument("--ways", type=int, default=1, help="in which a plan is seen")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--port", type=int, default=29531)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.batch = 1
    if options.quick:
        options.model, options.size, options.objects = "nano", 128, 2
        options.steps, options.clicks = 2, [1]
    return options


if __name__ == "__main__":
    main()
