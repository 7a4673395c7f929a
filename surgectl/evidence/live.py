"""Look into the books now and then while the sale is on, so that a watcher sees the numbers move.

It informs, it never judges: what it saw is not kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from surgectl.clock import Clock
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from surgectl.recording.evidence_rows import ChargeRow, HoldRow, OrderRow, RefundRow, RequestRow, StockRow, TicketRow

Publish = Callable[[str, dict[str, int]], None]
"""(kind, counters)"""
_SHOWN_AS = {"charged": "charged_minor", "refunded": "refunded_minor", "requests": "posts"}


class LivePoller:
    """Reads every source with `live:` and all `totals:` at their own pace until it is cancelled.

    `books` should be opened with LIGHT patience. Failures are counted in `errors`, by kind, and published nowhere: a
    shop that is busy selling owes us no answer.
    """

    def __init__(self, books: Books, clock: Clock, publish: Publish) -> None:
        self.errors: Counter[str] = Counter()
        self.looks: Counter[str] = Counter()
        self._books = books
        self._clock = clock
        self._publish = publish

    def __repr__(self) -> str:
        return f"<LivePoller looks={self.looks.total()} errors={self.errors.total()}>"

    async def run(self) -> None:
        """Poll until cancelled; returns at once where no source is live."""
        async with asyncio.TaskGroup() as group:
            for kind, source in self._books.sources.items():
                if source.live:
                    group.create_task(self._follow(kind, source.live), name=f"live {kind}")
            for name, every_ns in self._books.totals.items():
                group.create_task(self._total(name, every_ns), name=f"totals {name}")

    async def _total(self, name: str, every_ns: int) -> None:
        while True:
            due_ns = self._clock.now_ns() + every_ns
            found = await self._books.total(name)
            self.looks[name] += 1
            if found is None:
                self.errors[name] += 1
            else:
                self._publish(name, {_SHOWN_AS.get(key, key): value for key, value in found.items()})
            await self._clock.sleep_until_ns(max(due_ns, self._clock.now_ns() + every_ns // 2))

    async def _follow(self, kind: str, every_ns: int) -> None:
        while True:
            due_ns = self._clock.now_ns() + every_ns
            found = await self._books.read(kind)
            self.looks[kind] += 1
            if found.problem:
                self.errors[kind] += 1
            else:
                self._publish(kind, counters(found))
            # A slow answer delays the next look; it never makes two overlap.
            await self._clock.sleep_until_ns(max(due_ns, self._clock.now_ns() + every_ns // 2))


def counters(found: Found) -> dict[str, int]:
    """What a watcher wants to know of a kind, in a few numbers."""
    count: Counter[str] = Counter(rows=len(found.rows))
    payments: set[str] = set()
    for row in found.rows:
        match row:
            case StockRow():
                named = {name: getattr(row, name) for name in ("capacity", "available", "held", "pending", "sold")}
                count.update({name: value for name, value in named.items() if value is not None})
            case OrderRow() | TicketRow() | HoldRow():
                count[row.state] += 1
            case ChargeRow():
                count[row.state] += 1
                count["captured_minor"] += row.captured_minor
                count["refunded_minor"] += row.refunded_minor
            case RequestRow():
                if row.method.upper() == "POST":
                    count["posts"] += 1
                    payments.add(row.payment or row.key or f"row {row.line}")
            case RefundRow():
                count[row.state] += 1
                count["amount_minor"] += row.amount_minor
    if payments:
        count["payments"] = len(payments)
    return dict(count)
