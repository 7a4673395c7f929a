"""report.json: the contract that gates, comparisons and other people's tools build on."""

from __future__ import annotations

import msgspec

from surgectl.report.summary import Summary


def render(summary: Summary) -> bytes:
    """The summary as JSON (`surgectl.report/1`), indented, the same bytes for the same run."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def parse(data: bytes) -> Summary:
    """Read a report.json again. msgspec.ValidationError where it is not one."""
    return msgspec.json.decode(data, type=Summary)
