"""What a key means: asked step by step, as a person would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.live.keys import Key, Pasted
from surgectl.live.prompt import HELP, NOTE_AT_MOST, Act, Around, Lit, Prompt, lines, press
from surgectl.profile.brownouts import NAMES

ONE = Around(links=("payments",), loading=True)
TWO = Around(links=("payments", "identity"), loading=True)
MINE = Lit(fault="hand-1", said="slow on payments", by_hand=True)
PLANNED = Lit(fault="0", said="lost-reply on payments", by_hand=False)


def typed(around: Around, *keys: Key) -> tuple[Prompt | None, list[Act], str]:
    """What is asked in the end, what was done on the way, and what was said last."""
    prompt, acts, said = None, [], ""
    for key in keys:
        answer = press(prompt, key, around)
        prompt, said = answer.prompt, answer.said or said
        acts += [answer.act] if answer.act is not None else []
    return prompt, acts, said


INJECT = Act(kind="inject", link="payments", brownout="lost-reply")


@pytest.mark.parametrize(
    "around,keys,acts",
    [
        (ONE, "b2", [INJECT]),
        (TWO, "b12", [INJECT]),
        (TWO, "b2", []),
        (Around(on=(MINE,)), "c", [Act(kind="clear", fault="hand-1")]),
        (Around(on=(PLANNED,)), "c", []),
        (Around(on=(PLANNED,)), "cy", [Act(kind="clear", fault="0")]),
        (Around(on=(PLANNED, MINE)), "c2", [Act(kind="clear", fault="hand-1")]),
        (Around(on=(PLANNED, MINE)), "c1y", [Act(kind="clear", fault="0")]),
        (ONE, "p", [Act(kind="pause")]),
        (Around(loading=True, paused=True), "p", [Act(kind="resume")]),
        (ONE, "s", []),
        (ONE, "sy", [Act(kind="stop")]),
        (ONE, "sns", []),
        (ONE, "?p", []),
        (ONE, "xyz!", []),
        (ONE, "bzzz2", [INJECT]),
    ],
)
def test_keys_lead_to_acts(around: Around, keys: str, acts: list[Act]) -> None:
    """A letter asks, a number chooses, what cannot be taken back asks once more; other keys change nothing."""
    assert typed(around, *keys)[1] == acts


@pytest.mark.parametrize(
    "around,key,said",
    [
        (Around(links=("payments",)), "b", "nothing is broken before the doors open"),
        (Around(loading=True), "b", "no link"),
        (ONE, "c", "no fault is on"),
        (Around(), "p", "nobody is to come"),
    ],
)
def test_what_cannot_be_done_is_said(around: Around, key: str, said: str) -> None:
    """A key without a use right now says why, and asks nothing."""
    prompt, acts, words = typed(around, key)
    assert (prompt, acts) == (None, []) and said in words


def test_a_note_is_written_as_at_any_terminal() -> None:
    """Letters, a paste, backspace and Ctrl-U; Enter keeps it, Esc and an empty one do not."""
    keys: list[Key] = ["n", *"xx", "kill", *"db i", "backspace", *"is ", Pasted("slow"), "enter"]
    assert typed(ONE, *keys)[1] == [Act(kind="note", text="db is slow")]
    assert typed(ONE, "n", *"oh", "esc") == (None, [], "")
    assert typed(ONE, "n", " ", "enter") == (None, [], "")
    (act,) = typed(ONE, "n", *"y" * 500, "enter")[1]
    assert len(act.text) == NOTE_AT_MOST


KEYS = st.one_of(st.sampled_from([*"bcnps?y123", "esc", "enter", "backspace", "kill"]), st.text(max_size=5).map(Pasted))


@given(st.lists(KEYS, max_size=30), st.sampled_from([ONE, TWO, Around(), Around(on=(MINE, PLANNED), loading=True)]))
def test_whatever_is_pressed_only_what_is_there_is_touched(keys: list[Key], around: Around) -> None:
    """No row of keys names a link, a brownout or a fault that is not there; two Esc leave any question."""
    prompt, acts, _ = typed(around, *keys)
    for act in acts:
        assert not act.link or act.link in around.links
        assert not act.brownout or act.brownout in NAMES
        assert not act.fault or act.fault in {lit.fault for lit in around.on}
    if prompt is not None:
        assert press(prompt, "esc", around).prompt is None


@given(st.lists(KEYS, max_size=10), st.integers(30, 220))
def test_a_question_fits_its_screen(keys: list[Key], width: int) -> None:
    """No line of a question is wider than the screen, and 80 x 24 has room for any."""
    prompt, _, _ = typed(TWO, *keys)
    if prompt is not None and not prompt.help:
        told = lines(prompt, width)
        assert all(len(line) <= width for line in told) or width < 40
        assert len(lines(prompt, 80)) <= 3


def test_help_fits_eighty_columns() -> None:
    """So that nobody needs to guess."""
    assert all(len(line) < 80 for line in HELP) and len(HELP) < 10


def test_a_pasted_page_is_no_command() -> None:
    """Neither where nothing is asked nor where a choice is."""
    assert typed(ONE, Pasted("sy" * 50)) == (None, [], "")
    assert typed(ONE, "b", Pasted("2"))[1] == []
