"""Lets requests that need a login leave with one: a driver around another, as traced.py is.

A request waits for its login no longer than its own time-out. Where the login fails the request is never sent, and its
reply says so (`not-sent`). What comes back goes to the fan as it came: nothing is ever sent again behind a fan's back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from surgectl.engine.attempt import Attempt
from surgectl.engine.drivers.around import AroundEar
from surgectl.engine.drivers.driver import Driver, Listening, Mark, Session, Then, UnderWay
from surgectl.engine.drivers.waiting import sent
from surgectl.engine.login import Entry
from surgectl.engine.logins import Logins
from surgectl.engine.timers import Sleeper
from surgectl.journey.logins import filled, needed
from surgectl.journey.messages import Push, Reply, Wire

Begin = Callable[[Wire, Then], UnderWay]
"""Lets a request leave."""


class Admitted:
    """`Admitted(driver, logins)`: the same driver, whose requests carry what logins gave."""

    def __init__(self, inner: Driver, logins: Logins, *, keeps: bool = True, fan: int | None = None) -> None:
        """`keeps`: it ends the logins when it is closed; of several that share them, one does. `fan`: whose requests
        are those that are no attempts."""
        self.inner = inner
        self._logins = logins
        self._keeps = keeps
        self._fan = fan

    def visit(self, fan: int | None) -> AdmittedSession:
        """A browser for a login of that fan, which may need another login."""
        return AdmittedSession(self.inner.session(cookies=True, fan=fan or 0), self._logins, fan)

    def __repr__(self) -> str:
        return f"<Admitted {self.inner!r}>"

    @property
    def open_sockets(self) -> int:
        """Connections open now."""
        return self.inner.open_sockets

    async def __aenter__(self) -> Admitted:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._keeps:
            await self._logins.close()
        await self.inner.__aexit__(*exc)

    def session(self, *, cookies: bool = True, fan: int = 0) -> AdmittedSession:
        """A new, empty session. Does no I/O."""
        return AdmittedSession(self.inner.session(cookies=cookies, fan=fan), self._logins, self._fan)


class AdmittedSession:
    """One tab's browser."""

    __slots__ = ("_fan", "_inner", "_logins", "_used")

    def __init__(self, inner: Session, logins: Logins, fan: int | None = None) -> None:
        self._inner = inner
        self._logins = logins
        self._fan = fan
        self._used: tuple[Entry, ...] = ()
        """Logins of the fan's own account."""

    def start(self, wire: Wire, due_ns: int, mark: Mark, then: Then) -> UnderWay:
        """Send once and only once, with what its logins gave; see Session.start."""
        names = needed(wire)
        if not names:
            return self._inner.start(wire, due_ns, mark, then)
        return self.hold(
            names, wire, due_ns, mark, then, lambda full, told: self._inner.start(full, due_ns, mark, told)
        )

    def hold(self, names: tuple[str, ...], wire: Wire, due_ns: int, mark: Mark, then: Then, begin: Begin) -> UnderWay:
        fan = mark.fan if isinstance(mark, Attempt) else self._fan
        entries = tuple(self._logins.entry(name, fan) for name in names)
        for entry in entries:
            if entry.row is not None and entry not in self._used:
                entry.users += 1
                self._used += (entry,)
        held = Held(self._logins, entries, wire, due_ns, then, begin)
        held.go()
        return held

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """The same, for one who waits."""
        return await sent(self, wire, due_ns, mark)

    def ear(self) -> AdmittedEar:
        """The same, whose connections are opened with what logins gave."""
        return AdmittedEar(self, self._inner.ear())

    def close(self) -> None:
        for entry in self._used:
            entry.users -= 1
            self._logins.let_go(entry)
        self._used = ()
        self._inner.close()


class AdmittedEar(AroundEar):
    """What such a tab listens with."""

    __slots__ = ("_session",)

    def __init__(self, session: AdmittedSession, inner: Listening) -> None:
        super().__init__(inner)
        self._session = session

    def hear(self, wire: Wire, push: Push, due_ns: int, mark: Mark, then: Then) -> UnderWay:
        names = needed(wire)
        if not names:
            return self._inner.hear(wire, push, due_ns, mark, then)
        return self._session.hold(
            names, wire, due_ns, mark, then, lambda full, told: self._inner.hear(full, push, due_ns, mark, told)
        )


class Held(Sleeper):
    """A request that needs logins: held back until it has them, then under way."""

    __slots__ = ("_begin", "_called_ns", "_entries", "_logins", "_numbers", "_then", "_under_way", "_waits", "_wire")

    def __init__(
        self, logins: Logins, entries: tuple[Entry, ...], wire: Wire, due_ns: int, then: Then, begin: Begin
    ) -> None:
        self._logins = logins
        self._entries = entries
        self._wire = wire
        self._called_ns = max(due_ns, logins.scene.now_ns())
        self._then: Then | None = then
        self._begin = begin
        self._under_way: UnderWay | None = None
        self._numbers: tuple[int, ...] = ()
        """Which of each login it left with."""
        self._waits = False

    def go(self) -> None:
        """Leave if all is there, else wait. Says nothing before it has returned."""
        values = {}
        for entry in self._entries:
            found = entry.values()
            if found is None:
                if entry.waits:
                    entry.wait(self._made)
                else:
                    self._later(f"{entry.trouble or 'denied'}; not tried again so soon")
                if not self._waits:
                    self._waits = True
                    self._logins.scene.timers.at(self._called_ns + self._wire.timeout_ns, self)
                return
            values[entry.login.name] = found
        self._leave(values)

    def wake(self) -> None:
        """Its time-out is over."""
        if self._under_way is None:
            names = ", ".join(entry.login.name for entry in self._entries)
            self._end(Reply(broken="not-sent", detail=f"login {names}: not over in time"))

    def quit(self) -> None:
        """See UnderWay.quit."""
        if self._under_way is not None:
            self._under_way.quit()
        else:
            self._end(Reply(broken="quit"))

    def _made(self, entry: Entry) -> None:
        if self._then is None:
            return
        if entry.trouble and entry.values() is None:
            self._end(Reply(broken="not-sent", detail=entry.trouble))
        else:
            self.go()

    def _leave(self, values: dict[str, dict[str, object]]) -> None:
        wire = filled(self._wire, values)
        left_ns = wire.timeout_ns - (self._logins.scene.now_ns() - self._called_ns)
        if self._waits:  # it has waited: what is left of its time is what it has
            wire = msgspec.structs.replace(wire, timeout_ns=max(1, left_ns))
        self._numbers = tuple(entry.number for entry in self._entries)
        self._under_way = self._begin(wire, self._answered)

    def _answered(self, reply: Reply) -> None:
        for entry, number in zip(self._entries, self._numbers, strict=True):
            if entry.login.denies(reply):
                entry.denied(number)
            elif reply.broken is None:
                entry.accepted(number)
        then, self._then = self._then, None
        if then is not None:
            then(reply)

    def _later(self, why: str) -> None:
        asyncio.get_running_loop().call_soon(self._end, Reply(broken="not-sent", detail=why))

    def _end(self, reply: Reply) -> None:
        """It never left."""
        then, self._then = self._then, None
        if then is not None:
            then(msgspec.structs.replace(reply, url=self._wire.url, done_ns=self._logins.scene.now_ns()))
