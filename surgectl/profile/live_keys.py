"""Never rehearse with real cards: a payment key that is no test key is refused, wherever in a target it stands.

Stripe's keys say it themselves (docs.stripe.com/keys): `sk_live_`, `rk_live_` and `pk_live_` charge cards, `sk_test_`
and its like do not.
"""

from __future__ import annotations

import re

from surgectl.errors import RefusedError
from surgectl.profile.node import Node, leaves

_LIVE = re.compile(r"(?<![0-9A-Za-z])[spre]k_live_")


def refuse_live_keys(tree: Node) -> None:
    """RefusedError (exit 13) that names file, line and path of a live key, and never the key."""
    for path, value in leaves(tree):
        if _LIVE.search(value.text):
            raise RefusedError(
                "a live key of Stripe's: whoever rehearses with it charges real cards",
                where=f"{value.place}: {path}",
                hint="use a test key (sk_test_…), or say live_keys: true at the top of the target",
            )
