"""Who comes to the sale and what for: the values that are theirs alone, fixed before the first byte is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl import chance
from surgectl.fans.memory import Memory
from surgectl.journey.model import Journey, Mint
from surgectl.profile.rehearsal import Sale
from surgectl.units import exponent, show_money


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One want of one fan: `qty` tickets, exactly one order wanted."""

    run: str
    intent: str
    """Unique in the run."""
    fan: int
    seed: int
    qty: int
    shared: dict[str, Any] = {}
    """Variables that every fan of the run has: `sale` and `setup`."""


def shared_variables(sale: Sale, setup: Any = None) -> dict[str, Any]:
    """`{sale.price}` (text in major units), `{sale.price_minor}`, `{sale.currency}` …, and `{setup.x}`."""
    minor, currency = sale.price.minor, sale.price.currency
    shared: dict[str, Any] = {
        "sale": {
            "price": show_money(minor, currency).split(" ")[0],
            "price_minor": minor,
            "currency": currency,
            "places": exponent(currency),
            "tickets": sale.tickets,
            "limit": sale.limit,
        }
    }
    if setup is not None:
        shared["setup"] = setup
    return shared


def mint_values(journey: Journey, intent: Intent) -> dict[str, str]:
    """The unique values of this intent, for its IntentRow: pure, and the same for the same seed.

    UnsetError where a mint needs a value of the setup hook that did not come.
    """
    return _render(journey.mint, intent, _base(intent, 0), 0, f"{intent.intent}.0.0")


def open_tab(journey: Journey, intent: Intent, minted: dict[str, str], tab: int = 0) -> Memory:
    """The memory of a new tab: the person's identity, and nothing taken yet."""
    memory = Memory(seed=intent.seed, fan=intent.fan, intent=intent.intent, tab=tab)
    memory.variables = {**_base(intent, tab), **minted}
    return memory


def mint_again(journey: Journey, intent: Intent, memory: Memory, *, per_tab: bool = False) -> dict[str, str]:
    """New values for whatever is made of {uuid} or {attempt} (for `per_tab`: whatever a tab has of its own).

    They go into the tab's variables; the caller journals them before anything carries them.
    """
    memory.generation += 1
    chosen = tuple(mint for mint in journey.mint if (mint.per_tab if per_tab else mint.fresh))
    attempt = f"{memory.intent}.{memory.tab}.{memory.sends + 1}"
    values = _render(chosen, intent, memory.variables, memory.generation, attempt)
    memory.variables.update(values)
    return values


def _base(intent: Intent, tab: int) -> dict[str, Any]:
    return {
        **intent.shared,
        "run": intent.run,
        "intent": intent.intent,
        "fan": intent.fan,
        "tab": tab,
        "qty": intent.qty,
    }


def _render(
    mints: tuple[Mint, ...], intent: Intent, variables: dict[str, Any], generation: int, attempt: str
) -> dict[str, str]:
    scope = {**variables, "attempt": attempt}
    values: dict[str, str] = {}
    for mint in mints:
        scope["uuid"] = chance.uuid(intent.seed, f"mint:{mint.name}", intent.fan, variables["tab"], generation)
        values[mint.name] = scope[mint.name] = mint.text.render(scope)
    return values
