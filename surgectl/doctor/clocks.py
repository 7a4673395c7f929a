"""Does everybody's clock agree with ours as far as the audit needs it?

What depends on it: `{since}` in a source leaves out whatever a clock behind ours dates before the run; a Stripe-shaped
list looks five minutes further back (evidence/stripe.py); UNDERSELL compares when the shop gave tickets back with when
fans were turned away, to within the target's `staleness`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from surgectl.doctor.checkup import Checkup, unseen
from surgectl.doctor.doors import Ring
from surgectl.evidence.stripe import SLACK_S
from surgectl.profile.target import Target

COARSE_S = 0.5
"""An HTTP date names a whole second: it is taken for its middle, and may be half a second off (RFC 9110 §5.6.7)."""
FINEST_S = 1.0
"""Clocks of two machines are never compared more finely, however prompt the shop is (UNDERSELL)."""


class Skew(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody's clock is ahead of ours (negative: behind), and how well that is known."""

    ahead_s: float
    give_or_take_s: float


def skew_of(ring: Ring) -> Skew | None:
    """What a reply's Date header says; None where it has none that can be read."""
    text = ring.header("date")
    if not ring.answered or text is None:
        return None
    try:
        said = parsedate_to_datetime(text)
        theirs_s = (said if said.tzinfo is not None else said.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return between(theirs_s + COARSE_S, ring.heard_at, (ring.took_ns or 0) / 1e9, COARSE_S)


def between(theirs_epoch_s: float, heard_at: datetime, took_s: float, coarse_s: float = 0.0) -> Skew | None:
    """Their clock was read at some time while we waited: in the middle, give or take half of it. None: no such time."""
    if not math.isfinite(theirs_epoch_s):
        return None
    ours_s = heard_at.timestamp() - took_s / 2
    return Skew(ahead_s=theirs_epoch_s - ours_s, give_or_take_s=took_s / 2 + coarse_s)


def uses_since(target: Target) -> bool:
    """Whether any book is read from the run's start on by a clock that is not ours."""
    told = msgspec.json.encode(target.evidence, enc_hook=str)
    return b"{since}" in told or b"{since_iso}" in told


def of_shop(name: str, skew: Skew | None, target: Target, where: str = "") -> Checkup:
    """The shop's clock, or its database's."""
    most_s = max(FINEST_S, int(target.promises.staleness) / 1e9)
    behind_s = FINEST_S if uses_since(target) else most_s
    why = (
        "{since} would leave out the first orders of a run" if behind_s < most_s else "rows would be misplaced in time"
    )
    return _judged(name, skew, behind_s=behind_s, ahead_s=most_s, why=why, where=where)


def of_provider(name: str, skew: Skew | None, where: str = "") -> Checkup:
    """The provider's clock: its list is asked for with five minutes to spare."""
    return _judged(
        name, skew, behind_s=SLACK_S, ahead_s=SLACK_S, why="charges would be left out of its list", where=where
    )


def of_rows(kind: str, instants_s: Iterable[float], now: datetime, most_s: float = 60.0) -> list[Checkup]:
    """Rows that are dated in the future: a clock, or a time zone that the source does not name."""
    latest_s = max(instants_s, default=None)
    if latest_s is None or latest_s - now.timestamp() <= most_s:
        return []
    what = f"the latest row is dated {_span(latest_s - now.timestamp())} ahead of our clock"
    fix = "a time without its zone is read as UTC: let the query name the zone (at time zone …)"
    return [Checkup(part="clocks", name=f"{kind} rows", verdict="fail", what=what, where=f"evidence.{kind}", fix=fix)]


def _judged(name: str, skew: Skew | None, *, behind_s: float, ahead_s: float, why: str, where: str) -> Checkup:
    if skew is None:
        return unseen("clocks", name, "says no time that can be read", where)
    off_s, loose_s = skew.ahead_s, skew.give_or_take_s
    side = "ahead of" if off_s > 0 else "behind"
    # What the reading itself cannot tell apart convicts nobody's clock.
    surely_s = max(0.0, abs(off_s) - loose_s)
    limit_s = ahead_s if off_s > 0 else behind_s
    if surely_s == 0:
        return Checkup(
            part="clocks", name=name, verdict="pass", what=f"agrees with ours (± {_span(loose_s)})", where=where
        )
    said = f"is {_span(abs(off_s))} {side} ours (± {_span(loose_s)})"
    if surely_s > limit_s:
        what = f"{said}; more than {_span(limit_s)} is too much: {why}"
        return Checkup(part="clocks", name=name, verdict="fail", what=what, where=where, fix="set both clocks (NTP)")
    return Checkup(
        part="clocks", name=name, verdict="pass", what=f"{said}; up to {_span(limit_s)} does no harm", where=where
    )


def _span(seconds: float) -> str:
    if round(seconds) >= 3_600:
        return f"{seconds / 3600:.1f}h"
    if seconds >= 90:
        return f"{seconds / 60:.1f}min"
    return f"{seconds:.1f}s" if seconds >= 0.1 else f"{seconds * 1000:.0f}ms"
