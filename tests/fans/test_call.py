"""A fan whose journey calls somebody's Python: on the way to a request, and between two."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.fans.dialogue import Listen, Send, Work
from surgectl.journey.messages import EVENT, Reply
from tests.fans.talk import converse, person
from tests.journey.shop import journey, page
from tests.journey.steps import offer

SHOP = """
mint: {key: "{uuid}"}
journey:
  - {step: page, get: /, take: {salt: {json: salt}}}
  - step: work
    call: mix
    with: {salt: "{salt}"}
    outcomes:
      - {when: {json: {state: closed}}, end: gone}
      - {when: {json: {state: again}}, then: goto page, at_most: 2}
      - {when: {json: {mixed: {exists: true}}}, then: next}
    take: {mixed: {json: mixed}}
  - step: pay
    role: pay
    post: /pay
    json: {mixed: "{mixed}"}
    headers: {Idempotency-Key: "{key}"}
    call: sign
    with: {attempt: "{attempt}"}
    outcomes: [{when: {status: 201}, end: confirmed}, {when: {status: 503}, then: shed}]
"""
SIGNED: list[Any] = []


def _sign(call: Any) -> dict[str, Any]:
    SIGNED.append(call)
    return {"headers": {"X-Signature": f"{call.given['attempt']}:{call.request.body.decode()}"}}


def shopping(monkeypatch: pytest.MonkeyPatch, mix: Any, sign: Any = _sign) -> Any:
    SIGNED.clear()
    offer(monkeypatch, mix=mix, sign=sign)
    return journey(SHOP)


FRONT = page(200, {"salt": "s"})
PAID = page(201, {})


def test_values_are_worked_out_and_requests_get_their_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first returned stands in the body that the second signs; only real sends are operations."""
    shop = shopping(monkeypatch, lambda call: {"mixed": call.given["salt"] + "!"})
    talk = converse(person(shop).script, [FRONT, PAID])
    assert talk.steps == ["page", "pay"] and talk.end == ("confirmed", "ok")
    sent: Send = talk.sends[1]
    assert sent.wire.headers[-1] == ("X-Signature", 'r1-4.0.2:{"mixed":"s!"}') and sent.attempt == "r1-4.0.2"
    assert sent.key is not None and [step for step, *_ in talk.told] == ["page", "pay"]
    assert [work.name for work in talk.of(Work)] == ["mix", "sign"]


def test_every_try_is_signed_anew_and_so_is_a_second_click(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own request; chance is another for each try and the same for both clicks."""
    shop = shopping(monkeypatch, lambda call: {"mixed": 1})
    fan = person(shop, "double: 100%\nreact: {pay: {shed: {tries: 2, backoff: {fixed: 1s}}}}")
    talk = converse(fan.script, [FRONT, page(503), PAID])
    assert talk.steps == ["page", "pay", "pay"]
    assert [dict(double.wire.headers)["X-Signature"] for double in talk.doubles] == [
        dict(send.wire.headers)["X-Signature"] for send in talk.sends[1:]
    ]
    first, second, third, fourth = (call.random().random() for call in SIGNED)
    assert first == second != third == fourth
    assert [call.at_s for call in SIGNED] == [1_700_000_000.0] * 4


@pytest.mark.parametrize(
    ("mixed", "end", "steps"),
    [
        ({"state": "closed"}, ("gone", "fail"), ["page"]),
        ({"state": "again"}, ("unknown", "info"), ["page"] * 3),
        ({"state": "new"}, ("target-error", "fail"), ["page"]),
    ],
)
def test_what_it_returns_is_judged_by_the_rules(
    monkeypatch: pytest.MonkeyPatch, mixed: dict[str, str], end: tuple[str, str], steps: list[str]
) -> None:
    """An end; a way back that has an end itself; and what no rule names, an error of the target: nothing was sent."""
    talk = converse(person(shopping(monkeypatch, lambda call: mixed)).script, lambda send: FRONT)
    assert (talk.end, talk.steps) == (end, steps)


@pytest.mark.parametrize("guilty", ["mix", "sign"])
def test_one_that_fails_stops_the_fan_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, guilty: str) -> None:
    """The end names step, call and reason; nothing may have happened."""

    def fails(call: Any) -> dict[str, Any]:
        raise ValueError("no key\nin the drawer")

    fine = {"mix": lambda call: {"mixed": 1}, "sign": _sign}
    talk = converse(person(shopping(monkeypatch, **{**fine, guilty: fails})).script, [FRONT])
    assert talk.steps == ["page"] and talk.end == ("target-error", "fail")
    assert talk.left is not None and f"call {guilty}: ValueError: no key in the drawer" in talk.left.detail
    assert ("work" if guilty == "mix" else "pay") in talk.left.detail


def test_one_that_fails_on_a_retry_leaves_the_doubt_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first payment may have landed: the fan never believes that it failed."""
    tries: list[int] = []

    def once(call: Any) -> dict[str, Any]:
        tries.append(1)
        if len(tries) > 1:
            raise ValueError("worn out")
        return {}

    shop = shopping(monkeypatch, lambda call: {"mixed": 1}, once)
    fan = person(shop, "react: {pay: {info: {tries: 3, backoff: {fixed: 1s}}}}")
    talk = converse(fan.script, [FRONT, Reply(broken="timeout", sent_ns=1)])
    assert talk.end == ("target-error", "info") and talk.told[-1] == ("pay", "info", "target-error")


def test_the_time_it_took_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the engine's watch, on the move itself; and the fan's patience knows of it."""
    shop = shopping(monkeypatch, lambda call: {"mixed": 1})
    script = person(shop).script
    script.send(None)
    watch = iter((100, 30_000_100))
    work = Work(name="x", step="y", make=lambda at_s: (None, ()))
    work.do(0.0, lambda: next(watch))
    assert work.took_ns == 30_000_000


ROOM = """
journey:
  - step: queue
    role: join
    await:
      %s
      call: sign
      with: {attempt: "{attempt}"}
      outcomes: [{when: {event: turn}, then: next}]
  - {step: pay, role: pay, post: /pay, outcomes: [{when: {status: 201}, end: confirmed}]}
"""


def pushed(event: str) -> Reply:
    return Reply(status=200, headers=((EVENT, event),), body=b"{}", sent_ns=1)


@pytest.mark.parametrize("way", ["sse: /events", 'ws: "ws://127.0.0.1:1/events"'])
def test_every_opening_of_a_stream_is_signed_and_no_message_is(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Two messages on one connection, its end, and a new one: two signatures, each under the name of what it opens."""
    offer(monkeypatch, sign=_sign)
    SIGNED.clear()
    ended = Reply(broken="cut", detail="the stream ended", sent_ns=1)
    replies = [pushed("ad"), pushed("ad"), ended, pushed("turn"), PAID]
    talk = converse(person(journey(ROOM % way)).script, replies)
    assert talk.end == ("confirmed", "ok")
    first, *_, last = talk.of(Listen)
    assert [call.given["attempt"] for call in SIGNED] == [first.attempt, last.attempt]
    assert dict(first.wire.headers)["X-Signature"].startswith(first.attempt)
    assert [bool(dict(listen.wire.headers).get("X-Signature")) for listen in talk.of(Listen)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_stream_whose_signature_fails_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the target, as at a step."""

    def sign(call: Any) -> dict[str, Any]:
        raise RuntimeError("no key")

    offer(monkeypatch, sign=sign)
    talk = converse(person(journey(ROOM % "sse: /events")).script, [])
    assert talk.end == ("target-error", "fail") and not talk.of(Listen)
