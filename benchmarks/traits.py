"""What each trait of the synthetic plans does to clicks on real ones.

    python -m benchmarks.traits --data ROOMS --split valid --split train

A base model is trained from random weights on plans that have none of the traits. From there it
goes on once for each trait, on plans that have that one too, all else equal: seed, number of
plans, steps. Each is then asked for the rooms of real plans, which none of them saw, with one
click. What a trait gives is the difference to going on without any. What is finished is kept in
``--out``: the same command goes on where it was stopped.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.table import keep, machine, show
from eval.report.compare import compare
from eval.report.store import load_report
from floorseg.data.synth.plan import TRAITS
from floorseg.runs import RunFolder

SIZE = 512  # pixels of the plans that are drawn
NEEDS = {"dimensions": {"text"}}  # figures are written where something is written
TRUNK, NONE, AGAIN, ALL = "trunk", "none", "none, other plans", "all of them"


def main() -> None:
    """Draw, train and ask, once for each trait."""
    options = _options()
    trunk = _trained(TRUNK, options.trunk_steps, [], options)
    names = [NONE, AGAIN, *options.trait, ALL]
    for name in names:
        missing = [split for split in options.split if not _report(options, name, split).is_file()]
        if missing:
            start = [
                "+trainer.checkpoint.model_weight_initializer._target_=floorseg.training.state.start_from",
                "+trainer.checkpoint.model_weight_initializer._partial_=true",
                f"+trainer.checkpoint.model_weight_initializer.checkpoint={trunk}",
            ]  # fmt: skip
            weights = _trained(name, options.steps, start, options)
            for split in missing:
                _ask(weights, split, _report(options, name, split).parent, options)
    headings = ["plans drawn with"]
    for split in options.split:
        headings += [f"1 click, mIoU on {split}", "against none (95 % interval)"]
    text = (
        f"{options.trunk_steps} steps of {options.batch * options.processes} plans at "
        f"{options.image_size} px from random weights, then {options.steps} steps a row; "
        f"{options.images} plans of {SIZE} px each; asked on {options.data.name}.\n\n"
        + show(tuple(headings), [_row(name, options) for name in names])
    )
    print(f"{machine()}\n\n{text}")
    if options.append:
        command = " ".join(["python -m benchmarks.traits", *sys.argv[1:]])
        keep("Traits of the synthetic plans", command, text)


def _row(name: str, options: argparse.Namespace) -> list[str]:
    cells = [" and ".join([name, *NEEDS.get(name, ())])]
    for split in options.split:
        report = _report(options, name, split).parent
        cells.append(f"{load_report(report).curve[0].iou.mean:.3f}")
        if name == NONE:
            cells.append("")
            continue
        more = compare(_report(options, NONE, split).parent, report).scores["iou"]
        cells.append(f"{more.mean:+.3f} ({more.low:+.3f} to {more.high:+.3f})")
    return cells


def _report(options: argparse.Namespace, name: str, split: str) -> Path:
    folder: Path = options.out / f"{name.replace(', ', '-').replace(' ', '-')}-{split or 'all'}"
    return folder / "report.json"


def _trained(name: str, steps: int, start: list[str], options: argparse.Namespace) -> Path:
    """The weights after ``steps`` on plans that have the one trait, or that were there already."""
    run = name.replace(", ", "-").replace(" ", "-")
    weights = options.out / f"{run}.pt"
    if weights.is_file():
        return weights
    plans, runs = options.out / "plans" / run, options.out / "runs"
    shutil.rmtree(plans, ignore_errors=True)
    has = set(TRAITS) if name == ALL else {name} | NEEDS.get(name, set())
    left_out = [each for each in TRAITS if each not in has]
    _run(
        "floorseg", "synth", plans, "--images", options.images, "--size", SIZE,
        "--seed", options.seed + {TRUNK: 1, AGAIN: 2}.get(name, 0),
        "--split", "train=0.95,valid=0.05", *(f"--without={each}" for each in left_out),
    )  # fmt: skip
    stage = f"{{length: {steps}, image_size: {options.image_size}, batch_sizes: [{options.batch}]}}"
    for old in runs.glob(f"*-{run}"):  # of a time it was stopped
        shutil.rmtree(old)
    _run(
        "floorseg", "train", "-c", "configs/nano_pretrain.yaml", "--runs", runs, "--name", run,
        "--num-gpus", options.processes, f"dataset.folder={plans}", f"trainer.stages=[{stage}]",
        "trainer.stage_unit=steps", f"trainer.validate_every={steps}", *start,
    )  # fmt: skip
    [folder] = runs.glob(f"*-{run}")
    shutil.copyfile(RunFolder(folder).checkpoints / "best.pt", weights)
    shutil.rmtree(plans)
    return weights


def _ask(weights: Path, split: str, report: Path, options: argparse.Namespace) -> None:
    _run(
        "eval", "--checkpoint", weights, "--data", options.data, "--split", split,
        "--limit", options.limit, "--clicks", 1, "--no-close-ups", "--workers", 2, "--out", report,
    )  # fmt: skip


def _run(module: str, *words: object) -> None:
    subprocess.run([sys.executable, "-m", module, *map(str, words)], check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="real plans with masks")
    parser.add_argument("--split", action="append", help="repeatable; valid by default")
    parser.add_argument("--limit", type=int, default=100, help="so many plans of a split; 0: all")
    parser.add_argument("--out", type=Path, default=Path("out/traits"))
    parser.add_argument("--trait", action="append", choices=TRAITS, help="only these; repeatable")
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--trunk-steps", type=int, default=350)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=16, help="plans a step and process")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--append", action="store_true", help="also to benchmarks/RESULTS.md")
    options = parser.parse_args()
    options.split = options.split or ["valid"]
    options.trait = options.trait or list(TRAITS)
    return options


if __name__ == "__main__":
    main()
