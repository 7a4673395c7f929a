"""What was pressed, from the bytes that a terminal sends for it.

Pure: bytes in, keys out. An arrow, a mouse or whatever else begins with an escape is no key here and is passed over
whole (ECMA-48, 5.4 and 5.6; xterm's ctlseqs for the rest), and what was pasted is text, never a row of commands.
"""

from __future__ import annotations

import codecs
import re

import msgspec

PASTES_ON, PASTES_OFF = "\x1b[?2004h", "\x1b[?2004l"
"""Ask the terminal to say what is pasted (bracketed paste), and no longer to."""
TYPED_AT_MOST = 32
"""So many keys in one reading nobody types, not even while a busy machine looks away for seconds: a paste by a terminal
that does not say so."""
_HELD_AT_MOST = 4_096
_PASTED_AT_MOST = 1_000

_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # a control sequence: arrows, function keys, the marks of a paste
    r"|O[@-~]"  # a keypad's
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # a string that somebody's terminal answers with
    r"|[^\[OP\]X^_\x1b]"  # a key together with Alt
    r")",
    re.DOTALL,
)
_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O|[\]PX^_][^\x07\x1b]*\x1b?)?\Z", re.DOTALL)
"""What may become a sequence once more has come."""
_NAMED = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace", "\x15": "kill"}


class Pasted(msgspec.Struct, frozen=True):
    """Text that came at once, without control characters."""

    text: str


Key = str | Pasted
"""A printable character as it is; enter, backspace, kill (the whole line), esc; or what was pasted."""


class Keys:
    """Reads one terminal. What is incomplete is held until more comes, or until `idle` says that nothing will."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._held = ""
        self._paste: str | None = None

    def __repr__(self) -> str:
        return f"<Keys held={self._held!r}>"

    @property
    def waiting(self) -> bool:
        """Is something held that `idle` would decide?"""
        return bool(self._held) or self._paste is not None

    def feed(self, data: bytes) -> list[Key]:
        """The keys that are whole by now."""
        text, self._held = self._held + self._decoder.decode(data), ""
        found: list[Key] = []
        at = 0
        while at < len(text):
            if self._paste is not None:
                at = self._pasting(text, at, found)
            elif text[at] != "\x1b":
                key = _NAMED.get(text[at]) or (text[at] if text[at].isprintable() else "")
                found += [key] if key else []
                at += 1
            elif sequence := _SEQUENCE.match(text, at):
                at = sequence.end()
                if sequence[0] == "\x1b[200~":
                    self._paste = ""
            elif _BEGUN.match(text, at) and len(text) - at <= _HELD_AT_MOST:
                self._held = text[at:]
                break
            else:
                at += 1  # an escape that begins nothing
        typed = [key for key in found if isinstance(key, str)]
        if len(typed) > TYPED_AT_MOST:
            return [Pasted(_plain("".join(key if len(key) == 1 else " " for key in typed)))]
        return found

    def _pasting(self, text: str, at: int, found: list[Key]) -> int:
        assert self._paste is not None
        end = text.find("\x1b[201~", at)
        if end >= 0:
            found.append(Pasted(_plain(self._paste + text[at:end])))
            self._paste = None
            return end + 6
        cut = text.find("\x1b", max(at, len(text) - 5))  # where the mark of its end may have begun
        until = len(text) if cut < 0 else cut
        self._held = text[until:]
        self._paste = (self._paste + text[at:until])[:_PASTED_AT_MOST]
        return len(text)

    def idle(self) -> list[Key]:
        """Nothing came for a while: a single escape was the key of that name, and a paste has come to its end."""
        held, self._held = self._held, ""
        if self._paste is not None:
            pasted, self._paste = self._paste, None
            return [Pasted(_plain(pasted))]
        return ["esc"] if held == "\x1b" else []


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_PASTED_AT_MOST]).split())
