"""The box office put together: line, counters, till, and the books they all share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.admin import Reader
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.archive import archive_of, writer_of
from surgectl.stage.boxoffice.books.protocol import Archive
from surgectl.stage.boxoffice.books.schema import open_sale, opened
from surgectl.stage.boxoffice.cache import Bypass, open_cache
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.defects import conduct_of
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.request_log import RequestLog
from surgectl.stage.boxoffice.rows import Order, Place, Stock
from surgectl.stage.boxoffice.seating import Seating, seating_of
from surgectl.stage.boxoffice.signing import Signer
from surgectl.stage.boxoffice.till.decisions import Decisions
from surgectl.stage.boxoffice.till.metadata import metadata_of
from surgectl.stage.boxoffice.till.postbox import Postbox
from surgectl.stage.boxoffice.till.provider import Provider
from surgectl.stage.boxoffice.till.till import Till, open_till
from surgectl.stage.boxoffice.waiting_room import WaitingRoom

_ADMIT_EVERY_NS = 20_000_000
_SWEEP_LEAST_NS, _SWEEP_MOST_NS = 20_000_000, 100_000_000


class Shop:
    """Everything that a request handler needs. Made by `open_shop` alone."""

    def __init__(
        self,
        options: Options,
        conduct: Conduct,
        signer: Signer,
        counter: Counter,
        room: WaitingRoom,
        till: Till | None,
        post: Postbox | None,
        log: RequestLog,
        reader: Reader,
        seating: Seating,
        cache: Bypass | None,
    ) -> None:
        self.options = options
        self.conduct = conduct
        self.signer = signer
        self.counter = counter
        self.room = room
        self.till = till
        """None: the money is taken in another process."""

        self.post = post
        self.log = log
        self.reader = reader
        self.seating = seating
        self.cache = cache
        self.shedding = Shedding(options.seed)
        self.sold_out = False
        """For ever: no confirmed order ever gives its seats back."""

        self.served: set[int] = set()
        """Places that have held seats: these are never answered from memory, their basket may still stand."""

        self.baskets: dict[str, int] = {}
        """Hold → place, of those who stand at the counters with a full basket."""

        self.show_line: Callable[[], None] = lambda: None
        """Called when the line has moved, or the sale is over, before anybody is told of it."""

        self.leaving: list[Callable[[], None]] = []
        """What lets those go who would stay for ever: called when the street door is shut, before the last replies."""

        self.closing: list[Callable[[], Awaitable[None]]] = []
        """What whoever began something with this shop wants done before its books are closed."""

    async def admit(self) -> None:
        """Let the line move, until cancelled."""
        clock, counter = self.counter.clock, self.counter
        while True:
            await clock.sleep_until_ns(clock.now_ns() + _ADMIT_EVERY_NS)
            now_ns = counter.now_ns()
            if (drawn := self.room.draw(now_ns)) is not None:
                await counter.writer.run_until_written(lambda books, drawn=drawn: write_draw(books, drawn))  # type: ignore[misc]
                self.room.announce(drawn)
                self.show_line()
            admitted = self.room.admit(now_ns)
            if admitted:
                await counter.writer.run_until_written(
                    lambda books, admitted=admitted, at=now_ns: _write_admitted(books, admitted, at)  # type: ignore[misc]
                )
                self.room.let_in(admitted, counter.now_ns())
            self.show_line()

    async def sweep(self) -> None:
        """End holds whose time is up and look at the stock, until cancelled."""
        clock, counter = self.counter.clock, self.counter
        every_ns = max(_SWEEP_LEAST_NS, min(_SWEEP_MOST_NS, self.options.hold_ttl_ns // 5))

        def job(books: Books) -> Stock:
            self.conduct.expire(books, counter.now_ns(), self.options.seed)
            return self.conduct.count(books)

        while True:
            counter.stock = known = await counter.writer.run_until_written(job)
            self.sold_out = self.sold_out or self.conduct.sold_out(known)
            self.show_line()
            await clock.sleep_until_ns(clock.now_ns() + every_ns)


# The shop's own writes go before fans': a place may be numbered or let in before the job that writes it has had its
# turn. So each of these jobs writes the whole place, and the one that comes late finds it there.
_WHOLE_PLACE = "insert into places (seq, email, intent, joined_ns, drawn, admitted_ns) values (?, ?, ?, ?, ?, ?)"


def _write_admitted(books: Books, admitted: list[Place], now_ns: int) -> None:
    books.executemany(
        f"{_WHOLE_PLACE} on conflict (seq) do update set admitted_ns = excluded.admitted_ns",
        [(place.seq, place.email, place.intent, place.joined_ns, place.drawn, now_ns) for place in admitted],
    )


def write_draw(books: Books, drawn: list[Place]) -> None:
    """All numbers of the pre-queue at once, before anybody is told one."""
    books.executemany(
        f"{_WHOLE_PLACE} on conflict (seq) do update set drawn = excluded.drawn",
        [(place.seq, place.email, place.intent, place.joined_ns, place.drawn, None) for place in drawn],
    )


def write_place(books: Books, place: Place) -> None:
    """A place in line, once told, survives."""
    books.execute(
        "insert into places (seq, email, intent, joined_ns, drawn) values (?, ?, ?, ?, ?) on conflict do nothing",
        (place.seq, place.email, place.intent, place.joined_ns, place.drawn),
    )


def _read_places(books: Books) -> tuple[list[Place], int]:
    rows = books.execute("select seq, email, intent, joined_ns, drawn from places order by seq").fetchall()
    (head,) = books.execute("select coalesce(max(drawn), 0) from places where admitted_ns is not null").fetchone()
    return [Place(*row) for row in rows], head


class _Begun(msgspec.Struct):
    """What the books say when a shop opens."""

    secret: str
    places: list[Place]
    head: int
    known: list[Order]
    held: list[int]


def _open(archive: Archive, options: Options) -> _Begun:
    secret = open_sale(archive, options)
    with opened(archive) as books:
        books.begin(look=True)
        places, head = _read_places(books)
        known = orders.everything(books)
        held = [row[0] for row in books.execute("select distinct place from holds").fetchall()]
        books.commit()
    return _Begun(secret, places, head, known, held)


def _log_in(folder: Path) -> RequestLog:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return RequestLog(folder / "requests.jsonl")
    except OSError as error:
        raise UsageError(f"cannot keep the request log here: {error.strerror}", where=str(folder)) from error


@asynccontextmanager
async def open_shop(options: Options, clock: Clock) -> AsyncIterator[Shop]:
    """Open the books, take up where a killed predecessor stopped, and run the workers while inside.

    An order that was pending goes on: one that may have been paid is asked about first, with the same key.
    """
    folder = Path(options.data)
    conduct = conduct_of(options.defect)
    archive = archive_of(options, clock)
    begun = await asyncio.to_thread(_open, archive, options)
    seating = seating_of(options)
    log = _log_in(folder)
    reader = Reader(archive, seating, log, 2 * options.books_timeout_ns, conduct.count)
    async with writer_of(archive, options, clock) as writer, AsyncExitStack() as stack:
        counter = Counter(writer, clock)
        counter.restore(begun.known)
        signer = Signer(begun.secret)
        room = conduct.room(
            options.admission_per_s,
            options.inside,
            options.hold_ttl_ns,
            prequeue_ns=options.prequeue_ns,
            lot=signer.lot if options.order == "lottery" else None,
            polls_per_s=options.polls_per_s,
        )
        room.restore(begun.places, begun.head)
        cache = await stack.enter_async_context(open_cache(options.cache_url, clock))
        till: Till | None = None
        if options.payment_workers:
            till = await stack.enter_async_context(open_till(options, conduct, counter, reader, alone=False))
            await till.take_up()
        post: Postbox | None = None
        if options.webhooks:
            writes_to = Provider(
                options.payments_url, options.secret, options.payment_timeout_ns, 1, metadata_of(options.disguise)
            )
            nudge = till.reconciler.nudge if till is not None else None
            post = Postbox(conduct, counter, reader, await stack.enter_async_context(writes_to), nudge)
        pays = till.run() if till is not None else Decisions(counter, reader).follow()
        shop = Shop(options, conduct, signer, counter, room, till, post, log, reader, seating, cache)
        shop.served.update(begun.held)
        works = [pays, shop.admit(), shop.sweep(), *([post.work()] if post is not None else [])]
        try:
            # A worker that dies would leave orders lying about in silence: its error ends the whole shop instead.
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in works]
                yield shop
                for task in tasks:
                    task.cancel()
        finally:
            for close in shop.closing:
                await close()
            reader.close()
            log.close()
