"""Shakes hands over TLS and reads the certificate that is shown: for whom, believed or not, and for how long."""

from __future__ import annotations

import asyncio
import ssl

import msgspec

from surgectl.clock import Clock

_PATIENCE_S = 5.0


class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `why` says why not; empty: certificate and name were believed."""

    why: str = ""
    unbelieved: bool = False
    """TLS is spoken, but not by anybody whom the client would believe under that name."""
    reached: bool = True
    """Somebody accepted the connection."""
    days_left: float | None = None
    names: tuple[str, ...] = ()
    """Whom the certificate is for."""
    took_ns: int = 0


async def shake(host: str, port: int, server_name: str, context: ssl.SSLContext, clock: Clock) -> Handshake:
    """A handshake with SNI and host name `server_name` (RFC 6066 §3, RFC 9525). Sends no request. Never raises for
    what the network does."""
    began_ns = clock.now_ns()
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)
        return _read(writer, clock, clock.now_ns() - began_ns)
    except ssl.SSLCertVerificationError as error:
        return Handshake(why=error.verify_message or "the certificate is not believed", unbelieved=True)
    except ssl.SSLError as error:
        return Handshake(why=f"no TLS is spoken there ({error.reason or type(error).__name__})")
    except TimeoutError:
        return Handshake(why=f"no handshake within {_PATIENCE_S:g}s", reached=False)
    except ConnectionResetError:
        return Handshake(why="the connection was cut in the middle of the handshake")
    except OSError as error:
        return Handshake(why=error.strerror or "nobody answers", reached=False)
    except ValueError as error:  # a name that cannot be one
        return Handshake(why=f"not a host name: {error}", reached=False)
    finally:
        if writer is not None:
            writer.transport.abort()


def _read(writer: asyncio.StreamWriter, clock: Clock, took_ns: int) -> Handshake:
    shown = writer.get_extra_info("peercert") or {}
    until = shown.get("notAfter")
    days = (ssl.cert_time_to_seconds(until) - clock.wall().timestamp()) / 86_400 if until else None
    names = tuple(str(value) for _, value in shown.get("subjectAltName", ()))
    return Handshake(days_left=days, names=names, took_ns=took_ns)
