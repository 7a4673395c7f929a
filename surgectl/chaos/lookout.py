"""Sees whether a fault bites while it is on, and whether it is gone afterwards.

For a link's fault canaries are flown through it and held against those that came back before the storm; for a fault by
command its own check is asked. Nothing is seen outside the fault's window: that would prove nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from surgectl.chaos import canary
from surgectl.chaos.brownouts import Brownout, brownout_of
from surgectl.chaos.commands import Commands
from surgectl.chaos.links import LinkHandle
from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.plan.model import PlannedFault

_CANARY_EVERY_NS = 250_000_000
_FLOCK = 4
_PATIENCE_NS = 1_000_000_000
_PATIENCE_IN_COMPANY_NS = 4_000_000_000
"""Where several faults are on one link, what is late must be told from what never comes."""


class Say(Protocol):
    """Writes down what became of a fault."""

    def __call__(
        self, fault: PlannedFault, event: str, detail: str, observed: dict[str, int] | None = None
    ) -> None: ...


def sign_of(brownout: Brownout, fates: Mapping[canary.Fate, int], company: Sequence[Brownout]) -> str | None:
    """Whether canaries that fared so show this brownout; None where they do not, else what must be said of it. Pure.

    Alone on its link, any suffering is its work. In company only what the others do not do is; where the others do
    all that it does, nobody can tell them apart.
    """
    if not company:
        return "" if any(fates.get(word) for word in canary.SUFFERED) else None
    theirs = {word for other in company for word in other.shows}
    own = [word for word in brownout.shows if word not in theirs]
    if any(fates.get(word) for word in own or brownout.shows):
        return "" if own else f" (together with {', '.join(other.name for other in company)}, which look the same)"
    return None


class Lookout:
    """Watches the faults of one run. `on`: those that are on now, as whoever plays them keeps it."""

    def __init__(
        self,
        links: Mapping[str, LinkHandle],
        on: Mapping[str, PlannedFault],
        *,
        clock: Clock,
        commands: Commands,
        say: Say,
    ) -> None:
        self._links = links
        self._on = on
        self._clock = clock
        self._commands = commands
        self._say = say
        self._usual: dict[str, canary.Sighting | None] = {}
        self._usual_long: dict[str, canary.Sighting | None] = {}

    async def learn_what_is_usual(self) -> None:
        """Fly canaries over every link before the storm: they show what is usual.

        UsageError where a link speaks TLS and somebody else answers than the target says.
        """
        for link in self._links.values():
            self._usual[link.link] = await self._what_is_usual(link)
            self._usual_long[link.link] = (
                await self._what_is_usual(link, long=True) if link.speaks == "postgres" else self._usual[link.link]
            )

    async def _what_is_usual(self, link: LinkHandle, *, long: bool = False) -> canary.Sighting | None:
        flights = [await self._fly(link, long=long) for _ in range(3)]
        if all(flight.doubt for flight in flights):
            raise UsageError(
                f"link {link.link}: {flights[-1].doubt}",
                where=f"links.{link.link}.tls",
                hint="is server_name the provider's own name, and ca the file of who vouches for it?",
            )
        return canary.yardstick(flights, link.speaks)

    def usual(self, link: str) -> canary.Sighting | None:
        """What a canary saw on a link before the storm; None = none came back, or nobody looked."""
        return self._usual.get(link)

    async def watch(self, fault: PlannedFault, end_ns: int) -> None:
        """Look until the window ends; says `verified` at the first sight of somebody suffering."""
        await (self._ask(fault, end_ns) if fault.run else self._verify(fault, end_ns))

    async def _fly(self, link: LinkHandle, patience_ns: int = 2_000_000_000, *, long: bool = False) -> canary.Sighting:
        return await canary.fly(link.listen, self._clock, patience_ns, speaks=link.speaks, long=long, tls=link.tls)

    async def _ask(self, fault: PlannedFault, end_ns: int) -> None:
        """A command's fault is seen by its own check; without one nobody sees it, and that is said."""
        if not fault.check:
            self._say(fault, "failed", "it has no check, so nobody saw whether it bit (exec: check)")
            return
        while (begun_ns := self._clock.now_ns()) < end_ns:
            try:
                broken = await self._commands.says_yes(fault.check, fault.exec_timeout_ns)
            except OSError as error:
                self._say(fault, "failed", f"its check could not be asked: {error}")
                return
            if broken and fault.fault in self._on and self._clock.now_ns() <= end_ns:
                self._say(fault, "verified", f"{' '.join(fault.check)}: broken", observed={"broken": 1})
                return
            await self._clock.sleep_until_ns(begun_ns + _CANARY_EVERY_NS)

    async def _verify(self, fault: PlannedFault, end_ns: int) -> None:
        """Fly canaries through the broken link."""
        link, brownout = self._links[fault.link], brownout_of(fault)
        long = brownout.spares_short_replies and self._usual_long.get(fault.link) is not None
        usual = (self._usual_long if long else self._usual).get(fault.link)
        if usual is None:
            self._say(fault, "failed", "no canary came back before the fault, so nothing can be compared with it")
            return
        seen: Counter[str] = Counter()
        while self._clock.now_ns() < end_ns:
            begun_ns = self._clock.now_ns()
            company = self._others_on(fault)
            patience_ns = min(_PATIENCE_IN_COMPANY_NS if company else _PATIENCE_NS, end_ns - begun_ns)
            # Toxicity is drawn per connection: a flock finds a fault that spares most connections.
            flock = await asyncio.gather(*(self._fly(link, patience_ns, long=long) for _ in range(_FLOCK)))
            if fault.fault not in self._on or self._clock.now_ns() > end_ns + 10_000_000:
                return  # it ended outside the window: proves nothing
            fates = Counter(canary.fate(sighting, usual) for sighting in flock)
            seen.update(fates)
            told = sign_of(brownout, fates, [brownout_of(other) for other in company])
            if told is not None:
                words = ", ".join(f"{seen[word]} {word}" for word in (*canary.SUFFERED, "usual") if seen[word])
                self._say(fault, "verified", f"canaries: {words}{told}", observed=dict(seen))
                return
            await self._clock.sleep_until_ns(begun_ns + _CANARY_EVERY_NS)

    async def see_gone(self, fault: PlannedFault) -> None:
        """Once a fault was taken back: says `healed` where a canary passes or the check agrees, else `cleared`."""
        if fault.run:
            await self._see_mended(fault)
            return
        if fault.link not in self._links:
            self._say(fault, "healed", "its link is not open")
            return
        usual = self._usual.get(fault.link)
        for _ in range(10):
            sighting = await self._fly(self._links[fault.link])
            if usual is None or canary.fate(sighting, usual) == "usual":
                self._say(fault, "healed", "the fault is gone and a canary passes")
                return
            if self._others_on(fault):
                self._say(fault, "healed", "the fault is gone; another one is still on this link")
                return
            await self._clock.sleep_until_ns(self._clock.now_ns() + 200_000_000)
        self._say(fault, "cleared", "the fault is gone from the proxy, but canaries still suffer")

    async def _see_mended(self, fault: PlannedFault) -> None:
        """A command's fault is healed when its check no longer says "broken"; without one, by the command's word."""
        said = " ".join(fault.heal)
        for _ in range(10 if fault.check else 0):
            try:
                if not await self._commands.says_yes(fault.check, fault.exec_timeout_ns):
                    self._say(fault, "healed", f"{said}; its check agrees")
                    return
            except OSError as error:
                said += f"; its check could not be asked: {error}"
                break
            await self._clock.sleep_until_ns(self._clock.now_ns() + 200_000_000)
        if fault.check:
            self._say(fault, "cleared", f"{said}; but its check does not say that it is mended")
        else:
            self._say(fault, "healed", said)

    def _others_on(self, fault: PlannedFault) -> list[PlannedFault]:
        return [o for o in self._on.values() if o.link == fault.link and not o.run and o.fault != fault.fault]
