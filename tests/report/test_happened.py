"""What was planned against what happened, and who waited how long: from histories that can be counted by hand."""

from __future__ import annotations

from surgectl.recording.evidence_rows import OrderRow, SourceRow
from surgectl.recording.manifest import Manifest, PhaseNote, SaleNote
from surgectl.recording.relations import Relations
from surgectl.recording.rows import DoneRow, DroppedRow, IntentRow, InvokeRow, LeftRow, OpRow, ToldRow
from surgectl.report.fairness import fairness
from surgectl.report.happened import happened

S = 1_000_000_000


def intent(
    fan: int, at_s: float, *, due_s: float | None = None, phase: str = "a", profile: str = "patient"
) -> IntentRow:
    return IntentRow(
        intent=f"i{fan}",
        fan=fan,
        profile=profile,
        phase=phase,
        qty=2,
        price_minor=100,
        currency="EUR",
        due_ns=round((at_s if due_s is None else due_s) * S),
        at_ns=round(at_s * S),
    )


def told(fan: int, role: str, end: str, at_s: float, **claims: object) -> ToldRow:
    return ToldRow(
        intent=f"i{fan}", op=1, step=role, role=role, outcome="ok", end=end, at_ns=round(at_s * S), claims=claims
    )


def plan(**more: object) -> Manifest:
    return Manifest(
        run="r",
        profile="p",
        seed=1,
        digest="",
        version="0",
        started_at="",
        started_epoch_s=0.0,
        rehearsal={"fans": {"patient": "75%", "masher": "25%"}},
        sale=SaleNote(tickets=10, price_minor=100, currency="EUR"),
        phases=[
            PhaseNote(name="a", start_ns=0, end_ns=5 * S, first_fan=0, fans=4),
            PhaseNote(name="b", start_ns=5 * S, end_ns=9 * S, first_fan=4, fans=4),
        ],
        **more,
    )


NIGHT: list[OpRow] = [
    intent(0, 0.1),
    intent(1, 3.5, due_s=1.0),  # late
    intent(2, 2.0, profile="masher"),
    DroppedRow(fan=3, due_ns=3 * S, at_ns=5 * S),
    intent(4, 5.0, phase="b"),
    DroppedRow(fan=5, due_ns=6 * S, at_ns=6 * S, why="paused"),
    DroppedRow(fan=6, due_ns=7 * S, at_ns=7 * S, why="paused"),
    told(0, "join", "next", 0.6),
    told(0, "pay", "confirmed", 1.1, qty=2),
    told(0, "pay", "confirmed", 1.2, qty=2),  # a second tab says so again
    told(2, "join", "next", 4.0),
]


def test_each_phase_stands_beside_its_plan() -> None:
    """Came, late, dropped, paused and missing add up to what was planned, each in its own phase."""
    with Relations.from_rows(NIGHT) as relations:
        first, second = happened(relations, plan()).phases
    assert (first.planned, first.came, first.late, first.dropped, first.paused, first.missing) == (4, 3, 1, 1, 0, 0)
    assert (second.planned, second.came, second.late, second.dropped, second.paused) == (4, 1, 0, 0, 2)
    assert second.missing == 1  # the run ended before fan 7 was due


def test_the_crowd_stands_beside_its_mix() -> None:
    """Each retry profile has its planned share and the one that came; one that nobody planned has none."""
    with Relations.from_rows([*NIGHT, intent(9, 8.0, phase="b", profile="stranger")]) as relations:
        kinds = {kind.profile: kind for kind in happened(relations, plan()).kinds}
    assert (kinds["patient"].planned_share, kinds["patient"].came, kinds["patient"].share) == (0.75, 3, 0.6)
    assert (kinds["masher"].planned_share, kinds["masher"].came) == (0.25, 1)
    assert kinds["stranger"].planned_share is None


def test_tickets_are_counted_three_times() -> None:
    """Those that exist, those in the books, and those that fans were told of: a fan told twice has them once."""
    books = {
        "orders": [OrderRow(order="o", state="valid", qty=2), OrderRow(order="x", state="void", qty=2)],
        "sources": [SourceRow(kind="orders", rows=2, complete=True)],
    }
    with Relations.from_rows(NIGHT, evidence=books) as relations:
        found = happened(relations, plan())
    assert (found.tickets, found.sold, found.told) == (10, 2, 2)


def test_books_that_nobody_read_are_unknown() -> None:
    """Without the shop's books nothing was sold that we know of: unknown, not zero."""
    with Relations.from_rows(NIGHT) as relations:
        assert happened(relations, plan()).sold is None


def test_replies_without_a_rule_are_counted_with_what_they_say() -> None:
    """By step, status and words, numbers apart; lost is whoever left in doubt with such a reply as the last word."""
    rows: list[OpRow] = [intent(fan, 1.0) for fan in range(3)]
    said = {
        0: [(500, "no rule names this 500: order 7 is there")],
        1: [(500, "no rule names this 500: order 81 is there")],
    }
    said[2] = [(429, "no rule names this 429"), (0, "")]
    for fan, replies in said.items():
        for number, (status, detail) in enumerate(replies):
            name, at_ns = f"{fan}-{number}", (2 + number) * S
            asked = InvokeRow(attempt=name, intent=f"i{fan}", step="pay", role="pay", op=1, due_ns=at_ns, at_ns=at_ns)
            why = "unmatched" if detail else "timeout"
            rows += [asked, DoneRow(attempt=name, outcome="info", why=why, status=status, detail=detail, done_ns=at_ns)]
        rows.append(LeftRow(intent=f"i{fan}", end="unknown", outcome="info", at_ns=9 * S))
    with Relations.from_rows(rows) as relations:
        found = happened(relations, plan())
    told = [(one.step, one.status, one.said, one.replies, one.fans) for one in found.unnamed]
    assert told == [("pay", 500, "order 7 is there", 2, 2), ("pay", 429, "", 1, 1)]
    assert found.lost == 2


def test_nothing_recorded_is_told_too() -> None:
    """An empty recording has its plan, and nobody came."""
    with Relations.from_rows([]) as relations:
        found = happened(relations, plan())
        assert [phase.came for phase in found.phases] == [0, 0] and found.phases[0].missing == 4
        assert fairness(relations).by_order == [] == fairness(relations).by_profile


def test_waits_are_counted_by_kind_of_fan_and_by_turn() -> None:
    """From arriving to being let in and to the first confirmation; who never got so far is counted and not timed."""
    with Relations.from_rows(NIGHT) as relations:
        found = fairness(relations)
    masher, patient = found.by_profile
    assert (masher.who, masher.fans, masher.let_in, masher.confirmed) == ("masher", 1, 1, 0)
    assert (masher.wait_p50_s, masher.won_p50_s) == (2.0, None)
    assert (patient.fans, patient.let_in, patient.confirmed) == (3, 1, 1)
    assert (patient.wait_p50_s, patient.won_p50_s, patient.won_p95_s) == (0.5, 1.0, 1.0)
    assert [group.who for group in found.by_order] == ["1", "2", "3", "4"]
    assert [group.from_s for group in found.by_order] == [0.1, 2.0, 3.5, 5.0]
    assert [group.confirmed for group in found.by_order] == [1, 0, 0, 0]


def test_tenths_are_tenths() -> None:
    """A hundred fans are ten groups of ten, the first who came first."""
    with Relations.from_rows([intent(fan, 100.0 - fan) for fan in range(100)]) as relations:
        groups = fairness(relations).by_order
    assert [group.fans for group in groups] == [10] * 10
    assert [group.who for group in groups][:2] == ["1–10", "11–20"]
    assert (groups[0].from_s, groups[0].to_s) == (1.0, 10.0)
