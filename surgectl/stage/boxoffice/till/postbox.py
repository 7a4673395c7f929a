"""Where the provider drops its letters: each one is looked at once, and none of them is believed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable

import msgspec

from surgectl.stage.boxoffice.books import Books, BooksAway, BooksUnknown
from surgectl.stage.boxoffice.books.looker import Looker
from surgectl.stage.boxoffice.books.trouble import BooksError
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till import events
from surgectl.stage.boxoffice.till.provider import Payment, Provider, Silence
from surgectl.units import NS_PER_S

log = logging.getLogger("surgectl.stage.boxoffice")
PATH = "/webhooks/payments"
_AGAIN_NS = NS_PER_S // 2
_LOOK_EVERY_NS = 30 * NS_PER_S

Nudge = Callable[[str, str], None]


class _Data(msgspec.Struct):
    object: Payment


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data


class _Registered(msgspec.Struct):
    """What the books keep of our endpoint; `made` counts how often it had to be made anew."""

    id: str
    secret: str
    made: int


_event = msgspec.json.Decoder(_Event)
_registered = msgspec.json.Decoder(_Registered)


class Postbox:
    """POST /webhooks/payments. An event decides nothing: its order is asked about, sooner than it would have been.

    `nudge` (order, payment) wakes a till in this process; a till elsewhere finds the event in the books.
    """

    def __init__(
        self, conduct: Conduct, counter: Counter, looker: Looker, provider: Provider, nudge: Nudge | None
    ) -> None:
        self._conduct = conduct
        self._counter = counter
        self._clock = counter.clock
        self._looker = looker
        self._provider = provider
        self._nudge = nudge
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._secret: str | None = None

    def listens_at(self, shop_url: str) -> None:
        """From now on letters can be received; the provider is told where."""
        if not self._url.done():
            self._url.set_result(shop_url.rstrip("/") + PATH)

    async def work(self) -> None:
        """Register, however long the provider is away, and again where it has forgotten us. Until cancelled."""
        url = await self._url
        while True:
            try:
                await self._register(url)
                wait_ns = _LOOK_EVERY_NS
            except (Silence, BooksError) as why:
                log.info("the provider could not be told where to write: %s", why)
                wait_ns = _AGAIN_NS
            except Exception:
                log.exception("the provider could not be told where to write")
                wait_ns = _AGAIN_NS
            await self._clock.sleep_until_ns(self._clock.now_ns() + wait_ns)

    async def _register(self, url: str) -> None:
        name = f"webhook {url}"
        row = await self._looker.asked(
            lambda books: books.execute("select value from meta where key = ?", (name,)).fetchone()
        )
        known = _registered.decode(row[0]) if row is not None else None
        if known is not None:
            self._secret = known.secret
            if await self._provider.knows_endpoint(known.id):
                return
        made = known.made + 1 if known is not None else 1
        # The same key for the same endpoint: an answer that was lost is asked for again, and no second one is made.
        key = f"webhook-{hashlib.blake2b(url.encode(), digest_size=8).hexdigest()}-{made}"
        endpoint = await self._provider.register_endpoint(url, self._conduct.letters, key)
        text = msgspec.json.encode(_Registered(endpoint.id, endpoint.secret, made)).decode()

        def job(books: Books) -> None:
            books.execute("delete from meta where key = ?", (name,))
            books.execute("insert into meta values (?, ?)", (name, text))

        await self._counter.writer.run_until_written(job)
        self._secret = endpoint.secret
        log.info("the provider writes to %s", url)

    async def receive(self, signature: str, body: bytes) -> tuple[int, str]:
        """One letter → (status, a word). Whatever is not 200 the provider sends again."""
        if self._secret is None:
            return 503, "not registered yet"
        if not self._conduct.signed(signature, body, self._secret, self._counter.now_ns() / NS_PER_S):
            return 400, "the signature is not right"
        try:
            event = _event.decode(body)
        except msgspec.MsgspecError:
            return 200, "ignored: not about a payment"
        payment = event.data.object
        order = self._provider.order_of(payment)
        if event.type not in self._conduct.letters or order is None:
            return 200, "ignored: not about one of our payments"
        told = events.Told(event.id, order, payment.id, self._counter.now_ns(), event.type)

        def job(books: Books) -> tuple[bool, Order | None]:
            new = events.write(books, told)
            return new, self._conduct.on_event(books, told, new)

        try:
            new, changed = await self._counter.writer.run(job)
        except (BooksAway, BooksUnknown):
            return 503, "the books are away"
        if changed is not None:
            self._counter.show(changed)
        if not new:
            return 200, "known"
        if self._nudge is not None and changed is None:
            self._nudge(order, payment.id)
        return 200, "thank you"
