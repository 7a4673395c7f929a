"""Does the shop answer, how fast, and does it keep a connection for the next request?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surgectl.clock import Clock
from surgectl.doctor.checkup import Checkup, unseen
from surgectl.doctor.doors import Door, ring
from surgectl.engine.drivers.driver import Driver
from surgectl.journey.model import CompiledProbe
from surgectl.journey.template import UnsetError
from surgectl.text import one_line
from surgectl.units import show_duration

SLOW_NS = 1_000_000_000
"""A quiet shop that takes longer than this for its front page has no room for a storm."""


_LIMITS = ("RateLimit-Policy", "RateLimit-Limit", "RateLimit", "X-RateLimit-Limit", "X-Rate-Limit-Limit")
"""Where shops say how often one may ask (draft-ietf-httpapi-ratelimit-headers, and what was there before it)."""


def look_at_doors(doors: Sequence[Door]) -> list[Checkup]:
    """What each address said: nobody there, an error of its own, slow, or well; and how often one may ask it."""
    return [one for door in doors for one in (_of_door(door), *_limits(door))]


def _limits(door: Door) -> list[Checkup]:
    """A limit for each client, where the shop tells of one: all fans of this machine may be one client to it."""
    told = [(name, value) for name in _LIMITS if (value := door.first.header(name.lower()))]
    if not told:
        return []
    name, value = told[0]
    what = f"{door.shown} limits how often one client may ask ({name}: {one_line(value, 80)})"
    fix = "to it all fans may be one client: docs/links.md, a shop that counts by address"
    return [Checkup(part="shop", name=f"{door.where} limit", verdict="note", what=what, where=door.where, fix=fix)]


def _of_door(door: Door) -> Checkup:
    reply = door.first.reply
    if not door.first.answered or door.again is None:
        what, fix = _unanswered(door)
        return Checkup(part="shop", name=door.where, verdict="fail", what=what, where=door.where, fix=fix)
    quick_ns = door.again.took_ns if door.again.answered and door.again.took_ns is not None else door.first.took_ns
    keeps = "keeps connections" if door.kept else "closes the connection after each reply"
    what = f"{door.shown} answers {reply.status} in {show_duration(quick_ns or 0)}; {keeps}"
    if door.kept and not door.again.answered:
        what = f"{door.shown} promises to keep connections, and a second request on one was {door.again.reply.broken}"
        fix = "look at the keep-alive time-outs of the shop and of what stands before it"
        return Checkup(part="shop", name=door.where, verdict="fail", what=what, where=door.where, fix=fix)
    if reply.status >= 500:
        fix = "look at the shop's log before any fan does"
        return Checkup(part="shop", name=door.where, verdict="note", what=what, where=door.where, fix=fix)
    if quick_ns is not None and quick_ns > SLOW_NS:
        fix = "a shop that is slow when it is empty: warm it up, or raise timeout:"
        return Checkup(part="shop", name=door.where, verdict="note", what=what, where=door.where, fix=fix)
    if not door.kept:
        fix = "each request of the storm opens a connection: ports and handshakes are part of what is measured"
        return Checkup(part="shop", name=door.where, verdict="note", what=what, where=door.where, fix=fix)
    return Checkup(part="shop", name=door.where, verdict="pass", what=what, where=door.where)


def _unanswered(door: Door) -> tuple[str, str]:
    reply = door.first.reply
    said = reply.detail or "no word why"
    if reply.broken == "timeout":
        return f"{door.shown} does not answer in time ({said})", "is the shop up, and is a firewall in between?"
    if "certificate" in said.lower() or "ssl" in said.lower() or "tls" in said.lower():
        return f"{door.shown} is not believed: {said}", "tls: {ca: FILE} names an authority of your own"
    if reply.broken == "not-sent":
        return f"nobody answers at {door.shown} ({said})", "start the shop, or correct the address"
    return f"{door.shown} broke off ({reply.broken}: {said})", "does this port speak HTTP (or https)?"


async def look_at_probes(
    probes: Mapping[str, CompiledProbe], variables: Mapping[str, Any], driver: Driver, clock: Clock
) -> list[Checkup]:
    """Each probe once, judged by its own rules: one that is not ok now would count as an outage all the time."""
    found = []
    for name, probe in probes.items():
        where = f"probes.{name}"
        known = {**variables, "attempt": "probe", "intent": "probe", "tab": 0}
        try:
            wire = probe.request.render(known, None, probe.request.timeout_ns)
        except UnsetError as error:
            found.append(unseen("shop", f"probe {name}", f"{error}; the setup hook would say it", where))
            continue
        heard = await ring(driver, wire, clock)
        verdict = probe.judge(heard.reply)
        took = f" in {show_duration(heard.took_ns)}" if heard.took_ns is not None else ""
        status = str(heard.reply.status) if heard.answered else heard.reply.broken
        what = f"{status}{took}, judged {verdict.outcome} ({verdict.why})"
        well = verdict.outcome == "ok"
        fix = "" if well else "correct its address or its outcomes: while nothing is wrong it must be ok"
        found.append(
            Checkup(
                part="shop",
                name=f"probe {name}",
                verdict="pass" if well else "fail",
                what=what,
                where=where,
                fix=fix,
            )
        )
    return found
