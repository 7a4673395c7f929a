"""One doorman: tells people where they stand and what is left, and takes everything else to the shop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote

from aiohttp import web

from surgectl.clock import Clock
from surgectl.stage.boxoffice import replies
from surgectl.stage.boxoffice.api import ABOUT
from surgectl.stage.boxoffice.doormen.board import Board
from surgectl.stage.boxoffice.doormen.tube import Terms, Told, Wish
from surgectl.stage.boxoffice.line import PLACES, told_in_line
from surgectl.stage.boxoffice.pushes.hall import Hall, Sight
from surgectl.stage.boxoffice.pushes.speaking import Pushes
from surgectl.stage.boxoffice.refusals import Refused, Shedding
from surgectl.stage.boxoffice.request_log import RequestLog, seen
from surgectl.stage.boxoffice.signing import Signer
from surgectl.stage.boxoffice.waiting_room import poll_after_ms

_PAGE_S = 0.05  # so long one event page is shown to everybody: it may be that much older than the shop's own
_SOLD_OUT = Refused(410, "SOLD_OUT", "every seat is sold")


class Doorman:
    """A handler for aiohttp's low-level server.

    What it says of the line follows from the board and from the place's signature alone: whoever has a place that we
    signed stands in the books. It keeps nothing of its own, so it cannot know less than the shop, nor more.
    """

    def __init__(self, terms: Terms, board: Board, log: RequestLog, clock: Clock, say: Callable[[Wish], None]) -> None:
        self._terms = terms
        self._board = board
        self._log = log
        self._clock = clock
        self._say = say
        self._signer = Signer(terms.secret)
        self._event = f"/api/events/{terms.sku}"
        self._asked: dict[int, asyncio.Future[Told]] = {}
        self._count = 0
        self._page: asyncio.Future[Told] | None = None
        self._page_until_s = 0.0
        self._page_over = False
        self.hall = Hall(self._look, self._sight, self._is_in, clock, terms.listeners)
        """Those who listen here."""
        self._pushes = Pushes(self.hall, self._signer, Shedding(terms.listeners), self._note)

    def heard(self, told: Told) -> None:
        """The shop has answered."""
        asked = self._asked.pop(told.number, None)
        if asked is not None and not asked.done():
            asked.set_result(told)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._pushes.serves(request.method, request.path):
            return await self._pushes(request)
        if self._terms.knows and request.method == "GET":
            path = request.path
            if path.startswith(PLACES):
                answer = self._place(path.removeprefix(PLACES))
                if answer is not None:
                    return self._logged(request, answer)
            elif path == self._event:
                return self._logged(request, _response(await self._event_page()))
            elif path == "/about":
                return self._logged(request, web.Response(body=ABOUT, content_type="text/html", charset="utf-8"))
        headers = [(name.decode(), value.decode("utf-8", "replace")) for name, value in request.raw_headers]
        return _response(await self._ask(request.method, request.raw_path, headers, await request.read()))

    def _place(self, place_id: str) -> web.Response | None:
        """Where somebody stands; None: the shop itself must be asked."""
        board = self._board
        seq = self._signer.read("place", place_id)
        if seq is None or seq <= board.numbered_after:
            return None
        position = max(0, seq - board.head)
        if board.over:
            # Whoever was let in may have bought, and still have a basket: the shop knows.
            return replies.refusal(_SOLD_OUT) if position else None
        wait_s = position / self._terms.per_s
        ask_ms = poll_after_ms(wait_s, board.waiting, self._terms.polls_per_s)
        return replies.json(200, told_in_line(self._signer, seq, place_id, position, position, wait_s, ask_ms))

    async def _look(self, place_id: str) -> web.Response:
        """Where somebody stands, from memory or by asking."""
        answer = self._place(place_id) if self._terms.knows else None
        if answer is not None:
            return answer
        return _response(await self._ask("GET", PLACES + quote(place_id, safe=""), [], b""))

    def _sight(self) -> Sight:
        board = self._board
        return Sight(board.head, board.waiting, 0, board.numbered_after, board.over)

    def _is_in(self, seq: int) -> bool:
        board = self._board
        return self._terms.knows and board.numbered_after < seq <= board.head

    async def _event_page(self) -> Told:
        """The shop's own, asked for once in a moment for all who look in it; after the last sale never an older one."""
        now_s, over = self._clock.now_ns() / 1e9, self._board.over
        if self._page is None or now_s > self._page_until_s or over is not self._page_over:
            self._page_until_s, self._page_over = now_s + _PAGE_S, over
            self._page = self._ask("GET", self._event, [], b"")
        # Shielded: a fan who hangs up must not take the page away from the others.
        told = await asyncio.shield(self._page)
        if told.status != 200:
            self._page = None
        return told

    def _logged(self, request: web.BaseRequest, answer: web.Response) -> web.Response:
        self._note(request, answer.status)
        return answer

    def _note(self, request: web.BaseRequest, status: int) -> None:
        if (row := seen(request, status, self._clock.wall().timestamp())) is not None:
            self._log.append(row)

    def _ask(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> asyncio.Future[Told]:
        self._count += 1
        asked = self._asked[self._count] = asyncio.get_running_loop().create_future()
        self._say(Wish(self._count, method, url, headers, body))
        return asked


def _response(told: Told) -> web.Response:
    answer = web.Response(status=told.status, body=told.body)
    answer.headers.popall("Content-Type", None)
    for name, value in told.headers:
        if name.lower() != "content-length":
            answer.headers.add(name, value)
    return answer
