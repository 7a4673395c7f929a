"""Talks to a Toxiproxy server: time-outs, typed errors, and never on the event loop.

The wire work is toxiproxy-python's (PyPI 0.1.1). It is blocking, has no time-outs, keeps its address in a class and
turns a 5xx into `KeyError: 'name'`; this file is the one place that knows. The server: Toxiproxy 2.12's HTTP API.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
import requests
import toxiproxy
import toxiproxy.api
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from surgectl.errors import SurgectlError, UsageError

T = TypeVar("T")


class ToxiproxyError(SurgectlError):
    """The server could not be reached, refused, or answered something that is not Toxiproxy."""

    exit_code = 12


class ToxicState(msgspec.Struct, frozen=True):
    """A toxic as the server reads it back."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: dict[str, Any] = {}


class ProxyState(msgspec.Struct, frozen=True):
    """A proxy as the server reads it back."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: list[ToxicState] = []


class _Transport:
    """What toxiproxy-python calls instead of `requests`: the same calls with a time-out, and errors for 5xx."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment must not stand between us and the faults

    def _call(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._timeout_s)
        response = self._session.request(method, url, **kwargs)
        if response.status_code >= 400 and response.status_code not in (400, 404, 409):
            raise requests.HTTPError(f"{response.status_code} {response.text.strip()[:200]}", response=response)
        return response

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        return self._call("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return self._call("POST", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> requests.Response:
        return self._call("DELETE", url, **kwargs)


# toxiproxy-python keeps host and port in a class: two servers would fight, so every call takes this lock.
_one_at_a_time = threading.Lock()


class Toxiproxy:
    """One Toxiproxy server. Every method may raise ToxiproxyError; none blocks the loop or hangs."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port or 8474
        except ValueError as error:
            raise UsageError(
                f"{url!r} is not an address", where="toxiproxy", hint="try http://127.0.0.1:8474"
            ) from error
        if parts.scheme != "http" or not parts.hostname:
            raise UsageError(f"{url!r} is not an address", where="toxiproxy", hint="try http://127.0.0.1:8474")
        self.url = f"http://{parts.hostname}:{port}"
        self.host, self._port = parts.hostname, port
        self._transport = _Transport(timeout_s)
        self._client = toxiproxy.Toxiproxy()

    def __repr__(self) -> str:
        return f"<Toxiproxy {self.url}>"

    async def _ask(self, what: str, call: Callable[[], T]) -> T:
        def locked() -> T:
            with _one_at_a_time:
                toxiproxy.api.requests = self._transport
                self._client.update_api_consumer(self.host, self._port)
                return call()

        try:
            return await asyncio.to_thread(locked)
        except (NotFound, ProxyExists, InvalidToxic) as error:
            raise ToxiproxyError(f"{what}: {_said(error)}", where=self.url) from error
        except requests.RequestException as error:
            raise ToxiproxyError(f"{what}: {_short(error)}", where=self.url) from error
        except (KeyError, TypeError, ValueError, AttributeError, msgspec.ValidationError) as error:
            raise ToxiproxyError(f"{what}: the answer is not Toxiproxy's ({_short(error)})", where=self.url) from error

    async def version(self) -> str:
        """The server's version (`git` when built by go install). Proves that a Toxiproxy answers here."""

        def call() -> str:
            body = toxiproxy.api.APIConsumer.get("/version").content
            return str(msgspec.json.decode(body, type=dict[str, str])["version"])

        return await self._ask("asking for its version", call)

    async def proxies(self) -> dict[str, ProxyState]:
        """All proxies with their toxics, by name."""

        def call() -> dict[str, ProxyState]:
            return msgspec.json.decode(toxiproxy.api.APIConsumer.get("/proxies").content, type=dict[str, ProxyState])

        return await self._ask("listing proxies", call)

    async def create(self, name: str, upstream: str, listen: str) -> ProxyState:
        """Create a proxy. `listen` must name a host: the server's own default is every interface."""

        def call() -> str:
            return str(self._client.create(upstream=upstream, name=name, listen=listen).name)

        await self._ask(f"creating proxy {name}", call)
        return (await self.proxies())[name]

    async def destroy(self, name: str) -> None:
        """Delete a proxy; one that is gone already is fine."""
        await self._gone_is_fine(f"deleting proxy {name}", lambda: self._proxy(name).destroy())

    async def add_toxic(
        self, proxy: str, *, name: str, type: str, stream: str, toxicity: float, attributes: dict[str, int]
    ) -> None:
        """Add one toxic; it acts on open connections at once."""
        await self._ask(
            f"adding {type} to {proxy}",
            lambda: self._proxy(proxy).add_toxic(
                name=name, type=type, stream=stream, toxicity=toxicity, attributes=attributes
            ),
        )

    async def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove one toxic; one that is gone already is fine. Removing a timeout cuts the connections it held."""
        await self._gone_is_fine(f"removing {name} from {proxy}", lambda: self._proxy(proxy).destroy_toxic(name))

    async def enable(self, proxy: str, on: bool) -> None:
        """Open or close a proxy's door; closing it cuts every connection."""
        await self._ask(
            f"{'enabling' if on else 'disabling'} {proxy}",
            lambda: self._proxy(proxy).enable() if on else self._proxy(proxy).disable(),
        )

    async def _gone_is_fine(self, what: str, call: Callable[[], object]) -> None:
        try:
            await self._ask(what, call)
        except ToxiproxyError as error:
            if not isinstance(error.__cause__, NotFound):
                raise

    @staticmethod
    def _proxy(name: str) -> Any:
        """toxiproxy-python's handle on a proxy, without listing them all first."""
        return toxiproxy.proxy.Proxy(name=quote(name, safe=""), upstream="", enabled=True, listen="")


def _said(error: Exception) -> str:
    """The server's own words: toxiproxy-python's exceptions carry the reply's bytes."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    try:
        return str(msgspec.json.decode(text)["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return text.strip()[:200]


def _short(error: Exception) -> str:
    if isinstance(error, requests.ConnectionError):
        return "nothing answers there"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return str(error).strip().split("\n")[0][:200]
