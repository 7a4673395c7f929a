"""The numbers that thresholds ask for, computed from a recording when they are asked for.

`confirm` is an intent's clock: from the due time of its first payment to definite knowledge, whatever retries lie in
between; what never came to a definite end counts as still open (censored), not as never asked.
A step's latency runs from when its send was *due*, so that a slow shop cannot hide behind the queue that it made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from surgectl.audit.books import lay, readings
from surgectl.audit.confirming import LASTED
from surgectl.audit.course import courses, lay_wants
from surgectl.audit.draining import drain_ns
from surgectl.audit.events import arrivals, instants_of
from surgectl.audit.expectations import Expectations
from surgectl.audit.fates import INTENTS
from surgectl.audit.recovery import recovery_ns
from surgectl.audit.requests import RECEIVED
from surgectl.audit.sampling import sampled
from surgectl.audit.windows import Window, end_of_run_ns, faults_on, inside, windows_meant
from surgectl.recording.relations import Relations
from surgectl.stats.percentile import Durations
from surgectl.stats.resilience import Course
from surgectl.thresholds.measure import Measure, Number, Tally, Unmeasured
from surgectl.thresholds.samples import Samples
from surgectl.thresholds.threshold import Kind, Scope
from surgectl.units import NS_PER_S

_PROVIDER = ("payments", "provider")


class RunMeasures:
    """The samples of one recording, found by name (a `Measures` of thresholds/evaluate.py)."""

    def __init__(self, relations: Relations, expectations: Expectations, *, apart: tuple[str, ...] = ()) -> None:
        """`apart`: retry profiles that a demand with a window is about."""
        lay(relations)
        self._apart = apart
        self.relations = relations
        self.expectations = expectations
        self.faults = faults_on(relations, expectations)
        self.end_ns = end_of_run_ns(relations, expectations)
        self._find: dict[Kind, Callable[[str, list[Window], str], Measure | None]] = {
            "latency": self.latency,
            "availability": self.availability,
            "error_rate": self.error_rate,
            "amplification": self.amplification,
            "rate": self.rate,
            "count": self.count,
            "goodput": self.goodput,
            "goodput_share": self.goodput_share,
        }

    def __repr__(self) -> str:
        return f"<RunMeasures to {self.end_ns / NS_PER_S:.1f} s>"

    @cached_property
    def courses(self) -> dict[str, Course]:
        """What the crowd wanted and what became of it, by role: every fault is judged on the same curves."""
        return courses(self.relations, self.expectations)

    def over_time(self) -> Samples:
        """The same, cut into steps of time."""
        return self.samples

    @cached_property
    def samples(self) -> Samples:
        """What windows are judged by, and what the report takes along."""
        return sampled(
            self.relations, self.expectations, self.faults, self.end_ns, lone=self.find, apart=frozenset(self._apart)
        )

    def find(self, kind: Kind, metric: str, scope: Scope | None, of: str = "") -> Measure | None:
        """The samples of a metric within a scope, of one retry profile or of all.

        None = no such metric; Unmeasured says why there are none.
        """
        if kind in ("recovery", "drain"):
            return self.after_heal(kind, metric)
        windows = windows_meant(scope, self.faults, self.expectations.phases, self.end_ns)
        if isinstance(windows, Unmeasured):
            return windows
        if of and not self.relations.rows("SELECT 1 FROM intents WHERE profile = ? LIMIT 1", [of]):
            return Unmeasured(why=f"no fan of {of!r} came")
        return self._find[kind](metric, windows, of)

    # -- one method a kind

    def latency(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        if metric == "confirm":
            return self.confirm(windows, of)
        if metric == "shed" and not self._is_step(metric):
            return self.refusals(windows, of)
        # A send that we gave up on lasted at least that long; one that was never sent was no answer at all.
        lasted, still_open = self.relations.arrays(
            f"""SELECT greatest(0, coalesce(done_ns, ?) - due_ns) AS ns, outcome = 'info' AS open FROM attempts
                WHERE step = ? AND NOT poll AND (sent_ns IS NOT NULL OR done_ns IS NULL)
                  AND {inside("due_ns", windows)}{_whose(of)}""",
            [self.end_ns, metric],
        )
        if not len(lasted) and not self._is_step(metric):
            return self._probe_latency(metric, windows)
        return Durations.of_arrays(lasted[~still_open], lasted[still_open])

    def confirm(self, windows: list[Window], of: str = "") -> Durations:
        lasted, known = self.relations.arrays(f"{LASTED} WHERE {inside('start_ns', windows)}{_whose(of)}")
        return Durations.of_arrays(lasted[known], lasted[~known])

    def refusals(self, windows: list[Window], of: str = "") -> Durations:
        """How long the shop took to say that it was too busy (SHED): sheds are only kind where they are fast."""
        rows = self.relations.rows(
            f"""SELECT done_ns - due_ns FROM attempts
                WHERE (why = 'shed' OR "then" = 'shed') AND done_ns IS NOT NULL
                  AND {inside("due_ns", windows)}{_whose(of)}"""
        )
        return Durations.of([max(0, ns) for (ns,) in rows])

    def _probe_latency(self, metric: str, windows: list[Window]) -> Measure | None:
        rows = self.relations.rows(
            f"SELECT done_ns - due_ns, outcome = 'info' FROM probes WHERE step = ? AND {inside('due_ns', windows)}",
            [metric],
        )
        if not rows and not self._is_probe(metric):
            return None
        return Durations.of(
            [ns for ns, still_open in rows if not still_open], [ns for ns, still_open in rows if still_open]
        )

    def availability(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        """Of the probes of a page, those that were answered well; late ones of our own do not count either way."""
        if not self._is_probe(metric):
            if self._is_step(metric):
                return Unmeasured(why=f"{metric!r} is not probed: add `probe: {{step: {metric}, rate: 20/s}}`")
            return None
        good, total = self.relations.one(
            f"""SELECT count(*) FILTER (outcome = 'ok'), count(*) FROM probes
                WHERE step = ? AND why <> 'late' AND {inside("due_ns", windows)}""",
            [metric],
        )
        return Tally(good=good, total=total)

    def error_rate(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        """Of the sends of a step, those without a definite answer. A refusal is an answer."""
        if not self._is_step(metric):
            return None
        bad, total = self.relations.one(
            f"""SELECT count(*) FILTER (outcome = 'info' OR why = 'not-sent'), count(*) FROM attempts
                WHERE step = ? AND NOT poll AND {inside("due_ns", windows)}{_whose(of)}""",
            [metric],
        )
        return Tally(good=bad, total=total)

    def amplification(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        if metric in _PROVIDER:
            return self._provider_amplification(windows)
        if metric == "fans":
            sends, wanted = self.relations.one(
                f"""SELECT count(*), count(DISTINCT (intent, step)) FROM attempts
                    WHERE sent_ns IS NOT NULL AND method <> '' AND {inside("due_ns", windows)}{_whose(of)}"""
            )
        elif self._is_step(metric):
            sends, wanted = self.relations.one(
                f"""SELECT count(*), count(DISTINCT intent) FROM attempts
                    WHERE sent_ns IS NOT NULL AND NOT poll AND step = ?
                      AND {inside("due_ns", windows)}{_whose(of)}""",
                [metric],
            )
        else:
            return None
        return Number(value=sends / wanted if wanted else 0.0, samples=wanted)

    def _provider_amplification(self, windows: list[Window]) -> Measure:
        """POSTs that the provider received, for each payment that was really wanted: not for each key (AMP_PAY)."""
        if "requests" not in readings(self.relations):
            return Unmeasured(why="the provider gives no request log: add `evidence: {requests: …}`")
        whole = len(windows) == 1 and windows[0].from_ns == 0 and windows[0].to_ns > self.end_ns
        start_s = self.expectations.started_epoch_s
        if not whole and not start_s:
            return Unmeasured(why="the start of the run is not known on the provider's clock")
        within = "true" if whole else inside(f"((r.at_s - {start_s!r}) * {NS_PER_S})", windows)
        posts, payments = self.relations.one(
            f"{RECEIVED} SELECT count(*), count(DISTINCT subject) FROM r WHERE upper(r.method) = 'POST' AND {within}"
        )
        return Number(value=posts / payments if payments else 0.0, samples=payments)

    def rate(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        counted = self.count(metric, windows, of)
        if not isinstance(counted, Number):
            return counted
        seconds = sum(max(0, w.to_ns - w.from_ns) for w in windows) / NS_PER_S
        return Number(value=counted.value / seconds if seconds else 0.0, samples=counted.samples if seconds else 0)

    def count(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        """How often something happened. The samples are the arrivals: in an empty run a zero means nothing."""
        query = instants_of(self.relations, metric)
        if query is None:
            return None
        counted = f"SELECT count(*) FROM ({query}) WHERE {inside('at_ns', windows)}{_whose(of)}"
        return Number(value=float(self.relations.one(counted)[0]), samples=arrivals(self.relations))

    def goodput(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        """How many intents a second learnt their fate in time (GOODPUT), or this one fate."""
        seconds = sum(max(0, w.to_ns - w.from_ns) for w in windows) / NS_PER_S
        told = self._told_in_time(metric, windows, of)
        return Number(value=told / seconds if seconds else 0.0, samples=arrivals(self.relations) if seconds else 0)

    def goodput_share(self, metric: str, windows: list[Window], of: str = "") -> Measure | None:
        """The same, for each intent that began to want something in the meantime. May exceed the whole."""
        lay_wants(self.relations)
        (wanted,) = self.relations.one(
            f"{INTENTS} SELECT count(*) FROM wanted WHERE {inside('first_ns', windows)}{_whose(of)}"
        )
        told = self._told_in_time(metric, windows, of)
        return Number(value=told / wanted if wanted else 0.0, samples=int(wanted))

    def _told_in_time(self, fate: str, windows: list[Window], of: str) -> int:
        lay_wants(self.relations)
        table = "resolved WHERE" if fate == "resolved" else f"fates WHERE \"end\" = '{fate}' AND"
        return int(
            self.relations.one(f"{INTENTS} SELECT count(*) FROM {table} {inside('at_ns', windows)}{_whose(of)}")[0]
        )

    def after_heal(self, kind: Kind, metric: str) -> Measure | None:
        """Recovery or drain, from the heal of the last fault of that name."""
        faults = [fault for fault in self.faults if fault.called(metric)]
        if not faults:
            known = any(metric in ("fault", f.fault, f.link, f.brownout) for f in self.expectations.faults)
            return Unmeasured(why=f"the fault {metric!r} was never applied") if known else None
        healed_ns = max(fault.to_ns for fault in faults)
        if kind == "drain":
            return drain_ns(self.relations, healed_ns, self.end_ns)
        return recovery_ns(self.courses, self.faults, healed_ns)

    def _is_step(self, name: str) -> bool:
        return bool(self.relations.rows("SELECT 1 FROM attempts WHERE step = ? LIMIT 1", [name]))

    def _is_probe(self, name: str) -> bool:
        return bool(self.relations.rows("SELECT 1 FROM probes WHERE step = ? LIMIT 1", [name]))


def _whose(of: str) -> str:
    """SQL: nobody's but this retry profile's."""
    if not of:
        return ""
    name = of.replace("'", "''")
    return f" AND intent IN (SELECT intent FROM intents WHERE profile = '{name}')"
