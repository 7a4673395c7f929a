"""Speaks with the payment provider, and never believes that silence means no."""

from __future__ import annotations

import enum
from types import TracebackType
from urllib.parse import quote

import aiohttp
import msgspec

from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.metadata import Metadata
from surgectl.units import NS_PER_S

_PAGE = 100
_PAGES_AT_MOST = 200
_REST_NS = NS_PER_S // 4  # after a 429 that does not say how long


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
    """What we know after one request; `silent`: not even that the house is open (a time-out, a cut, a fresh 5xx)."""

    answer: Answer
    payment: str | None = None
    silent: bool = False
    busy_ns: int | None = None
    """Too much for the provider: how long it wants to be left alone."""

    @property
    def fenced(self) -> bool:
        """The key that was asked with can charge no more than it has."""
        return self.answer not in (Answer.SILENCE, Answer.BUSY, Answer.BURNT)


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


class Endpoint(msgspec.Struct, frozen=True):
    """Where the provider sends its events, and the secret it signs them with."""

    id: str
    secret: str


class _Refund(msgspec.Struct):
    id: str
    status: str = "succeeded"


_payment = msgspec.json.Decoder(Payment)
_page = msgspec.json.Decoder(_Page)
_failure = msgspec.json.Decoder(_Failure)
_refund = msgspec.json.Decoder(_Refund)
_endpoint = msgspec.json.Decoder(Endpoint)


class _Got(msgspec.Struct, frozen=True):
    """A whole HTTP answer; `replayed`: it is the stored answer to an earlier request with this key."""

    status: int
    body: bytes
    replayed: bool
    retry_after_ns: int | None = None


class Silence(Exception):
    """A question that got no answer we could read; `heard`: the house is open all the same."""

    def __init__(self, why: str, *, heard: bool = False) -> None:
        super().__init__(why)
        self.heard = heard


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

    async def charge(self, order: Order, key: str, currency: str, *, capture: bool = True) -> Reply:
        """Create and confirm the payment of this order. Repeated with the same key it charges once.

        Without `capture` the money is only set aside: OPEN, until `capture` takes it.
        """
        return await self._create(order, key, currency, confirm=True, capture=capture)

    async def capture(self, payment: str, key: str) -> Reply:
        """Take the money of a payment that was set aside."""
        try:
            path = f"/v1/payment_intents/{quote(payment, safe='')}/capture"
            return _judge(await self._send("POST", path, key=key, form={}))
        except Silence:
            return Reply(Answer.SILENCE, silent=True)

    async def close_key(self, order: Order, key: str, currency: str) -> Reply:
        """Make sure that nothing under this key can charge any more: `fenced` says whether that is certain now.

        The same key with other parameters: either it is fresh, then it now stands for a payment without money,
        or the provider tells us that it was used before. Used is not finished: a slow bank may still be at it.
        So the original is asked for once more, and only its own stored answer shows that it has ended (a
        request at work is answered with 409). From then on what the provider lists is final.
        """
        reply = await self._create(order, key, currency, confirm=False)
        if reply.answer is Answer.BURNT:
            reply = await self._create(order, key, currency, confirm=True)
        return reply

    async def _create(self, order: Order, key: str, currency: str, *, confirm: bool, capture: bool = True) -> Reply:
        form = {
            "amount": str(order.amount_minor),
            "currency": currency.lower(),
            "payment_method": order.token,
            "confirm": "true" if confirm else "false",
            "expand[]": "latest_charge",
        }
        if not capture:
            form["capture_method"] = "manual"
        if confirm:
            form["error_on_requires_action"] = "true"  # nobody is there to answer the bank's question: that is a no
        form |= {f"metadata[{name}]": value for name, value in self._metadata.write(order).items()}
        try:
            return _judge(await self._send("POST", "/v1/payment_intents", key=key, form=form))
        except Silence:
            return Reply(Answer.SILENCE, silent=True)

    async def payment(self, payment: str) -> Payment | None:
        """One payment as it stands; None where the provider knows none of that name. Silence: ask again later."""
        got = await self._send("GET", f"/v1/payment_intents/{quote(payment, safe='')}")
        if got.status == 404:
            return None
        if got.status != 200:
            raise Silence(f"the question was answered with {got.status}", heard=got.status < 500)
        try:
            return _payment.decode(got.body)
        except msgspec.MsgspecError as error:
            raise Silence("the answer was cut or is not JSON") from error

    def order_of(self, payment: Payment) -> str | None:
        """Which of our orders a payment is for, as we told the provider."""
        return self._metadata.order(payment.metadata)

    async def register_endpoint(self, url: str, events: tuple[str, ...], key: str) -> Endpoint:
        """Ask to be told of events at `url`; the same key again finds the same endpoint. Silence: ask again later."""
        form = {"url": url} | {f"enabled_events[{n}]": event for n, event in enumerate(events)}
        got = await self._send("POST", "/v1/webhook_endpoints", key=key, form=form)
        if got.status != 200:
            raise Silence(f"the webhook endpoint was answered with {got.status}", heard=got.status < 500)
        try:
            return _endpoint.decode(got.body)
        except msgspec.MsgspecError as error:
            raise Silence("the webhook endpoint's answer was cut or is not JSON") from error

    async def knows_endpoint(self, endpoint: str) -> bool:
        """Whether an endpoint that was registered once is still there. Silence: ask again later."""
        got = await self._send("GET", f"/v1/webhook_endpoints/{quote(endpoint, safe='')}")
        if got.status not in (200, 404):
            raise Silence(f"the question was answered with {got.status}", heard=got.status < 500)
        return got.status == 200

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
                raise Silence(f"the list was answered with {got.status}", heard=got.status < 500)
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
            raise Silence(f"the refund was answered with {got.status}", heard=got.status < 500)
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
                wait_ns = retry_after_ns(response.headers.get("Retry-After"))
                return _Got(response.status, await response.read(), replayed, wait_ns)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Silence(str(error) or type(error).__name__) from error


def _judge(got: _Got) -> Reply:
    """What one answer to a request for money tells us. What we do not understand is silence, never a no."""
    status, body = got.status, got.body
    if status == 200:
        try:
            payment = _payment.decode(body)
        except msgspec.MsgspecError:
            return Reply(Answer.SILENCE, silent=True)
        return Reply(payment.answer, payment.id)
    if status == 429:
        return Reply(Answer.BUSY, busy_ns=_REST_NS if got.retry_after_ns is None else got.retry_after_ns)
    if status in (400, 402):
        try:
            failure = _failure.decode(body).error
        except msgspec.MsgspecError:
            return Reply(Answer.SILENCE, silent=True)
        if status == 402 and failure.type == "card_error":
            return Reply(Answer.DECLINED)
        if failure.type == "idempotency_error":
            return Reply(Answer.BURNT)
    if status >= 500 and got.replayed:
        return Reply(Answer.SPENT)
    return Reply(Answer.SILENCE, silent=status >= 500)  # 409: our own key is at work this moment; 5xx: who knows


def retry_after_ns(said: str | None) -> int | None:
    """Retry-After in seconds (RFC 9110, 10.2.3); a date or nonsense is None. More than a minute is not believed."""
    if said is None or not said.strip().isdecimal():
        return None
    return min(60, int(said)) * NS_PER_S
