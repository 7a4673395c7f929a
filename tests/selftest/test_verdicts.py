"""What a rehearsal shows of the audit, from its report alone: the guilty, the innocent, the doubtful."""

from __future__ import annotations

import msgspec
import pytest

from surgectl.selftest.offence import Offence
from surgectl.selftest.seen import Played, meets, played
from surgectl.selftest.verdict import Word, of_innocent, of_offence

OFFENCE = Offence(defect="double-charge", caught_by=("DUPCHARGE", "REFUND"), coverage={"lost_replies": 1})
REQUIRED = ("OVERSELL", "DUPCHARGE", "UNDERSELL")
FINE = Played(
    exit_code=0,
    seconds=7.0,
    passed=("OVERSELL", "DUPCHARGE", "UNDERSELL"),
    critical=("OVERSELL", "DUPCHARGE"),
    coverage={"lost_replies": "12", "payments_in_fault": "30 (41%)"},
)


def but(**changes: object) -> Played:
    return msgspec.structs.replace(FINE, **changes)


CONVICTED = but(exit_code=11, failed=("DUPCHARGE", "GHOST"), violated=("DUPCHARGE", "GHOST"))


def test_a_wrong_shop_is_caught_by_name() -> None:
    """Who was to fail and did has caught it; whatever else failed is told as well."""
    verdict = of_offence(OFFENCE, CONVICTED)
    assert (verdict.word, verdict.caught_by, verdict.also) == ("caught", ("DUPCHARGE",), ("GHOST",))


@pytest.mark.parametrize(
    ("seen", "word", "why"),
    [
        (but(), "missed", "a quiet pass: DUPCHARGE: pass; REFUND: not checked"),
        (but(exit_code=12), "missed", "DUPCHARGE: pass; REFUND: not checked"),
        (but(coverage={"lost_replies": "0"}), "missed", "a quiet pass: lost_replies was 0, 1 is needed"),
        (but(unknown={"REFUND": "no refunds"}), "missed", "DUPCHARGE: pass; REFUND: no refunds"),
        (but(exit_code=11, failed=("GHOST",)), "missed", "none of DUPCHARGE, REFUND"),
        (but(exit_code=11, failed=("GHOST",), coverage={}), "missed", "none of DUPCHARGE, REFUND"),
        (but(exit_code=12, failed=("DUPCHARGE",)), "missed", "the exit code hid it"),
        (but(exit_code=12, coverage={"lost_replies": "0"}), "not-exercised", "lost_replies was 0, 1 is needed"),
        (but(exit_code=12, coverage={}), "not-exercised", "lost_replies was not counted, 1 is needed"),
        (but(exit_code=12, toothless="slow on payments was never on"), "inconclusive", "was never on"),
        (msgspec.structs.replace(CONVICTED, starved="a core was never free"), "inconclusive", "never free"),
        (msgspec.structs.replace(CONVICTED, broken="the shop ended"), "inconclusive", "the shop ended"),
    ],
)
def test_a_wrong_shop_that_was_not_caught(seen: Played, word: Word, why: str) -> None:
    """It is missed where it had its chance; else not exercised; and nobody can say where the rehearsal itself broke."""
    verdict = of_offence(OFFENCE, seen)
    assert verdict.word == word and why in verdict.why


@pytest.mark.parametrize(
    ("seen", "word", "why"),
    [
        (but(exit_code=11, failed=("GHOST",), violated=("GHOST",)), "accused", "GHOST failed"),
        (but(exit_code=10, failed=("p99(confirm) < 3s",)), "accused", "p99(confirm) < 3s failed"),
        (but(exit_code=11, failed=("GHOST",), violated=("GHOST",), starved="late"), "accused", "GHOST failed"),
        (but(exit_code=10, failed=("RECOVERY",), starved="late"), "inconclusive", "late"),
        (but(passed=("OVERSELL",), unknown={"DUPCHARGE": "no charges"}), "hiding", "DUPCHARGE is unknown: no charges"),
        (but(passed=("OVERSELL",)), "hiding", "DUPCHARGE is unknown: no reason given"),
        (but(passed=("OVERSELL", "DUPCHARGE"), unknown={"UNDERSELL": "no log"}), "innocent", ""),
        (but(), "innocent", ""),
        (but(toothless="slow on payments was never on"), "inconclusive", "was never on"),
        (but(broken="exit 70: internal error"), "inconclusive", "exit 70"),
        (but(coverage={"payments_in_fault": "0 (0%)"}), "not-exercised", "payments_in_fault was 0"),
    ],
)
def test_the_right_shop(seen: Played, word: Word, why: str) -> None:
    """Any failure accuses it, a critical unknown hides, and a fault that hurt nobody shows nothing."""
    verdict = of_innocent(REQUIRED, seen, {"payments_in_fault": 1})
    assert verdict.word == word and why in verdict.why


@pytest.mark.parametrize(
    ("seen", "least", "met"),
    [
        ("12", 12, True),
        ("1,204 (37%)", 1000, True),
        ("3", 12, False),
        ("30 (41%)", "40%", True),
        ("30 (41%)", "42%", False),
        ("30", "1%", False),
        (None, 1, False),
        ("many", 1, False),
    ],
)
def test_an_obligation_is_read_as_reports_print_it(seen: str | None, least: int | str, met: bool) -> None:
    """A count is compared with a count, a share with a share; what cannot be read was not met."""
    assert meets(seen, least) is met


def report(**changes: object) -> bytes:
    told = {
        "schema": "surgectl.report/1",
        "run": {"id": "r", "status": "done", "why": ""},
        "exit_code": 11,
        "invariants": [
            finding("DUPCHARGE", "fail"),
            finding("GHOST", "unknown", reason="no orders"),
            finding("RECOVERY", "fail", kind="statistical", severity="major"),
            finding("COST", "fail", kind="statistical", severity="info", configured=False),
            finding("GENERATOR", "pass", kind="harness", severity="major"),
        ],
        "coverage": [{"id": "shed", "required": None, "seen": "3", "met": True}],
        "thresholds": [{"expression": "p99(confirm) < 3s", "verdict": "fail", "observed": "9s"}],
        "chaos": [fault(True, True), fault(True, False, left_out=True)],
    }
    return msgspec.json.encode(told | changes)


def finding(name: str, verdict: str, **more: object) -> dict[str, object]:
    return {"id": name, "kind": "ledger", "group": "money", "verdict": verdict, "severity": "critical", **more}


def fault(applied: bool, verified: bool, **more: object) -> dict[str, object]:
    return {"link": "payments", "brownout": "slow", "applied": applied, "verified": verified, "healed": True, **more}


def test_a_report_is_read() -> None:
    """What failed and weighs, what is unknown and why, what was met: all from report.json; nothing spoils it."""
    seen = played(report(), exit_code=11, seconds=1.0, said="")
    assert seen.failed == ("DUPCHARGE", "RECOVERY", "p99(confirm) < 3s") and seen.violated == ("DUPCHARGE",)
    assert seen.unknown == {"GHOST": "no orders"} and seen.critical == ("DUPCHARGE", "GHOST")
    assert seen.coverage == {"shed": "3"} and seen.exit_code == 11
    assert (seen.broken, seen.starved, seen.toothless) == ("", "", "")


@pytest.mark.parametrize(
    ("data", "code", "field", "why"),
    [
        (b"", 0, "broken", "no report.json can be read (exit 0"),
        (report(), 70, "broken", "exit 70: the last line"),
        (report(), -9, "broken", "exit -9"),
        (report(run={"id": "r", "status": "failed", "why": "the shop ended"}), 11, "broken", "the shop ended"),
        (report(chaos=[fault(True, False)]), 12, "toothless", "slow on payments was not seen to bite"),
        (report(chaos=[fault(False, False)]), 12, "toothless", "slow on payments was never on"),
        (
            report(invariants=[finding("GENERATOR", "unknown", kind="harness", reason="9 dropped")]),
            12,
            "starved",
            "9 dropped",
        ),
    ],
)
def test_a_rehearsal_that_broke_says_so(data: bytes, code: int, field: str, why: str) -> None:
    """No report, an odd exit code, a stage that fell, a fault that never bit, a starved machine: each is told apart."""
    assert why in getattr(played(data, exit_code=code, seconds=1.0, said="first\nthe last line\n"), field)
