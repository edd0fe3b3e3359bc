"""The doctor names what is missing and says so by its exit code."""

import json

import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from floorseg.commands.doctor import doctor, examine
from floorseg.settings import Settings

app = Typer()
app.command()(doctor)


def settings(folder) -> Settings:
    return Settings(checkpoints=folder / "checkpoints", data_root=folder, runs=folder / "runs")


def test_a_missing_checkpoint_is_a_problem_with_its_remedy(tmp_path):
    diagnosis = examine(settings(tmp_path))

    assert len(diagnosis.problems) == 1
    assert "download_ckpts.sh" in diagnosis.problems[0]


def test_checkpoints_and_datasets_are_found(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "mine.pt").write_bytes(b"weights")
    (tmp_path / "Set1").mkdir()

    diagnosis = examine(settings(tmp_path))

    assert not diagnosis.problems
    assert diagnosis.checkpoints == [str(tmp_path / "checkpoints" / "mine.pt")]
    assert str(tmp_path / "Set1") in diagnosis.datasets
    assert diagnosis.free_disk_gb > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks about the processor")
@pytest.mark.parametrize(("native", "said"), [(True, "yes"), (False, "only emulated")])
def test_it_says_whether_trainings_can_use_bfloat16(native, said, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native, raising=False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    assert examine(settings(tmp_path)).bfloat16.startswith(said)


def test_json_and_exit_code_are_for_machines(tmp_path, monkeypatch):
    monkeypatch.setenv("FLOORSEG_CHECKPOINTS", str(tmp_path))

    result = CliRunner().invoke(app, ["--json"])

    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"]
