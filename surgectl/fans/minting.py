"""Makes the values that are unique to an intent: for its arrival, and anew for a fresh key or another tab."""

from __future__ import annotations

from typing import Any

from surgectl import chance
from surgectl.fans.memory import Memory
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


def render(
    mints: tuple[Mint, ...], variables: dict[str, Any], attempt: str, dice: tuple[int, int, int, int]
) -> dict[str, str]:
    """The mints in their order, one made of those above it. `dice`: seed, fan, tab, and how often it was minted anew.

    UnsetError where a mint needs a value of the setup hook that did not come.
    """
    seed, *counters = dice
    scope = {**variables, "attempt": attempt}
    values: dict[str, str] = {}
    for mint in mints:
        if "uuid" in mint.text.names:
            scope["uuid"] = chance.uuid(seed, f"mint:{mint.name}", *counters)
        values[mint.name] = scope[mint.name] = mint.text.render(scope)
    return values
