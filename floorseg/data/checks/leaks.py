"""One plan in two splits: the score on such a split flatters the model."""

from collections.abc import Iterable, Sequence

from floorseg.data.checks.findings import Finding, finding
from floorseg.data.lookalike import Fingerprint, find_look_alikes, groups


def check_leaks(
    files: Sequence[str],
    splits: Sequence[str],
    prints: Sequence[Fingerprint | None],
    *,
    workers: int | None = None,
) -> Iterable[Finding]:
    """Look-alikes in different splits are errors, those of one split are told.

    Args:
        files: annotation files, as findings tell them.
        splits: the split of each.
        prints: what the pictures look like.
        workers: processes.
    """
    together = groups(len(files), find_look_alikes(prints, workers=workers))
    for group in together:
        found = sorted({splits[place] for place in group})
        if len(group) < 2:
            continue
        if len(found) > 1:
            shown = [next(p for p in group if splits[p] == split) for split in found]
            said = f"{len(group)} pictures show this plan, in {' and '.join(found)}: "
            said += ", ".join(files[place] for place in shown)
            yield finding("split-leak", files[group[0]], said, count=len(group))
        else:
            said = f"{len(group)} pictures show this plan: {', '.join(files[p] for p in group[:3])}"
            yield finding("image-copy", files[group[0]], said, count=len(group) - 1)
