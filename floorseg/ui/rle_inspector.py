"""What the RLE inspector's script asks of the server. Reads no files, so strangers may use it."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from floorseg.core.rle_inspection import MAX_TEXT
from floorseg.services.rle_view import MAX_GRID, encode_grid, inspect_text
from floorseg.ui.canvas import Handler

Label = Annotated[int, Field(ge=0, le=255)]


class Pasted(BaseModel):
    """An encoding as text; ``size`` is the (height, width) of the image it belongs to."""

    model_config = ConfigDict(extra="ignore")
    text: Annotated[str, Field(max_length=MAX_TEXT + 1)]
    size: tuple[int, int] | None = None


class Drawn(BaseModel):
    """A small mask, row by row."""

    model_config = ConfigDict(extra="ignore")
    cells: Annotated[
        list[Annotated[list[Label], Field(max_length=MAX_GRID)]], Field(max_length=MAX_GRID)
    ]
    multiclass: bool = False


def rle_calls() -> dict[str, Handler]:
    """What the script may call."""
    calls: tuple[Callable[[dict[str, Any], str], dict[str, Any]], ...] = (
        inspect_encoding, encode_cells,
    )  # fmt: skip
    return {call.__name__: call for call in calls}


def inspect_encoding(payload: dict[str, Any], _: str) -> dict[str, Any]:
    """Lay an encoding open."""
    asked = Pasted.model_validate(payload)
    return inspect_text(asked.text, asked.size)


def encode_cells(payload: dict[str, Any], _: str) -> dict[str, Any]:
    """Encode a drawn mask and lay the encoding open."""
    asked = Drawn.model_validate(payload)
    text = encode_grid(asked.cells, multiclass=asked.multiclass)
    return inspect_text(text) | {"text": text}
