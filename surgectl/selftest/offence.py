"""One way for a shop or its provider to be wrong, and what an honest audit must make of it."""

from __future__ import annotations

import msgspec


class Offence(msgspec.Struct, frozen=True, kw_only=True):
    """A defect of the stage in a scene that provokes it."""

    defect: str
    """Its name, as `surgectl run --defect` knows it."""
    caught_by: tuple[str, ...]
    """Invariants of which any one that fails is the right answer; the first is the one that the defect is about."""
    scene: str = "lost-replies"
    """The profile of surgectl/selftest/scenes/ that is played."""
    coverage: dict[str, int | str]
    """What the run must have met for the defect to have had its chance (coverage id → least). It is demanded of the run
    itself, as a user would: unmet, a run that convicts nobody ends 12, never 0, and was not exercised."""
    slow: bool = False
    """It needs half a minute or more (recovery, metastability): played in the slow matrix only."""
    quick: bool = True
    """False: `--quick` leaves it to the whole matrix, because it plays another that breaks the same invariants."""
    disguise: bool = True
    """Half of its rehearsals are played by the shop in a stranger's clothes, where the scene allows it. False: a
    stranger's books and headers could not show it."""
