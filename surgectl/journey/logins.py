"""Logins that are made once and used often: what is sent for them, what they give, and how long it holds.

What a login gives stands in headers as `{api.token}`. A fan never holds it: a request is rendered with a blank of its
own for it, which is filled when the request leaves (engine/logins.py). So it cannot get into a recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from surgectl.errors import did_you_mean
from surgectl.journey.conditions import Condition, compile_when
from surgectl.journey.extract import CompiledTake, compile_take
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.journey.outcomes import judge_broken
from surgectl.journey.paths import MISSING, split_path
from surgectl.journey.problem import TargetError, unknown_word
from surgectl.journey.request import CompiledRequest, Defaults, compile_request
from surgectl.journey.rules import compile_hint
from surgectl.journey.seen import NotJsonError, Seen
from surgectl.journey.template import Variables, blanks, root, show
from surgectl.profile.accounts import ACCOUNT
from surgectl.profile.login import Ask, Login, LoginStep
from surgectl.profile.step import Request
from surgectl.profile.target import Target

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Around the name of what is still to be filled in: signs that stand in nobody's header (Unicode, private use)."""
_BLANK = re.compile(f"{_OPEN}([^.{_CLOSE}]+)\\.([^{_CLOSE}]+){_CLOSE}")
ROLE = "login"
"""What the recording calls the requests of a login; its step is `login-NAME`."""
_BESIDE_HEADERS = (
    *("get", "post", "put", "patch", "delete", "head", "sse", "ws"),
    *("query", "json", "form", "graphql", "body", "send", "with_"),
)
_BROWSERS = ("Origin", "Referer")
"""What a form sends by itself."""
_COMMON = ("run", "sale", "attempt", "uuid")
"""Variables of its requests, beside what it has taken before."""


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a login."""

    request: CompiledRequest
    takes: tuple[CompiledTake, ...]
    where: str
    own: frozenset[str] = frozenset()
    """Headers that its author named, in small letters."""

    def wire(self, variables: Variables, at_s: float, dice: tuple[int, ...]) -> Wire:
        """The request; an extension has the last word. Not as a browser's form: an authority that sees an Origin takes
        a machine for a web page, and some then refuse it (Microsoft's AADSTS9002326). UnsetError, CallError."""
        wire = self.request.render(variables, None, self.request.timeout_ns)
        headers = tuple(pair for pair in wire.headers if pair[0] not in _BROWSERS or pair[0].lower() in self.own)
        wire = msgspec.structs.replace(wire, headers=headers)
        called = self.request.call
        return wire if called is None else called.signed(wire, variables, at_s, dice)

    def judge(self, reply: Reply) -> Verdict:
        """Let in, or not: whatever is not there that a login gives was refused. `takes` hold what was given."""
        if reply.broken is not None:
            return judge_broken(reply)
        if reply.status >= 400:
            return _refused(f"status-{reply.status}", f"answered {reply.status}{_error_code(reply)}")
        seen, taken = Seen(reply, {}), {}
        for take in self.takes:
            try:
                value = take.read(seen)
            except NotJsonError:
                return _refused("invalid", f'"{take.name}" is looked for in JSON, and the answer is none')
            if value is MISSING and take.default is not msgspec.UNSET:
                value = take.default
            elif value is MISSING or value is None or value == "":
                return _refused("missing", f'the answer holds no "{take.name}" (it was {reply.status})')
            taken[take.name] = value
        return Verdict(outcome="ok", why="next", then="next", takes=taken)


class CompiledLogin(msgspec.Struct, frozen=True, kw_only=True):
    """One login, ready to be made."""

    name: str
    per: Literal["run", "account"]
    knocks: tuple[Knock, ...]
    expires: Callable[[Reply], int | None]
    """The last reply → how long what it gave holds, in ns; None = until the shop says otherwise."""
    denied: Condition
    """Of a reply to a request that carried it: it does not hold any more."""

    @property
    def gives(self) -> frozenset[str]:
        """The names of what it takes."""
        return frozenset(take.name for knock in self.knocks for take in knock.takes)

    def denies(self, reply: Reply) -> bool:
        """Does the shop not know us any more?"""
        try:
            return reply.broken is None and self.denied(Seen(reply, {}))
        except NotJsonError:
            return False


def compile_logins(target: Target, defaults: Defaults, taken: Mapping[str, object]) -> dict[str, CompiledLogin]:
    """All logins of a target. `taken`: names that are other variables. TargetError where one cannot be meant."""
    steps = {step.step for block in (target.journey, *target.flows.values()) for step in block}
    bare = msgspec.structs.replace(defaults, headers=(), form=())
    made: dict[str, CompiledLogin] = {}
    for name, login in target.logins.items():
        where = f"logins.{name}"
        if not re.fullmatch(r"[^\W\d]\w*", name):
            raise TargetError(f"{name!r} is no name for a variable", where, hint="letters, digits and _: api")
        if name in taken:
            raise TargetError(f"{name} is another variable", where, hint="another name for the login")
        if f"login-{name}" in steps:
            raise TargetError(f'a step is called "login-{name}", as the login\'s requests are', where)
        above = {other: above for other, above in made.items() if above.per == "run" or login.per == "account"}
        made[name] = _compile_login(name, login, target, bare, above, where)
    return made


def _compile_login(
    name: str, login: Login, target: Target, defaults: Defaults, above: Mapping[str, CompiledLogin], where: str
) -> CompiledLogin:
    """`above`: logins that its own requests may need."""
    if not login.steps:
        raise TargetError("has no steps", f"{where}.steps", hint="steps: [{post: /oauth/token, …}]")
    known = {*_COMMON, *(("setup",) if target.setup is not None else ())}
    if login.per == "account":
        if target.fans_from is None:
            raise TargetError("there are no accounts", f"{where}.per", hint="fans_from: {csv: accounts.csv}")
        known.add(ACCOUNT)
    knocks = []
    for number, step in enumerate(login.steps):
        at = f"{where}.steps[{number}]"
        request = compile_request(_request_of(step), defaults, at)
        check_elsewhere(step, above, at)
        check_use(step.headers, above, f"{at}.headers")
        for used in sorted(request.names - known - above.keys()):
            if used == ACCOUNT:
                raise TargetError("one login for all has no account", at, hint="per: account")
            raise unknown_word("variable", used, known, at)
        for taken, take in step.take.items():
            if take.else_ is not None or take.pick is not None:
                raise TargetError("only a fan has a choice", f"{at}.take.{taken}", hint="leave out else and pick")
            if taken in _COMMON or taken in (ACCOUNT, "setup"):
                raise TargetError(f"{taken} is a variable of surgectl's own", f"{at}.take.{taken}")
        takes = tuple(compile_take(taken, take, f"{at}.take.{taken}") for taken, take in step.take.items())
        known |= set(step.take)
        own = frozenset(header.lower() for header in step.headers)
        knocks.append(Knock(request=request, takes=takes, where=at, own=own))
    if not any(knock.takes for knock in knocks):
        raise TargetError("takes nothing", f"{where}.steps", hint="take: {token: {json: access_token}}")
    lasts_ns = None if login.lasts is None else int(login.lasts)
    said = compile_hint(login.expires, f"{where}.expires") if login.expires is not None else None

    def expires(reply: Reply) -> int | None:
        holds_ns = said(Seen(reply, {})) if said is not None else None
        return lasts_ns if holds_ns is None else holds_ns

    return CompiledLogin(
        name=name,
        per=login.per,
        knocks=tuple(knocks),
        expires=expires,
        denied=compile_when(login.denied, f"{where}.denied"),
    )


def _request_of(step: LoginStep) -> Request:
    return Request(**{name: getattr(step, name) for name in Ask.__struct_fields__})


def _refused(why: str, detail: str) -> Verdict:
    return Verdict(outcome="fail", why=why, then="end", detail=detail)


def _error_code(reply: Reply) -> str:
    """What OAuth calls it (RFC 6749 §5.2): `invalid_client`."""
    try:
        said = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    code = said.get("error") if isinstance(said, dict) else None
    return f", {code[:60]}" if isinstance(code, str) and re.fullmatch(r"[\w.:/ -]{1,60}", code) else ""


# -- the blanks


def placeholders(logins: Mapping[str, CompiledLogin], *, per: str | None = None) -> dict[str, dict[str, str]]:
    """What fans are given for their variables: a blank for each value, to be filled when a request leaves."""
    return {
        name: {given: f"{_OPEN}{name}.{given}{_CLOSE}" for given in sorted(login.gives)}
        for name, login in logins.items()
        if per is None or login.per == per
    }


def needed(wire: Wire) -> tuple[str, ...]:
    """The logins whose values a request still lacks."""
    found: dict[str, None] = {}
    for _, value in wire.headers:
        if _OPEN in value:
            found.update((match[1], None) for match in _BLANK.finditer(value))
    return tuple(found)


def filled(wire: Wire, values: Mapping[str, Mapping[str, Any]]) -> Wire:
    """The request with all that logins gave."""

    def put(match: re.Match[str]) -> str:
        return show(values[match[1]][match[2]])

    headers = tuple((name, _BLANK.sub(put, value) if _OPEN in value else value) for name, value in wire.headers)
    return msgspec.structs.replace(wire, headers=headers)


# -- where they may stand


def check_use(texts: Mapping[str, str], logins: Mapping[str, CompiledLogin], where: str) -> None:
    """Of headers: `{api.token}` must be something that the login gives."""
    for header, text in texts.items():
        for blank in blanks(text):
            login = logins.get(root(blank))
            if login is None:
                continue
            at = f"{where}.{header}"
            parts = split_path(blank, at)
            if len(parts) != 2 or parts[1] not in login.gives:
                what = f"the login {login.name} takes no {'.'.join(map(str, parts[1:])) or 'value of its own'}"
                near = did_you_mean(str(parts[-1]), login.gives) or f"it takes {', '.join(sorted(login.gives))}"
                raise TargetError(what, at, hint=near)


def check_elsewhere(request: msgspec.Struct, logins: Mapping[str, CompiledLogin], where: str) -> None:
    """What a login gives stands in headers alone: everything else of a request could be recorded, or shown."""
    if not logins:
        return
    for name in _BESIDE_HEADERS:
        for text in _texts(getattr(request, name, None)):
            for blank in blanks(text):
                if root(blank) in logins:
                    hint = f'headers: {{Authorization: "Bearer {{{blank}}}"}}'
                    raise TargetError(f"{{{blank}}} stands in headers alone", f"{where}.{name.rstrip('_')}", hint=hint)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, msgspec.Struct):
        yield from _texts(getattr(value, "variables", None))
