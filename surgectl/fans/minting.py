"""Makes the values that are unique to an intent anew: for a fresh key, or for another tab."""

from __future__ import annotations

from surgectl.fans.memory import Memory
from surgectl.fans.minted import render
from surgectl.journey.model import Mint


def mint_again(mints: tuple[Mint, ...], memory: Memory, *, per_tab: bool = False) -> dict[str, str]:
    """New values for whatever is made of {uuid} or {attempt} (for `per_tab`: whatever a tab has of its own).

    They go into the tab's variables; the caller journals them before anything carries them. UnsetError.
    """
    aside = memory.aside
    aside.generation += 1
    chosen = tuple(mint for mint in mints if (mint.per_tab if per_tab else mint.fresh))
    attempt = f"{memory.intent}.{memory.tab}.{memory.sends + 1}"
    values = render(chosen, memory.variables, attempt, (memory.seed, memory.fan, memory.tab, aside.generation))
    memory.variables.update(values)
    return values
