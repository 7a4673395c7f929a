"""How far would this number have been off, had the same minute been played again?

A run is one draw of something that wavers. The stationary bootstrap (Politis & Romano, JASA 1994) draws the run's
seconds again and again in blocks of random length, since a slow second seldom comes alone, and the spread of what comes
out is the answer. How long the blocks are is read off the seconds themselves: Politis & White (Econometric Reviews
2004) as corrected by Patton, Politis & White (2009).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from surgectl import chance

Floats = np.ndarray[Any, np.dtype[np.float64]]

_WITHIN = 2.0
"""Politis & White's c: a correlation below 2 sqrt(log10 n / n) is none."""


def block_length(series: Floats) -> float:
    """The best mean length of a block, in entries of the series; 1 where they know nothing of each other."""
    n = len(series)
    x = series - series.mean() if n else series
    power = float(x @ x)
    if n < 4 or power <= 0:
        return 1.0
    looked = max(5, math.ceil(math.sqrt(math.log10(n))))
    most = min(n - 1, math.ceil(math.sqrt(n)) + looked)
    covariances = np.array([float(x[: n - k] @ x[k:]) / n for k in range(most + 1)])
    bound = _WITHIN * math.sqrt(math.log10(n) / n)
    small = np.abs(covariances / covariances[0]) < bound
    # The first lag after which the next few correlations are all nothing; the window is twice as wide.
    last = next((k for k in range(most) if small[k + 1 : k + 1 + looked].all()), most)
    width = min(2 * max(last, 1), most)
    lags = np.arange(1, width + 1)
    flat = np.clip(2 * (1 - lags / width), 0, 1)
    long_run = covariances[0] + 2 * float(flat @ covariances[1 : width + 1])
    slope = 2 * float(flat @ (lags * covariances[1 : width + 1]))
    if long_run <= 0:
        return 1.0
    length = (slope**2 / long_run**2) ** (1 / 3) * n ** (1 / 3)
    return float(min(max(1.0, length), max(1.0, math.ceil(min(3 * math.sqrt(n), n / 3)))))


def memory(series: Floats, stretches: int = 1) -> float:
    """How much of a second the next one remembers, rather too much than too little: in [0, 0.95].

    The correlation at lag 1, and its standard error on top: to believe in too much memory only makes an interval wider.
    `stretches`: how many means were taken off the series. Each takes correlation away (Kendall, Biometrika 1954), which
    is put back.
    """
    n, power = len(series), float(series @ series)
    if n < 4 or power <= 0:
        return 0.0
    seen = float(series[:-1] @ series[1:]) / power
    found = min(0.95, (seen + stretches / n) / max(0.05, 1 - 3 * stretches / n))
    return min(0.95, max(0.0, found + math.sqrt(max(0.0, 1 - found**2) / n)))


def seconds_a_piece(remembered: float) -> float:
    """How many seconds tell as much as one independent one would: (1 + r) / (1 - r), for AR(1)."""
    return (1 + remembered) / (1 - remembered)


def unseen(block: float, remembered: float) -> float:
    """By what factor blocks of that mean length show too small a variance, for AR(1): each break forgets."""
    kept = (1 - 1 / block) * remembered
    return seconds_a_piece(remembered) / seconds_a_piece(kept)


def times_drawn(seed: int, strata: Sequence[int], *, block: float, replicates: int) -> Floats:
    """How often each entry was drawn, by replicate: shape (replicates, entries).

    `strata` gives each entry's stretch; entries of one stretch lie beside each other, and each stretch is drawn anew
    from itself alone, in a circle, so that every replicate has as many seconds of each kind as the run had.
    """
    labels = np.asarray(strata)
    n = len(labels)
    draws = chance.units(seed, f"bootstrap {block:g}", replicates * n).reshape(replicates, n)
    counted = np.zeros((replicates, n))
    rows = np.arange(replicates)
    for label in dict.fromkeys(strata):
        (places,) = np.nonzero(labels == label)
        size = len(places)
        new = 1 / min(block, max(1.0, size / 3))
        at = np.zeros(replicates, dtype=np.int64)
        for turn, place in enumerate(places):
            drawn = draws[:, place]
            begins = drawn < new if turn else np.ones(replicates, dtype=bool)
            share = drawn / new if turn else drawn  # below `new` it is uniform once more
            at = np.where(begins, np.minimum((share * size).astype(np.int64), size - 1), (at + 1) % size)
            counted[rows, places[at]] += 1
    return counted
