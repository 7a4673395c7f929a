"""How a canary speaks TLS with a dependency: through the proxy, with the name and the certificate of the real host.

The proxy stays a pipe of bytes. So the handshake is the dependency's own: its certificate must be for `server_name`,
which is also what we send as SNI (RFC 6066 §3), and from an authority that we believe. A conversation does no I/O: it
is fed with what came and says what to send, and so it knows how many bytes came *below* TLS, which is where a fault
bites.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from surgectl.chaos.address import host_of
from surgectl.errors import UsageError
from surgectl.profile.link import Link

_HEADER_BYTES = 5
_MOST_PLAIN_BYTES = 65_536


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """Whom we expect behind a link, and whom we believe about it."""

    server_name: str
    context: ssl.SSLContext


def secured(link: Link, folder: Path, where: str) -> Secured | None:
    """What a link's `tls` says, made ready; None where it says nothing.

    `folder` is the target's, `where` the link's path in it. UsageError for authorities that cannot be read.
    """
    if link.tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=folder / link.tls.ca if link.tls.ca else None)
    except (OSError, ValueError) as error:
        no_file = isinstance(error, FileNotFoundError)
        raise UsageError(
            f"{link.tls.ca}: {'there is no such file' if no_file else 'no authorities can be read from it'}",
            where=f"{where}.tls.ca",
            hint="a PEM file, found from the target's folder",
        ) from error
    return Secured(server_name=link.tls.server_name or host_of(link.upstream or ""), context=context)


class Doubted(Exception):
    """What answered is not believed: not TLS, or not who we expect. In plain words."""


class Conversation:
    """One connection's TLS, without I/O: `begin()`, then `heard(chunk)` for all that comes.

    Both return what is to be sent; what was said inside TLS gathers in `plain`.
    """

    def __init__(self, secured: Secured) -> None:
        self._name = secured.server_name
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = secured.context.wrap_bio(self._in, self._out, server_hostname=secured.server_name)
        self._unread = b""
        self._said = b""
        self.open = False
        """The handshake is done, and the other side is who we expect."""
        self.ended = False
        """The other side said that it has said all (close_notify)."""
        self.plain = b""
        self.before_reply = 0
        """Bytes that came before the first one of a reply: handshake and tickets."""
        self._replied = False

    def begin(self) -> bytes:
        """The first words."""
        return self._on()

    def say(self, plain: bytes) -> bytes:
        """What to send, so that this arrives inside TLS. Said before the handshake is done it waits for it."""
        self._said += plain
        return self._on()

    def heard(self, chunk: bytes) -> bytes:
        """Take what came. Raises Doubted."""
        self._unread += chunk
        answer = b""
        # Record by record (RFC 8446 §5.1), to know where the reply begins.
        while len(self._unread) >= _HEADER_BYTES:
            size = _HEADER_BYTES + int.from_bytes(self._unread[3:5])
            if len(self._unread) < size and self._unread[0] in range(20, 25):
                break
            record, self._unread = self._unread[:size], self._unread[size:]
            self._in.write(record)
            answer += self._on()
            self._replied = self._replied or bool(self.plain)
            if not self._replied:
                self.before_reply += len(record)
        return answer

    def take(self) -> bytes:
        """What was said inside TLS since the last time."""
        plain, self.plain = self.plain, b""
        return plain

    def _on(self) -> bytes:
        try:
            if not self.open:
                self._tls.do_handshake()
                self.open = True
            if self._said:
                self._tls.write(self._said)
                self._said = b""
            while not self.ended:
                piece = self._tls.read(_MOST_PLAIN_BYTES)
                self.plain += piece
                self.ended = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise Doubted(_why(error, self._name)) from error
        return self._out.read()


def _why(error: ssl.SSLError, name: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not believed: {error.verify_message.rstrip('.')} (expected {name})"
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
        return "what answers there does not speak TLS"
    return f"no TLS connection with {name}: {(error.reason or type(error).__name__).replace('_', ' ').lower()}"
