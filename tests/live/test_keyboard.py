"""A person's terminal, as a pseudo-terminal: read without waiting, and handed back as it was on every way out."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import suppress

import pytest

from surgectl.cli import terminal as terminals
from surgectl.cli.terminal import Terminal, hand_back, second_screen
from surgectl.live.keys import Key


@pytest.fixture
def line() -> Iterator[tuple[int, int]]:
    """The person's end and ours."""
    theirs, ours = pty.openpty()
    yield theirs, ours
    for end in (theirs, ours):
        with suppress(OSError):
            os.close(end)


async def until(keys: list[Key], wanted: list[Key]) -> None:
    async with asyncio.timeout(10):
        while keys != wanted:
            await asyncio.sleep(0.005)


async def test_keys_are_heard_as_they_are_pressed(line: tuple[int, int]) -> None:
    """One at a time and unseen; a lone Esc is told from an arrow; the loop never waits for a key."""
    theirs, ours = line
    keys: list[Key] = []
    with Terminal(ours, keys.append):
        modes = termios.tcgetattr(ours)
        assert not modes[3] & (termios.ICANON | termios.ECHO) and modes[3] & termios.ISIG
        assert not modes[0] & termios.IXON, "Ctrl-S would stop the whole rehearsal"
        assert modes[6][termios.VSUSP] == b"\x00", "and so would Ctrl-Z"
        os.write(theirs, b"b")
        await until(keys, ["b"])
        os.write(theirs, b"\x1b")
        await until(keys, ["b", "esc"])
        os.write(theirs, b"\x1b[A2")
        await until(keys, ["b", "esc", "2"])


async def test_an_error_hands_it_back(line: tuple[int, int]) -> None:
    """Whatever is raised inside: line editing, echo and all the rest are as they were, and nobody reads any more."""
    before = termios.tcgetattr(line[1])
    with pytest.raises(ZeroDivisionError), Terminal(line[1], lambda key: None):
        assert termios.tcgetattr(line[1]) != before
        raise ZeroDivisionError
    assert termios.tcgetattr(line[1]) == before
    assert not asyncio.get_running_loop().remove_reader(line[1])


async def test_leaving_at_once_hands_it_back(line: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out that runs no `finally` (a second Ctrl-C) says so itself: modes, screen and cursor."""
    said: list[str] = []
    monkeypatch.setattr(terminals, "_say", said.append)
    before = termios.tcgetattr(line[1])
    with second_screen(), Terminal(line[1], lambda key: None):
        said.clear()
        hand_back()
        assert termios.tcgetattr(line[1]) == before
        assert "\x1b[?1049l" in said[0] and "\x1b[?25h" in said[0]
        hand_back()  # twice does no harm
    assert termios.tcgetattr(line[1]) == before


def test_nothing_is_handed_back_that_was_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipeline nobody wants our escape codes."""
    said: list[str] = []
    monkeypatch.setattr(terminals, "_say", said.append)
    hand_back()
    assert said == []


async def test_a_terminal_that_goes_away_is_left_alone(line: tuple[int, int]) -> None:
    """A closed window ends the reading, not the rehearsal."""
    theirs, ours = line
    loop = asyncio.get_running_loop()
    with Terminal(ours, lambda key: None):
        os.close(theirs)
        async with asyncio.timeout(10):
            while ours in {key.fd for key in loop._selector.get_map().values()}:
                await asyncio.sleep(0.005)
