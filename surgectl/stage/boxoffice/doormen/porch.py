"""Where the doormen stand: the shop sets them up, answers what they ask, and closes when one of them is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from surgectl.errors import SurgectlError
from surgectl.stage.boxoffice.conduct import everybody_at_once
from surgectl.stage.boxoffice.door import Handler
from surgectl.stage.boxoffice.doormen.board import Board
from surgectl.stage.boxoffice.doormen.relayed import Relayed, as_told
from surgectl.stage.boxoffice.doormen.tube import Close, Terms, Told, Tube, Wish
from surgectl.stage.boxoffice.shop import Shop
from surgectl.stage.boxoffice.waiting_room import WaitingRoom

log = logging.getLogger("surgectl.stage.boxoffice")
_STANDS_WITHIN_S = 20.0
_LEAVES_WITHIN_S = 4.0


class _Post:
    """One doorman, as the shop sees it."""

    def __init__(self, answer: Handler, gone: asyncio.Event) -> None:
        self._answer = answer
        self._at_work: set[asyncio.Task[None]] = set()
        self._gone = gone
        self.stands = asyncio.Event()
        self.tube: Tube[Wish | Close] = Tube(Wish | Close, self._heard, self._ended)
        self.process: asyncio.subprocess.Process | None = None

    def _ended(self) -> None:
        self._gone.set()
        self.stands.set()  # nobody need wait for it

    def _heard(self, said: Wish | Close) -> None:
        if isinstance(said, Close):
            self.stands.set()
            return
        task = asyncio.get_running_loop().create_task(self._serve(said))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _serve(self, wish: Wish) -> None:
        try:
            answer = await self._answer(Relayed(wish))  # type: ignore[arg-type]
            assert isinstance(answer, web.Response)
            told = as_told(wish.number, answer)
        except Exception:
            log.exception("%s %s could not be answered", wish.method, wish.url)
            told = Told(wish.number, 500, [], b"")
        self.tube.say(told)

    async def start(self, terms: Terms, street: socket.socket, board: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            files = (street.fileno(), theirs.fileno(), board)
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "surgectl.stage.boxoffice.doormen", *map(str, files)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,  # the shop's own is for its word that it is ready
                start_new_session=True,  # a Ctrl-C is for the shop, which tells its doormen
                pass_fds=files,
            )
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: self.tube, sock=ours)
        self.tube.say(terms)

    async def end(self) -> None:
        self.tube.say(Close())
        process = self.process
        if process is None:
            return
        try:
            await asyncio.wait_for(process.wait(), _LEAVES_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        self.tube.close()


def on_the_street(host: str, port: int) -> socket.socket:
    """A socket at an address that several processes listen at; the system shares the newcomers out among them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    street = socket.socket(family, socket.SOCK_STREAM)
    street.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    street.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    street.bind((host, port))
    street.setblocking(False)
    return street


@asynccontextmanager
async def doormen(shop: Shop, answer: Handler, host: str, port: int, count: int) -> AsyncIterator[asyncio.Event]:
    """So many doormen at this address, while inside → set when one of them has ended by itself.

    SurgectlError where one does not stand up.
    """
    board, file = Board.made()
    gone = asyncio.Event()
    terms = _terms(shop)
    posts = [_Post(answer, gone) for _ in range(count)]
    shop.show_line = lambda: _show(shop, board)
    shop.show_line()
    try:
        for post in posts:
            with on_the_street(host, port) as street:
                await post.start(terms, street, file)
        try:
            async with asyncio.timeout(_STANDS_WITHIN_S):
                for post in posts:
                    await post.stands.wait()
        except TimeoutError:
            gone.set()
        if gone.is_set():
            raise SurgectlError("a doorman of the box office does not stand up", hint="see the shop's log")
        yield gone
    finally:
        await asyncio.gather(*(post.end() for post in posts))
        shop.show_line = lambda: None
        board.close()
        os.close(file)


def _terms(shop: Shop) -> Terms:
    options, conduct = shop.options, shop.conduct
    return Terms(
        log=str(shop.log.path),
        secret=shop.signer.secret,
        sku=options.sku,
        per_s=options.admission_per_s,
        polls_per_s=options.polls_per_s,
        listeners=options.listeners,
        # A line of another kind, few hands for everything, other words: only the shop itself can be wrong in its way.
        knows=conduct.room is WaitingRoom and conduct.serve is everybody_at_once and not options.disguise,
    )


def _show(shop: Shop, board: Board) -> None:
    room = shop.room
    board.show(room.head, room.waiting, room.numbered_after, shop.sold_out)
