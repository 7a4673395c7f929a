"""What happened, one row an event: the lines of ops/*.jsonl.zst, chaos.jsonl and vitals.jsonl.

Every `_ns` is nanoseconds since the run's start on one monotonic clock (the manifest holds the wall time of
the start). Prose: docs/recording.md. Rows are only ever added to a recording; a new field needs a default.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Outcome = Literal["ok", "fail", "info"]


class _Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", gc=False):
    """A line of the recording."""


class IntentRow(_Row, frozen=True, kw_only=True, tag="intent"):
    """A fan arrived wanting `qty` tickets: journalled before its first send."""

    intent: str
    fan: int
    profile: str
    phase: str
    qty: int
    price_minor: int
    currency: str
    due_ns: int
    at_ns: int
    mint: dict[str, str] = {}
    """Values unique to this intent by construction: they link a stranger's ledger rows to it."""


class MintRow(_Row, frozen=True, kw_only=True, tag="mint"):
    """A further unique value of an intent: a fresh idempotency key."""

    intent: str
    name: str
    value: str
    at_ns: int


class InvokeRow(_Row, frozen=True, kw_only=True, tag="invoke"):
    """An attempt is about to be sent: journalled and flushed before its bytes leave."""

    attempt: str
    intent: str
    step: str
    role: str
    op: int
    """Number of the operation within the intent's tab; a retry keeps it."""
    due_ns: int
    at_ns: int
    tab: int = 0
    try_: int = msgspec.field(name="try", default=1)
    poll: bool = False
    """True: a read that waits for the operation, never an attempt at it."""
    double: bool = False
    """True: the second half of a double click."""
    method: str = "GET"
    """Empty: nothing was sent, the fan went on listening on a connection that is open."""
    key: str | None = None
    """The idempotency key it carries."""
    body: str | None = None
    """Of a hold or payment with a key: a digest of the body it sends, which tells a repetition from another wish."""


class DoneRow(_Row, frozen=True, kw_only=True, tag="done"):
    """What came back of an attempt, or did not."""

    attempt: str
    outcome: Outcome
    why: str
    """The rule's word (next, sold-out, confirmed …), or not-sent, timeout, cut, quit, unmatched."""
    sent_ns: int | None = None
    """First byte written; None = no byte ever left."""
    done_ns: int = 0
    status: int | None = None
    size: int = 0
    then: str = ""
    claims: dict[str, Any] = {}
    detail: str = ""


class ToldRow(_Row, frozen=True, kw_only=True, tag="told"):
    """What an operation came to, once known: the fan's belief."""

    intent: str
    op: int
    step: str
    role: str
    outcome: Outcome
    end: str
    """confirmed · accepted · sold-out · declined · … · unknown"""
    at_ns: int
    tab: int = 0
    claims: dict[str, Any] = {}
    """order, amount_minor, currency, qty, seats, tickets, position, wait_s: whatever the shop claimed."""
    status_read: bool = False
    """True: read by the status flow after the end (knowledge, not an attempt)."""


class LeftRow(_Row, frozen=True, kw_only=True, tag="left"):
    """A tab of a fan ended."""

    intent: str
    end: str
    outcome: Outcome
    at_ns: int
    tab: int = 0
    detail: str = ""


class DroppedRow(_Row, frozen=True, kw_only=True, tag="dropped"):
    """An arrival that never came: our fault or somebody's wish, never the shop's."""

    fan: int
    due_ns: int
    at_ns: int
    why: str = "late"
    """late · script-error: we could not send it; paused: somebody had stopped the arrivals by hand."""


class ProbeRow(_Row, frozen=True, kw_only=True, tag="probe"):
    """One request of the independent prober."""

    step: str
    due_ns: int
    sent_ns: int | None
    done_ns: int
    outcome: Outcome
    status: int | None = None
    why: str = ""


OpRow = IntentRow | MintRow | InvokeRow | DoneRow | ToldRow | LeftRow | DroppedRow | ProbeRow


class FaultRow(_Row, frozen=True, kw_only=True, tag="fault"):
    """A step in the life of one fault."""

    fault: str
    """Number of the fault in the timeline: `0`, `1` …; of one by hand `hand-1`, `hand-2` …"""
    event: Literal["begun", "applied", "verified", "healed", "failed", "cleared"]
    """`begun`: a command is about to break something; written before it starts, with the command that mends it."""
    at_ns: int
    link: str = ""
    brownout: str = ""
    detail: str = ""
    observed: dict[str, int] = {}
    """What was measured to call it verified: delayed, cut, refused …"""
    heal: list[str] = []
    """Of a fault by command, with `begun`: what mends it. `${NAME}` of the environment stays as it is."""
    timeout_ns: int = 0
    """Of that command."""


class NoteRow(_Row, frozen=True, kw_only=True, tag="note"):
    """Something worth a mark on the timeline."""

    at_ns: int
    text: str
    kind: str = "note"
    """By hand: one of BY_HAND. Of our own accord: stage, worker, error."""


ChaosRow = FaultRow | NoteRow

BY_HAND = ("note", "pause", "resume", "inject", "clear", "stop")
"""What people at the keyboard do while a rehearsal runs, as notes tell it (docs/game-day.md)."""


class VitalsRow(_Row, frozen=True, kw_only=True, tag="vitals"):
    """The generator's own health, about once a second."""

    at_ns: int
    lag_ns: int
    """Worst delay of our own timer since the last row."""
    cpu: float
    """Share of one core that this process used since the last row."""
    machine_cpu: float = 0.0
    fans: int = 0
    in_flight: int = 0
    sockets: int = 0
    rss_bytes: int = 0
    arrival_lag_ns: int = 0
    """Worst lateness of an arrival since the last row."""
