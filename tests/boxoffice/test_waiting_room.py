"""The line, without a shop around it: whatever happens, nobody is lost, doubled or pushed back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.chance import bits
from surgectl.stage.boxoffice.rows import Place
from surgectl.stage.boxoffice.waiting_room import WaitingRoom

MS = 1_000_000


class Books:
    """What the shop would have written: enough to take the line up again after a kill."""

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}
        self.head = 0


def room_of(books: Books, prequeue_ms: int, lottery: bool, seed: int = 1, inside: int = 0) -> WaitingRoom:
    lot = (lambda seq: bits(seed, "lot", seq)) if lottery else None
    room = WaitingRoom(100.0, inside, 1000 * MS, prequeue_ns=prequeue_ms * MS, lot=lot)
    room.restore([books.places[seq] for seq in sorted(books.places)], books.head)
    return room


def turn(room: WaitingRoom, books: Books, now_ns: int) -> list[int]:
    """One round of the shop's own loop → the numbers let in."""
    if (drawn := room.draw(now_ns)) is not None:
        books.places |= {place.seq: place for place in drawn}
        room.announce(drawn)
    admitted = room.admit(now_ns)
    if admitted:
        books.head = admitted[-1].drawn or 0
        room.let_in(admitted, now_ns)
    return [place.drawn or 0 for place in admitted]


WHAT = st.one_of(
    st.tuples(st.just("join"), st.integers(0, 60)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("kill"), st.just(0)),
    st.tuples(st.just("kill while writing"), st.integers(1, 40)),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(WHAT, max_size=120), st.sampled_from([0, 30, 200]), st.booleans(), st.sampled_from([0, 3]))
def test_nobody_is_lost_doubled_or_pushed_back(
    story: list[tuple[str, int]], prequeue_ms: int, lottery: bool, inside: int
) -> None:
    """Joining, waiting and kills in any order: positions come with the draw, never rise, and all are let in once."""
    books, now_ns = Books(), 0
    room = room_of(books, prequeue_ms, lottery, inside=inside)
    told: dict[int, int] = {}
    let_in: list[int] = []

    def look() -> None:
        for seq in books.places:
            if room.draw_in_ms(seq, now_ns) is not None:
                assert seq not in told, "a place was told and taken back"
                continue
            position = room.position(seq)
            assert position <= told.get(seq, position)
            told[seq] = position

    for what, value in story:
        if what == "join":
            place, new = room.join(f"f{value}@example.org", None, now_ns)
            assert new == (place.seq not in books.places)
            books.places.setdefault(place.seq, place)
        elif what == "kill while writing":
            now_ns += value * MS
            if room.draw(now_ns) is None:
                room.admit(now_ns)
            look()  # decided, and not in the books: nobody may have learnt of it
            room = room_of(books, prequeue_ms, lottery, inside=inside)
        elif what == "kill":
            room = room_of(books, prequeue_ms, lottery, inside=inside)
        else:
            now_ns += value * MS
            let_in += turn(room, books, now_ns)
        look()
    for _ in range(1500):
        now_ns += 20 * MS
        let_in += turn(room, books, now_ns)
    look()
    assert sorted(place.drawn for place in books.places.values()) == sorted(books.places)  # type: ignore[type-var]
    assert len({place.email for place in books.places.values()}) == len(books.places)
    assert let_in == sorted(set(let_in)) == sorted(books.places)
    assert set(told.values()) <= {0}


def drawn(fans: int, lottery: bool, seed: int = 1, kill_at: int | None = None) -> list[int]:
    """The numbers of fans that joined one after another within the pre-queue, and of ten that came too late."""
    books = Books()
    room = room_of(books, 100, lottery, seed)
    for n in range(fans + 10):
        if n == kill_at:
            room = room_of(books, 100, lottery, seed)
        place, _ = room.join(f"f{n}@example.org", None, n if n < fans else 100 * MS + n)
        books.places[place.seq] = place
    turn(room, books, 200 * MS)
    return [books.places[seq].drawn or 0 for seq in sorted(books.places)]


def test_without_a_lottery_the_order_is_that_of_arrival() -> None:
    """FIFO: the pre-queue and those after it are numbered as they came."""
    assert drawn(50, lottery=False) == list(range(1, 61))


def test_a_lottery_numbers_the_early_and_leaves_the_late_behind_them() -> None:
    """The pre-queue is a permutation of the first numbers; whoever came later has the next ones, in order."""
    numbers = drawn(50, lottery=True)
    assert sorted(numbers[:50]) == list(range(1, 51))
    assert numbers[:50] != list(range(1, 51))
    assert numbers[50:] == list(range(51, 61))


def test_a_restart_before_the_draw_draws_the_same() -> None:
    """The lots hang on the sale's own secret, not on the process that draws them."""
    assert drawn(50, lottery=True) == drawn(50, lottery=True, kill_at=20) == drawn(50, lottery=True, kill_at=50)
    assert drawn(50, lottery=True) != drawn(50, lottery=True, seed=2)


def test_early_arrival_is_no_advantage_in_a_lottery() -> None:
    """Over 400 draws of 40 fans every rank of arrival has the same mean number, and every number the same chance.

    The mean of a uniform number in 1..40 over 400 draws deviates by 11.54 / 20 = 0.58; five of these are allowed.
    """
    draws = [drawn(40, lottery=True, seed=seed)[:40] for seed in range(400)]
    for arrival in range(40):
        mean = sum(draw[arrival] for draw in draws) / len(draws)
        assert abs(mean - 20.5) < 5 * 0.58, arrival
    first_half = sum(draw[0] <= 20 for draw in draws)
    assert 150 < first_half < 250  # five deviations of a fair coin thrown 400 times
    # Neighbours in arrival are not neighbours in line more often than chance has it (2 in 40).
    close = sum(abs(a - b) == 1 for draw in draws for a, b in pairwise(draw))
    assert abs(close / (400 * 39) - 2 / 40) < 0.01


def test_who_waits_for_the_draw_is_told_when_it_is() -> None:
    """The time left falls to nothing, and the next question is not asked before it: nor by all at one instant."""
    books = Books()
    room = room_of(books, 2000, lottery=True)
    for n in range(40):
        books.places[n + 1] = room.join(f"f{n}@example.org", None, n * MS)[0]
    assert room.draw_in_ms(1, 500 * MS) == 1500
    asks = {room.poll_after_ms(seq, 500 * MS) for seq in books.places}
    assert min(asks) >= 1500
    assert len(asks) > 10
    assert room.draw(1999 * MS) is None
    turn(room, books, 2000 * MS)
    assert room.draw_in_ms(1, 2000 * MS) is None
    assert sorted(room.position(seq) for seq in books.places) == list(range(1, 41))


def test_a_long_line_asks_no_more_often_than_the_shop_can_answer() -> None:
    """Who is near asks soon, whoever is far back later, and all of them together `polls_per_s` times a second."""
    room = WaitingRoom(10.0, 0, 1000 * MS, polls_per_s=100.0)
    fans = 3000
    for fan in range(fans):
        room.join(f"fan-{fan}@example.org", None, fan)
    waits_ms = [room.poll_after_ms(seq, 0) for seq in range(1, fans + 1)]
    assert waits_ms[:2] == [150, 150]
    assert waits_ms == sorted(waits_ms)
    assert waits_ms[-1] == 30_000
    # Nearly all are at the far end: the few near ones are what the line asks beyond its share.
    assert 100 <= sum(1000 / wait_ms for wait_ms in waits_ms) <= 250


def test_a_short_line_is_told_as_ever() -> None:
    room = WaitingRoom(10.0, 0, 1000 * MS)
    for fan in range(500):
        room.join(f"fan-{fan}@example.org", None, fan)
    assert room.poll_after_ms(500, 0) == 4000


def test_a_pre_queue_of_many_does_not_come_back_in_one_second() -> None:
    """After the draw each has a moment of its own, in as many seconds as their number needs."""
    room = WaitingRoom(10.0, 0, 1000 * MS, prequeue_ns=2000 * MS, polls_per_s=100.0)
    fans = 2000
    for fan in range(fans):
        room.join(f"fan-{fan}@example.org", None, 0)
    waits_ms = sorted(room.poll_after_ms(seq, 0) for seq in range(1, fans + 1))
    assert waits_ms[0] >= 2000
    assert waits_ms[-1] <= 20_000
    busiest = max(sum(1 for wait_ms in waits_ms if at <= wait_ms < at + 1000) for at in range(0, 19_000, 500))
    assert busiest <= 150
