"""A head that came before is not parsed again: what is made of a reply must never depend on it."""

from __future__ import annotations

import gzip
import random
from typing import Any
from unittest.mock import patch

import pytest

from surgectl.engine.drivers.wire import reply as module
from surgectl.engine.drivers.wire.fates import Garbled
from surgectl.engine.drivers.wire.reply import ReplyReader

STATUSES = ("200 OK", "200 OK", "200 OK", "201 Created", "204 No Content", "304 Not Modified", "409 Conflict", "503 No")
EXTRAS = (b"", b"", b"", b"", b"", b"\r\n", b"\n", b"junk!", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\0")
HINTS = ("", "", "Keep-Alive: timeout=5\r\n", "keep-alive: timeout=2, max=9\r\n", "Connection: close\r\n")
BODIES = (b"", b"ok", b'{"a":1}', b"\r\n\r\n", b"x\r\n\r\ny", b"\r\n\r\n\r", b"HTTP/")


def chunked(body: bytes, roll: random.Random) -> bytes:
    out = b""
    while body:
        size = roll.randint(1, len(body))
        out, body = out + b"%x\r\n%s\r\n" % (size, body[:size]), body[size:]
    return out + b"0\r\n" + roll.choice((b"", b"Trailer: t\r\n")) + b"\r\n"


def one(roll: random.Random) -> bytes:
    """A reply, or something like one."""
    head = f"HTTP/1.{roll.choice('1111110')} {roll.choice(STATUSES)}\r\n{roll.choice(HINTS)}"
    body = roll.choice(BODIES)
    if roll.random() < 0.15:
        body = gzip.compress(body, mtime=0)
        body = body if roll.random() < 0.9 else body[:-3]
        head += "Content-Encoding: gzip\r\n"
    kind = roll.random()
    if kind < 0.7:
        length = len(body) if roll.random() < 0.9 else roll.choice((0, 2, 5, 9))
        name = roll.choice(("Content-Length", "Content-Length", "content-length"))
        head += f"{name}: {roll.choice(('', '', '', '0'))}{length}{roll.choice(('', '', ' '))}\r\n"
    elif kind < 0.9:
        head += "Transfer-Encoding: chunked\r\n"
        body = chunked(body, roll)
    before = b"HTTP/1.1 100 Continue\r\n\r\n" if roll.random() < 0.08 else b""
    whole = before + head.encode() + b"\r\n" + body + roll.choice(EXTRAS)
    if roll.random() < 0.05:
        whole = whole.replace(b"\r\n", b"\n", roll.randint(1, 9))
    if roll.random() < 0.03:
        at = roll.randrange(len(whole))
        whole = whole[:at] + bytes([roll.randrange(256)]) + whole[at + 1 :]
    return whole


def visits(seed: int) -> list[list[tuple[str, list[bytes]]]]:
    """Connections, each with some requests (methods) and the pieces in which the reply of each comes."""
    roll = random.Random(seed)
    likes = [one(roll) for _ in range(3)]
    found = []
    for _ in range(12):
        asked = []
        for _ in range(roll.randint(1, 5)):
            data = roll.choice(likes) if roll.random() < 0.85 else one(roll)
            cuts = sorted(roll.randrange(len(data) + 1) for _ in range(roll.choice((0, 0, 0, 1, 2))))
            pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]
            asked.append((roll.choice(("GET", "POST", "GET", "POST", "HEAD")), pieces))
        found.append(asked)
    return found


def read(seed: int, *, known: bool, most: int = 30) -> list[Any]:
    """What is made of each reply, as a connection asks for it."""
    told: list[Any] = []
    module._HEADS.clear()
    for asked in visits(seed):
        reader = ReplyReader(most)
        for method, pieces in asked:
            reader.begin(method)
            said: tuple[Any, ...] = ("cut", reader.keeps_ns)
            keep = False
            for number, piece in enumerate(pieces):
                if not known:
                    module._HEADS.clear()
                try:
                    if not reader.feed(piece):
                        continue
                    headers, body = reader.take()
                    keep = reader.keep and number == len(pieces) - 1  # more would come unasked: the end of it
                    said = (reader.status, headers, body, keep, reader.keeps_ns)
                except Garbled as error:
                    said = ("garbled", str(error))
                break
            else:
                said = (reader.ends_here(), *said)
            told.append((method, said))
            if not keep:
                break
    return told


def test_a_known_head_means_what_it_would_mean_unknown() -> None:
    """Status, headers, body, whether the connection is kept and how long: the same with the memory as without."""
    hits = 0
    get = module.ReplyReader.feed

    def counted(self: ReplyReader, data: bytes) -> bool:
        nonlocal hits
        whole = get(self, data)
        hits += self._known is not None
        return whole

    with patch.object(ReplyReader, "feed", counted):
        for seed in range(1_000):
            assert read(seed, known=True) == read(seed, known=False), f"seed {seed}"
    assert hits > 500, "the memory was not tried"


def test_a_body_that_its_status_forbids_is_not_remembered_as_one() -> None:
    """304 and 204 have no body: line ends behind such a head belong to nobody, and neither does what follows later."""
    head = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"
    module._HEADS.clear()
    for rest in (b"\r\n\r\n\r", b"junk!"):
        reader = ReplyReader(100)
        assert reader.feed(head + rest)
        keep = rest.strip() == b""
        assert (reader.take()[1], reader.keep) == (b"", keep)


def test_where_a_head_ends_is_not_guessed() -> None:
    """A head whose lines end in LF alone ends before the line ends that its body begins with."""
    head = b"HTTP/1.1 200 OK\nContent-Length: 5\n\r\n"
    module._HEADS.clear()
    for body in (b"\r\n\r\n\r", b"\r\n\r\r\n"):
        reader = ReplyReader(100)
        assert reader.feed(head + body + b"\r\n")
        assert reader.take()[1] == body


def test_a_known_head_is_held_to_the_limit_of_its_reader() -> None:
    """What one driver bears, another need not."""
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    assert ReplyReader(5).feed(data)
    reader = ReplyReader(5)
    assert reader.feed(data)
    reader.take()
    with pytest.raises(Garbled):
        ReplyReader(4).feed(data)
