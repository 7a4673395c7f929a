"""Speaks with the payment provider, and never believes that silence means no."""

from __future__ import annotations

import enum
from types import TracebackType

import aiohttp
import msgspec

from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.metadata import Metadata

_PAGE = 100
_PAGES_AT_MOST = 200


class Answer(enum.Enum):
    """What is known after one request for money."""

    PAID = "paid"
    DECLINED = "declined"
    """This payment will never come."""
    PROCESSING = "processing"
    """The provider has it and will know later."""
    OPEN = "open"
    """There is a payment, and it has taken no money so far."""
    BURNT = "burnt"
    """The key was used before with other parameters. It may be at work this very moment."""
    SPENT = "spent"
    """The key's answer is an error that is stored with it: nothing more will ever come of it."""
    BUSY = "busy"
    """Definitely not executed."""
    SILENCE = "silence"
    """May or may not have happened: a time-out, a cut, a 5xx, anything we do not understand."""


class Reply(msgspec.Struct, frozen=True):
    answer: Answer
    payment: str | None = None


class _LastError(msgspec.Struct):
    code: str | None = None


class Payment(msgspec.Struct, frozen=True):
    """A payment intent, as much of it as we read (Stripe API v1)."""

    id: str
    status: str
    created: int
    metadata: dict[str, str] = {}
    last_payment_error: _LastError | None = None

    @property
    def answer(self) -> Answer:
        if self.status == "succeeded":
            return Answer.PAID
        if self.status == "processing":
            return Answer.PROCESSING
        if self.status == "requires_action" or (self.status == "requires_payment_method" and self.last_payment_error):
            return Answer.DECLINED
        return Answer.OPEN  # being confirmed this moment, or never to be; only a closed key tells which


class _Page(msgspec.Struct):
    data: list[Payment]
    has_more: bool = False


class _Error(msgspec.Struct):
    type: str = ""
    code: str | None = None


class _Failure(msgspec.Struct):
    error: _Error


class _Refund(msgspec.Struct):
    id: str
    status: str = "succeeded"


_payment = msgspec.json.Decoder(Payment)
_page = msgspec.json.Decoder(_Page)
_failure = msgspec.json.Decoder(_Failure)
_refund = msgspec.json.Decoder(_Refund)


class _Got(msgspec.Struct, frozen=True):
    """A whole HTTP answer; `replayed`: it is the stored answer to an earlier request with this key."""

    status: int
    body: bytes
    replayed: bool


class Silence(Exception):
    """A question that got no answer we could read."""


class Provider:
    """A client of /v1/payment_intents and /v1/refunds with one time-out per request and no retry of its own.

    aiohttp resends only GET and its like on a dropped connection, never POST, so each POST here is one try
    (the provider would see a repetition by its key in any case). A request that timed out takes its
    connection with it; the next one gets another.
    """

    def __init__(
        self, url: str, secret: str, timeout_ns: int, connections: int, metadata: Metadata | None = None
    ) -> None:
        self._metadata = metadata or Metadata()
        self._url = url.rstrip("/")
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=timeout_ns / 1e9)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Provider:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30),
            headers={"Authorization": f"Bearer {self._secret}"},
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def charge(self, order: Order, key: str, currency: str) -> Reply:
        """Create and confirm the payment of this order. Repeated with the same key it charges once."""
        return await self._create(order, key, currency, confirm=True)

    async def close_key(self, order: Order, key: str, currency: str) -> bool:
        """Make sure that nothing under this key can charge any more → whether that is certain now.

        The same key with other parameters: either it is fresh, then it now stands for a payment without money,
        or the provider tells us that it was used before. Used is not finished: a slow bank may still be at it.
        So the original is asked for once more, and only its own stored answer shows that it has ended (a
        request at work is answered with 409). From then on what the provider lists is final.
        """
        reply = await self._create(order, key, currency, confirm=False)
        if reply.answer is Answer.BURNT:
            reply = await self._create(order, key, currency, confirm=True)
        return reply.answer not in (Answer.SILENCE, Answer.BUSY, Answer.BURNT)

    async def _create(self, order: Order, key: str, currency: str, *, confirm: bool) -> Reply:
        form = {
            "amount": str(order.amount_minor),
            "currency": currency.lower(),
            "payment_method": order.token,
            "confirm": "true" if confirm else "false",
            "expand[]": "latest_charge",
        }
        form |= {f"metadata[{name}]": value for name, value in self._metadata.write(order).items()}
        try:
            return _judge(await self._send("POST", "/v1/payment_intents", key=key, form=form))
        except Silence:
            return Reply(Answer.SILENCE)

    async def payments_since(self, epoch_s: int, wanted: set[str]) -> dict[str, list[Payment]]:
        """By our order id, all payments created since then; stops early once each wanted order is seen paid.

        Silence where any page stays away: an incomplete list proves nothing about what it lacks.
        """
        found: dict[str, list[Payment]] = {}
        missing = set(wanted)
        query = {"limit": str(_PAGE), "created[gte]": str(epoch_s)}
        for _ in range(_PAGES_AT_MOST):
            got = await self._send("GET", "/v1/payment_intents", query=query)
            if got.status != 200:
                raise Silence(f"the list was answered with {got.status}")
            try:
                page = _page.decode(got.body)
            except msgspec.MsgspecError as error:
                raise Silence("the list was cut or is not JSON") from error
            for payment in page.data:
                order = self._metadata.order(payment.metadata)
                if order in wanted:
                    found.setdefault(order, []).append(payment)
                    if payment.answer is Answer.PAID:
                        missing.discard(order)
            if not page.has_more or not page.data or not missing:
                return found
            query["starting_after"] = page.data[-1].id
        raise Silence("the list has no end")

    async def refund(self, payment: str) -> str:
        """Give the money of a payment back, once for ever → the refund's id. Silence: ask again later."""
        got = await self._send("POST", "/v1/refunds", key=f"refund-{payment}", form={"payment_intent": payment})
        if got.status != 200:
            raise Silence(f"the refund was answered with {got.status}")
        try:
            return _refund.decode(got.body).id
        except msgspec.MsgspecError as error:
            raise Silence("the refund's answer was cut or is not JSON") from error

    async def _send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        form: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> _Got:
        assert self._session is not None, "the provider's client has not begun"
        headers = {"Idempotency-Key": key} if key else {}
        try:
            async with self._session.request(
                method, self._url + path, data=form, params=query, headers=headers, allow_redirects=False
            ) as response:
                replayed = response.headers.get("Idempotent-Replayed") == "true"
                return _Got(response.status, await response.read(), replayed)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Silence(str(error) or type(error).__name__) from error


def _judge(got: _Got) -> Reply:
    """What one answer to a request for money tells us. What we do not understand is silence, never a no."""
    status, body = got.status, got.body
    if status == 200:
        try:
            payment = _payment.decode(body)
        except msgspec.MsgspecError:
            return Reply(Answer.SILENCE)
        return Reply(payment.answer, payment.id)
    if status == 429:
        return Reply(Answer.BUSY)
    if status in (400, 402):
        try:
            failure = _failure.decode(body).error
        except msgspec.MsgspecError:
            return Reply(Answer.SILENCE)
        if status == 402 and failure.type == "card_error":
            return Reply(Answer.DECLINED)
        if failure.type == "idempotency_error":
            return Reply(Answer.BURNT)
    if status >= 500 and got.replayed:
        return Reply(Answer.SPENT)
    return Reply(Answer.SILENCE)  # 409: our own key is at work this moment; 5xx: who knows
