"""The line in front of the counters: in order of arrival, or, for those who came early, by lot."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from surgectl.stage.boxoffice.rows import Place
from surgectl.units import NS_PER_S

_POLL_LEAST_MS, _POLL_MOST_MS = 150, 4000
_POLL_LONGEST_MS = 120_000  # however long the line: whoever is told in it that all is sold has waited no longer
_SPREAD_MOST_MS = 1000


class WaitingRoom:
    """The line, in memory. Joining and asking cost a look-up; the books follow behind in batches.

    Whoever joins within `prequeue_ns` of the first joiner stands in the pre-queue and has no number yet. When that
    time is over the pre-queue is numbered from 1: by lot (`lot` turns a place's seq into its lot, the lowest goes
    first), so that early arrival gives no advantage, or without `lot` in order of arrival. Whoever comes later
    stands behind; their number is their seq, since exactly the first ones were numbered among themselves.

    From then on one number says it all: everyone up to `head` is in, and the position of anyone else is
    `number - head`, which can only fall.

    Nobody is told anything before it is in the books, or a kill would take it back: `draw` decides, the caller writes,
    `announce` makes it so; likewise `admit` and `let_in`.

    However many stand in it, the line as a whole is asked to come back not much more than `polls_per_s` times a second.
    A place costs some 330 bytes: a million of them are 313 MB.
    """

    def __init__(
        self,
        per_s: float,
        inside_limit: int,
        idle_ns: int,
        *,
        prequeue_ns: int = 0,
        lot: Callable[[int], int] | None = None,
        polls_per_s: float = 2000.0,
    ) -> None:
        self.per_s = per_s
        self._polls_per_s = polls_per_s
        self._inside_limit = inside_limit
        self._idle_ns = idle_ns
        self._prequeue_ns = prequeue_ns
        self._lot = lot
        self._places: list[Place | None] = [None]  # seq → place: nobody has 0, nor a seq whose writing a kill cut off
        self._count = 0
        self._by_email: dict[str, Place] = {}
        self._number: dict[int, int] = {}  # of the pre-queue's places alone: everybody else's is their seq
        self._seq_of: dict[int, int] = {}
        self._lots_to = 0  # the highest seq whose number is another
        self._early: list[int] = []  # the pre-queue, until it is announced
        self._ends_ns: int | None = None
        self._last = 0  # the highest seq given out
        self._inside: dict[int, int] = {}  # place → when last seen at the counters
        self._tokens = 0.0
        self._filled_ns: int | None = None
        self.head = 0

    def __len__(self) -> int:
        return self._count

    @property
    def waiting(self) -> int:
        """How many are in line and not in yet."""
        return max(0, self._last - self.head)

    def restore(self, places: list[Place], head: int) -> None:
        """Take up the line as the books know it, after a restart: drawn numbers stay, a draw that is due is made again.

        `head` is the highest number that was let in. A place whose writing was cut off by the kill leaves a gap,
        which nobody notices: nobody was told of it.
        """
        for place in places:
            self._stand(place)
            if place.drawn is None:
                self._early.append(place.seq)
            else:
                self._give_number(place.seq, place.drawn)
            self._last = max(self._last, place.seq, place.drawn or 0)
        if places:
            self._ends_ns = min(place.joined_ns for place in places) + self._prequeue_ns
        self.head = head

    def join(self, email: str, intent: str | None, now_ns: int) -> tuple[Place, bool]:
        """→ (place, whether it is new). One person has one place: further tabs and reloads find it again,
        so opening ten tabs is no advantage, and reloading loses nothing."""
        known = self._by_email.get(_folded(email))
        if known is not None:
            return known, False
        if self._ends_ns is None:
            self._ends_ns = now_ns + self._prequeue_ns
        self._last += 1
        # Nobody is added to a pre-queue that is being drawn: the lots are counted already.
        early = now_ns < self._ends_ns and len(self._early) == self._count
        place = Place(self._last, email, intent, now_ns, drawn=None if early else self._last)
        self._stand(place)
        if early:
            self._early.append(place.seq)
        return place, True

    def _stand(self, place: Place) -> None:
        """Somebody new, behind everybody."""
        self._places.extend([None] * (place.seq - len(self._places)))
        self._places.append(place)
        self._by_email[_folded(place.email)] = place
        self._count += 1

    def find(self, seq: int) -> Place | None:
        return self._places[seq] if 0 < seq < len(self._places) else None

    def __getitem__(self, seq: int) -> Place:
        """The place of somebody who stands here."""
        place = self._places[seq]
        assert place is not None, f"nobody stands at {seq}"
        return place

    # -- the pre-queue -------------------------------------------------------------------------------------

    @property
    def prequeue(self) -> bool:
        """Whether some stand in the pre-queue whose numbers are not announced."""
        return bool(self._early)

    def draw(self, now_ns: int) -> list[Place] | None:
        """The pre-queue with its numbers, once its time is over; None while it is not. Changes nothing."""
        if not self._early or self._ends_ns is None or now_ns < self._ends_ns:
            return None
        lot = self._lot
        line = sorted(self._early) if lot is None else sorted(self._early, key=lambda seq: (lot(seq), seq))
        numbers = zip(line, sorted(self._early), strict=True)
        return [msgspec.structs.replace(self[seq], drawn=number) for seq, number in numbers]

    def announce(self, drawn: list[Place]) -> None:
        """These numbers are in the books: from now on they are told."""
        for place in drawn:
            self._places[place.seq] = self._by_email[_folded(place.email)] = place
            if place.drawn is not None:
                self._give_number(place.seq, place.drawn)
        self._early = []

    def _give_number(self, seq: int, number: int) -> None:
        if number != seq:
            self._number[seq] = number
            self._seq_of[number] = seq
            self._lots_to = max(self._lots_to, seq)

    @property
    def numbered_after(self) -> int:
        """Whoever has a higher seq has it for a number too; before the draw that is nobody."""
        undrawn = self._early or (self._prequeue_ns and not self._count)
        return sys.maxsize if undrawn else self._lots_to

    def draw_in_ms(self, seq: int, now_ns: int) -> int | None:
        """How long this place still has no number; None: it has one."""
        if not self._early:
            return None
        place = self[seq]
        if place.drawn is not None and not self._early:
            return None
        return max(0, -(-((self._ends_ns or now_ns) - now_ns) // 1_000_000))

    # -- the line ------------------------------------------------------------------------------------------

    def position(self, seq: int) -> int:
        """How many must be let in until it is this one's turn; 0: is in. Means nothing before the draw."""
        return max(0, self._number.get(seq, seq) - self.head)

    def shown(self, seq: int, now_ns: int) -> int:
        """The position as it is told: the true one."""
        return self.position(seq)

    def wait_s(self, seq: int) -> float:
        """At the promised rate. Counters that are all taken can only make it longer."""
        return self.position(seq) / self.per_s

    def poll_after_ms(self, seq: int, now_ns: int) -> int:
        """Those far back need not ask often: their turn cannot come sooner than the rate allows.

        After the draw they do not all ask at one instant: each has a moment of its own in the second after it.
        """
        draw_in_ms = self.draw_in_ms(seq, now_ns)
        if draw_in_ms is not None:
            spread_ms = min(_SPREAD_MOST_MS, self._prequeue_ns // 4_000_000)
            if (all_ms := _round_ms(self._count, self._polls_per_s)) > _POLL_MOST_MS:
                spread_ms = all_ms
            return max(_POLL_LEAST_MS, min(all_ms, draw_in_ms + seq * 7919 % (spread_ms + 1)))
        return poll_after_ms(self.wait_s(seq), self.waiting, self._polls_per_s)

    def admit(self, now_ns: int) -> list[Place]:
        """As many as the rate and the counters allow now, in line: to be written and then let in."""
        if self._early:
            return []
        admitted = self._next(self._allowed(now_ns))
        self._tokens -= len(admitted)
        return admitted

    def _allowed(self, now_ns: int) -> int:
        elapsed_ns = 0 if self._filled_ns is None else now_ns - self._filled_ns
        self._filled_ns = now_ns
        # A quarter of a second at most is saved up: an empty line must not end in a stampede.
        self._tokens = min(max(1.0, self.per_s / 4), self._tokens + elapsed_ns / NS_PER_S * self.per_s)
        count = min(int(self._tokens), self.waiting)
        if self._inside_limit:
            gone = [seq for seq, seen_ns in self._inside.items() if now_ns - seen_ns > self._idle_ns]
            for seq in gone:
                del self._inside[seq]
            count = min(count, self._inside_limit - len(self._inside))
        return count

    def _next(self, count: int) -> list[Place]:
        """Whose turn it is; at most so many."""
        admitted: list[Place] = []
        for number in range(self.head + 1, self._last + 1):
            if len(admitted) >= count:
                break
            place = self.find(self._seq_of.get(number, number))
            if place is not None:  # nobody stands on a number whose writing a kill has cut off
                admitted.append(place)
        return admitted

    def let_in(self, admitted: list[Place], now_ns: int) -> None:
        """These are in the books as admitted: from now on they are told."""
        last = admitted[-1]
        self.head = self._number.get(last.seq, last.seq)
        if self._inside_limit:
            self._inside.update((place.seq, now_ns) for place in admitted)

    def seen(self, seq: int, now_ns: int) -> None:
        """This fan is still at the counters."""
        if seq in self._inside:
            self._inside[seq] = now_ns

    def leave(self, seq: int) -> None:
        """Done at the counters, one way or the other: the next may come in."""
        self._inside.pop(seq, None)


def poll_after_ms(wait_s: float, waiting: int, polls_per_s: float) -> int:
    """When whoever has so long to wait should ask again, in a line of so many: at half time, but in each round once."""
    return min(_round_ms(waiting, polls_per_s), max(_POLL_LEAST_MS, int(wait_s * 500)))


def _round_ms(fans: int, polls_per_s: float) -> int:
    """In which so many may all ask once, so that together they ask no more than `polls_per_s`."""
    return min(_POLL_LONGEST_MS, max(_POLL_MOST_MS, int(fans * 1000 / polls_per_s)))


def _folded(email: str) -> str:
    """The address as it is compared: itself, where folding changes nothing, so that a million are not kept twice."""
    folded = email.casefold()
    return email if folded == email else folded
