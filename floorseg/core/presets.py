"""How a plan is searched for regions without prompts: the knobs, and the presets that set them."""

from dataclasses import dataclass

from floorseg.errors import ConfigError

_PARTS = (
    "min_score", "min_stability", "max_overlap", "min_area", "max_area", "max_border",
    "min_odds", "least_odds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EverythingSettings:
    """Each knob of ``everything``.

    Attributes:
        summary: what this preset is for, in a sentence.
        points_per_side: the plan is clicked at a grid of so many points each way; more points find
            smaller regions and take longer, with the square.
        min_score: answers are dropped that the model itself expects to overlap the truth less
            than this (0 to 1); lower it when regions are missed, raise it when rubbish appears.
        min_stability: answers are dropped whose outline moves much when the cut is moved a little
            (0 to 1, 1 is an outline that does not move); lower it for blurred scans.
        stability_offset: how far, in logits, the cut is moved up and down to judge that.
        max_overlap: of two answers whose bounding boxes overlap more than this (IoU, 0 to 1) only
            the better one is kept; lower it when doubles appear.
        min_area: regions smaller than this part of the picture are dropped.
        max_area: regions larger than this part are dropped: the sheet, the whole plan.
        max_border: regions along more than this part of the picture's edge are dropped: the
            paper around the plan (only with ``partition``).
        multimask: take three candidates of each click (part, thing, whole) instead of one.
        partition: resolve what is left into regions that do not overlap, one a room: unions of
            rooms and furniture inside rooms give way, holes are filled, slivers dropped, and spots
            that nothing covers are clicked once more.
        extra_rounds: how often uncovered spots are clicked again, at most: a round that finds no
            more rooms is the last (only with ``partition``).
        min_odds: a region is kept if the chance that it is a room is above this (0 to 1; only with
            ``partition``, see ``core.room_odds``); raise it when furniture or unions of rooms come
            out as rooms, lower it when rooms are missed.
        least_odds: how far that bar falls on a plan where few regions are likely rooms, as on one
            of a kind the model has not seen (see ``core.room_choice``); as high as ``min_odds``, it
            does not fall.
    """

    summary: str
    points_per_side: int = 32
    min_score: float = 0.8
    min_stability: float = 0.95
    stability_offset: float = 1.0
    max_overlap: float = 0.7
    min_area: float = 0.0
    max_area: float = 1.0
    max_border: float = 1.0
    multimask: bool = True
    partition: bool = False
    extra_rounds: int = 0
    min_odds: float = 0.0
    least_odds: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.points_per_side <= 256:
            raise ConfigError(
                f"points_per_side must be between 1 and 256, got {self.points_per_side}; 32 is "
                "fine for most plans"
            )
        for name in _PARTS:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} is a part, between 0 and 1, got {value}; correct it")


PRESETS = {
    "rooms": EverythingSettings(
        summary="A partition into rooms: none overlapping, no furniture, no doubles, no sheet.",
        points_per_side=16,
        min_score=0.35,
        min_stability=0.7,
        min_area=0.0004,
        max_area=0.55,
        max_border=0.3,
        partition=True,
        extra_rounds=6,
        min_odds=0.4,
        least_odds=0.15,
    ),
    "regions": EverythingSettings(
        summary="Everything the model is sure of, overlapping: sam2's own settings.",
    ),
    "details": EverythingSettings(
        summary="Small things too: doors, windows, furniture; a dense grid and kinder limits.",
        points_per_side=48,
        min_score=0.6,
        min_stability=0.85,
        max_area=0.3,
    ),
}


def find_preset(preset: str | EverythingSettings) -> EverythingSettings:
    """The settings of a preset's name; settings are given back as they are.

    Raises:
        ConfigError: if there is no such preset.
    """
    if isinstance(preset, EverythingSettings):
        return preset
    if preset not in PRESETS:
        raise ConfigError(f"there is no preset {preset!r}; choose from {', '.join(PRESETS)}")
    return PRESETS[preset]
