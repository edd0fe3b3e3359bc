"""SA-V: a video with ``*_manual.json`` and ``*_auto.json`` masklets -> its annotated frames.

A masklet is one object through the video, one mask an annotated frame. SA-V's videos have 24 frames
a second and its masks 6, so mask ``k`` lies on frame ``4 k``; other rates are seen from the counts.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from floorseg.data import rows
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.files import read_json
from floorseg.data.layout import Entry, file_names, split_folders
from floorseg.errors import DatasetError

ENDING = re.compile(r"^(?P<video>.+)_(?P<kind>manual|auto)\.json$")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
STEP = 4  # frames between masks, where the file does not tell
_LISTS = re.compile(r"^masklet_(?!num$|id$).+")


def entries(root: Path) -> list[Entry]:
    """Every annotated frame of every video of a folder, or nothing.

    Raises:
        DatasetError: if a masklet file is damaged or its video is missing.
    """
    found: list[Entry] = []
    for split, place in split_folders(root).items():
        by_video: dict[str, list[Path]] = {}
        for name in file_names(place):
            match = ENDING.match(name) if name.endswith(("_manual.json", "_auto.json")) else None
            if match:
                by_video.setdefault(match["video"], []).append(place / name)
        for video, paths in by_video.items():
            found += _frames(place, video, sorted(paths, reverse=True), split)
    return found


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """One frame with the masks of every masklet that is seen in it.

    Args:
        entry: from :func:`entries`.
        problems: None to refuse a frame with a mask that cannot be read; a list to leave such masks
            out and have them told here.

    Raises:
        DatasetError: if a mask cannot be read.
    """
    paths, place, frame = entry.key
    annotations: list[Annotation] = []
    size = (0, 0)
    for path in paths:
        content = masklets(path)
        size = (content["video_height"], content["video_width"])
        listed = content["masklet"][place] if place < len(content["masklet"]) else []
        found = [
            _row(content, number, mask) for number, mask in enumerate(listed) if _is_seen(mask)
        ]
        read_rows = rows.read_all(found, size, file=f"{path} frame {frame}", problems=problems)
        annotations += [a for a in read_rows if a.area()]
    is_video = entry.source.suffix.lower() in VIDEOS
    return Sample(
        image_path=entry.source,
        width=size[1],
        height=size[0],
        annotations=tuple(annotations),
        image_id=entry.name,
        split=entry.split,
        extra={"video_id": entry.name.rsplit("_", 1)[0], "video_frame": frame},
        frame=frame if is_video else None,
    )


@lru_cache(maxsize=4)
def masklets(path: Path) -> Mapping[str, Any]:
    """A masklet file, checked.

    Raises:
        DatasetError: if it is not built like one.
    """
    content = read_json(path)
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("masklet"), list)
        or not all(isinstance(frame, list) for frame in content["masklet"])
    ):
        raise DatasetError(f"{path} is not a SA-V file: 'masklet' must hold a list for every frame")
    size = [content.get("video_height"), content.get("video_width")]
    whole = [int(n) for n in size if isinstance(n, (int, float)) and 0 < n < 1e6 and n == int(n)]
    if len(whole) != 2:
        raise DatasetError(f"{path}: video_height and video_width must be whole pixels; add them")
    content["video_height"], content["video_width"] = whole
    return content


def _frames(place: Path, video: str, paths: list[Path], split: str) -> Iterable[Entry]:
    contents = [masklets(path) for path in paths]
    annotated = max(len(content["masklet"]) for content in contents)
    step = _step(contents[0], annotated)
    source = next((place / (video + e) for e in VIDEOS if (place / (video + e)).is_file()), None)
    still = place / video
    if source is None and not still.is_dir():
        raise DatasetError(
            f"there is no video for {paths[0]}; "
            f"put {video}.mp4 or a folder {video} of frames beside it"
        )
    for number in range(annotated):
        frame = number * step
        image = source or still / f"{frame:05d}.jpg"
        yield Entry(f"{video}_{frame:05d}", image, split, (tuple(paths), number, frame))


def _step(content: Mapping[str, Any], annotated: int) -> int:
    total = content.get("video_frame_count")
    if type(total) not in (int, float) or not annotated:
        return STEP
    return max(1, round(float(total or 0) / annotated))


def _row(content: Mapping[str, Any], number: int, mask: Any) -> dict[str, Any]:
    """The fields that SA-V keeps in lists, one entry an object, beside the object's mask."""
    row = {key: _nth(content[key], number) for key in content if _LISTS.match(key)}
    row = {key: value for key, value in row.items() if value is not None}
    ids = content.get("masklet_id")
    identity = rows.identity(_nth(ids, number), number)
    kind = row.get("masklet_type", "manual")
    row["id"] = f"auto-{identity}" if str(kind).startswith("auto") else identity
    return {**row, "segmentation": mask}


def _nth(values: Any, number: int) -> Any:
    return values[number] if isinstance(values, list) and number < len(values) else None


def _is_seen(mask: Any) -> bool:
    """SA-V writes an absent object as nothing or as an empty mask."""
    return (
        mask is not None and mask != [] and (not isinstance(mask, dict) or bool(mask.get("counts")))
    )
