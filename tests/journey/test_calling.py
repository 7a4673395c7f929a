"""A step in Python: what it is handed, what it may return, and what a target may not ask of it."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.journey.calling import Call, CallError, CompiledCall
from surgectl.journey.messages import Wire
from surgectl.journey.problem import TargetError
from surgectl.journey.template import compile_value
from tests.journey.shop import journey
from tests.journey.steps import offer

WIRE = Wire(method="POST", url="http://shop.test/pay", headers=(("A", "1"), ("B", "2")), body=b"{}")


def calling(work: Any) -> tuple[CompiledCall, Call]:
    made = CompiledCall(name="ours", work=work, given=compile_value({"qty": "{qty}", "who": "{intent}!"}, "with"))
    return made, made.fill({"run": "r", "intent": "i", "fan": 4, "tab": 1, "qty": 2}, (7, 4, 1, 3))


def test_it_is_handed_values_identity_request_and_seeded_chance() -> None:
    """Types are kept, the request is the one that would be sent, and the same dice give the same chance."""
    seen: list[Call] = []
    made, call = calling(lambda call: seen.append(call) or {})
    assert made.wire(WIRE, call) == WIRE
    (given,) = seen
    assert given.given == {"qty": 2, "who": "i!"} and (given.run, given.intent, given.fan, given.tab) == (
        "r",
        "i",
        4,
        1,
    )
    assert given.request is not None and given.request.body == b"{}" and given.request.headers == {"A": "1", "B": "2"}
    assert given.random().random() == given.random().random()
    assert calling(None)[0].fill({"qty": 2, "intent": "i"}, (7, 4, 1, 4)).random().random() != given.random().random()


def test_it_has_the_last_word_on_the_request() -> None:
    """Headers replace those of the same name in any case, null takes one away; method, URL and body are its own."""
    made, call = calling(
        lambda call: {"headers": {"a": "9", "B": None, "C": 3}, "body": "ü", "url": "http://x/?s=1", "method": "put"}
    )
    changed = made.wire(WIRE, call)
    assert changed.headers == (("a", "9"), ("C", "3"))
    assert (changed.method, changed.url, changed.body) == ("PUT", "http://x/?s=1", "ü".encode())
    assert changed.timeout_ns == WIRE.timeout_ns


async def _later(call: Call) -> dict[str, Any]:
    return {}


def _quits(call: Call) -> dict[str, Any]:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda call: {}["secret"], "call ours: KeyError: 'secret'"),
        (lambda call: 1 / 0, "ZeroDivisionError"),
        (_quits, "SystemExit: 3"),
        (_later, "is a coroutine"),
        (lambda call: None, "returned NoneType, not a dict"),
        (lambda call: {"heders": {}}, 'returned "heders" (did you mean "headers"?)'),
        (lambda call: {"headers": {"X": "a\r\nEvil: 1"}}, "that no request can carry"),
        (lambda call: {"headers": {"X": b"a"}}, "returned header X as bytes"),
        (lambda call: {"headers": ["X"]}, "returned headers as list"),
        (lambda call: {"body": {"a": 1}}, "returned a body of dict"),
        (lambda call: {"url": ""}, "returned url that no request can carry"),
    ],
)
def test_whatever_it_does_wrong_is_one_line(work: Any, says: str) -> None:
    """An exception, an answer of the wrong shape, a header that would be two: an error with its reason."""
    made, call = calling(work)
    with pytest.raises(CallError) as caught:
        made.wire(WIRE, call)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_values_must_be_what_json_can_hold() -> None:
    """A set is refused by name; what is fine becomes a reply that takes can read."""
    made, call = calling(lambda call: {"x": {1, 2} if call.fan else object()})
    assert made.values(call).body == b'{"x":[1,2]}'
    made, call = calling(lambda call: {"x": object()})
    with pytest.raises(CallError, match="returned what JSON cannot hold"):
        made.values(call)


GO = "get: /, "


@pytest.mark.parametrize(
    ("step", "path", "says"),
    [
        ("call: sgin", "journey[0].call", 'did you mean "sign" of ours'),
        ("call: nothing-near", "journey[0].call", "installed: sign (ours)"),
        (GO + "with: {a: 1}", "journey[0].with", "nothing is called"),
        ("call: sign, with: {a: '{boddy}'}", "journey[0].with", "{boddy}"),
        (GO + "call: sign, with: {a: '{boddy}'}", "journey[0]", "{boddy}"),
        ("call: sign, role: pay", "journey[0].role", "no pay"),
        ("call: sign, take: {a: {header: x}}", "journey[0].take.a", "a: {json: a}"),
        ("call: sign, claims: {qty: 1}", "journey[0].claims", "claims nothing"),
        ("call: sign, outcomes: [{when: {status: 200}, then: next}]", "journey[0].outcomes[0].when.status", "json: or"),
        ("call: sign, outcomes: [{when: {json: {a: 1}}, then: again}]", "journey[0].outcomes[0].then", "nothing to"),
        ("call: sign, outcomes: [{when: {json: {a: 1}}, end: confirmed}]", "journey[0].outcomes[0]", "have happened"),
        ("call: sign, poll: {get: /, outcomes: [{when: {status: 200}, then: next}]}", "journey[0].poll", "two steps"),
    ],
)
def test_what_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, step: str, path: str, says: str) -> None:
    """At load, with its place, the nearest name and the package that has it."""
    offer(monkeypatch, sign=lambda call: {})
    with pytest.raises(TargetError) as caught:
        journey(f"journey: [{{step: a, {step}}}]")
    assert caught.value.path == path
    assert says in f"{caught.value} {caught.value.hint}"


def test_a_probe_calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no fan."""
    offer(monkeypatch, sign=lambda call: {})
    with pytest.raises(TargetError, match="a probe has no fan"):
        journey("journey: [{step: a, get: /}]\nprobes: {p: {get: /, call: sign}}")
