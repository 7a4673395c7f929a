"""Toxiproxy's HTTP API: what is proxied and which faults are on.

Every status, header and body is that of Toxiproxy 2.12 (api.go), so that its clients cannot tell.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable

from aiohttp import web

from surgectl import chance
from surgectl.proxy import gojson, wire
from surgectl.proxy.address import AddressError
from surgectl.proxy.gojson import GoJsonError
from surgectl.proxy.listener import Proxy
from surgectl.proxy.pipe import Direction, Placed
from surgectl.proxy.registry import NameTaken, Registry, Wanted
from surgectl.proxy.toxics import TOXICS

VERSION = "2.12.0"
"""The Toxiproxy whose behaviour this is."""

_HANDLER_S = 25.0
_TIMED_OUT = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"

Handler = Callable[[bytes], Awaitable[web.Response]]


class ApiError(Exception):
    """A refusal with its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def _json(text: str, status: int = 200) -> web.Response:
    return web.Response(body=text.encode("utf-8", "replace"), status=status, content_type="application/json")


def _text(text: str, status: int) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=f"{text}\n".encode("utf-8", "replace"), status=status, headers=headers)


def _bad_body(error: GoJsonError) -> ApiError:
    return ApiError(f"bad request body: {error}", 400)


def _required(value: str | None, name: str) -> str:
    if not value:
        raise ApiError(f"missing required field: {name}", 400)
    return value


class Api:
    """Answers requests about a registry. `handle` is a low-level aiohttp handler."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._proxies = registry.proxies
        self._strict = registry.setting.strict
        # Handlers run on when their caller has gone or waits no longer, as in Go; hold them so that they end.
        self._running: set[asyncio.Task[web.Response]] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.path
        clean = posixpath.normpath(path) if path != "/" else path
        clean = clean.replace("//", "/", 1) if clean.startswith("//") else clean
        if path.endswith("/") and clean != "/":
            clean += "/"
        if clean != path:
            return web.Response(status=301, headers={"Location": clean})
        methods = self._route(path)
        if methods is None:
            return _text("404 page not found", 404)
        handler = methods.get(request.method)
        if handler is None:
            return web.Response(status=405)
        if request.headers.get("User-Agent", "").startswith("Mozilla/"):
            # A web page must not be able to reach us through its visitor's browser (DNS rebinding).
            response = _text("User agent not allowed", 403)
        else:
            response = await self._answer(handler, await request.read())
        response.headers["X-Toxiproxy-Request-Id"] = chance.token()
        return response

    async def _answer(self, handler: Handler, body: bytes) -> web.Response:
        async def run() -> web.Response:
            try:
                return await handler(body)
            except ApiError as error:
                return _text(wire.show_error(error.message, error.status), error.status)
            except AddressError as error:
                return _text(wire.show_error(str(error), 500), 500)

        task = asyncio.ensure_future(run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({task}, timeout=_HANDLER_S)
        if not done:
            return web.Response(body=_TIMED_OUT.encode(), status=503, content_type="text/html", charset="utf-8")
        return task.result()

    def _route(self, path: str) -> dict[str, Handler] | None:
        """The methods that a path knows, or None for a path that is none."""
        match path.split("/")[1:]:
            case ["proxies"]:
                return {"GET": self._index, "POST": self._create}
            case ["populate"]:
                return {"POST": self._populate}
            case ["reset"]:
                return {"POST": self._reset}
            case ["version"]:
                return {"GET": self._version}
            case ["proxies", name] if name:
                update = self._of(name, self._update)
                return {
                    "GET": self._of(name, self._show),
                    "POST": update,
                    "PATCH": update,
                    "DELETE": self._of(name, self._delete),
                }
            case ["proxies", name, "toxics"] if name:
                return {"GET": self._of(name, self._toxics), "POST": self._of(name, self._add_toxic)}
            case ["proxies", name, "toxics", toxic] if name and toxic:
                update = self._of(name, lambda proxy, body: self._update_toxic(proxy, toxic, body))
                return {
                    "GET": self._of(name, lambda proxy, body: self._show_toxic(proxy, toxic)),
                    "POST": update,
                    "PATCH": update,
                    "DELETE": self._of(name, lambda proxy, body: self._remove_toxic(proxy, toxic)),
                }
        return None

    def _of(self, name: str, handler: Callable[[Proxy, bytes], Awaitable[web.Response]]) -> Handler:
        async def found(body: bytes) -> web.Response:
            proxy = self._proxies.get(name)
            if proxy is None:
                raise ApiError("proxy not found", 404)
            return await handler(proxy, body)

        return found

    # The server.

    async def _version(self, body: bytes) -> web.Response:
        headers = {"Content-Type": "application/json;charset=utf-8"}
        return web.Response(body=f'{{"version": "{VERSION}"}}\n'.encode(), headers=headers)

    async def _reset(self, body: bytes) -> web.Response:
        await self._registry.reset()
        return web.Response(status=204)

    async def _populate(self, body: bytes) -> web.Response:
        try:
            asked = wire.read_populate(body)
            wanted = [
                Wanted(
                    name=_required(one.name, f"name at proxy {n}"),
                    listen=one.listen or "",
                    upstream=_required(one.upstream, f"upstream at proxy {n}"),
                    enabled=True if one.enabled is None else one.enabled,
                )
                for n, one in enumerate(asked, start=1)
            ]
        except GoJsonError as error:
            return self._populated([], _bad_body(error))
        except ApiError as error:
            return self._populated([], error)
        populated = await self._registry.populate(wanted)
        error500 = ApiError(str(populated.error), 500) if populated.error else None
        return self._populated(populated.proxies, error500)

    def _populated(self, proxies: list[Proxy], error: ApiError | None) -> web.Response:
        # Unlike everywhere else an error is JSON by its content type here, and says what was made before it.
        shown = f"[{','.join(map(wire.show_proxy, proxies))}]" if proxies else "null"
        if error is None:
            return _json(f'{{"proxies":{shown}}}', 201)
        return _json(f'{wire.show_error(error.message, error.status)[:-1]},"proxies":{shown}}}', error.status)

    # Proxies.

    async def _index(self, body: bytes) -> web.Response:
        named = sorted(self._proxies.items(), key=lambda item: item[0].encode("utf-8", "replace"))
        shown = (f"{gojson.show_string(name)}:{wire.show_proxy(proxy)}" for name, proxy in named)
        return _json(f"{{{','.join(shown)}}}")

    async def _create(self, body: bytes) -> web.Response:
        try:
            asked = wire.read_proxy(body)
        except GoJsonError as error:
            raise _bad_body(error) from error
        wanted = Wanted(
            name=_required(asked.name, "name"),
            listen=asked.listen or "",
            upstream=_required(asked.upstream, "upstream"),
            enabled=True if asked.enabled is None else asked.enabled,
        )
        try:
            proxy = await self._registry.create(wanted)
        except NameTaken as taken:
            raise ApiError("proxy already exists", 409) from taken
        return _json(wire.show_proxy(proxy), 201)

    async def _show(self, proxy: Proxy, body: bytes) -> web.Response:
        return _json(wire.show_proxy(proxy))

    async def _update(self, proxy: Proxy, body: bytes) -> web.Response:
        try:
            asked = wire.read_proxy(body)
        except GoJsonError as error:
            raise _bad_body(error) from error
        async with proxy.lock:
            await proxy.update(
                listen=proxy.listen if asked.listen is None else self._registry.listen_address(asked.listen),
                upstream=proxy.upstream if asked.upstream is None else asked.upstream,
                enabled=proxy.enabled if asked.enabled is None else asked.enabled,
            )
        return _json(wire.show_proxy(proxy))

    async def _delete(self, proxy: Proxy, body: bytes) -> web.Response:
        await self._registry.remove(proxy)
        return web.Response(status=204)

    # Toxics.

    async def _toxics(self, proxy: Proxy, body: bytes) -> web.Response:
        return _json(wire.show_toxics(proxy.chain.all()))

    async def _show_toxic(self, proxy: Proxy, name: str) -> web.Response:
        return _json(wire.show_toxic(self._toxic(proxy, name)))

    async def _add_toxic(self, proxy: Proxy, body: bytes) -> web.Response:
        try:
            asked = wire.read_toxic(body)
            directions = {"upstream": Direction.UPSTREAM, "downstream": Direction.DOWNSTREAM}
            direction = directions.get(asked.stream.lower())
            if direction is None:
                raise ApiError("stream was invalid, can be either upstream or downstream", 400)
            kind = TOXICS.get(asked.type)
            if kind is None:
                raise ApiError("invalid toxic type", 400)
            name = asked.name or f"{asked.type}_{asked.stream}"
            if proxy.chain.find(name) is not None:
                raise ApiError("toxic already exists", 409)
            attributes = wire.Attributes(kind())
            attributes.read(asked.tree)
            wire.refuse_unsound(attributes.toxic, self._strict)
        except GoJsonError as error:
            raise _bad_body(error) from error
        placed = Placed(
            serial=proxy.chain.next_serial(),
            name=name,
            type=asked.type,
            stream=asked.stream,
            direction=direction,
            toxicity=asked.toxicity,
            toxic=attributes.toxic,
        )
        await proxy.chain.add(placed)
        return _json(wire.show_toxic(placed))

    async def _update_toxic(self, proxy: Proxy, name: str, body: bytes) -> web.Response:
        placed = self._toxic(proxy, name)
        attributes = wire.Attributes(placed.toxic)
        refusal: GoJsonError | None = None
        try:
            attributes.read_update(body)
        except GoJsonError as error:
            refusal = error
        try:
            wire.refuse_unsound(attributes.toxic, self._strict)
            if refusal is not None and not self._strict:
                raise refusal
        except GoJsonError as error:
            raise _bad_body(refusal or error) from error
        if refusal is not None:
            # Toxiproxy answers with the error, but keeps what it had read before it.
            proxy.chain.amend(_replaced(placed, attributes, keep_toxicity=True))
            raise _bad_body(refusal) from refusal
        updated = _replaced(placed, attributes)
        await proxy.chain.update(updated)
        return _json(wire.show_toxic(updated))

    async def _remove_toxic(self, proxy: Proxy, name: str) -> web.Response:
        await proxy.chain.remove(self._toxic(proxy, name))
        return web.Response(status=204)

    def _toxic(self, proxy: Proxy, name: str) -> Placed:
        placed = proxy.chain.find(name)
        if placed is None:
            raise ApiError("toxic not found", 404)
        return placed


def _replaced(placed: Placed, attributes: wire.Attributes, keep_toxicity: bool = False) -> Placed:
    toxicity = placed.toxicity if keep_toxicity or attributes.toxicity is None else attributes.toxicity
    return Placed(
        serial=placed.serial,
        name=placed.name,
        type=placed.type,
        stream=placed.stream,
        direction=placed.direction,
        toxicity=toxicity,
        toxic=attributes.toxic,
    )
