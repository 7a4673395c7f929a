"""The same shop in a stranger's clothes: what is found must not depend on words, headers or money that we know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rehearsal.acting import HERE, Ended, lines
from tests.rehearsal.plays import through
from tests.rehearsal.programme import Play
from tests.rehearsal.test_defects import FOUND_BY, proven

pytestmark = pytest.mark.real

STRANGER = HERE.parent.parent / "profiles" / "targets" / "stranger.yaml"


def disguised(*arguments: object, name: str) -> Play:
    return Play(f"disguised-{name}", through("embedded", "--target", STRANGER, *arguments))


RIGHT = disguised(name="right")
WRONG = {finding: disguised("--defect", defect, name=defect) for defect, finding in FOUND_BY.items()}
DOUBLE_CHARGE = WRONG["DUPCHARGE"]


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_the_right_shop_is_acquitted_in_disguise(played: Ended) -> None:
    """Exit 0; every order and every charge found its fan by the buyer's address and the purchase's number alone."""
    assert played.code == 0, played.said
    assert played.report["links"] == {"charges": 1.0, "orders": 1.0}
    assert played.report["metrics"]["funnel"]["confirmed"] > 20
    assert {f["id"]: f["verdict"] for f in played.report["invariants"] if f["kind"] == "ledger"}.items() >= {
        (name, "pass") for name in FOUND_BY.values()
    }


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_the_ledgers_hold_what_a_strangers_would(played: Ended) -> None:
    """No header, intent or address of ours reached the provider; sums and states came in the stranger's words."""
    intents = {row["intent"] for row in played.rows if row["t"] == "intent"}
    asked = lines(evidence(played, "requests"))
    assert len(asked) > 20
    text = json.dumps(asked) + json.dumps(lines(evidence(played, "charges")))
    assert "@example.org" not in text
    assert not any(f'"{intent}"' in text for intent in intents)
    journey = {row["step"] for row in played.rows if row["t"] == "invoke"}
    assert journey >= {"line-up", "reserve", "buy"}


def evidence(played: Ended, kind: str) -> Path:
    (found,) = (played.path / "evidence").glob(f"{kind}.jsonl*")
    return found


@pytest.mark.parametrize(("finding", "played"), WRONG.items(), indirect=["played"], ids=FOUND_BY)
def test_a_defect_is_found_in_disguise_by_the_same_invariant(played: Ended, finding: str) -> None:
    """Exit 11 and the finding that the plain shop gives, with nothing left unlinked and a fan who proves it."""
    assert played.code == 11, played.said
    found = played.finding(finding)
    assert found["verdict"] == "fail", found
    assert played.report["links"] == {"charges": 1.0, "orders": 1.0}
    assert proven(played, finding) or finding == "LEAK"


@pytest.mark.parametrize("played", [DOUBLE_CHARGE], indirect=True)
def test_several_keys_for_one_purchase_are_one_payment(played: Ended) -> None:
    """Amplification and lost replies are counted by purchase, though each try came with a key of its own."""
    # Counted by key it would be 1 exactly: the wrong shop never repeats a key.
    assert played.report["metrics"]["amplification"]["payments"] > 1.0
    lost = next(entry for entry in played.report["coverage"] if entry["id"] == "lost_replies")
    assert int(lost["seen"].split(" ")[0]) > 0
