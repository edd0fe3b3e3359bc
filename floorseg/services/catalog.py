"""Which checkpoints exist, for the page and the command line."""

from collections.abc import Sequence
from pathlib import Path

from floorseg.core.checkpoint_info import CheckpointInfo, describe_checkpoint
from floorseg.core.find_checkpoint import checkpoint_files
from floorseg.errors import CheckpointError
from floorseg.settings import Settings


def checkpoint_folders(settings: Settings) -> tuple[Path, Path]:
    """Where checkpoints are looked for: the folder of checkpoints, then the runs."""
    return settings.checkpoints, settings.runs


def list_checkpoints(folders: Sequence[Path]) -> list[CheckpointInfo]:
    """Every checkpoint in the folders and in the runs below them, by folder and name.

    Only headers are read, and only of files that are new or have changed. Damaged files and other
    models' weights are listed with their problem; those that vanish meanwhile are left out.
    """
    found = []
    for name, path in checkpoint_files(folders):
        try:
            found.append(describe_checkpoint(path, name))
        except CheckpointError:  # removed since the folder was read
            continue
    return found
