"""``python -m eval`` with a real, tiny model: alone, with helpers, killed, on a cluster."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from typer.testing import CliRunner

from eval.__main__ import app
from eval.plan import EvalPlan
from eval.records import count_records
from eval.report import load_report, load_rows
from eval.runner import evaluate
from floorseg.core.model import build_model, save_checkpoint
from floorseg.errors import ConfigError, RunError
from tests.eval.plans import write_plans

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64)
    return path


@pytest.fixture(scope="module")
def sheets(tmp_path_factory) -> Path:
    return write_plans(tmp_path_factory.mktemp("sheets"), count=12)


@pytest.fixture(scope="module")
def alone(tiny, sheets, tmp_path_factory) -> Path:
    """The report of one process, with one thread."""
    out = tmp_path_factory.mktemp("alone")
    process = start(*arguments(tiny, sheets, out))
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    return out


def plan(tiny: Path, sheets: Path) -> EvalPlan:
    return EvalPlan(checkpoint=str(tiny), data=str(sheets), clicks=3, device="cpu")


def arguments(tiny: Path, sheets: Path, out: Path) -> list[str]:
    return [
        "--checkpoint", str(tiny), "--data", str(sheets), "--out", str(out),
        "--clicks", "3", "--device", "cpu",
    ]  # fmt: skip


_started: list[subprocess.Popen] = []


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_running():
    yield
    for process in _started:
        if process.poll() is None:
            process.kill()
        process.wait()


def start(*words: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-m", "eval", *words],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _started.append(process)
    return process


def wait_for_records(out: Path, count: int, process: subprocess.Popen) -> None:
    for _ in range(4000):
        if count_records(out) >= count:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("nothing was recorded within minutes")


def wait_for_signal(suspended: psutil.Process, number: int) -> None:
    """Until the kernel keeps a signal for a process that is suspended."""
    for _ in range(2400):
        status = Path(f"/proc/{suspended.pid}/status").read_text().splitlines()
        (pending,) = (line.split()[1] for line in status if line.startswith("ShdPnd:"))
        if int(pending, 16) >> (number - 1) & 1:
            return
        time.sleep(0.05)
    raise AssertionError(f"no signal {number} for {suspended} within minutes")


def lines(out: Path) -> list[bytes]:
    return [
        line for path in sorted((out / "pictures").iterdir())
        for line in path.read_bytes().splitlines()
    ]  # fmt: skip


def test_two_checkpoints_are_evaluated_shown_and_compared(tiny, sheets, tmp_path):
    run = CliRunner()
    words = [*arguments(tiny, sheets, tmp_path), "--checkpoint", str(tiny), "--limit", "3"]

    done = run.invoke(app, words)
    shown = run.invoke(app, ["show", str(tmp_path)])
    compared = run.invoke(app, ["compare", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert load_report(tmp_path / "tiny").checkpoint.architecture == "nano"
    assert load_report(tmp_path / "tiny").scores == load_report(tmp_path / "tiny-2").scores
    assert "3 pictures" in done.stdout
    assert "by class" in shown.stdout
    assert "cannot tell" in compared.stdout


def test_what_is_missing_is_said(tmp_path):
    result = CliRunner().invoke(app, ["--data", str(tmp_path)])

    assert isinstance(result.exception, ConfigError)
    assert "--checkpoint, --data and --out are needed" in str(result.exception)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_evaluation_that_was_ended_goes_on_and_gives_the_same_numbers(
    how, tiny, sheets, alone, tmp_path
):
    process = start(*arguments(tiny, sheets, tmp_path))
    wait_for_records(tmp_path, 2, process)
    process.send_signal(how)
    _, ended = process.communicate()
    before = lines(tmp_path)

    _, said = start(*arguments(tiny, sheets, tmp_path)).communicate(timeout=240)

    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on" in ended
    assert 2 <= len(before) < 12, said
    assert lines(tmp_path)[: len(before) - 1] == before[:-1]  # the last may be torn
    assert load_rows(tmp_path).equals(load_rows(alone))
    assert load_report(tmp_path).scores == load_report(alone).scores


@pytest.mark.slow
def test_helpers_give_the_numbers_of_one_process_and_ctrl_c_stops_them(
    tiny, sheets, alone, tmp_path
):
    words = [*arguments(tiny, sheets, tmp_path), "--workers", "2"]
    process = start(*words)
    wait_for_records(tmp_path, 1, process)
    helpers = psutil.Process(process.pid).children()
    for helper in helpers:
        helper.suspend()  # or a fast one has done all its pictures before it is asked to stop
    process.send_signal(signal.SIGINT)
    for helper in helpers:
        wait_for_signal(helper, signal.SIGTERM)
        helper.resume()
    _, said = process.communicate(timeout=120)
    after_stop = count_records(tmp_path)
    again = start(*words)
    _, said_again = again.communicate(timeout=240)

    assert process.returncode == 130, said
    assert "the same command goes on" in said
    assert 1 <= after_stop < 12
    assert again.returncode == 0, said_again
    assert load_rows(tmp_path).equals(load_rows(alone))


def test_a_helper_that_fails_is_quoted(tiny, sheets, tmp_path):
    copy = tmp_path / "copy.pt"
    shutil.copy(tiny, copy)

    def crew(folder, progress, stop):
        copy.write_bytes(b"not weights")
        from eval.crews import processes

        processes(1)(folder, progress, stop)

    with pytest.raises(RunError, match=r"part 0 failed: .*changed since"):
        evaluate(plan(copy, sheets), tmp_path / "out", crew=crew)
