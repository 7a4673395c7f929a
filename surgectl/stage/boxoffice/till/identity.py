"""Asks the identity check who the buyer is, before any money is asked for."""

from __future__ import annotations

from types import TracebackType
from typing import Literal

import aiohttp
import msgspec

from surgectl import chance
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till import claims
from surgectl.stage.boxoffice.till.breaker import Rules, State
from surgectl.stage.boxoffice.till.cashier import Cashier
from surgectl.stage.boxoffice.till.hands import Hands
from surgectl.stage.boxoffice.till.lane import Lane, Turn
from surgectl.stage.boxoffice.till.provider import retry_after_ns
from surgectl.units import NS_PER_S

_TRIES = 3  # in quick succession; then it is asked again no sooner than the reconciler would


class Verdict(msgspec.Struct, frozen=True):
    """What is known after one question; `verdict` None: nothing, and nothing follows from that."""

    verdict: Literal["clear", "deny"] | None = None
    silent: bool = False
    busy_ns: int | None = None


class _Check(msgspec.Struct):
    verdict: Literal["clear", "deny"]


_check = msgspec.json.Decoder(_Check)


class Clerk:
    """What is done when it is an order's turn to be checked. Asking twice does no harm: a check takes no money."""

    def __init__(self, options: Options, counter: Counter, cashier: Cashier, hands: Hands) -> None:
        self._options = options
        self._counter = counter
        self._clock = counter.clock
        self._cashier = cashier
        self._hands = hands
        self._session: aiohttp.ClientSession | None = None
        rules = Rules(
            share=options.breaker_share,
            pause_ns=options.identity_timeout_ns // 4,
            longest_pause_ns=options.identity_timeout_ns,
        )
        self.lane: Lane[Verdict] = Lane("identity", options.payment_workers, rules, self._clock, self)

    async def __aenter__(self) -> Clerk:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._options.payment_workers, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=self._options.identity_timeout_ns / NS_PER_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    def wants(self, order: Order) -> bool:
        """Whether this order must pass here first. Where money may have been asked for, it is too late for that."""
        return bool(self._options.identity_url) and order.identity is None and not order.tried

    def submit(self, order: Order) -> None:
        self.lane.put(Turn(order))

    # -- the line's questions (lane.Work) ------------------------------------------------------------------

    def is_late(self, order: Order) -> bool:
        return self._cashier.past_deadline(order)

    async def late(self, order: Order) -> None:
        """Nobody can say who this is, and the time is over: nothing was charged, and the seats go back."""
        await self._hands.give_up(order, "IDENTITY_TIMEOUT")

    async def begin(self, turn: Turn) -> Turn | None:
        return turn if turn.order.id in self._hands else None

    async def ask(self, turn: Turn) -> Verdict:
        assert self._session is not None, "the clerk has not begun"
        url = f"{self._options.identity_url.rstrip('/')}/v1/checks"
        try:
            async with self._session.post(url, json={"email": turn.order.email}, allow_redirects=False) as response:
                body = await response.read()
                if response.status == 429:
                    wait_ns = retry_after_ns(response.headers.get("Retry-After"))
                    return Verdict(busy_ns=NS_PER_S // 4 if wait_ns is None else wait_ns)
                if response.status != 200:
                    return Verdict(silent=response.status >= 500)
                return Verdict(_check.decode(body).verdict)
        except (TimeoutError, aiohttp.ClientError, OSError, msgspec.MsgspecError):
            return Verdict(silent=True)

    async def act(self, turn: Turn, heard: Verdict) -> None:
        order, verdict = turn.order, heard.verdict
        if order.id not in self._hands:
            return
        if verdict is None:
            self.lane.put(Turn(order, turn.attempt + 1), self._clock.now_ns() + self._wait_ns(turn, heard))
            return
        now_ns = self._counter.now_ns()
        try:
            order = await self._hands.write(
                lambda books: claims.write_verdict(books, turn.order.id, verdict, now_ns, self._hands.lease())
            )
        except claims.Elsewhere:
            self._hands.let_go(order.id)
            return
        if order.state == "pending":
            self._cashier.submit(order)

    def _wait_ns(self, turn: Turn, heard: Verdict) -> int:
        """Unknown is unknown: it is asked again, after a while that is another for each (full jitter)."""
        few = turn.attempt < _TRIES and self.lane.breaker.state is State.CLOSED
        most_ns = 100_000_000 * 2**turn.attempt if few else self._options.reconcile_every_ns
        share = chance.unit(self._options.seed, "identity-backoff", turn.order.created_ns, turn.attempt)
        return (heard.busy_ns or 0) + int(min(most_ns, self._options.reconcile_every_ns) * share)
