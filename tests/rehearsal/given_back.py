"""Rehearsals of a stall that wants back what was bought, and how each of them ended."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.rehearsal.acting import HERE, Ended, Underway, gone_within, underway
from tests.rehearsal.programme import Play

STRANGER = "somebody-else@example.org"


class Stall(ThreadingHTTPServer):
    """Sells five. `silent`: takes the money, and says nothing until the customer has gone."""

    daemon_threads = True

    def __init__(self, *, silent: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Counter)
        self.silent = silent
        self.lock = threading.Lock()
        self.orders: list[dict[str, str]] = [{"order": "0", "email": STRANGER, "state": "sold"}]
        self.left = 5
        self.log: list[str] = []
        """What happened, in order: setup, buy, gone (a customer who was never answered), books, teardown, back."""
        self.closed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def standing(self) -> list[str]:
        """Whose orders still stand."""
        return [order["email"] for order in self.orders if order["state"] == "sold"]


class _Counter(BaseHTTPRequestHandler):
    server: Stall
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.log.append("books")
            run = self.path.partition("?run=")[2]
            self.answer(200, [order for order in self.server.orders if run in order["email"]])

    def do_HEAD(self) -> None:
        self.answer(200, [])

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            status, told = getattr(self, self.path.strip("/").replace("-", "_"))(said)
        if self.server.silent and self.path == "/orders":
            self.rfile.read(1)  # the end of the line: they have hung up
            self.server.log.append("gone")
            self.close_connection = True
            return
        self.answer(status, told)

    def orders(self, said: dict[str, Any]) -> tuple[int, object]:
        self.server.log.append("buy")
        if not self.server.left:
            return 409, {}
        self.server.left -= 1
        order = {"order": str(len(self.server.orders)), "email": said["email"], "state": "sold"}
        self.server.orders.append(order)
        return 201, order

    def hook(self, said: dict[str, Any]) -> tuple[int, object]:
        self.server.log.extend(said)
        return 200, {}

    def give_back(self, said: dict[str, Any]) -> tuple[int, object]:
        self.server.log.append("back")
        for order in self.server.orders:
            if order["state"] == "sold" and said["run"] in order["email"]:
                order["state"] = "back"
                self.server.left += 1
        return 200, {"left": self.server.left}

    def answer(self, status: int, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def _stall(silent: bool) -> Iterator[Stall]:
    with Stall(silent=silent) as stall:
        thread = threading.Thread(target=stall.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield stall
        finally:
            stall.shutdown()
            thread.join()


Act = Callable[[Stall, Underway], None]


def _look(stall: Stall, run: Underway) -> None:
    """Only looks on."""


def played(name: str, *sets: str, act: Act = _look, silent: bool = False) -> Play:
    """One rehearsal of the stall; what is left of it afterwards is noted."""

    def perform(place: Path) -> Ended:
        with _stall(silent) as stall:
            words = [word for each in (f"SHOP_URL={stall.url}", *sets) for word in ("--set", each)]
            with underway(place, "--no-tui", *words, profile=HERE / "stall/stall.yaml", own_group=True) as run:
                act(stall, run)
                children = run.children()
                run.process.wait(60)
                left = gone_within(children)
                return run.ended(log=stall.log, standing=stall.standing(), stock=stall.left, survivors=left)

    return Play(name, perform)


def ctrl_c(at: str, times: int = 1) -> Act:
    """Ctrl-C, as a terminal sends it to the whole foreground group, once the stall's log shows this."""

    def act(stall: Stall, run: Underway) -> None:
        for number in range(times):
            run.until(f"{at} at the stall", lambda: stall.log.count(at) > 5 * (at == "buy"))
            if number:
                run.until("it is stopping", lambda: b"once more leaves at once" in run.said())
            os.killpg(run.process.pid, signal.SIGINT)

    return act
