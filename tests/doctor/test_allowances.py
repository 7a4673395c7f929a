"""Which hosts a rehearsal would be refused, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.doctor.allowances import look_at_allowances
from tests.doctor.patients import BUYS, said, shop, wrong

ABROAD = "https://192.0.2.7:8443"


@pytest.mark.parametrize(
    ("base_url", "more", "fails"),
    [
        (ABROAD, {}, ["base_url"]),
        ("http://127.0.0.1:1", {"origins": {"gateway": ABROAD}}, ["origins.gateway"]),
        ("http://127.0.0.1:1", {"journey": [{**BUYS, "post": f"{ABROAD}/pay"}]}, ["journey[0].post"]),
        (ABROAD, {"allow": ["192.0.2.8"]}, ["base_url"]),
        ("ftp://127.0.0.1", {}, ["base_url"]),
        (ABROAD, {"allow": ["192.0.2.7"]}, []),
        ("http://127.0.0.1:1", {"origins": {"gateway": ABROAD}, "allow": ["192.0.2.7:8443"]}, []),
        ("http://localhost:1", {}, []),
    ],
)
async def test_every_host_of_the_journey_is_judged(base_url: str, more: dict[str, Any], fails: list[str]) -> None:
    """Base URL, origins and whole addresses in steps: loopback, or named in `allow`."""
    assert wrong(await look_at_allowances(shop(base_url, **more))) == fails


async def test_the_missing_line_is_told() -> None:
    """What to write is in the words, and a password of the address is not."""
    verdict, words = said(await look_at_allowances(shop("https://me:secret@192.0.2.7/")), "base_url")
    assert verdict == "fail" and "allow: [192.0.2.7]" in words and "secret" not in words


async def test_an_allowed_host_that_is_no_origin_is_never_sent_to() -> None:
    """A run permits base_url and origins alone: elsewhere every request of a step would be `not-sent`."""
    target = shop(journey=[{**BUYS, "post": f"{ABROAD}/pay"}], allow=["192.0.2.7"])
    verdict, words = said(await look_at_allowances(target), "journey[0].post")
    assert verdict == "fail" and "origins:" in words
