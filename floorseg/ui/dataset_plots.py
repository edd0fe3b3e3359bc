"""The Dataset tab's charts as Plotly figures without colours, which the page's theme adds."""

from collections.abc import Callable, Iterable, Sequence
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
    return [make(counted) for make in makers] if counted.masks else [_sizes(counted)]


def class_label(key: ClassKey) -> str:
    """How a class is called on the page."""
    number, name = key
    if name is not None:
        return name
    return "no class" if number is None else f"class {number}"


def _masks_per_image(counted: Statistics) -> Figure:
    values, counts = np.unique(counted.masks_per_image, return_counts=True)
    shown, labels = _grouped(values, counts)
    return _figure(
        "masks", "Masks per image", "masks on the image", "images",
        [{"type": "bar", "x": labels, "y": shown, "hovertemplate": "%{x} masks: %{y} images<extra></extra>"}],
        ("masks", "images"), zip(values.tolist(), counts.tolist(), strict=True),
    )  # fmt: skip


def _areas(counted: Statistics) -> Figure:
    share = np.maximum(counted.area_shares * 100, 1e-4)
    edges = np.logspace(
        np.log10(share.min()), np.log10(max(share.max(), share.min() * 1.01)), _BINS
    )
    counts, edges = np.histogram(share, edges)
    middles, widths = np.sqrt(edges[1:] * edges[:-1]), np.diff(edges)
    names = [f"{low:.3g} to {high:.3g} %" for low, high in zip(edges, edges[1:], strict=False)]
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
    cells = [(np.arange(HEAT) + 0.5) * 100 / HEAT][0].tolist()
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


def _grouped(values: np.ndarray, counts: np.ndarray) -> tuple[list[int], list[str]]:
    """Images by number of masks, in steps where there are too many different numbers."""
    step = 1
    while len(values) and values.max() / step > _BINS:
        step = {"1": 2, "2": 5, "5": 10}[str(step)[0]] * 10 ** (len(str(step)) - 1)
    found = np.bincount(values // step, weights=counts).astype(int)
    names = [
        str(n * step) if step == 1 else f"{n * step}-{n * step + step - 1}"
        for n in range(len(found))
    ]
    return found.tolist(), names
