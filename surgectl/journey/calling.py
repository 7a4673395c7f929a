"""What a target cannot say in words: somebody's own Python works it out, and the journey sends it.

An extension gives a callable by the entry point `surgectl.steps` (PyPA "Entry points specification"); a step names it
with `call:`. It is handed a `Call`, returns a dict, and sends nothing itself: every byte leaves through the journey, so
the recording has it. The contract is told in docs/target-language.md, "A step in Python".
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from surgectl import chance, plugins
from surgectl.errors import UsageError, did_you_mean
from surgectl.journey.messages import Reply, Wire
from surgectl.journey.problem import TargetError
from surgectl.journey.template import Value, Variables, compile_value
from surgectl.profile.called import Called
from surgectl.profile.rule import Rule
from surgectl.profile.step import Step
from surgectl.text import one_line

if TYPE_CHECKING:
    from random import Random  # noqa: TID251 - the type alone: chance.generator makes it

GROUP = "surgectl.steps"
_PARTS = ("method", "url", "headers", "body")
_OF_A_REPLY = ("status", "location", "url", "header", "event")
_REASON = 300
"""Characters of what an extension complained of."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """The request of the step, rendered: what would be sent as it is."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    """Empty where there is none."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a step in Python is handed, and all that it may look at."""

    given: dict[str, Any]
    """`with:`, filled: a value that is exactly one variable keeps its type."""
    run: str
    intent: str
    """Empty where no fan asks: of a login for all, of the books."""
    fan: int
    """The fan's number in the plan, from 0 on; 0 where no fan asks."""
    tab: int
    at_s: float
    """Wall time in seconds since the epoch, for whatever counts in it (RFC 6238, the age of a signature)."""
    request: Outgoing | None
    """Of a step that sends: its request. None: the step only works something out."""
    dice: tuple[int, ...]
    """(seed, fan, tab, draw): what `random` comes from."""

    def random(self) -> Random:
        """Chance that the same seed gives again: always the same in this call, and another in any other."""
        seed, *draw = self.dice
        return chance.generator(seed, "call", *draw)


class CallError(Exception):
    """The callable failed, or returned what cannot be meant. The text is one line, for people."""


class CompiledCall(msgspec.Struct, frozen=True, kw_only=True):
    """A step's `call:`, ready to be made."""

    name: str
    work: Callable[[Call], Any]
    given: Value

    def fill(self, variables: Variables, dice: tuple[int, ...]) -> Call:
        """Everything but the time and the request. UnsetError where a variable of `with` is not set."""
        return Call(
            given=self.given.render(variables),
            run=str(variables.get("run", "")),
            intent=str(variables.get("intent", "")),
            fan=int(variables.get("fan", 0)),
            tab=int(variables.get("tab", 0)),
            at_s=0.0,
            request=None,
            dice=dice,
        )

    def values(self, call: Call) -> Reply:
        """What it works out, as the reply that a step's rules and takes look at. CallError."""
        found = self._made(call)
        try:
            body = msgspec.json.encode(found)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise CallError(self._said(f"returned what JSON cannot hold: {error}")) from error
        return Reply(status=200, body=body)

    def wire(self, wire: Wire, call: Call) -> Wire:
        """The request with the parts that it returns in place of its own. CallError."""
        sends = Outgoing(method=wire.method, url=wire.url, headers=dict(wire.headers), body=wire.body or b"")
        found = self._made(msgspec.structs.replace(call, request=sends))
        for name in found:
            if name not in _PARTS:
                hint = did_you_mean(str(name), _PARTS) or f"a request has {', '.join(_PARTS)}"
                raise CallError(self._said(f'returned "{name}" ({hint})'))
        return msgspec.structs.replace(
            wire,
            method=self._line("method", found.get("method", wire.method)).upper(),
            url=self._line("url", found.get("url", wire.url)),
            headers=self._headers(wire.headers, found.get("headers", {})),
            body=self._body(found["body"]) if "body" in found else wire.body,
        )

    def signed(self, wire: Wire, variables: Variables, at_s: float, dice: tuple[int, ...]) -> Wire:
        """The same for who asks by the way, and is no fan's move: a login, the books. CallError, UnsetError."""
        return self.wire(wire, msgspec.structs.replace(self.fill(variables, dice), at_s=at_s))

    def _made(self, call: Call) -> dict[str, Any]:
        try:
            found = self.work(call)
        except (Exception, SystemExit) as error:
            raise CallError(self._said(f"{type(error).__name__}: {error}")) from error
        if inspect.iscoroutine(found):
            found.close()
            raise CallError(self._said("is a coroutine: a step works something out, and waits for nobody"))
        if not isinstance(found, dict):
            raise CallError(self._said(f"returned {type(found).__name__}, not a dict"))
        return found

    def _headers(self, before: tuple[tuple[str, str], ...], changes: Any) -> tuple[tuple[str, str], ...]:
        """Its headers in place of those of the same name; a null takes one away."""
        if not isinstance(changes, dict):
            raise CallError(self._said(f"returned headers as {type(changes).__name__}, not as a dict"))
        named = {str(name).lower() for name in changes}
        kept = [pair for pair in before if pair[0].lower() not in named]
        added = [
            (self._line("header name", name), self._line(f"header {name}", value))
            for name, value in changes.items()
            if value is not None
        ]
        return (*kept, *added)

    def _body(self, body: Any) -> bytes | None:
        if body is None or isinstance(body, bytes):
            return body
        if isinstance(body, str):
            return body.encode("utf-8", "surrogatepass")
        raise CallError(self._said(f"returned a body of {type(body).__name__}: bytes or text is sent"))

    def _line(self, what: str, value: Any) -> str:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise CallError(self._said(f"returned {what} as {type(value).__name__}, not as text"))
        text = str(value)
        if not text or any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
            raise CallError(self._said(f"returned {what} that no request can carry: {text[:40]!r}"))
        return text

    def _said(self, what: str) -> str:
        return one_line(f"call {self.name}: {what}", _REASON)


def compile_call(request: Called, where: str) -> CompiledCall | None:
    """The `call:` of whatever asks, its extension loaded; None where there is none. TargetError."""
    if request.call is None:
        if request.with_:
            raise TargetError("nothing is called, so nothing is given to it", f"{where}.with", hint="call: NAME")
        return None
    try:
        work = plugins.require(GROUP, request.call)
    except UsageError as error:
        raise TargetError(error.what, f"{where}.call", hint=error.hint) from error
    return CompiledCall(name=request.call, work=work, given=compile_value(request.with_, f"{where}.with"))


def check_values(step: Step, where: str) -> None:
    """A step that only works something out is none of what a step that sends can be. TargetError."""
    if step.role != "browse":
        raise TargetError(f"it sends nothing, so it is no {step.role}", f"{where}.role", hint="leave role out")
    for name in ("poll", "await_", "repeat"):
        if getattr(step, name) is not None:
            raise TargetError(
                "what is called works something out and waits for nobody",
                f"{where}.{name.rstrip('_')}",
                hint="make two steps of it",
            )
    if step.claims:
        raise TargetError("nothing is sent, so the shop claims nothing", f"{where}.claims")
    for name, take in step.take.items():
        if take.json is None:
            raise TargetError("what is called returns values", f"{where}.take.{name}", hint=f"{name}: {{json: {name}}}")
    for index, rule in enumerate(step.outcomes or []):
        _check_rule(rule, f"{where}.outcomes[{index}]")


def _check_rule(rule: Rule, where: str) -> None:
    for when in rule.when if isinstance(rule.when, list) else [rule.when]:
        for name in _OF_A_REPLY:
            if getattr(when, name) is not None:
                raise TargetError("nothing was sent: no reply came", f"{where}.when.{name}", hint="json: or var:")
    if rule.then is not None and rule.then.split(" ")[0] not in ("next", "goto", "flow"):
        raise TargetError(
            f"nothing was sent, so there is nothing to {rule.then}",
            f"{where}.then",
            hint="next, goto or flow",
        )
    if rule.end in ("confirmed", "accepted") or rule.means in ("ok", "info"):
        raise TargetError("nothing was sent, so nothing can have happened", where, hint="an end that means fail")
