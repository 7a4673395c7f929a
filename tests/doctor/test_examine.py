"""The whole examination in one piece: what is looked at, in which order, and what is not touched."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.doctor.checkup import Checkup, exit_code
from surgectl.doctor.examine import examine, providers
from surgectl.profile.accounts import Accounts
from surgectl.profile.load import load_target
from surgectl.profile.substitute import Secrets
from surgectl.proxy.server import serving as proxy_serving
from tests.doctor.corner_shop import TARGET, CornerShop, opened
from tests.doctor.patients import ROOMY, patient, said, shop, wrong

CLOCK = SystemClock()


async def examined(
    folder: Path, variables: Mapping[str, str], text: str = TARGET, **more: Any
) -> tuple[list[Checkup], list[str]]:
    path = folder / "corner.yaml"
    path.write_text(text, "utf-8")
    target = load_target(path, dict(variables), environ={})
    looked: list[str] = []
    async with proxy_serving("127.0.0.1:0", 7, False, CLOCK) as url:
        return await examine(patient(target, folder, toxiproxy=url, **more), ROOMY, CLOCK, looked.append), looked


async def test_a_provider_that_is_gone(tmp_path: Path) -> None:
    """12, and the one link is named; the clocks of those who answer are read all the same."""
    async with opened(CornerShop()) as corner:
        found, looked = await examined(tmp_path, {**corner.variables(), "PAY_ADDR": "127.0.0.1:1"})
    assert wrong(found) == ["payments upstream"] and exit_code(found) == 12
    assert looked == ["allowances", "the shop", "the links", "the books", "the clocks"]
    assert said(found, "the shop's way")[0] == "unknown" and "--buy" in said(found, "the shop's way")[1]
    parts = list(dict.fromkeys(one.part for one in found))
    assert parts == ["target", "variables", "allow", "shop", "links", "evidence", "clocks", "machine"]


async def test_nothing_is_sent_before_every_host_is_allowed(tmp_path: Path) -> None:
    """One origin that nobody allowed, and the shop of ours hears nothing either: 13."""
    text = TARGET.replace("links:", "origins: {gateway: 'http://192.0.2.7'}\nlinks:")
    async with opened(CornerShop()) as corner:
        found, looked = await examined(tmp_path, corner.variables(), text)
        assert corner.pages == 0
    assert wrong(found) == ["origins.gateway"] and exit_code(found) == 13 and looked == ["allowances"]


async def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    """What came from the environment is *** in every word that is told."""
    text = TARGET.replace("get: /charges}", 'get: /hunter2, headers: {Authorization: "Bearer hunter2"}}')
    async with opened(CornerShop()) as corner:
        found, _ = await examined(tmp_path, corner.variables(), text, redact=Secrets(["hunter2"]).redact)
    assert wrong(found) == ["charges"] and "/***" in said(found, "charges")[1]
    assert not any("hunter2" in f"{one.what} {one.fix} {one.name}" for one in found)


GATED = TARGET.replace(
    "mint:",
    """logins:
  api:
    steps: [{post: /pay, json: {email: "x"}, take: {token: {json: order}}}]
    lasts: 10m
fans_from: {csv: people.csv, secret: [pin]}
headers: {Authorization: "Bearer {api.token}"}
mint:""",
).replace("get: /about", 'get: /about, headers: {X-Gate: "{api.token}"}')


async def test_logins_accounts_and_streams_in_their_place(tmp_path: Path) -> None:
    """Between the shop and its links; a probe leaves with what the login gave, and nothing of it is told."""
    text = GATED.replace(
        "  - step: pay\n",
        "  - {step: line, await: {sse: /pay, outcomes: [{when: {event: x}, then: next}]}}\n  - step: pay\n",
    )
    secrets = Secrets(["1234-hush"])

    def people() -> Accounts:
        return Accounts(("email", "pin"), b"a@x.org1234-hush", array("I", [7, 16]))

    async with opened(CornerShop(through_the_link=False)) as corner:
        found, looked = await examined(
            tmp_path, corner.variables(), text, people=people, redact=secrets.redact, learn=secrets.add
        )
    assert [one for one in looked if one in ("the logins", "the streams")] == ["the logins", "the streams"]
    assert said(found, "api")[0] == "pass" and said(found, "probe about")[0] == "pass", found
    assert said(found, "line")[0] == "fail" and "answered 405" in said(found, "line")[1]
    parts = list(dict.fromkeys(one.part for one in found))
    assert parts[3:8] == ["shop", "accounts", "logins", "streams", "links"]
    assert "1234-hush" not in str(found)


async def test_a_login_that_lets_nobody_in_stops_nothing_else(tmp_path: Path) -> None:
    """It is named; the probe that needs it says why it never left; books and links are looked at all the same."""
    async with opened(CornerShop()) as corner:  # nobody listens at the link: the till is closed, and with it this login
        found, _ = await examined(tmp_path, corner.variables(), GATED, people=lambda: None)
    assert wrong(found) == ["probe about", "api"] and "answered 402" in said(found, "api")[1]
    assert "not-sent" in said(found, "probe about")[1] and said(found, "payments upstream")[0] == "pass"


@pytest.mark.parametrize(
    ("evidence", "links", "asked"),
    [
        ({"charges": {"stripe": {"secret": "x"}}}, {}, {"evidence.charges": "https://api.stripe.com"}),
        ({}, {"pay": {"upstream": "pay:80"}}, {"links.pay": "http://pay:80"}),
        ({}, {"db": {"upstream": "db:5432", "speaks": "postgres"}}, {}),
        ({}, {"pay": {"upstream": "pay:443", "tls": {}}}, {"links.pay": "https://pay:443"}),
        ({}, {"pay": {"upstream": "10.0.0.1:443", "tls": {"server_name": "pay"}}}, {}),
        ({}, {"pay": {"proxy": "theirs"}}, {}),
    ],
)
def test_whose_clocks_are_read_besides_the_shops(evidence: Any, links: Any, asked: dict[str, str]) -> None:
    """Those of providers who speak HTTP."""
    found = providers(shop(evidence=evidence, links=links), Path())
    assert {where: provider.url for where, provider in found.items()} == asked
