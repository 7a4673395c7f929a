"""The values that are unique to an intent, as its seed says: the same each time they are asked for."""

from __future__ import annotations

from typing import Any

from surgectl import chance
from surgectl.journey.model import Journey, Mint


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


def first_values(mints: tuple[Mint, ...], variables: dict[str, Any], seed: int) -> dict[str, str]:
    """What an intent arrives with. `variables`: as its first tab knows them. UnsetError, as `render`."""
    return render(mints, variables, f"{variables['intent']}.0.0", (seed, variables["fan"], 0, 0))


def made_again(journey: Journey) -> tuple[Mint, ...]:
    """All mints, where each would come out the same later: nothing that is taken goes into them or over them."""
    names = frozenset().union(*(mint.text.names | {mint.name} for mint in journey.mint))
    return () if names & set(journey.takers) else journey.mint
