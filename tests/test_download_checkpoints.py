"""``checkpoints/download_ckpts.sh`` against a local server that also breaks off midway."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.file_server import serving

SCRIPT = Path(__file__).resolve().parent.parent / "checkpoints" / "download_ckpts.sh"
NAME = "sam2.1_hiera_tiny.pt"


@pytest.fixture
def published(tmp_path):
    """A folder with one archive as torch.save makes them: a zip with check sums, not compressed."""
    folder = tmp_path / "published"
    folder.mkdir()
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        archive.writestr("archive/data/0", os.urandom(300_000))
    return folder


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


def fetch(server, here, *sizes, tool="curl", python=sys._base_executable, retries=5):
    """Run the script; by default with an interpreter without floorseg: zipfile verifies, fast."""
    environment = {
        "PATH": os.environ["PATH"],
        "FLOORSEG_DOWNLOAD_URL": server.url,
        "FLOORSEG_CHECKPOINTS": str(here),
        "FLOORSEG_RETRIES": str(retries),
        "FLOORSEG_RETRY_WAIT": "0",
        "FLOORSEG_DOWNLOAD_TOOL": tool,
        "PYTHON": python,
        "no_proxy": "127.0.0.1",
    }
    return subprocess.run(
        [SCRIPT, *sizes], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_file_arrives_whole_and_leaves_nothing_else(published, here, tool):
    with serving(published) as server:
        done = fetch(server, here, "tiny", tool=tool)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in here.iterdir()] == [NAME]
    assert (here / NAME).read_bytes() == (published / NAME).read_bytes()


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_download_that_breaks_off_goes_on_where_it_was(published, here, tool):
    size = (published / NAME).stat().st_size

    with serving(published) as server:
        server.breaks = 2
        done = fetch(server, here, "tiny", tool=tool)

    assert done.returncode == 0, done.stderr
    assert (here / NAME).read_bytes() == (published / NAME).read_bytes()
    assert server.sent[f"/{NAME}"] == size, "no byte was sent twice"


def test_a_second_start_goes_on_where_the_first_gave_up(published, here):
    size = (published / NAME).stat().st_size

    with serving(published) as server:
        server.breaks = 1
        first = fetch(server, here, "tiny", retries=0)
        kept = (here / f"{NAME}.part").stat().st_size
        second = fetch(server, here, "tiny")

    assert first.returncode == 1
    assert f"broke off at {size // 2} of {size} bytes" in first.stderr
    assert kept == size // 2
    assert second.returncode == 0, second.stderr
    assert server.sent[f"/{NAME}"] == size


def test_a_server_that_cannot_start_in_the_middle_is_asked_for_all_of_it(published, here):
    with serving(published) as server:
        server.ranges = False
        server.breaks = 1
        done = fetch(server, here, "tiny")

    assert done.returncode == 0, done.stderr
    assert (here / NAME).read_bytes() == (published / NAME).read_bytes()


def test_an_unreachable_server_does_not_cost_the_part_that_is_here(published, here):
    with serving(published) as server:
        server.breaks = 1
        fetch(server, here, "tiny", retries=0)
    kept = (here / f"{NAME}.part").read_bytes()

    done = fetch(server, here, "tiny", retries=1)

    assert done.returncode == 1
    assert (here / f"{NAME}.part").read_bytes() == kept


def test_a_file_that_is_here_is_not_fetched_again(published, here):
    with serving(published) as server:
        fetch(server, here, "tiny")
        server.asked.clear()
        done = fetch(server, here, "tiny")

    assert "is here already" in done.stdout
    assert server.asked == []


def test_a_file_damaged_inside_is_refused(published, here):
    damaged = bytearray((published / NAME).read_bytes())
    damaged[1000] ^= 255
    (published / NAME).write_bytes(damaged)

    with serving(published) as server:
        done = fetch(server, here, "tiny")

    assert done.returncode == 1
    assert "damaged inside" in done.stderr
    assert list(here.iterdir()) == []


def test_a_file_the_server_does_not_have_is_said_at_once(published, here):
    with serving(published) as server:
        done = fetch(server, here, "large")

    assert done.returncode == 1
    assert "is not there" in done.stderr


def test_an_unknown_size_is_answered_with_the_known_ones(published, here):
    with serving(published) as server:
        done = fetch(server, here, "huge")

    assert done.returncode == 1
    assert "tiny small base_plus large" in done.stderr


def test_floorseg_refuses_a_whole_archive_that_is_no_model(published, here):
    with serving(published) as server:
        done = fetch(server, here, "tiny", python=sys.executable)

    assert done.returncode == 1
    assert f"{NAME}.part" in done.stderr, "floorseg itself says what is wrong"
    assert list(here.iterdir()) == []
