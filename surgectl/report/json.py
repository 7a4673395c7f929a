"""report.json: the contract that gates, comparisons and other people's tools build on."""

from __future__ import annotations

import msgspec

from surgectl.report.summary import Summary
from surgectl.text import storable, tamed

MOST = 100_000
"""Characters of one text: a shop that answers with a flood must not fill the disk."""


def render(summary: Summary) -> bytes:
    """The summary as JSON (`surgectl.report/1`), indented, the same bytes for the same run. No NaN: null is unknown."""
    held = tamed(summary, lambda text: storable(text, MOST))
    # A build server that shows this file in its log takes `##[…]` for a command, wherever it stands in a line.
    return msgspec.json.format(msgspec.json.encode(held), indent=2).replace(b"##", rb"#\u0023") + b"\n"


def parse(data: bytes) -> Summary:
    """Read a report.json again. msgspec.ValidationError (or DecodeError) where it is not one."""
    return msgspec.json.decode(data, type=Summary)
