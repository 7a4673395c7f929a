"""One login: made once, used by many, renewed before its end, and never made twice at the same time.

Its requests are journalled as all others are, for they are load, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from surgectl import chance
from surgectl.engine.drivers.driver import Session
from surgectl.engine.errand import Errand, Refused
from surgectl.engine.runners.messages import LoginCame, LoginWanted
from surgectl.errors import SurgectlError
from surgectl.fans.dialogue import Send
from surgectl.journey.calling import CallError
from surgectl.journey.logins import ROLE, CompiledLogin, Knock
from surgectl.journey.messages import Reply, Verdict
from surgectl.journey.template import UnsetError
from surgectl.profile.accounts import ACCOUNT
from surgectl.units import NS_PER_S

if TYPE_CHECKING:
    from surgectl.engine.logins import Logins

_EARLY_NS = 30 * NS_PER_S
"""So long before its end a login is renewed; of one that holds shorter, the last tenth."""
_PAUSE_NS = (NS_PER_S, 30 * NS_PER_S)
"""After a login that failed, or that was denied at once: doubling. A shop in trouble is not to be knocked down."""
_NEVER_NS = 1 << 62

Hear = Callable[["Entry"], None]
"""Hears that a login came to something."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a login gave."""

    number: int
    """How often it was made: a denial of an earlier one says nothing of this."""
    values: dict[str, Any]
    ends_ns: int | None = None
    """On the run's clock; None: it holds until it is denied."""
    renew_ns: int | None = None


class Entry:
    """One login: of all fans, or of one account. Ask for `values`; where there are none, `wait` for them."""

    __slots__ = (
        "_denials",
        "_failures",
        "_given",
        "_home",
        "_made_ns",
        "_not_before_ns",
        "_shared",
        "_stale",
        "_task",
        "_told",
        "_waiting",
        "intent",
        "login",
        "row",
        "trouble",
        "users",
    )

    def __init__(self, home: Logins, login: CompiledLogin, row: int | None) -> None:
        self._home = home
        self.login = login
        self.row = row
        own = row is not None and home.accounts is not None and not home.accounts.reuse
        self._shared = not own
        """Fans of other workers use it, too."""
        self.intent = f"{home.variables['run']}-{row}" if own else home.whose
        self.users = 0
        self.trouble = ""
        """Why the last one failed."""
        self._given: Given | None = None
        self._made_ns = 0
        self._stale = False
        self._denials = self._failures = 0
        self._not_before_ns = 0
        self._task: asyncio.Task[None] | None = None
        self._told: asyncio.Future[LoginCame] | None = None
        self._waiting: list[Hear] = []

    def __repr__(self) -> str:
        return f"<login {self.login.name} number {self.number}>"

    @property
    def number(self) -> int:
        """Which of all that were made it is; 0: none yet."""
        return 0 if self._given is None else self._given.number

    @property
    def ends_ns(self) -> int | None:
        """Until when it holds, on the run's clock; None: until it is denied, or there is none."""
        return None if self._given is None else self._given.ends_ns

    def values(self) -> dict[str, Any] | None:
        """What holds now; None: `wait`, unless there is `trouble`. Renews by the way what will soon end."""
        now_ns, given = self._home.scene.now_ns(), self._given
        held = None if given is None or _over(given.ends_ns, now_ns) else given.values
        if held is None or self._stale or (given is not None and _over(given.renew_ns, now_ns)):
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
        now_ns = self._home.scene.now_ns()
        if now_ns - self._made_ns > _PAUSE_NS[1]:
            self._denials = 0  # it has held for a while, though perhaps for other workers' fans alone
        if self._denials:
            self._not_before_ns = now_ns + _pause_ns(self._denials)
        self._denials += 1

    def accepted(self, number: int) -> None:
        """… was answered otherwise: it holds. A next denial is a first one again, once this has lasted a while."""
        if number == self.number and self._denials and self._home.scene.now_ns() >= self._not_before_ns:
            self._denials = 0

    def _begin(self, now_ns: int) -> None:
        """Have it made, unless somebody does already, or just did in vain."""
        if self._task is None and now_ns >= self._not_before_ns:
            self._task = asyncio.get_running_loop().create_task(self._make())
            self._home.tasks.add(self._task)
            self._task.add_done_callback(self._home.tasks.discard)

    async def _make(self) -> None:
        home = self._home
        try:
            given = await (self._from_the_first_worker() if self._elsewhere else self._made())
        except (Refused, SurgectlError, UnsetError, CallError) as error:
            self._failures += 1
            self._fails(str(error), home.scene.now_ns() + _pause_ns(self._failures))
        except asyncio.CancelledError:
            self._fails("the run was over", _NEVER_NS)
            raise
        except Exception as error:  # noqa: BLE001 - counted, and exit 70 at the end; nobody waits for ever
            said = f"{type(error).__name__}: {error}"
            home.scene.counts.script_error(f"login {self.login.name}: {said}")
            self._fails(said, _NEVER_NS)
        else:
            if given is not None:
                self._hold(given)
                self._tell()
        finally:
            self._task = None
            waiting, self._waiting = self._waiting, []
            for hear in waiting:
                hear(self)

    def _fails(self, why: str, not_before_ns: int) -> None:
        self.trouble = f"login {self.login.name}: {why}"
        self._not_before_ns = max(self._not_before_ns, not_before_ns)
        self._tell(why)

    def _hold(self, given: Given) -> None:
        home, now_ns = self._home, self._home.scene.now_ns()
        for value in given.values.values():
            if isinstance(value, str):
                home.learn(value)
        self._given, self._made_ns, self.trouble, self._stale, self._failures = given, now_ns, "", False, 0
        if self._denials:
            self._not_before_ns = now_ns + _pause_ns(self._denials)

    async def _made(self) -> Given:
        """Log in. Refused, with the reason."""
        values, last = await self._knock()
        now_ns, holds_ns = self._home.scene.now_ns(), self.login.expires(last)
        return Given(
            number=self.number + 1,
            values=values,
            ends_ns=None if holds_ns is None else now_ns + holds_ns,
            renew_ns=None if holds_ns is None else now_ns + holds_ns - min(_EARLY_NS, holds_ns // 10),
        )

    # -- of several workers

    @property
    def _elsewhere(self) -> bool:
        """Another worker makes it."""
        return self._shared and self._home.say is not None and self._home.shard != 0

    async def _from_the_first_worker(self) -> Given | None:
        """Have it made there; None: not now, and what was denied is all there is. Refused, with the reason."""
        home, held = self._home, self.number
        assert home.say is not None
        self._told = asyncio.get_running_loop().create_future()
        home.say(LoginWanted(login=self.login.name, row=self.row, held=held, denied=self._stale))
        try:
            came = await self._told
        finally:
            self._told = None
        if came.trouble:
            self._not_before_ns = max(self._not_before_ns, came.not_before_ns)
            raise Refused(came.trouble)
        if came.number <= held:
            self._not_before_ns = came.not_before_ns
            return None
        return _given(came)

    def came(self, came: LoginCame) -> None:
        """The worker that makes it says what became of it: asked for, or because others wanted it."""
        if self._told is not None and not self._told.done():
            # What it has already is an answer only where there will be no other soon.
            if came.trouble or came.number > self.number or came.not_before_ns > self._home.scene.now_ns():
                self._told.set_result(came)
        elif not came.trouble and came.number > self.number:
            self._hold(_given(came))

    def wanted(self, wanted: LoginWanted) -> None:
        """Another worker has none that holds, or only one that will soon end; it is told, at once or in time."""
        now_ns = self._home.scene.now_ns()
        if wanted.denied:
            self.denied(wanted.held)
        given = self._given
        if given is not None and given.number > wanted.held and not self._stale and not _over(given.ends_ns, now_ns):
            self._tell()
            return
        self._begin(now_ns)
        if self._task is None:
            self._tell(self.trouble.partition(": ")[2])

    def _tell(self, trouble: str = "") -> None:
        """Say to the other workers what became of it, where this is the one that makes it."""
        home, given = self._home, self._given
        if home.say is None or home.shard != 0 or not self._shared:
            return
        home.say(
            LoginCame(
                login=self.login.name,
                row=self.row,
                number=self.number,
                values=given.values if given is not None and not trouble else {},
                ends_ns=self.ends_ns,
                renew_ns=None if given is None else given.renew_ns,
                not_before_ns=self._not_before_ns,
                trouble=trouble,
            )
        )

    # -- its requests

    async def _knock(self) -> tuple[dict[str, Any], Reply]:
        """All its requests, one after the other. Refused with the reason."""
        home, taken = self._home, dict[str, Any]()
        variables = dict(home.variables)
        if self.row is not None and home.accounts is not None:
            variables[ACCOUNT] = home.accounts.of(self.row)
        session = home.visit(self.row)
        try:
            for knock in self.login.knocks:
                reply, verdict = await self._ask(knock, {**variables, **taken}, session)
                if verdict.outcome != "ok":
                    raise Refused(verdict.detail or verdict.why)
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
        scene, began_ns = home.scene, home.scene.now_ns()
        wire = knock.wire(variables, scene.clock.wall().timestamp(), (home.seed, home.shard, home.sends))
        if knock.request.call is not None:
            scene.counts.worked(knock.request.call.name, max(0, scene.now_ns() - began_ns))
        send = Send(
            attempt=attempt,
            wire=wire,
            judge=knock.judge,
            step=f"{ROLE}-{self.login.name}",
            role=ROLE,
            op=0,
            where=knock.where,
        )
        return await Errand(home.scene, session, self.intent, self.row or 0).run(send)


def _over(at_ns: int | None, now_ns: int) -> bool:
    return at_ns is not None and now_ns >= at_ns


def _given(came: LoginCame) -> Given:
    return Given(number=came.number, values=came.values, ends_ns=came.ends_ns, renew_ns=came.renew_ns)


def _pause_ns(failures: int) -> int:
    least_ns, most_ns = _PAUSE_NS
    return min(most_ns, least_ns << min(failures - 1, 10))
