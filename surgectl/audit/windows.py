"""When which fault was really on: the windows that coverage, thresholds and charts share."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.recording.manifest import PhaseNote
from surgectl.recording.relations import Relations
from surgectl.thresholds.measure import Unmeasured
from surgectl.thresholds.threshold import Scope


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the run's clock, [from_ns, to_ns)."""

    from_ns: int
    to_ns: int


class FaultWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A fault while it was on, by the proxy's read-back."""

    fault: str
    link: str
    brownout: str
    from_ns: int
    to_ns: int
    verified: bool

    def called(self, name: str) -> bool:
        """Whether a profile or threshold means this fault by that name."""
        return name in ("fault", self.fault, self.link, self.brownout)


def end_of_run_ns(relations: Relations, expectations: Expectations) -> int:
    """The last instant that the fans' recording knows of."""
    (last,) = relations.one(
        """SELECT coalesce(max(last_ns), 0) FROM (SELECT max(at_ns) AS last_ns FROM lefts
           UNION ALL SELECT max(done_ns) FROM attempts
           UNION ALL SELECT max(at_ns) FROM intents UNION ALL SELECT max(at_ns) FROM tolds WHERE NOT status_read
           UNION ALL SELECT max(done_ns) FROM probes)"""
    )
    return max(int(last), max((phase.end_ns for phase in expectations.phases), default=0))


def faults_on(relations: Relations, expectations: Expectations) -> list[FaultWindow]:
    """The faults that were applied, planned or by hand, in the order of their number; one that was never healed lasts
    to the end."""
    end_ns = end_of_run_ns(relations, expectations)
    planned = {fault.fault: fault for fault in (*expectations.faults, *expectations.by_hand)}
    query = """SELECT fault, max(link), max(brownout), min(at_ns) FILTER (event = 'applied'),
                 max(at_ns) FILTER (event IN ('healed', 'cleared')), count(*) FILTER (event = 'verified')
               FROM faults GROUP BY fault HAVING count(*) FILTER (event = 'applied') > 0 ORDER BY fault"""
    found = []
    for fault, link, brownout, from_ns, to_ns, verified in relations.rows(query):
        plan = planned.get(fault)
        found.append(
            FaultWindow(
                fault=fault,
                link=link or (plan.link if plan else ""),
                brownout=brownout or (plan.brownout if plan else ""),
                from_ns=from_ns,
                to_ns=max(from_ns, end_ns if to_ns is None else to_ns),
                verified=verified > 0,
            )
        )
    return found


def whole_run(end_ns: int) -> Window:
    """All of it, its last instant included."""
    return Window(from_ns=0, to_ns=max(end_ns, 0) + 1)


def windows_meant(
    scope: Scope | None, faults: Sequence[FaultWindow], phases: Sequence[PhaseNote], end_ns: int
) -> list[Window] | Unmeasured:
    """The stretches of the run that a threshold's scope means."""
    whole = whole_run(end_ns)
    if scope is None:
        return [whole]
    if scope.when == "in":
        named = [phase for phase in phases if phase.name == scope.name]
        if not named:
            return Unmeasured(why=f"no phase is called {scope.name!r}")
        return [Window(from_ns=phase.start_ns, to_ns=phase.end_ns) for phase in named]
    called = [fault for fault in faults if fault.called(scope.name)]
    if not called:
        return Unmeasured(why=f"no fault {scope.name!r} was applied")
    if scope.when == "before":
        return [Window(from_ns=0, to_ns=min(fault.from_ns for fault in called))]
    if scope.when == "after":
        return [Window(from_ns=max(fault.to_ns for fault in called), to_ns=whole.to_ns)]
    return windows_of(called)


def inside(column: str, windows: list[Window]) -> str:
    """SQL: whether a column of run nanoseconds falls into one of the windows."""
    if not windows:
        return "false"
    return "(" + " OR ".join(f"({column} >= {w.from_ns} AND {column} < {w.to_ns})" for w in windows) + ")"


def windows_of(faults: list[FaultWindow]) -> list[Window]:
    """The same as bare windows."""
    return [Window(from_ns=fault.from_ns, to_ns=fault.to_ns) for fault in faults]


def calm_windows(faults: list[FaultWindow], end_ns: int) -> list[Window]:
    """The stretches of the run in which no fault was on."""
    calm, at_ns = [], 0
    for fault in sorted(faults, key=lambda fault: fault.from_ns):
        if fault.from_ns > at_ns:
            calm.append(Window(from_ns=at_ns, to_ns=fault.from_ns))
        at_ns = max(at_ns, fault.to_ns)
    return [*calm, Window(from_ns=at_ns, to_ns=max(at_ns, end_ns) + 1)]
