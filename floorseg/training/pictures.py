"""What the model sees now: predictions on a few validation plans, drawn into the run folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from floorseg.data.files import write_atomically

PLANS = 4  # drawn after each validation, always the same
SIDE = 384  # pixels of one plan in the picture
KEPT = 40  # pictures of a run; then every second one goes
_COLOURS = np.array(
    [(79, 70, 229), (224, 123, 0), (13, 148, 136), (192, 38, 211), (220, 38, 38), (101, 163, 13)],
    dtype=np.float32,
)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One plan with what was predicted.

    Attributes:
        image: uint8 (S, S, 3), RGB.
        truth: bool (N, S, S).
        predicted: bool (N, S, S), one click each.
        clicks: (x, y) of each click.
    """

    image: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    clicks: Sequence[tuple[float, float]]


def draw_predictions(examples: Sequence[Example], path: Path) -> None:
    """Write one picture of several plans: predictions in colour, the truth outlined, the clicks.

    Args:
        examples: plans; an even number fills the picture.
        path: the JPEG to write; its folder is made where it is missing.
    """
    drawn = [_drawn(example) for example in examples]
    if not drawn:
        return
    if len(drawn) % 2 and len(drawn) > 1:
        drawn.append(np.full_like(drawn[0], 255))
    half = (len(drawn) + 1) // 2
    rows = [np.hstack(drawn[start : start + half]) for start in range(0, len(drawn), half)]
    written, blob = cv2.imencode(".jpg", np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    if written:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, blob.tobytes())
        _thin(path.parent)


def _drawn(example: Example) -> np.ndarray:
    """One plan at ``SIDE`` pixels, uint8 (SIDE, SIDE, 3), RGB."""
    scale = SIDE / example.image.shape[0]
    shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(example.image, (SIDE, SIDE), interpolation=shrinks).astype(np.float32)
    for number, mask in enumerate(example.predicted):
        inside = _resized(mask)
        picture[inside] = 0.45 * picture[inside] + 0.55 * _COLOURS[number % len(_COLOURS)]
    shown = np.ascontiguousarray(picture.astype(np.uint8))
    for mask in example.truth:
        outlines, _ = cv2.findContours(
            _resized(mask).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        cv2.drawContours(shown, outlines, -1, (20, 20, 20), 1, lineType=cv2.LINE_AA)
    for x, y in example.clicks:
        at = (round((x + 0.5) * scale), round((y + 0.5) * scale))
        cv2.circle(shown, at, 4, (255, 255, 255), -1, lineType=cv2.LINE_AA)
        cv2.circle(shown, at, 4, (20, 20, 20), 1, lineType=cv2.LINE_AA)
    return shown


def _resized(mask: np.ndarray) -> np.ndarray:
    small = cv2.resize(mask.astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return small.astype(bool)


def _thin(folder: Path) -> None:
    """Every second picture goes when there are too many; first and last stay."""
    found = sorted(folder.glob("*.jpg"))
    if len(found) > KEPT:
        for path in found[1:-1:2]:
            path.unlink(missing_ok=True)
