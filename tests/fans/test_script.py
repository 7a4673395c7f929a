"""One fan through a journey, as a dialogue with canned replies."""

from __future__ import annotations

import json

import pytest

from surgectl.fans.dialogue import Meet, Send, Told
from surgectl.journey.messages import Reply
from tests.fans.talk import MS, S, converse, person, policy
from tests.journey.shop import BASE, journey, page

BOXOFFICE = """
headers: {X-Attempt: "{attempt}"}
mint: {email: "fan-{run}-{intent}@example.org", key: "{uuid}", token: "tok-{intent}"}
journey:
  - {step: page, get: /about}
  - step: join
    role: join
    post: /api/queue
    json: {email: "{email}"}
    outcomes: [{when: {status: 202}, then: poll}]
    take: {place: {json: id}}
    claims: {position: {json: position}}
    poll:
      get: "/api/queue/{place}"
      hint: {json: after, unit: ms}
      outcomes: [{when: {json: {state: admitted}}, then: next}]
      take: {pass: {json: pass}}
  - step: hold
    role: hold
    post: /api/holds
    json: {qty: "{qty}"}
    headers: {X-Pass: "{pass}"}
    outcomes:
      - {when: {status: 201}, then: next}
      - {when: {status: 409, json: {code: SOLD_OUT}}, end: sold-out}
      - {when: {status: 409, json: {code: ALL_HELD}}, then: again}
      - {when: {status: 503}, then: shed, hint: {header: Retry-After}}
    take: {hold: {json: id}}
    claims: {amount: {json: total, money: minor EUR}, qty: {json: qty}}
  - step: pay
    role: pay
    post: /api/orders
    json: {hold: "{hold}", token: "{token}"}
    headers: {Idempotency-Key: "{key}"}
    outcomes:
      - {when: {status: 202}, then: poll}
      - {when: {status: 201}, end: confirmed}
      - {when: {status: 409}, end: gone}
      - {when: {status: 402}, end: declined}
      - {when: {status: 503}, then: shed, hint: {header: Retry-After}}
    take: {order: {json: order}}
    claims: {order: {json: order}}
    poll:
      get: "/api/orders/{order}"
      within: 5s
      outcomes:
        - {when: {json: {state: confirmed}}, end: confirmed}
        - {when: {json: {state: accepted}}, end: accepted}
        - {when: {json: {state: failed}}, end: declined}
      claims: {amount: {json: total, money: minor EUR}, seats: {json: seats}}
flows:
  status:
    - step: look
      role: status
      get: "/api/orders/{order}"
      outcomes: [{when: {json: {state: confirmed}}, end: confirmed}, {when: {json: {state: failed}}, end: declined},
                 {when: {json: {state: pending}}, end: accepted}]
      claims: {order: {json: order}}
"""
SHOP = journey(BOXOFFICE)
FRONT = [
    page(200),
    page(202, {"id": 3, "position": 9}),
    page(200, {"state": "waiting", "after": 300}),
    page(503, "<html>"),
    page(200, {"state": "admitted", "pass": "p"}),
]
HELD = page(201, {"id": 11, "total": 17800, "qty": 2})
ACCEPTED = page(202, {"order": "o1"})
PAID = page(200, {"state": "confirmed", "total": 17800, "seats": ["A1", "A2"], "order": "o1"})
TIMEOUT = Reply(broken="timeout")
NOT_SENT = Reply(broken="not-sent")


def test_the_whole_journey_to_a_ticket() -> None:
    """Page, waiting room, hold, pay and poll; then the status is read as knowledge and the fan leaves confirmed."""
    fan = person(SHOP)
    talk = converse(fan.script, [*FRONT, HELD, ACCEPTED, PAID, PAID])
    assert talk.steps == ["page", "join", "join?", "join?", "join?", "hold", "pay", "pay?", "look"]
    assert talk.told == [
        ("page", "ok", "next"),
        ("join", "ok", "next"),
        ("hold", "ok", "next"),
        ("pay", "ok", "confirmed"),
        ("look", "ok", "confirmed"),
    ]
    assert talk.end == ("confirmed", "ok")
    hold, pay, look = (next(send for send in talk.sends if send.step == name) for name in ("hold", "pay", "look"))
    assert json.loads(hold.wire.body or b"") == {"qty": 2}
    assert dict(hold.wire.headers)["X-Pass"] == "p"
    assert json.loads(pay.wire.body or b"") == {"hold": 11, "token": "tok-r1-4"}
    assert pay.key == fan.minted["key"] == dict(pay.wire.headers)["Idempotency-Key"]
    assert talk.sends[7].wire.url == BASE + "/api/orders/o1"
    assert (look.role, look.status_read) == ("status", True)
    told = talk.of(Told)
    assert told[1].claims == {"position": 9}
    assert told[3].claims == {"order": "o1", "amount_minor": 17800, "currency": "EUR", "seats": ["A1", "A2"]}
    assert [told[n].status_read for n in range(5)] == [False] * 4 + [True]
    assert fan.minted["email"] == "fan-r1-r1-4@example.org"


def test_an_onlooker_reads_and_leaves() -> None:
    """Reads the first page as often as the profile says, each time an operation of its own, and never joins."""
    looks = "{looks: {times: '4', every: {fixed: 900ms}, leaves: 100%}, think: {fixed: 5s}}"
    talk = converse(person(SHOP, looks).script, [page(200)] * 4)
    assert talk.steps == ["page"] * 4
    assert talk.waits == [("think", 900 * MS)] * 3
    assert talk.told == [("page", "ok", "next")] * 4 and len({told.op for told in talk.of(Told)}) == 4
    assert talk.end == ("looked", "fail")


def test_some_onlookers_buy_after_all() -> None:
    """Who does not leave joins the line after the last look, once; a page that fails ends the looking."""
    looks = "{looks: {times: 2-2, every: {fixed: 1s}, leaves: 0%}}"
    talk = converse(person(SHOP, looks).script, [page(200), *FRONT, HELD, ACCEPTED, PAID, PAID])
    assert talk.steps[:3] == ["page", "page", "join"] and talk.end == ("confirmed", "ok")
    assert converse(person(SHOP, looks).script, [page(200), page(500)]).end[0] == "unknown"
    left = sum(policy("{looks: {times: '1', leaves: 75%}}").only_looks(7, fan) for fan in range(2000))
    assert 1400 < left < 1600


def test_an_abandoned_basket() -> None:
    """Who abandons holds seats and never pays: the hold is left to run out, and nothing is in doubt."""
    talk = converse(person(SHOP, "abandons: 100%").script, [*FRONT, HELD])
    assert talk.steps[-1] == "hold" and talk.end == ("abandoned", "fail")


def test_every_send_has_its_own_attempt_id() -> None:
    """Polls and status reads too, and the id travels in the bytes."""
    talk = converse(person(SHOP).script, [*FRONT, HELD, ACCEPTED, PAID, PAID])
    assert [send.attempt for send in talk.sends] == [f"r1-4.0.{n}" for n in range(1, 10)]
    assert [dict(send.wire.headers)["X-Attempt"] for send in talk.sends] == [send.attempt for send in talk.sends]


def test_the_same_seed_plays_the_same_fan() -> None:
    """Every draw follows from seed and fan; another seed mints and waits otherwise."""
    replies = [*FRONT, HELD, ACCEPTED, PAID, PAID]
    think = "{think: {lognormal: {median: 1s, sigma: 0.5}}, double: 50%}"
    first, again = (converse(person(SHOP, think).script, replies) for _ in range(2))
    assert first.waits == again.waits
    assert [send.wire for send in first.sends] == [send.wire for send in again.sends]
    other = converse(person(SHOP, think, seed=8).script, replies)
    assert other.waits != first.waits
    assert other.sends[6].key != first.sends[6].key


def test_polling_waits_as_the_shop_asks() -> None:
    """`every` with jitter, or the hint of the last answer, never sooner."""
    waits = converse(person(SHOP).script, [*FRONT, HELD, ACCEPTED, PAID, PAID]).waits
    assert [why for why, _ in waits] == ["poll"] * 4
    assert 400 * MS <= waits[0][1] <= 600 * MS
    assert 300 * MS <= waits[1][1] <= 360 * MS
    assert 400 * MS <= waits[2][1] <= 600 * MS


def test_a_masher_reloads_at_its_own_pace() -> None:
    """Whatever the shop asks for."""
    masher = "{refresh: {poll: {lognormal: {median: 2.5s, sigma: 0}}}}"
    waits = converse(person(SHOP, masher).script, [*FRONT, HELD, ACCEPTED, PAID, PAID]).waits
    assert {ns for _, ns in waits} == {2500 * MS}


def test_a_poll_that_never_ends_is_unknown() -> None:
    """`within` runs out: the payment may or may not be, so the fan leaves in doubt, not refused."""

    def shop(send: Send) -> Reply:
        return page(200, {"state": "pending"}) if send.step == "pay" and send.poll else next(script)

    script = iter([*FRONT, HELD, ACCEPTED])
    fan = person(SHOP)
    talk = converse(fan.script, shop)
    assert talk.told[-1] == ("pay", "info", "unknown")
    assert talk.end == ("unknown", "info")
    assert sum(ns for why, ns in talk.waits if why == "poll") <= 2 * S + 5 * S
    assert fan.memory.doubt


def test_accepted_is_ok_and_its_status_is_read_after_settling() -> None:
    """An acknowledgement owes a terminal state: the engine asks later with what the fan had learnt."""
    fan = person(SHOP)
    talk = converse(fan.script, [*FRONT, HELD, ACCEPTED, page(200, {"state": "accepted"})])
    assert talk.end == ("accepted", "ok")
    assert talk.steps[-1] == "pay?"
    later = fan.status()
    assert later is not None
    talk = converse(later, [TIMEOUT, page(200, {"state": "failed"})])
    assert talk.told == [("look", "fail", "declined")]
    assert all(send.status_read for send in talk.sends)
    assert talk.sends[0].attempt == "r1-4.0.9"
    assert talk.end == ("declined", "fail")


@pytest.mark.parametrize(
    ("reply", "end"),
    [(NOT_SENT, "not-sent"), (page(503), "shed"), (page(409), "again"), (TIMEOUT, "unknown"), (page(500), "unknown")],
)
def test_a_status_page_that_says_nothing_denies_nothing(reply: Reply, end: str) -> None:
    """Unreachable, too busy or broken, asked as often as patience allows: no word of the order, so no refusal of it."""
    busy = "{when: {status: 503}, then: shed}, {when: {status: 409}, then: again}"
    shop = journey(
        BOXOFFICE.replace("end: accepted}]\n      claims: {order", f"end: accepted}}, {busy}]\n      claims: {{order")
    )
    talk = converse(person(shop).script, [*FRONT, HELD, ACCEPTED, PAID, *[reply] * 3])
    assert talk.told[-2:] == [("pay", "ok", "confirmed"), ("look", "info", end)]
    assert talk.end == ("confirmed", "ok")


def test_where_the_order_was_never_learnt_nothing_can_be_asked() -> None:
    """A lost reply took the order's number with it: there is no status script, and no complaint."""
    fan = person(SHOP)
    assert converse(fan.script, [*FRONT, HELD, TIMEOUT]).end == ("unknown", "info")
    assert fan.status() is None


@pytest.mark.parametrize(
    ("reply", "told", "end"),
    [
        (page(409, {"code": "SOLD_OUT"}), ("hold", "fail", "sold-out"), ("sold-out", "fail")),
        (page(409, {"code": "ALL_HELD"}), ("hold", "fail", "again"), ("again", "fail")),
        (page(503), ("hold", "fail", "shed"), ("shed", "fail")),
        (page(502, "<html>"), ("hold", "info", "unknown"), ("unknown", "info")),
        (page(409, "<html>"), ("hold", "info", "unknown"), ("unknown", "info")),
        (TIMEOUT, ("hold", "info", "unknown"), ("unknown", "info")),
        (Reply(broken="cut"), ("hold", "info", "unknown"), ("unknown", "info")),
        (Reply(broken="invalid"), ("hold", "info", "unknown"), ("unknown", "info")),
        (NOT_SENT, ("hold", "fail", "not-sent"), ("not-sent", "fail")),
    ],
)
def test_a_fan_without_patience_leaves_with_what_it_knows(
    reply: Reply, told: tuple[str, str, str], end: tuple[str, str]
) -> None:
    """No reaction in the profile: one try, and the belief is just what the reply allows. A 502 concludes nothing."""
    talk = converse(person(SHOP).script, [*FRONT, reply])
    assert talk.told[-1] == told
    assert talk.end == end


def test_an_unset_variable_stops_the_request_and_names_the_step() -> None:
    """The step is an error of the target file: nothing is sent, and the end says which value is missing and whose."""
    talk = converse(person(SHOP).script, [*FRONT, page(201, {"total": 1})])
    assert talk.steps[-1] == "hold"
    assert talk.left is not None
    assert talk.end == ("target-error", "fail")
    assert "journey[3]" in talk.left.detail and "{hold}" in talk.left.detail and "step hold" in talk.left.detail


JUMPS = """
journey:
  - {step: start, get: /}
  - step: look
    get: /look
    outcomes:
      - {when: {status: 200}, then: next}
      - {when: {status: 302}, then: goto start, at_most: 3}
      - {when: {status: 410}, then: flow aside}
      - {when: {status: 409}, then: again start}
      - {when: {status: 500}, then: next, means: info}
  - step: buy
    role: pay
    get: /buy
    outcomes: [{when: {status: 200}, end: confirmed}, {when: {status: 500}, end: refused, means: info},
               {when: {status: 402}, end: declined}]
flows:
  aside: [{step: one, get: /1}, {step: two, get: /2}]
"""


def test_goto_goes_back_a_bounded_number_of_times() -> None:
    """`at_most` and then the outcome is unknown, never an endless loop."""
    talk = converse(person(journey(JUMPS)).script, lambda send: page(302 if send.step == "look" else 200))
    assert talk.steps == ["start", "look"] * 4
    assert talk.end == ("unknown", "info")
    assert talk.left is not None and "goto start more than 3 times" in talk.left.detail


def test_a_flow_resumes_after_the_step_that_entered_it() -> None:
    """Its steps, then the next one of the journey."""
    replies = [page(), page(410), page(), page(), page(200)]
    talk = converse(person(journey(JUMPS)).script, replies)
    assert talk.steps == ["start", "look", "one", "two", "buy"]
    assert talk.end == ("confirmed", "ok")


def test_again_with_a_step_goes_further_back_as_the_profile_allows() -> None:
    """`again start`: two tries in all, each a new operation; without a reaction there is no second one."""
    behaves = "{react: {browse: {again: {tries: 2, backoff: {fixed: 1s}}}}}"
    talk = converse(person(journey(JUMPS), behaves).script, lambda send: page(409 if send.step == "look" else 200))
    assert talk.steps == ["start", "look", "start", "look"]
    assert [send.op for send in talk.sends] == [1, 2, 3, 4]
    assert talk.waits == [("backoff", 1 * S)]
    assert talk.end == ("again", "fail")
    alone = converse(person(journey(JUMPS)).script, lambda send: page(409 if send.step == "look" else 200))
    assert alone.steps == ["start", "look"]


def test_a_rule_may_say_that_nothing_is_known() -> None:
    """`means: info`: the fan goes on or ends, and the history stays open."""
    talk = converse(person(journey(JUMPS)).script, [page(), page(500), page(500)])
    assert talk.told[1:] == [("look", "info", "next"), ("buy", "info", "refused")]
    assert talk.end == ("refused", "info")


def test_the_end_of_the_journey_without_an_end_is_unknown() -> None:
    """Nothing was concluded, so nothing is claimed."""
    assert converse(person(journey("journey: [{step: a, get: /}]")).script, [page()]).end == ("unknown", "info")


def test_barriers_hold_fans_and_never_stop_them() -> None:
    """The step goes on whether the others came in time or not."""
    text = "journey: [{step: a, get: /, barrier: {name: go, fans: 20, within: 30s}}]"
    for opens in (True, False):
        talk = converse(person(journey(text)).script, [page()], opens=opens)
        assert talk.of(Meet) == [Meet(name="go", fans=20, within_ns=30 * S)]
        assert talk.steps == ["a"]


def test_only_skips_a_step() -> None:
    """By a variable or by the page before."""
    text = """
journey:
  - {step: a, get: /, take: {need: {json: need}}}
  - {step: b, get: /b, only: {var: {need: id}}}
  - {step: c, get: /c, only: {body: captcha}}
  - {step: d, get: /d}
"""
    assert converse(person(journey(text)).script, [page(200, {"need": "id"}), page(), page()]).steps == ["a", "b", "d"]
    assert converse(person(journey(text)).script, [page(200, '{"captcha":1}'), page(), page()]).steps == ["a", "c", "d"]


WIZARD = r"""
journey:
  - {step: cart, get: /cart, follow: true}
  - step: walk
    repeat:
      by: {url: '/checkout/(\w+)/'}
      until: {url: '/checkout/confirm/'}
      at_most: 3
      cases:
        questions: [{step: answer, post: /q/, form: {name: Ann}, follow: true}]
        payment: [{step: card, post: /p/, form: {card: "4"}, follow: true},
                  {step: back, get: /, outcomes: [{when: {status: 200}, then: goto cart}], only: {body: lost}}]
  - {step: order, role: pay, post: /o/, outcomes: [{when: {status: 200}, end: confirmed}]}
"""


def at(name: str, body: str = "") -> Reply:
    return page(200, body, url=f"{BASE}/checkout/{name}/")


def test_a_wizard_is_walked_by_the_page_that_it_shows() -> None:
    """It may skip pages or ask one twice; `until` is looked at first."""
    shop = journey(WIZARD)
    talk = converse(person(shop).script, [at("payment"), at("questions"), at("confirm"), page()])
    assert talk.steps == ["cart", "card", "answer", "order"]
    assert talk.end == ("confirmed", "ok")
    assert converse(person(shop).script, [at("confirm"), page()]).steps == ["cart", "order"]
    lost = converse(person(shop).script, [at("payment"), at("payment", "lost"), page(), at("confirm"), page()])
    assert lost.steps == ["cart", "card", "back", "cart", "order"]


def test_a_wizard_that_is_lost_or_endless_is_unknown() -> None:
    """No case for the page, no page to be seen, or too many rounds."""
    shop = journey(WIZARD)
    strange = converse(person(shop).script, [at("captcha")])
    assert strange.end == ("unknown", "info") and strange.left is not None and "captcha" in strange.left.detail
    endless = converse(person(shop).script, lambda send: at("questions"))
    assert endless.steps == ["cart", "answer", "answer", "answer"]
    assert endless.end == ("unknown", "info")
    assert converse(person(shop).script, [page(200, url=BASE + "/elsewhere")]).end == ("unknown", "info")


def test_a_step_that_only_polls_asks_at_once() -> None:
    """Its own request is the poll, and needs no outcomes of its own."""
    text = """
journey:
  - step: wait
    role: poll
    get: /wait
    poll: {every: 1s, jitter: 0%, within: 30s, outcomes: [{when: {json: {ready: true}}, then: next}]}
    take: {link: {json: link}}
  - {step: go, role: pay, get: "{link}", outcomes: [{when: {status: 200}, end: confirmed}]}
"""
    replies = [page(200, {"ready": False, "link": "/x"}), TIMEOUT, page(200, {"ready": True}), page()]
    talk = converse(person(journey(text)).script, replies)
    assert talk.steps == ["wait?", "wait?", "wait?", "go"]
    assert talk.waits == [("poll", 1 * S), ("poll", 1 * S)]
    assert talk.sends[-1].wire.url == BASE + "/x"
