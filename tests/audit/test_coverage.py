"""What must have happened is counted from the recording, and is the same whether the shop was right or wrong."""

from __future__ import annotations

import pytest

from surgectl.audit.coverage import Coverage, coverage
from surgectl.audit.expectations import Expectations
from surgectl.profile.words import COVERAGE
from surgectl.recording.evidence_rows import SourceRow, WebhookRow
from surgectl.recording.relations import Relations
from surgectl.recording.rows import DoneRow, InvokeRow, OpRow
from tests.histories.night import Night


def counted(night: Night) -> dict[str, Coverage]:
    with night.relations() as relations:
        return {item.id: item for item in coverage(relations, night.expectations())}


def clicked_twice() -> Night:
    """Sends the payment twice at once, and once more."""
    night = Night().buys(1)
    night.send(1, "pay", "ok", "confirmed", double=True).send(1, "pay", "info", "timeout")
    return night.send(1, "browse", "ok", "next", double=True).send(1, "pay", "fail", "not-sent", double=True)


def two_tabs() -> Night:
    """Pays from two tabs; another only looks from two."""
    night = Night().buys(1)
    night.send(1, "pay", "info", "timeout", tab=1)
    return night.buys(2).send(2, "hold", "ok", "next", tab=1).send(2, "pay", "fail", "not-sent", tab=1)


def looks_again() -> Night:
    """Comes back to look after the confirmation; one before it, and one who got no answer."""
    night = Night().buys(1)
    night.send(1, "status", "ok", "confirmed", op=3).send(1, "status", "info", "unmatched", op=4)
    night.send(1, "status", "info", "timeout", op=5)
    return night.loses_reply(2).send(2, "status", "ok", "accepted", op=3)


def gives_back() -> Night:
    """Two of three charges, one of them twice, one failed."""
    night = Night().buys(1).buys(2).buys(3)
    night.refund("ch1", 100).refund("ch1", 100).refund("ch2")
    return night.refund("ch3", state="failed")


def side_by_side() -> Night:
    """Three holds: the second is asked for before the first is answered, the third by the same fan as the second."""
    night = Night()
    for fan, sent, done in ((1, 10, 30), (2, 20, 25), (2, 22, 40), (3, 50, 60), (4, 55, None)):
        intent = f"run-i{fan}"
        night.ops.append(
            InvokeRow(
                attempt=f"{intent}.{sent}", intent=intent, step="hold", role="hold", op=1, due_ns=sent, at_ns=sent
            )
        )
        if done is not None:
            night.ops.append(
                DoneRow(attempt=f"{intent}.{sent}", outcome="ok", why="next", sent_ns=sent, done_ns=done, then="next")
            )
    return night


def waits() -> Night:
    """One is told to wait, twice; one is let in at once; one is told a position of 0."""
    night = Night().buys(1).send(1, "join", "ok", "poll", then="poll", claims={"position": 7})
    night.send(1, "join", "ok", "poll", then="poll", claims={"position": 3}).send(2, "join", "ok", "next", then="next")
    return night.send(3, "join", "ok", "poll", then="poll", claims={"position": 0})


def asks_again() -> Night:
    """The provider hears one key twice, and two keys once each."""
    night = Night().buys(1).request("a", payment="p1").request("a", payment="p1")
    return night.request("b", payment="p1").request("c", payment="p2")


@pytest.mark.parametrize(
    ("name", "night", "seen"),
    [
        ("holds_at_once", side_by_side(), 1),
        ("in_line", waits(), 1),
        ("asked_again", asks_again(), 1),
        ("double_clicks", clicked_twice(), 1),
        ("second_tabs", two_tabs(), 1),
        ("limit_refusals", Night().refused(1, "limit").refused(2, "limit").refused(3), 2),
        ("declines", Night().buys(1).refused(2, "declined"), 1),
        ("refunds", gives_back(), 2),
        ("confirmed_reads", looks_again(), 2),
    ],
)
def test_it_is_counted(name: str, night: Night, seen: int) -> None:
    """What happened is counted once, what only almost happened is not; and in a quiet night there is none."""
    assert counted(night)[name].seen == seen
    assert counted(Night().buys(1))[name].seen == 0


def test_who_has_bought_is_counted_once() -> None:
    """Told at the payment and by a status page is one fan; a refusal is none."""
    night = Night().buys(1).told(1, "status", "ok", "confirmed", op=3).buys(2).refused(3)
    assert counted(night)["confirmed"].seen == 2
    assert counted(Night().refused(1))["confirmed"].seen == 0


def test_retries_are_further_attempts_of_an_operation() -> None:
    """A second try counts whatever the first came to; half a double click, or one unsent, does not."""
    night = Night().buys(1)  # the second send of this history is its second try
    before = counted(night)["retries"].seen
    night.send(1, "pay", "fail", "shed").send(1, "pay", "info", "timeout", double=True)
    night.send(1, "pay", "fail", "not-sent")
    assert counted(night)["retries"].seen == before + 1


def test_a_key_with_another_body_is_counted_once() -> None:
    """One key with two bodies is a reuse however often it is sent; the same body again, or another step's, is none."""

    def sent(attempt: int, key: str, body: str | None, role: str = "pay") -> list[OpRow]:
        name = f"run-i1.{attempt}"
        row = InvokeRow(
            attempt=name, intent="run-i1", step=role, role=role, op=1, due_ns=1, at_ns=1, key=key, body=body
        )
        return [row, DoneRow(attempt=name, outcome="ok", why="next", sent_ns=1, done_ns=2)]

    rows = [*sent(1, "a", "x"), *sent(2, "a", "y"), *sent(3, "a", "y"), *sent(4, "b", "x"), *sent(5, "b", "x")]
    rows += [*sent(6, "b", "z", "hold"), *sent(7, "c", "x"), *sent(8, "c", None)]
    with Relations.from_rows(rows) as relations:
        assert {item.id: item.seen for item in coverage(relations, Expectations())}["key_reuses"] == 1


def test_webhooks_are_deliveries_and_repeated_ones_are_events() -> None:
    """An event sent three times is three deliveries and one repeated event; a forged copy repeats nothing."""
    sent = [("e1", "good"), ("e1", "good"), ("e1", "good"), ("e2", "good"), ("e2", "bad")]
    rows = [WebhookRow(event=event, type="charge.refunded", signature=how) for event, how in sent]  # type: ignore[arg-type]
    source = SourceRow(kind="webhooks", rows=len(rows), complete=True)
    with Relations.from_rows([], {"webhooks": rows, "sources": [source]}) as relations:
        found = {item.id: item for item in coverage(relations, Expectations())}
    assert (found["webhooks"].seen, found["repeated_webhooks"].seen) == (5, 1)
    assert "no log" in counted(Night().buys(1))["webhooks"].note and not found["webhooks"].note


def test_every_word_is_counted() -> None:
    """Whatever a profile may demand, somebody counts."""
    asked = {**dict.fromkeys(COVERAGE, 0), "no_such_thing": 1}
    with Night().buys(1).relations() as relations:
        found = coverage(relations, Expectations(coverage=asked))
    assert {item.id for item in found if item.note == "nobody counts this"} == {"no_such_thing"}
    assert {item.id for item in found} == set(asked)
