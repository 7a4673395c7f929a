"""Logins: one of each is made, and what it gives is looked at and shown to nobody."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.logins import Held, admitted, look_at_logins, made, of_login
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.engine.login import Entry
from surgectl.profile.accounts import Accounts
from tests.doctor.patients import patient, said, shop, wrong
from tests.evidence.ledgers import Server, serving

CLOCK = SystemClock()
S = 1_000_000_000
HUSH = "hush-hush-token"
STEP = {"post": "/token", "form": {"client_secret": "x"}, "take": {"token": {"json": "access_token"}}}
API = {"steps": [STEP], "expires": {"json": "expires_in"}}
LETS_IN = {"access_token": HUSH, "expires_in": 600}


async def looked(
    answer: Callable[[web.Request, int], Any] | Any,
    logins: dict[str, Any],
    accounts: Accounts | None = None,
    **more: Any,
) -> tuple[list[Checkup], Server, list[str]]:
    learnt: list[str] = []
    async with serving() as server:
        server.answer = answer if callable(answer) else lambda request, number: answer
        target = shop(server.url, logins=logins, **more)
        examined = patient(target, learn=learnt.append)
        start_ns = CLOCK.now_ns()
        driver, made = admitted(examined, accounts, WireDriver(CLOCK, start_ns), CLOCK, start_ns)
        async with driver:
            return await look_at_logins(examined, accounts, made, within_s=5), server, learnt


def people(*names: str) -> Accounts:
    text, ends = b"", array("I")
    for name in names:
        text += name.encode()
        ends.append(len(text))
    return Accounts(("email",), text, ends)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda request, number: web.json_response({"error": "invalid_client"}, status=401), "401, invalid_client"),
        ({"token": "elsewhere"}, 'no "token"'),
        (lambda request, number: web.Response(text="<html>"), "the answer is none"),
    ],
    ids=["refused", "elsewhere", "a page"],
)
async def test_nobody_is_let_in(answer: Any, words: str) -> None:
    """A wrong secret, a value that stands somewhere else, a page: to be put right, once, in the run's own words."""
    found, server, _ = await looked(answer, {"api": API})
    assert wrong(found) == ["api"] and words in said(found, "api")[1] and len(server.asked) == 1


async def test_a_login_in_order() -> None:
    """Asked once; what it gave is a secret from then on, and how long it holds is known."""
    found, server, learnt = await looked(LETS_IN, {"api": API})
    assert wrong(found) == [] and server.asked == ["/token"]
    assert said(found, "api")[1].endswith("it gives token")
    assert said(found, "api lasts")[0] == "pass" and "holds for 10m" in said(found, "api lasts")[1]
    assert learnt == [HUSH] and HUSH not in str(found)


async def test_an_end_that_cannot_be_read() -> None:
    """It would be used until the shop denies it: to be put right; said by lasts instead, it is well."""
    found, _, _ = await looked({"access_token": HUSH}, {"api": API})
    assert wrong(found) == ["api lasts"] and "expires says nothing" in said(found, "api lasts")[1]
    found, _, _ = await looked({"access_token": HUSH}, {"api": {**API, "lasts": "50m"}})
    assert said(found, "api lasts")[0] == "pass"
    found, _, _ = await looked({"access_token": HUSH}, {"api": {"steps": [STEP]}})
    assert said(found, "api lasts")[0] == "note"


async def test_one_for_every_account_is_made_for_the_first_row_alone() -> None:
    """Of three people one logs in, and it is said whose login it was."""
    step = {**STEP, "form": {"email": "{account.email}"}}
    more = {"fans_from": {"csv": "people.csv"}}
    accounts = people("anna@x.org", "bert@x.org", "carl@x.org")
    found, server, _ = await looked(LETS_IN, {"me": {**API, "per": "account", "steps": [step]}}, accounts, **more)
    assert server.bodies == [{"email": "anna@x.org"}] and "for the first account" in said(found, "me")[1]
    found, server, _ = await looked(LETS_IN, {"me": {**API, "per": "account", "steps": [step]}}, None, **more)
    assert said(found, "me")[0] == "unknown" and server.asked == []


async def test_a_login_that_needs_another() -> None:
    """It is made with what the first one gave; where that one let nobody in, it is unknown and never asked for."""
    second = {"steps": [{"post": "/visit", "headers": {"Authorization": "Bearer {api.token}"}, "take": STEP["take"]}]}
    found, server, _ = await looked(LETS_IN, {"api": API, "visit": second})
    assert server.asked == ["/token", "/visit"] and server.headers[1]["Authorization"] == f"Bearer {HUSH}"
    found, server, _ = await looked({}, {"api": API, "visit": second})
    assert server.asked == ["/token"] and said(found, "visit") == ("unknown", "it needs the login api")


async def test_what_the_setup_would_say_is_not_asked_for() -> None:
    """Unknown before it has run."""
    step = {**STEP, "form": {"shop": "{setup.shop}"}}
    found, server, _ = await looked(LETS_IN, {"api": {"steps": [step]}}, setup={"run": ["true"]})
    assert said(found, "api")[0] == "unknown" and "--buy" in said(found, "api")[1] and server.asked == []


async def test_an_authority_that_is_not_there() -> None:
    """Nobody listens at its origin: to be put right, with the reason."""
    step = {**STEP, "origin": "auth"}
    found, server, _ = await looked(LETS_IN, {"api": {"steps": [step]}}, origins={"auth": "http://127.0.0.1:1"})
    assert wrong(found) == ["api"] and "nobody is let in" in said(found, "api")[1] and server.asked == []


async def test_an_authority_that_does_not_come_to_an_end() -> None:
    """Waited for so long and no longer."""

    class Never(Entry):
        def values(self) -> None:
            return None

    driver, logins = admitted(patient(shop(logins={"api": API})), None, WireDriver(CLOCK, 0), CLOCK, 0)
    held = await made(Never(logins, logins.entry("api", None).login, None), CLOCK.now_ns, within_s=0.02)
    assert held.trouble == "login api: not over within 0.02s"


LOGIN = shop(logins={"api": API}).logins["api"]


@pytest.mark.parametrize(
    ("held", "load_ns", "verdict", "words"),
    [
        (Held(took_ns=S // 10, lasts_ns=-1), None, "fail", "has ended before"),
        (Held(took_ns=S, lasts_ns=2 * S), None, "fail", "takes 1s to make"),
        (Held(took_ns=S // 10, lasts_ns=30 * S), None, "note", "a fan may wait 60s at queue"),
        (Held(took_ns=S // 10, lasts_ns=90 * S), 200 * S, "pass", "renewed 2 times"),
        (Held(took_ns=S // 10, lasts_ns=90 * S), 100 * S, "pass", "renewed once"),
        (Held(took_ns=S // 10, lasts_ns=600 * S), 100 * S, "pass", "longer than any fan waits (60s)"),
    ],
)
def test_how_long_is_long_enough(held: Held, load_ns: int | None, verdict: str, words: str) -> None:
    """Against what it costs to make one, the longest wait of a fan, and the load."""
    found = of_login("api", LOGIN, held, longest_ns=("queue", 60 * S), load_ns=load_ns)
    assert said(found, "api lasts")[0] == verdict and words in said(found, "api lasts")[1]
