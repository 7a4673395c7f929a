"""Fans that try again: with the same key or a new one, in time or too early, in several tabs, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.fans.dialogue import Fork, Minted, Send, Told
from surgectl.journey.messages import Reply
from tests.fans.talk import MS, S, converse, person, policy
from tests.fans.test_script import BOXOFFICE, FRONT, HELD, NOT_SENT, PAID, SHOP, TIMEOUT
from tests.journey.shop import journey, page

PAY = """
mint: {key: "{uuid}", email: "e-{intent}"}
headers: {X-Attempt: "{attempt}"}
journey:
  - step: pay
    role: pay
    post: /pay
    json: {key: "{key}", email: "{email}"}
    outcomes:
      - {when: {status: 201}, end: confirmed}
      - {when: {status: 200}, then: next}
      - {when: {status: 402}, end: declined}
      - {when: {status: 409}, then: again}
      - {when: {status: 503}, then: shed, hint: {header: Retry-After}}
  - {step: after, get: /after, outcomes: [{when: {status: 200}, end: confirmed}, {when: {status: 410}, end: gone}]}
"""
AGAIN = (
    PAY
    + """
flows:
  pay-again:
    - {step: form, get: /form}
    - step: pay
      role: pay
      post: /pay-again
      json: {key: "{key}"}
      outcomes: [{when: {status: 201}, end: confirmed}, {when: {status: 402}, end: declined}]
"""
)
CONFIRMED, DECLINED = page(201), page(402)


def test_the_same_operation_is_tried_again_with_the_same_key() -> None:
    """A retry keeps op and key, counts the try, and has an attempt id of its own."""
    sdk = "{react: {pay: {info: {tries: 3, backoff: {fixed: 2s}}}}}"
    talk = converse(person(journey(PAY), sdk).script, [TIMEOUT, page(502), CONFIRMED])
    assert [(send.op, send.try_, send.attempt) for send in talk.sends] == [
        (1, 1, "r1-4.0.1"),
        (1, 2, "r1-4.0.2"),
        (1, 3, "r1-4.0.3"),
    ]
    assert len({send.key for send in talk.sends}) == 1
    assert talk.waits == [("backoff", 2 * S)] * 2
    assert talk.told == [("pay", "ok", "confirmed")]
    assert talk.minted == []


def test_tries_include_the_first() -> None:
    """Two tries are two sends; then the belief is unknown, for one of them may have landed."""
    twice = "{react: {pay: {info: {tries: 2}}}}"
    talk = converse(person(journey(PAY), twice).script, [TIMEOUT, TIMEOUT])
    assert len(talk.sends) == 2
    assert (talk.told, talk.end) == ([("pay", "info", "unknown")], ("unknown", "info"))


def test_a_refusal_after_a_lost_reply_is_not_believed() -> None:
    """R7: what the second attempt was told says nothing of the first, whose charge may have landed."""
    twice = "{react: {pay: {info: {tries: 2}}}}"
    talk = converse(person(journey(PAY), twice).script, [TIMEOUT, DECLINED])
    assert talk.told == [("pay", "info", "declined")]
    assert talk.end == ("declined", "info")


def test_only_refusals_are_a_refusal() -> None:
    """Every attempt a definite no: then, and only then, the fan was refused."""
    profile = "{react: {pay: {declined: {tries: 2}, again: {tries: 2}, not-sent: {tries: 2}}}}"
    talk = converse(person(journey(PAY), profile).script, [page(409), NOT_SENT, DECLINED, DECLINED])
    assert talk.told == [("pay", "fail", "declined")]
    assert talk.end == ("declined", "fail")


def test_a_fresh_key_is_minted_before_anything_carries_it() -> None:
    """Whatever is made of {uuid} is new, the rest is the person's still; nobody sees the key before the journal."""
    profile = "{react: {pay: {info: {tries: 2, backoff: {fixed: 3s}, key: fresh}}}}"
    fan = person(journey(PAY), profile)
    talk = converse(fan.script, [TIMEOUT, CONFIRMED])
    assert [minted.name for minted in talk.minted] == ["key"]
    fresh = talk.minted[0].value
    assert [send.key for send in talk.sends] == [fan.minted["key"], fresh] and fresh != fan.minted["key"]
    kinds = [type(move) for move in talk.moves]
    assert kinds.index(Minted) < len(kinds) - 1 - kinds[::-1].index(Send)
    assert all(b"e-r1-4" in (send.wire.body or b"") for send in talk.sends)
    assert talk.end == ("confirmed", "ok")


def test_going_back_takes_the_old_key_to_another_basket() -> None:
    """Who goes back to join comes through the line again, with another basket and, as it keeps its key, the old key."""
    profile = "{react: {pay: {info: {tries: 2, backoff: {fixed: 2s}, key: same, back: join}}}}"
    fan = person(SHOP, profile)
    other = page(201, {"id": 12, "total": 17800, "qty": 2})
    talk = converse(fan.script, [*FRONT, HELD, TIMEOUT, *FRONT[1:], other, page(422)])
    assert talk.steps == ["page", *["join", "join?", "join?", "join?", "hold", "pay"] * 2]
    first, second = (send for send in talk.sends if send.step == "pay")
    assert first.key == second.key == fan.minted["key"]
    assert first.op != second.op and first.wire.body != second.wire.body
    assert talk.minted == []
    assert talk.told[-1] == ("pay", "info", "unknown") and talk.end == ("unknown", "info")


def test_going_back_where_there_is_nothing_to_go_back_to() -> None:
    """A target without a step of that role sees the same step again; another key comes where the profile says so."""
    profile = "{react: {pay: {info: {tries: 2, key: fresh, back: join}}}}"
    talk = converse(person(journey(PAY), profile).script, [TIMEOUT, CONFIRMED])
    assert [send.step for send in talk.sends] == ["pay", "pay"]
    assert len({send.key for send in talk.sends}) == 2


def test_a_success_under_another_key_does_not_clear_the_first_attempt() -> None:
    """The later refusal of the journey is not the whole truth: the first key may have been charged."""
    profile = "{{react: {{pay: {{info: {{tries: 2, key: {}}}}}}}}}"
    fresh = converse(person(journey(PAY), profile.format("fresh")).script, [TIMEOUT, page(200), page(410)])
    assert fresh.told == [("pay", "ok", "next"), ("after", "fail", "gone")]
    assert fresh.end == ("gone", "info")
    same = converse(person(journey(PAY), profile.format("same")).script, [TIMEOUT, page(200), page(410)])
    assert same.end == ("gone", "fail")


def test_paying_again_by_a_flow_of_its_own() -> None:
    """The back button: the flow's steps are new operations, and its tries count with those before."""
    profile = "{react: {pay: {info: {tries: 3, backoff: {fixed: 3s}, key: fresh, flow: pay-again}}}}"
    talk = converse(person(journey(AGAIN), profile).script, [TIMEOUT, page(), TIMEOUT, page(), TIMEOUT])
    assert talk.steps == ["pay", "form", "pay", "form", "pay"]
    assert [send.op for send in talk.sends] == [1, 2, 3, 4, 5]
    assert len({send.key for send in talk.sends if send.role == "pay"}) == 3
    assert talk.told[0] == ("pay", "info", "unknown")
    assert talk.end == ("unknown", "info")
    good = converse(person(journey(AGAIN), profile).script, [TIMEOUT, page(), CONFIRMED])
    assert good.end == ("confirmed", "ok")


def test_a_decline_in_the_flow_does_not_speak_for_the_first_payment() -> None:
    """Never `fail` after an unresolved payment: not in the belief about the second one, not at the end."""
    profile = "{react: {pay: {info: {tries: 2, key: fresh, flow: pay-again}}}}"
    talk = converse(person(journey(AGAIN), profile).script, [TIMEOUT, page(), DECLINED])
    assert talk.told[-1] == ("pay", "info", "declined")
    assert talk.end == ("declined", "info")


def test_without_the_flow_the_same_step_is_tried_again() -> None:
    """A target need not have a pay-again."""
    profile = "{react: {pay: {declined: {tries: 2, flow: pay-again}}}}"
    talk = converse(person(journey(PAY), profile).script, [DECLINED, CONFIRMED])
    assert talk.steps == ["pay", "pay"]
    assert [send.op for send in talk.sends] == [1, 1]


def test_a_key_from_a_page_is_fetched_again() -> None:
    """Where nothing mints it, a fresh key re-runs the step that took it."""
    text = """
journey:
  - {step: form, get: /form, take: {key: {json: key}}}
  - {step: terms, get: /terms}
  - step: pay
    role: pay
    post: /pay
    form: {key: "{key}"}
    outcomes: [{when: {status: 201}, end: confirmed}]
"""
    profile = "{react: {pay: {info: {tries: 2, key: fresh}}}}"
    replies = [page(200, {"key": "k1"}), page(), TIMEOUT, page(200, {"key": "k2"}), page(), TIMEOUT]
    talk = converse(person(journey(text), profile).script, replies)
    assert talk.steps == ["form", "terms", "pay"] * 2
    assert [send.key for send in talk.sends if send.step == "pay"] == ["k1", "k2"]
    assert talk.end == ("unknown", "info")


SHED = page(503, Retry_After="4")


@pytest.mark.parametrize(
    ("obeys", "backoff", "waits"),
    [("honour", "1s", 4 * S), ("honour", "9s", 9 * S), ("ignore", "1s", 1 * S)],
)
def test_retry_after_is_honoured_or_ignored(obeys: str, backoff: str, waits: int) -> None:
    """An obedient fan never comes before the time that the shop named; another comes when it likes."""
    profile = f"{{react: {{pay: {{shed: {{tries: 2, backoff: {{fixed: {backoff}}}, retry_after: {obeys}}}}}}}}}"
    talk = converse(person(journey(PAY), profile).script, [SHED, CONFIRMED])
    assert talk.waits == [("backoff", waits)]
    assert talk.end == ("confirmed", "ok")


def test_each_outcome_has_tries_of_its_own() -> None:
    """Being refused for now does not use up the tries for a lost reply."""
    profile = "{react: {pay: {again: {tries: 3}, info: {tries: 2}}}}"
    talk = converse(person(journey(PAY), profile).script, [page(409), page(409), TIMEOUT, CONFIRMED])
    assert len(talk.sends) == 4
    assert talk.end == ("confirmed", "ok")


def test_a_reading_role_reacts_as_browse_does() -> None:
    """join, poll and status fall back to browse where the profile does not name them."""
    profile = "{react: {browse: {info: {tries: 2}}}}"
    talk = converse(person(SHOP, profile).script, [page(200), TIMEOUT, TIMEOUT])
    assert talk.steps == ["page", "join", "join"]


def test_a_double_click_repeats_the_bytes_under_another_attempt() -> None:
    """50 to 400 ms later, holds and payments only; an attempt id that travels in a header is the second one's own."""
    fan = person(journey(BOXOFFICE), "{double: 100%}")
    talk = converse(fan.script, [*FRONT, HELD, page(202, {"order": "o1"}), PAID, PAID])
    assert [send.step for send in talk.sends if send.double] == ["hold", "pay"]
    pay = next(send for send in talk.sends if send.step == "pay")
    assert pay.double is not None
    assert pay.double.wire.body == pay.wire.body and pay.double.wire.url == pay.wire.url
    own, other = dict(pay.wire.headers), dict(pay.double.wire.headers)
    assert (own.pop("X-Attempt"), other.pop("X-Attempt")) == (pay.attempt, pay.double.attempt)
    assert own == other
    assert 50 * MS <= pay.double.after_ns < 400 * MS
    ids = [send.attempt for send in talk.sends] + [double.attempt for double in talk.doubles]
    assert len(set(ids)) == len(ids) == 11


def test_a_refusal_of_a_double_clicked_payment_is_not_the_whole_truth() -> None:
    """Nobody waits for the second click's answer: it may have paid while the first was told no."""
    talk = converse(person(journey(PAY), "{double: 100%}").script, [DECLINED])
    assert talk.told == [("pay", "info", "declined")]
    assert talk.end == ("declined", "info")
    assert converse(person(journey(PAY), "{double: 100%}").script, [CONFIRMED]).end == ("confirmed", "ok")


def test_tabs_are_the_same_person_with_other_keys() -> None:
    """Opened at the role that the profile names; own memory, own keys, own attempt ids, told to the journal first."""
    fan = person(SHOP, "{tabs: {open: '3', from: join}}")
    talk = converse(fan.script, [*FRONT, HELD, page(202, {"order": "o1"}), PAID, PAID])
    assert [type(move) for move in talk.moves[:4]] == [Send, Told, Fork, Send]
    (fork,) = talk.forks
    assert len(fork.tabs) == 2
    keys = {fan.minted["key"]}
    for tab, script in enumerate(fork.tabs, start=1):
        other = converse(script, [*FRONT, HELD, page(409)])
        assert other.steps[:3] == ["page", "join", "join?"]
        assert all(send.attempt.startswith(f"r1-4.{tab}.") for send in other.sends)
        assert isinstance(other.moves[0], Minted) and other.minted[0].name == "key"
        keys.add(other.minted[0].value)
        assert other.sends[-1].key == other.minted[0].value
        assert b"fan-r1-r1-4@example.org" in (other.sends[1].wire.body or b"")
        assert other.forks == []
        assert other.end == ("gone", "fail")
    assert len(keys) == 3


def test_tabs_open_at_the_first_step_of_a_shop_that_has_no_such_role() -> None:
    """Where nobody joins a line, people with several tabs open them at once: the crowd is not quietly a tamer one."""
    talk = converse(person(journey(PAY), "{tabs: 3}").script, [CONFIRMED])
    assert [len(fork.tabs) for fork in talk.forks] == [2]


def test_status_is_asked_with_what_the_best_informed_tab_learnt() -> None:
    """One tab has an order number, the other none: the one that can ask asks."""
    fan = person(SHOP, "{tabs: {open: '2', from: join}}")
    talk = converse(fan.script, [*FRONT, HELD, TIMEOUT])
    converse(talk.forks[0].tabs[0], [*FRONT, HELD, page(202, {"order": "o9"}), page(200, {"state": "accepted"})])
    script = fan.status()
    assert script is not None
    assert converse(script, [PAID]).sends[0].wire.url.endswith("/o9")


QUITS = "{quits: {weibull: {shape: 50, scale: %s}}, think: {fixed: 60s}}"


def test_a_person_leaves_when_the_waiting_is_too_much() -> None:
    """Time spent waiting counts, time spent thinking does not; nothing in doubt: a plain no."""
    waiting: Any = iter([page(200), page(202, {"id": 3})])
    talk = converse(person(SHOP, QUITS % "20s").script, lambda send: next(waiting, page(200, {"state": "waiting"})))
    assert talk.end == ("quit", "fail")
    assert talk.told[-1] == ("join", "fail", "quit")
    assert 15 * S < talk.now_ns - 60 * S < 25 * S


def test_quitting_a_payment_leaves_it_open() -> None:
    """The remaining patience caps the time-out; the socket closes and the payment may still land."""
    talk = converse(person(journey(PAY), QUITS % "3s").script, [TIMEOUT])
    assert talk.sends[0].wire.timeout_ns < 4 * S
    assert talk.sends[0].judge(TIMEOUT).why == "quit"
    assert talk.told == [("pay", "info", "quit")]
    assert talk.end == ("quit", "info")


def test_quitting_while_a_payment_is_worked_on_leaves_it_open() -> None:
    """Acknowledged, not answered, and the fan has gone."""
    front = iter([*FRONT, HELD, page(202, {"order": "o1"})])
    talk = converse(
        person(SHOP, QUITS % "5s").script,
        lambda send: next(front, page(200, {"state": "pending"})),
        took_ns=200 * MS,
    )
    assert talk.told[-1] == ("pay", "info", "quit")
    assert talk.end == ("quit", "info")


def test_patience_is_the_shorter_of_role_and_target() -> None:
    """Per attempt: the role's patience, the step's or the target's time-out, whichever ends first."""
    fan = person(SHOP, "{patience: {hold: 3s, pay: 99s, poll: 2s}}")
    talk = converse(fan.script, [*FRONT, HELD, page(202, {"order": "o1"}), PAID, PAID])
    seconds = {f"{send.step}{'?' if send.poll else ''}": send.wire.timeout_ns / S for send in talk.sends}
    assert seconds == {"page": 10, "join": 10, "join?": 2, "hold": 3, "pay": 10, "pay?": 2, "look": 10}


def test_thinking_comes_before_every_step_but_the_first() -> None:
    """The first send is the arrival, which is due when it is due."""
    talk = converse(person(SHOP, "{think: {fixed: 1s}}").script, [*FRONT, HELD, page(202, {"order": "o"}), PAID, PAID])
    assert [ns for why, ns in talk.waits if why == "think"] == [1 * S] * 3
    assert isinstance(talk.moves[0], Send)


def test_not_sent_is_tried_again_like_a_lost_reply() -> None:
    """A refused connection: people press again; and if it never worked, nothing happened."""
    profile = "{react: {pay: {info: {tries: 3}}}}"
    talk = converse(person(journey(PAY), profile).script, [NOT_SENT] * 3)
    assert len(talk.sends) == 3
    assert talk.end == ("not-sent", "fail")


def test_a_named_habit_is_drawn_per_fan() -> None:
    """The number of tabs and the patience in all follow from seed and fan, within the profile's bounds."""
    many = policy("{tabs: {open: 2-5, from: join}, quits: {weibull: {shape: 1.5, scale: 45s}}}")
    assert {many.open_tabs(1, fan) for fan in range(200)} == {2, 3, 4, 5}
    budgets = sorted(many.budget_ns(1, fan) or 0 for fan in range(999))
    assert budgets[499] / S == pytest.approx(45 * 0.6931 ** (1 / 1.5), rel=0.1)
    assert policy().budget_ns(1, 1) is None


def test_a_reply_may_say_that_the_fan_quit() -> None:
    """A broken reply that is said to be a quit ends the fan there."""
    talk = converse(person(journey(PAY)).script, [Reply(broken="quit")])
    assert talk.end == ("quit", "info")
