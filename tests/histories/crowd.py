"""A crowd on a night: so many a second between two instants, whose payments resolve so and so, retried so often."""

from __future__ import annotations

from surgectl.recording.evidence_rows import RequestRow
from surgectl.recording.rows import DoneRow, FaultRow, IntentRow, InvokeRow, LeftRow, Outcome, ToldRow
from tests.histories.night import EPOCH, PRICE, Night, S


def fault(night: Night, from_s: float, to_s: float, *, number: str = "0", brownout: str = "down") -> Night:
    """A fault on the payments, applied and healed at these seconds."""
    for event, at_s in (("applied", from_s), ("verified", from_s), ("healed", to_s)):
        night.chaos.append(
            FaultRow(fault=number, event=event, at_ns=round(at_s * S), link="payments", brownout=brownout)  # type: ignore[arg-type]
        )
    return night


def crowd(
    night: Night,
    from_s: float,
    to_s: float,
    per_s: float,
    *,
    role: str = "pay",
    answer_s: float | None = 0.2,
    end: str = "confirmed",
    sends: int = 1,
    gap_s: float = 0.2,
    patience_s: float = 2.0,
    posts: int = 1,
    posts_gap_s: float = 0.5,
    leaves: str | None = None,
) -> Night:
    """Fans who come evenly and pay (or hold): each sends `sends` times, gives up a reply after `patience_s` and tries
    again `gap_s` later; the last try is answered after `answer_s` with `end`, or never (None). `end` "again" means come
    back, "shed" too busy. The provider receives `posts` POSTs for each. `leaves`: how the fan leaves, else by the end.
    """
    for number in range(round((to_s - from_s) * per_s)):
        _one(night, from_s + (number + 0.5) / per_s, role, answer_s, end, sends, gap_s, patience_s, leaves)
        fan = max(night.tries.values())
        for again in range(posts if role == "pay" else 0):
            at_s = EPOCH + from_s + (number + 0.5) / per_s + again * posts_gap_s
            night.requests.append(RequestRow(key=f"shop-{fan}", keys=[f"run-i{fan}"], at_s=at_s))
    night.left_out.discard("requests")
    night.clock = max(night.clock, round(to_s * S))
    return night


def _one(
    night: Night,
    at_s: float,
    role: str,
    answer_s: float | None,
    end: str,
    sends: int,
    gap_s: float,
    patience_s: float,
    leaves: str | None,
) -> None:
    fan = 1000 + len(night.tries)
    intent = f"run-i{fan}"
    night.tries[intent] = fan
    due_ns = round(at_s * S)
    night.ops.append(
        IntentRow(
            intent=intent,
            fan=fan,
            profile="patient",
            phase="on-sale",
            qty=1,
            price_minor=PRICE,
            currency="EUR",
            due_ns=due_ns,
            at_ns=due_ns,
        )
    )
    refused = end not in ("confirmed", "next")
    outcome: Outcome = "info" if answer_s is None else "fail" if refused else "ok"
    done_ns = due_ns
    for number in range(1, sends + 1):
        answered = number == sends and answer_s is not None
        done_ns = due_ns + round((answer_s if answered and answer_s is not None else patience_s) * S)
        attempt = f"{intent}.{number}"
        night.ops.append(
            InvokeRow(
                attempt=attempt, intent=intent, step=role, role=role, op=1, due_ns=due_ns, at_ns=due_ns, try_=number
            )
        )
        night.ops.append(
            DoneRow(
                attempt=attempt,
                outcome=outcome if answered else "info",
                why=end if answered else "timeout",
                sent_ns=due_ns,
                done_ns=done_ns,
                then=end if answered and end in ("again", "shed") else "end" if answered else "unknown",
            )
        )
        due_ns = done_ns + round(gap_s * S)
    told = end if answer_s is not None else "unknown"
    night.ops.append(ToldRow(intent=intent, op=1, step=role, role=role, outcome=outcome, end=told, at_ns=done_ns))
    night.ops.append(LeftRow(intent=intent, end=leaves or told, outcome=outcome, at_ns=done_ns))
