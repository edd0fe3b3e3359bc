"""A checkpoint's name, path or Hugging Face id -> its file. Reads no weights."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from floorseg.core.hub import OFFICIAL, download, is_hub_id
from floorseg.errors import CheckpointError

SUFFIXES = (".pt", ".pth", ".safetensors")
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"  # of a checkout


def find_checkpoint(name: str | Path, folders: Sequence[Path] = (SHIPPED,)) -> Path:
    """The file that is meant.

    Args:
        name: a path; a name in one of the folders, with or without suffix ("floorseg-nano-rooms",
            "20261124-091500-set1/best"); or a Hugging Face id ("facebook/sam2.1-hiera-small",
            "owner/repository/file.pt"), which is downloaded once and kept in its cache.
        folders: where names are looked up: folders of checkpoints, and folders of runs.

    Raises:
        CheckpointError: if nothing of that name is found, with the names that come close.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    for folder in folders:
        for found in _candidates(folder / path):
            if found.is_file():
                return found
    if is_hub_id(str(name)):
        return download(str(name))
    raise CheckpointError(_not_found(str(name), folders))


def checkpoint_files(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """Every checkpoint below the folders with the name it is found by, sorted by folder and name.

    Looks at the folder itself and at runs in it (``RUN/checkpoints/best.pt`` is ``RUN/best``).
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(_files(folder), key=lambda path: path.with_suffix("")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = "/".join(part for part in parts if part != "checkpoints")
            if name in found:  # the first of x.pt and x.safetensors has the short name
                name += path.suffix
            found.setdefault(name, path)
    return list(found.items())


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for base in (path, path.parent / "checkpoints" / path.name):
        yield from (base.with_name(base.name + suffix) for suffix in SUFFIXES)
    for last in ("best.pt", "checkpoint.pt"):  # a run folder means its best
        yield path / "checkpoints" / last


def _files(folder: Path) -> Iterator[Path]:
    for pattern in ("*", "*/*", "*/checkpoints/*"):
        for path in folder.glob(pattern):
            if path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file():
                yield path


def _not_found(name: str, folders: Sequence[Path]) -> str:
    known = [found for found, _ in checkpoint_files(folders)]
    base = re.sub(r"\.(pt|pth|safetensors)$", "", Path(name).name)
    near = get_close_matches(base, known, n=3) or get_close_matches(name, [*known, *OFFICIAL], n=3)
    beside = Path(name).expanduser().parent
    if not near and beside.is_dir():
        near = get_close_matches(Path(name).name, [p.name for p in beside.iterdir()], n=3)
    if base.startswith(("sam2.1_", "sam2_")):
        return f"{name} is not here; fetch it with checkpoints/download_ckpts.sh"
    if near:
        return f"no checkpoint {name}; did you mean {' or '.join(near)}?"
    where = ", ".join(str(folder) for folder in folders)
    there = f"there are {', '.join(known[:8])}" if known else "there is none"
    return f"no checkpoint {name}; in {where or 'no folder'} {there}"
