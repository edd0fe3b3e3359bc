"""What each trait of the synthetic plans does to clicks on real ones.

    python -m benchmarks.traits --data ROOMS --out out/traits

One base model a trait is trained from random weights on plans drawn without that trait, all else
equal: seed, number of plans, steps. Each is then asked for the rooms of real plans that no training
saw, with one click. What a trait is worth is how much is lost without it. What is finished is
kept in ``--out``: the same command goes on where it was stopped.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.table import keep, machine, show
from eval.report import load_report
from floorseg.data.synth.plan import TRAITS
from floorseg.runs import RunFolder

SIZE = 512  # pixels of the plans that are drawn
ALL = "all traits"


def main() -> None:
    """Draw, train and ask, once for each trait."""
    options = _options()
    names = [ALL, *(options.trait or TRAITS)]
    for name in names:
        if not (options.out / name / "report.json").is_file():
            _measure(name, options)
    found = {name: _scores(options.out / name) for name in names}
    rows = []
    for name, (mean, low, high) in found.items():
        worth = "" if name == ALL else f"{found[ALL][0] - mean:+.3f}"
        label = name if name == ALL else f"without {name}"
        rows.append([label, f"{mean:.3f}", f"{low:.3f} to {high:.3f}", worth])
    headings = ("plans drawn with", "1 click, mIoU", "95 % interval", "worth of the trait")
    text = (
        f"{options.images} plans of {SIZE} px, {options.steps} steps of "
        f"{options.batch * options.processes} plans at {options.image_size} px, from random "
        f"weights; asked on {options.split or 'all'} of {options.data.name}.\n\n"
        + show(headings, rows)
    )
    print(f"{machine()}\n\n{text}")
    if options.append:
        keep(
            "Traits of the synthetic plans",
            " ".join(["python -m benchmarks.traits", *sys.argv[1:]]),
            text,
        )


def _measure(name: str, options: argparse.Namespace) -> None:
    plans, runs = options.out / "plans" / name, options.out / "runs"
    without = [] if name == ALL else ["--without", name]
    _run(
        "floorseg", "synth", plans, "--images", options.images, "--seed", options.seed,
        "--size", SIZE, "--split", "train=0.95,valid=0.05", *without,
    )  # fmt: skip
    stage = f"{{length: {options.steps}, image_size: {options.image_size}, "
    stage += f"batch_sizes: [{options.batch}]}}"
    run = name.replace(" ", "-")
    for old in runs.glob(f"*-{run}"):  # of a time it was stopped
        shutil.rmtree(old)
    _run(
        "floorseg", "train", "-c", "configs/nano_pretrain.yaml", "--runs", runs, "--name", run,
        "--num-gpus", options.processes, f"dataset.folder={plans}", f"trainer.stages=[{stage}]",
        "trainer.stage_unit=steps", f"trainer.validate_every={options.steps}",
    )  # fmt: skip
    [folder] = runs.glob(f"*-{run}")
    _run(
        "eval", "--checkpoint", RunFolder(folder).checkpoints / "best.pt", "--data", options.data,
        "--split", options.split, "--limit", options.limit, "--clicks", 1, "--no-close-ups",
        "--workers", 2, "--out", options.out / name,
    )  # fmt: skip
    shutil.rmtree(plans)


def _run(module: str, *words: object) -> None:
    subprocess.run([sys.executable, "-m", module, *map(str, words)], check=True)


def _scores(folder: Path) -> tuple[float, float, float]:
    """1-click mIoU and its interval."""
    found = load_report(folder).curve[0].iou
    return found.mean, found.low, found.high


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="real plans with masks")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--limit", type=int, default=0, help="so many of them; 0 for all")
    parser.add_argument("--out", type=Path, default=Path("out/traits"))
    parser.add_argument("--trait", action="append", choices=TRAITS, help="only these; repeatable")
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=16, help="plans a step and process")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--append", action="store_true", help="also to benchmarks/RESULTS.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
