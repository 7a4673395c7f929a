"""A correct shop is acquitted under every brownout, by both proxies, and nothing stays broken."""

from __future__ import annotations

import pytest

from tests.rehearsal.acting import Ended
from tests.rehearsal.plays import BROWNOUTS, brownout, through_a_given_server
from tests.rehearsal.programme import Play

pytestmark = pytest.mark.real

# Every brownout through the embedded proxy is what `surgectl selftest` plays (tests/selftest/test_quick.py).
EVERY = [*(brownout(name, "real") for name in BROWNOUTS), brownout("lost-reply", "embedded")]
GIVEN = Play("lost-reply-given", through_a_given_server())
STOCK_AND_MONEY = (
    *("OVERSELL", "SEAT2", "CONSERVE", "LEAK"),
    *("DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE", "AMOUNT", "GHOST", "REFUND", "AUTH_LEFT", "PHANTOM"),
    "LOST_TICKET",
)


@pytest.mark.parametrize("played", [*EVERY, GIVEN], indirect=True)
def test_a_correct_shop_is_acquitted_under_every_brownout(played: Ended) -> None:
    """Exit 0, every invariant of stock and money is definitely kept, and the crowd paid while it was broken."""
    assert played.code == 0, played.said
    assert played.report["verdict"] == "pass"
    verdicts = played.verdicts()
    assert {name: verdicts[name] for name in STOCK_AND_MONEY} == dict.fromkeys(STOCK_AND_MONEY, "pass")
    confirmed = played.report["metrics"]["funnel"]["confirmed"]
    assert confirmed > 10, "hardly anybody bought anything: this proves nothing"


@pytest.mark.parametrize("played", [*EVERY, GIVEN], indirect=True)
def test_every_brownout_is_applied_and_seen_and_healed(played: Ended) -> None:
    """The proxy confirms the fault, canaries suffer from it, and afterwards it is gone and a canary passes."""
    events = [row["event"] for row in played.chaos]
    assert events == ["applied", "verified", "healed"], played.chaos
    (fault,) = played.report["chaos"]
    assert (fault["applied"], fault["verified"], fault["healed"]) == (True, True, True)
    coverage = {line["id"]: line for line in played.report["coverage"]}
    assert coverage["payments_in_fault"]["met"], coverage


@pytest.mark.parametrize("played", [*(p for p in EVERY if p.name.startswith("lost-reply-")), GIVEN], indirect=True)
def test_lost_replies_are_counted_where_they_happened(played: Ended) -> None:
    """Under lost-reply at least one charge was made whose reply never arrived."""
    coverage = {line["id"]: line for line in played.report["coverage"]}
    assert int(coverage["lost_replies"]["seen"].split()[0]) >= 1, coverage


@pytest.mark.parametrize("played", EVERY, indirect=True)
def test_the_recording_says_which_proxy_it_was(played: Ended) -> None:
    """The embedded proxy and the original are never mistaken for each other."""
    wanted = "embedded" if "--embedded-proxy" in played.manifest["flags"] else "toxiproxy-server"
    assert played.manifest["proxy_kind"] == wanted


@pytest.mark.parametrize("played", [GIVEN], indirect=True)
def test_a_given_server_is_left_as_it_was(played: Ended) -> None:
    """On somebody else's Toxiproxy neither our toxics nor our proxies stay."""
    assert played.extra["proxies"] == {}
    assert played.manifest["proxy_kind"] == "given"
