"""The names that a target may put between braces: our own, minted for an intent, taken from a reply, a fan's row.

A misspelt one would never be set, so every name is known before anybody arrives.
"""

from __future__ import annotations

from surgectl.errors import did_you_mean
from surgectl.journey.model import Mint
from surgectl.journey.problem import TargetError, unknown_word
from surgectl.journey.template import compile_text
from surgectl.profile.accounts import ACCOUNT
from surgectl.profile.step import Step, walk
from surgectl.profile.target import Target

BUILT_IN = ("run", "intent", "fan", "attempt", "tab", "qty", "uuid", "url", "sale", "setup")
"""Variables that are always there (`url` once a page has come, `setup` where the target has a setup hook)."""

_FRESH = frozenset({"uuid", "attempt"})


def takers_of(blocks: list[tuple[str, list[Step]]]) -> dict[str, str]:
    """Variable → the first step that takes it. `blocks`: the journey and each flow, by path."""
    takers: dict[str, str] = {}
    for where, steps in blocks:
        for path, step in walk(steps, where):
            waits = (f"{path}.poll", step.poll.take if step.poll else {})
            pushes = (f"{path}.await", step.await_.take if step.await_ else {})
            for part, takes in ((path, step.take), waits, pushes):
                for name in takes:
                    if name in BUILT_IN:
                        raise TargetError(f"{name} is a variable of surgectl's own", f"{part}.take.{name}")
                    takers.setdefault(name, step.step)
    return takers


def check_known(names: frozenset[str], variables: frozenset[str], where: str) -> None:
    """Every variable must be built in, minted or taken somewhere: a misspelt one would never be set."""
    for name in sorted(names - variables):
        if name == "setup":
            raise TargetError("{setup.…} is what a setup hook says", where, hint="setup: {run: [command]}")
        if name == ACCOUNT:
            raise _no_fan_data(where)
        hint = did_you_mean(name, variables) or "no step takes it, no mint makes it, and it is not built in"
        raise TargetError(f"no such variable {{{name}}}", where, hint=hint)


def no_fan_in(names: frozenset[str], where: str, *, has_setup: bool) -> None:
    """What is said of the shop may come from the run, the sale and the setup hook: no fan is there to ask."""
    allowed = {"run", "sale"} | ({"setup"} if has_setup else set())
    for name in sorted(names - allowed):
        raise unknown_word("variable", name, allowed, where)


def no_second_account(target: Target, takers: dict[str, str]) -> None:
    """Where fans have accounts, nothing else is called so."""
    if ACCOUNT in target.mint:
        what = f"{ACCOUNT} is the fan's row of fans_from"
        raise TargetError(what, f"mint.{ACCOUNT}", hint="another name for what is minted")
    if ACCOUNT in takers:
        what = f"step {takers[ACCOUNT]} takes {ACCOUNT}, which is the fan's row of this file"
        raise TargetError(what, "fans_from", hint="another name for what the step takes")


def _no_fan_data(where: str) -> TargetError:
    """For a target that asks for accounts and gives none."""
    return TargetError("{account.…} is a row of fan data", where, hint="fans_from: {csv: accounts.csv}")


def compile_mint(mint: dict[str, str], accounts: frozenset[str], *, has_setup: bool) -> tuple[Mint, ...]:
    """Mints in their order: one may be made of those above it. Nothing of an account is unique to its intent."""
    allowed = {*BUILT_IN, *accounts, *mint} - {"url"} - (set() if has_setup else {"setup"})
    fresh: set[str] = set()
    per_tab: set[str] = set()
    done: set[str] = set()
    out: list[Mint] = []
    for name, text in mint.items():
        where = f"mint.{name}"
        if name in BUILT_IN:
            raise TargetError(f"{name} is a variable of surgectl's own", where)
        if name.startswith(f"{ACCOUNT}."):
            raise TargetError(f"{name} is called like a column of fans_from", where, hint="another name")
        template = compile_text(text, where)
        for used in sorted(template.names):
            if used == ACCOUNT and not accounts:
                raise _no_fan_data(where)
            if used not in allowed:
                raise unknown_word("variable", used, allowed - {name}, where)
            if used in mint and used not in done:
                raise TargetError(f"{{{used}}} is minted further down", where, hint="put it first")
        if not template.names & {"intent", "attempt", "uuid", *done}:
            if "fan" not in template.names:
                raise TargetError(
                    f"{text!r} would be the same for every intent",
                    where,
                    hint="put {intent}, {attempt} or {uuid} in it",
                )
            if "run" not in template.names:
                # An earlier rehearsal's rows would be taken for this one's.
                raise TargetError(f"{text!r} would be the same in every run", where, hint="put {run} in it, too")
        if template.names & (_FRESH | fresh):
            fresh.add(name)
        if template.names & ({"tab"} | _FRESH | fresh | per_tab):
            per_tab.add(name)
        done.add(name)
        out.append(Mint(name=name, text=template, fresh=name in fresh, per_tab=name in per_tab))
    return tuple(out)
