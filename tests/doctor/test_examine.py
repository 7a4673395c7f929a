"""The whole examination in one piece: what is looked at, in which order, and what is not touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.doctor.checkup import Checkup, exit_code
from surgectl.doctor.examine import examine, providers
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
