"""Carries the letters: signs each, posts it, and comes back later where nobody took it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import aiohttp
import msgspec

from surgectl import chance
from surgectl.clock import Clock
from surgectl.stage.payments.events import number_of
from surgectl.stage.payments.faults import Faults
from surgectl.stage.payments.ledger import Mail
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.webhooks.deliveries import Delivery, DeliveryLog, about
from surgectl.stage.payments.webhooks.forgery import forged
from surgectl.stage.payments.webhooks.lane import Lane
from surgectl.stage.payments.webhooks.outbox import DELIVERED, DROPPED, GIVEN_UP, WAITING, Letter, Outbox
from surgectl.stage.payments.webhooks.signature import HEADER, sign
from surgectl.units import NS_PER_S

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_LONGEST_BACKOFF = 20
"""Times the first back-off: where doubling ends."""
_REPLY_BYTES = 1 << 16


class Courier:
    """One lane for each endpoint; `settled` is told how each letter ended, so that a restart knows."""

    def __init__(
        self,
        outbox: Outbox,
        log: DeliveryLog,
        faults: Faults,
        options: Options,
        clock: Clock,
        settled: Callable[[Mail], None],
    ) -> None:
        self._outbox = outbox
        self._log = log
        self._faults = faults
        self._options = options
        self._clock = clock
        self._settled = settled
        self._lanes: dict[str, Lane] = {}
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._options.webhook_timeout_ns / NS_PER_S),
            auto_decompress=False,
        )
        self._outbox.fresh.clear()
        for letter in self._outbox.waiting():  # what an earlier life owes; its patience runs from then
            age_ns = int(self._clock.wall().timestamp() - letter.event.created) * NS_PER_S
            self._push(letter, 0, max(0, self._options.webhook_retry_for_ns - age_ns))

    async def close(self) -> None:
        await self.forget()
        if self._http is not None:
            await self._http.close()

    async def forget(self) -> None:
        """Let every letter lie."""
        lanes, self._lanes = list(self._lanes.values()), {}
        for lane in lanes:
            await lane.close()

    def collect(self) -> None:
        """Take what the books have newly posted: never waits. Called after the ledger line was written."""
        fresh, self._outbox.fresh = self._outbox.fresh, []
        for letter in fresh:
            fate = self._faults.draw_letter(letter.event.type, self._clock.now_ns())
            if fate.drop:
                self._close(letter, DROPPED)
                continue
            letter.copies = fate.copies + self._chance("repeat", letter, self._options.webhook_repeats)
            delay_ns = fate.delay_ns + int(self._options.webhook_shuffle_ns * self._unit("shuffle", letter))
            self._push(letter, delay_ns, delay_ns + self._options.webhook_retry_for_ns)
            forgery = forged(letter)
            if forgery is not None and self._chance("forgery", letter, self._options.webhook_forgeries):
                self._push(forgery, delay_ns, delay_ns)

    def _unit(self, what: str, letter: Letter) -> float:
        """In [0, 1): follows from the seed and the event alone, however often anything was sent."""
        return chance.unit(self._options.seed, f"payments.webhook.{what}", number_of(letter.event.id))

    def _chance(self, what: str, letter: Letter, share: float) -> bool:
        return share > 0 and self._unit(what, letter) < share

    def _push(self, letter: Letter, in_ns: int, patience_ns: int) -> None:
        lane = self._lanes.get(letter.endpoint.id)
        if lane is None:
            lane = Lane(self._try_once, self._options.webhook_workers, self._backoff_ns, self._clock).open()
            self._lanes[letter.endpoint.id] = lane
        now_ns = self._clock.now_ns()
        lane.push(letter, now_ns + in_ns, now_ns + patience_ns)

    def _backoff_ns(self, failures: int) -> int:
        """Doubles from the first, and is spread over its upper half so that letters do not come back as one."""
        first_ns = self._options.webhook_backoff_ns
        length_ns = min(first_ns << min(failures - 1, 16), first_ns * _LONGEST_BACKOFF)
        share = chance.between(0.5, 1.0, self._options.seed, "payments.webhook.backoff", failures, len(self._lanes))
        return int(length_ns * share)

    async def _try_once(self, letter: Letter, until_ns: int) -> bool:
        """Whether the shop took it. What it did not take is put back into its lane, or given up."""
        if letter.state != WAITING:
            return True  # its endpoint was deleted meanwhile
        problem = await self._send(letter)
        letter.tries += 1
        if letter.forged:
            return True  # a forger has no second try, and the shop's no is what a forger deserves
        now_ns = self._clock.now_ns()
        if problem is None:
            if letter.copies > 0:
                letter.copies -= 1
                self._push(letter, 0, until_ns - now_ns)
            else:
                self._close(letter, DELIVERED)
            return True
        letter.last_error = problem
        back_ns = self._backoff_ns(letter.tries)
        if now_ns + back_ns > until_ns:
            _log.info(
                "%s to %s given up after %d tries: %s", letter.event.id, letter.endpoint.url, letter.tries, problem
            )
            self._close(letter, GIVEN_UP)
        else:
            self._push(letter, back_ns, until_ns - now_ns)
        return False

    async def _send(self, letter: Letter) -> str | None:
        """None where the shop answered 2xx, else what it did instead."""
        assert self._http is not None
        endpoint, body = letter.endpoint, _encode(letter.event)
        secret = endpoint.secret if isinstance(endpoint.secret, str) else ""
        bad = letter.forged or self._faults.spoils_signature(letter.event.type, self._clock.now_ns())
        if bad:
            secret = f"not-{secret}"
        at = self._clock.wall()
        # Signed anew each time: a shop refuses what was signed more than five minutes ago.
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://docs.stripe.com/webhooks)",
            HEADER: sign(secret, body, int(at.timestamp())),
        }
        letter.last_status = None
        problem: str | None = "let lie"
        try:
            problem = await self._post(self._http, letter, body, headers)
        finally:
            self._note(letter, at, bad, problem)
        return problem

    async def _post(
        self, http: aiohttp.ClientSession, letter: Letter, body: bytes, headers: dict[str, str]
    ) -> str | None:
        try:
            async with http.post(letter.endpoint.url, data=body, headers=headers, allow_redirects=False) as reply:
                letter.last_status = reply.status
                await reply.content.read(_REPLY_BYTES)
                return None if 200 <= reply.status < 300 else f"HTTP {reply.status}"
        except TimeoutError:
            return "timed out"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"[:200]

    def _note(self, letter: Letter, at: datetime, bad: bool, problem: str | None) -> None:
        event, endpoint, subject = letter.event, letter.endpoint.id, about(letter.event)
        self._log.note(
            Delivery(
                event=event.id,
                type=event.type,
                payment=subject.payment,
                metadata=subject.metadata,
                number=None if letter.forged else number_of(event.id),
                created=event.created,
                endpoint=endpoint,
                delivery=self._log.times(event.id, endpoint) + 1,
                at=at,
                signature="bad" if bad else "good",
                status=letter.last_status,
                error=problem,
            )
        )

    def _close(self, letter: Letter, state: str) -> None:
        self._outbox.close(letter, state)
        self._settled(letter.mail())
