"""Runs of a shop that wavers as real ones do: a slow second is followed by another one (AR(1) noise)."""

from __future__ import annotations

import numpy as np

from surgectl.report.compare.seconds import Seconds
from surgectl.stats.histogram import indices_of


def run_of(
    draw: int, *, seconds: int = 60, slower: float = 1.0, fewer: float = 1.0, memory: float = 0.6, noise: float = 0.2
) -> Seconds:
    """One draw of the process: 25 requests a second of about 100 ms, their median wavers and remembers."""
    chance = np.random.default_rng(draw)
    level = np.zeros(seconds)
    level[0] = chance.normal() * noise
    for n in range(1, seconds):
        level[n] = memory * level[n - 1] + np.sqrt(1 - memory**2) * noise * chance.normal()
    took, counts = [], {name: [] for name in ("arrived", "sent", "resolved", "confirmed", "in_doubt", "shed")}
    for n in range(seconds):
        arrived = int(chance.poisson(25))
        ns = 100e6 * slower * np.exp(level[n] + 0.4 * chance.normal(size=arrived))
        keys, times = np.unique(indices_of(ns.astype(np.int64)), return_counts=True)
        took.append(dict(zip(keys.tolist(), times.tolist(), strict=True)))
        done = int(chance.binomial(arrived, min(1.0, 0.9 * fewer * np.exp(-abs(level[n]) / 4))))
        doubt = int(chance.binomial(arrived, 0.03 * np.exp(level[n])))
        for name, value in (
            ("arrived", arrived),
            ("sent", arrived + int(chance.poisson(5))),
            ("resolved", done),
            ("confirmed", int(chance.binomial(done, 0.8))),
            ("in_doubt", doubt),
            ("shed", int(chance.binomial(arrived, 0.02))),
        ):
            counts[name].append(value)
    return Seconds(length=seconds, counts=counts, durations={"confirm": took, "pay": took})
