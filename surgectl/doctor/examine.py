"""The whole examination, from the file on the desk to the last book: a handful of requests, never load, no fault."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import msgspec

from surgectl.chaos.address import host_of
from surgectl.chaos.tls import secured
from surgectl.clock import Clock
from surgectl.doctor.allowances import look_at_allowances
from surgectl.doctor.books import PATIENCE, look_at_books
from surgectl.doctor.certificates import look_at_certificates
from surgectl.doctor.checkup import Checkup, Part, fit_to_show, unseen
from surgectl.doctor.clocks import of_provider, of_shop, skew_of
from surgectl.doctor.database_clock import database_clocks
from surgectl.doctor.doors import Door, knock
from surgectl.doctor.links import look_at_links, the_shops_way
from surgectl.doctor.machine import Machine, look_at_machine, look_at_sources
from surgectl.doctor.patient import Patient
from surgectl.doctor.purchase import look_at_purchase
from surgectl.doctor.shop import look_at_doors, look_at_probes
from surgectl.doctor.target import look_at_hooks, look_at_target
from surgectl.doctor.variables import look_at_variables
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.drivers.sources import spelled_out
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.engine.guard import Permit, guard
from surgectl.errors import UsageError
from surgectl.profile.target import Target

Say = Callable[[str], None]
_ORDER = get_args(Part)
_LATER = "only the run puts this shop up"
_UNSET = "not looked at: first every ${…} must have a value"
_REFUSED = "not looked at: nothing is sent before every host is allowed"


async def examine(patient: Patient, machine: Machine, clock: Clock, say: Say = lambda what: None) -> list[Checkup]:
    """Look at everything, in the order in which it would fail. `say` is told what is being looked at."""
    target, plan = patient.target, patient.plan
    found = look_at_target(target, plan.rehearsal if plan is not None else None)
    found += look_at_hooks(target, patient.folder)
    found += look_at_variables(patient)
    if patient.unset:
        why = _LATER if patient.stage_is_down else _UNSET
    else:
        say("allowances")
        allowed = await look_at_allowances(target)
        found += allowed
        why = _REFUSED if any(one.verdict == "fail" for one in allowed) else ""
    if why:
        found += [unseen(part, "all of it", why) for part in ("shop", "links", "evidence", "clocks")]
    else:
        found += await _ask_around(patient, clock, say)
    found += look_at_machine(machine, target, plan)
    found.sort(key=lambda one: _ORDER.index(one.part))  # a purchase tells of links and of books
    return fit_to_show([_redacted(one, patient.redact) for one in found])


async def _ask_around(patient: Patient, clock: Clock, say: Say) -> list[Checkup]:
    target = patient.target
    permit = await guard([target.base_url, *target.origins.values()], target.allow)
    found = await look_at_sources(target)
    if any(one.verdict == "fail" for one in found):
        return found  # no fan could leave from there, and neither can we
    say("the shop")
    homes = {"base_url": target.base_url, **{f"origins.{name}": url for name, url in target.origins.items()}}
    doors = [await knock(_opener(patient, clock, permit), where, url, clock) for where, url in homes.items()]
    found += look_at_doors(doors)
    context = patient.tls or ssl.create_default_context()
    found += await look_at_certificates(homes, context, clock)
    there = doors[0].first.answered
    if there:
        async with _opener(patient, clock, permit)() as driver:
            found += await look_at_probes(patient.journey.probes, patient.variables, driver, clock)
    say("the links")
    found += await look_at_links(
        target, patient.folder, clock, toxiproxy=patient.toxiproxy, embedded=patient.embedded_proxy
    )
    if target.links and patient.buy is None:
        found.append(the_shops_way())
    if patient.buy is not None and there:
        say("a purchase, and the books")
        found += await look_at_purchase(patient, patient.buy, clock)
    else:
        say("the books")
        found += await look_at_books(patient, clock)
    say("the clocks")
    return found + await _clocks(patient, doors, clock)


async def _clocks(patient: Patient, doors: list[Door], clock: Clock) -> list[Checkup]:
    target = patient.target
    rung = {urlsplit(door.url).netloc for door in doors}
    found = [
        of_shop(door.where, skew_of(door.again or door.first), target, door.where)
        for door in doors
        if door.first.answered
    ]
    for kind, skew in (await database_clocks(target, PATIENCE, clock)).items():
        where = f"evidence.{kind}.sql"
        found.append(of_shop(f"database of {kind}", skew, target, where))
    for where, provider in providers(target, patient.folder).items():
        if provider.netloc not in rung:
            rung.add(provider.netloc)
            door = await knock(partial(WireDriver, clock, clock.now_ns(), tls=provider.tls), where, provider.url, clock)
            if door.first.answered:  # who does not answer was named where it matters: as a link, or as a book
                found.append(of_provider(where, skew_of(door.again or door.first), where))
    return found


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody besides the shop whose clock counts."""

    url: str
    tls: ssl.SSLContext | None = None

    @property
    def netloc(self) -> str:
        return urlsplit(self.url).netloc


def providers(target: Target, folder: Path) -> dict[str, Provider]:
    """Whose ledgers are read or whose replies are delayed, where they speak HTTP: by their path in the target."""
    found = {
        f"evidence.{kind}": Provider(url=source.stripe.base_url)
        for kind, source in target.evidence.items()
        if source.stripe
    }
    for name, link in target.links.items():
        where = f"links.{name}"
        if not link.upstream or link.speaks != "http":
            continue
        if link.tls is None:
            found[where] = Provider(url=f"http://{link.upstream}")
        elif (link.tls.server_name or host_of(link.upstream)) == host_of(link.upstream):
            with suppress(UsageError):  # said by the look at the link itself
                trusted = secured(link, folder, where)
                found[where] = Provider(url=f"https://{link.upstream}", tls=trusted.context if trusted else None)
    return found


def _opener(patient: Patient, clock: Clock, permit: Permit) -> Callable[[], Driver]:
    """The fans' own driver, from the fans' own addresses: what it sees is what they will see."""
    sources = spelled_out(patient.target.bind)
    return lambda: WireDriver(clock, clock.now_ns(), permits=permit, tls=patient.tls, sources=sources)


def _redacted(one: Checkup, redact: Callable[[str], str]) -> Checkup:
    return Checkup(
        part=one.part,
        name=redact(one.name),
        verdict=one.verdict,
        what=redact(one.what),
        where=one.where,
        fix=redact(one.fix),
    )
