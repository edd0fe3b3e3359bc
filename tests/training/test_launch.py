"""Several processes and SLURM: what is started, what is submitted, how it is stopped."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from omegaconf import OmegaConf

from floorseg.core.model import build_model, save_checkpoint
from floorseg.errors import ConfigError, RunError
from floorseg.runs import RunFolder, RunState
from floorseg.services import jobs
from floorseg.settings import PROJECT
from floorseg.training import cluster
from floorseg.training.cluster import batch_script, job_parameters
from floorseg.training.config import read_config
from floorseg.training.setup import Launch, settle

CONFIG = "configs/nano_finetune.yaml"


def for_cluster(*overrides, **launch):
    config = settle(read_config(CONFIG, overrides), Launch(use_cluster=True, **launch))
    config.launcher.experiment_log_dir = "runs/NEW"
    return config


@pytest.fixture
def anywhere(monkeypatch):
    """A machine whose SLURM, if any, is not asked about its partitions."""
    monkeypatch.setattr(cluster, "_partition_has_gpus", lambda partition: True)


def test_excluded_nodes_are_joined_with_commas(anywhere):
    config = for_cluster("+submitit.exclude_nodes=[n1,n2]", "+submitit.include_nodes=[n3,n4]")

    found = job_parameters(config)

    assert (found["exclude"], found["nodelist"]) == ("n1,n2", "n3,n4")


def test_a_dry_run_is_the_script_that_would_be_submitted(anywhere, tmp_path):
    config = for_cluster("+submitit.mem_gb=12", num_gpus=4, num_nodes=2, partition="gpu", qos="low")

    script = batch_script(RunFolder(tmp_path), job_parameters(config))

    for line in (
        "--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4", "--partition=gpu", "--qos=low",
        "--mem=12GB", "--time=1440", "--open-mode=append", "--signal=USR2@90",
    ):  # fmt: skip
        assert f"#SBATCH {line}" in script


def test_a_shared_batch_is_divided_in_the_data_and_in_every_stage():
    usual = settle(read_config(CONFIG), Launch(num_gpus=2))
    shared = settle(read_config(CONFIG), Launch(num_gpus=2, share_batch=True))

    for before, after in zip(usual.trainer.stages, shared.trainer.stages, strict=True):
        assert [2 * size for size in after.batch_sizes] == list(before.batch_sizes)


def test_a_batch_that_cannot_be_shared_alike_is_refused():
    with pytest.raises(ConfigError, match="cannot be shared by 3 processes"):
        settle(read_config(CONFIG), Launch(num_gpus=3, share_batch=True))


def test_no_gpus_are_asked_for_where_none_are_wanted_or_there(monkeypatch):
    monkeypatch.setattr(cluster, "_partition_has_gpus", lambda partition: True)
    assert "gpus_per_node" not in job_parameters(for_cluster("trainer.accelerator=cpu"))

    monkeypatch.setattr(cluster, "_partition_has_gpus", lambda partition: False)
    assert "gpus_per_node" not in job_parameters(for_cluster())


def test_without_slurm_a_submission_is_answered_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(RunError, match=r"no SLURM.*--dry-run"):
        cluster.submit(RunFolder(tmp_path), {}, port_range=(10000, 65000))


# -- real processes: a nano model with random weights on tiny plans -------------------------------


@pytest.fixture(scope="module")
def config(plans, tmp_path_factory):
    """A configuration file of a training that takes seconds."""
    folder = tmp_path_factory.mktemp("configs")
    save_checkpoint(folder / "nano.pt", build_model("nano", 64), architecture="nano", image_size=64)
    path = folder / "tiny.yaml"
    settings = {
        "defaults": ["nano_finetune", "_self_"],
        "dataset": {"folder": str(plans), "base_model": str(folder / "nano.pt")},
        "scratch": {"max_num_objects": 1, "validation_images": 1, "cache_gb": 1},
        "plan_cache": {"folder": str(folder / "cache")},
        "submitit": {"cpus_per_task": 1},
        "trainer": {
            "accelerator": "cpu",
            "stage_unit": "steps",
            "stages": [{"length": 2, "image_size": 64, "batch_sizes": [1]}],
            "validate_every": 2,
            "optim": {"amp": {"enabled": False}},
        },
    }
    path.write_text("# @package _global_\n" + OmegaConf.to_yaml(OmegaConf.create(settings)))
    return path


def train(config, runs, *arguments, **popen):
    command = [sys.executable, "-m", "floorseg", "train", "-c", str(config), "--runs", str(runs)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        environment.pop(name, None)
    return subprocess.Popen(
        [*command, *arguments], cwd=PROJECT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen,
    )  # fmt: skip


def only_run(runs):
    (folder,) = [path for path in runs.iterdir() if (path / "config.yaml").is_file()]
    return RunFolder(folder)


def until(condition, patience=600):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_two_processes_train_together_and_say_so_once(config, tmp_path):
    without_one = "+one_dataset.video_dataset.exclude=['*.webp']"
    process = train(config, tmp_path, "--num-gpus", "2", without_one)
    _, errors = process.communicate(timeout=280)

    run = only_run(tmp_path)
    assert run.state() is RunState.FINISHED, errors[-2000:]
    assert errors.count("excluded by the config") == 1
    assert run.log.read_text().count("excluded by the config") == 1
    assert [event["step"] for event in run.events("step")] == [0, 1]
    assert len(list(run.events("end"))) == 1
    assert next(run.events("validation"))["images_seen"] == 4, "two steps of one plan each, twice"
    assert (run.checkpoints / "best.pt").is_file()


def test_asked_to_stop_two_processes_agree_on_the_step(config, tmp_path):
    long = "trainer.stages=[{length: 5000, image_size: 64, batch_sizes: [1]}]"
    process = train(config, tmp_path, "--num-gpus", "2", long, "trainer.validate_every=5000")
    until(lambda: any(tmp_path.glob("*/config.yaml")))
    run = only_run(tmp_path)
    until(lambda: any(run.events("step")))

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)

    assert run.state() is RunState.STOPPED
    assert (run.checkpoints / "checkpoint.pt").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_of_a_run_stops_it_cleanly(config, tmp_path, number):
    """As a terminal sends it at Ctrl-C, and SLURM: also to those that only load plans."""
    long = "trainer.stages=[{length: 5000, image_size: 64, batch_sizes: [1]}]"
    asked = [long, "trainer.validate_every=5000", "scratch.num_train_workers=2"]
    process = train(config, tmp_path, *asked, start_new_session=True)
    until(lambda: any(tmp_path.glob("*/config.yaml")))
    run = only_run(tmp_path)
    until(lambda: any(run.events("step")))

    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=120)

    assert run.state() is RunState.STOPPED, errors[-2000:]
    assert (run.checkpoints / "checkpoint.pt").is_file()


@pytest.mark.slurm
@pytest.mark.timeout(1800)
def test_slurm_runs_it_preempts_it_and_it_goes_on(config, tmp_path):
    need_slurm()
    long = "trainer.stages=[{length: 5000, image_size: 64, batch_sizes: [1]}]"
    asked = ["--use-cluster", "1", long, "trainer.validate_every=20", "scratch.num_train_workers=1"]
    train(config, tmp_path, *asked).communicate(timeout=600)
    run = only_run(tmp_path)
    job = run.read_json("slurm.json")["job"]
    try:
        until(lambda: any(run.events("step")))
        subprocess.run(["scancel", "--signal=USR2", job], check=True)
        until(lambda: any(run.events("requeued")))
        before = max(event["step"] for event in run.events("step"))
        until(lambda: max(e["step"] for e in run.events("step")) > before)

        jobs.stop_run(run, patience=300)

        assert run.state() is RunState.STOPPED
        steps = [event["step"] for event in run.events("step")]
        assert steps == sorted(set(steps)), "nothing was trained on twice"
    finally:
        subprocess.run(["scancel", job], check=False)


@pytest.mark.slurm
@pytest.mark.timeout(1800)
def test_a_job_that_waits_for_a_node_is_cancelled_and_never_begins(config, tmp_path):
    need_slurm()
    occupy = ["sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 1200"]
    other = subprocess.run(occupy, capture_output=True, text=True, check=True).stdout.strip()
    try:
        until(lambda: other in jobs_that("RUNNING"))
        train(config, tmp_path, "--use-cluster", "1").communicate(timeout=600)
        run = only_run(tmp_path)
        job = run.read_json("slurm.json")["job"]
        assert run.state() is RunState.QUEUED
        assert job in jobs_that("PENDING")

        jobs.stop_run(run, patience=60)

        assert run.state() is RunState.STOPPED
        until(lambda: job not in jobs_that("PENDING,RUNNING,COMPLETING"))
        assert not any(run.events("step"))
    finally:
        subprocess.run(["scancel", other], check=False)


def need_slurm():
    if shutil.which("sbatch") is None or subprocess.run(["sinfo"], capture_output=True).returncode:
        pytest.skip("no SLURM here; ../shared/tools/slurm_local.sh start gives one")


def jobs_that(states):
    listed = ["squeue", "--noheader", "--format=%i", f"--states={states}"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
