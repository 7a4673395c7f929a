"""Play histories before a checker, keep the tables of a night, and object where a checker is wrong."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import msgspec

from surgectl.audit.books import lay
from surgectl.audit.finding import Finding
from surgectl.profile.statistics import STATISTICAL
from surgectl.recording.relations import Relations
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night

Checker = Callable[..., Finding]
History = Guilty | Innocent | Doubtful


class Module(msgspec.Struct, frozen=True):
    """What one module of histories says."""

    name: str
    checker: str
    guilty: list[Guilty]
    innocent: list[Innocent]
    doubtful: list[Doubtful]
    never_guilty: str
    """Why this checker cannot convict; empty where it can."""
    equivalent: dict[str, str]
    """Mutation → why it changes nothing."""

    def histories(self) -> list[tuple[str, History]]:
        """All of them, each with a name to find it by."""
        groups: list[tuple[str, list[History]]] = [
            ("guilty", [*self.guilty]),
            ("innocent", [*self.innocent]),
            ("doubtful", [*self.doubtful]),
        ]
        return [
            (f"{self.checker}-{kind}-{number}", history)
            for kind, found in groups
            for number, history in enumerate(found)
        ]


def modules() -> list[Module]:
    """Every module of this folder that speaks of a checker, by name."""
    found = []
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if info.name.startswith("test_") or info.name == "mutants":
            continue
        module = importlib.import_module(f"tests.histories.{info.name}")
        if hasattr(module, "CHECKER"):
            found.append(_read(info.name, module))
    return found


def _read(name: str, module: ModuleType) -> Module:
    return Module(
        name,
        module.CHECKER,
        list(getattr(module, "GUILTY", [])),
        list(getattr(module, "INNOCENT", [])),
        list(getattr(module, "DOUBTFUL", [])),
        getattr(module, "NEVER_GUILTY", ""),
        dict(getattr(module, "EQUIVALENT", {})),
    )


class Evenings:
    """The tables of every night that was played, kept open: to make them costs more than to judge them.

    `coming` nights are made ready by two threads while others are being judged: DuckDB does not hold Python's lock.
    """

    def __init__(self, coming: Iterable[Night] = ()) -> None:
        self._makers = ThreadPoolExecutor(2)
        self._made: dict[bytes, Future[Relations]] = {}
        for night in coming:
            self._make(night)

    def of(self, night: Night) -> Relations:
        return self._make(night).result()

    def close(self) -> None:
        self._makers.shutdown(cancel_futures=True)
        for made in self._made.values():
            if not made.cancelled():
                made.result().close()
        self._made.clear()

    def _make(self, night: Night) -> Future[Relations]:
        told = msgspec.json.encode(vars(night), order="deterministic")
        if told not in self._made:
            self._made[told] = self._makers.submit(_laid, night)
        return self._made[told]


def _laid(night: Night) -> Relations:
    relations = night.relations()
    relations.connection.execute("SET threads = 1")  # a dozen rows are not worth a second one
    lay(relations)
    return relations


def play(checker: str, check: Checker, history: History, relations: Relations) -> Finding:
    """Let a checker judge a history. Raises AssertionError where it is wrong."""
    found = check(relations, history.night.expectations(**history.changes))
    assert history.unattributed in (None, found.unattributed), found
    assert history.indeterminate in (None, found.indeterminate), found
    # A statistic counts the limits that were passed, and shows some of the fans behind them.
    assert found.kind == "statistical" or len(found.examples) <= found.violations, found
    if isinstance(history, Guilty):
        _convicted(checker, found, history)
    elif isinstance(history, Innocent):
        assert (found.verdict, found.violations, found.examples) == ("pass", 0, []), found
        assert found.considered > 0, found
        assert history.considered in (None, found.considered), found
        assert {name: found.numbers.get(name) for name in history.numbers} == history.numbers, found
    else:
        assert (found.verdict, found.violations, found.examples) == ("unknown", 0, []), found
        assert history.says in f"{found.reason}; {found.summary}" and found.reason, found
        assert history.pending in (None, found.pending), found
        assert history.weighs in (None, found.configured), found
    return found


def _convicted(checker: str, found: Finding, history: Guilty) -> None:
    kind = "statistical" if checker in STATISTICAL else "ledger"
    assert (found.id, found.verdict, found.violations) == (checker, "fail", history.violations), found
    assert found.configured and found.kind == kind, found
    assert history.severity in (None, found.severity), found
    if kind == "ledger":
        assert found.examples, found
    if not found.examples:
        assert history.intent is None and history.says in found.reason + found.summary, found
        return
    example = found.examples[0]
    assert history.intent is None or example.intent == history.intent, found
    said = " ".join([example.what, *example.keys.values(), found.reason, found.summary])
    assert history.says in said, found
    if example.intent:
        assert example.fan == int(example.intent.removeprefix("run-i")), found
        assert {moment.lane for moment in example.timeline} >= {"fan"}, found
        assert all(moment.where for moment in example.timeline), found
