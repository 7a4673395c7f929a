"""Ask an authority over HTTP, patiently but not for ever."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import aiohttp
import msgspec

from surgectl.clock import Clock
from surgectl.evidence.reading import Patience, ReadError

MOST_BYTES = 256 << 20
_LONGEST_WAIT_NS = 5_000_000_000
# What a server says that has not looked at the question: worth asking again.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Answer(msgspec.Struct, frozen=True):
    """A whole 2xx answer."""

    body: bytes
    content_type: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One read: a GET, or a POST that only asks (GraphQL, a search)."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes | None = None

    @property
    def place(self) -> str:
        """The path alone: host and query may hold what must not be written down."""
        return f"{self.method} {urlsplit(self.url).path or '/'}"


def session() -> aiohttp.ClientSession:
    """A client for control-plane reads: no cookies, no proxy from the environment."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


async def ask(http: aiohttp.ClientSession, question: Question, patience: Patience, clock: Clock) -> Answer:
    """The answer, or ReadError with the last reason after `patience.tries` tries."""
    wait_ns = patience.backoff_ns
    for left in range(patience.tries - 1, -1, -1):
        hint_ns: int | None = None
        try:
            timeout = aiohttp.ClientTimeout(total=patience.timeout_ns / 1e9)
            async with http.request(
                question.method,
                question.url,
                headers=question.headers,
                data=question.body,
                timeout=timeout,
                allow_redirects=False,  # elsewhere is another authority, and our secret is not meant for it
            ) as response:
                if 200 <= response.status < 300:
                    return Answer(await _body(response, question), response.headers.get("Content-Type", ""))
                reason = f"answered {response.status}"
                if response.status not in _AGAIN:
                    raise ReadError(reason, where=question.place)
                hint_ns = _seconds_ns(response.headers.get("Retry-After"))
        except TimeoutError:
            reason = f"no answer within {patience.timeout_ns / 1e9:g}s"
        except ValueError as error:  # an address or a header that cannot be sent
            raise ReadError("cannot be asked: the address or a header is not valid", where=question.place) from error
        except (aiohttp.ClientError, OSError) as error:
            reason = _why(error)
        if left:
            await clock.sleep_until_ns(clock.now_ns() + min(max(wait_ns, hint_ns or 0), _LONGEST_WAIT_NS))
            wait_ns *= 2
    tried = f" ({patience.tries} tries)" if patience.tries > 1 else ""
    raise ReadError(f"{reason}{tried}", where=question.place)


def _why(error: Exception) -> str:
    """The reason without host and port, which aiohttp's own text would show."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    said = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno and cause.errno > 0 else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


async def _body(response: aiohttp.ClientResponse, question: Question) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_chunked(1 << 18):
        size += len(chunk)
        if size > MOST_BYTES:
            raise ReadError(f"an answer of more than {MOST_BYTES >> 20} MiB", where=question.place, hint="page it")
        chunks.append(chunk)
    return b"".join(chunks)


def _seconds_ns(text: str | None) -> int | None:
    """Retry-After as a number of seconds; a date, or nonsense, is no hint."""
    return int(text) * 1_000_000_000 if text and text.isascii() and text.isdecimal() and len(text) < 6 else None
