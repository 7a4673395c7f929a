"""Turns a wait for a push into what opens it: an event stream, or a WebSocket."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.journey.messages import Push, Reply, Wire
from surgectl.journey.problem import TargetError
from surgectl.journey.request import CompiledRequest, Defaults, compile_request
from surgectl.journey.template import Variables, compile_json, compile_text
from surgectl.profile.step import Await, Request


def compile_push(wait: Await, defaults: Defaults, where: str) -> tuple[CompiledRequest, Push]:
    """The request that opens the connection, its body being what is said first; and what is listened to."""
    if (wait.sse is None) == (wait.ws is None):
        raise TargetError("it listens to nothing, or twice", where, hint="sse: URL, or ws: URL")
    if wait.sse is not None and wait.send is not msgspec.UNSET:
        raise TargetError("an event stream only speaks", f"{where}.send", hint="put it into query: or headers:")
    for name in ("reconnect", "within"):
        if int(getattr(wait, name)) <= 0:
            raise TargetError(f"{name} must be longer than nothing", f"{where}.{name}", hint="try 3s")
    if wait.ws is not None and wait.events:
        raise TargetError("the messages of a WebSocket have no names", f"{where}.events", hint="when: {json: …}")
    url = wait.sse if wait.sse is not None else _over_http(wait.ws or "")
    opening = compile_request(
        Request(
            get=url,
            origin=wait.origin,
            query=wait.query,
            headers=wait.headers,
            timeout=wait.timeout,
            call=wait.call,
            with_=wait.with_,
        ),
        defaults,
        where,
    )
    push = Push(kind="sse" if wait.sse is not None else "ws", events=frozenset(wait.events), open_ns=opening.timeout_ns)
    return (opening if wait.send is msgspec.UNSET else _saying(opening, wait.send, where)), push


def _over_http(url: str) -> str:
    """A WebSocket begins as HTTP, at the same door (RFC 6455 §3)."""
    for ws, http in (("ws://", "http://"), ("wss://", "https://")):
        if url.startswith(ws):
            return http + url.removeprefix(ws)
    return url


def _saying(opening: CompiledRequest, said: Any, where: str) -> CompiledRequest:
    """The same opening, with the first words after it."""
    text = compile_text(said, f"{where}.send") if isinstance(said, str) else None
    document = compile_json(said, f"{where}.send")
    names = document.names if text is None else text.names

    def render(variables: Variables, page: Reply | None, timeout_ns: int) -> Wire:
        wire = opening.render(variables, page, timeout_ns)
        return msgspec.structs.replace(
            wire, body=document.render(variables) if text is None else text.render(variables).encode()
        )

    return msgspec.structs.replace(opening, render=render, names=opening.names | names)
