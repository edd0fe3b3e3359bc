"""What people type for a size, a split or a trait, as values."""

from collections.abc import Sequence

from floorseg.errors import ConfigError


def parse_size(text: str) -> tuple[int, int]:
    """``640`` or ``1280x960`` -> (width, height) in pixels.

    Raises:
        ConfigError: if it is neither, or not between 128 and 4096.
    """
    parts = text.lower().replace("×", "x").split("x")
    numbers = [int(part) for part in parts if part.strip().isdecimal()]
    if len(numbers) != len(parts) or len(parts) > 2 or not all(128 <= n <= 4096 for n in numbers):
        raise ConfigError(
            f"size must be pixels between 128 and 4096, as 640 or 1280x960; got {text!r:.40}"
        )
    return numbers[0], numbers[-1]


def parse_split(text: str) -> dict[str, float] | None:
    """``train=0.8,valid=0.2`` -> shares; an empty text means no splits.

    Raises:
        ConfigError: if a part is not ``name=share`` or the shares add up to nothing.
    """
    shares: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, share = part.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError as bad:
            raise ConfigError(
                f"split must look like train=0.8,valid=0.1,test=0.1; got {part!r:.40}"
            ) from bad
        if not name.strip().isidentifier() or not 0 <= shares[name.strip()] < float("inf"):
            raise ConfigError(f"split needs plain names with shares of 0 or more; got {part!r:.40}")
    if shares and sum(shares.values()) <= 0:
        raise ConfigError(f"the shares of split add up to nothing: {text!r:.60}")
    return shares or None


def parse_names(given: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """Names that exist, in the order they were given.

    Raises:
        ConfigError: if one does not exist.
    """
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no {what} {name!r:.40}; choose from {', '.join(known)}")
    return tuple(dict.fromkeys(names))
