"""The numbers on the dashboard are right: each fan counts once, doubts come and go, repeats are told from polls."""

from __future__ import annotations

import time

import pytest

from surgectl.live import view as folding
from surgectl.live.snapshot import FUNNEL, Snapshot
from surgectl.live.view import LiveView
from surgectl.recording.rows import (
    DoneRow,
    DroppedRow,
    FaultRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    NoteRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)
from tests.live import history

S, MS = history.S, history.MS


class Tale:
    """Rows told one after the other into a view."""

    def __init__(self) -> None:
        self.view = LiveView((), history.FAULTS, 10, 60 * S)
        self.at_ns = 0
        self._attempts = 0

    def arrive(self, intent: str = "i1") -> None:
        self._fold(
            IntentRow(
                intent=intent,
                fan=1,
                profile="patient",
                phase="p",
                qty=1,
                price_minor=1,
                currency="EUR",
                due_ns=self.at_ns,
                at_ns=self.at_ns,
            )
        )

    def send(self, step: str, intent: str = "i1", *, role: str = "", tab: int = 0, op: int = 1, **more) -> str:
        self._attempts += 1
        name = f"a{self._attempts}"
        row = InvokeRow(
            attempt=name,
            intent=intent,
            step=step,
            role=role or step,
            op=op,
            due_ns=self.at_ns,
            at_ns=self.at_ns,
            tab=tab,
            **more,
        )
        self._fold(row)
        return name

    def done(self, attempt: str, outcome: str = "ok", why: str = "next", sent: bool = True) -> None:
        sent_ns = self.at_ns if sent else None
        self._fold(DoneRow(attempt=attempt, outcome=outcome, why=why, sent_ns=sent_ns, done_ns=self.at_ns))

    def told(self, step: str, outcome: str, end: str, intent: str = "i1", *, tab: int = 0, op: int = 1, **more) -> None:
        row = ToldRow(
            intent=intent, op=op, step=step, role=step, outcome=outcome, end=end, at_ns=self.at_ns, tab=tab, **more
        )
        self._fold(row)

    def leave(self, end: str, outcome: str, intent: str = "i1", *, tab: int = 0) -> None:
        self._fold(LeftRow(intent=intent, end=end, outcome=outcome, at_ns=self.at_ns, tab=tab))

    def now(self) -> Snapshot:
        return self.view.snapshot(self.at_ns)

    def _fold(self, row) -> None:
        self.view.fold(row)
        self.at_ns += 10 * MS


def test_a_pay_without_a_definite_reply_is_in_doubt_until_the_fan_is_told() -> None:
    """A lost reply to a payment puts the fan in doubt; the ticket that a second try brings takes him out."""
    tale = Tale()
    tale.arrive()
    first = tale.send("pay")
    assert tale.now().open_info == 0
    tale.done(first, "info", "timeout")
    assert tale.now().open_info == 1
    second = tale.send("pay", try_=2)
    tale.done(second, "ok", "confirmed")
    tale.told("pay", "ok", "confirmed")
    assert tale.now().open_info == 0
    tale.leave("confirmed", "ok")
    snap = tale.now()
    assert (snap.open_info, snap.active, snap.ends) == (0, 0, {"confirmed": 1})


def test_a_fan_who_leaves_in_doubt_stays_in_doubt_until_a_status_read_tells() -> None:
    """Leaving does not settle a doubt; the status flow does, and a refusal it brings counts as one."""
    for outcome, end, confirmed in (("ok", "confirmed", 1), ("fail", "cancelled", 0)):
        tale = Tale()
        tale.arrive()
        tale.done(tale.send("pay"), "info", "cut")
        tale.told("pay", "info", "unknown")
        tale.leave("unknown", "info")
        snap = tale.now()
        assert (snap.open_info, snap.active, snap.ends) == (1, 0, {"unknown": 1})
        assert sum(s.resolved for s in snap.seconds) == 0
        tale.told("pay", outcome, end, status_read=True)
        snap = tale.now()
        assert (snap.open_info, snap.ends, snap.funnel["confirmed"]) == (0, {end: 1}, confirmed)
        assert sum(s.resolved for s in snap.seconds) == 1


def test_an_accepted_order_is_no_ticket_yet() -> None:
    """A fan who leaves with `accepted` is in doubt, not told no."""
    tale = Tale()
    tale.arrive()
    tale.done(tale.send("pay"), "ok", "accepted")
    tale.told("pay", "ok", "accepted")
    tale.leave("accepted", "info")
    assert (tale.now().open_info, tale.now().funnel["confirmed"]) == (1, 0)


def test_a_lost_reply_of_a_page_or_a_poll_is_no_doubt() -> None:
    """Only holds and payments can leave a fan in doubt; a lost page is trouble, a lost poll not even that."""
    tale = Tale()
    tale.arrive()
    tale.done(tale.send("open", role="browse"), "info", "timeout")
    tale.done(tale.send("wait", role="pay", poll=True), "info", "timeout")
    snap = tale.now()
    assert (snap.open_info, sum(s.trouble for s in snap.seconds)) == (0, 1)


def test_a_fan_with_many_tabs_counts_once() -> None:
    """Three tabs that join, hold and pay are one fan at each stage, on site until the last tab closes."""
    tale = Tale()
    tale.arrive()
    for tab in range(3):
        for step in ("join", "hold", "pay"):
            tale.done(tale.send(step, tab=tab))
            if step != "pay":
                tale.told(step, "ok", "next", tab=tab)
    tale.told("pay", "ok", "confirmed", tab=1)
    tale.leave("confirmed", "ok", tab=1)
    tale.leave("closed", "fail", tab=0)
    assert tale.now().active == 1
    tale.leave("closed", "fail", tab=2)
    snap = tale.now()
    assert snap.funnel == dict.fromkeys(FUNNEL, 1)
    assert (snap.active, snap.ends, snap.open_info) == (0, {"confirmed": 1}, 0)
    assert sum(s.resolved for s in snap.seconds) == 1


def test_a_tab_that_is_sold_out_does_not_end_a_fan_who_wins_in_another() -> None:
    """The first tab's no is not the fan's; the second tab's ticket is."""
    tale = Tale()
    tale.arrive()
    tale.done(tale.send("pay", tab=1))
    tale.leave("sold-out", "fail", tab=0)
    assert (tale.now().ends, tale.now().active) == ({}, 1)
    tale.told("pay", "ok", "confirmed", tab=1)
    tale.leave("confirmed", "ok", tab=1)
    snap = tale.now()
    assert (snap.ends, snap.funnel["confirmed"]) == ({"confirmed": 1}, 1)
    assert sum(s.resolved for s in snap.seconds) == 1


def test_a_tab_that_wakes_up_after_the_first_has_left_brings_the_fan_back() -> None:
    """A late second tab puts the fan back on site; its ticket overrules the first tab's no, and nobody counts twice."""
    tale = Tale()
    tale.arrive()
    tale.leave("sold-out", "fail")
    assert tale.now().active == 0
    tale.done(tale.send("hold", tab=1))
    assert tale.now().active == 1
    tale.told("hold", "ok", "next", tab=1)
    tale.told("pay", "ok", "confirmed", tab=1)
    tale.leave("confirmed", "ok", tab=1)
    snap = tale.now()
    assert (snap.active, snap.ends, snap.funnel["arrived"]) == (0, {"confirmed": 1}, 1)
    assert [sum(getattr(s, f) for s in snap.seconds) for f in ("resolved", "confirmed")] == [1, 1]


def test_the_funnel_never_widens() -> None:
    """At every moment of a rehearsal each stage holds at most as many as the one before it."""
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
    for number, row in enumerate(history.rows()):
        view.fold(row)
        if number % 500 == 0:
            counts = list(view.snapshot(0).funnel.values())
            assert counts == sorted(counts, reverse=True)
    snap = view.snapshot(95 * S)
    assert snap.funnel["arrived"] == history.FANS
    assert snap.funnel["confirmed"] == snap.ends["confirmed"] == history.TICKETS
    assert sum(snap.ends.values()) == history.FANS and snap.active == 0
    assert [f.state for f in snap.faults] == ["healed"]


def test_a_stage_that_the_shop_skips_is_left_out() -> None:
    """A shop without a waiting room has no `joined` once somebody was seen further on."""
    tale = Tale()
    tale.arrive()
    assert list(tale.now().funnel) == list(FUNNEL)
    tale.told("hold", "ok", "next")
    assert list(tale.now().funnel) == ["arrived", "held", "paying", "confirmed"]


def test_amplification_counts_repeats_and_second_tabs_but_no_polls() -> None:
    """Two tries, a double click and a second tab of one step are four attempts at it; polls and reads are none."""
    tale = Tale()
    tale.arrive()
    assert tale.now().amplification == 1.0
    tale.send("open", role="browse")
    for more in ({}, {"try_": 2}, {"double": True}, {"tab": 1}):
        tale.send("pay", **more)
    for _ in range(50):
        tale.send("wait", role="poll", poll=True)
    tale.send("order", role="status")
    snap = tale.now()
    assert (snap.sent, snap.retries, snap.amplification) == (5, 2, 2.5)
    assert sum(s.sent for s in snap.seconds) == 56


def test_what_was_shed_is_no_doubt_and_what_never_left_is_not_slow() -> None:
    """A shed payment is counted as shed; an attempt without a byte sent has no duration."""
    tale = Tale()
    tale.arrive()
    tale.done(tale.send("pay"), "fail", "shed")
    late = tale.send("hold")
    tale.at_ns += 5 * S
    tale.done(late, "fail", "not-sent", sent=False)
    snap = tale.now()
    assert (snap.open_info, sum(s.shed for s in snap.seconds)) == (0, 1)
    assert max(s.slowest_ns for s in snap.seconds) < S


def test_slowness_counts_from_when_it_was_due() -> None:
    """An attempt that we sent late was slow for the fan all the same."""
    tale = Tale()
    tale.arrive()
    name = tale.send("pay")
    due_ns = tale.at_ns - 10 * MS
    tale.at_ns += 2 * S
    tale.done(name)
    assert max(s.slowest_ns for s in tale.now().seconds) == 2 * S + 10 * MS == tale.at_ns - 10 * MS - due_ns


def test_dropped_arrivals_are_counted_and_said_once() -> None:
    """Each dropped arrival counts; the log says it once."""
    tale = Tale()
    for fan in range(3):
        tale.view.fold(DroppedRow(fan=fan, due_ns=0, at_ns=S))
    assert tale.now().dropped == 3
    assert [text for _, text in tale.now().log] == ["this machine is behind: an arrival was dropped"]


def test_faults_notes_probes_and_vitals_are_shown() -> None:
    """A fault's last word is its state, notes go into the log, probes are counted."""
    tale = Tale()
    tale.view.fold(
        FaultRow(fault="0", event="verified", at_ns=S, link="payments", brownout="slow", detail="14 delayed")
    )
    tale.view.fold(NoteRow(at_ns=2 * S, text="doors open"))
    for outcome in ("ok", "info"):
        tale.view.fold(ProbeRow(step="about", due_ns=0, sent_ns=0, done_ns=S, outcome=outcome))
    tale.view.fold(VitalsRow(at_ns=S, lag_ns=1, cpu=0.5, fans=7))
    snap = tale.now()
    assert snap.faults[0].state == "verified"
    assert [text for _, text in snap.log] == ["slow on payments: verified (14 delayed)", "note: doors open"]
    assert snap.probes == (1, 2)
    assert snap.active == 0
    tale.view.lost = 1
    assert tale.now().active == 7  # where rows were lost, the engine's own count is the better one


def test_rows_of_a_fan_whose_arrival_was_lost_do_no_harm() -> None:
    """Without its arrival a fan is in no stage and not on site, but its attempts still count."""
    tale = Tale()
    tale.done(tale.send("pay"), "info", "timeout")
    tale.told("pay", "ok", "confirmed")
    tale.leave("confirmed", "ok")
    snap = tale.now()
    assert (snap.sent, snap.active, snap.open_info, snap.funnel["confirmed"]) == (1, 0, 0, 0)


def test_memory_stays_bounded_however_long_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """After any number of fans who came and went only a fixed number is remembered, and late rows still do no harm."""
    monkeypatch.setattr(folding, "REMEMBERED", 50)
    tale = Tale()
    for fan in range(2_000):
        intent = f"i{fan}"
        tale.arrive(intent)
        tale.done(tale.send("pay", intent), "ok", "confirmed")
        tale.told("pay", "ok", "confirmed", intent)
        tale.leave("confirmed", "ok", intent)
        tale.send("pay", intent, double=True)  # whose end the tap lost
    tale.told("join", "ok", "next", "i3")
    view = tale.view
    assert len(view._here) == 0 and len(view._gone) == 50 and len(view._under_way) <= 500
    assert tale.now().funnel["confirmed"] == 2_000


def test_a_row_costs_a_few_microseconds() -> None:
    """The fold shares a core with the run: on average below ten microseconds a row."""
    told = history.rows()
    best = min(_fold_all(told) for _ in range(3))
    assert best / len(told) < 10e-6


def _fold_all(told: list[history.Row]) -> float:
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
    begun = time.process_time()
    for row in told:
        view.fold(row)
    return time.process_time() - begun
