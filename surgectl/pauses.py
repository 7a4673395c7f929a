"""Keeps Python from stopping the world while people wait at the counter."""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()


def rare_pauses() -> None:
    """From here on collect garbage seldom, and never look at what is there already.

    A full collection over a crowd's or a shop's objects stopped everything for 100 to 220 ms about every five seconds
    (measured in ticket-drop, on the generator's own lag); one with 145,000 fans in line took 640 ms. A process that
    lives for minutes needs none: what is young is looked at often, in a millisecond or two, what is old never.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 1_000_000)


def usual_pauses() -> None:
    """The end of `rare_pauses`: what was set aside is collected again, so that a process ends as tidily as any."""
    gc.unfreeze()
    gc.set_threshold(*_USUAL)
