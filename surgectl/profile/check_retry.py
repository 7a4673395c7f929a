"""Could a person behave like this: known roles, sensible patience, one way of waiting at a time?"""

from __future__ import annotations

import re

from surgectl.errors import did_you_mean
from surgectl.profile import words
from surgectl.profile.node import Issue, Node, place_of
from surgectl.profile.retry import Backoff, Lognormal, RetryProfile, Tabs
from surgectl.profile.values import Duration

_TABS = re.compile(r"([1-9]\d?)(?:\s*-\s*([1-9]\d?))?")
_TIMES = re.compile(r"([1-9]\d{0,3})(?:\s*-\s*([1-9]\d{0,3}))?")
_OUTCOME = re.compile(r"[a-z][a-z0-9-]*")


def tab_range(open_: str) -> tuple[int, int]:
    """`3` → (3, 3), `2-5` → (2, 5). Raises ValueError."""
    return _range(_TABS, open_, "a number of tabs (try 3 or 2-5)")


def look_range(times: str) -> tuple[int, int]:
    """`20` → (20, 20), `5-40` → (5, 40). Raises ValueError."""
    return _range(_TIMES, times, "a number of looks (try 20 or 5-40)")


def _range(pattern: re.Pattern[str], text: str, what: str) -> tuple[int, int]:
    match = pattern.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not {what}")
    least, most = int(match[1]), int(match[2] or match[1])
    if least > most:
        raise ValueError(f"{text!r} runs backwards")
    return least, most


def check(retry: RetryProfile, tree: Node) -> list[Issue]:
    """Everything that is wrong with a retry profile."""
    issues: list[Issue] = []

    def wrong(path: str, what: str, hint: str | None = None) -> None:
        issues.append(Issue(place_of(tree, path), path, what, hint))

    def role(path: str, name: str) -> None:
        if name not in words.ROLES:
            wrong(
                path, f'no such role: "{name}"', did_you_mean(name, words.ROLES) or f"one of {', '.join(words.ROLES)}"
            )

    def lognormal(path: str, value: Lognormal) -> None:
        if value.sigma < 0 or value.sigma > 10:
            wrong(f"{path}.sigma", f"{value.sigma:g} is not a spread", "0 to 10; 0.6 is usual")

    def backoff(path: str, value: Backoff) -> None:
        kinds = [k for k in ("fixed", "exponential", "lognormal", "uniform") if getattr(value, k) is not None]
        if len(kinds) > 1:
            wrong(path, f"is {' and '.join(kinds)} at once", "one of them")
        if value.exponential and value.exponential.cap < value.exponential.base:
            wrong(f"{path}.exponential.cap", "is shorter than base")
        if value.lognormal:
            lognormal(f"{path}.lognormal", value.lognormal)
        if value.uniform is not None and (len(value.uniform) != 2 or value.uniform[0] > value.uniform[1]):
            wrong(f"{path}.uniform", "should be [least, most]", "try [50ms, 200ms]")

    for name in retry.patience:
        role(f"patience.{name}", name)
    for name, reactions in retry.react.items():
        role(f"react.{name}", name)
        for outcome, reaction in reactions.items():
            path = f"react.{name}.{outcome}"
            if not _OUTCOME.fullmatch(outcome):
                wrong(path, "is not an outcome", "info, again, shed or an end's name")
            if reaction.tries < 1:
                wrong(f"{path}.tries", f"{reaction.tries} tries", "tries includes the first: 1 or more")
            if reaction.back is not None:
                role(f"{path}.back", reaction.back)
                if reaction.flow is not None:
                    wrong(f"{path}.back", "goes back and into a flow at once", "one of them")
            backoff(f"{path}.backoff", reaction.backoff)
    if retry.quits and not 0 < retry.quits.weibull.shape < 100:
        wrong("quits.weibull.shape", f"{retry.quits.weibull.shape:g} is not a shape", "more than 0; 1.5 is usual")
    if isinstance(retry.tabs, Tabs):
        role("tabs.from", retry.tabs.from_)
        try:
            tab_range(retry.tabs.open)
        except ValueError as error:
            wrong("tabs.open", str(error).partition(" (")[0], "try 3 or 2-5")
    elif not 1 <= retry.tabs <= 20:
        wrong("tabs", f"{retry.tabs} tabs", "1 to 20")
    if retry.looks:
        backoff("looks.every", retry.looks.every)
        try:
            look_range(retry.looks.times)
        except ValueError as error:
            wrong("looks.times", str(error).partition(" (")[0], "try 20 or 5-40")
    if retry.think:
        if retry.think.fixed is not None and retry.think.lognormal:
            wrong("think", "is fixed and lognormal at once", "one of them")
        if retry.think.lognormal:
            lognormal("think.lognormal", retry.think.lognormal)
    for name, refresh in retry.refresh.items():
        role(f"refresh.{name}", name)
        _refresh(f"refresh.{name}", refresh, wrong)
    return issues


def _refresh(path: str, refresh: object, wrong: object) -> None:
    assert callable(wrong)
    if isinstance(refresh, str):
        if refresh != "never":
            wrong(path, f'"{refresh}" is not a habit', "never, or lognormal: {median: 2.5s, sigma: 0.5}")
        return
    parts = refresh.get("lognormal") if isinstance(refresh, dict) and set(refresh) == {"lognormal"} else None
    if not isinstance(parts, dict) or set(parts) != {"median", "sigma"}:
        wrong(path, "is not a habit", "never, or lognormal: {median: 2.5s, sigma: 0.5}")
        return
    try:
        Duration.parse(str(parts["median"]))
    except ValueError as error:
        wrong(f"{path}.lognormal.median", str(error).partition(" (")[0], "try 2.5s")
    if not isinstance(parts["sigma"], int | float) or not 0 <= parts["sigma"] <= 10:
        wrong(f"{path}.lognormal.sigma", f"{parts['sigma']} is not a spread", "0 to 10; 0.6 is usual")
