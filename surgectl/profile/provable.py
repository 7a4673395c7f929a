"""Which books an invariant needs: what can be proved with a target's evidence, and what it costs to leave one out."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from surgectl.profile.target import Target

NEEDS: dict[str, tuple[frozenset[str], ...]] = {
    "OVERSELL": (frozenset({"orders"}), frozenset({"tickets"})),
    "SEAT2": (frozenset({"tickets"}),),
    "CONSERVE": (frozenset({"stock"}),),
    "LEAK": (frozenset({"stock", "holds"}),),
    "UNDERSELL": (frozenset({"stock", "holds", "orders"}),),
    "DUPCHARGE": (frozenset({"charges", "orders"}),),
    "CHARGED_NO_TICKET": (frozenset({"charges", "orders"}),),
    "TICKET_NO_CHARGE": (frozenset({"charges", "orders"}),),
    "AMOUNT": (frozenset({"charges", "orders"}),),
    "GHOST": (frozenset({"charges"}), frozenset({"orders"})),
    "REFUND": (frozenset({"charges", "refunds"}),),
    "AUTH_LEFT": (frozenset({"charges", "orders"}),),
    "PHANTOM": (frozenset({"charges", "orders"}),),
    "LOST_TICKET": (frozenset({"orders"}),),
    "DUPORDER": (frozenset({"orders"}),),
    "LIMIT": (frozenset({"orders"}),),
    "IDEM_REPLAY": (frozenset({"charges"}),),
    "IDEM_MISMATCH": (frozenset({"orders"}), frozenset({"charges", "requests"})),
    "WEBHOOK_DUP": (frozenset({"webhooks", "orders", "charges"}),),
    "AMP_PAY": (frozenset({"requests"}),),
}
"""Invariant → the sets of evidence kinds of which any one is enough. Invariants that are not here need no books."""


class Provable(msgspec.Struct, frozen=True, kw_only=True):
    """What a target's evidence allows."""

    allowed: tuple[str, ...]
    lost: tuple[tuple[str, tuple[str, ...]], ...]
    """Invariant → the kinds that are missing for it."""


def kinds_of(target: Target) -> frozenset[str]:
    """The evidence kinds that a target gives; a Stripe-shaped source of charges lists the refunds too."""
    kinds = set(target.evidence)
    charges = target.evidence.get("charges")
    if charges is not None and charges.stripe is not None:
        kinds.add("refunds")
    return frozenset(kinds)


def provable(kinds: Collection[str]) -> Provable:
    """Sort the invariants that need books into those that these kinds can prove and those they cannot."""
    have = frozenset(kinds)
    allowed: list[str] = []
    lost: list[tuple[str, tuple[str, ...]]] = []
    for invariant, ways in NEEDS.items():
        missing = min((way - have for way in ways), key=len)
        if missing:
            lost.append((invariant, tuple(sorted(missing))))
        else:
            allowed.append(invariant)
    return Provable(allowed=tuple(allowed), lost=tuple(lost))
