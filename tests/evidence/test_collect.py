"""Reading all the books at rest, waiting for rest, and looking now and then before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from surgectl.clock import LoopClock, SystemClock, VirtualLoop
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.collect import collect
from surgectl.evidence.live import LivePoller, counters
from surgectl.evidence.reading import LIGHT, Found
from surgectl.evidence.settle import Settled, count_pending, pending_in, settle
from surgectl.profile.source import Http, Totals
from surgectl.profile.target import Target
from surgectl.profile.values import Duration
from surgectl.recording.evidence_rows import (
    KINDS,
    ChargeRow,
    HoldRow,
    OrderRow,
    RefundRow,
    RequestRow,
    SourceRow,
    StockRow,
    TicketRow,
)
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.recording.relations import Relations
from tests.evidence.ledgers import QUICK, Server, serving, target

MS = 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def shop(server: Server, *kinds: str, **more: Any) -> Target:
    evidence = {kind: {"http": {"get": f"/{kind}"}, **more} for kind in kinds or ("orders", "stock")}
    return target(server.url, evidence)


def order(name: str, state: str = "valid") -> dict[str, Any]:
    return {"order": name, "state": state}


def stock(available: int) -> dict[str, int]:
    return {"capacity": 10, "available": available, "held": 10 - available}


async def gather(server: Server, folder: Path, *kinds: str, **more: Any) -> dict[str, SourceRow]:
    options: dict[str, Any] = {"quiet_ns": 5 * MS, "at_most_ns": 500 * MS, "patience": QUICK, **more}
    rows = await collect(shop(server, *kinds), {"run": "r"}, 0.0, SystemClock(), folder, **options)
    return {row.kind: row for row in rows}


def saved(folder: Path, kind: str) -> list[EvidenceRow]:
    lines = (folder / f"evidence/{kind}.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=KINDS[kind]) for line in lines]


async def test_two_readings_that_agree_are_kept(server: Server, tmp_path: Path) -> None:
    """Books at rest are read twice; rows, stock of both readings and the sources' own rows are saved."""
    books = {"/orders": [order("o1"), order("o2", "void")], "/stock": stock(9)}
    server.answer = lambda request, number: books[request.path]
    rows = await gather(server, tmp_path)
    assert server.asked == ["/orders", "/stock", "/orders", "/stock"]
    assert [(row.kind, row.rows, row.complete, row.stable, row.error) for row in rows.values()] == [
        ("orders", 2, True, True, ""),
        ("stock", 1, True, True, ""),
    ]
    assert saved(tmp_path, "orders") == [
        OrderRow(order="o1", state="valid", source="http /orders", line=1, place=1),
        OrderRow(order="o2", state="void", source="http /orders", line=2, place=2),
    ]
    assert [row.snapshot for row in saved(tmp_path, "stock") if isinstance(row, StockRow)] == [0, 1]
    assert [row.kind for row in saved(tmp_path, "sources") if isinstance(row, SourceRow)] == ["orders", "stock"]
    with Relations.from_folder(tmp_path) as relations:
        assert relations.rows("SELECT order_id, file, line, source FROM orders ORDER BY line") == [
            ("o1", "evidence/orders.jsonl", 1, "http /orders"),
            ("o2", "evidence/orders.jsonl", 2, "http /orders"),
        ]


async def test_books_that_still_move_are_read_again(server: Server, tmp_path: Path) -> None:
    """Readings go on until two agree; the last one counts, in whatever order it lists its rows."""
    readings = [[order("o1", "pending")], [order("o1"), order("o2")], [order("o2"), order("o1")]]
    server.answer = lambda request, number: readings[min(number, 2)]
    rows = await gather(server, tmp_path, "orders")
    assert (rows["orders"].stable, len(server.asked)) == (True, 3)
    assert [row.order for row in saved(tmp_path, "orders") if isinstance(row, OrderRow)] == ["o2", "o1"]


async def test_books_that_never_rest_are_marked(server: Server, tmp_path: Path) -> None:
    """A shop that goes on selling is read for a bounded time, and its books are called unstable."""
    server.answer = lambda request, number: [order(f"o{number}")]
    rows = await gather(server, tmp_path, "orders", at_most_ns=400 * MS)
    assert (rows["orders"].stable, rows["orders"].complete) == (False, True)
    assert len(server.asked) > 1


async def test_books_that_take_long_to_read_are_read_twice_all_the_same(server: Server, tmp_path: Path) -> None:
    """One reading takes longer than all the time there was for them: the second still says whether they rest."""
    server.answer = lambda request, number: [order("o1")]
    rows = await gather(server, tmp_path, "orders", quiet_ns=1_000, at_most_ns=None)
    assert (rows["orders"].stable, len(server.asked)) == (True, 2)


async def test_one_kind_in_motion_keeps_all_waiting(server: Server, tmp_path: Path) -> None:
    """Ledgers are compared with each other, so all must have been at rest at once."""

    def answer(request: web.Request, number: int) -> Any:
        return [order("o1")] if request.path == "/orders" else stock(min(number, 5))

    server.answer = answer
    rows = await gather(server, tmp_path)
    assert (rows["orders"].stable, rows["stock"].stable) == (True, True)
    last = [row.available for row in saved(tmp_path, "stock") if isinstance(row, StockRow)]
    assert last == [5, 5]


async def test_a_source_that_fails_does_not_spoil_the_others(server: Server, tmp_path: Path) -> None:
    """A failing source is a row with its reason; the others are complete."""

    def answer(request: web.Request, number: int) -> Any:
        return web.Response(status=500) if request.path == "/orders" else stock(3)

    server.answer = answer
    rows = await gather(server, tmp_path)
    assert (rows["orders"].complete, rows["orders"].rows) == (False, 0)
    assert "answered 500" in rows["orders"].error
    assert (rows["stock"].complete, rows["stock"].stable) == (True, True)


async def test_a_log_may_grow(server: Server, tmp_path: Path) -> None:
    """The provider's request log grows while a reconciler asks on: that is no unrest."""
    server.answer = lambda request, number: [{"payment": f"p{n}", "key": "k"} for n in range(number + 1)]
    rows = await gather(server, tmp_path, "requests")
    assert (rows["requests"].stable, rows["requests"].rows) == (True, 2)


async def test_secrets_stay_out_of_the_reasons(server: Server, tmp_path: Path) -> None:
    """What came from the environment is not written down, not even in a reason."""
    server.answer = lambda request, number: [order("o1", "hunter2")]
    rows = await gather(server, tmp_path, "orders", redact=lambda text: text.replace("hunter2", "***"))
    assert '"***" is none of' in rows["orders"].error
    assert "hunter2" not in "".join(path.read_text() for path in (tmp_path / "evidence").iterdir())


async def test_a_target_that_cannot_be_meant_is_said_at_once(server: Server, tmp_path: Path) -> None:
    """A mistake in a source is an error of usage, and nothing is asked."""
    broken = target(server.url, {"orders": {"same": "tickets"}, "tickets": {"same": "orders"}})
    with pytest.raises(UsageError, match='"same: '):
        await collect(broken, {}, 0.0, SystemClock(), tmp_path)
    assert server.asked == []


async def test_cancelling_keeps_the_last_reading(server: Server, tmp_path: Path) -> None:
    """Whoever interrupts a collection finds what was read before, marked as not yet confirmed."""
    server.answer = lambda request, number: [order("o1")]
    task = asyncio.create_task(
        collect(shop(server, "orders"), {}, 0.0, SystemClock(), tmp_path, quiet_ns=60_000 * MS, patience=QUICK)
    )
    while not (tmp_path / "evidence/sources.jsonl").exists():
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = saved(tmp_path, "sources")
    assert isinstance(row, SourceRow)
    assert (row.rows, row.complete, row.stable) == (1, True, False)


def waited(seen: list[int | None], at_most_s: float, **more: Any) -> Settled:
    """`settle` on a clock of its own, over looks that find these numbers (the last one for ever)."""
    looks = iter(seen)
    last = seen[-1]

    async def pending() -> int | None:
        return next(looks, last)

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(settle(pending, int(at_most_s * 1e9), LoopClock(), **more))
    finally:
        loop.close()


def test_settling_ends_when_all_is_calm() -> None:
    """Two looks in a row that find nothing pending end the wait; one alone may fall between two payments."""
    ended = waited([3, 0, 1, 0, 0], 60)
    assert (ended.settled, ended.looks, ended.took_ns, ended.pending) == (True, 5, 2_000_000_000, 0)


def test_settling_ends_when_time_is_up() -> None:
    """What is still pending at the end of the time is said."""
    ended = waited([2], 3)
    assert (ended.settled, ended.took_ns, ended.pending) == (False, 3_000_000_000, 2)


def test_settling_does_not_take_blindness_for_calm() -> None:
    """A look that could not be taken is no look that found nothing."""
    ended = waited([None], 3)
    assert (ended.settled, ended.pending, ended.unseen) == (False, None, ended.looks)


def test_settling_lasts_at_least_as_long_as_asked() -> None:
    """A shop that has yet to notice a late payment looks calm, and is waited for."""
    ended = waited([0], 60, at_least_ns=10_000_000_000)
    assert (ended.settled, ended.took_ns) == (True, 10_000_000_000)


def paid(charge: str, *keys: str, **more: Any) -> ChargeRow:
    return ChargeRow(charge=charge, captured_minor=100, currency="EUR", keys=list(keys), **more)


def held(charge: str, *keys: str, **more: Any) -> ChargeRow:
    row = ChargeRow(charge=charge, captured_minor=0, authorised_minor=100, currency="EUR", keys=list(keys), **more)
    return msgspec.structs.replace(row, state="secured")


VALID, VOID = OrderRow(order="o1", state="valid", payments=["pi_1"]), OrderRow(order="o2", state="void")
PENDING: dict[str, tuple[dict[str, list[EvidenceRow]], int]] = {
    "nothing": ({"orders": [VALID, VOID], "charges": [paid("c1", payment="pi_1")]}, 0),
    "an open order": ({"orders": [OrderRow(order="o3", state="pending")]}, 1),
    "an open ticket and hold": (
        {"tickets": [TicketRow(ticket="t", order="o", state="pending")], "holds": [HoldRow(hold="h", state="active")]},
        2,
    ),
    "held stock": ({"stock": [StockRow(capacity=9, available=4, held=3, pending=2)]}, 5),
    "a payment on its way": ({"charges": [paid("c1", state="processing"), paid("c2", state="authorised")]}, 2),
    "money that is taken when the shop ships": (
        {"orders": [VALID], "charges": [held("c1", payment="pi_1"), held("c2", "someone@example.org")]},
        0,
    ),
    "such money for a void order, and twice": (
        {
            "orders": [VALID, VOID],
            "charges": [held("c1", payment="pi_1"), held("c2", "orders.order=o1"), held("c3", "orders.order=o2")],
        },
        2,
    ),
    "such money let go": ({"orders": [VOID], "charges": [held("c1", "orders.order=o2", voided_minor=100)]}, 0),
    "a refund on its way": (
        {
            "orders": [VOID],
            "charges": [paid("c1", "orders.order=o2")],
            "refunds": [RefundRow(refund="r", charge="c1", amount_minor=100, state="pending")],
        },
        1,
    ),
    "money for a void order": ({"orders": [VOID], "charges": [paid("c1", "orders.order=o2")]}, 1),
    "that money returned": ({"orders": [VOID], "charges": [paid("c1", "orders.order=o2", refunded_minor=100)]}, 0),
    "money for an order that is not there": ({"orders": [], "charges": [paid("c1", "orders.order=o9")]}, 1),
    "money twice": ({"orders": [VALID], "charges": [paid("c1", payment="pi_1"), paid("c2", "orders.order=o1")]}, 1),
    "money of we know not whom": ({"orders": [VALID], "charges": [paid("c1", "someone@example.org")]}, 0),
}


@pytest.mark.parametrize("name", PENDING)
def test_what_is_pending_is_counted(name: str) -> None:
    """Whatever a shop or a provider has yet to decide, pay back or let go of is pending."""
    rows, expected = PENDING[name]
    assert count_pending({kind: Found(kind=kind, rows=found) for kind, found in rows.items()}) == expected


def test_half_a_list_counts_nothing() -> None:
    """Where a list is not whole, nobody knows what is pending."""
    assert count_pending({"orders": Found(kind="orders", rows=[], problem="answered 500")}) is None


async def test_pending_looks_at_the_stock_first(server: Server) -> None:
    """While stock is held, no other list is read; then all of them are."""
    left = [stock(8), stock(10)]

    def answer(request: web.Request, number: int) -> Any:
        return left.pop(0) if request.path == "/stock" else [order("o1", "pending")]

    server.answer = answer
    async with Books(shop(server), {}, 0.0, SystemClock(), patience=QUICK) as books:
        assert await pending_in(books) == 2
        assert server.asked == ["/stock"]
        assert await pending_in(books) == 1
    assert server.asked == ["/stock", "/stock", "/orders"]


async def test_live_counters_move_and_failures_are_only_counted(server: Server) -> None:
    """A watcher gets the numbers of live sources at their pace; a look that fails publishes nothing."""
    server.answer = lambda request, number: web.Response(status=503) if number == 1 else stock(9 - number)
    seen: list[tuple[str, dict[str, int]]] = []
    enough = asyncio.Event()

    def publish(kind: str, numbers: dict[str, int]) -> None:
        seen.append((kind, numbers))
        if len(seen) == 2:
            enough.set()

    evidence = {"stock": {"http": {"get": "/stock"}, "live": 5 * MS}, "orders": {"http": {"get": "/orders"}}}
    async with Books(target(server.url, evidence), {}, 0.0, SystemClock(), patience=LIGHT) as books:
        poller = LivePoller(books, SystemClock(), publish)
        task = asyncio.create_task(poller.run())
        await asyncio.wait_for(enough.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == [
        ("stock", {"rows": 1, "capacity": 10, "available": 9, "held": 1}),
        ("stock", {"rows": 1, "capacity": 10, "available": 7, "held": 3}),
    ]
    assert poller.errors["stock"] == 1
    assert set(server.asked) == {"/stock"}


async def test_totals_that_an_authority_keeps_are_asked_for(server: Server) -> None:
    """`totals:` are read at their pace, by the dashboard's words; no answer, or one with gaps, publishes nothing."""
    answers: list[Any] = [{"taken": "much"}, web.Response(status=500), {"taken": 500, "posts": 7, "paid": 5}]
    server.answer = lambda request, number: answers[min(number, 2)]
    seen = asyncio.Queue[tuple[str, dict[str, int]]]()
    row = {"charged": "taken", "requests": "posts", "payments": "paid"}
    provider = Totals(http=Http(get="/totals"), row=row, live=Duration(5 * MS))
    wanted = msgspec.structs.replace(target(server.url, {}), totals={"provider": provider})
    async with Books(wanted, {}, 0.0, SystemClock(), patience=LIGHT) as books:
        poller = LivePoller(books, SystemClock(), lambda kind, numbers: seen.put_nowait((kind, numbers)))
        task = asyncio.create_task(poller.run())
        told = await asyncio.wait_for(seen.get(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert told == ("provider", {"charged_minor": 500, "posts": 7, "payments": 5})
    assert poller.errors["provider"] == 2 and set(server.asked) == {"/totals"}


def test_requests_are_told_by_payment() -> None:
    """What the provider received, and for how many payments: the ratio is its amplification."""
    rows: list[EvidenceRow] = [
        RequestRow(payment="p1"),
        RequestRow(payment="p1"),
        RequestRow(payment="p2"),
        RequestRow(payment="p2", method="GET"),
    ]
    assert counters(Found(kind="requests", rows=rows)) == {"rows": 4, "posts": 3, "payments": 2}


def test_counters_sum_money_and_states() -> None:
    """Charges are counted by state, with the money they took and gave back."""
    rows: list[EvidenceRow] = [paid("c1"), paid("c2", refunded_minor=40), paid("c3", state="authorised")]
    assert counters(Found(kind="charges", rows=rows)) == {
        "rows": 3,
        "succeeded": 2,
        "authorised": 1,
        "captured_minor": 300,
        "refunded_minor": 40,
    }
