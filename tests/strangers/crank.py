"""A crank's shop: it sells and charges twice, and says whatever ever broke a terminal, a page, a parser or a disk.

Bare sockets, for no server library would send this. Which nastiness a fan meets depends on the number of the sale.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from typing import Any

PRICE = 2500
MANY = 10_000_000
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SCREEN = "\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\\x1b]52;c;b3duZWQ=\x07\x1b[2J\x1b[31m\x9b5m\x08\0"
TURNED = "\u202egnp.exe\u202c\u2066isolated\u2069\u200f\ufeff\u2028"
MARKS = "[click](https://evil.example) | `tick` **bold** ]]> --> {{ 7 * 7 }} ##[error]log ##vso[task.x]y %0A"
EVIL = f"{SCRIPT}{SCREEN}{TURNED}{MARKS}\r\n::error title=owned::owned\n::stop-commands::owned\n"
LONE = '"\\ud800 half a character"'


class Crank:
    """Everything in memory, and nothing forgotten."""

    def __init__(self) -> None:
        self.number = itertools.count()
        self.orders: list[dict[str, Any]] = []
        self.tickets: list[dict[str, Any]] = []
        self.charges: list[dict[str, Any]] = []

    def reply(self, path: str, asked: dict[str, Any]) -> bytes:
        if path.startswith("/books/"):
            return self.books(path.removeprefix("/books/").partition("?")[0])
        if path == "/":
            return answer(f"<title>{EVIL}</title>".encode() + b"\0\xff\xfe", kind="text/html; charset=\x1b[2J")
        n = next(self.number)
        order = f"o{n}-{EVIL}"
        sold = {"order": order, "email": asked["email"], "qty": 1, "total": PRICE, "state": "paid", "seats": [EVIL]}
        self.orders.append(sold)
        self.tickets.append({"ticket": f"t{n}-{EVIL}", "order": order, "seat": f"s{n}-{EVIL}", "state": "paid"})
        for again in range(2):
            charge = {"charge": f"c{n}-{again}-{EVIL}", "captured": PRICE, "currency": "eur", "refunded": 0}
            self.charges.append({**charge, "state": "succeeded", "email": asked["email"], "order": order})
        match n % 10:
            case 1:  # a flood that is well formed
                return answer(json.dumps({**sold, "blurb": "<A&" * (MANY // 3)}).encode())
            case 2:  # a flood that is not
                return answer(b"\0\xff\x1b[2J<script>" * (MANY // 14))
            case 3:  # an order's name that is one
                return answer(json.dumps({**sold, "order": order + "\x1b]0;owned\x07" * (MANY // 30)}).encode())
            case 4:
                return answer(json.dumps(sold).encode(), more=f"X-Evil: {EVIL[:90]}{'h' * 300_000}\r\n")
            case 5:
                return answer(b"{}", status=f"200 {SCREEN}{SCRIPT}", more=f"Set-Cookie: {SCREEN}{SCRIPT}\r\n")
            case 6:
                return f"{SCREEN}{SCRIPT} this is not HTTP\r\n\r\n".encode()
            case 7:
                return answer(b"", status=f"302 {SCREEN}", more=f"Location: https://evil.example/{SCRIPT}{SCREEN}\r\n")
            case 8:
                return answer(json.dumps({"error": EVIL, "state": EVIL, "order": EVIL}).encode(), status="500 no")
            case 9:
                return answer(f'{{"state": "paid", "order": {LONE}, "total": 1e999, "email": NaN}}'.encode())
        return answer(json.dumps(sold).encode())

    def books(self, kind: str) -> bytes:
        rows = {"orders": self.orders, "tickets": self.tickets, "charges": self.charges}.get(kind, [])
        # One row that cannot be meant, in words that will be shown as the reason.
        broken = {"ticket": "<A&" * (MANY // 30), "order": EVIL, "state": EVIL}
        return answer(json.dumps({"rows": [*rows, broken] if kind == "tickets" else rows}).encode())


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(port: int) -> None:
    crank = Crank()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                length = 0
                while (header := await reader.readline()) not in (b"\r\n", b""):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                body = await reader.readexactly(length)
                writer.write(crank.reply(line.split()[1].decode(), json.loads(body) if body else {}))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(meet, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))
