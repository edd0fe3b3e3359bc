"""Records of pictures -> one table, a row an object and trial."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from eval.protocols import CURVE_CLICKS, GOALS
from eval.report import ROW_COLUMNS, ROWS

BANDS = (  # up to which part of the picture, called how
    (0.001, "below 0.1 %"),
    (0.01, "0.1 to 1 %"),
    (0.05, "1 to 5 %"),
    (1.0, "above 5 %"),
)


def make_table(records: Mapping[int, Mapping[str, Any]], *, clicks: int) -> pd.DataFrame:
    """One row an object and trial, columns as ``ROW_COLUMNS``, in the dataset's order.

    Args:
        records: by the picture's place.
        clicks: most clicks an object gets, the cap of NoC; 0 where none are made.
    """
    rows = []
    for place, record in sorted(records.items()):
        for found in record.get("rows", ()):
            rows.append(
                {
                    **{key: record[key] for key in ("image", "height", "width")},
                    **found,
                    "place": place,
                    "band": band_of(found["share"]),
                    "dice": 2 * found["iou"] / (1 + found["iou"]),
                    "points": orjson.dumps(found["points"]).decode(),
                    "box": orjson.dumps(found["box"]).decode() if found["box"] else None,
                    "auc": area_under(found["ious"], clicks) if clicks else np.nan,
                    **_clicks_to_goals(found["ious"], clicks),
                }
            )
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def save_table(folder: Path, table: pd.DataFrame) -> None:
    """Write ``rows.parquet``, whole or not at all."""
    beside = folder / f".{ROWS}.{os.getpid()}"
    table.to_parquet(beside, index=False)
    os.replace(beside, folder / ROWS)


def band_of(share: float) -> str:
    """The size band of an object that covers this part of its picture."""
    return next(name for top, name in BANDS if share <= top)


def clicks_to(ious: Sequence[float], goal: float, cap: int) -> int:
    """Number of clicks to reach an IoU (NoC); the cap where it is never reached."""
    reached = (count for count, iou in enumerate(ious, start=1) if iou >= goal)
    return next(reached, cap)


def after(ious: Sequence[float], clicks: int) -> float:
    """IoU after so many clicks; an object that needed fewer keeps its last answer."""
    return float(ious[min(clicks, len(ious)) - 1])


def area_under(ious: Sequence[float], clicks: int) -> float:
    """Mean IoU over the first ten clicks, or as many as there are."""
    counted = range(1, min(CURVE_CLICKS, clicks) + 1)
    return float(np.mean([after(ious, count) for count in counted]))


def _clicks_to_goals(ious: Sequence[float], clicks: int) -> dict[str, float]:
    return {
        f"noc_{goal * 100:.0f}": float(clicks_to(ious, goal, clicks)) if clicks > 1 else np.nan
        for goal in GOALS
    }
