"""Ask an authority over HTTP, patiently but not for ever."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import yarl

from surgectl import chance
from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.evidence.reading import Patience, ReadError
from surgectl.journey.calling import CallError, CompiledCall
from surgectl.journey.messages import Wire
from surgectl.journey.template import UnsetError
from surgectl.profile.target import Tls

MOST_BYTES = 256 << 20
_LONGEST_WAIT_NS = 5_000_000_000
# What a server says that has not looked at the question: worth asking again.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DENIED = frozenset({401, 403})
"""What a shop says to somebody it does not know (RFC 9110 §15.5.2, §15.5.4)."""


class Denied(ReadError):
    """The authority does not know us, or no longer: a login may help."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer, usually 2xx."""

    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cookies: dict[str, str] = {}
    """Those it sets; an empty value takes one back."""

    def header(self, name: str) -> str | None:
        """Every header of that name as one, joined by commas (RFC 9110 §5.3); None where there is none."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None


class Signing(msgspec.Struct, frozen=True):
    """A target's `call:` on a question, with the variables that it is given."""

    called: CompiledCall
    variables: Mapping[str, Any]

    def signed(self, question: Question, at_s: float) -> Question:
        """The question that somebody's Python makes of it; its chance is fresh each time, for no plan has drawn it."""
        headers = tuple(question.headers.items())
        wire = Wire(method=question.method, url=question.url, headers=headers, body=question.body)
        try:
            made = self.called.signed(wire, self.variables, at_s, (chance.fresh_seed(),))
        except (CallError, UnsetError) as error:
            raise ReadError(str(error), where=question.place) from error
        return Question(url=made.url, method=made.method, headers=dict(made.headers), body=made.body)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One read: a GET, or a POST that only asks (GraphQL, a search)."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes | None = None
    signing: Signing | None = None
    """Has the last word on it, each time that it is sent."""

    def as_sent(self, at_s: float) -> Question:
        """As it leaves at that wall time. ReadError where whoever has the last word fails."""
        return self if self.signing is None else self.signing.signed(self, at_s)

    @property
    def place(self) -> str:
        """The path alone: host and query may hold what must not be written down."""
        return f"{self.method} {urlsplit(self.url).path or '/'}"


def session() -> aiohttp.ClientSession:
    """A client for control-plane reads: no cookies, no proxy from the environment."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def trust(tls: Tls, root: Path) -> ssl.SSLContext | None:
    """Whom a target believes to be its shop; None: the system's authorities. UsageError for a file of no use."""
    if tls.ca is None and tls.certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=root / tls.ca if tls.ca is not None else None)
        if tls.certificate is not None:
            context.load_cert_chain(root / tls.certificate, root / tls.key if tls.key is not None else None)
    except (OSError, ValueError) as error:
        raise UsageError(f"not a usable certificate: {getattr(error, 'reason', None) or error}", where="tls") from error
    return context


async def ask(
    http: aiohttp.ClientSession,
    question: Question,
    patience: Patience,
    clock: Clock,
    *,
    welcome: Collection[int] = (),
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """The answer, or ReadError with the last reason after `patience.tries` tries. Denied where nobody knows us.

    `welcome`: answers besides 2xx that the caller understands.
    """
    wait_ns = patience.backoff_ns
    for left in range(patience.tries - 1, -1, -1):
        hint_ns: int | None = None
        try:
            timeout = aiohttp.ClientTimeout(total=patience.timeout_ns / 1e9)
            leaves = question.as_sent(clock.wall().timestamp())
            async with http.request(
                leaves.method,
                _address(leaves.url),
                headers=leaves.headers,
                data=leaves.body,
                timeout=timeout,
                allow_redirects=False,  # elsewhere is another authority, and our secret is not meant for it
                ssl=tls if tls is not None else True,
            ) as response:
                if 200 <= response.status < 300 or response.status in welcome:
                    return await _answer(response, question)
                reason = f"answered {response.status}"
                if response.status in DENIED:
                    raise Denied(reason, where=question.place)
                if response.status in REDIRECTS:
                    # The path alone, as above: where to is a hint for whoever left out a slash or a login.
                    raise Denied(f"{reason}, to {_path(response.headers.get('Location'))}", where=question.place)
                if response.status not in _AGAIN:
                    raise ReadError(reason, where=question.place)
                hint_ns = seconds_ns(response.headers.get("Retry-After"))
        except TimeoutError:
            reason = f"no answer within {patience.timeout_ns / 1e9:g}s"
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise ReadError("its certificate is not believed", where=question.place, hint="tls: {ca: …}") from error
        except ValueError as error:  # an address or a header that cannot be sent
            raise ReadError("cannot be asked: the address or a header is not valid", where=question.place) from error
        except (aiohttp.ClientError, OSError) as error:
            reason = _why(error)
        if left:
            await clock.sleep_until_ns(clock.now_ns() + min(max(wait_ns, hint_ns or 0), _LONGEST_WAIT_NS))
            wait_ns *= 2
    tried = f" ({patience.tries} tries)" if patience.tries > 1 else ""
    raise ReadError(f"{reason}{tried}", where=question.place)


_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # RFC 3986 §2


def _address(url: str) -> yarl.URL:
    """The address letter by letter, where it needs no quoting: a signed link is signed as it is spelt."""
    return yarl.URL(url, encoded=_PLAIN.fullmatch(url) is not None)


async def _answer(response: aiohttp.ClientResponse, question: Question) -> Answer:
    return Answer(
        body=await _body(response, question),
        content_type=response.headers.get("Content-Type", ""),
        status=response.status,
        headers=tuple(response.headers.items()),
        cookies={
            name: "" if morsel["max-age"].strip().startswith(("0", "-")) else morsel.value
            for name, morsel in response.cookies.items()
        },
    )


def _path(location: str | None) -> str:
    try:
        return urlsplit(location or "").path or "/"
    except ValueError:
        return "nowhere"


def _why(error: Exception) -> str:
    """The reason without host and port, which aiohttp's own text would show."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer broke off in the middle"
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


def seconds_ns(text: str | None) -> int | None:
    """Retry-After as a number of seconds; a date, or nonsense, is no hint."""
    return int(text) * 1_000_000_000 if text and text.isascii() and text.isdecimal() and len(text) < 6 else None
