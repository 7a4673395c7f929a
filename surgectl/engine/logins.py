"""Logins of one shard: made once, used by many, renewed before they end, and never twice at the same time.

What a login gave is kept here and nowhere else. Its requests are journalled as all others are, for they are load, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from surgectl import chance
from surgectl.engine.attempt import Attempt
from surgectl.engine.drivers.driver import Session
from surgectl.engine.scene import Scene
from surgectl.errors import SurgectlError
from surgectl.fans.dialogue import Send
from surgectl.journey.logins import ROLE, CompiledLogin, Knock, placeholders
from surgectl.journey.messages import Reply, Verdict
from surgectl.journey.template import UnsetError
from surgectl.profile.accounts import ACCOUNT, Accounts
from surgectl.units import NS_PER_S

_EARLY_NS = 30 * NS_PER_S
"""So long before its end a login is renewed; of one that holds shorter, the last tenth."""
_PAUSE_NS = (NS_PER_S, 30 * NS_PER_S)
"""After a login that failed, or that was denied at once: doubling. A shop in trouble is not to be knocked down."""
_NEVER_NS = 1 << 62

Visit = Callable[[int | None], Session]
"""Opens a browser for a login: of a fan's account, or of nobody."""
Hear = Callable[["Entry"], None]
"""Hears that a login came to something."""
Learn = Callable[[str], None]
"""Hears of each value that was given: it is a secret."""


class _Refused(Exception):
    """Nobody was let in; the text says why."""


class Logins:
    """`logins.entry(name, fan)` is what a request needs; `open(scene, driver)` comes before the first fan."""

    def __init__(
        self,
        logins: Mapping[str, CompiledLogin],
        variables: Mapping[str, Any],
        *,
        seed: int,
        shard: int = 0,
        accounts: Accounts | None = None,
        learn: Learn = lambda value: None,
    ) -> None:
        """`variables`: what its requests may name: the run, the sale, the setup hook's."""
        self._logins = logins
        self.variables = {**variables, **placeholders(logins)}
        self.seed = seed
        self.accounts = accounts
        self.learn = learn
        self.whose = f"{variables['run']}-login-{shard}"
        """The name under which those for all fans are recorded."""
        self._entries: dict[tuple[str, int | None], Entry] = {}
        self.scene: Scene
        self.visit: Visit
        self.sends = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Logins: {', '.join(self._logins)}; {len(self._entries)} in use>"

    def open(self, scene: Scene, visit: Visit) -> None:
        """Where its requests are written down, and how they travel."""
        self.scene = scene
        self.visit = visit

    def entry(self, name: str, fan: int | None) -> Entry:
        """The login that a fan's request needs; `None`: nobody's in particular, so it must be one for all."""
        login = self._logins[name]
        row = None
        if login.per == "account":
            assert self.accounts is not None and fan is not None, "compiled so"
            row = fan % len(self.accounts) if self.accounts.reuse else fan
        found = self._entries.get((name, row))
        if found is None:
            found = self._entries[name, row] = Entry(self, login, row)
        return found

    def let_go(self, entry: Entry) -> None:
        """Nobody uses it any more. Of an account that is one fan's alone it is forgotten."""
        if entry.row is not None and self.accounts is not None and not self.accounts.reuse and not entry.users:
            self._entries.pop((entry.login.name, entry.row), None)

    async def close(self) -> None:
        """End what is under way; it is written down."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Entry:
    """One login: of all fans, or of one account. Ask for `values`; where there are none, `wait` for them."""

    __slots__ = (
        "_denials",
        "_ends_ns",
        "_failures",
        "_home",
        "_not_before_ns",
        "_renew_ns",
        "_stale",
        "_task",
        "_values",
        "_waiting",
        "intent",
        "login",
        "number",
        "row",
        "trouble",
        "users",
    )

    def __init__(self, home: Logins, login: CompiledLogin, row: int | None) -> None:
        self._home = home
        self.login = login
        self.row = row
        own = row is not None and home.accounts is not None and not home.accounts.reuse
        self.intent = f"{home.variables['run']}-{row}" if own else home.whose
        self.number = 0
        """How often it was made: a denial of an earlier one says nothing of this."""
        self.users = 0
        self.trouble = ""
        """Why the last one failed."""
        self._values: dict[str, Any] | None = None
        self._ends_ns: int | None = None
        self._renew_ns: int | None = None
        self._stale = False
        self._denials = self._failures = 0
        self._not_before_ns = 0
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[Hear] = []

    def __repr__(self) -> str:
        return f"<login {self.login.name} number {self.number}>"

    def values(self) -> dict[str, Any] | None:
        """What holds now; None: `wait`, unless there is `trouble`. Renews by the way what will soon end."""
        now_ns = self._home.scene.now_ns()
        held = self._values if self._ends_ns is None or now_ns < self._ends_ns else None
        if held is None or self._stale or (self._renew_ns is not None and now_ns >= self._renew_ns):
            self._begin(now_ns)
        if self._stale and self._task is not None:
            return None
        # One that was denied and may not be renewed yet is used all the same: the shop's answer tells more.
        return held

    @property
    def waits(self) -> bool:
        """Is it being made just now? Otherwise nothing will come, and `trouble` says why."""
        return self._task is not None

    def wait(self, hear: Hear) -> None:
        """Hear once it was made, or was not."""
        self._waiting.append(hear)

    def denied(self, number: int) -> None:
        """A request that carried number so-and-so was answered as if nobody had logged in."""
        if number != self.number or self._stale:
            return
        self._stale = True
        if self._denials:
            self._not_before_ns = self._home.scene.now_ns() + _pause_ns(self._denials)
        self._denials += 1

    def accepted(self, number: int) -> None:
        """… was answered otherwise: it holds. A next denial is a first one again, once this has lasted a while."""
        if number == self.number and self._denials and self._home.scene.now_ns() >= self._not_before_ns:
            self._denials = 0

    def _begin(self, now_ns: int) -> None:
        """Knock, unless somebody does already, or just did in vain."""
        if self._task is None and now_ns >= self._not_before_ns:
            self._task = asyncio.get_running_loop().create_task(self._make())
            self._home.tasks.add(self._task)
            self._task.add_done_callback(self._home.tasks.discard)

    async def _make(self) -> None:
        home = self._home
        try:
            values, last = await self._knock()
        except (_Refused, SurgectlError, UnsetError) as error:
            self._failures += 1
            self.trouble = f"login {self.login.name}: {error}"
            self._not_before_ns = home.scene.now_ns() + _pause_ns(self._failures)
        except asyncio.CancelledError:
            self.trouble, self._not_before_ns = f"login {self.login.name}: the run was over", _NEVER_NS
            raise
        except Exception as error:  # noqa: BLE001 - counted, and exit 70 at the end; nobody waits for ever
            said = f"{type(error).__name__}: {error}"
            home.scene.counts.script_error(f"login {self.login.name}: {said}")
            self.trouble, self._not_before_ns = f"login {self.login.name}: {said}", _NEVER_NS
        else:
            now_ns = home.scene.now_ns()
            for value in values.values():
                if isinstance(value, str):
                    home.learn(value)
            holds_ns = self.login.expires(last)
            self._values, self.trouble, self._stale, self._failures = values, "", False, 0
            self.number += 1
            self._ends_ns = None if holds_ns is None else now_ns + holds_ns
            self._renew_ns = None if holds_ns is None else now_ns + holds_ns - min(_EARLY_NS, holds_ns // 10)
            if self._denials:
                self._not_before_ns = now_ns + _pause_ns(self._denials)
        finally:
            self._task = None
            waiting, self._waiting = self._waiting, []
            for hear in waiting:
                hear(self)

    async def _knock(self) -> tuple[dict[str, Any], Reply]:
        """All its requests, one after the other. _Refused with the reason."""
        home, taken = self._home, dict[str, Any]()
        variables = dict(home.variables)
        if self.row is not None and home.accounts is not None:
            variables[ACCOUNT] = home.accounts.of(self.row)
        session = home.visit(self.row)
        try:
            for knock in self.login.knocks:
                reply, verdict = await self._ask(knock, {**variables, **taken}, session)
                if verdict.outcome != "ok":
                    raise _Refused(verdict.detail or verdict.why)
                taken |= verdict.takes
        finally:
            session.close()
        return taken, reply

    async def _ask(self, knock: Knock, variables: dict[str, Any], session: Session) -> tuple[Reply, Verdict]:
        home = self._home
        home.sends += 1
        attempt = f"{self.intent}.login.{home.sends}"
        variables["attempt"] = attempt
        variables["uuid"] = chance.uuid(home.seed, f"login:{attempt}", home.sends)
        send = Send(
            attempt=attempt,
            wire=knock.wire(variables),
            judge=knock.judge,
            step=f"{ROLE}-{self.login.name}",
            role=ROLE,
            op=0,
            where=knock.where,
        )
        return await _Errand(home.scene, session, self.intent, self.row or 0).run(send)


class _Errand:
    """Makes one attempt, and waits for what becomes of it."""

    def __init__(self, scene: Scene, session: Session, intent: str, fan: int) -> None:
        self.scene = scene
        self.session = session
        self.intent = intent
        self.whose = fan
        self.number = 0
        self._over: asyncio.Future[tuple[Reply, Verdict]] = asyncio.get_running_loop().create_future()

    async def run(self, send: Send) -> tuple[Reply, Verdict]:
        """Raises what the attempt could not do; cancelled, it quits and is written down."""
        attempt = Attempt(self, send, send.wire, send.attempt, self.scene.now_ns())
        attempt.begin()
        try:
            return await asyncio.shield(self._over)
        except asyncio.CancelledError:
            attempt.quit()
            raise

    def begun(self, op: int) -> None:
        """A login begins nothing that a ledger knows."""

    def doubts(self) -> None:
        """Nor does it leave a doubt."""

    def answered(self, attempt: Attempt, reply: Reply, verdict: Verdict) -> None:
        self._tell(reply, verdict)

    def unanswered(self, attempt: Attempt) -> None:
        self._tell(Reply(broken="quit"), Verdict(outcome="info", why="quit", then="unknown"))

    def failed(self, error: Exception, *, double: bool = False) -> None:
        if not self._over.done():
            self._over.set_exception(error if isinstance(error, SurgectlError) else _Refused(str(error)))

    def _tell(self, reply: Reply, verdict: Verdict) -> None:
        if not self._over.done():
            self._over.set_result((reply, verdict))


def _pause_ns(failures: int) -> int:
    least_ns, most_ns = _PAUSE_NS
    return min(most_ns, least_ns << min(failures - 1, 10))
