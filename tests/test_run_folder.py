import json
import os
import subprocess
import sys

import pytest

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState, list_runs


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path, "my run/1")
    folder.config.write_text("a: 1\n")
    return folder


def test_two_runs_of_one_name_have_two_folders(tmp_path):
    first, second = (RunFolder.create(tmp_path, "same") for _ in range(2))

    assert first.path != second.path


def test_a_name_cannot_leave_the_runs_folder(tmp_path):
    assert RunFolder.create(tmp_path, "../../etc/x y").path.parent == tmp_path


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run"):
        RunFolder.open(tmp_path)


def test_a_run_that_has_not_begun_is_created(run):
    assert run.state() is RunState.CREATED


def test_a_run_is_running_while_its_process_lives(run):
    run.claim()

    assert run.state() is RunState.RUNNING
    assert run.pid() == os.getpid()


def test_a_run_whose_process_vanished_was_interrupted(run):
    code = f"from floorseg.runs import RunFolder; RunFolder.open({str(run.path)!r}).claim()"
    subprocess.run([sys.executable, "-c", code], check=True)

    assert run.state() is RunState.INTERRUPTED
    assert run.pid() is None


def test_another_process_with_the_same_number_is_not_the_run(run):
    run.claim()
    facts = json.loads((run.path / "pid").read_text())
    run.write_json("pid", {**facts, "started": facts["started"] - 1000})

    assert run.state() is RunState.INTERRUPTED


def test_a_live_run_cannot_be_claimed_twice(run):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        import psutil

        run.write_json("pid", {
            "pid": other.pid, "started": psutil.Process(other.pid).create_time(),
            "host": __import__("socket").gethostname(),
        })  # fmt: skip
        with pytest.raises(RunError, match="is running already"):
            run.claim()
        other.communicate(b"\n")


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.STOPPED, RunState.FAILED])
def test_how_a_run_ended_is_kept(run, state):
    run.claim()
    run.leave(state, "because")

    assert run.state() is state
    assert run.exit_message() == "because"


def test_a_resumed_run_is_running_again(run):
    run.leave(RunState.STOPPED)
    run.claim()

    assert run.state() is RunState.RUNNING


def test_events_are_read_back_in_order_and_a_torn_line_is_left_out(run):
    run.record("step", loss=1.0)
    run.record("validation", click1=0.5)
    with (run.path / "progress.jsonl").open("a") as file:
        file.write('{"event": "st')

    assert [event["event"] for event in run.events()] == ["step", "validation"]
    assert next(iter(run.events("validation")))["click1"] == 0.5


def test_runs_are_listed_newest_first(tmp_path):
    for name in ("20260101-000000-a", "20260102-000000-b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("")
    (tmp_path / "not-a-run").mkdir()

    assert [run.name for run in list_runs(tmp_path)] == ["20260102-000000-b", "20260101-000000-a"]
