"""Walk through a shop's back door: log in, keep what was handed out, and knock once more when it has run out.

A visit is a short list of requests. What they take (a token, a CSRF field, an address) fills the blanks of everything
asked after them, and their cookies go along to the host that set them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.evidence.ask import DENIED, REDIRECTS, Answer, Question, ask, seconds_ns
from surgectl.evidence.asking import Build, Homes, compile_question
from surgectl.evidence.reading import Patience, ReadError
from surgectl.journey.conditions import Condition, compile_when
from surgectl.journey.extract import CompiledTake, compile_take
from surgectl.journey.messages import Reply
from surgectl.journey.paths import MISSING
from surgectl.journey.seen import NotJsonError, Seen
from surgectl.profile.login import LoginStep
from surgectl.profile.source import ExportStep

_NOT_YET = frozenset({202, 409, 425})
_MOST_HOPS = 5


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a visit, compiled."""

    build: Build
    takes: tuple[CompiledTake, ...]
    waits: bool = False
    """Asked again while the shop is not ready with it."""
    ready: Condition | None = None
    every_ns: int = 0
    within_ns: int = 0


def compile_steps(steps: Sequence[LoginStep], homes: Homes, where: str) -> tuple[Step, ...]:
    """The requests as closures. Raises UsageError where one cannot be meant."""
    made: list[Step] = []
    for number, step in enumerate(steps):
        at = f"{where}[{number}]"
        for name, take in step.take.items():
            if take.else_ is not None or take.pick is not None:
                raise UsageError("only a fan has a choice", where=f"{at}.take.{name}", hint="leave out else and pick")
        waiting: dict[str, Any] = {}
        if isinstance(step, ExportStep):
            if step.ready is not None and step.get is None and step.graphql is None:
                raise UsageError("to ask again would start it again", where=f"{at}.ready", hint="on a get:")
            waiting = {
                "waits": step.get is not None or step.ready is not None,
                "ready": compile_when(step.ready, f"{at}.ready") if step.ready is not None else None,
                "every_ns": max(10_000_000, int(step.every)),
                "within_ns": int(step.within),
            }
        takes = tuple(compile_take(name, take, f"{at}.take.{name}") for name, take in step.take.items())
        made.append(Step(build=compile_question(step, homes, at), takes=takes, **waiting))
    return tuple(made)


class Visit:
    """One visitor: what was taken, which cookies are kept. `login` is walked before the first question."""

    def __init__(
        self,
        login: tuple[Step, ...],
        variables: Mapping[str, Any],
        homes: Homes,
        http: aiohttp.ClientSession,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.taken: dict[str, Any] = {}
        self._login = login
        self._variables = variables
        self._homes = homes
        self._http = http
        self._clock = clock
        self._tls = tls
        self._cookies: dict[tuple[str, str], str] = {}
        self._logins = 0
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Visit: {self._logins} logins>"

    @property
    def has_login(self) -> bool:
        return bool(self._login)

    async def enter(self, patience: Patience) -> int:
        """Log in, unless we are in already. The number of the login that now holds; ReadError where it fails."""
        return await self.enter_again(0, patience)

    async def enter_again(self, held: int, patience: Patience) -> int:
        """Log in once more, unless somebody did since login number `held`."""
        async with self._lock:
            if self._login and self._logins <= held:
                self.taken.clear()
                self._cookies.clear()
                try:
                    await self.walk(self._login, patience)
                except ReadError as error:
                    raise ReadError(f"the login failed: {error}") from error
                self._logins += 1
            return self._logins

    async def ask(self, build: Build, added: Mapping[str, Any], patience: Patience, link: str | None = None) -> Answer:
        """One question with all that was taken. Denied (a ReadError) where the shop does not know us."""
        question = self.question(build, added)
        return await self._send(question if link is None else msgspec.structs.replace(question, url=link), patience)

    def question(self, build: Build, added: Mapping[str, Any]) -> Question:
        """The request as it would be sent now, without cookies."""
        return build({**self._variables, **self.taken}, added)

    async def walk(self, steps: Sequence[Step], patience: Patience) -> Answer:
        """One step after another; the last answer. ReadError where one fails, or never gets ready."""
        answer: Answer | None = None
        for step in steps:
            answer, url = await self._walked(step, patience)
            seen = self._seen(answer, url)
            for take in step.takes:
                value = _taken(take, seen)
                if value is MISSING:
                    raise ReadError(f'the answer holds no "{take.name}" (it was {answer.status})')
                self.taken[take.name] = value
        assert answer is not None, "a visit has a step"
        return answer

    async def _walked(self, step: Step, patience: Patience) -> tuple[Answer, str]:
        question = self.question(step.build, {})
        welcome = REDIRECTS | (_NOT_YET if step.waits else frozenset()) | ({404} if step.ready else frozenset())
        begun_ns = self._clock.now_ns()
        while True:
            answer = await self._send(question, patience, welcome)
            url = question.url
            if step.waits and question.method == "GET":
                answer, url = await self._followed(answer, question, patience, welcome)
            if not step.waits or self._ready(step, answer, url):
                return answer, url
            waited_ns = self._clock.now_ns() - begun_ns
            wait_ns = max(step.every_ns, seconds_ns(answer.header("Retry-After")) or 0)
            if waited_ns + wait_ns > step.within_ns:
                said = f"not ready after {waited_ns / 1e9:.3g}s: answered {answer.status}"
                raise ReadError(said, where=question.place, hint="within: allows more")
            await self._clock.sleep_until_ns(self._clock.now_ns() + wait_ns)

    def _ready(self, step: Step, answer: Answer, url: str) -> bool:
        if step.ready is None:
            return answer.status not in _NOT_YET
        try:
            return step.ready(self._seen(answer, url))
        except NotJsonError:
            return False

    async def _followed(
        self, answer: Answer, question: Question, patience: Patience, welcome: frozenset[int]
    ) -> tuple[Answer, str]:
        """Where a download really lies. Another host than ours gets neither header nor cookie, and must be named."""
        url = question.url
        for _ in range(_MOST_HOPS):
            if answer.status not in REDIRECTS:
                return answer, url
            there = urljoin(url, answer.header("Location") or "")
            if not self._homes.known(there):
                raise ReadError(
                    "the file lies on another host", where=question.place, hint="name that host under origins:"
                )
            same = urlsplit(there).netloc == urlsplit(question.url).netloc
            headers = question.headers if same else {"Accept": "*/*"}
            url = there
            # Signed again where it is ours: the signature of another address is none.
            onward = Question(url=there, headers=headers, signing=question.signing if same else None)
            answer = await self._send(onward, patience, welcome)
        raise ReadError(f"more than {_MOST_HOPS} redirects", where=question.place)

    async def _send(self, question: Question, patience: Patience, welcome: frozenset[int] = frozenset()) -> Answer:
        host = urlsplit(question.url).netloc
        cookies = "; ".join(f"{name}={value}" for (home, name), value in self._cookies.items() if home == host)
        if cookies and "Cookie" not in question.headers:
            question = msgspec.structs.replace(question, headers={**question.headers, "Cookie": cookies})
        answer = await ask(self._http, question, patience, self._clock, welcome=welcome - DENIED, tls=self._tls)
        for name, value in answer.cookies.items():
            if value:
                self._cookies[host, name] = value
            else:
                self._cookies.pop((host, name), None)
        return answer

    def _seen(self, answer: Answer, url: str) -> Seen:
        host = urlsplit(url).netloc
        jar = {name: value for (home, name), value in self._cookies.items() if home == host}
        reply = Reply(status=answer.status, headers=answer.headers, body=answer.body, url=url, cookies=jar)
        return Seen(reply, {**self._variables, **self.taken})


def _taken(take: CompiledTake, seen: Seen) -> Any:
    try:
        value = take.read(seen)
    except NotJsonError as error:
        raise ReadError(f'"{take.name}" is looked for in JSON, and the answer is none: {error}') from error
    if value is MISSING and take.default is not msgspec.UNSET:
        return take.default
    return MISSING if value is None or value == "" else value
