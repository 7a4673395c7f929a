"""Keys from a terminal's bytes: in whatever pieces they come, whatever else comes with them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from surgectl.live.keys import TYPED_AT_MOST, Key, Keys, Pasted

NAMED = {"enter", "backspace", "kill", "esc"}


def read(*pieces: bytes) -> list[Key]:
    keys = Keys()
    found = [key for piece in pieces for key in keys.feed(piece)]
    return found + keys.idle()


@pytest.mark.parametrize(
    "pieces,wanted",
    [
        ((b"b",), ["b"]),
        ((b"\x1b",), ["esc"]),
        ((b"\x1b\x1b",), ["esc"]),
        ((b"\r", b"\n", b"\x7f", b"\x08", b"\x15"), ["enter", "enter", "backspace", "backspace", "kill"]),
        ((b"\x1b[A",), []),
        ((b"\x1b[", b"1;5", b"C", b"p"), ["p"]),
        ((b"\x1bOP", b"s"), ["s"]),
        ((b"\x1bs",), []),
        ((b"\x1b[<0;12;3M\x1b[<0;12;3m",), []),
        ((b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07", b"q"), ["q"]),
        ((b"\x1bPsome\x1b\\c",), ["c"]),
        (("ü".encode()[:1], "ü".encode()[1:]), ["ü"]),
        ((b"\xff\x00\x07\x1a",), []),
        ((b"\x1b[200~sss\nccc\x1b[201~",), [Pasted("sss ccc")]),
        ((b"\x1b[200~s", b"ss\x1b[2", b"01~n"), [Pasted("sss"), "n"]),
        ((b"\x1b[200~never ends",), [Pasted("never ends")]),
        ((b"bp" * 20,), [Pasted("bp" * 20)]),
        ((b"by",), ["b", "y"]),
    ],
)
def test_bytes_become_keys(pieces: tuple[bytes, ...], wanted: list[Key]) -> None:
    """Printable characters are themselves; arrows, mice and answers of the terminal are nothing; a paste is text."""
    assert read(*pieces) == wanted


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
@example(b"\x1b[200~\x1b[200~", [3])
@example(b"\x1b\x1b\x1b[", [1])
def test_nothing_that_comes_does_harm(data: bytes, cuts: list[int]) -> None:
    """Any bytes in any pieces: only known keys and plain text come out, never an escape, and nothing stays held."""
    edges = [0, *sorted(cuts), len(data)]
    keys = Keys()
    found = [key for a, b in zip(edges, edges[1:], strict=False) for key in keys.feed(data[a:b])]
    found += keys.idle()
    for key in found:
        text = key.text if isinstance(key, Pasted) else key
        assert text.isprintable() and (isinstance(key, Pasted) or len(key) == 1 or key in NAMED)
    assert not keys.waiting


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1b"), max_size=200), st.integers(0, 250))
def test_a_paste_is_never_a_row_of_commands(text: str, cut: int) -> None:
    """What a terminal marks as pasted comes out as one text, wherever its bytes are cut apart."""
    data = b"\x1b[200~" + text.encode() + b"\x1b[201~"
    found = read(data[:cut], data[cut:])
    assert all(isinstance(key, Pasted) for key in found) and len(found) == 1


@given(st.text("bcnps?y19", min_size=TYPED_AT_MOST + 1, max_size=2_000))
def test_a_flood_is_no_command_either(text: str) -> None:
    """Where the terminal does not say that something was pasted, so many keys at once say it."""
    assert read(text.encode()) == [Pasted(text[:1_000])]


def test_a_sequence_that_never_ends_costs_nothing() -> None:
    """A terminal that begins an answer and never ends it is not listened to for ever."""
    keys = Keys()
    for _ in range(200):
        keys.feed(b"\x1b]" + b"x" * 100)
    assert len(keys._held) <= 4_096
    assert keys.idle() == [] and keys.feed(b"q") == ["q"]
