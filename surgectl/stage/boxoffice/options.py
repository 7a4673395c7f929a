"""What the box office sells, to how many at once, and how long it waits for what."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from surgectl.errors import UsageError
from surgectl.units import NS_PER_S


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """All constants of one sale. Durations in nanoseconds, money in minor units, rates per second."""

    payments_url: Annotated[str, Meta(description="Where the payment provider answers: usually the proxied link.")]
    data: Annotated[str, Meta(description="Folder of the books; a restart goes on with the same sale.")]
    listen: Annotated[str, Meta(description="HOST:PORT; port 0 takes any free one.")] = "127.0.0.1:0"
    database: Annotated[
        str,
        Meta(
            description="Of the books: postgresql://user@host/database; empty: an SQLite file in the folder.",
            extra={"env": "SURGECTL_SHOP_DATABASE"},
        ),
    ] = ""
    database_schema: Annotated[
        str, Meta(description="PostgreSQL schema of this sale; a rehearsal takes one of its own.")
    ] = "boxoffice"
    forget_books: Annotated[bool, Meta(description="Delete the books of the sale at a clean end.")] = False
    books_patience_ns: Annotated[
        int, Meta(description="So long the database may keep silent; then fans are refused with 503 until it answers.")
    ] = NS_PER_S // 5
    books_timeout_ns: Annotated[
        int, Meta(description="After so long a silence the connection to the database is cut and made anew.")
    ] = 3 * NS_PER_S // 2
    secret: Annotated[str, Meta(description="The shop's key at the payment provider.")] = "sk_test_stage"

    cache_url: Annotated[
        str,
        Meta(
            description="Where several shops share what they have read: redis://HOST:PORT/0; empty: each has its own.",
            extra={"flag": "cache", "env": "SURGECTL_SHOP_CACHE"},
        ),
    ] = ""
    cache_prefix: Annotated[str, Meta(description="Begins every key in the cache.")] = "surgectl"

    sku: Annotated[str, Meta(description="What is sold, in URLs and on general tickets.")] = "floor"
    title: Annotated[str, Meta(description="What the event page calls it.")] = "One night only"
    capacity: Annotated[int, Meta(description="How many seats are sold.")] = 500
    price_minor: Annotated[int, Meta(description="Of one seat.", extra={"flag": "price", "currency": "currency"})] = (
        8900
    )
    currency: Annotated[str, Meta(extra={"flag": None})] = "EUR"
    limit: Annotated[int, Meta(description="Tickets that one e-mail address may hold and own together.")] = 4

    seating: Annotated[
        Literal["general", "map"], Meta(description="One floor where seats are given out (general), or a seat map.")
    ] = "general"
    rows: Annotated[int, Meta(description="Rows in a block of the seat map; a row has 20 seats.")] = 10

    order: Annotated[
        Literal["fifo", "lottery"], Meta(description="How the pre-queue is numbered: by arrival, or by lot (lottery).")
    ] = "fifo"
    prequeue_ns: Annotated[
        int, Meta(description="From the first joiner on: whoever joins in it is numbered at its end; 0: none.")
    ] = 0
    admission_per_s: Annotated[float, Meta(description="How many fans a second the line lets in.")] = 100.0
    polls_per_s: Annotated[
        float, Meta(description="How often a second the whole line should ask; the longer it is, the later each comes.")
    ] = 2000.0
    inside: Annotated[int, Meta(description="Fans at the counters at once; 0: the rate alone decides.")] = 0
    hold_ttl_ns: Annotated[int, Meta(description="How long a basket stands.")] = 120 * NS_PER_S

    payment_timeout_ns: Annotated[int, Meta(description="Of one request to the provider.")] = 5 * NS_PER_S
    payment_tries: Annotated[int, Meta(description="Requests for one payment before the reconciler takes over.")] = 3
    payment_workers: Annotated[
        int, Meta(description="Payments at once; 0: this process takes no money, `surgectl stage worker` does.")
    ] = 24
    payment_queue: Annotated[
        int, Meta(description="Orders that may wait to be decided; one more is refused with 503.")
    ] = 400
    reconcile_every_ns: Annotated[int, Meta(description="Pause between two questions to the provider.")] = 2 * NS_PER_S
    payment_deadline_ns: Annotated[
        int, Meta(description="From the order on: after it the shop no longer wants the money.")
    ] = 25 * NS_PER_S
    late_refunds_ns: Annotated[
        int, Meta(description="How long a cancelled order is watched for a charge that came after all.")
    ] = 60 * NS_PER_S

    breaker_share: Annotated[
        float, Meta(description="Share of silences among the last 20 calls that opens a breaker; above 1: none does.")
    ] = 0.5
    worker: Annotated[
        str, Meta(description="Name of the till; started again under the same name it takes up its orders at once.")
    ] = ""
    lease_ns: Annotated[int, Meta(description="A worker not heard of for so long loses its orders to the others.")] = (
        10 * NS_PER_S
    )
    identity_url: Annotated[str, Meta(description="Of the identity check before the first charge; empty: none.")] = ""
    identity_timeout_ns: Annotated[int, Meta(description="Of one question to the identity check.")] = 2 * NS_PER_S
    webhooks: Annotated[bool, Meta(description="Let the provider report payments, and ask about those at once.")] = (
        False
    )
    public_url: Annotated[str, Meta(description="Where the provider reaches the shop; empty: where it listens.")] = ""

    shop_workers: Annotated[
        int, Meta(description="Processes that answer fans at one address; one of them keeps the books and the line.")
    ] = 1
    in_flight: Annotated[
        int, Meta(description="Sale requests served at once; one more is shed. Other pages are not counted.")
    ] = 1000
    listeners: Annotated[
        int,
        Meta(
            description="Event streams and WebSockets that each shop worker keeps open; one more is refused with 503."
        ),
    ] = 10000
    seed: Annotated[int, Meta(description="Spreads Retry-After, back-off and lots.")] = 1
    defect: Annotated[str | None, Meta(description="Be wrong in a named way (docs/stage.md).")] = None

    disguise: Annotated[
        bool, Meta(description="Look like a stranger's: other paths, words, money and books (docs/stage.md).")
    ] = False

    def __post_init__(self) -> None:
        positive = {
            "capacity": self.capacity,
            "limit": self.limit,
            "rows": self.rows,
            "admission_per_s": self.admission_per_s,
            "polls_per_s": self.polls_per_s,
            "hold_ttl": self.hold_ttl_ns,
            "payment_timeout": self.payment_timeout_ns,
            "payment_tries": self.payment_tries,
            "payment_queue": self.payment_queue,
            "reconcile_every": self.reconcile_every_ns,
            "payment_deadline": self.payment_deadline_ns,
            "breaker_share": self.breaker_share,
            "lease": self.lease_ns,
            "identity_timeout": self.identity_timeout_ns,
            "in_flight": self.in_flight,
            "listeners": self.listeners,
            "books_patience": self.books_patience_ns,
            "books_timeout": self.books_timeout_ns,
        }
        if self.seating not in ("general", "map"):
            raise UsageError(f"{self.seating}: no such seating", where="box office: seating", hint="general or map")
        if self.order not in ("fifo", "lottery"):
            raise UsageError(f"{self.order}: no such order", where="box office: order", hint="fifo or lottery")
        if self.order == "lottery" and self.prequeue_ns <= 0:
            raise UsageError(
                "a lottery draws among those who came before the doors opened, and there is no pre-queue",
                where="box office: order",
                hint="add a pre-queue: --prequeue 5s",
            )
        for name, value in positive.items():
            if value <= 0:
                raise UsageError(f"{name} must be more than nothing, not {value}", where="box office")
        if not 1 <= self.shop_workers <= 64:
            raise UsageError(
                f"{self.shop_workers} shop workers cannot be", where="box office: shop_workers", hint="1 to 64"
            )
        if self.payment_workers < 0:
            raise UsageError(
                f"{self.payment_workers} payments at once cannot be",
                where="box office: payment_workers",
                hint="0: another process pays",
            )
        if self.price_minor < 0:
            raise UsageError(f"price_minor must not be negative, not {self.price_minor}", where="box office")
