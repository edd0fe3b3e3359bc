"""The shipped example plans: synthetic, of different styles, one click each."""

import base64
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

from floorseg.errors import ImageError

_FOLDER = Path(__file__).resolve().parent
_THUMBNAIL = (108, 84)  # pixels


@dataclass(frozen=True, slots=True)
class Example:
    """One plan: its ``name``, a ``title`` for people, and where it lies."""

    name: str
    title: str
    path: Path


@cache
def list_examples() -> tuple[Example, ...]:
    """All of them, by name; the first one greets the visitor."""
    return tuple(
        Example(path.stem, path.stem.replace("_", " "), path)
        for path in sorted(_FOLDER.glob("*.png"))
    )


def find_example(name: str) -> Example:
    """The example of this name.

    Raises:
        ImageError: if there is none.
    """
    for example in list_examples():
        if example.name == name:
            return example
    raise ImageError(f"there is no example {name[:40]!r}; choose one of those shown")


@cache
def example_thumbnail(example: Example) -> str:
    """A small picture as a data URL."""
    with Image.open(example.path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_THUMBNAIL[0] * 2, _THUMBNAIL[1] * 2))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=70)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
