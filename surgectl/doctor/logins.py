"""Is somebody let in, does the answer hold what is taken from it, and for how long? One login of each kind is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from surgectl import chance
from surgectl.clock import Clock
from surgectl.doctor.checkup import Checkup, Part, Verdict, unseen
from surgectl.doctor.patient import Patient
from surgectl.engine.drivers.admitted import Admitted
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.login import Entry
from surgectl.engine.logins import Logins
from surgectl.engine.scene import Scene
from surgectl.journey.logins import CompiledLogin
from surgectl.profile.accounts import Accounts
from surgectl.profile.login import Login
from surgectl.recording.journal import Journal
from surgectl.units import show_duration

_PART: Part = "logins"
_WAITS_S = 20.0


class _NoJournal:
    """Stands where a run has its journal: what a doctor asks is in no recording."""

    def append(self, row: object) -> None:
        """Nothing is kept."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a login."""

    took_ns: int
    trouble: str = ""
    lasts_ns: int | None = None
    """How long it holds; None: until it is denied."""


def admitted(
    patient: Patient, accounts: Accounts | None, inner: Driver, clock: Clock, start_ns: int
) -> tuple[Admitted, Logins]:
    """The fans' driver, not yet entered, whose requests carry what logins give: each made when the first one asks.

    `start_ns`: what `inner` counts from.
    """
    logins = Logins(
        patient.journey.logins, patient.variables, seed=chance.fresh_seed(), accounts=accounts, learn=patient.learn
    )
    driver = Admitted(inner, logins, fan=0)
    journal = cast(Journal, _NoJournal())
    logins.open(Scene(clock=clock, start_ns=start_ns, journal=journal, driver=driver), driver.visit)
    return driver, logins


async def look_at_logins(
    patient: Patient, accounts: Accounts | None, logins: Logins, within_s: float = _WAITS_S
) -> list[Checkup]:
    """Each of them once; one that is made for every account, for the first row alone. The driver must be open."""
    found = []
    longest_ns = longest_wait_ns(patient)
    load_ns = patient.plan.duration_ns if patient.plan is not None else None
    troubled: set[str] = set()
    for name, login in patient.journey.logins.items():
        why = _not_now(patient, login, accounts, troubled)
        if why:
            troubled.add(name)
            found.append(unseen(_PART, name, why, f"logins.{name}"))
            continue
        held = await made(logins.entry(name, 0), logins.scene.now_ns, within_s)
        if held.trouble:
            troubled.add(name)
        found += of_login(name, patient.target.logins[name], held, longest_ns=longest_ns, load_ns=load_ns)
    return found


def _not_now(patient: Patient, login: CompiledLogin, accounts: Accounts | None, troubled: set[str]) -> str:
    """Why it cannot be made before a rehearsal; empty where it can."""
    names = frozenset().union(*(knock.request.names for knock in login.knocks))
    if "setup" in names and "setup" not in patient.variables:
        return "it needs what the setup hook says, which only a run and --buy run"
    if login.per == "account" and accounts is None:
        return "there is no row to log in as: see accounts"
    above = sorted(names & troubled)
    return f"it needs the login {above[0]}" if above else ""


async def made(entry: Entry, now_ns: Callable[[], int], within_s: float = _WAITS_S) -> Held:
    """Have it made, and say what became of it."""
    began_ns = now_ns()
    heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hear(_: Entry) -> None:
        if not heard.done():
            heard.set_result(None)

    if entry.values() is None:
        entry.wait(hear)
        try:
            async with asyncio.timeout(within_s):
                await heard
        except TimeoutError:
            return Held(took_ns=now_ns() - began_ns, trouble=f"login {entry.login.name}: not over within {within_s:g}s")
    at_ns = now_ns()
    if entry.number == 0:
        return Held(took_ns=at_ns - began_ns, trouble=entry.trouble or "nothing came of it")
    return Held(took_ns=at_ns - began_ns, lasts_ns=None if entry.ends_ns is None else entry.ends_ns - at_ns)


def of_login(
    name: str, login: Login, held: Held, *, longest_ns: tuple[str, int], load_ns: int | None = None
) -> list[Checkup]:
    """What it means. `longest_ns`: the step where a fan may wait longest, and how long. Pure."""
    where = f"logins.{name}"
    whose = "the first account" if login.per == "account" else "all fans"
    if held.trouble:
        why = held.trouble.removeprefix(f"login {name}: ")
        fix = "correct its steps, its take, or the secret that it sends; no request that needs it would leave"
        return [_told(name, "fail", f"nobody is let in: {why}", where, fix)]
    takes = ", ".join(take for step in login.steps for take in step.take)
    let_in = f"let in for {whose} after {show_duration(held.took_ns)}; it gives {takes}"
    return [_told(name, "pass", let_in, where), _of_end(name, login, held, longest_ns, load_ns)]


def _of_end(name: str, login: Login, held: Held, longest: tuple[str, int], load_ns: int | None) -> Checkup:
    """How long it holds: whether that can be read, and what comes to its end before it."""
    called, where = f"{name} lasts", f"logins.{name}.expires"
    if held.lasts_ns is None and login.expires is not None:
        what = "expires says nothing that can be read in its last answer: it would be used until the shop denies it"
        return _told(called, "fail", what, where, "correct the path, or say how long it holds: lasts: 50m")
    if held.lasts_ns is None:
        what = "nobody says how long: it is used until the shop denies it, and the fans who hear that hear it first"
        return _told(called, "note", what, where, "expires: {json: expires_in}, or lasts: 50m")
    lasts = show_duration(max(0, held.lasts_ns))
    if held.lasts_ns <= 0:
        return _told(called, "fail", "it has ended before it could be used", where, "is its unit right? unit: ms")
    if held.lasts_ns < 3 * held.took_ns:
        what = (
            f"holds for {lasts}, and takes {show_duration(held.took_ns)} to make: fans would wait for it all the time"
        )
        return _told(called, "fail", what, where, "is its unit right? unit: ms; else ask the authority for longer ones")
    step, wait_ns = longest
    if held.lasts_ns <= wait_ns:
        what = f"holds for {lasts}, and a fan may wait {show_duration(wait_ns)} at {step}"
        return _told(
            called, "note", what, where, "it is renewed meanwhile; does the shop keep serving who came with it?"
        )
    if load_ns is not None and held.lasts_ns <= load_ns:
        times = -(-load_ns // held.lasts_ns) - 1
        often = "once" if times == 1 else f"{times} times"
        what = f"holds for {lasts} of {show_duration(load_ns)}: renewed {often} at least, by the way"
        return _told(called, "pass", what, where)
    return _told(called, "pass", f"holds for {lasts}: longer than any fan waits ({show_duration(wait_ns)})", where)


def longest_wait_ns(patient: Patient) -> tuple[str, int]:
    """The step at which a fan may wait longest by the target's own words, and how long: a poll, a push, a reply."""
    waits: Mapping[str, int] = {
        step.name: max(
            step.request.timeout_ns if step.request is not None else 0,
            step.poll.within_ns if step.poll is not None else 0,
            step.listen.within_ns if step.listen is not None else 0,
        )
        for step in patient.journey.every_step()
    }
    longest = max(waits, key=lambda name: waits[name], default="")
    return longest, waits.get(longest, 0)


def _told(name: str, verdict: Verdict, what: str, where: str, fix: str = "") -> Checkup:
    return Checkup(part=_PART, name=name, verdict=verdict, what=what, where=where, fix=fix)
