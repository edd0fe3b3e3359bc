"""A checkpoint is found by its path, its name, its run, or its Hugging Face id."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from floorseg.core.find_checkpoint import find_checkpoint
from floorseg.core.hub import is_hub_id
from floorseg.errors import CheckpointError
from tests.file_server import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folders(tmp_path):
    """A folder of checkpoints and a folder of runs; the files need no weights to be found."""
    for path in (
        "checkpoints/floorseg-nano.pt",
        "checkpoints/floorseg-nano-rooms.pt",
        "checkpoints/mine.safetensors",
        "runs/20261124-set1/checkpoints/best.pt",
        "runs/20261124-set1/checkpoints/checkpoint.pt",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path / "checkpoints", tmp_path / "runs"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("floorseg-nano", "checkpoints/floorseg-nano.pt"),
        ("floorseg-nano-rooms.pt", "checkpoints/floorseg-nano-rooms.pt"),
        ("mine", "checkpoints/mine.safetensors"),
        ("20261124-set1/best", "runs/20261124-set1/checkpoints/best.pt"),
        ("20261124-set1/checkpoint", "runs/20261124-set1/checkpoints/checkpoint.pt"),
        ("20261124-set1/checkpoints/best.pt", "runs/20261124-set1/checkpoints/best.pt"),
        ("20261124-set1", "runs/20261124-set1/checkpoints/best.pt"),
    ],
)
def test_a_name_is_found_in_the_folders(name, found, folders, tmp_path):
    assert find_checkpoint(name, folders) == tmp_path / found


def test_a_path_needs_no_folder(folders):
    path = folders[0] / "mine.safetensors"

    assert find_checkpoint(str(path), ()) == path


def test_a_missing_checkpoint_is_answered_with_those_that_come_close(folders):
    with pytest.raises(CheckpointError, match="floorseg-nano-room; did you mean floorseg-nano-ro"):
        find_checkpoint("floorseg-nano-room", folders)


def test_a_missing_path_is_answered_with_a_file_beside_it(folders):
    with pytest.raises(CheckpointError, match=r"did you mean minf\.pt or mine\.safetensors|mine"):
        find_checkpoint(folders[0] / "mime.safetensors", ())


def test_a_missing_name_like_nothing_is_answered_with_what_there_is(folders):
    with pytest.raises(CheckpointError, match=r"there are floorseg-nano, .*20261124-set1/best"):
        find_checkpoint("zzz", folders)


def test_no_checkpoint_at_all_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="there is none"):
        find_checkpoint("zzz", [tmp_path])


def test_an_official_file_that_is_missing_is_answered_with_the_download(folders):
    with pytest.raises(CheckpointError, match=r"fetch it with checkpoints/download_ckpts\.sh"):
        find_checkpoint("checkpoints/sam2.1_hiera_small.pt", folders)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("facebook/sam2.1-hiera-small", True),
        ("facebook/sam2-hiera-base-plus", True),
        ("someone/floors/weights/best.pt", True),
        ("set1/best", False),
        ("/data/weights/best.pt", False),
        ("./out/run/best.pt", False),
        ("floorseg-nano", False),
    ],
)
def test_what_can_be_on_the_hub(name, expected):
    assert is_hub_id(name) is expected


def find_in_a_fresh_process(name, cache, endpoint, *, offline=False):
    """huggingface_hub reads its settings once, at import."""
    code = (
        "import sys\n"
        "from floorseg.core.find_checkpoint import find_checkpoint\n"
        "from floorseg.errors import CheckpointError\n"
        "try:\n"
        "    print(find_checkpoint(sys.argv[1], ()))\n"
        "except CheckpointError as problem:\n"
        "    print('said:', problem)\n"
    )
    environment = {
        **os.environ,
        "HF_HOME": str(cache),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "HF_HUB_DISABLE_XET": "1",
        "no_proxy": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def hub(tmp_path):
    """A server that answers as the hub does for one file of one repository."""
    published = tmp_path / "facebook/sam2.1-hiera-small/resolve/main/sam2.1_hiera_small.pt"
    published.parent.mkdir(parents=True)
    published.write_bytes(b"weights" * 1000)
    with serving(tmp_path) as server:
        server.headers = {"ETag": '"abc123"', "X-Repo-Commit": COMMIT}
        yield server


def test_a_hub_id_is_downloaded_once_and_then_found_offline(hub, tmp_path):
    cache, name = tmp_path / "cache", "facebook/sam2.1-hiera-small"

    first = find_in_a_fresh_process(name, cache, hub.url)
    again = find_in_a_fresh_process(name, cache, "http://127.0.0.1:9", offline=True)

    assert first.endswith("sam2.1_hiera_small.pt")
    assert Path(first).read_bytes() == b"weights" * 1000
    assert again == first


def test_offline_with_an_empty_cache_is_one_sentence(tmp_path):
    said = find_in_a_fresh_process(
        "facebook/sam2.1-hiera-tiny", tmp_path, "http://127.0.0.1:9", offline=True
    )

    assert said.startswith("said: facebook/sam2.1-hiera-tiny is not in the cache and the Hugging")
    assert said.count("\n") == 0


def test_a_hub_that_does_not_answer_is_one_sentence(tmp_path):
    said = find_in_a_fresh_process("facebook/sam2.1-hiera-tiny", tmp_path, "http://127.0.0.1:9")

    assert "the Hugging Face hub cannot be reached; go online" in said
    assert said.count("\n") == 0


def test_a_file_the_hub_does_not_have_is_one_sentence(hub, tmp_path):
    said = find_in_a_fresh_process("someone/floors/best.pt", tmp_path / "cache", hub.url)

    assert said.count("\n") == 0
    assert said.startswith("said: ")
