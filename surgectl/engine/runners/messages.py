"""What the parent and a worker say to each other, and how a word is laid on the wire between them.

A socket pair that nobody else can reach; each word is four bytes of length and MessagePack. The parent asks one thing
at a time of each worker, by number; an answer to a question that was taken back is ignored.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec

from surgectl.live.portion import Portion
from surgectl.recording.manifest import Tally

_LENGTH_BYTES = 4
_UNREAD_BYTES = 1_000_000
"""So much that the other side has not read yet means that it is not reading."""


class _Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """Something said."""


class Asked(_Word, frozen=True, kw_only=True):
    """A wish of the parent that is answered with Done or Failed of the same number."""

    number: int = 0


class Prepare(Asked, frozen=True, kw_only=True, tag="prepare"):
    """Build all that takes time; send nothing, open nothing. `part` means something to the worker's entry alone."""

    part: bytes


class Begin(Asked, frozen=True, kw_only=True, tag="begin"):
    """Open the recording and the connections; row time zero is `start_ns` on the machine's monotonic clock."""

    start_ns: int


class Load(Asked, frozen=True, kw_only=True, tag="load"):
    """Let the shard's fans come."""


class Drain(Asked, frozen=True, kw_only=True, tag="drain"):
    """Let them go home. Said again it replaces what was said before: the time that is left may have become less."""

    at_most_ns: int


class ReadStatuses(Asked, frozen=True, kw_only=True, tag="read-statuses"):
    """Ask what became of those left in doubt."""

    at_most_ns: int


class Bye(Asked, frozen=True, kw_only=True, tag="bye"):
    """Close the recording and end."""


class StopArrivals(_Word, frozen=True, kw_only=True, tag="stop-arrivals"):
    """Nobody else comes."""


class PauseArrivals(_Word, frozen=True, kw_only=True, tag="pause-arrivals"):
    """Whoever is due from now on never comes (`on`), or comes again."""

    on: bool


class LoginWanted(_Word, frozen=True, kw_only=True, tag="login-wanted"):
    """A worker's fans need a login that all workers share: passed on to the first of them, which makes it."""

    login: str
    row: int | None = None
    """Of fans_from, where several fans are one account; None: it is everybody's."""
    held: int = 0
    """The number of the one that it has."""
    denied: bool = False
    """The shop takes that one no more."""


class LoginCame(_Word, frozen=True, kw_only=True, tag="login-came"):
    """What became of it: passed on to all the others. Its values are secrets, and this wire is ours alone."""

    login: str
    row: int | None = None
    number: int = 0
    values: dict[str, Any] = {}
    ends_ns: int | None = None
    renew_ns: int | None = None
    not_before_ns: int = 0
    """On the run's clock: sooner none will be made."""
    trouble: str = ""


class Done(_Word, frozen=True, kw_only=True, tag="done"):
    """It came to its end."""

    number: int
    tally: Tally


class Failed(_Word, frozen=True, kw_only=True, tag="failed"):
    """It did not; `exit_code` is a code of surgectl/gate.py."""

    number: int
    tally: Tally
    what: str
    exit_code: int


class Pulse(_Word, frozen=True, kw_only=True, tag="pulse"):
    """A few times a second: I am alive, and this is what I counted so far."""

    tally: Tally
    portion: Portion | None = None


Aside = LoginWanted | LoginCame
"""What workers have to say to each other; their parent passes it on."""
Command = Prepare | Begin | Load | Drain | ReadStatuses | StopArrivals | PauseArrivals | Bye | LoginWanted | LoginCame
Unanswered = StopArrivals | PauseArrivals | LoginWanted | LoginCame
"""Words of the parent that have no answer."""
Answer = Done | Failed | Pulse | LoginWanted | LoginCame

_encoder = msgspec.msgpack.Encoder()


class Link:
    """One end of the wire. `kind` is the union of what the other end may say."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(kind)

    @classmethod
    async def over(cls, end: socket.socket, kind: Any) -> Link:
        """Take over a socket that is connected already."""
        reader, writer = await asyncio.open_unix_connection(sock=end)
        return cls(reader, writer, kind)

    @property
    def choked(self) -> bool:
        """Has the other side stopped reading? Then what can wait should."""
        return self._writer.transport.get_write_buffer_size() > _UNREAD_BYTES

    def say(self, word: Asked | Unanswered | Answer) -> None:
        """Never blocks, never raises: whether the other side is still there is learnt by listening."""
        if not self._writer.is_closing():
            data = _encoder.encode(word)
            self._writer.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)

    async def hear(self) -> Any:
        """The next word; None once the other side is gone."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            return self._decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def said(self) -> None:
        """Return once what was said has left, or cannot leave any more."""
        try:
            await self._writer.drain()
        except OSError:
            return

    def close(self) -> None:
        self._writer.close()
