"""How a plan is drawn: papers, inks, walls, letters."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from floorseg.data.synth.canvas import Colour

WHITE, BLACK = (255, 255, 255), (0, 0, 0)

ROOM_COLOURS: dict[str, tuple[Colour, ...]] = {
    "warm": ((255, 246, 220), (250, 232, 200), (255, 228, 214), (240, 226, 205), (248, 240, 230)),
    "bright": ((255, 245, 170), (190, 225, 250), (205, 240, 200), (250, 205, 205), (225, 210, 245)),
    "pale": ((238, 244, 250), (244, 248, 240), (250, 244, 240), (246, 246, 246), (240, 240, 248)),
    "deep": ((150, 170, 190), (190, 150, 120), (130, 160, 130), (180, 170, 130), (160, 130, 150)),
    "one": ((255, 255, 190),),
    "grey": ((225, 225, 225), (240, 240, 240), (210, 210, 210)),
    "dark": ((70, 70, 76), (90, 96, 104), (60, 72, 88), (110, 100, 90)),
}


@dataclass(frozen=True, slots=True)
class Style:
    """Every choice a draughtsman makes once for the whole sheet.

    Attributes:
        paper, ink: what is drawn on and with.
        wall_fill, wall_line: inside and outline of walls; no line means the fill alone.
        wall_pattern: ``plain``, ``hatch``, ``cross``, ``dots`` over the fill.
        thickness: outer and inner walls, metres.
        fine: colour of furniture and other thin lines.
        palette: colours of rooms by name, "" for bare paper.
        texture: share of the rooms that get planks or tiles.
        doors, windows: how they are drawn, see ``openings``.
        labels: what stands in rooms, see ``inscriptions``.
        dimensions: ``none``, ``chain``, ``arrows``, ``inside``.
        furniture: how full the rooms are, 0 to 1.
        smooth: antialiased lines.
        wobble: how unsteady the hand is, pixels.
        fringe: chance of each thing beside the plan; empty for none, nothing outside either.
        families: weights of the kinds of buildings.
        inner_fill: inside of inner walls, where it differs from the outer ones'.
        oddity: how often the grid is broken (bays, cut corners, breasts), doorways lack doors and
            doors have two leaves, against the usual.
        stand_off: metres between furniture and walls.
    """

    name: str
    paper: Colour = WHITE
    ink: Colour = BLACK
    wall_fill: Colour = BLACK
    wall_line: Colour | None = None
    wall_pattern: str = "plain"
    line_weight: int = 1
    thickness: tuple[float, float] = (0.3, 0.12)
    fine: Colour = (60, 60, 60)
    palette: str = ""
    texture: float = 0.0
    doors: str = "arc"
    windows: str = "triple"
    labels: str = "name"
    letters: Colour = BLACK
    font: str = "sans"
    upper: bool = False
    language: str = "en"
    dimensions: str = "none"
    furniture: float = 0.5
    smooth: bool = True
    wobble: float = 0.0
    fringe: Mapping[str, float] = field(default_factory=dict)
    families: Mapping[str, float] = field(default_factory=dict)
    inner_fill: Colour | None = None
    oddity: float = 1.0
    stand_off: float = 0.0

    @property
    def bare(self) -> Colour:
        """What shows in doorways and on furniture: the paper, or a light floor on dark paper."""
        dark = sum(self.paper) < 330
        return (245, 245, 245) if self.palette and dark else self.paper
