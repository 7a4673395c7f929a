"""A fan who waits for a push: a message that no rule names is not yet, and nothing about the wait is an attempt."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.fans.dialogue import Listen
from surgectl.journey.messages import EVENT, QUIET, RETRY, Reply
from surgectl.journey.problem import TargetError
from tests.fans.talk import MS, S, converse, person
from tests.journey.shop import journey, page

TARGET = """
mint: {key: "{uuid}"}
journey:
  - step: join
    role: join
    post: /queue
    outcomes: [{when: {status: 202}, then: poll}]
    take: {place: {json: id}}
    await:
      %s
      within: 30s
      outcomes:
        - {when: {event: turn, json: {state: admitted}}, then: next}
        - {when: {status: 410}, end: sold-out}
      take: {pass: {json: pass}}
      claims: {position: {json: position}}
    %s
  - {step: pay, role: pay, post: /orders, headers: {X-Pass: "{pass}"},
     outcomes: [{when: {status: 201}, end: confirmed}]}
"""
SSE = 'sse: "/queue/{place}/events"'
IS_IN = "{when: {json: {state: admitted}}, then: next}"
POLL = f'poll: {{get: "/queue/{{place}}", outcomes: [{IS_IN}], take: {{pass: {{json: pass}}}}}}'


def pushed(body: Any, event: str = "turn") -> Reply:
    """A message."""
    reply = page(200, body)
    return Reply(status=200, headers=((EVENT, event),), body=reply.body, url=reply.url, sent_ns=1)


JOINED = page(202, {"id": "p1"})
PAID = page(201, {})
IN = pushed({"state": "admitted", "pass": "x"})


def test_messages_until_a_rule_holds() -> None:
    """Other events, other states and garbage mean not yet; then the journey goes on with what the message gave."""
    replies = [JOINED, pushed({"position": 3}), pushed("garbage"), pushed({"state": "admitted"}, "ad"), IN, PAID]
    talk = converse(person(journey(TARGET % (SSE, ""))).script, replies)
    assert talk.end == ("confirmed", "ok")
    assert talk.steps == ["join", "join?", "join?", "join?", "join?", "pay"]
    listens = talk.of(Listen)
    assert listens[0].wire.url.endswith("/queue/p1/events") and listens[0].push.kind == "sse"
    assert dict(talk.sends[-1].wire.headers)["X-Pass"] == "x"
    assert talk.told[0] == ("join", "ok", "next")


def test_a_stream_that_ends_is_opened_again_when_it_says() -> None:
    """The stream's own retry, else `reconnect`, and no rule of the step hears of it."""
    replies = [JOINED, Reply(broken="cut", headers=((RETRY, "250"),), sent_ns=1), Reply(broken="not-sent"), IN, PAID]
    talk = converse(person(journey(TARGET % (SSE, ""))).script, replies)
    assert talk.end == ("confirmed", "ok")
    assert [ns for why, ns in talk.waits if why == "poll"] == [250 * MS, 3 * S]


@pytest.mark.parametrize("end", [Reply(broken="cut", sent_ns=1), Reply(broken="not-sent"), page(404)])
def test_with_a_poll_beside_it_the_fan_asks_from_then_on(end: Reply) -> None:
    """Refused or ended: the rest of the wait is polled."""
    replies = [JOINED, end, page(200, {"state": "waiting"}), page(200, {"state": "admitted", "pass": "x"}), PAID]
    talk = converse(person(journey(TARGET % (SSE, POLL))).script, replies)
    assert talk.end == ("confirmed", "ok") and len(talk.of(Listen)) == 1


def test_a_refusal_that_a_rule_names_is_one() -> None:
    """The reply to the opening is judged by the same rules."""
    talk = converse(person(journey(TARGET % (SSE, ""))).script, [JOINED, page(410)])
    assert talk.end == ("sold-out", "fail")


def test_running_out_of_within_is_unknown() -> None:
    """Silence to the end of the wait leaves the operation open, and is no time-out of the shop."""
    replies = [JOINED, Reply(broken="timeout", detail=QUIET, sent_ns=1)]
    talk = converse(person(journey(TARGET % (SSE, ""))).script, replies)
    assert talk.end == ("unknown", "info") and talk.told == [("join", "info", "unknown")]
    assert talk.of(Listen)[0].wire.timeout_ns == 30 * S


def test_a_websocket_is_told_something_first() -> None:
    """`send` is filled in as a body is; ws:// begins as http://."""
    text = TARGET % ('ws: "ws://shop.test/line"\n      send: {watch: "{place}"}', "")
    talk = converse(person(journey(text.replace("event: turn, ", ""))).script, [JOINED, IN, PAID])
    listen = talk.of(Listen)[0]
    assert (listen.push.kind, listen.wire.url, listen.wire.body) == ("ws", "http://shop.test/line", b'{"watch":"p1"}')


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        ("{outcomes: [{when: {status: 200}, then: next}]}", "listens to nothing"),
        ("{sse: /a, ws: /b, outcomes: [{when: {status: 200}, then: next}]}", "or twice"),
        ("{sse: /a, send: x, outcomes: [{when: {status: 200}, then: next}]}", "only speaks"),
        ("{sse: /a}", "needs outcomes"),
        ("{ws: /a, events: [x], outcomes: [{when: {status: 200}, then: next}]}", "have no names"),
        ("{sse: '/{nobody}', outcomes: [{when: {status: 200}, then: next}]}", "no such variable"),
    ],
)
def test_what_cannot_be_meant(wait: str, said: str) -> None:
    """Refused when the file is loaded, with its path."""
    with pytest.raises(TargetError, match=said) as error:
        journey(f"journey: [{{step: turn, role: poll, await: {wait}}}]")
    assert "journey[0].await" in str(error.value)


def test_an_event_is_pushed() -> None:
    """A rule on an event stands where messages come, and nowhere else."""
    with pytest.raises(TargetError, match="pushed"):
        journey("journey: [{step: a, get: /, outcomes: [{when: {event: x}, then: next}]}]")
