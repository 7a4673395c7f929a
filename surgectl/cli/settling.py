"""After the last fan: wait until the books have come to rest, ask about what was left open, and read the books.

The shop's constants say how long an eventual condition may stay open (design: the settling window). A shop that is
visibly at rest is read sooner; but whatever then still looks open keeps us until the window has passed, for only
after it may an open condition be called a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from surgectl.cli.interrupts import Interrupts
from surgectl.clock import Clock
from surgectl.evidence.books import Books
from surgectl.evidence.collect import collect
from surgectl.evidence.settle import pending_in, settle
from surgectl.profile.substitute import Secrets
from surgectl.profile.target import Target
from surgectl.units import show_duration


class Settling:
    """One run's settling. A signal ends every wait at once: what is still open then stays open."""

    def __init__(
        self,
        target: Target,
        variables: Mapping[str, object],
        *,
        since_epoch_s: float,
        clock: Clock,
        folder: Path,
        root: Path,
        secrets: Secrets,
        interrupts: Interrupts,
        say: Callable[[str, str], None],
    ) -> None:
        self._target = target
        self._variables = variables
        self._since_epoch_s = since_epoch_s
        self._clock = clock
        self._folder = folder
        self._root = root
        self._secrets = secrets
        self._interrupts = interrupts
        self._say = say

    async def wait_until_at_rest(self, at_most_ns: int) -> None:
        """Look into the books until nothing is pending at several looks in a row, or `at_most_ns` have passed."""
        self._say("settling", f"waiting until the books are at rest, {show_duration(at_most_ns)} at most")
        promises = self._target.promises
        # A payment that is still on its way is in nobody's books: give the slowest one the time to land.
        least_ns = int(promises.payment_timeout) + 2 * int(promises.reconcile_every)
        async with Books(
            self._target,
            self._variables,
            self._since_epoch_s,
            self._clock,
            root=self._root,
            redact=self._secrets.redact,
        ) as books:
            waiting = settle(lambda: pending_in(books), at_most_ns, self._clock, at_least_ns=min(least_ns, at_most_ns))
            await self._interrupts.race(waiting)

    async def wait_out(self, until_ns: int) -> None:
        """Wait until that instant of the clock: the end of the settling window."""
        left_ns = until_ns - self._clock.now_ns()
        if left_ns > 0:
            self._say("settling", f"something is still open: waiting out the settling window, {show_duration(left_ns)}")
            await self._interrupts.race(self._clock.sleep_until_ns(until_ns))

    async def read_the_books(self, at_most_ns: int | None = None) -> None:
        """Collect the evidence into the recording."""
        self._say("evidence", "reading the books of shop and provider")
        await collect(
            self._target,
            self._variables,
            self._since_epoch_s,
            self._clock,
            self._folder,
            at_most_ns=at_most_ns,
            root=self._root,
            redact=self._secrets.redact,
        )
