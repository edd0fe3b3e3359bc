"""The Dataset tab's charts as Plotly figures without colours, which the page's theme adds."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from floorseg.data.checks.whole import ClassKey
from floorseg.data.statistics import HEAT, Statistics

MAX_BARS = 30  # classes shown
MAX_SIZES = 400  # different image sizes shown
_BINS = 40

Figure = dict[str, Any]


def figures(counted: Statistics) -> list[Figure]:
    """Every chart that a dataset has numbers for.

    Each has an ``id``, a ``title``, Plotly's ``data`` and ``layout``, and its numbers as ``table``:
    a list of rows, the first of them the column names.
    """
    makers: tuple[Callable[[Statistics], Figure], ...] = (
        _masks_per_image, _areas, _classes, _sizes, _positions,
    )  # fmt: skip
    if not counted.masks:
        return [_sizes(counted)]
    has_classes = set(counted.classes) != {(None, None)}
    return [make(counted) for make in makers if has_classes or make is not _classes]


def class_label(key: ClassKey) -> str:
    """How a class is called on the page."""
    number, name = key
    if name is not None:
        return name
    return "no class" if number is None else f"class {number}"


def _masks_per_image(counted: Statistics) -> Figure:
    values, counts = np.unique(counted.masks_per_image, return_counts=True)
    step = 1
    while values.max() / step > _BINS:
        step *= 2
    images = np.bincount(values // step, weights=counts).astype(int)
    first = np.arange(len(images)) * step
    names = [str(low) if step == 1 else f"{low} to {low + step - 1}" for low in first.tolist()]
    bars = {
        "type": "bar", "x": (first + (step - 1) / 2).tolist(), "y": images.tolist(),
        "customdata": names, "hovertemplate": "%{customdata} masks: %{y} images<extra></extra>",
    }  # fmt: skip
    return _figure(
        "masks", "Masks per image", "masks on the image", "images", [bars],
        ("masks", "images"), zip(values.tolist(), counts.tolist(), strict=True),
    )  # fmt: skip


def _areas(counted: Statistics) -> Figure:
    share = np.maximum(counted.area_shares * 100, 1e-4)
    edges = np.logspace(
        np.log10(share.min()), np.log10(max(share.max(), share.min() * 1.01)), _BINS
    )
    counts, edges = np.histogram(share, edges)
    middles, widths = np.sqrt(edges[1:] * edges[:-1]), np.diff(edges)
    names = [f"{low:.3g} to {high:.3g} %" for low, high in pairwise(edges)]
    bars = {
        "type": "bar", "x": middles.tolist(), "y": counts.tolist(), "width": widths.tolist(),
        "customdata": names, "hovertemplate": "%{customdata}: %{y} masks<extra></extra>",
    }  # fmt: skip
    figure = _figure(
        "areas", "Mask area", "part of the image (%, logarithmic)", "masks", [bars],
        ("from %", "to %", "masks"),
        zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True),
    )  # fmt: skip
    figure["layout"]["xaxis"] |= {"type": "log", "exponentformat": "none", "nticks": 6}
    return figure


def _classes(counted: Statistics) -> Figure:
    listed = [(class_label(key), count) for key, count in counted.classes.items()]
    shown = [(name[:28], count) for name, count in listed[:MAX_BARS]][::-1]
    bars = {
        "type": "bar", "orientation": "h",
        "x": [count for _, count in shown], "y": [name for name, _ in shown],
        "hovertemplate": "%{y}: %{x} masks<extra></extra>",
    }  # fmt: skip
    rest = len(listed) - len(shown)
    title = "Classes" if rest <= 0 else f"Classes (the {len(shown)} largest of {len(listed)})"
    figure = _figure("classes", title, "masks", "", [bars], ("class", "masks"), listed)
    figure["layout"]["yaxis"] |= {"type": "category", "automargin": True}
    return figure


def _sizes(counted: Statistics) -> Figure:
    listed = [(w, h, n) for (w, h), n in counted.sizes.items() if w > 1 and h > 1]
    shown = listed[:MAX_SIZES]
    top = max((n for *_, n in shown), default=1)
    dots = {
        "type": "scatter", "mode": "markers",
        "x": [w for w, _, _ in shown], "y": [h for _, h, _ in shown],
        "marker": {"size": [8 + 22 * (n / top) ** 0.5 for *_, n in shown], "opacity": 0.65},
        "customdata": [n for *_, n in shown],
        "hovertemplate": "%{x} x %{y} px: %{customdata} images<extra></extra>",
    }  # fmt: skip
    figure = _figure(
        "sizes", "Image sizes", "width (px)", "height (px)", [dots],
        ("width", "height", "images"), listed,
    )  # fmt: skip
    for axis in ("xaxis", "yaxis"):
        figure["layout"][axis] |= {"rangemode": "tozero"}
    return figure


def _positions(counted: Statistics) -> Figure:
    cells = ((np.arange(HEAT) + 0.5) * 100 / HEAT).tolist()
    heat = {
        "type": "heatmap", "z": counted.heat.tolist(), "x": cells, "y": cells, "heat": True,
        "colorbar": {"title": {"text": "masks"}, "thickness": 10, "outlinewidth": 0},
        "hovertemplate": "%{x:.0f} % across, %{y:.0f} % down: %{z} masks<extra></extra>",
    }  # fmt: skip
    figure = _figure(
        "positions", "Where masks lie (their centres)", "across the image (%)",
        "down the image (%)", [heat],
        ("across %", "down %", "masks"),
        ((cells[x], cells[y], int(counted.heat[y, x])) for y in range(HEAT) for x in range(HEAT)),
    )  # fmt: skip
    figure["layout"]["yaxis"] |= {"autorange": "reversed"}
    return figure


def _figure(
    name: str, title: str, across: str, up: str, data: list[Figure], columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> Figure:  # fmt: skip
    return {
        "id": name,
        "title": title,
        "data": data,
        "layout": {
            "xaxis": {"title": {"text": across}},
            "yaxis": {"title": {"text": up}},
        },
        "table": [list(columns), *(list(row) for row in rows)],
    }
