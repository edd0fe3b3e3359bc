"""Some of many things, spread evenly over all: the first ones are often alike."""

from collections.abc import Sequence
from typing import TypeVar

Thing = TypeVar("Thing")


def spread(things: Sequence[Thing], limit: int) -> list[Thing]:
    """At most ``limit`` of them, spread evenly; all where it is 0."""
    if not limit or limit >= len(things):
        return list(things)
    step = len(things) / limit
    return [things[int((i + 0.5) * step)] for i in range(limit)]
