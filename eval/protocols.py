"""How the model is prompted. A figure means nothing without the protocol it was measured with.

A protocol's version goes up whenever its numbers could change; reports of different versions are
not compared without a warning. What all of them share:

* Masks are judged at the picture's own size: the decoder's small logits are enlarged bilinearly
  and cut at 0, as sam2's predictor does it.
* A single click is ambiguous, so three candidates are asked for and the one that the model itself
  scores highest counts; the best of the three by the truth is reported beside it. Every later
  click, and every box, asks for one mask (sam2's and SAM's own practice).
* Each further click is given together with all earlier ones and the logits of the last answer.
* Empty masks of the truth are not asked for; they are counted.
"""

from dataclasses import dataclass

from floorseg.errors import ConfigError

REPORTED_CLICKS = (1, 2, 3, 5, 10)
CURVE_CLICKS = 10  # the area under the curve is taken over these
GOALS = (0.85, 0.90)  # IoU that NoC counts the clicks to


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One way of prompting.

    Attributes:
        name: as on the command line.
        version: goes up when numbers may change.
        describes: what is done, for a person.
        source: where it comes from.
        trials: each object is asked for once a trial; pixels are painted from the first.
        headline: the trials that the headline figures are of, all together.
        clicks: most clicks an object gets by default, and the cap of NoC; 0 where none is made.
        scatter: by trial, how far the sides of a box are off, as a part of its size.
    """

    name: str
    version: int
    describes: str
    source: str
    trials: tuple[str, ...]
    headline: tuple[str, ...]
    clicks: int = 0
    scatter: tuple[float, ...] = ()


CLICK = Protocol(
    name="click",
    version=1,
    describes=(
        "The first click goes to the pixel deepest inside the object, each further one to the "
        "pixel deepest inside the largest error, inside or outside. IoU after 1, 2, 3, 5 and 10 "
        "clicks; NoC: the clicks it takes to 0.85 and 0.90, capped; area under the curve: mean "
        "IoU over the first ten clicks. An object stops when its answer is perfect, or when it "
        "has had ten clicks and has reached 0.90 once."
    ),
    source=(
        "RITM (Sofiiuk et al., Reviving Iterative Training with Mask Guidance, 2021); the click "
        'rule of sam2\'s get_next_point(method="center")'
    ),
    trials=("centre",),
    headline=("centre",),
    clicks=20,
)

JITTER = Protocol(
    name="jitter",
    version=1,
    describes=(
        "As click, but every click is drawn from the region, a pixel's chance in proportion to "
        "its distance to the edge; three drawings an object."
    ),
    source=(
        "RClicks (Antonov et al., 2024): 475,000 real clicks show that centre clicks flatter a "
        "model; the distance-transform clickability is the baseline they compare with"
    ),
    trials=("scatter 1", "scatter 2", "scatter 3"),
    headline=("scatter 1", "scatter 2", "scatter 3"),
    clicks=5,
)

BOX = Protocol(
    name="box",
    version=1,
    describes=(
        "The object's own bounding box; then the same box with every side off by a uniform amount "
        "of up to 5 %, and of up to 10 %, of its width or height, kept on the picture."
    ),
    source="SAM (Kirillov et al., 2023), whose training scatters boxes by 10 %",
    trials=("box", "box 5 %", "box 10 %"),
    headline=("box",),
    scatter=(0.0, 0.05, 0.10),
)

HARD = Protocol(
    name="hard",
    version=2,
    describes=(
        "One click where people click and centre clicks never do: 3 px from the object's edge, "
        "anywhere inside, in a thin part (a corridor, a niche), on the most inked spot (furniture, "
        "text), beside a door of the truth. The headline is of these; the centre click stands "
        "beside them. A kind of click that an object has no place for is not asked."
    ),
    source="this project; made from the truth and the picture, see eval/hard.py",
    trials=("centre", "near edge", "anywhere", "thin part", "on ink", "doorway"),
    headline=("near edge", "anywhere", "thin part", "on ink", "doorway"),
    clicks=1,
)

EVERYTHING = Protocol(
    name="everything",
    version=1,
    describes=(
        "No prompt: every region the preset finds, matched with the truth by IoU, best pair first. "
        "Precision, recall and F1 at IoU 0.5 and 0.75, mean IoU of the matches, Room Integrity "
        "RI = sum IoU(TP) / (TP + FP/2 + FN/2), average precision and recall by pycocotools. Masks "
        "carry no class here, so every match is of the same type. Walls, doors and windows are "
        "left out of the truth unless labels are chosen."
    ),
    source="panoptic quality (Kirillov et al., 2019); RI: VecFloorSeg (Yang et al., 2023); COCO",
    trials=("everything",),
    headline=("everything",),
)

PROTOCOLS = {protocol.name: protocol for protocol in (CLICK, JITTER, BOX, HARD, EVERYTHING)}
NOT_ROOMS = frozenset({"wall", "walls", "door", "doors", "window", "windows"})


def find_protocol(name: str) -> Protocol:
    """A protocol by its name.

    Raises:
        ConfigError: if there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
