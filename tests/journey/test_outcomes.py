"""What replies mean: the table that the verdict of a whole rehearsal rests on."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.journey.messages import Reply
from tests.journey.shop import journey, judge, page


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [("not-sent", "fail"), ("timeout", "info"), ("cut", "info"), ("invalid", "info"), ("quit", "info")],
)
def test_a_broken_reply_concludes_nothing_once_a_byte_has_left(broken: Any, outcome: str) -> None:
    """Never sent is a definite no; a timeout, a cut or garbage is open, whatever the rules say."""
    verdict = judge("{outcomes: [{when: {status: 0}, end: refused}]}".replace("0", "2xx"), Reply(broken=broken))
    assert (verdict.outcome, verdict.why, verdict.then) == (outcome, broken, "unknown")


@pytest.mark.parametrize(
    ("rule", "outcome", "why", "then", "to"),
    [
        ("then: next", "ok", "next", "next", None),
        ("then: again", "fail", "again", "again", None),
        ("then: again one", "fail", "again", "again", "one"),
        ("then: shed", "fail", "shed", "shed", None),
        ("then: goto one", "ok", "goto", "goto", "one"),
        ("end: confirmed", "ok", "confirmed", "end", "confirmed"),
        ("end: accepted", "ok", "accepted", "end", "accepted"),
        ("end: sold-out", "fail", "sold-out", "end", "sold-out"),
        ("end: declined", "fail", "declined", "end", "declined"),
        ("end: limit", "fail", "limit", "end", "limit"),
        ("end: gone", "fail", "gone", "end", "gone"),
        ("end: refused", "fail", "refused", "end", "refused"),
        ("end: comped, means: ok", "ok", "comped", "end", "comped"),
        ("end: blocked, means: fail", "fail", "blocked", "end", "blocked"),
        ("end: odd, means: info", "info", "odd", "end", "odd"),
        ("end: refused, means: info", "info", "refused", "end", "refused"),
        ("then: next, means: info", "info", "next", "next", None),
        ("means: info", "info", "unknown", "unknown", None),
    ],
)
def test_each_move_and_end_has_its_meaning(rule: str, outcome: str, why: str, then: str, to: str | None) -> None:
    """next, confirmed and accepted happened; again, shed and the other ends did not; `means` has the last word."""
    verdict = judge(f"{{outcomes: [{{when: {{status: 200}}, {rule}}}]}}", page())
    assert (verdict.outcome, verdict.why, verdict.then, verdict.to) == (outcome, why, then, to)
    assert verdict.rule == 0


@pytest.mark.parametrize("status", [301, 404, 409, 429, 500, 502, 503, 504])
def test_without_rules_2xx_goes_on_and_all_else_is_open(status: int) -> None:
    """No list: 2xx means next, nothing else means anything."""
    assert judge("{}", page(204)).then == "next"
    verdict = judge("{}", page(status))
    assert (verdict.outcome, verdict.why, verdict.then) == ("info", "unmatched", "unknown")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "out of stock"}}, ': {"error": {"message": "out of stock"}}'),
        ("<html><head>\n<title>502 Bad\nGateway</title></head>" + "x" * 5_000, ": 502 Bad Gateway"),
        ("<p>no title</p>", ""),
        ("wait\x1b[2J\n", ": wait\\x1b[2J"),
        ("y" * 5_000, ": " + "y" * 120),
        (b"\xff\xfe", ": \ufffd\ufffd"),
        ("", ""),
    ],
)
def test_what_no_rule_names_is_quoted(body: Any, said: str) -> None:
    """Whoever has to write the missing rule is told how the reply begins: one tame line, of a page its title."""
    assert judge("{}", page(500, body)).detail == "no rule names this 500" + said


@pytest.mark.parametrize(
    ("when", "reply", "holds"),
    [
        ("{status: 2xx}", page(204), True),
        ("{status: 2xx}", page(302), False),
        ("{status: [429, 5xx]}", page(503), True),
        ("{status: '204'}", page(204), True),
        ("{json: {code: SOLD_OUT}}", page(409, {"code": "SOLD_OUT"}), True),
        ("{json: {code: [ALL_HELD, TAKEN]}}", page(409, {"code": "TAKEN"}), True),
        ("{json: {code: [ALL_HELD, TAKEN]}}", page(409, {"code": "OTHER"}), False),
        ("{json: [{a: 1}, {b: 2}]}", page(200, {"b": 2}), True),
        ("{json: {a: 1, b: 2}}", page(200, {"b": 2}), False),
        ("{json: {n: 1}}", page(200, {"n": True}), False),
        ("{json: {n: true}}", page(200, {"n": 1}), False),
        ("{json: {n: 1}}", page(200, {"n": "1"}), False),
        ("{json: {n: {gt: 0}}}", page(200, {"n": 1}), True),
        ("{json: {n: {ge: 1, lt: 2}}}", page(200, {"n": "1.5"}), True),
        ("{json: {n: {gt: 0}}}", page(200, {"n": "soon"}), False),
        ("{json: {n: {exists: true}}}", page(200, {"n": None}), False),
        ("{json: {n: {exists: false}}}", page(200, {}), True),
        ("{json: {n: null}}", page(200, {"n": None}), True),
        ("{json: {n: {matches: '^A\\d$'}}}", page(200, {"n": "A7"}), True),
        ("{json: {n: {not: [A, B]}}}", page(200, {"n": "C"}), True),
        ("{location: /thank-you/}", page(302, Location="/checkout/thank-you/"), True),
        ("{location: [/a/, /b/]}", page(302, Location="/b/"), True),
        ("{location: ''}", page(200), False),
        ("{url: 'thanks=yes'}", page(200, url="http://shop.test/o?thanks=yes"), True),
        ("{body: 'id=\"add\"'}", page(200, '<form id="add">'), True),
        ("{header: {content-type: json}}", page(200, Content_Type="application/json"), True),
        ("{header: {x-none: '.*'}}", page(200), False),
        ("{var: {qty: 2}}", page(200), True),
        ("{var: {qty: '2'}}", page(200), True),
        ("{var: {other: {exists: true}}}", page(200), False),
        ("{status: 200, body: absent}", page(200, "yes"), False),
        ("[{status: 404}, {body: there}]", page(200, "there"), True),
    ],
)
def test_conditions(when: str, reply: Reply, holds: bool) -> None:
    """All that is named must hold; lists mean any; types are strict in JSON and loose in variables."""
    step = f"{{outcomes: [{{when: {when}, end: refused}}], take: {{other: {{json: x}}}}}}"
    verdict = judge(step, reply, qty=2)
    assert (verdict.to == "refused") is holds


def test_rules_are_tried_in_order() -> None:
    """The first rule that holds decides, and says which it was."""
    rules = (
        "{when: {status: 404}, end: gone}",
        "{when: {status: 2xx}, then: next}",
        "{when: {status: 200}, end: refused}",
    )
    step = f"{{outcomes: [{', '.join(rules)}]}}"
    assert (judge(step, page(200)).then, judge(step, page(200)).rule) == ("next", 1)


def test_a_success_that_is_not_json_is_never_read_as_a_refusal() -> None:
    """Where a rule needs the JSON of a 2xx and there is none, no later rule may turn the garbage into a definite no."""
    step = "{outcomes: [{when: {json: {ok: true}}, end: confirmed}, {when: {status: 200}, end: sold-out}]}"
    assert judge(step, page(200, {"ok": False})).to == "sold-out"
    for body in ("<html>gateway</html>", b"", b'{"ok": tr', b"\xff\xfe"):
        verdict = judge(step, page(200, body))
        assert (verdict.outcome, verdict.why) == ("info", "invalid")


def test_an_html_error_page_still_reaches_the_rule_for_its_status() -> None:
    """A proxy sheds with HTML: rules about JSON do not hold, the rule about 503 does."""
    step = "{outcomes: [{when: {json: {ok: true}}, end: confirmed}, {when: {status: 503}, then: shed}]}"
    assert judge(step, page(503, "<html>busy</html>")).then == "shed"
    assert judge(step, page(502, "<html>")).why == "unmatched"


@pytest.mark.parametrize("part", ["take: {x: {json: id}}", "claims: {order: {json: id}}"])
def test_a_confirmation_whose_json_is_broken_is_not_believed(part: str) -> None:
    """The rule matched by status, but what it should carry cannot be read: open, not confirmed."""
    verdict = judge(f"{{outcomes: [{{when: {{status: 201}}, end: confirmed}}], {part}}}", page(201, '{"id": '))
    assert (verdict.outcome, verdict.why) == ("info", "invalid")


@pytest.mark.parametrize(
    ("hint", "reply", "ns"),
    [
        ("{header: Retry-After}", page(503, Retry_After="3"), 3_000_000_000),
        ("{header: Retry-After}", page(503, Retry_After="soon"), None),
        ("{header: Retry-After}", page(503), None),
        ("{header: Retry-After}", page(503, Retry_After="-1"), None),
        (
            "{header: Retry-After}",
            page(503, Retry_After="Wed, 21 Oct 2015 07:28:10 GMT", Date="Wed, 21 Oct 2015 07:28:00 GMT"),
            10_000_000_000,
        ),
        ("{json: after, unit: ms}", page(503, {"after": 250}), 250_000_000),
        ("{json: after, unit: ms}", page(503, "<html>"), None),
        (
            r"""{regex: 'refresh" content="(\d+)'}""",
            page(503, '<meta http-equiv="refresh" content="4">'),
            4_000_000_000,
        ),
        ("{regex: '[0-9]+', unit: ms}", page(503, "look again in 250 ms"), 250_000_000),
        ("{regex: '[0-9]+'}", page(503, "look again soon"), None),
        ("{regex: '(n)o'}", page(503, "no"), None),
    ],
)
def test_the_shop_may_say_how_long_to_wait(hint: str, reply: Reply, ns: int | None) -> None:
    """Seconds, an HTTP date against the reply's own Date, a JSON number, a number on a page; nonsense is no hint."""
    assert judge(f"{{outcomes: [{{when: {{status: 503}}, then: shed, hint: {hint}}}]}}", reply).hint_ns == ns


POLLING = """
journey:
  - step: join
    role: join
    post: /queue
    outcomes: [{when: {status: 202}, then: poll}]
    take: {place: {json: id}, pass: {json: pass, else: refused}}
    claims: {position: {json: position}}
    poll:
      get: "/queue/{place}"
      hint: {json: after, unit: ms}
      outcomes: [{when: {json: {state: in}}, then: next},
                 {when: {status: 429}, then: shed, hint: {header: Retry-After}},
                 {when: {json: {state: out}}, end: sold-out}]
"""


@pytest.mark.parametrize(
    ("reply", "outcome", "why", "then"),
    [
        (Reply(broken="timeout"), "info", "timeout", "poll"),
        (Reply(broken="not-sent"), "fail", "not-sent", "poll"),
        (page(200, {"state": "waiting", "after": 300}), "ok", "not-yet", "poll"),
        (page(200, "<html>"), "info", "invalid", "poll"),
        (page(503, "<html>"), "info", "unmatched", "poll"),
        (page(429, Retry_After="2"), "fail", "shed", "poll"),
        (page(200, {"state": "in", "pass": "p"}), "ok", "next", "next"),
        (page(200, {"state": "out"}), "fail", "sold-out", "end"),
    ],
)
def test_a_poll_is_reading_and_never_an_outcome_of_its_own(reply: Reply, outcome: str, why: str, then: str) -> None:
    """Whatever no rule of the poll names means not yet: a 503, a time-out and garbage among it."""
    poll = journey(POLLING).steps[0].poll
    assert poll is not None
    verdict = poll.judge(reply, {}, (0,))
    assert (verdict.outcome, verdict.why, verdict.then) == (outcome, why, then)


def test_what_was_taken_once_stays() -> None:
    """A later answer may omit a value: its absence counts only where it never came."""
    poll = journey(POLLING).steps[0].poll
    assert poll is not None
    admitted = page(200, {"state": "in", "position": 0})
    kept = poll.judge(admitted, {"pass": "p1", "place": 4}, (0,))
    assert (kept.then, kept.takes, kept.claims) == ("next", {}, {"position": 0})
    never = poll.judge(admitted, {"place": 4}, (0,))
    assert (never.outcome, never.to) == ("fail", "refused")


def test_a_waiting_answer_already_tells_the_position() -> None:
    """Claims and values are read from every poll that answers; the hint sets the next wait."""
    poll = journey(POLLING).steps[0].poll
    assert poll is not None
    verdict = poll.judge(page(200, {"state": "w", "position": 17, "after": 300, "pass": "x"}), {}, (0,))
    assert (verdict.claims, verdict.takes, verdict.hint_ns) == ({"position": 17}, {"pass": "x"}, 300_000_000)
