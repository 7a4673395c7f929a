"""The provider's bad days: which requests are delayed, refused, left hanging or cut, before or after the money moved.

Seeded: whether the n-th request that a fault looks at is hit depends on the seed and n alone.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from surgectl import chance
from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.payments.cards import Decline, RefundTurn, Verdict
from surgectl.units import parse_duration_ns

ACTIONS = {
    # Before the commit nothing has been charged; only `500-stored` counts as begun, so only it stays with the key.
    "before_commit": ("delay", "500", "500-stored", "hang", "reset"),
    # After it the money has moved and the true result is stored, except for `500-stored`, where the 500 is.
    "after_commit": ("delay", "500", "500-stored", "hang", "reset", "truncate"),
    # The card's bank: a burst of declines, a bank that takes its time, or says `processing` and decides later, or
    # asks the cardholder first (3-D Secure).
    "issuer": ("decline", "delay", "processing", "challenge"),
    # The money back: `pending` first, decided later.
    "refund": ("pending",),
    # The post to a webhook endpoint: late, more than once, out of order, lost for ever, or not signed as it should be.
    "webhook": ("delay", "duplicate", "shuffle", "drop", "bad-signature"),
}


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault as posted to the control plane. `ratio` (0–1) or `nth` (every n-th) says which requests it hits.

    At `webhook` it looks at events instead, those whose type begins with `event`; `copies` are the further sendings
    of a duplicate, and a shuffled event is sent at a random instant within `delay`. `outcome` is what a payment that
    is `processing` and a refund that is `pending` come to after `delay` (without one: `settle_after`).
    """

    at: Literal["before_commit", "after_commit", "issuer", "refund", "webhook"]
    do: Literal[
        "delay",
        "500",
        "500-stored",
        "hang",
        "reset",
        "truncate",
        "decline",
        "processing",
        "challenge",
        "pending",
        "duplicate",
        "shuffle",
        "drop",
        "bad-signature",
    ]
    ratio: float | None = None
    nth: int | None = None
    delay: str | None = None
    window: str | None = msgspec.field(default=None, name="for")
    at_most: int | None = None
    method: str = "POST"
    path: str = "/v1/"
    outcome: Literal["succeeded", "failed"] = "succeeded"
    event: str = ""
    copies: int = 1
    code: str = "card_declined"
    decline_code: str = "generic_decline"


class FaultsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /_sim/faults: replaces what was there; an empty list heals."""

    faults: list[Fault]
    seed: int | None = None


class Armed(msgspec.Struct):
    """A fault at work: how many requests it looked at and how many it hit."""

    fault: Fault
    delay_ns: int
    until_ns: int | None
    seen: int = 0
    hit: int = 0


class Fate(msgspec.Struct, gc=False):
    """What will happen to one request; None and 0 mean that nothing will."""

    before: str | None = None
    before_ns: int = 0
    issuer_ns: int = 0
    verdict: Verdict | None = None
    refund: RefundTurn | None = None
    after: str | None = None
    after_ns: int = 0

    def __str__(self) -> str:
        parts = (
            ("before_commit", self.before),
            ("issuer", _word(self.verdict) if self.verdict else "delay" if self.issuer_ns else None),
            ("refund", "pending" if self.refund else None),
            ("after_commit", self.after),
        )
        return " ".join(f"{at}:{do}" for at, do in parts if do)


def _word(verdict: Verdict) -> str:
    return "challenge" if verdict.challenge else "processing" if verdict.settles else "decline"


class LetterFate(msgspec.Struct, gc=False):
    """What will happen to one event on its way to one endpoint."""

    delay_ns: int = 0
    copies: int = 0
    drop: bool = False


_SPARED = Fate()


class Faults:
    """The faults now in force."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.armed: list[Armed] = []

    def reseed(self, seed: int) -> None:
        """From now on chance follows another seed."""
        self._seed = seed

    def arm(self, wanted: FaultsRequest, now_ns: int) -> None:
        """Replace all faults. UsageError names the one that cannot be meant."""
        armed = [_arm(fault, f"faults[{at}]", now_ns) for at, fault in enumerate(wanted.faults)]
        if wanted.seed is not None:
            self._seed = wanted.seed
        self.armed = armed

    def draw(self, method: str, path: str, now_ns: int) -> Fate:
        """What happens to this request: at each point the first fault that hits."""
        if not self.armed:
            return _SPARED
        fate = Fate()
        for place, armed in enumerate(self.armed):
            fault = armed.fault
            if fault.at == "webhook" or (fault.at == "refund" and path != "/v1/refunds"):
                continue
            if fault.method not in ("*", method) or not path.startswith(fault.path):
                continue
            if self._hits(place, armed, now_ns) and _befall(fate, armed):
                armed.hit += 1
        return fate

    def draw_letter(self, type_: str, now_ns: int) -> LetterFate:
        """What happens to an event of this type on its way to one endpoint, whatever else befalls it."""
        fate = LetterFate()
        for place, armed in enumerate(self.armed):
            fault = armed.fault
            if fault.at != "webhook" or fault.do == "bad-signature" or not type_.startswith(fault.event):
                continue
            if not self._hits(place, armed, now_ns):
                continue
            armed.hit += 1
            if fault.do == "drop":
                fate.drop = True
            elif fault.do == "duplicate":
                fate.copies += fault.copies
            elif fault.do == "shuffle":
                share = chance.unit(self._seed, "payments.fault.shuffle", place, armed.seen)
                fate.delay_ns += int(armed.delay_ns * share)
            else:
                fate.delay_ns += armed.delay_ns
        return fate

    def spoils_signature(self, type_: str, now_ns: int) -> bool:
        """Whether this sending of an event is signed with a secret that is not the endpoint's."""
        spoilt = False
        for place, armed in enumerate(self.armed):
            fault = armed.fault
            if fault.do == "bad-signature" and type_.startswith(fault.event) and self._hits(place, armed, now_ns):
                armed.hit += 1
                spoilt = True
        return spoilt

    def _hits(self, place: int, armed: Armed, now_ns: int) -> bool:
        """Whether the fault strikes the next one it looks at; follows from the seed and their number alone."""
        fault = armed.fault
        if armed.until_ns is not None and now_ns >= armed.until_ns:
            return False
        armed.seen += 1
        if fault.at_most is not None and armed.hit >= fault.at_most:
            return False
        if fault.nth is not None:
            return armed.seen % fault.nth == 0
        return chance.unit(self._seed, "payments.fault", place, armed.seen) < (fault.ratio or 0.0)


def _befall(fate: Fate, armed: Armed) -> bool:
    fault = armed.fault
    if fault.at == "before_commit":
        if fate.before is not None:
            return False
        fate.before, fate.before_ns = fault.do, armed.delay_ns
    elif fault.at == "after_commit":
        if fate.after is not None:
            return False
        fate.after, fate.after_ns = fault.do, armed.delay_ns
    elif fault.at == "refund":
        if fate.refund is not None:
            return False
        fate.refund = RefundTurn("pending", fault.outcome, _given_ns(armed))
    elif fault.do == "delay":
        fate.issuer_ns += armed.delay_ns
    else:
        if fate.verdict is not None:
            return False
        fails = fault.do == "decline" or fault.outcome == "failed"
        fate.verdict = Verdict(
            Decline(fault.code, fault.decline_code, "Your card was declined.") if fails else None,
            challenge=fault.do == "challenge",
            settles=fault.do == "processing",
            after_ns=_given_ns(armed),
        )
    return True


def _given_ns(armed: Armed) -> int | None:
    return armed.delay_ns if armed.fault.delay is not None else None


def _arm(fault: Fault, where: str, now_ns: int) -> Armed:
    if fault.do not in ACTIONS[fault.at]:
        raise UsageError(
            f"{fault.do} cannot happen at {fault.at}",
            where=where,
            hint=did_you_mean(fault.do, ACTIONS[fault.at]) or f"one of {', '.join(ACTIONS[fault.at])}",
        )
    if (fault.ratio is None) == (fault.nth is None):
        raise UsageError("say which requests it hits: either ratio or nth", where=where)
    if fault.ratio is not None and not 0.0 <= fault.ratio <= 1.0:
        raise UsageError(f"ratio {fault.ratio} is not between 0 and 1", where=where)
    if fault.nth is not None and fault.nth < 1:
        raise UsageError(f"nth {fault.nth} is not 1 or more", where=where)
    if fault.do in ("delay", "shuffle") and fault.delay is None:
        raise UsageError(f"a {fault.do} needs its length", where=where, hint='try "delay": "2s"')
    if fault.copies < 1:
        raise UsageError(f"{fault.copies} further copies are none", where=where, hint='try "copies": 1')
    try:
        # A hang without a length outlasts any client's patience.
        delay_ns = parse_duration_ns(fault.delay or ("10m" if fault.do == "hang" else "0s"))
        window_ns = parse_duration_ns(fault.window) if fault.window is not None else None
    except ValueError as error:
        raise UsageError(str(error), where=where) from error
    return Armed(fault, delay_ns, None if window_ns is None else now_ns + window_ns)
