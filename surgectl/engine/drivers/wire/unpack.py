"""A packed body, unpacked, but never more of it than we are ready to hold."""

from __future__ import annotations

import zlib

from surgectl.engine.drivers.wire.fates import Garbled

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """The body as it was before Content-Encoding. Garbled where it is no such thing, or longer than `most` bytes."""
    encoding = encoding.strip().lower()
    if not body or encoding not in ("gzip", "x-gzip", "deflate", "br", "zstd"):
        return body
    if encoding in ("br", "zstd"):
        raise Garbled(f"a body packed as {encoding}, which nobody asked for")
    if encoding != "deflate":
        bits = _GZIP
    else:
        # Some servers send deflate without its zlib wrapper: its first nibble tells.
        bits = zlib.MAX_WBITS if body[0] & 0xF == 8 else -zlib.MAX_WBITS
    pieces: list[bytes] = []
    size = 0
    while body:
        unpacker = zlib.decompressobj(bits)
        try:
            piece = unpacker.decompress(body, most + 1 - size)
        except zlib.error as error:
            raise Garbled(f"not {encoding}") from error
        size += len(piece)
        if size > most:
            raise Garbled(f"a body of more than {most} bytes")
        if not unpacker.eof:
            raise Garbled(f"{encoding} that ends early")
        pieces.append(piece)
        # gzip may hold several members, one after the other; what follows deflate is padding.
        body = unpacker.unused_data if bits == _GZIP else b""
        if bits == _GZIP:
            body = body.lstrip(b"\0")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
