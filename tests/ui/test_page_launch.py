"""Settings of the page from flags, the environment and files."""

import os
import subprocess
import sys

import pytest

from floorseg.errors import ConfigError
from floorseg.settings import PROJECT, Settings
from floorseg.ui.launch import accounts, read_settings


def test_flags_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("FLOORSEG_PORT", "1111")
    monkeypatch.setenv("FLOORSEG_HOST", "0.0.0.0")

    settings = read_settings(["--port", "2222", "--public", "--max-upload-mb", "3"])

    assert (settings.port, settings.host) == (2222, "0.0.0.0")
    assert settings.public is True
    assert settings.max_upload_mb == 3


def test_help_lists_every_setting_quickly():
    shown = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=PROJECT, capture_output=True, text=True,
        env=os.environ | {"COLUMNS": "200"}, timeout=120, check=True,
    ).stdout  # fmt: skip

    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown


def test_a_wrong_flag_is_one_sentence_without_a_traceback():
    wrong = subprocess.run(
        [sys.executable, "app.py", "--port", "99999999"], cwd=PROJECT, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip

    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    assert "port" in wrong.stderr


def test_accounts_come_from_the_environment_or_a_file(tmp_path):
    file = tmp_path / "users"
    file.write_text("anna:one\nben:two:three\n")

    assert accounts(Settings()) is None
    assert accounts(Settings(auth_user="a", auth_password="b")) == [("a", "b")]
    assert accounts(Settings(auth_file=file)) == [("anna", "one"), ("ben", "two:three")]


@pytest.mark.parametrize("content", ["anna\n", ":x\n", "anna:\n"])
def test_a_line_that_is_no_account_is_refused_without_showing_it(tmp_path, content):
    file = tmp_path / "users"
    file.write_text(content)

    with pytest.raises(ConfigError, match="user:password"):
        accounts(Settings(auth_file=file))


def test_a_user_without_a_password_is_refused():
    with pytest.raises(ConfigError, match="both"):
        accounts(Settings(auth_user="anna"))
