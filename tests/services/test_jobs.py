"""Runs as processes: a queue on disk, one at a time, stopped, resumed, deleted.

The processes are real; what they run is a stand-in that behaves as a training does (it says who it
is, listens to SIGTERM, notes how it ended) without loading torch.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
import yaml

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState, list_runs
from floorseg.services import detached, jobs, queues

TRAINING = textwrap.dedent("""
    import signal, sys, time
    from floorseg.runs import RunFolder, RunState
    if sys.argv[1] == "runs":                       # floorseg runs work RUNS --device D
        from pathlib import Path
        from floorseg.services import detached, queues
        detached.command_line = lambda arguments: [sys.executable, sys.argv[0], *arguments]
        queues.work(Path(sys.argv[3]), sys.argv[5])
        sys.exit()
    run = RunFolder.open(sys.argv[3])               # floorseg train --resume RUN
    run.claim()
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    run.record("began")
    seconds = float((run.path / "seconds").read_text())
    end = time.time() + seconds
    while time.time() < end and not asked:
        time.sleep(0.02)
    run.record("ended")
    run.leave(RunState.STOPPED if asked else RunState.FINISHED)
""")


@pytest.fixture(autouse=True)
def stand_in(tmp_path, monkeypatch):
    """Processes run the stand-in; whatever is left of them ends with the test."""
    program = tmp_path / "stand_in.py"
    program.write_text(TRAINING)
    monkeypatch.setattr(detached, "command_line", lambda a: [sys.executable, str(program), *a])
    yield
    for process in psutil.process_iter(["cmdline"]):
        if str(program) in (process.info["cmdline"] or []):
            process.kill()


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def make_run(runs, name, seconds=0.2, device="cpu"):
    run = RunFolder.create(runs, name)
    run.write("config.yaml", yaml.safe_dump({"trainer": {"max_epochs": 3}}))
    run.write_json("provenance.json", {"device": device})
    run.write("seconds", str(seconds))
    return run


def until(condition, patience=30):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def times(run):
    return {event["event"]: event["time"] for event in run.events()}


def test_a_run_in_the_queue_is_started_by_nobody_in_particular(runs):
    run = make_run(runs, "first")

    queues.enqueue(run, device="cpu")

    until(lambda: run.state() is RunState.FINISHED)

    assert times(run)["began"] <= times(run)["ended"]


def test_one_run_at_a_time_per_device_first_come_first_served(runs):
    first, second = make_run(runs, "first", 0.5), make_run(runs, "second")

    queues.enqueue(first, device="cpu")
    queues.enqueue(second, device="cpu")
    until(lambda: second.state() is RunState.FINISHED)

    assert times(first)["ended"] <= times(second)["began"]


def test_runs_on_different_devices_do_not_wait_for_each_other(runs):
    slow, quick = make_run(runs, "slow", 30), make_run(runs, "quick", device="cuda")

    queues.enqueue(slow, device="cpu")
    queues.enqueue(quick, device="cuda")

    until(lambda: quick.state() is RunState.FINISHED)
    until(lambda: slow.state() is RunState.RUNNING)

    assert "ended" not in times(slow)


def test_who_waits_is_seen_in_the_order_they_came(runs):
    busy, late, later = (make_run(runs, n, s) for n, s in [("a", 30), ("z", 0), ("b", 0)])
    queues.enqueue(busy, device="cpu")
    until(lambda: busy.state() is RunState.RUNNING)

    queues.enqueue(late, device="cpu")
    queues.enqueue(later, device="cpu")

    assert [waiting.run.name for waiting in queues.queue(runs)] == [late.name, later.name]


def test_a_run_is_not_a_child_of_who_started_it_and_outlives_them(runs):
    run = make_run(runs, "lasting", 30)
    starter = (
        "import sys; from pathlib import Path; from floorseg.runs import RunFolder; "
        "from floorseg.services import detached, queues; "
        f"program = {str(runs.parent / 'stand_in.py')!r}; "
        "detached.command_line = lambda a: [sys.executable, program, *a]; "
        f"queues.enqueue(RunFolder(Path({str(run.path)!r})), device='cpu')"
    )
    subprocess.run([sys.executable, "-c", starter], check=True, start_new_session=True)
    until(lambda: run.state() is RunState.RUNNING)

    process = psutil.Process(run.pid())

    assert os.getpgid(process.pid) != os.getpgid(0)
    assert os.getpid() not in [parent.pid for parent in process.parents()]


def test_a_queue_goes_on_after_its_worker_was_killed(runs):
    first, second = make_run(runs, "first", 1.0), make_run(runs, "second")
    queues.enqueue(first, device="cpu")
    until(lambda: first.state() is RunState.RUNNING)
    queues.enqueue(second, device="cpu")
    for parent in psutil.Process(first.pid()).parents():
        if "work" in parent.cmdline():
            parent.kill()
            until(lambda worker=parent: not worker.is_running() or worker.status() == "zombie")

    queues.wake(runs)

    until(lambda: second.state() is RunState.FINISHED)
    assert times(first)["ended"] <= times(second)["began"]


def test_a_worker_waits_for_the_lock_that_a_dead_one_has_not_let_go_of(runs):
    run = make_run(runs, "patient", 0)
    (runs / ".queue").mkdir()
    dead = {"pid": 2**22 + 1, "started": 0.0, "host": socket.gethostname()}
    (runs / ".queue" / "cpu.json").write_text(json.dumps(dead))
    with (runs / ".queue" / "cpu.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        queues.enqueue(run, device="cpu")
        until(lambda: workers(runs))
        time.sleep(1)  # long enough for it to have tried
        assert workers(runs), "the queue was left to nobody"

    until(lambda: run.state() is RunState.FINISHED)


def test_of_many_workers_one_works_and_the_others_go_home(runs):
    run = make_run(runs, "one", 30)
    queues.enqueue(run, device="cpu")
    until(lambda: run.state() is RunState.RUNNING)
    make_run(runs, "two", 30).write_json("queue.json", {"device": "cpu", "since": time.time()})
    for _ in range(3):
        detached.start_detached(
            detached.command_line(["runs", "work", str(runs), "--device", "cpu"]),
            log=runs / "log.txt",
        )

    until(lambda: len(workers(runs)) == 1)
    queues.wake(runs)
    assert len(workers(runs)) == 1


def workers(runs):
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if str(runs) in (process.info["cmdline"] or []) and process.info["status"] != "zombie"
    ]


def test_stopping_lets_a_run_save_and_end(runs):
    run = make_run(runs, "long", 60)
    queues.enqueue(run, device="cpu")
    until(lambda: "began" in times(run))

    assert jobs.stop_run(run, patience=20) is RunState.STOPPED


def test_stopping_a_waiting_run_takes_it_out_of_the_queue(runs):
    busy, waiting = make_run(runs, "busy", 60), make_run(runs, "waiting", 60)
    queues.enqueue(busy, device="cpu")
    until(lambda: busy.state() is RunState.RUNNING)
    queues.enqueue(waiting, device="cpu")

    assert jobs.stop_run(waiting) is RunState.STOPPED
    assert not queues.queue(runs)


def test_what_does_not_run_cannot_be_stopped(runs):
    with pytest.raises(RunError, match="not running, it is created"):
        jobs.stop_run(make_run(runs, "idle"))


def test_a_killed_run_is_interrupted_and_can_be_resumed(runs):
    run = make_run(runs, "killed", 60)
    queues.enqueue(run, device="cpu")
    until(lambda: "began" in times(run))
    jobs.kill_run(run)
    until(lambda: run.state() is RunState.INTERRUPTED)
    run.write("seconds", "0")

    jobs.resume_run(run)

    until(lambda: run.state() is RunState.FINISHED)

    assert [event["event"] for event in run.events()] == ["began", "began", "ended"]


def test_a_run_killed_and_resumed_before_its_start_is_noted_keeps_its_place(runs, monkeypatch):
    run = make_run(runs, "early")
    run.write_json("queue.json", {"device": "cpu", "since": 1.0})
    begin = detached.start_detached

    def killed_and_resumed(command, *, log):
        monkeypatch.setattr(detached, "start_detached", begin)
        process = begin([sys.executable, "-c", "import time; time.sleep(1)"], log=log)
        run.write_json("queue.json", {"device": "cpu", "since": 2.0})
        return process

    monkeypatch.setattr(detached, "start_detached", killed_and_resumed)

    queues.work(runs, "cpu")

    assert run.state() is RunState.FINISHED


def test_a_finished_run_goes_on_only_when_it_is_told_how_far(runs):
    run = make_run(runs, "done")
    run.leave(RunState.FINISHED)

    with pytest.raises(RunError, match="how much longer"):
        jobs.resume_run(run)
    jobs.resume_run(run, more=2)

    assert yaml.safe_load(run.config.read_text())["trainer"]["max_epochs"] == 5
    until(lambda: run.state() is RunState.FINISHED)


def test_the_last_stage_of_a_staged_run_is_what_grows(runs):
    run = make_run(runs, "staged")
    stages = [{"length": 2.0}, {"length": 3.0}]
    run.write("config.yaml", yaml.safe_dump({"trainer": {"max_epochs": 1, "stages": stages}}))

    jobs.lengthen(run, 4)

    trainer = yaml.safe_load(run.config.read_text())["trainer"]
    assert [stage["length"] for stage in trainer["stages"]] == [2.0, 7.0]


def test_a_live_run_is_not_deleted(runs):
    run = make_run(runs, "live", 60)
    queues.enqueue(run, device="cpu")
    until(lambda: run.state() is RunState.RUNNING)

    with pytest.raises(RunError, match="stop it before"):
        jobs.delete_run(run)
    assert run.config.is_file()


def test_a_deleted_run_is_gone(runs):
    run = make_run(runs, "old")

    jobs.delete_run(run)

    assert not run.path.exists()
    assert not list_runs(runs)


def test_a_folder_that_is_no_run_is_never_deleted(tmp_path):
    (tmp_path / "precious").mkdir()

    with pytest.raises(RunError, match="left alone"):
        jobs.delete_run(RunFolder(tmp_path / "precious"))
    assert (tmp_path / "precious").is_dir()


def test_the_sentence_of_a_refused_training_reaches_who_asked(tmp_path, monkeypatch):
    program = tmp_path / "refuses.py"
    program.write_text("import sys; sys.exit('floorseg: there is no configuration at x.yaml')")
    monkeypatch.setattr(detached, "command_line", lambda a: [sys.executable, str(program), *a])

    with pytest.raises(RunError, match=r"^there is no configuration at x\.yaml$"):
        jobs.submit(["-c", "x.yaml"])


def test_nothing_that_is_typed_reaches_a_shell(tmp_path, monkeypatch):
    program = tmp_path / "echo.py"
    program.write_text("import json, sys; print(json.dumps(sys.argv[1:]))")
    monkeypatch.setattr(detached, "command_line", lambda a: [sys.executable, str(program), *a])
    nasty = "dataset.folder=$(touch owned); rm -rf x & `id`"

    said = jobs.check(["-c", "a.yaml", nasty])

    assert json.loads(said)[3] == nasty
