"""A shop of HTML forms that nobody here has seen, told only by a target file: right, and wrong in ways of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.rehearsal.acting import DRILL, HERE, Ended, environment, surgectl, with_folder
from tests.rehearsal.behind import script, standing
from tests.rehearsal.programme import Play
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real

SEATS = 60


def at_the_hall(wrong: str) -> Callable[[Path], Ended]:
    """The drill's crowd at the hall, whose bank loses replies for a while."""

    def perform(place: Path) -> Ended:
        bank, control, link, door = (free_port() for _ in range(4))
        profile = yaml.safe_load(DRILL.read_text())
        for ours in ("probe", "promises", "stage"):
            del profile[ours]
        profile |= {"target": str(HERE / "hall.yaml"), "fans": {"brisk": "60%", "twice": "20%", "tabs": "20%"}}
        profile["sale"] |= {"tickets": SEATS, "limit": 8}
        profile["expect"] = {
            "invariants": {"require": ["OVERSELL", "SEAT2", "money", "LOST_TICKET"]},
            "coverage": {"payments_in_fault": "20%"},
        }
        (place / "evening.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
        (place / "fans").symlink_to(HERE / "fans")
        address = f"127.0.0.1:{bank}"
        with (
            standing("payments", "--listen", address, "--control", f"127.0.0.1:{control}", "--latency", "10ms"),
            script(
                HERE / "hall.py",
                *("--port", door, "--pay", f"http://127.0.0.1:{link}"),
                *("--seats", SEATS, "--wrong", wrong),
            ),
        ):
            sets = {
                "HALL_URL": f"http://127.0.0.1:{door}",
                "HALL_BANK": address,
                "HALL_LINK": f"127.0.0.1:{link}",
                "HALL_PROVIDER": f"http://{address}",
            }
            flags = [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
            ended = surgectl(
                *("run", place / "evening.yaml", "--reports", place / "reports", "--embedded-proxy", *flags),
                env=environment(),
            )
        return with_folder(ended, place / "reports")

    return perform


RIGHT = Play("hall", at_the_hall(""))
WRONG = {
    "fee": "AMOUNT",  # shows 25.00 and takes 26.50
    "twins": "SEAT2",  # two who check out within one second get the same seats
    "short": "CHARGED_NO_TICKET",  # two paid for, one given
}


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_a_right_stranger_is_acquitted(played: Ended) -> None:
    """Exit 0; every order and every charge found its fan by the tagged e-mail address alone."""
    assert played.code == 0, played.said
    assert played.report["links"] == {"charges": 1.0, "orders": 1.0}
    assert played.report["metrics"]["funnel"]["confirmed"] > 20
    verdicts = played.verdicts()
    for name in ("OVERSELL", "SEAT2", "DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE", "AMOUNT", "LOST_TICKET"):
        assert verdicts[name] == "pass", played.finding(name)


@pytest.mark.parametrize(
    ("played", "finding"), [(Play(f"hall-{w}", at_the_hall(w)), f) for w, f in WRONG.items()], indirect=["played"]
)
def test_a_wrong_stranger_is_found(played: Ended, finding: str) -> None:
    """Exit 11, by the invariant that it breaks, with a fan whose story is told."""
    assert played.code == 11, played.said
    found = played.finding(finding)
    assert found["verdict"] == "fail", found
    example = found["examples"][0]
    assert example["fan"] is not None
    assert {"fan", "shop"} <= {moment["lane"] for moment in example["timeline"]}
