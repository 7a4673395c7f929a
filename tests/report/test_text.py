"""What a shop says is shown, never obeyed."""

from __future__ import annotations

import math

import msgspec
import pytest

from surgectl.text import cut, one_line, shown, storable, tamed


class Box(msgspec.Struct, frozen=True):
    """Something with text in it."""

    name: str
    inside: list[dict[str, object]]


@pytest.mark.parametrize(
    "evil,seen",
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\0b\x07\x08\x9b", "a\\x00b\\x07\\x08\\x9b"),
        ("\u202eexe.gnp\u2066", "\\u202eexe.gnp\\u2066"),
        ("\ud83d", "\\ud83d"),
        ("\ufffe\u200b\U000e0041", "\\ufffe\\u200b\\U000e0041"),
        ("##[error]x ##vso[task.setvariable]y", "#\\x23[error]x #\\x23vso[task.setvariable]y"),
        ("##teamcity[buildProblem]", "#\\x23teamcity[buildProblem]"),
        ("  ::error title=a:b::c", "  \\x3a:error title=a:b::c"),
        ("::add-mask::c", "\\x3a:add-mask::c"),
        ("## title fe80::1 [::1]:80 12::34", "## title fe80::1 [::1]:80 12::34"),
        ("one\ttwo\nthree", "one\ttwo\nthree"),
        ("Škoda Ω 漢字 🎫 עברית", "Škoda Ω 漢字 🎫 עברית"),
    ],
)
def test_active_characters_are_spelled_out_and_others_kept(evil: str, seen: str) -> None:
    """What would move a cursor or turn a line is spelled out; letters of every language stay."""
    assert shown(evil) == seen


def test_long_text_is_cut_with_a_mark_that_says_how_much() -> None:
    """A megabyte becomes two thousand characters and the count of the rest."""
    text = shown("x" * 1_000_000)
    assert len(text) < 2_100 and text.endswith("[998,000 more characters]")
    assert cut("abc", 3) == "abc" and cut("abcd", 3) == "abc… [1 more characters]"


def test_one_line_is_one_line() -> None:
    """Line breaks of every kind become single spaces."""
    assert one_line(" a\r\nb\n\n c\u2028d") == "a\\x0d b c\\u2028d"


def test_storable_keeps_all_but_half_characters() -> None:
    """A file keeps even escape codes as they were; only what UTF-8 cannot hold is spelled out."""
    assert storable("\x1b\0\u202e\ud800", 99) == "\x1b\0\u202e\\ud800"


def test_tamed_reaches_every_string_and_no_number_is_nan() -> None:
    """Structs, lists, keys and values are all reached; NaN and infinity become None, the rest stays."""
    box = Box(name="\0", inside=[{"\x1b": math.nan, "b": math.inf, "c": 1.5, "d": True, "e": None, "f": ("\0", 2)}])
    assert tamed(box, shown) == Box(
        name="\\x00",
        inside=[{"\\x1b": None, "b": None, "c": 1.5, "d": True, "e": None, "f": ["\\x00", 2]}],
    )
