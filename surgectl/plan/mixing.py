"""Chance for many fans at once: the same bits that `chance.mix` gives each of them alone."""

from __future__ import annotations

from typing import Any

import numpy as np

Whole = np.ndarray[Any, np.dtype[np.uint64]]
"""Whole numbers of 64 bits without a sign; what overflows wraps, as the mixer wants it."""

_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)
_11 = np.uint64(11)


def mixed(x: Whole) -> Whole:
    """SplitMix64's finaliser of each number (chance.mix)."""
    x = x + _GOLDEN
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    return x ^ (x >> _31)


def drawn(stream: int, counters: Whole) -> Whole:
    """64 random bits for each counter of a stream (chance.bits of a seed and a purpose)."""
    return mixed(np.uint64(stream) ^ counters)


def top(bits: Whole) -> Whole:
    """The upper 53 bits: what fits a float, and what shares are cut from."""
    return bits >> _11
