"""Who comes to the sale and what for: the values that are theirs alone, fixed before the first byte is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.fans.folding import ACCOUNTS
from surgectl.fans.minted import first_values
from surgectl.fans.script import Tab
from surgectl.fans.way import route_of
from surgectl.journey.model import Journey
from surgectl.profile.accounts import ACCOUNT, Accounts
from surgectl.profile.rehearsal import Sale
from surgectl.units import exponent, show_money


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One want of one fan: `qty` tickets, exactly one order wanted. Of no use once its tab is open."""

    run: str
    intent: str
    """Unique in the run."""
    fan: int
    seed: int
    qty: int
    shared: dict[str, Any] = {}
    """Variables that every fan of the run has: `sale` and `setup`."""
    accounts: Accounts | None = None
    """Where this fan has its row, if the target's fans come from a table."""


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
    return first_values(journey.mint, _base(intent, 0), intent.seed)


def open_tab(journey: Journey, intent: Intent, minted: dict[str, str], tab: int = 0) -> Tab:
    """A new tab: the person's identity, and nothing taken yet."""
    opened = Tab(route_of(journey), seed=intent.seed, fan=intent.fan, intent=intent.intent, tab=tab)
    opened.variables.update(_base(intent, tab), **minted)
    return opened


def _base(intent: Intent, tab: int) -> dict[str, Any]:
    account: dict[str, Any] = {}
    if intent.accounts is not None:
        account = {ACCOUNTS: intent.accounts, ACCOUNT: intent.accounts.of(intent.fan)}
    return {
        **account,
        **intent.shared,
        "run": intent.run,
        "intent": intent.intent,
        "fan": intent.fan,
        "tab": tab,
        "qty": intent.qty,
    }
