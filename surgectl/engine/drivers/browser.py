"""One fan's browser: its cookies, its redirects, and each request sent once, over whatever moves the bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from yarl import URL

from surgectl.engine.drivers import redirect
from surgectl.engine.drivers.cookies import NO_COOKIES, Jar
from surgectl.engine.drivers.driver import Mark, Then
from surgectl.engine.drivers.place import Atlas, Place, place
from surgectl.engine.drivers.pushes.ear import Ear
from surgectl.engine.drivers.redirect import Headers
from surgectl.engine.drivers.waiting import sent
from surgectl.journey.messages import Broken, Reply, Wire

if TYPE_CHECKING:
    from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver


class Listener(Protocol):
    """Hears what became of one request: exactly one of these, and never before `ask` has returned."""

    def heard(self, status: int, headers: Headers, body: bytes, done_ns: int) -> None:
        """A whole reply."""
        ...

    def broke(self, why: Broken, detail: str) -> None:
        """None will come."""
        ...


class Asked(Protocol):
    """One request that is under way."""

    def quit(self, listener: Listener) -> None:
        """It is no longer wanted: close its connection, and say `quit`. Too late: nothing happens."""
        ...


class Asker(Protocol):
    """Moves the bytes of one request, once."""

    atlas: Atlas

    def now_ns(self) -> int: ...

    def wall_s(self) -> float: ...

    def permitted(self, host: str) -> bool: ...

    def ask(
        self,
        owner: object | None,
        place: Place,
        method: str,
        headers: Headers,
        body: bytes | None,
        mark: Mark,
        deadline_ns: int,
        listener: Listener,
    ) -> Asked:
        """`owner`: whose connections may carry it; None = those that all share."""
        ...

    def left(self, owner: object) -> None:
        """Its connections are nobody's any more."""
        ...

    async def pushing(self) -> AiohttpDriver:
        """Who opens the connections on which the shop speaks by itself."""
        ...


class Browser:
    """A session over an asker; `own`: its connections are nobody else's."""

    __slots__ = ("_asker", "_cookies", "_jar", "_own")

    def __init__(self, asker: Asker, *, cookies: bool, own: bool = False) -> None:
        self._asker = asker
        self._cookies = cookies
        self._own = own
        self._jar: Jar | None = None

    def start(self, wire: Wire, due_ns: int, mark: Mark, then: Then) -> Errand:
        """Send once and only once; see Session.start."""
        now_ns = self._asker.now_ns()
        errand = Errand(self, wire, mark, then, (due_ns if due_ns > now_ns else now_ns) + wire.timeout_ns)
        errand.begin()
        return errand

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """The same, for one who waits."""
        return await sent(self, wire, due_ns, mark)

    def ear(self) -> Ear:
        """What one page listens with; see Session.ear."""
        from surgectl.engine.drivers.pushes.speaking import speaking

        return Ear(self, speaking)

    # -- for whoever listens

    def now_ns(self) -> int:
        return self._asker.now_ns()

    async def pushing(self) -> AiohttpDriver:
        return await self._asker.pushing()

    def dressed(self, headers: Headers, place: Place) -> Headers | str:
        """The headers with this fan's cookies; or why this place may not be sent to."""
        if not self._asker.permitted(place.origin.named):
            return f"host {place.origin.named} is neither loopback nor in the target's allow"
        if self._jar is not None and self._cookies:
            headers = self._jar.onto(headers, place, self._asker.now_ns())
        return headers

    def kept(self, headers: Headers, place: Place) -> None:
        """The cookies of an answer."""
        for name, value in headers if self._cookies else ():
            if name.lower() == "set-cookie":
                if self._jar is None:
                    self._jar = Jar()
                self._jar.keep(value, place, self._asker)

    def close(self) -> None:
        """Forget the cookies, and close the connections that were this fan's alone."""
        self._jar = None
        if self._own:
            self._asker.left(self)


class Errand:
    """A request, and those that its redirects ask for."""

    __slots__ = ("_asked", "_browser", "_deadline_ns", "_hop", "_hops", "_mark", "_over", "_place", "_then", "_wire")

    def __init__(self, browser: Browser, wire: Wire, mark: Mark, then: Then, deadline_ns: int) -> None:
        self._browser = browser
        self._wire = wire
        self._mark = mark
        self._then = then
        self._deadline_ns = deadline_ns
        self._hop: redirect.Hop | None = None
        self._hops = 0
        self._asked: Asked | None = None
        self._over = False

    def begin(self) -> None:
        """Set out. Whatever goes wrong is told later, as any other fate."""
        wire = self._wire
        try:
            self._place = self._browser._asker.atlas.find(wire.url)
        except ValueError as error:
            self._later("not-sent", type(error).__name__)
            return
        self._ask(wire.method, wire.headers, wire.body)

    def quit(self) -> None:
        """The fan leaves; see UnderWay.quit."""
        if not self._over and self._asked is not None:
            self._asked.quit(self)

    # -- what the asker tells

    def heard(self, status: int, headers: Headers, body: bytes, done_ns: int) -> None:
        wire, browser, mark = self._wire, self._browser, self._mark
        jar = browser._jar
        try:
            if browser._cookies and wire.cookies:
                for name, value in headers:
                    if len(name) == 10 and name.lower() == "set-cookie":
                        if jar is None:
                            jar = browser._jar = Jar()
                        jar.keep(value, self._place, browser._asker)
                cookies = NO_COOKIES if jar is None else jar.values(self._place, done_ns)
            else:
                cookies = NO_COOKIES
            if status in redirect.REDIRECTS:
                location = redirect.location(status, headers)
                if location and redirect.wanted(wire.follow, location) and self._follow(status, location):
                    return
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and says what it means
            mark.failure = error
            self.broke("invalid", type(error).__name__)
            return
        self._end(
            Reply(
                status=status,
                headers=headers,
                body=body,
                url=self._place.text,
                cookies=cookies,
                sent_ns=mark.sent_ns,
                done_ns=done_ns,
            )
        )

    def broke(self, why: Broken, detail: str) -> None:
        self._end(Reply(broken=why, sent_ns=self._mark.sent_ns, done_ns=self._browser._asker.now_ns(), detail=detail))

    # -- our own

    def _ask(self, method: str, headers: Headers, body: bytes | None) -> None:
        browser, place = self._browser, self._place
        asker = browser._asker
        if not asker.permitted(place.origin.named):
            why: Broken = "not-sent" if self._mark.sent_ns is None else "cut"
            self._later(why, f"host {place.origin.named} is neither loopback nor in the target's allow")
            return
        if browser._jar is not None and browser._cookies and self._wire.cookies:
            headers = browser._jar.onto(headers, place, self._deadline_ns - self._wire.timeout_ns)
        self._mark.sends = 1
        owner = browser if browser._own else None
        self._asked = asker.ask(owner, place, method, headers, body, self._mark, self._deadline_ns, self)

    def _follow(self, status: int, location: str) -> bool:
        """Go where a redirect leads, if it leads anywhere."""
        wire = self._wire
        hop = self._hop or redirect.Hop(method=wire.method, url=URL(wire.url), headers=wire.headers, body=wire.body)
        onward = redirect.next_hop(hop, status, location)
        if onward is None:
            return False
        self._hops += 1
        if self._hops > redirect.MOST_HOPS:
            self.broke("invalid", "too many redirects")
            return True
        self._hop, self._place = onward, place(onward.url)
        self._ask(onward.method, onward.headers, onward.body)
        return True

    def _later(self, why: Broken, detail: str) -> None:
        self._asked = None
        asyncio.get_running_loop().call_soon(self.broke, why, detail)

    def _end(self, reply: Reply) -> None:
        if not self._over:
            self._over = True
            self._then(reply)
