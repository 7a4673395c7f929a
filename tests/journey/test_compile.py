"""A target that cannot be meant is refused at load, with the place of the mistake and the nearest valid word."""

# ruff: noqa: E501 - the table reads best with one mistake on a line

from __future__ import annotations

import pytest

from surgectl.journey.problem import TargetError
from tests.journey.shop import journey


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 20x}, then: next}]}]", "journey[0].outcomes[0].when.status", "20x"),
        ("journey: [{step: a, get: /, outcomes: [{when: {body: '('}, then: next}]}]", "journey[0].outcomes[0].when.body", "regular expression"),
        ("journey: [{step: a, get: /, outcomes: [{when: {}, then: next}]}]", "journey[0].outcomes[0].when", "no condition"),
        ("journey: [{step: a, get: /, outcomes: [{when: {json: {a: {gtt: 1}}}, then: next}]}]", "journey[0].outcomes[0].when.json.a.gtt", '"gt"'),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, then: nxet}]}]", "journey[0].outcomes[0].then", '"next"'),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, then: confirmed}]}]", "journey[0].outcomes[0].then", "end: confirmed"),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, end: shed}]}]", "journey[0].outcomes[0].end", "then: shed"),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, end: sold-ot}]}]", "journey[0].outcomes[0].end", '"sold-out"'),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, end: blocked}]}]", "journey[0].outcomes[0].end", "means"),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}}]}]", "journey[0].outcomes[0]", "then or end"),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, then: poll}]}]", "journey[0].outcomes[0].then", "no poll"),
        ("journey: [{step: hold, get: /, outcomes: [{when: {status: 200}, then: goto hodl}]}]", "journey[0].outcomes[0].then", '"hold"'),
        ("journey: [{step: hold, get: /, outcomes: [{when: {status: 200}, then: again hodl}]}]", "journey[0].outcomes[0].then", '"hold"'),
        ("journey: [{step: a, get: /, outcomes: [{when: {status: 200}, then: flow pay-agian}]}]\nflows: {pay-again: [{step: b, get: /}]}", "journey[0].outcomes[0].then", '"pay-again"'),
        ("journey: [{step: a, get: /, take: {x: {json: x, else: goto b}}}]", "journey[0].take.x.else", '"b"'),
        ("journey: [{step: a, get: /, take: {x: {json: x, header: y}}}]", "journey[0].take.x.header", "exclude"),
        ("journey: [{step: a, get: /, take: {x: {}}}]", "journey[0].take.x", "where to read"),
        ("journey: [{step: a, get: /, take: {intent: {json: x}}}]", "journey[0].take.intent", "surgectl's own"),
        ("journey: [{step: a, get: /, claims: {amuont: 1}}]", "journey[0].claims.amuont", '"amount"'),
        ("journey: [{step: a, get: /, claims: {amount: {json: t}}}]", "journey[0].claims.amount.money", "money"),
        ("journey: [{step: a, get: /, claims: {amount: {json: t, money: EUR}}}]", "journey[0].claims.amount.money", "minor EUR"),
        ("journey: [{step: a}]", "journey[0]", "what to send"),
        ("journey: [{step: a, get: /, post: /}]", "journey[0].post", "exclude"),
        ("journey: [{step: a, post: /, json: {}, form: {}}]", "journey[0].form", "exclude"),
        ("journey: [{step: a, get: /, origin: gatewya}]\norigins: {gateway: 'http://x'}", "journey[0].origin", '"gateway"'),
        ("journey: [{step: a, get: '/{tokn}'}]\nmint: {token: '{uuid}'}", "journey[0]", '"token"'),
        ("journey: [{step: a, get: /}]\nheaders: {X: '{nothing}'}", "headers.X", "{nothing}"),
        ("journey: [{step: a, get: '/{setup.id}'}]", "journey[0]", "setup hook"),
        ("journey: [{step: a, get: /}]\nmint: {who: Ann}", "mint.who", "same for every intent"),
        ("journey: [{step: a, get: /}]\nmint: {who: 'fan {fan}'}", "mint.who", "same in every run"),
        ("journey: [{step: a, get: /}]\nmint: {a: '{b}', b: '{intent}'}", "mint.a", "further down"),
        ("journey: [{step: a, get: /, poll: {every: 1s}}]", "journey[0].poll.outcomes", "outcomes"),
        ("journey: [{step: a, role: pay, post: /, poll: {outcomes: [{when: {status: 200}, then: next}]}}]", "journey[0].poll", "repeat the pay"),
        ("journey: [{step: a, get: /}]\nflows: {status: [{step: b, role: pay, post: /}]}", "flows.status[0].role", "only reads"),
        ("journey: [{step: a, get: /, repeat: {by: {url: x}, until: {url: y}, cases: {q: [{step: b, get: /, outcomes: [{when: {status: 2}, then: next}]}]}}}]", "journey[0].repeat.cases.q[0].outcomes[0].when.status", "status"),
        ("journey: [{step: a, get: /}, {step: a, get: /}]", "journey[1].step", "two steps"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(text: str, path: str, says: str) -> None:
    """One line: where in the file, what is wrong, what was probably meant."""
    with pytest.raises(TargetError) as caught:
        journey(text)
    assert caught.value.path == path
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_compiled_journey_keeps_the_last_page_only_where_somebody_looks_at_it() -> None:
    """Pages are large and fans are many."""
    assert not journey("journey: [{step: a, get: /}]").keeps_page
    assert journey("journey: [{step: a, post: /, form_page: true}]").keeps_page
    assert journey("journey: [{step: a, get: /}, {step: b, get: /, only: {body: x}}]").keeps_page
    assert not journey("journey: [{step: a, get: /}, {step: b, get: /, only: {var: {qty: 2}}}]").keeps_page


def test_the_key_of_a_page_is_known_by_the_step_that_takes_it() -> None:
    """A fresh key comes from there; a minted one needs no page."""
    page = "journey: [{step: form, get: /, take: {key: {json: k}}}, {step: pay, role: pay, post: /}]"
    assert journey(page).key_step == "form"
    assert journey(page + "\nmint: {key: '{uuid}'}").key_step is None


def test_a_probe_counts_a_page_as_there_or_not() -> None:
    """2xx and 3xx are there; anything else is not, whatever the reason."""
    from surgectl.journey.messages import Reply
    from tests.journey.shop import page as reply

    probe = journey("journey: [{step: a, get: /}]\nprobes: {about: {get: /about}}").probes["about"]
    assert probe.request.render({}, None, 1).url.endswith("/about")
    assert [probe.judge(reply(status)).outcome for status in (200, 302, 404, 503)] == ["ok", "ok", "fail", "fail"]
    assert probe.judge(Reply(broken="timeout")).outcome == "info"
