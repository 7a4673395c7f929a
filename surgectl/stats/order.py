"""Who was let past whom, for certain: order among intervals, where a clock reading is never sharper than its reply.

Of a fan we know an interval for joining and one for being let in. x joined before y for certain where x's joining
ended before y's began; y was let in before x for certain where y was seen inside while x was still seen outside. Both
together are a definite inversion (interval orders as in "likely happened before", arXiv 2510.13664; overtaking as the
measure of a line's fairness: Avi-Itzhak, Levy, Raz 2008). Naive instants would call a perfectly fair shop unfair, by
jitter alone.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

Instants = NDArray[np.int64]
"""Nanoseconds on the run's clock, one a fan."""

NEVER_NS = int(np.iinfo(np.int64).max)
"""The end of an admission that nobody saw."""


class Overtaking(msgspec.Struct, frozen=True, kw_only=True):
    """What a line's order came to. `overtaken` has one number a fan: how many were let past this one for certain."""

    pairs: int
    """(x, y) where x joined before y for certain, and y was let in."""
    inversions: int
    """Of these, those where y was let in before x for certain."""
    told_apart: int
    """Of these, those whose admissions have an order for certain, rightly or wrongly."""
    overtaken: Instants

    @property
    def share(self) -> float:
        return self.inversions / self.pairs if self.pairs else 0.0

    @property
    def tau(self) -> float:
        """Kendall's tau over what is definite: 1 - 2 I/D. Descriptive: it hides a few who starve."""
        return 1 - 2 * self.share


def overtaking(
    joined_from: Instants,
    joined_to: Instants,
    let_in_from: Instants,
    let_in_to: Instants,
    *,
    epsilon_ns: int = 0,
    overtakes: NDArray[np.bool_] | None = None,
) -> Overtaking:
    """Definite inversions in O(n log² n). Whoever was never let in has NEVER_NS in `let_in_to`, and in `let_in_from`
    the last instant at which they were seen outside: they can be overtaken until then, and overtake nobody.

    `overtakes` says who counts as an overtaker; None = everybody.
    """
    counts = let_in_to < NEVER_NS
    if overtakes is not None:
        counts &= overtakes
    later, inside_from, inside_to = joined_from[counts], let_in_from[counts], let_in_to[counts]
    by_join = np.argsort(-later, kind="stable")
    # How many joined after each for certain: those are a prefix of the others, latest first.
    after = len(later) - np.searchsorted(np.sort(later), joined_to + epsilon_ns, side="right")
    overtaken = _smaller_in_prefix(inside_to[by_join], after, let_in_from - epsilon_ns)
    seen = let_in_to < NEVER_NS
    not_later = _smaller_in_prefix(inside_from[by_join], after[seen], let_in_to[seen] + epsilon_ns + 1)
    inversions = int(overtaken.sum())
    rightly = int(after[seen].sum() - not_later.sum())
    return Overtaking(
        pairs=int(after.sum()), inversions=inversions, told_apart=inversions + rightly, overtaken=overtaken
    )


def _smaller_in_prefix(values: Instants, lengths: Instants, below: Instants) -> Instants:
    """For each question (t, q): how many of the first t values are smaller than q.

    A tree of sorted blocks, level by level: a prefix of length t is one block for each bit set in t.
    """
    found = np.zeros(len(lengths), dtype=np.int64)
    if not len(values):
        return found
    ordered = np.sort(values)
    rank = np.searchsorted(ordered, values, side="left")
    limit = np.searchsorted(ordered, below, side="left")
    span = len(values) + 1
    place = np.arange(len(values))
    for level in range(len(values).bit_length()):
        asks = np.flatnonzero((lengths >> level) & 1)
        if not len(asks):
            continue
        block = (lengths[asks] >> (level + 1)) << 1
        keys = np.sort((place >> level) * span + rank)
        found[asks] += np.searchsorted(keys, block * span + limit[asks], side="left") - (block << level)
    return found


def most_at_once(begin: Instants, end: Instants) -> int:
    """The most intervals (begin, end] that share an instant; 0 of none."""
    if not len(begin):
        return 0
    at = np.concatenate([begin, end])
    step = np.concatenate([np.ones(len(begin), dtype=np.int64), -np.ones(len(end), dtype=np.int64)])
    # At one and the same instant ends come first: the intervals are open where they begin.
    return int(max(0, np.cumsum(step[np.lexsort((step, at))]).max()))
