"""How long a run is and what changes on the way: low resolution first, full at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from floorseg.errors import ConfigError


class Unit(StrEnum):
    """What a run's length is counted in. Only minutes depend on the machine."""

    EPOCHS = "epochs"
    STEPS = "steps"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run.

    Attributes:
        length: in the schedule's unit.
        image_size: pixels a side, or None for what model and data already use.
        batch_sizes: images a batch, one number a mixed dataset, or None for the data's own.
    """

    length: float
    image_size: int | None = None
    batch_sizes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Stages, one after another."""

    unit: Unit
    stages: tuple[Stage, ...]

    @classmethod
    def read(
        cls, stages: Sequence[Mapping[str, Any]] | None, unit: str, max_epochs: float
    ) -> "Schedule":
        """From a configuration; without stages, one of ``max_epochs`` epochs.

        Raises:
            ConfigError: if a stage is impossible.
        """
        if not stages:
            return cls(Unit.EPOCHS, (Stage(float(max_epochs)),))
        if unit not in list(Unit):
            raise ConfigError(f"stage_unit is {unit!r}; use one of {', '.join(Unit)}")
        return cls(Unit(unit), tuple(_stage(stage) for stage in stages))

    @property
    def length(self) -> float:
        """The whole run."""
        return sum(stage.length for stage in self.stages)

    def at(self, spent: float) -> int:
        """Index of the stage a run is in after ``spent``; the last one at the end."""
        end = 0.0
        for index, stage in enumerate(self.stages):
            end += stage.length
            if spent < end - 1e-9:
                return index
        return len(self.stages) - 1


def _stage(entry: Mapping[str, Any]) -> Stage:
    unknown = set(entry) - {"length", "image_size", "batch_sizes"}
    if unknown or not entry.get("length", 0) > 0:
        raise ConfigError(
            "a stage needs a length above 0 and may have image_size and batch_sizes, "
            f"got {dict(entry)}"
        )
    size = entry.get("image_size")
    if size is not None and (size <= 0 or size % 32):
        raise ConfigError(f"image_size must be a multiple of 32 pixels, got {size}")
    sizes = entry.get("batch_sizes")
    return Stage(float(entry["length"]), size, tuple(sizes) if sizes else None)
