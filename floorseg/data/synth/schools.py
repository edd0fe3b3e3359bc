"""Schools of drawing: each function makes one style, another one at every call."""

from collections.abc import Callable
from random import Random

from floorseg.data.synth.styles import BLACK, WHITE, Style

FRINGE = {
    "title": 0.5,
    "compass": 0.35,
    "scale": 0.2,
    "block": 0.1,
    "legend": 0.08,
    "axes": 0.1,
    "notes": 0.25,
    "schedule": 0.06,
}
HOMES = {"flat": 4, "house": 4, "blocks": 2, "studio": 1, "rounded": 1.5, "units": 1, "warren": 1}
STOREYS = {"hotel": 1.5, "tenement": 0.7, "courtyard": 0.7}


def furnished(rng: Random) -> Style:
    """Black walls of one thickness, large doors, thin furniture, no word."""
    thick = rng.uniform(0.1, 0.34)
    grey = rng.randint(0, 110)
    return Style(
        "furnished",
        thickness=(thick, thick * rng.choice((1, 1, 0.7))),
        fine=(grey, grey, grey),
        doors=rng.choice(("leaf_box", "leaf_box", "arc")),
        windows=rng.choice(("none", "none", "none", "none", "double")),
        labels="none",
        furniture=rng.uniform(0.4, 1.0),
        oddity=rng.choice((0.0, 0.0, 0.2, 1.0)),
        stand_off=rng.choice((0.0, 0.12, 0.2, 0.35)),
        families={"blocks": 8, "flat": 1, "rounded": 2, "house": 1, "studio": 0.5},
    )


def agent(rng: Random) -> Style:
    """An estate agent's black plan: thick walls, windows as gaps, names with sizes."""
    outer = rng.uniform(0.25, 0.6)
    return Style(
        "agent",
        wall_fill=rng.choice((BLACK, BLACK, BLACK, (40, 40, 40), (30, 30, 60))),
        thickness=(outer, rng.choice((0.1, 0.14, 0.2, outer * 0.6))),
        fine=rng.choice((BLACK, (70, 70, 70), (120, 120, 120))),
        palette=rng.choice(("", "", "", "", "", "warm", "one", "grey")),
        doors=rng.choice(("arc", "arc", "leaf_box", "quarter")),
        windows=rng.choice(("box", "triple", "double", "gap")),
        labels=rng.choice(("name", "size", "both", "both", "area", "imperial")),
        font=rng.choice(("sans", "bold", "narrow", "serif")),
        upper=rng.random() < 0.5,
        language=rng.choice(("en", "en", "en", "en", "fr", "sv")),
        dimensions=rng.choice(("none", "none", "arrows", "arrows", "chain")),
        furniture=rng.choice((0.0, 0.2, 0.5, 0.8)),
        fringe=FRINGE | {"title": 0.9, "compass": 0.6},
        families=HOMES,
    )


def brochure(rng: Random) -> Style:
    """Coloured rooms, planks and tiles, grey or dark walls."""
    grey = rng.choice((0, 30, 60, 90, 120, 150))
    palette = rng.choice(("warm", "bright", "pale", "deep", "one", "grey", "dark"))
    letters = WHITE if palette == "dark" else rng.choice((BLACK, (60, 40, 20), (30, 40, 90)))
    return Style(
        "brochure",
        paper=rng.choice((WHITE, WHITE, WHITE, (250, 248, 242), (228, 236, 228), (60, 64, 70))),
        wall_fill=(grey, grey, grey),
        wall_line=rng.choice((None, None, BLACK)),
        thickness=(rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.2)),
        fine=rng.choice(((90, 90, 90), (120, 90, 60), (60, 60, 60), (150, 150, 150))),
        palette=palette,
        texture=rng.choice((0.0, 0.3, 0.8, 1.0)),
        doors=rng.choice(("arc", "arc", "quarter", "leaf_box", "gap")),
        windows=rng.choice(("box", "triple", "blue", "double")),
        labels=rng.choice(("name", "area", "size", "none", "imperial")),
        letters=letters,
        font=rng.choice(("sans", "bold", "serif", "narrow")),
        upper=rng.random() < 0.4,
        language=rng.choice(("en", "en", "de", "fr", "es", "sv", "pl", "ru")),
        furniture=rng.uniform(0.3, 1.0),
        fringe=FRINGE,
        families=HOMES,
    )


def cad(rng: Random) -> Style:
    """Working drawings: double-line or hatched walls, dimension chains, thin black lines."""
    grey = rng.choice((0, 0, 60, 110, 150))
    hollow = rng.random() < 0.6
    colour = rng.choice((None, None, None, (200, 30, 30), (0, 130, 60), (30, 60, 190)))
    return Style(
        "cad",
        ink=(grey, grey, grey),
        wall_fill=WHITE if hollow else rng.choice((BLACK, (190, 190, 190), (220, 220, 220))),
        wall_line=(grey // 2,) * 3,
        wall_pattern=rng.choice(("plain", "plain", "hatch", "hatch", "cross", "dots")),
        inner_fill=rng.choice((None, None, None, WHITE, (grey // 2,) * 3)),
        thickness=(rng.uniform(0.15, 0.4), rng.uniform(0.1, 0.18)),
        fine=colour or rng.choice(((grey,) * 3, (110, 110, 110), (160, 160, 160))),
        palette=rng.choice(("",) * 8 + ("pale", "bright")),
        texture=rng.choice((0.0, 0.0, 0.0, 0.25)),
        doors=rng.choice(("arc", "arc", "leaf_box", "quarter", "half")),
        windows=rng.choice(("triple", "double", "box", "single")),
        labels=rng.choice(("name", "area", "imperial", "size", "tag", "none")),
        letters=rng.choice(((grey,) * 3, BLACK, (30, 60, 190))),
        font=rng.choice(("hershey", "hershey", "sans", "serif", "narrow", "mono")),
        upper=rng.random() < 0.8,
        language=rng.choice(("en", "en", "fr", "de", "fi", "es", "it", "pt")),
        dimensions=rng.choice(("chain", "chain", "chain", "inside", "none", "arrows")),
        furniture=rng.choice((0.0, 0.3, 0.6, 0.9)),
        fringe=FRINGE | {"scale": 0.4, "block": 0.35, "axes": 0.35, "notes": 0.5},
        families=HOMES | {"institution": 1, "warren": 2} | STOREYS,
    )


def survey(rng: Random) -> Style:
    """A land registry's inventory: thin double lines, numbers over areas, many small rooms."""
    grey = rng.choice((0, 0, 40, 90))
    ink = (grey, grey, grey)
    return Style(
        "survey",
        paper=rng.choice((WHITE, WHITE, WHITE, (236, 236, 232), (226, 218, 200))),
        ink=ink,
        wall_fill=rng.choice((WHITE, WHITE, WHITE, ink)),
        wall_line=ink,
        thickness=(rng.uniform(0.3, 0.7), rng.uniform(0.08, 0.3)),
        fine=ink,
        doors=rng.choice(("gap", "gap", "cross_gap", "arc", "leaf_line")),
        windows=rng.choice(("box", "box", "double", "triple")),
        labels=rng.choice(("fraction", "fraction", "number", "fraction")),
        letters=rng.choice((ink, ink, (160, 30, 30))),
        font=rng.choice(("italic", "hershey_script", "hershey", "sans", "narrow")),
        language=rng.choice(("ru", "ru", "en", "pl")),
        dimensions=rng.choice(("inside", "inside", "none")),
        furniture=rng.choice((0.0, 0.1, 0.25)),
        smooth=rng.random() < 0.5,
        wobble=rng.choice((0.0, 0.0, 0.5)),
        fringe={"title": 0.6, "scale": 0.1, "frame": 0.1},
        families={"institution": 5, "warren": 2, "flat": 2, "units": 1.5, "house": 0.5} | STOREYS,
    )


def blueprint(rng: Random) -> Style:
    """White lines on blue."""
    paper = rng.choice(((24, 60, 130), (20, 44, 100), (40, 90, 170), (16, 70, 110)))
    ink = rng.choice((WHITE, (225, 235, 250), (190, 210, 240)))
    filled = rng.random() < 0.4
    return Style(
        "blueprint",
        paper=paper,
        ink=ink,
        wall_fill=ink if filled else paper,
        wall_line=ink,
        wall_pattern=rng.choice(("plain", "plain", "hatch")),
        thickness=(rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.2)),
        fine=rng.choice((ink, (150, 180, 225))),
        doors=rng.choice(("arc", "leaf_box", "quarter")),
        windows=rng.choice(("triple", "double", "box")),
        labels=rng.choice(("name", "area", "size", "imperial")),
        letters=ink,
        font=rng.choice(("hershey", "sans", "mono")),
        upper=True,
        dimensions=rng.choice(("chain", "inside", "none")),
        furniture=rng.choice((0.2, 0.6, 0.9)),
        wobble=rng.choice((0.0, 0.0, 0.6)),
        fringe=FRINGE | {"block": 0.4, "axes": 0.3},
        families=HOMES,
    )


def sketch(rng: Random) -> Style:
    """Pen or pencil by hand."""
    ink = rng.choice((BLACK, (40, 40, 60), (90, 90, 90), (30, 50, 140)))
    return Style(
        "sketch",
        paper=rng.choice((WHITE, (252, 250, 244), (244, 238, 220), (236, 236, 236))),
        ink=ink,
        wall_fill=rng.choice((ink, WHITE, (170, 170, 170))),
        wall_line=ink,
        wall_pattern=rng.choice(("plain", "plain", "hatch")),
        line_weight=rng.choice((1, 1, 2)),
        thickness=(rng.uniform(0.12, 0.35), rng.uniform(0.08, 0.18)),
        fine=ink,
        palette=rng.choice(("", "", "", "", "warm", "bright")),
        doors=rng.choice(("arc", "leaf_line", "gap", "arc")),
        windows=rng.choice(("double", "single", "triple")),
        labels=rng.choice(("name", "area", "size", "fraction")),
        letters=ink,
        font=rng.choice(("hershey_script", "italic", "hershey")),
        language=rng.choice(("en", "en", "ru", "de", "fr")),
        dimensions=rng.choice(("none", "inside", "chain")),
        furniture=rng.choice((0.0, 0.3, 0.7)),
        wobble=rng.uniform(0.5, 1.4),
        fringe=FRINGE,
        families=HOMES,
    )


def bare(rng: Random) -> Style:
    """Walls alone: thin or thick, nothing else."""
    thick = rng.uniform(0.05, 0.4)
    grey = rng.choice((0, 0, 0, 60, 140))
    hollow = rng.random() < 0.35
    return Style(
        "bare",
        ink=(grey,) * 3,
        wall_fill=WHITE if hollow else (grey,) * 3,
        wall_line=(grey,) * 3 if hollow else None,
        thickness=(thick, thick * rng.uniform(0.4, 1.0)),
        fine=(grey,) * 3,
        palette=rng.choice(("",) * 7 + ("one",)),
        doors=rng.choice(("gap", "arc", "leaf_line", "half", "leaf_box")),
        windows=rng.choice(("none", "gap", "triple", "double", "box")),
        labels=rng.choice(("none", "name", "name", "area", "size")),
        font=rng.choice(("sans", "bold", "serif", "narrow")),
        language=rng.choice(("en", "en", "fr", "de")),
        dimensions=rng.choice(("none", "none", "chain", "inside")),
        furniture=rng.choice((0.0, 0.0, 0.3)),
        smooth=rng.random() < 0.7,
        fringe=FRINGE,
        families=HOMES | {"institution": 1} | STOREYS,
    )


STYLES: dict[str, tuple[float, Callable[[Random], Style]]] = {
    "furnished": (7.0, furnished),
    "agent": (4.0, agent),
    "survey": (3.5, survey),
    "cad": (4.0, cad),
    "brochure": (2.0, brochure),
    "bare": (2.0, bare),
    "sketch": (1.0, sketch),
    "blueprint": (0.7, blueprint),
}


def choose_style(rng: Random, names: tuple[str, ...] = ()) -> Style:
    """One style by its weight, of all or of the named ones."""
    chosen = list(names) or list(STYLES)
    name = rng.choices(chosen, [STYLES[name][0] for name in chosen])[0]
    return STYLES[name][1](rng)
