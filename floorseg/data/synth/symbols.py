"""Which symbols there are, how large they may be, and which room wants which."""

from collections.abc import Callable
from random import Random

from floorseg.data.synth import fixtures, pieces
from floorseg.data.synth.outlines import Lines

SYMBOLS: dict[
    str, tuple[Callable[[Random, float, float], Lines], tuple[float, float, float, float]]
]
SYMBOLS = {  # drawing; least and greatest width, least and greatest depth, metres
    "bed": (pieces.bed, (0.85, 1.0, 1.9, 2.1)),
    "double_bed": (pieces.bed, (1.4, 1.9, 1.95, 2.15)),
    "crossed": (pieces.crossed, (0.6, 1.3, 0.6, 1.2)),
    "plain": (pieces.plain, (0.4, 1.6, 0.35, 0.7)),
    "sofa": (pieces.sofa, (1.5, 2.4, 0.8, 1.0)),
    "armchair": (pieces.sofa, (0.75, 1.0, 0.75, 0.95)),
    "table": (pieces.table, (1.3, 2.4, 1.4, 1.7)),
    "round_table": (pieces.round_table, (1.2, 1.8, 1.2, 1.8)),
    "desk": (pieces.desk, (1.0, 1.6, 1.0, 1.2)),
    "wardrobe": (pieces.wardrobe, (1.0, 2.6, 0.5, 0.65)),
    "toilet": (fixtures.toilet, (0.38, 0.48, 0.6, 0.75)),
    "bath": (fixtures.bath, (1.5, 1.8, 0.7, 0.85)),
    "shower": (fixtures.shower, (0.8, 1.1, 0.8, 1.0)),
    "basin": (fixtures.basin, (0.45, 0.9, 0.38, 0.55)),
    "sink": (fixtures.sink, (0.8, 1.2, 0.5, 0.62)),
    "hob": (fixtures.hob, (0.55, 0.65, 0.55, 0.62)),
    "counter": (fixtures.counter, (1.5, 3.6, 0.58, 0.65)),
    "machine": (fixtures.machine, (0.58, 0.65, 0.58, 0.65)),
    "plant": (pieces.plant, (0.35, 0.6, 0.35, 0.6)),
    "car": (pieces.car, (1.8, 2.0, 4.2, 4.8)),
    "flight": (pieces.flight, (2.2, 3.6, 0.8, 1.1)),
    "rug": (pieces.rug, (1.6, 2.8, 1.2, 2.0)),
    "corner_sofa": (pieces.corner_sofa, (2.0, 2.9, 1.6, 2.4)),
    "island": (fixtures.island, (1.4, 2.6, 1.0, 1.3)),
    "corner_bath": (fixtures.corner_bath, (1.0, 1.5, 1.0, 1.5)),
    "sauna": (fixtures.sauna, (1.0, 2.0, 0.5, 0.9)),
    "piano": (pieces.piano, (1.4, 1.5, 1.5, 2.0)),
}

WISHES: dict[str, tuple[str, ...]] = {
    "living": (
        "sofa",
        "armchair",
        "crossed",
        "table",
        "plain",
        "corner_sofa",
        "rug",
        "plant",
        "armchair",
        "piano",
        "flight",
    ),
    "bedroom": ("double_bed", "wardrobe", "bed", "desk", "crossed", "armchair", "plain", "plant"),
    "kitchen": ("counter", "sink", "hob", "table", "plain", "round_table", "island", "machine"),
    "dining": ("table", "plain", "crossed", "plant", "round_table"),
    "study": ("desk", "plain", "plain", "armchair", "plant", "crossed"),
    "office": ("desk", "desk", "wardrobe", "plain", "round_table", "desk"),
    "classroom": ("desk", "desk", "desk", "plain", "desk", "desk"),
    "bathroom": ("toilet", "bath", "basin", "shower", "corner_bath", "machine", "sauna"),
    "wc": ("toilet", "basin", "toilet"),
    "laundry": ("machine", "machine", "sink", "plain"),
    "closet": ("wardrobe", "plain"),
    "storage": ("plain", "crossed", "wardrobe"),
    "hall": ("flight", "wardrobe", "plain", "plant"),
    "corridor": ("plain",),
    "garage": ("car", "car", "plain", "crossed"),
    "lift": (),
    "stairs": (),
    "balcony": ("plain", "plant", "round_table"),
}
