"""What the person at the dashboard is being asked, and what a key means for it.

Pure: a prompt and a key in, the next prompt and perhaps an act out. Nothing is broken, stopped or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from surgectl.live.keys import Key, Pasted
from surgectl.profile.brownouts import NAMES
from surgectl.text import one_line

NOTE_AT_MOST = 200
"""Characters."""
KEYS = "b break  c clear  n note  p pause  s stop  ? help"
_NUMBERS = "123456789abcdefghijklmnopqrstuvwxyz"
HELP = (
    "b  break a link: a brownout by name, until it is cleared or the load ends",
    "c  clear a fault that is on: yours at once, a planned one after asking",
    "n  note: a line that goes on the timeline of recording and report",
    "p  pause arrivals: whoever is due meanwhile never comes; again to resume",
    "s  stop gently, as Ctrl-C does: heal, drain, audit, exit 130",
    "Ctrl-C twice  heal and leave at once        Esc  leaves a question",
)


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants done, in the word that the recording keeps it under."""

    kind: Literal["note", "pause", "resume", "inject", "clear", "stop"]
    link: str = ""
    brownout: str = ""
    fault: str = ""
    text: str = ""


class Lit(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that is on."""

    fault: str
    said: str
    """`lost-reply on payments`"""
    by_hand: bool


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done right now."""

    links: tuple[str, ...] = ()
    on: tuple[Lit, ...] = ()
    paused: bool = False
    loading: bool = False
    """Fans are still to come."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to go on."""

    key: str
    said: str
    act: Act | None = None
    then: Prompt | None = None


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A question: some choices, or a line to be written."""

    title: str
    choices: tuple[Choice, ...] = ()
    written: str | None = None
    """What has been typed so far; None: nothing is to be typed."""
    help: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a key came to."""

    prompt: Prompt | None = None
    """What is asked now."""
    act: Act | None = None
    said: str = ""
    """Why nothing comes of it."""


def press(prompt: Prompt | None, key: Key, around: Around) -> Answer:
    """What the key means. One that means nothing changes nothing; what was pasted is never a command."""
    if prompt is None:
        return Answer() if isinstance(key, Pasted) else _command(key, around)
    if prompt.written is not None:
        return _write(prompt, prompt.written, key)
    if isinstance(key, Pasted):
        return Answer(prompt=prompt)
    if key == "esc" or prompt.help:
        return Answer()
    for choice in prompt.choices:
        if choice.key == key:
            return Answer(prompt=choice.then, act=choice.act)
    return Answer(prompt=prompt)


def _command(key: str, around: Around) -> Answer:
    match key:
        case "b":
            if not around.loading:
                return Answer(said="nothing is broken before the doors open, nor after the load")
            if not around.links:
                return Answer(said="this rehearsal has no link that could be broken")
            menus = [_brownouts(link) for link in around.links]
            if len(menus) == 1:
                return Answer(prompt=menus[0])
            links = [Choice(key=k, said=one_line(m.title, 40), then=m) for k, m in zip(_NUMBERS, menus, strict=False)]
            return Answer(prompt=Prompt(title="break which link?", choices=tuple(links)))
        case "c":
            if not around.on:
                return Answer(said="no fault is on")
            clearing = [_clear(k, lit) for k, lit in zip(_NUMBERS, around.on, strict=False)]
            if len(clearing) == 1:
                return Answer(prompt=clearing[0].then, act=clearing[0].act)
            return Answer(prompt=Prompt(title="clear which fault?", choices=tuple(clearing)))
        case "n":
            return Answer(prompt=Prompt(title="note", written=""))
        case "p":
            if not around.loading:
                return Answer(said="nobody is to come now whose coming could be paused")
            return Answer(act=Act(kind="resume" if around.paused else "pause"))
        case "s":
            return Answer(prompt=_sure("stop the rehearsal?", "stop gently", Act(kind="stop")))
        case "?":
            return Answer(prompt=Prompt(title="keys", help=True))
    return Answer()


def _brownouts(link: str) -> Prompt:
    named = zip(_NUMBERS, NAMES, strict=False)
    choices = [Choice(key=k, said=name, act=Act(kind="inject", link=link, brownout=name)) for k, name in named]
    return Prompt(title=link, choices=tuple(choices))


def _clear(key: str, lit: Lit) -> Choice:
    act = Act(kind="clear", fault=lit.fault)
    if lit.by_hand:
        return Choice(key=key, said=lit.said, act=act)
    return Choice(
        key=key, said=f"{lit.said} (planned)", then=_sure(f"{lit.said} is planned: clear it?", "clear it", act)
    )


def _sure(title: str, said: str, act: Act) -> Prompt:
    return Prompt(title=title, choices=(Choice(key="y", said=said, act=act),))


def _write(prompt: Prompt, written: str, key: Key) -> Answer:
    if key == "esc":
        return Answer()
    if key == "enter":
        text = written.strip()
        return Answer(act=Act(kind="note", text=text)) if text else Answer()
    if key == "backspace":
        written = written[:-1]
    elif key == "kill":
        written = ""
    elif isinstance(key, Pasted):
        written += key.text
    elif len(key) == 1:
        written += key
    return Answer(prompt=msgspec.structs.replace(prompt, written=written[:NOTE_AT_MOST]))


def lines(prompt: Prompt, width: int) -> Sequence[str]:
    """The question as lines of text of at most `width` columns."""
    if prompt.help:
        return [f" {line}" for line in HELP]
    if prompt.written is not None:
        lead = f" {prompt.title}: "
        room = max(1, width - len(lead) - 1)
        return [lead + one_line(prompt.written, 2 * NOTE_AT_MOST)[-room:] + "_", " Enter keeps it, Esc does not"]
    told: list[str] = []
    line = f" {one_line(prompt.title, 60)}"
    for said in [*(f"{choice.key} {one_line(choice.said, 60)}" for choice in prompt.choices), "Esc leave it"]:
        if len(line) + 3 + len(said) > width:
            told.append(line)
            line = "  " + said
        else:
            line += "   " + said
    return [*told, line]
