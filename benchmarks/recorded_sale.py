"""A large recording without a rehearsal: the folder that a sale of many thousand orders would have left.

The shop is right, and everything that makes an audit work hard is there: retries, lost replies, polls, expired baskets,
refused fans, sheds, status pages, a probe, a fault. A few violations are planted, so that stories are told.
Lines are written from templates, byte for byte as the journal and the collection of evidence write them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard

from surgectl.recording import manifest
from surgectl.recording.manifest import FaultNote, LinkNote, Manifest, PhaseNote, SaleNote, SettlingNote, Tally

RUN = "1122215924b9bdda"
EPOCH_S = 1_795_384_766.0
S = 1_000_000_000
LASTS_S = 600
FAULT_S = (200, 300)
SHARDS = 4
FRAME_ROWS = 40
"""Group commit writes frames of a loop's tick: of some dozen rows in a sale of thousands a second."""
_TOGETHER = 200
"""Fans whose lines interleave."""
PRICE = 2500

PLANTED = {"DUPCHARGE": 5, "CHARGED_NO_TICKET": 4, "AMOUNT": 3, "LOST_TICKET": 3, "TICKET_NO_CHARGE": 3}
"""Invariant → how many orders break it."""
VIOLATIONS = PLANTED | {"LOST_TICKET": PLANTED["LOST_TICKET"] + PLANTED["CHARGED_NO_TICKET"]}
"""Invariant → how many violations it must find: who paid for nothing was told "confirmed", too."""
ROWS_AN_ORDER = 17.9
"""Without further polls: the buyer's, and a fifth of somebody's who gets nothing."""


class Size(msgspec.Struct, frozen=True):
    """What is asked for."""

    events: int
    orders: int


class _Shard(msgspec.Struct, frozen=True):
    """One worker's share: orders `first` to `last`, and the polls that each of its buyers makes on average."""

    folder: Path
    number: int
    first: int
    last: int
    polls: float


def record(folder: Path, size: Size) -> int:
    """Write the recording; returns how many lines its operation files have (a few more than `size.events`)."""
    (folder / "ops").mkdir(parents=True)
    (folder / "evidence").mkdir()
    polls = max(0.0, (size.events / size.orders - ROWS_AN_ORDER) / 2.4)
    cuts = [size.orders * n // SHARDS for n in range(SHARDS + 1)]
    shards = [_Shard(folder, n, cuts[n], cuts[n + 1], polls) for n in range(SHARDS)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        lines = sum(pool.map(_write_shard, shards))
    rows: dict[str, int] = {}
    for kind in ("orders", "tickets", "holds", "charges", "refunds", "requests"):
        rows[kind] = 0
        with (folder / f"evidence/{kind}.jsonl").open("wb") as whole:
            for n in range(SHARDS):
                part = folder / f"evidence/.{kind}.{n}"
                with part.open("rb") as lines_of:
                    for chunk in iter(lambda: lines_of.read(1 << 20), b""):  # noqa: B023
                        rows[kind] += chunk.count(b"\n")
                        whole.write(chunk)
                part.unlink()
    _stock(folder, rows["tickets"])
    source = '{{"source":"http /api/admin/{0}","line":{1},"at_s":{2},"kind":"{0}","rows":{3},"complete":true}}\n'
    kinds = {**rows, "stock": 2}
    (folder / "evidence/sources.jsonl").write_text(
        "".join(
            source.format(kind, n, EPOCH_S + LASTS_S + 60, count) for n, (kind, count) in enumerate(kinds.items(), 1)
        )
    )
    _chaos(folder)
    _manifest(folder, size)
    return lines


def capacity_of(orders: int) -> int:
    """Tickets that exist: one for every order, a second one for three in ten."""
    return sum(_qty(n) for n in range(orders))


def _qty(order: int) -> int:
    return 2 if order % 10 < 3 else 1


def _planted(orders: int, first: int, last: int) -> dict[int, str]:
    """Order number → the invariant that it breaks, spread over the shards."""
    names = [name for name, times in PLANTED.items() for _ in range(times)]
    step = max(1, orders // (len(names) + 1))
    found = {step * (at + 1): name for at, name in enumerate(names)}
    return {order: name for order, name in found.items() if first <= order < last}


def _write_shard(shard: _Shard) -> int:
    writer = _Frames(shard.folder / f"ops/{shard.number}.jsonl.zst")
    kinds = ("orders", "tickets", "holds", "charges", "refunds", "requests")
    books = {kind: (shard.folder / f"evidence/.{kind}.{shard.number}").open("w") for kind in kinds}
    chance = random.Random(shard.number)
    planted = _planted(shard.last * SHARDS // (shard.number + 1), shard.first, shard.last)
    try:
        if shard.number == 0:
            for n in range(LASTS_S * 4):
                at = n * S // 4
                writer.add(
                    f'{{"t":"probe","step":"about","due_ns":{at},"sent_ns":{at + 210000},"done_ns":{at + 2100000},'
                    '"outcome":"ok","status":200,"why":"ok"}'
                )
        for start in range(shard.first, shard.last, _TOGETHER):
            stop = min(start + _TOGETHER, shard.last)
            fans = [_fan(n, shard, planted.get(n, ""), chance, books) for n in range(start, stop)]
            fans += [_other(n, shard, chance, books) for n in range(start, stop) if n % 5 == 0]
            for tier in zip_longest(*fans):
                for line in tier:
                    if line is not None:
                        writer.add(line)
        return writer.close()
    finally:
        for book in books.values():
            book.close()


class _Frames:
    """Lines into small zstd frames, as journal.py writes them."""

    def __init__(self, path: Path) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.file = path.open("wb")
        self.compressor = zstandard.ZstdCompressor(level=1, write_checksum=True, write_content_size=True)

    def add(self, line: str) -> None:
        self.lines.append(line)
        self.count += 1
        if len(self.lines) >= FRAME_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.lines:
            self.file.write(self.compressor.compress(("\n".join(self.lines) + "\n").encode()))
            self.lines = []

    def close(self) -> int:
        self.flush()
        self.file.close()
        return self.count


class _Tab:
    """One fan's lines in the making."""

    def __init__(self, intent: str, at_ns: int, chance: random.Random) -> None:
        self.intent, self.at_ns, self.chance = intent, at_ns, chance
        self.attempt = 0
        self.lines: list[str] = []

    def later(self, most_ns: int) -> int:
        self.at_ns += int(self.chance.random() * most_ns) + 1000
        return self.at_ns

    def send(
        self,
        step: str,
        role: str,
        op: int,
        outcome: str,
        why: str,
        then: str,
        more: str = "",
        *,
        method: str = "GET",
        key: str = "",
        try_: int = 1,
        poll: bool = False,
        status: int | None = 200,
    ) -> None:
        """Invoke and done; `more`: the claims."""
        self.attempt += 1
        due_ns = self.later(S // 20)
        at_ns = due_ns + int(self.chance.random() * 800_000)
        name = f"{self.intent}.0.{self.attempt}"
        told = f',"try":{try_}' if try_ != 1 else ""
        told += ',"poll":true' if poll else ""
        told += f',"method":"{method}"'
        told += f',"key":"{key}"' if key else ""
        self.lines.append(
            f'{{"t":"invoke","attempt":"{name}","intent":"{self.intent}","step":"{step}","role":"{role}","op":{op},'
            f'"due_ns":{due_ns},"at_ns":{at_ns}{told}}}'
        )
        sent_ns = at_ns + 90_000 + int(self.chance.random() * 100_000)
        self.at_ns = sent_ns + 400_000 + int(self.chance.random() ** 4 * 900_000_000)
        code = f',"status":{status}' if status else ""
        self.lines.append(
            f'{{"t":"done","attempt":"{name}","outcome":"{outcome}","why":"{why}","sent_ns":{sent_ns},'
            f'"done_ns":{self.at_ns}{code},"size":201,"then":"{then}"{more}}}'
        )

    def told(self, step: str, role: str, op: int, outcome: str, end: str, more: str = "") -> None:
        self.lines.append(
            f'{{"t":"told","intent":"{self.intent}","op":{op},"step":"{step}","role":"{role}","outcome":"{outcome}",'
            f'"end":"{end}","at_ns":{self.later(200_000)}{more}}}'
        )

    def leave(self, end: str, outcome: str) -> list[str]:
        self.lines.append(
            f'{{"t":"left","intent":"{self.intent}","end":"{end}","outcome":"{outcome}","at_ns":{self.later(100_000)}}}'
        )
        return self.lines


def _arrives(name: str, fan: int, qty: int, at_ns: int, chance: random.Random) -> _Tab:
    tab = _Tab(name, at_ns, chance)
    tab.lines.append(
        f'{{"t":"intent","intent":"{name}","fan":{fan},"profile":"{"brisk" if fan % 3 else "patient"}",'
        f'"phase":"on-sale","qty":{qty},"price_minor":{PRICE},"currency":"EUR","due_ns":{at_ns},'
        f'"at_ns":{at_ns + int(chance.random() * 900_000)},"mint":{{"email":"fan-{name}@example.org",'
        f'"key":"{_key(fan)}","token":"pm_card_visa-{name}"}}}}'
    )
    tab.send("page", "browse", 1, "ok", "next", "next")
    tab.told("page", "browse", 1, "ok", "next")
    return tab


def _key(fan: int) -> str:
    mixed = (fan * 0x9E3779B97F4A7C15) & (2**64 - 1)
    return f"{mixed >> 32:08x}-{mixed >> 16 & 0xFFFF:04x}-4{mixed & 0xFFF:03x}-8000-{fan:012x}"


def _queues(tab: _Tab, polls: float, place: int) -> None:
    """Waits in line; no two fans are shown one position, and nobody falls back."""
    waits = int(polls) + (tab.chance.random() < polls % 1)
    first = f',"claims":{{"position":{place + waits + 1},"wait_s":0.005}}'
    tab.send("join", "join", 2, "ok", "poll", "poll", first, method="POST", status=202)
    for n in range(waits):
        more = f',"claims":{{"position":{place + waits - n},"wait_s":0.25}}'
        tab.send("join", "join", 2, "ok", "poll", "poll", more, poll=True, status=202)
    tab.told("join", "join", 2, "ok", "next", ',"claims":{"position":0,"wait_s":0.0}')


def _fan(n: int, shard: _Shard, planted: str, chance: random.Random, books: dict[str, IO[str]]) -> list[str]:
    """A fan who buys order n, and what the books say of it."""
    name, qty = f"{RUN}-{n}", _qty(n)
    fan, key = n, _key(n)
    email = f"fan-{name}@example.org"
    due_ns = int((n % 125_000) / 125_000 * LASTS_S * S * 0.9)
    tab = _arrives(name, fan, qty, due_ns, chance)
    _queues(tab, shard.polls, n * 100)
    seats = ",".join(f'"floor-{n:06d}-{k}"' for k in range(qty))
    amount = qty * PRICE
    sure = f'"qty":{qty},"amount_minor":{amount},"currency":"EUR","seats":[{seats}]'
    if n % 20 == 7:
        tab.send("hold", "hold", 3, "fail", "again", "again", method="POST", status=409)
        tab.send("hold", "hold", 3, "ok", "next", "next", f',"claims":{{{sure}}}', method="POST", status=201, try_=2)
    else:
        tab.send("hold", "hold", 3, "ok", "next", "next", f',"claims":{{{sure}}}', method="POST", status=201)
    tab.told("hold", "hold", 3, "ok", "next", f',"claims":{{{sure}}}')
    order, code = f"order_{n}_{n * 2654435761 % 2**32:08x}", f"{n:014x}"
    tickets = [f"ticket_{n}_{k}" for k in range(qty)]
    named = ",".join(f'"{ticket}"' for ticket in tickets)
    claims = f',"claims":{{"order":"{order}",{sure},"tickets":[{named}]}}'
    tries = 1
    if n % 25 == 3:  # the reply was lost, and the same key is sent again
        tab.send("pay", "pay", 4, "info", "timeout", "again", method="POST", key=key, status=None)
        tries = 2
    if n % 3 == 0:
        pending = f',"claims":{{"order":"{order}",{sure},"tickets":[]}}'
        tab.send("pay", "pay", 4, "ok", "not-yet", "poll", pending, method="POST", key=key, try_=tries, status=202)
        tab.send("pay", "pay", 4, "ok", "confirmed", "end", claims, poll=True)
    else:
        tab.send("pay", "pay", 4, "ok", "confirmed", "end", claims, method="POST", key=key, try_=tries)
    tab.told("pay", "pay", 4, "ok", "confirmed", claims)
    at_s = round(EPOCH_S + tab.at_ns / S, 6)
    if n % 4 == 1:
        tab.send("look", "status", 5, "ok", "confirmed", "end", f',"claims":{{"order":"{order}",{sure}}}')
        tab.told("look", "status", 5, "ok", "confirmed", f',"claims":{{"order":"{order}",{sure}}},"status_read":true')
    keys = f'"keys":["{name}","{key}","{email}"],"at_s":{at_s}'
    state = "void" if planted in ("CHARGED_NO_TICKET", "LOST_TICKET") else "valid"
    books["orders"].write(
        f'{{"source":"http /api/admin/orders","line":{n + 1},{keys},"order":"{order}","state":"{state}","qty":{qty},'
        f'"amount_minor":{amount},"currency":"EUR","identity":"{email}","key":"{key}","payments":["pi_{code}"]}}\n'
    )
    for k, ticket in enumerate(tickets):
        books["tickets"].write(
            f'{{"source":"http /api/admin/tickets","line":{n + k + 1},"keys":["{name}","{email}"],"at_s":{at_s},'
            f'"ticket":"{ticket}","order":"{order}","state":"{state}","seat":"floor-{n:06d}-{k}"}}\n'
        )
    books["holds"].write(
        f'{{"source":"http /api/admin/holds","line":{n + 1},"keys":["{name}","{email}"],"at_s":{at_s},'
        f'"hold":"hold_{n}","state":"used","qty":{qty},"expires_s":{at_s + 120}}}\n'
    )
    charges = {"DUPCHARGE": 2, "TICKET_NO_CHARGE": 0}.get(planted, 1)
    sum_minor = amount + 100 if planted == "AMOUNT" else amount
    for again in range(charges):
        books["charges"].write(
            f'{{"source":"stripe /v1/charges","line":{n + 1},"keys":["{name}","orders.order={order}","{email}"],'
            f'"at_s":{float(int(at_s))},"charge":"ch_{code}{again}","captured_minor":{sum_minor},"currency":"EUR",'
            f'"authorised_minor":{sum_minor},"payment":"pi_{code}{again or ""}"}}\n'
        )
        if planted == "LOST_TICKET":
            books["refunds"].write(
                f'{{"source":"stripe /v1/refunds","line":{n + 1},"refund":"re_{code}","charge":"ch_{code}{again}",'
                f'"amount_minor":{sum_minor}}}\n'
            )
    for _ in range(tries):
        books["requests"].write(
            f'{{"source":"http /_sim/requests","line":{n + 1},"at_s":{at_s},"payment":"{order}","key":"order-{order}",'
            '"status":200,"method":"POST"}\n'
        )
    return tab.leave("confirmed", "ok")


def _other(n: int, shard: _Shard, chance: random.Random, books: dict[str, IO[str]]) -> list[str]:
    """A fan who gets nothing: sold out, shed, or slower than the basket."""
    fan = 10_000_000 + n
    name = f"{RUN}-{fan}"
    tab = _arrives(name, fan, 1, int((n % 125_000) / 125_000 * LASTS_S * S * 0.9), chance)
    if n % 50 == 0:
        tab.send("join", "join", 2, "fail", "shed", "shed", method="POST", status=503)
    _queues(tab, shard.polls, n * 100 + 50)
    if n % 25 == 0:
        tab.send("hold", "hold", 3, "ok", "next", "next", ',"claims":{"qty":1}', method="POST", status=201)
        tab.told("hold", "hold", 3, "ok", "next", ',"claims":{"qty":1}')
        tab.send("pay", "pay", 4, "fail", "gone", "end", method="POST", key=_key(fan), status=410)
        tab.told("pay", "pay", 4, "fail", "gone")
        at_s = round(EPOCH_S + tab.at_ns / S, 6)
        books["holds"].write(
            f'{{"source":"http /api/admin/holds","line":{n + 1},"keys":["{name}","fan-{name}@example.org"],'
            f'"at_s":{at_s},"hold":"hold_{fan}","state":"expired","qty":1,"expires_s":{at_s}}}\n'
        )
        return tab.leave("gone", "fail")
    tab.send("hold", "hold", 3, "fail", "sold-out", "end", method="POST", status=409)
    tab.told("hold", "hold", 3, "fail", "sold-out")
    return tab.leave("sold-out", "fail")


def _stock(folder: Path, tickets: int) -> None:
    rows = [
        f'{{"source":"http /api/admin/stock","line":{line},"capacity":{tickets},"available":0,"held":0,'
        f'"sold":{tickets},"pending":0{snapshot}}}\n'
        for line, snapshot in ((1, ""), (2, ',"snapshot":1'))
    ]
    (folder / "evidence/stock.jsonl").write_text("".join(rows))


def _chaos(folder: Path) -> None:
    def row(event: str, at_s: float, more: str = "") -> str:
        return (
            f'{{"t":"fault","fault":"0","event":"{event}","at_ns":{int(at_s * S)},"link":"payments",'
            f'"brownout":"lost-reply"{more}}}\n'
        )

    from_s, to_s = FAULT_S
    seen = row("verified", from_s + 1, ',"observed":{"cut":4}')
    (folder / "chaos.jsonl").write_text(row("applied", from_s) + seen + row("healed", to_s))
    (folder / "vitals.jsonl").write_text("".join(_vitals()))


def _vitals() -> Iterator[str]:
    for second in range(LASTS_S):
        yield (
            f'{{"t":"vitals","at_ns":{second * S},"lag_ns":1160660,"cpu":0.4,"machine_cpu":0.5,"fans":8000,'
            '"sockets":900,"rss_bytes":126513152,"arrival_lag_ns":773812}\n'
        )


def _manifest(folder: Path, size: Size) -> None:
    tickets = capacity_of(size.orders)
    rehearsal = {
        "surgectl": 1,
        "name": "audit-speed",
        "sale": {"tickets": tickets, "price": "25.00 EUR", "limit": 4},
        "load": [{"phase": "on-sale", "rate": f"{max(1, size.orders // LASTS_S)}/s", "for": f"{LASTS_S}s"}],
        "fans": {"brisk": "100%"},
        "expect": {
            "invariants": {"require": ["stock", "money", "promises"]},
            "coverage": {"payments_in_fault": "5%", "lost_replies": 1},
            "thresholds": [
                "p99(confirm) < 30s",
                "p95(pay) < 5s during payments",
                "availability(about) >= 99%",
                "error_rate(pay) < 20%",
                "amplification(payments) < 2",
                "recovery(payments) < 60s",
                "drain(payments) < 60s",
            ],
        },
    }
    told = first_page(rehearsal, run=RUN, tickets=tickets, fans=size.orders, toxicity=0.05)
    sale = SaleNote(tickets=tickets, price_minor=PRICE, currency="EUR", limit=4, wants={"1": 0.7, "2": 0.3})
    more = {"ended_at": "2026-11-22T22:09:26.000Z", "sale": sale, "tally": Tally(arrived=size.orders)}
    evidence = {"evidence": {"charges": {"stripe": {}}, "refunds": {}}}
    last_fan_ns = (LASTS_S + 10) * S
    manifest.save(manifest.replace(told, target_file=evidence, last_fan_ns=last_fan_ns, **more), folder)


def first_page(rehearsal: dict[str, Any], *, run: str, tickets: int, fans: int, toxicity: float) -> Manifest:
    """What run.json says of ten minutes at the built-in shop that came to their end, with a brownout in between."""
    from_s, to_s = FAULT_S
    return Manifest(
        run=run,
        profile=rehearsal["name"],
        seed=1,
        digest="0" * 32,
        version="0",
        started_at="2026-11-22T21:59:26.000Z",
        started_epoch_s=EPOCH_S,
        status="done",
        duration_s=float(LASTS_S),
        target="boxoffice",
        rehearsal=rehearsal,
        sale=SaleNote(tickets=tickets, price_minor=PRICE, currency="EUR"),
        phases=[PhaseNote(name="on-sale", start_ns=0, end_ns=LASTS_S * S, fans=fans)],
        faults=[
            FaultNote(
                fault="0",
                from_ns=from_s * S,
                to_ns=to_s * S,
                link="payments",
                brownout="lost-reply",
                toxicity=toxicity,
            )
        ],
        links=[LinkNote(name="payments")],
        settling=SettlingNote(window_ns=30 * S, at_most_ns=60 * S),
        last_fan_ns=LASTS_S * S,
        settled_ns=(LASTS_S + 50) * S,
        own_stage=True,
    )
