"""Checks that wherever a rule sends a fan, there is something to go to."""

from __future__ import annotations

from collections.abc import Collection

from surgectl.journey.problem import TargetError, unknown_word
from surgectl.journey.rules import ENDS, THENS
from surgectl.profile.rule import Rule, Take
from surgectl.profile.step import Step


def check_moves(steps: list[Step], where: str, outer: tuple[list[Step], ...], flows: Collection[str]) -> None:
    """TargetError for a `goto`, `again` or `flow` that leads nowhere.

    A step may go to a step of its own list, of a list around it (a wizard's), or of the main journey.
    """
    reachable = {step.step for block in (steps, *outer) for step in block}
    for index, step in enumerate(steps):
        at = f"{where}[{index}]"
        _rules(step.outcomes or [], f"{at}.outcomes", reachable, flows)
        _takes(step.take, f"{at}.take", reachable, flows, has_poll=step.poll is not None or step.await_ is not None)
        if step.await_ is not None:
            _rules(step.await_.outcomes, f"{at}.await.outcomes", reachable, flows)
            _takes(step.await_.take, f"{at}.await.take", reachable, flows, has_poll=True)
        if step.poll is not None:
            _rules(step.poll.outcomes, f"{at}.poll.outcomes", reachable, flows)
            _takes(step.poll.take, f"{at}.poll.take", reachable, flows, has_poll=True)
        if step.repeat is not None:
            for name, case in step.repeat.cases.items():
                check_moves(case, f"{at}.repeat.cases.{name}", (steps, *outer), flows)


def _rules(rules: list[Rule], where: str, reachable: set[str], flows: Collection[str]) -> None:
    for index, rule in enumerate(rules):
        _move(rule.then or "", f"{where}[{index}].then", reachable, flows)


def _takes(takes: dict[str, Take], where: str, reachable: set[str], flows: Collection[str], *, has_poll: bool) -> None:
    for name, take in takes.items():
        word = take.else_ or ""
        if word == "poll" and not has_poll:
            raise TargetError("this step has no poll", f"{where}.{name}.else", hint="add poll: {…}")
        if word.split(" ")[0] in THENS and word not in ENDS:
            _move(word, f"{where}.{name}.else", reachable, flows)


def _move(then: str, at: str, reachable: set[str], flows: Collection[str]) -> None:
    word, _, name = then.strip().partition(" ")
    name = name.strip()
    if word in ("goto", "again") and name and name not in reachable:
        raise unknown_word("step", name, reachable, at)
    if word == "flow" and name not in flows:
        raise unknown_word("flow", name, flows, at)
