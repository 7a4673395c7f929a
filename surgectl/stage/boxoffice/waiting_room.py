"""First come, first served: the line in front of the counters."""

from __future__ import annotations

from surgectl.stage.boxoffice.rows import Place
from surgectl.units import NS_PER_S

_POLL_LEAST_MS, _POLL_MOST_MS = 150, 4000


class WaitingRoom:
    """The line, in memory. Joining and asking cost a look-up; the books follow behind in batches.

    Strictly FIFO, hence one number says it all: everyone up to `head` is in, and the position of anyone
    else is `seq - head`, which can only fall.
    """

    def __init__(self, per_s: float, inside_limit: int, idle_ns: int) -> None:
        self.per_s = per_s
        self._inside_limit = inside_limit
        self._idle_ns = idle_ns
        self._places: list[Place] = []
        self._by_email: dict[str, Place] = {}
        self._inside: dict[int, int] = {}  # place → when last seen at the counters
        self._tokens = 0.0
        self._filled_ns: int | None = None
        self.head = 0

    def __len__(self) -> int:
        return len(self._places)

    def restore(self, places: list[Place], head: int) -> None:
        """Take up the line as the books know it, after a restart."""
        self._places = places
        self._by_email = {place.email.casefold(): place for place in places}
        self.head = head

    def join(self, email: str, intent: str | None, now_ns: int) -> tuple[Place, bool]:
        """→ (place, whether it is new). One person has one place: further tabs and reloads find it again,
        so opening ten tabs is no advantage, and reloading loses nothing."""
        known = self._by_email.get(email.casefold())
        if known is not None:
            return known, False
        place = Place(seq=len(self._places) + 1, email=email, intent=intent, joined_ns=now_ns)
        self._places.append(place)
        self._by_email[email.casefold()] = place
        return place, True

    def find(self, seq: int) -> Place | None:
        return self._places[seq - 1] if 0 < seq <= len(self._places) else None

    def position(self, seq: int) -> int:
        """How many must be let in until it is this one's turn; 0: is in."""
        return max(0, seq - self.head)

    def wait_s(self, seq: int) -> float:
        """At the promised rate. Counters that are all taken can only make it longer."""
        return self.position(seq) / self.per_s

    def poll_after_ms(self, seq: int) -> int:
        """Those far back need not ask often: their turn cannot come sooner than the rate allows."""
        return int(min(_POLL_MOST_MS, max(_POLL_LEAST_MS, self.wait_s(seq) * 500)))

    def admit(self, now_ns: int) -> range:
        """Let in as many as the rate and the counters allow → the places admitted now."""
        elapsed_ns = 0 if self._filled_ns is None else now_ns - self._filled_ns
        self._filled_ns = now_ns
        # A quarter of a second at most is saved up: an empty line must not end in a stampede.
        self._tokens = min(max(1.0, self.per_s / 4), self._tokens + elapsed_ns / NS_PER_S * self.per_s)
        count = min(int(self._tokens), len(self._places) - self.head)
        if self._inside_limit:
            gone = [seq for seq, seen_ns in self._inside.items() if now_ns - seen_ns > self._idle_ns]
            for seq in gone:
                del self._inside[seq]
            count = min(count, self._inside_limit - len(self._inside))
        if count <= 0:
            return range(0)
        self._tokens -= count
        admitted = range(self.head + 1, self.head + count + 1)
        self.head += count
        if self._inside_limit:
            self._inside.update((seq, now_ns) for seq in admitted)
        return admitted

    def seen(self, seq: int, now_ns: int) -> None:
        """This fan is still at the counters."""
        if seq in self._inside:
            self._inside[seq] = now_ns

    def leave(self, seq: int) -> None:
        """Done at the counters, one way or the other: the next may come in."""
        self._inside.pop(seq, None)
