"""One fan buys: is the link used, do the books show the purchase, and do they say whose it is?

Links are put up for it as mere relays that count (relay.py). What is bought is linked by the audit's own rule
(recording/links.py): a shop whose rows name no fan cannot be convicted of anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from surgectl.clock import Clock
from surgectl.doctor.books import PATIENCE, Readings, of_readings, read_books
from surgectl.doctor.checkup import Checkup, Verdict, unseen
from surgectl.doctor.links import on_this_machine
from surgectl.doctor.patient import Bought, Buy, Patient
from surgectl.doctor.relay import Relay, relays
from surgectl.doctor.standing import Standing, of_standing, standing
from surgectl.doctor.streams import of_purchase
from surgectl.errors import SurgectlError
from surgectl.evidence.reading import Patience
from surgectl.recording.rows import IntentRow
from surgectl.text import one_line

_EACH_STEP = "surgectl check TARGET --try shows each step"
_PAUSES_S = (1.0, 3.0)
"""Books may lag behind what the fan was told: they are looked at again."""
_LINKED = {"orders": "order_id", "charges": "charge"}


async def look_at_purchase(patient: Patient, buy: Buy, clock: Clock, patience: Patience = PATIENCE) -> list[Checkup]:
    """Setup, one fan, the books, teardown."""
    found: list[Checkup] = []

    # On another machine's Toxiproxy the listener is there, not here: nothing would come to a relay of ours.
    here = patient.toxiproxy is None or on_this_machine(patient.toxiproxy)
    before = await standing(patient.toxiproxy, patient.target.links)
    async with relays(patient.target.links, countable=here) as counted:

        async def then(bought: Bought) -> None:
            found.append(_of_end(bought))
            found.extend(of_ways(bought, {name: relay for name, relay in counted.items() if name not in before}))
            found.extend(await _of_standing(patient, before, bought))
            found.extend(of_purchase(patient.journey, bought))
            known = {**patient.variables, "run": bought.run}
            if bought.setup is not None:
                known["setup"] = bought.setup
            whole = msgspec.structs.replace(patient, variables=known)
            readings = await read_books(whole, clock, patience)
            for pause_s in _PAUSES_S:
                if not _missing(bought, readings):
                    break
                await asyncio.sleep(pause_s)
                readings = await read_books(whole, clock, patience)
            found.extend(of_readings(whole, readings, clock.wall(), bought=True))
            found.extend(of_linking(bought, readings))

        try:
            await buy(then)
        except SurgectlError as error:
            found.append(_told("evidence", "purchase", "fail", str(error), _EACH_STEP))
    return found


def _of_end(bought: Bought) -> Checkup:
    told = f"one fan ended {bought.end} ({bought.outcome}) after {bought.requests} requests"
    detail = f": {bought.detail}" if bought.detail else ""
    if bought.outcome == "ok":
        return _told("evidence", "purchase", "pass", told)
    return _told("evidence", "purchase", "fail", told + detail, _EACH_STEP)


async def _of_standing(patient: Patient, before: Mapping[str, Standing], bought: Bought) -> list[Checkup]:
    """The links that somebody else's proxies are: what can be said of them."""
    after = await standing(patient.toxiproxy, patient.target.links) if before else {}
    return [said for name, one in before.items() for said in of_standing(name, one, after.get(name), bought)]


def of_ways(bought: Bought, counted: Mapping[str, Relay | None]) -> list[Checkup]:
    """What went through each link while the fan bought."""
    busy = any(relay is not None and relay.sent for relay in counted.values())
    found = []
    for name, relay in counted.items():
        where, called = f"links.{name}", f"{name} the shop's way"
        if relay is None:
            why = "no port of ours to count at: somebody listens there, here or elsewhere, or listen names none"
            found.append(unseen("links", called, why, where))
        elif relay.sent:
            what = f"the shop came this way: {relay.connections} connections, {relay.sent:,} bytes"
            found.append(_told("links", called, "pass", what, where=where))
        elif bought.outcome != "ok":
            found.append(unseen("links", called, "nothing came this way, and the fan did not buy", where))
        else:
            what = "the fan bought, and nothing went through this link"
            fix = f"point the shop to the link instead of the dependency (listen of links.{name})"
            found.append(_told("links", called, "note" if busy else "fail", what, fix, where))
    return found


def of_linking(bought: Bought, readings: Readings) -> list[Checkup]:
    """Whether the books say whose order and whose charge it is."""
    if bought.outcome != "ok":
        return []
    ways = _ways(bought, readings)
    found = []
    for kind in (kind for kind in _LINKED if kind in readings.found):
        called, where = f"{kind} of the fan", f"evidence.{kind}.key"
        mine = ways[kind]
        if mine:
            by = ", ".join(sorted({via for _, via in mine}))
            number = "one" if len(mine) == 1 else f"{len(mine)}"
            what = f"{number} found, linked by {by}"
            twice = "one fan, one purchase: are these duplicates?" if len(mine) > 1 else ""
            found.append(_told("evidence", called, "note" if twice else "pass", what, twice, where))
        elif readings.found[kind].problem:
            found.append(unseen("evidence", called, "the book could not be read whole", where))
        elif kind == "orders" and _was_told(bought, readings):
            what = "the order is there, and only the number that the fan was told says whose it is"
            fix = "after a lost reply no fan knows it: let a minted value travel as data, and name its column in key:"
            found.append(_told("evidence", called, "note", what, fix, where))
        else:
            rows = len(readings.found[kind].rows)
            what = f"of {rows:,} rows none is linked to the fan who has just bought"
            fix = "let a minted value travel as data (e-mail, name, metadata), and name its column in key:"
            found.append(_told("evidence", called, "fail", what, fix, where))
    return found


def _missing(bought: Bought, readings: Readings) -> bool:
    """A book that should show the purchase does not, yet."""
    if bought.outcome != "ok":
        return False
    ways = _ways(bought, readings)
    return any(not ways[kind] for kind in _LINKED if kind in readings.found)


def _ways(bought: Bought, readings: Readings) -> dict[str, list[tuple[str, str]]]:
    """Of orders and charges: those that are this fan's, and by what (docs/invariants.md, R4)."""
    from surgectl.recording.relations import Relations

    intent = IntentRow(
        intent=bought.intent,
        fan=0,
        profile="doctor",
        phase="doctor",
        qty=1,
        price_minor=0,
        currency="EUR",
        due_ns=0,
        at_ns=0,
        mint=bought.minted,
    )
    books = {kind: reading.rows for kind, reading in readings.found.items() if kind in _LINKED}
    with Relations.from_rows([intent], evidence=books) as relations:
        return {
            kind: [
                (one_line(str(name)), one_line(str(via)))
                for name, via in relations.rows(
                    f"SELECT {column}, via FROM links_{kind} WHERE intent = ?", [bought.intent]
                )
            ]
            for kind, column in _LINKED.items()
        }


def _was_told(bought: Bought, readings: Readings) -> bool:
    told = bought.claims.get("order")
    return told is not None and any(str(told) == getattr(row, "order", None) for row in readings.found["orders"].rows)


def _told(part: str, name: str, verdict: Verdict, what: str, fix: str = "", where: str = "") -> Checkup:
    return Checkup(
        part="links" if part == "links" else "evidence", name=name, verdict=verdict, what=what, fix=fix, where=where
    )
