"""Checkpoints by their Hugging Face id, downloaded once into the hub's own cache.

``HF_HOME``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE`` and ``HF_TOKEN`` are honoured by huggingface_hub.
"""

import ssl
import urllib.request
from pathlib import Path
from urllib.error import HTTPError, URLError

from floorseg.errors import CheckpointError

OFFICIAL = {
    f"facebook/{version}-hiera-{size}": f"{version}_hiera_{size.replace('-', '_')}.pt"
    for version in ("sam2", "sam2.1")
    for size in ("tiny", "small", "base-plus", "large")
}
_PATIENCE = 10  # seconds
_FILES = (".pt", ".pth", ".safetensors")


def is_hub_id(name: str) -> bool:
    """Whether ``name`` can be on the hub: an official id, or ``owner/repository/file.pt``.

    A path that begins with a dot, a slash or a tilde never is.
    """
    if name in OFFICIAL:
        return True
    return name.count("/") >= 2 and name.endswith(_FILES) and name[0] not in "./~"


def download(name: str) -> Path:
    """The file of a hub id, from the cache where it is there.

    Raises:
        CheckpointError: if the hub cannot be reached and the cache does not have it, or the hub
            does not know it.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    repository, file = _parts(name)
    try:
        return Path(hf_hub_download(repository, file, local_files_only=True))
    except LocalEntryNotFoundError as problem:
        if constants.HF_HUB_OFFLINE or not _answers(constants.ENDPOINT):
            raise CheckpointError(_unreachable(name)) from problem
    try:
        return Path(hf_hub_download(repository, file))
    except LocalEntryNotFoundError as problem:
        raise CheckpointError(_unreachable(name)) from problem
    except (EntryNotFoundError, RepositoryNotFoundError) as problem:
        raise CheckpointError(
            f"the Hugging Face hub has no {file} in {repository}; check the spelling, "
            "or set HF_TOKEN if it is private"
        ) from problem
    except (OSError, ValueError) as problem:
        raise CheckpointError(
            f"{name} cannot be had from the Hugging Face hub: {str(problem).splitlines()[0]}"
        ) from problem


def _unreachable(name: str) -> str:
    return (
        f"{name} is not in the cache and the Hugging Face hub cannot be reached; go online, "
        "or download the file elsewhere and name its path"
    )


def _answers(endpoint: str) -> bool:
    """Whether a server is there at all: huggingface_hub would try for half a minute to find out."""
    question = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310 - the hub's own address
    try:
        urllib.request.urlopen(question, timeout=_PATIENCE).close()  # noqa: S310
    except HTTPError:
        return True  # it said no, but it spoke
    except URLError as problem:
        return isinstance(problem.reason, ssl.SSLError)  # the hub's client has its own certificates
    except OSError:
        return False
    return True


def _parts(name: str) -> tuple[str, str]:
    if name in OFFICIAL:
        return name, OFFICIAL[name]
    owner, repository, file = name.split("/", 2)
    return f"{owner}/{repository}", file
