"""Break each checker in every small way that a slip of the hand could, and see whether its histories object.

`python -m tests.histories.mutants [CHECKER ...]` breaks all of them in all ways and prints a table; `--write` notes who
survived in survivors.txt, `--draw=N` tries N of each that are not known to survive. A mutant (breakages.py) is
killed when a history is judged wrongly or the checker raises; one that SQL itself refuses is stillborn and counts for
nothing. What a checker convicts by should not be broken unseen. Mutants that change nothing are named in EQUIVALENT of
the checker's histories.
"""

from __future__ import annotations

import importlib
import inspect
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import duckdb
import msgspec

from surgectl.audit import case
from surgectl.audit.checkers.registry import CHECKERS
from tests.histories.breakages import Mutant, mutants_of
from tests.histories.playing import Evenings, History, Module, modules, play

SURVIVORS = Path(__file__).with_name("survivors.txt")

Fate = Literal["killed", "survived", "stillborn"]


class Judged(msgspec.Struct, frozen=True):
    mutant: Mutant
    fate: Fate
    by: str
    """The history that objected, or the error."""


def judge(
    mutant: Mutant,
    module: ModuleType,
    entry: str,
    checker: str,
    histories: list[tuple[str, History]],
    evenings: Evenings,
) -> Judged:
    """Play histories before a broken checker until one objects. Whoever objected is asked first the next time."""
    broken = ModuleType(module.__name__)
    broken.__file__, broken.__package__ = module.__file__, module.__package__
    try:
        exec(mutant.compiled(), vars(broken))
        check = getattr(broken, entry)
        for at, (name, history) in enumerate(histories):
            try:
                play(checker, check, history, evenings.of(history.night))
            except AssertionError:
                histories.insert(0, histories.pop(at))
                return Judged(mutant, "killed", name)
    except (duckdb.ParserException, duckdb.BinderException, SyntaxError, NameError) as error:
        return Judged(mutant, "stillborn", f"{type(error).__name__}: {error}".splitlines()[0])
    except Exception as error:  # noqa: BLE001 - whatever it raises, it is noticed
        return Judged(mutant, "killed", type(error).__name__)
    return Judged(mutant, "survived", "")


@contextmanager
def stories_once() -> Iterator[None]:
    """The story of an example does not depend on who tells it: tell each once."""
    told: dict[Any, Any] = {}
    real = case.story

    def story(relations: Any, expectations: Any, intent: Any, **keys: Any) -> Any:
        name = (id(relations), intent, tuple(sorted(keys.items())))
        if name not in told:
            told[name] = real(relations, expectations, intent, **keys)
        return told[name]

    case.story = story
    try:
        yield
    finally:
        case.story = real


def trial(module: Module, evenings: Evenings, draw: int | None = None, seed: int = 0) -> list[Judged]:
    """Judge the mutants of a checker: all, or `draw` of them, most of which bend what it convicts by."""
    check = CHECKERS[module.checker]
    source = inspect.getmodule(check)
    assert source is not None
    made = mutants_of(source)
    if draw is not None:
        # Whether one that lives still does, the whole trial asks.
        alive = known_survivors(module.checker) | module.equivalent.keys()
        fresh = [mutant for mutant in made if mutant.id not in alive and mutant.told not in alive]
        made = sample(fresh, draw, random.Random(f"{seed}-{module.checker}"))
    histories = module.histories()
    with stories_once():
        return [judge(mutant, source, check.__name__, module.checker, histories, evenings) for mutant in made]


def sample(made: list[Mutant], draw: int, chance: random.Random) -> list[Mutant]:
    """Three in four bend a condition; the rest are any others."""
    convicting = [mutant for mutant in made if mutant.convicts]
    others = [mutant for mutant in made if not mutant.convicts]
    few = min(len(convicting), draw - draw // 4)
    return chance.sample(convicting, few) + chance.sample(others, min(len(others), draw - few))


class Score(msgspec.Struct, frozen=True):
    """How the mutants of one checker fared; the equivalent and the stillborn are not among `made`."""

    checker: str
    histories: int
    made: int
    killed: int
    convicting: int
    convicting_killed: int
    equivalent: int
    stillborn: int
    survivors: list[str]
    unseen: list[str]
    """EQUIVALENT names that are no mutant, or are killed."""

    @property
    def rate(self) -> float:
        return self.killed / self.made if self.made else 1.0


def score(module: Module, judged: list[Judged]) -> Score:
    alive = [j for j in judged if j.fate == "survived"]
    excused = [j for j in alive if j.mutant.id in module.equivalent]
    counted = [j for j in judged if j.fate != "stillborn" and j not in excused]
    convicting = [j for j in counted if j.mutant.convicts]
    return Score(
        checker=module.checker,
        histories=len(module.histories()),
        made=len(counted),
        killed=sum(j.fate == "killed" for j in counted),
        convicting=len(convicting),
        convicting_killed=sum(j.fate == "killed" for j in convicting),
        equivalent=len(excused),
        stillborn=sum(j.fate == "stillborn" for j in judged),
        survivors=[j.mutant.told for j in alive if j not in excused],
        unseen=sorted(set(module.equivalent) - {j.mutant.id for j in alive}),
    )


def known_survivors(checker: str) -> set[str]:
    """Mutants that no history objects to, as the last whole trial found them; `! ` marks those of a conviction."""
    found = set()
    for line in SURVIVORS.read_text().splitlines():
        name, _, rest = line.partition("\t")
        if name == checker:
            found.add(rest)
    return found


def note_survivors(scores: Sequence[Score]) -> None:
    """Replace what is known of these checkers."""
    tried = {s.checker for s in scores}
    kept = [line for line in SURVIVORS.read_text().splitlines() if line.partition("\t")[0] not in tried]
    told = [f"{s.checker}\t{survivor}" for s in scores for survivor in s.survivors]
    SURVIVORS.write_text("".join(f"{line}\n" for line in sorted(kept + told)))


def main(names: Sequence[str]) -> int:
    """The whole trial, as a table."""
    draw = next((int(name.removeprefix("--draw=")) for name in names if name.startswith("--draw=")), None)
    write, names = "--write" in names, [name for name in names if not name.startswith("--")]
    scores = []
    begun = time.monotonic()
    chosen = [m for m in modules() if m.checker in CHECKERS and (not names or m.checker in names)]
    for module in sorted(chosen, key=lambda m: list(CHECKERS).index(m.checker)):
        evenings = Evenings(history.night for _, history in module.histories())
        for name, history in module.histories():
            try:
                play(module.checker, CHECKERS[module.checker], history, evenings.of(history.night))
            except AssertionError as error:
                sys.exit(f"{name} is judged wrongly with nothing broken: {error}")
        found = score(module, trial(module, evenings, draw))
        scores.append(found)
        print(f"{found.checker}: {found.killed} of {found.made} killed", file=sys.stderr, flush=True)
        for survivor in found.survivors:
            print(f"    {survivor}", file=sys.stderr)
        for name in found.unseen:
            print(f"    no longer equivalent: {name}", file=sys.stderr)
        evenings.close()
    print("| checker | histories | mutants | killed | rate | convicting, killed | equivalent |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for s in scores:
        print(
            f"| {s.checker} | {s.histories} | {s.made} | {s.killed} | {s.rate:.1%} |"
            f" {s.convicting}, {s.convicting_killed} | {s.equivalent} |"
        )
    made, killed = sum(s.made for s in scores), sum(s.killed for s in scores)
    print(
        f"| all | {sum(s.histories for s in scores)} | {made} | {killed} | {killed / max(1, made):.1%} |"
        f" {sum(s.convicting for s in scores)}, {sum(s.convicting_killed for s in scores)} |"
        f" {sum(s.equivalent for s in scores)} |"
    )
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    if write and draw is None:
        note_survivors(scores)
    return 0 if all(s.convicting == s.convicting_killed for s in scores) else 1


if __name__ == "__main__":
    importlib.invalidate_caches()
    sys.exit(main(sys.argv[1:]))
