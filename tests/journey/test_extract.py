"""What is read out of replies: takes, claims, money."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from surgectl.journey.money import read_money
from tests.journey.shop import judge, page

HTML = '<input name="_csrf" value="a&amp;b"><a href="/t/9">9</a>'


@pytest.mark.parametrize(
    ("take", "reply", "value"),
    [
        ("{json: id}", page(200, {"id": 7}), 7),
        ("{json: 'a.b[1]'}", page(200, {"a": {"b": [1, [2]]}}), [2]),
        ('{regex: \'value="([^"]+)"\'}', page(200, HTML), "a&b"),
        ("{regex: '/t/\\d+'}", page(200, HTML), "/t/9"),
        ("{json: html, regex: '/t/(\\d+)'}", page(200, {"html": HTML}), "9"),
        ("{header: vendure-auth-token}", page(200, Vendure_Auth_Token="tok"), "tok"),
        ("{location: true}", page(302, Location="/thanks?id=3"), "http://shop.test/thanks?id=3"),
        ("{location: 'id=(\\d+)'}", page(302, Location="/thanks?id=3"), "3"),
        ("{url: 'step/(\\w+)'}", page(200, url="http://shop.test/step/pay/"), "pay"),
        ("{url: true}", page(200, url="http://shop.test/x"), "http://shop.test/x"),
        ("{cookie: sid}", msgspec.structs.replace(page(200), cookies={"sid": "c1"}), "c1"),
        ("{cookie: sid, regex: '\\d'}", msgspec.structs.replace(page(200), cookies={"sid": "c1"}), "1"),
    ],
)
def test_values_are_taken_from_every_part_of_a_reply(take: str, reply: Any, value: Any) -> None:
    """JSON keeps its type; a regex is searched, gives its first group (or the match) and decodes HTML."""
    found = judge(f"{{outcomes: [{{when: {{status: [200, 302]}}, then: next}}], take: {{x: {take}}}}}", reply)
    assert found.takes == {"x": value}


def test_a_pick_is_a_seeded_sample() -> None:
    """`pick` takes as many different items as asked, the same for the same fan, none where too few are left."""
    step = "{take: {seats: {json: free, pick: '{qty}', else: sold-out}}}"
    seats = [f"A{n}" for n in range(20)]
    first = judge(step, page(200, {"free": seats}), qty=3).takes["seats"]
    assert len(set(first)) == 3 and set(first) <= set(seats)
    assert judge(step, page(200, {"free": seats}), qty=3).takes["seats"] == first
    short = judge(step, page(200, {"free": ["A1"]}), qty=3)
    assert (short.outcome, short.to, short.takes) == ("fail", "sold-out", {})


@pytest.mark.parametrize(
    ("extra", "outcome", "then", "to", "takes"),
    [
        ("", "ok", "next", None, {}),
        (", default: none", "ok", "next", None, {"x": "none"}),
        (", else: sold-out", "fail", "end", "sold-out", {}),
        (", else: broken-page", "info", "end", "broken-page", {}),
        (", else: again", "fail", "again", None, {}),
        (", else: unknown", "info", "unknown", None, {}),
    ],
)
def test_an_absent_value_means_what_the_target_says(
    extra: str, outcome: str, then: str, to: str | None, takes: dict[str, str]
) -> None:
    """Absent and silent: not taken. `default` fills in, `else` is an outcome; a name of one's own concludes nothing."""
    verdict = judge(f"{{take: {{x: {{json: x{extra}}}}}}}", page(200, {}))
    assert (verdict.outcome, verdict.then, verdict.takes) == (outcome, then, takes)
    if to:
        assert verdict.to == to


def test_under_a_refusal_nothing_is_taken_and_no_absence_counts() -> None:
    """A 502 page or a decline lacks every field of the success page: that says nothing."""
    step = "{outcomes: [{when: {status: 409}, end: declined}], take: {x: {json: x, else: sold-out}}}"
    assert judge(step, page(409, {"x": 1})).to == "declined"
    assert judge(step, page(409, {"x": 1})).takes == {}
    verdict = judge(step, page(502, "<html>"))
    assert (verdict.outcome, verdict.why) == ("info", "unmatched")


@pytest.mark.parametrize(
    ("claims", "body", "told"),
    [
        ("order: {json: o}", {"o": 12}, {"order": "12"}),
        ("qty: 1", {}, {"qty": 1}),
        ("qty: '{qty}'", {}, {"qty": 2}),
        ("qty: {json: n}", {"n": "3"}, {"qty": 3}),
        ("amount: {json: t, money: minor EUR}", {"t": 8400}, {"amount_minor": 8400, "currency": "EUR"}),
        ("amount: {json: t, money: major EUR}", {"t": 84.1}, {"amount_minor": 8410, "currency": "EUR"}),
        ("amount: {json: t, money: major JPY}", {"t": "900"}, {"amount_minor": 900, "currency": "JPY"}),
        ("amount: {json: t, money: 1/1000000 USD}", {"t": 84_000_000}, {"amount_minor": 8400, "currency": "USD"}),
        (
            "amount: {json: t, money: minor c.code}",
            {"t": 5, "c": {"code": "usd"}},
            {"amount_minor": 5, "currency": "USD"},
        ),
        ("amount: {json: t, money: text}", {"t": "Total: 1,084.00 EUR"}, {"amount_minor": 108400, "currency": "EUR"}),
        ("seats: {json: s}", {"s": ["A1", 2]}, {"seats": ["A1", "2"]}),
        ("tickets: {json: s}", {"s": "t1, t2"}, {"tickets": ["t1", "t2"]}),
        ("position: {json: p}", {"p": 41}, {"position": 41}),
        ("wait: {json: w, unit: ms}", {"w": 1500}, {"wait_s": 1.5}),
        ("order: {json: o}", {}, {}),
    ],
)
def test_claims_come_in_the_form_the_audit_checks(claims: str, body: dict[str, Any], told: dict[str, Any]) -> None:
    """Money in minor units with its currency, lists as lists, what the reply does not say left out."""
    assert judge(f"{{claims: {{{claims}}}}}", page(200, body), qty=2).claims == told


@pytest.mark.parametrize("claim", ["position: {json: p}", "amount: {json: p, money: minor EUR}", "seats: {json: p}"])
def test_null_claims_nothing(claim: str) -> None:
    """A position that is null before the draw is no position: neither kept nor called garbled."""
    verdict = judge(f"{{claims: {{{claim}}}}}", page(200, {"p": None}))
    assert (verdict.outcome, verdict.claims) == ("ok", {})
    assert not verdict.detail


@pytest.mark.parametrize(
    ("claim", "flood"),
    [
        ("order", "x" * 1_001),
        ("seats", "x" * 1_001),
        ("seats", ["seat"] * 2_501),
        ("tickets", "a," * 10_001),
        ("tickets", [[]] * 10_001),
    ],
)
def test_a_flood_is_no_claim(claim: str, flood: Any) -> None:
    """A name of a thousand characters is kept; a longer one, or a list without end, fills no disk and is said aloud."""
    found = judge(f"{{claims: {{{claim}: {{json: t}}}}}}", page(200, {"t": flood}))
    assert found.outcome == "ok" and found.claims == {}
    assert found.detail.startswith(f"claim {claim}: {claim} of ")
    assert judge("{claims: {order: {json: t}}}", page(200, {"t": "x" * 1_000})).claims == {"order": "x" * 1_000}


@pytest.mark.parametrize("claim", ["amount: {json: t, money: major EUR}", "qty: {json: t}", "wait: {json: t}"])
def test_a_garbled_claim_is_said_aloud(claim: str) -> None:
    """A claim that cannot be read is left out, and the recording says why; the outcome stands."""
    verdict = judge(f"{{claims: {{{claim}}}}}", page(200, {"t": "4.567 soon"}))
    assert verdict.outcome == "ok" and verdict.claims == {}
    assert "4.567 soon" in verdict.detail


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("84.00 EUR", 8400, "EUR"),
        ("EUR 84,00", 8400, "EUR"),
        ("€1,084.00", 108400, "EUR"),
        ("1.084,00 €", 108400, "EUR"),
        ("CHF 1'084.50", 108450, "CHF"),
        ("$84", 8400, "USD"),
        ("1,084 JPY", 1084, "JPY"),
        ("$1,084", 108400, "USD"),
        ("12.5 EUR", 1250, "EUR"),
        ("1.234,50 €", 123450, "EUR"),
        ("CHF 1\u2019234.50", 123450, "CHF"),
        ("1\u2009234,50 €", 123450, "EUR"),
        ("CHF 25.\u2013", 2500, "CHF"),
        ("12800.00 JPY", 12800, "JPY"),
        ("¥12,800", 12800, "JPY"),
        ("1,084.000 JPY", 1084, "JPY"),
        ("12,500 KWD", 12500, "KWD"),
        ("1.234,500 KWD", 1234500, "KWD"),
        ("1,234,567 KWD", 1234567000, "KWD"),
        ("\u0661\u0662\u066b\u0665\u0660\u0660 KWD", 12500, "KWD"),
        ("84.0000 EUR", 8400, "EUR"),
        ("1084.000 EUR", 108400, "EUR"),
        ("1,084.000 EUR", 108400, "EUR"),
        ("0.500 EUR", 50, "EUR"),
        ("\u22125,00 EUR", -500, "EUR"),
        ("₹1,00,000.00", 10000000, "INR"),
        ("2 tickets: 50,00 €", 5000, "EUR"),
        ("EUR 84,00 incl. 19 % tax", 8400, "EUR"),
    ],
)
def test_money_is_read_as_people_write_it(text: str, minor: int, currency: str) -> None:
    """Marks before the currency's own places are decimal, all others group thousands."""
    assert read_money(text) == (minor, currency)


@pytest.mark.parametrize(
    "text", ["84.00", "EUR", "soon", "CA$84.00", "2 × 25,00 € = 50,00 €", "1.084.00 EUR", "2 25,00 €", "12.005 JPY 3"]
)
def test_money_that_may_mean_several_things_is_refused(text: str) -> None:
    """Never a guess at the currency, at which of several numbers is meant, or at how digits are grouped."""
    with pytest.raises(ValueError):
        read_money(text)


@pytest.mark.parametrize(("text", "currency"), [("2 of 50,00", "EUR"), ("12.50", "JPY")])
def test_money_in_a_currency_that_is_given_is_no_guess_either(text: str, currency: str) -> None:
    """Two numbers without a currency beside one; half a yen."""
    with pytest.raises(ValueError):
        read_money(text, currency)
