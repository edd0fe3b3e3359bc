"""Parts of an evaluation as jobs of a real SLURM: merged, found again after a kill, ended."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
import torch

from eval.cluster import FOLDER, JOBS, Cluster, cluster
from eval.plan import EvalPlan
from eval.records import count_records
from eval.report import load_report, load_rows
from eval.runner import evaluate
from floorseg.core.model import build_model, save_checkpoint
from floorseg.errors import RunError
from tests.eval.plans import write_plans

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 400  # seconds that a busy machine may take to get somewhere


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> EvalPlan:
    """A small model with random weights on twelve plans."""
    folder = tmp_path_factory.mktemp("cluster")
    torch.manual_seed(0)
    path = folder / "tiny.pt"
    save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64)
    sheets = write_plans(folder / "sheets", count=12)
    return EvalPlan(checkpoint=str(path), data=str(sheets), clicks=3, device="cpu")


@pytest.fixture
def slurm() -> None:
    if shutil.which("sbatch") is None or subprocess.run(["sinfo"], capture_output=True).returncode:
        pytest.skip("no SLURM answers on this machine: this test submits to a real one")


def command(plan: EvalPlan, out: Path, *words: str) -> subprocess.Popen:
    arguments = [
        "--checkpoint", plan.checkpoint, "--data", plan.data, "--clicks", str(plan.clicks),
        "--device", "cpu", "--out", str(out), *words,
    ]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "eval", *arguments], cwd=ROOT, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_until(reached, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)


def queued(out: Path) -> set[str]:
    names = orjson.loads((out / FOLDER / JOBS).read_bytes())
    said = subprocess.run(
        ["squeue", "-h", "-r", "-o", "%i", "-j", names[0].split("_")[0]],
        capture_output=True, text=True,
    )  # fmt: skip
    return set(said.stdout.split())


def test_without_slurm_the_cluster_is_refused_in_one_sentence(plan, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RunError, match="no SLURM here"):
        evaluate(plan, tmp_path, crew=cluster(Cluster(jobs=2)))


@pytest.mark.slurm
def test_jobs_outlive_a_killed_command_are_found_again_and_give_one_process_s_numbers(
    slurm, plan, tmp_path
):
    words = ("--use-cluster", "1", "--workers", "2", "--minutes", "30")
    first = command(plan, tmp_path / "many", *words)
    wait_until((tmp_path / "many" / FOLDER / JOBS).exists, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = queued(tmp_path / "many")

    second = command(plan, tmp_path / "many", *words)
    said, _ = second.communicate(timeout=PATIENCE)
    alone = command(plan, tmp_path / "one")
    alone.communicate(timeout=PATIENCE)

    assert len(before) == 2
    assert second.returncode == 0, said
    submitted = list((tmp_path / "many" / FOLDER).glob("*_submission.sh"))
    assert len(submitted) == 1  # nothing was sent twice
    assert len(list((tmp_path / "many" / "pictures").iterdir())) == 2
    assert load_rows(tmp_path / "many").equals(load_rows(tmp_path / "one"))
    assert load_report(tmp_path / "many").scores == load_report(tmp_path / "one").scores


@pytest.mark.slurm
def test_ctrl_c_takes_the_jobs_back_and_the_same_command_goes_on(slurm, plan, tmp_path):
    words = ("--use-cluster", "1", "--workers", "1", "--minutes", "30")
    process = command(plan, tmp_path, *words)
    wait_until(lambda: count_records(tmp_path) >= 1, process)
    names = queued(tmp_path)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    left = subprocess.run(["squeue", "-h", "-r", "-o", "%i %T"], capture_output=True, text=True)
    done = count_records(tmp_path)

    again = command(plan, tmp_path, *words)
    said_again, _ = again.communicate(timeout=PATIENCE)

    assert process.returncode == 130, said
    assert "the same command goes on" in said
    running = {line.split()[0] for line in left.stdout.splitlines() if "COMPLETING" not in line}
    assert not running & names
    assert 1 <= done < 12
    assert again.returncode == 0, said_again
    assert count_records(tmp_path) == 12


@pytest.mark.slurm
def test_a_job_that_is_killed_is_named_and_its_part_goes_on(slurm, plan, tmp_path):
    words = ("--use-cluster", "1", "--workers", "1", "--minutes", "30")
    process = command(plan, tmp_path, *words)
    wait_until(lambda: count_records(tmp_path) >= 1, process)
    subprocess.run(["scancel", "--signal=KILL", *queued(tmp_path)], check=True)
    said, _ = process.communicate(timeout=PATIENCE)

    again = command(plan, tmp_path, *words)
    said_again, _ = again.communicate(timeout=PATIENCE)

    assert process.returncode == 2, said
    assert "(part 0)" in said
    assert "the same command goes on" in " ".join(said.split())
    assert again.returncode == 0, said_again
