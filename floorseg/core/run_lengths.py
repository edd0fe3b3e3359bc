"""Arithmetic on run lengths: COCO's character code, row-major order, (value, run) pairs.

Everything here works on the runs themselves, so a mask of 1080 x 1080 pixels is turned round in a
tenth of a millisecond and a claimed size of 100,000 x 100,000 costs nothing. Errors are
ValueErrors: the callers know the file's name.
"""

from collections.abc import Sequence

import numpy as np

MAX_BOUNDARY = (
    20_000_000  # pixels on the outline of one mask; a mask beyond this is noise or hostile
)


def unpack(text: bytes) -> np.ndarray:
    """The numbers in a string of COCO's character code: six bits a character, differences.

    Args:
        text: what pycocotools calls compressed counts.

    Returns:
        int64 array of the numbers, which need not be run lengths.

    Raises:
        ValueError: if a character is outside the code or the last number is cut off.
    """
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if codes.size == 0:
        return codes
    numbers, _ = _split(codes)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def add_up(texts: Sequence[bytes]) -> np.ndarray:
    """What the run lengths in each of many strings add up to, in one go.

    A file's sixty masks are looked over seven times as fast as one after another.

    Args:
        texts: as :func:`unpack` takes them.

    Returns:
        int64 (N,), -1 where a number is negative or absurdly large; all -1 if a string is damaged
        or empty: :func:`unpack` says which, and why.
    """
    nothing = np.full(len(texts), -1, np.int64)
    sizes = np.array([len(text) for text in texts], np.int64)
    if not sizes.size or sizes.min() == 0:
        return nothing
    codes = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64) - 48
    stops = np.cumsum(sizes)
    try:
        numbers, ends = _split(codes)
    except ValueError:
        return nothing
    if (codes[stops - 1] >= 32).any():  # one's last number would go on in the next
        return nothing
    first = np.searchsorted(ends, stops - sizes)
    count = np.diff(first, append=numbers.size)
    place = np.arange(numbers.size) - np.repeat(first, count)
    for chain, length in (
        (place % 2 == 1, count // 2),
        ((place % 2 == 0) & (place > 0), (count - 1) // 2),
    ):
        numbers[chain] = _undo_differences(numbers[chain], length)
    sums = np.add.reduceat(numbers, first)
    sound = np.minimum.reduceat(numbers, first) >= 0
    sound &= np.maximum.reduceat(numbers, first) < 2**31  # so that no sum overflows
    return np.where(sound, sums, nothing)


def _undo_differences(numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Cumulative sums of chains that lie one after another."""
    total = np.cumsum(numbers)
    before = np.concatenate(([0], total))[np.cumsum(lengths) - lengths]
    return total - np.repeat(before, lengths)


def _split(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that six-bit codes spell, and where each one's last code is."""
    if codes.min() < 0 or codes.max() > 63:
        raise ValueError("counts hold characters that are not COCO's code")
    ends = np.flatnonzero(codes < 32)
    if ends.size == 0 or ends[-1] != codes.size - 1:
        raise ValueError("counts stop in the middle of a number")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 8:
        raise ValueError("counts hold a number of more than 40 bits")
    place = np.arange(codes.size) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((codes & 31) << (5 * place), starts)
    numbers -= np.where(codes[ends] & 16, np.int64(1) << (5 * lengths), 0)
    return numbers, ends


def are_pairs(numbers: np.ndarray, pixels: int) -> bool:
    """Whether the numbers are (value, run) pairs, as Roboflow's "SAM 2" export writes them.

    ``[0, pixels]`` is both an empty mask as pairs and a full one as runs; it is called runs here,
    and a caller who knows the file's other masks knows better.
    """
    if numbers.size < 2 or numbers.size % 2 or int(numbers.sum()) == pixels:
        return False
    values, runs = numbers[::2], numbers[1::2]
    return (
        int(values.min()) >= 0
        and int(values.max()) <= 1
        and int(runs.min()) >= 0
        and int(runs.max()) <= pixels  # so that the sum cannot overflow
        and int(runs.sum()) == pixels
    )


def pairs_to_runs(numbers: np.ndarray) -> np.ndarray:
    """Runs that begin with zeros, in the same order of pixels, of (value, run) pairs."""
    values = numbers[::2].astype(bool)
    ends = np.cumsum(numbers[1::2])
    changes = np.flatnonzero(values[1:] != values[:-1])
    edges = ends[changes]
    if values[0]:
        edges = np.concatenate(([0], edges))
    return np.diff(edges, prepend=0, append=ends[-1])


def transpose(runs: np.ndarray, height: int, width: int) -> np.ndarray:
    """Column-major runs of a mask given by its row-major runs.

    The same mask, read down the columns instead of along the rows. A pixel that differs from the
    one above it begins or ends a run; those pixels follow from comparing each row's edges with
    those of the row above, so no mask is ever laid out in memory.

    Args:
        runs: alternating lengths of zeros and ones, zeros first, along the rows.
        height: rows.
        width: columns.

    Returns:
        int64 run lengths, zeros first, down the columns.

    Raises:
        ValueError: if the mask's outline is absurdly long.
    """
    rows, columns = _row_edges(runs, width)
    # every edge counts in its own row and, as what is above it, in the next one
    keys = np.sort(
        np.concatenate((rows * (width + 1), (rows + 1) * (width + 1))) + np.tile(columns, 2)
    )
    left, right = keys[::2], keys[1::2]
    lengths = right - left
    total = int(lengths.sum())
    if total > MAX_BOUNDARY:
        raise ValueError(
            f"the mask's outline is {total:,} pixels long, which no shape on a plan is"
        )
    offsets = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    column = np.repeat(left % (width + 1), lengths) + offsets
    edges = np.sort(column * height + np.repeat(left // (width + 1), lengths))
    edges = _drop_twins(edges)
    if edges.size and edges[-1] == height * width:  # the last pixel is one: nothing follows it
        edges = edges[:-1]
    return np.diff(edges, prepend=0, append=height * width)


def _row_edges(runs: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every left and right edge, runs being cut at the ends of rows."""
    ends = np.cumsum(runs)
    stops = ends[1::2]
    starts = ends[::2][: stops.size]
    kept = stops > starts
    starts, stops = starts[kept], stops[kept]
    rows = (stops - 1) // width - starts // width + 1  # how many rows each run touches
    if int(rows.sum()) > MAX_BOUNDARY:
        raise ValueError("the mask has more pieces than any shape on a plan")
    row = np.repeat(starts // width - np.cumsum(rows) + rows, rows) + np.arange(int(rows.sum()))
    left = np.maximum(np.repeat(starts, rows), row * width) - row * width
    right = np.minimum(np.repeat(stops, rows), (row + 1) * width) - row * width
    return np.concatenate((row, row)), np.concatenate((left, right))


def _drop_twins(edges: np.ndarray) -> np.ndarray:
    """Sorted edges without those that occur twice: a run that ends where the next one begins."""
    if edges.size < 2:
        return edges
    same = edges[1:] == edges[:-1]
    return edges[~(np.append(same, False) | np.append(False, same))]
