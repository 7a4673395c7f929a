"""One shop, one end of the evening, read in several ways: what is found must not depend on how the books were read."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import web

from surgectl.cli.judge import summarise
from surgectl.clock import SystemClock
from surgectl.evidence.collect import collect
from surgectl.profile.load import open_target
from surgectl.recording import manifest as manifests
from surgectl.recording.evidence_rows import SourceRow
from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import Shop, open_shop
from tests.servers import find_mariadb

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLAIN = (ROOT / "profiles/targets/boxoffice.yaml").read_text()
MS = 1_000_000
TERMS: dict[str, Any] = {
    "capacity": 30,
    "price_minor": 2500,
    "limit": 4,
    "admission_per_s": 500.0,
    "hold_ttl_ns": 1_000 * MS,
    "payment_timeout_ns": 300 * MS,
    "payment_tries": 2,
    "reconcile_every_ns": 100 * MS,
    "payment_deadline_ns": 1_500 * MS,
    "late_refunds_ns": 300 * MS,
}


PROVED = ("OVERSELL", "SEAT2", "CONSERVE", "LEAK", "DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE", "AMOUNT")
COUNTER = "    counters: {sold: {same: stock, value: sold, states: [valid], sum: qty}}\n"


def target_with(way: str) -> str:
    """The shop's target without its stage, its own four books read in another way; the provider's stay as they are."""
    head, _, tail = "".join(line for line in PLAIN.splitlines(True) if not line.startswith("stage:")).partition(
        "evidence:\n"
    )
    head = head.replace("origins: {", 'origins: {office: "${OFFICE:-http://127.0.0.1:1}", ')
    if way == "http":
        return f"{head}evidence:\n{tail}"
    if way == "counters":
        return f"{head}evidence:\n  orders:\n{COUNTER}{tail.removeprefix('  orders:' + chr(10))}"
    books = (HERE / f"shop/by-{way}.yaml").read_text()
    return f"{head}evidence:\n{books}{tail[tail.index('  charges:') :]}"


WORDS = {
    "orders": {
        "Bestellung": "order",
        "Stand": "state",
        "Anzahl": "qty",
        "Summe": "amount",
        "E-Mail": "email",
        "Zahlung": "payment",
        "Schlüssel": "key",
        "Kennung": "intent",
        "Entschieden": "decided_at",
        "Zeit": "at",
    },
    "tickets": {
        "Karte": "ticket",
        "Bestellung": "order",
        "Platz": "seat",
        "Stand": "state",
        "Zeit": "at",
        "Kennung": "intent",
        "E-Mail": "email",
    },
    "holds": {
        "Korb": "hold",
        "Stand": "state",
        "Anzahl": "qty",
        "Frist": "expires_at",
        "Ende": "ended_at",
        "Zeit": "at",
        "Kennung": "intent",
        "E-Mail": "email",
    },
    "stock": {"Saal": "capacity", "frei": "available", "gehalten": "held", "offen": "pending", "verkauft": "sold"},
}
STATES = {
    "confirmed": "bezahlt",
    "pending": "offen",
    "failed": "abgelehnt",
    "refunded": "erstattet",
    "valid": "gültig",
    "void": "ungültig",
    "active": "aktiv",
    "ordered": "bestellt",
    "released": "zurück",
    "expired": "abgelaufen",
}


class Office:
    """Makes tables of the shop's books when it is asked to, and needs a moment for each."""

    def __init__(self, shop: Shop) -> None:
        self.url = ""
        self.not_yet = 0
        self._shop = shop
        self._made: dict[str, bytes] = {}
        self._asked: dict[str, int] = {}

    async def start(self, request: web.Request) -> web.Response:
        table = (await request.json())["table"]
        name = f"{table}-{len(self._made)}"
        self._made[name] = await self._table(table)
        return web.json_response({"download": f"{self.url}/exports/{name}"}, status=202)

    async def download(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self._asked[name] = self._asked.get(name, 0) + 1
        if self._asked[name] < 3:
            self.not_yet += 1
            return web.json_response({"ready": False}, status=409)
        return web.Response(body=self._made[name], content_type="text/csv")

    async def _table(self, table: str) -> bytes:
        rows = [await self._shop.stock()] if table == "stock" else await self._shop.rows(table)
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";")
        writer.writerow(WORDS[table])
        for row in rows:
            if table == "orders":
                row["amount"] = f"{row['amount'] / 100:.2f} €".replace(".", ",")
            writer.writerow([STATES.get(v, v) if (v := row[k]) is not None else "" for k in WORDS[table].values()])
        return text.getvalue().encode("utf-8-sig")


@asynccontextmanager
async def office(shop: Shop) -> AsyncIterator[Office]:
    open_ = Office(shop)
    app = web.Application()
    app.router.add_post("/exports", open_.start)
    app.router.add_get("/exports/{name}", open_.download)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        open_.url = "http://{}:{}".format(*runner.addresses[0][:2])
        yield open_
    finally:
        await runner.cleanup()


def copied(source: str, schema: str, dsn: str) -> None:
    """The shop's tables as they stand, put into a MariaDB of the same machine."""
    import psycopg
    import pymysql

    books = (
        sqlite3.connect(source.removeprefix("sqlite:///")) if source.startswith("sqlite") else psycopg.connect(source)
    )
    to = urlsplit(dsn)
    there = pymysql.connect(host=to.hostname, port=to.port or 0, user=to.username, database=to.path.strip("/"))
    with closing(books), closing(there), there.cursor() as cursor:
        for table in ("orders", "tickets", "holds", "seats"):
            found = books.execute(f"select * from {schema}{table}")
            names, rows = [f"`{column[0]}`" for column in found.description or ()], found.fetchall()
            kinds = ["bigint" if any(isinstance(cell, int) for cell in cells) else "text" for cells in zip(*rows)]
            columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds or ["text"] * len(names)))
            cursor.execute(f"create or replace table {table} ({columns}) character set utf8mb4")
            if rows:
                cursor.executemany(f"insert into {table} values ({', '.join(['%s'] * len(names))})", rows)
        there.commit()


async def rehearse(place: Path, variables: dict[str, str]) -> tuple[int, Path, str]:
    """The real command line against a shop that is there already → its exit code, its recording, what it said."""
    (place / "targets").mkdir()
    (place / "targets/shop.yaml").write_text(target_with("http"))
    shutil.copy(HERE / "shop/nobody-else.yaml", place / "nobody-else.yaml")
    (place / "fans").symlink_to(ROOT / "tests/rehearsal/fans")
    sets = [word for name, value in variables.items() for word in ("--set", f"{name}={value}")]
    arguments = ["-m", "surgectl", "run", str(place / "nobody-else.yaml"), "--embedded-proxy", "--no-tui"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        "--reports",
        str(place / "reports"),
        *sets,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("SURGECTL_")},
        cwd=ROOT,
    )
    async with asyncio.timeout(90):
        said, _ = await process.communicate()
    (folder,) = [path.parent for path in (place / "reports").glob("*/*/run.json") if not path.parent.is_symlink()]
    return process.returncode or 0, folder, said.decode(errors="replace")


async def read_again(
    folder: Path, way: str, place: Path, variables: dict[str, str]
) -> tuple[Path, dict[str, SourceRow]]:
    """The same recording with books that were read in this way, and how the reading went."""
    copy = place / f"by-{way}"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("evidence", "parquet", "report*", "junit*"))
    file = place / f"targets/shop-{way}.yaml"
    file.write_text(target_with(way))
    manifest = manifests.load(copy)
    opened = open_target(file, variables)
    known = {"run": manifest.run, "sale": {"price_minor": 2500, "currency": "EUR", "limit": 4}}
    began_s, clock = manifest.started_epoch_s, SystemClock()
    rows = await collect(opened.target, known, began_s, clock, copy, quiet_ns=50 * MS, root=place)
    return copy, {row.kind: row for row in rows}


def findings(found: list[Any]) -> list[Any]:
    """Everything that was found of the ledgers, whole: verdicts, numbers, words and the examples with their proof."""
    return [one for one in msgspec.to_builtins(found) if one["kind"] == "ledger"]


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The rows of a book but for where they came from."""
    found = [msgspec.json.decode(line) for line in (folder / f"evidence/{kind}.jsonl").read_bytes().splitlines()]
    return [{name: value for name, value in line.items() if name not in ("source", "place")} for line in found]


@pytest.mark.real
@pytest.mark.quiet
@pytest.mark.parametrize(("database", "defect"), [("sqlite", ""), ("postgres", "oversell")])
async def test_the_same_evening_is_judged_the_same_however_its_books_are_read(
    database: str, defect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """By http, SQL, CSV and a copy in MariaDB: the same rows, the same findings word for word, right shop or wrong."""
    where: dict[str, str] = {}
    data = tmp_path / "books"
    if database == "postgres":
        where = {"database": request.getfixturevalue("postgres_url"), "database_schema": "evening"}
    terms = {**TERMS, **where, **({"defect": defect} if defect else {})}
    async with running(PaymentOptions(latency_ns=10 * MS)) as provider, open_shop(provider.url, data, **terms) as shop:
        variables = {
            "SHOP_URL": shop.url,
            "PAY_URL": provider.url,
            "PAY_CONTROL": provider.control,
            "PAY_ADDR": provider.url.removeprefix("http://"),
            "PAY_KEY": "sk_test_stage",
        }
        code, folder, said = await rehearse(tmp_path, variables)
        assert code == (11 if defect else 0), said
        if database == "postgres":
            variables |= {"SHOP_DSN": where["database"], "BOOKS": f"{where['database_schema']}."}
        else:
            variables |= {"SHOP_DSN": f"sqlite:///{data / 'boxoffice.sqlite3'}"}
        wanted = ["sql", "csv"]
        if find_mariadb() is not None:
            variables["MARIA_DSN"] = request.getfixturevalue("mariadb_url")
            copied(variables["SHOP_DSN"], variables.get("BOOKS", ""), variables["MARIA_DSN"])
            wanted.append("mariadb")
        async with office(shop) as clerk:
            variables["OFFICE"] = clerk.url
            ways = {way: await read_again(folder, way, tmp_path, variables) for way in wanted}
        assert clerk.not_yet == 2 * 2 * 4  # four tables, read twice, each asked for twice in vain
        counted, told = await read_again(folder, "counters", tmp_path, variables)

    report = msgspec.json.decode((folder / "report.json").read_bytes())
    for way, (copy, rows) in ways.items():
        assert {kind: row.error for kind, row in rows.items() if not (row.complete and row.stable)} == {}, way
        for kind in ("orders", "tickets", "holds", "stock", "charges", "refunds"):
            assert lines(copy, kind) == lines(folder, kind), (way, kind)
        judged = summarise(copy)
        assert findings(judged.invariants) == findings(report["invariants"]), way
        assert (judged.exit_code, judged.links) == (code, {"charges": 1.0, "orders": 1.0}), way
    by_csv = msgspec.json.decode((ways["csv"][0] / "evidence/orders.jsonl").read_bytes().splitlines()[0])
    assert (by_csv["source"], by_csv["place"]) == ("csv export {file}", 2)  # below the heading

    verdicts = {found["id"]: found["verdict"] for found in report["invariants"]}
    if not defect:
        assert {verdicts[name] for name in PROVED} == {"pass"}
        assert (told["orders.sold"].complete, told["orders.sold"].declared) == (True, told["orders.sold"].rows)
        return
    # The shop's own number of sold seats cannot exceed its hall, and so hides what the rows show.
    assert verdicts["OVERSELL"] == "fail"
    assert told["orders.sold"].error == f"the shop's counter says 30, its rows are {told['orders.sold'].rows}"
    summary = summarise(counted)
    found = {finding.id: finding for finding in summary.invariants}
    assert (found["OVERSELL"].verdict, found["CONSERVE"].verdict) == ("fail", "unknown")
    assert "orders.sold: the shop's counter says 30" in found["CONSERVE"].reason
    assert {"kind": "orders.sold", "complete": False}.items() <= next(
        source for source in summary.sources if source["kind"] == "orders.sold"
    ).items()
