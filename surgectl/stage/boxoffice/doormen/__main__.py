"""A doorman's process: `python -m surgectl.stage.boxoffice.doormen STREET TUBE BOARD`, files that the shop opened."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.stage.boxoffice.doormen.board import Board
from surgectl.stage.boxoffice.doormen.doorman import Doorman
from surgectl.stage.boxoffice.doormen.tube import Close, FromShop, Terms, Told, Tube
from surgectl.stage.boxoffice.request_log import RequestLog

_BACKLOG = 4096
_LAST_REPLIES_S = 2.0


async def stand(street: socket.socket, tube: socket.socket, board: Board) -> None:
    """Until the shop says that it closes. Where the shop is gone without a word, so are we, at once."""
    loop = asyncio.get_running_loop()
    terms: asyncio.Future[Terms] = loop.create_future()
    closes = asyncio.Event()
    doorman: Doorman | None = None

    def heard(said: FromShop) -> None:
        if isinstance(said, Told):
            assert doorman is not None, "nothing was asked yet"
            doorman.heard(said)
        elif isinstance(said, Terms):
            terms.set_result(said)
        else:
            closes.set()

    def ended() -> None:
        if not closes.is_set():
            os._exit(1)  # the shop was killed: nobody may be told anything in its name

    _, shop = await loop.create_unix_connection(lambda: Tube[FromShop](FromShop, heard, ended), sock=tube)
    about = await terms
    log = RequestLog(Path(about.log), ours=False)
    doorman = Doorman(about, board, log, SystemClock(), shop.say)
    runner = web.ServerRunner(web.Server(doorman, access_log=None), shutdown_timeout=_LAST_REPLIES_S)
    await runner.setup()
    await web.SockSite(runner, street, backlog=_BACKLOG).start()
    shop.say(Close())  # the same word: here it says that we stand
    await closes.wait()
    doorman.hall.close()
    await runner.cleanup()
    log.close()
    shop.close()


def main(street: int, tube: int, board: int) -> None:
    uvloop.run(stand(socket.socket(fileno=street), socket.socket(fileno=tube), Board(board)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
