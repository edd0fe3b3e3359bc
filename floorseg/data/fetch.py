"""Download a dataset and unpack it: continued when broken off, never a file outside its folder."""

import os
import shutil
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.layout import folders
from floorseg.errors import ConfigError, DatasetError

MAX_FILES = 2_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where a dataset comes from.

    Attributes:
        folder: what its folder is called.
        url: where the archive lies, or "" for Google Drive.
        drive: Google Drive's file id, or "".
    """

    folder: str
    url: str = ""
    drive: str = ""


def read_sources(path: Path) -> Mapping[str, Source]:
    """The datasets that can be fetched, by name.

    Raises:
        ConfigError: if the file is missing or not a list of datasets.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise ConfigError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise ConfigError(f"{path} must hold a name and its fields for every dataset")
    return {str(name): _source(str(name), fields, path) for name, fields in content.items()}


def fetch(source: Source, root: Path, *, progress: ProgressCallback = ignore_progress) -> Path:
    """Download and unpack; what an interrupted call had downloaded is used.

    Args:
        source: from :func:`read_sources`.
        root: the folder of datasets.
        progress: told while it downloads and after every unpacked file.

    Returns:
        The dataset's folder. Where it exists already, nothing is done.

    Raises:
        DatasetError: if the download fails, the archive is damaged, or it would write elsewhere.
    """
    target = root / source.folder
    if target.is_dir() and any(target.iterdir()):
        return target
    archive = root / f".{source.folder}.zip"
    archive.parent.mkdir(parents=True, exist_ok=True)
    if not archive.is_file():
        _download(source, archive, progress)
    try:
        unpack(archive, target, progress=progress)
    except zipfile.BadZipFile as damaged:
        archive.unlink()
        raise DatasetError(
            f"what {source.drive or source.url} sent is no complete zip archive; try again later "
            f"or download it in a browser and unzip it to {target}"
        ) from damaged
    archive.unlink()
    return target


def unpack(archive: Path, target: Path, *, progress: ProgressCallback = ignore_progress) -> None:
    """Unpack a zip archive; ``target`` appears when it is whole.

    A single folder around everything is taken off. Links, absolute names and names that climb out
    of the folder are refused.

    Raises:
        DatasetError: if the archive holds such a name, too many files, or more than the disk can.
        zipfile.BadZipFile: if it is damaged.
    """
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(archive) as content:
        members = content.infolist()
        _check(members, archive, shutil.disk_usage(target.parent).free)
        for place, member in enumerate(members, start=1):
            content.extract(member, partial)
            progress(Progress(place, len(members), "unpacking"))
    inner = _without_wrapper(partial)
    if target.is_dir():
        target.rmdir()
    os.replace(inner, target)
    shutil.rmtree(partial, ignore_errors=True)


def _check(members: list[zipfile.ZipInfo], archive: Path, free: int) -> None:
    if len(members) > MAX_FILES:
        raise DatasetError(f"{archive} holds {len(members):,} files, more than any dataset here")
    size = sum(member.file_size for member in members)
    if size > free:
        raise DatasetError(
            f"{archive} needs {size / 1e9:.1f} GB unpacked and {free / 1e9:.1f} GB are free; "
            "make room first"
        )
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if name.is_absolute() or ".." in name.parts or ":" in member.filename or is_link:
            raise DatasetError(
                f"{archive} would write outside its folder ({member.filename[:120]!r}); "
                "it was not unpacked: do not trust its source"
            )


def _without_wrapper(folder: Path) -> Path:
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX"]
    wrapped = len(inside) == 1 and inside[0].is_dir() and folders(inside[0])
    return inside[0] if wrapped else folder


def _download(source: Source, archive: Path, progress: ProgressCallback) -> None:
    import gdown
    import requests

    def tell(done: int, total: int | None) -> None:
        megabytes = max(1, (total or 0) // 1_000_000)
        progress(Progress(min(done // 1_000_000, megabytes), megabytes, "downloading (MB)"))

    tells = "progress" in signature(gdown.download).parameters  # since gdown 6
    further: dict[str, Any] = {"progress": tell} if tells else {}
    refused = getattr(gdown.exceptions, "DownloadError", gdown.exceptions.FileURLRetrievalError)
    try:
        # gdown keeps what has come in a .part file beside the target and continues it
        got = gdown.download(
            url=source.url or None,
            id=source.drive or None,
            output=str(archive),
            quiet=True,
            resume=True,
            **further,
        )
    except (refused, requests.RequestException, OSError) as problem:
        raise DatasetError(
            f"{source.folder} could not be downloaded: {str(problem).strip()[:300]}; "
            "the same command continues"
        ) from problem
    if got is None or not archive.is_file():
        raise DatasetError(
            f"{source.folder} could not be downloaded; is {source.drive or source.url} public?"
        )


def _source(name: str, given: Mapping[str, Any], path: Path) -> Source:
    known = {key: str(given[key]) for key in ("folder", "url", "drive") if given.get(key)}
    folder = known.get("folder", name)
    if Path(folder).name != folder or not (known.get("url") or known.get("drive")):
        raise ConfigError(f"{path}: {name} needs a plain folder name and a drive id or a url")
    return Source(folder, known.get("url", ""), known.get("drive", ""))
