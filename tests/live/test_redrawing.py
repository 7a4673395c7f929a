"""How often the screen is drawn: a few times a second, at once for a key, and never for more than its share."""

from __future__ import annotations

import asyncio

import pytest

from surgectl.cli.watching import AT_MOST_ONE_IN, TYPING_ONE_IN, Redrawing
from surgectl.clock import VirtualLoop

MS = 1_000_000


class Machine:
    """A virtual minute, and pictures that take their time."""

    def __init__(self, picture_ms: float) -> None:
        self.pictures = 0
        self._picture_ms = self.first_ms = picture_ms
        self._spent_ns = 0

    def draw(self) -> None:
        self.pictures += 1
        self._spent_ns += round((self._picture_ms if self.pictures > 1 else self.first_ms) * MS)

    def spent_ns(self) -> int:
        return self._spent_ns

    def minute(self, *, pressing: bool = False, held_up: bool = False) -> int:
        """How many pictures there were."""

        async def main() -> None:
            redrawing = Redrawing(self.draw, held_up=lambda: held_up, cpu_ns=self.spent_ns)
            task = asyncio.create_task(redrawing.run())
            for _ in range(6_000):
                await asyncio.sleep(0.01)
                if pressing:
                    redrawing.soon()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())
        return self.pictures


def test_a_quick_picture_comes_four_times_a_second() -> None:
    """Two milliseconds each: four a second, and more while somebody types."""
    assert 230 <= Machine(2).minute() <= 241
    assert 250 < Machine(0.2).minute(pressing=True)


@pytest.mark.parametrize("pressing", [False, True])
@pytest.mark.parametrize("picture_ms", [2, 5, 20, 200])
def test_drawing_never_costs_more_than_its_share(picture_ms: float, pressing: bool) -> None:
    """However dear the picture: no more than a hundredth of a core, and a fiftieth while somebody types wildly."""
    share = TYPING_ONE_IN if pressing else AT_MOST_ONE_IN
    assert Machine(picture_ms).minute(pressing=pressing) * picture_ms <= 60_000 / share + 2 * picture_ms


def test_the_first_picture_does_not_keep_anybody_waiting() -> None:
    """It costs a hundred others, for all that is made once; the second comes a quarter of a second later."""
    machine = Machine(2)
    machine.first_ms = 500
    assert machine.minute() >= 230


def test_a_terminal_that_is_behind_gets_no_more_pictures() -> None:
    """While the last one is still on its way there is no other."""
    assert Machine(2).minute(held_up=True) == 0
