"""Does the shop speak where fans wait for it to speak: can each event stream and WebSocket be opened, and what came?

Silence is no proof: a stream that was opened and said nothing is `unknown`, however well it was opened.
"""

from __future__ import annotations

from typing import Any

from surgectl import chance
from surgectl.clock import Clock
from surgectl.doctor.checkup import Checkup, Part, Verdict, unseen
from surgectl.doctor.patient import Bought, Heard, Patient
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.drivers.waiting import heard
from surgectl.fans.intent import Intent, mint_values, open_tab
from surgectl.journey.calling import CallError
from surgectl.journey.logins import placeholders
from surgectl.journey.messages import QUIET, is_message, is_stirred
from surgectl.journey.model import CompiledListen, CompiledStep, Journey
from surgectl.journey.template import UnsetError
from surgectl.profile.accounts import Accounts
from surgectl.units import NS_PER_S, show_duration

_PART: Part = "streams"
WAITS_NS = 10 * NS_PER_S
"""A person who looks waits no longer than this, however patient the fans are."""
_WALK = "doctor --buy plays one fan, who walks there"


async def look_at_streams(
    patient: Patient, accounts: Accounts | None, driver: Driver, clock: Clock, waits_ns: int = WAITS_NS
) -> list[Checkup]:
    """Each `await` once, where its address needs nothing that a fan would first have to take. The driver is open."""
    found: list[Checkup] = []
    steps = listening(patient.journey)
    if not steps:
        return found
    try:
        known = _variables(patient, accounts)
    except UnsetError as error:
        return [
            unseen(_PART, step.name, f"{error}; the setup hook would say it", f"{step.path}.await") for step in steps
        ]
    for step in steps:
        assert step.listen is not None
        lacking = sorted(step.listen.request.names - known.keys())
        if lacking:
            found.append(_walked_to(step, lacking[0], patient.journey))
            continue
        found.append(await _look(step, step.listen, known, driver, clock, min(waits_ns, step.listen.within_ns)))
    return found


def of_purchase(journey: Journey, bought: Bought) -> list[Checkup]:
    """What the fan who bought heard at each of them."""
    found = []
    for step in listening(journey):
        came = bought.heard.get(step.path)
        if came is None:
            why = f"the fan, who ended {bought.end}, never listened there"
            found.append(unseen(_PART, step.name, why, f"{step.path}.await"))
        else:
            found.append(of_heard(step, came))
    return found


def listening(journey: Journey) -> list[CompiledStep]:
    """The steps at which fans wait for a push."""
    return [step for step in journey.every_step() if step.listen is not None]


def _variables(patient: Patient, accounts: Accounts | None) -> dict[str, Any]:
    """What the first fan would know who has not asked for anything yet. UnsetError."""
    shared = {**patient.variables, **placeholders(patient.journey.logins)}
    run = str(patient.variables["run"])
    intent = Intent(
        run=run, intent=f"{run}-0", fan=0, seed=chance.fresh_seed(), qty=1, shared=shared, accounts=accounts
    )
    known = dict(open_tab(patient.journey, intent, mint_values(patient.journey, intent)).variables)
    return {**known, "attempt": f"{run}-0.0.1", "uuid": chance.uuid(intent.seed, "uuid", 0)}


def _walked_to(step: CompiledStep, name: str, journey: Journey) -> Checkup:
    taker = journey.takers.get(name)
    said = f"step {taker} takes" if taker is not None else "only a fan has"
    what = f"not opened: its address needs {{{name}}}, which {said}"
    where = f"{step.path}.await"
    return Checkup(part=_PART, name=step.name, verdict="unknown", what=what, where=where, fix=_WALK)


async def _look(
    step: CompiledStep, listen: CompiledListen, known: dict[str, Any], driver: Driver, clock: Clock, waits_ns: int
) -> Checkup:
    where = f"{step.path}.await"
    called = listen.request.call
    try:
        wire = listen.request.render(known, None, waits_ns)
        if called is not None:
            wire = called.signed(wire, known, clock.wall().timestamp(), (chance.fresh_seed(),))
    except (UnsetError, CallError) as error:
        return Checkup(part=_PART, name=step.name, verdict="fail", what=f"nothing was sent: {error}", where=where)
    session = driver.session()
    ear = session.ear()
    began_ns = clock.now_ns()
    try:
        reply = await heard(ear, wire, listen.push, 0)
    finally:
        ear.close()
        session.close()
    verdict = listen.judge(reply, known, (chance.fresh_seed(), 0, 0, 0))
    return of_heard(step, Heard(reply=reply, verdict=verdict, took_ns=clock.now_ns() - began_ns))


def of_heard(step: CompiledStep, came: Heard) -> Checkup:
    """What one wait means. Pure."""
    assert step.listen is not None
    reply, verdict = came.reply, came.verdict
    kind = "event stream" if step.listen.push.kind == "sse" else "WebSocket"
    after = show_duration(came.took_ns)
    meant = "which no rule names: not yet" if verdict.rule is None else f"which rule {verdict.rule} calls {verdict.why}"
    if is_message(reply):
        return _told(step, "pass", f"{kind} opened; the first message ({reply.headers[0][1]}) after {after}, {meant}")
    if reply.broken == "timeout" and reply.detail == QUIET:
        if is_stirred(reply):
            return _told(step, "pass", f"{kind} opened; signs of life, and no message for us within {after}")
        fix = "does a proxy before the shop hold it back? a comment every few seconds would show that it flows"
        return _told(step, "unknown", f"{kind} opened, nothing heard within {after}", fix)
    if reply.broken == "cut":
        fix = "who ends it: the shop, or a proxy's time-out? every fan who waits would connect again"
        return _told(step, "note", f"{kind} opened, and ended after {after} without a message ({reply.detail})", fix)
    if reply.broken is not None:
        fix = "look at the address, and at what stands before the shop: streams need HTTP/1.1 and no buffering"
        return _told(step, "fail", f"{kind} not opened: {reply.broken} ({reply.detail})", fix)
    ours = next((value for name, value in reply.headers if name.lower() == "content-type"), "none")
    what = f"{kind} not opened: answered {reply.status}, content type {ours}"
    if verdict.rule is not None:
        return _told(step, "note", f"{what}; {meant}")
    fix = "an event stream is 200 with text/event-stream; a refusal that is meant has a rule (when: {status: …})"
    if step.listen.push.kind == "ws":
        fix = "a WebSocket is agreed to with 101; does a proxy before the shop pass Upgrade on?"
    return _told(step, "fail", what, fix)


def _told(step: CompiledStep, verdict: Verdict, what: str, fix: str = "") -> Checkup:
    return Checkup(part=_PART, name=step.name, verdict=verdict, what=what, where=f"{step.path}.await", fix=fix)
