"""Takes secrets out of rows before they are written: what came from the environment stays there.

Both sides of a link are treated alike, so a minted value that holds a secret still finds its ledger row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)
Redact = Callable[[str], str]

_OURS = frozenset(
    {"attempt", "intent", "step", "role", "outcome", "end", "why", "then", "phase", "profile", "method", "name"}
    | {"state", "kind", "source", "fault", "event", "currency"}
)
"""Fields whose words are surgectl's or the profile's: a secret that is spelt like one of them must not blur them."""


def redacted(row: R, redact: Redact) -> R:
    """The row without secrets; the same object where there were none."""
    changes = {}
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name not in _OURS and isinstance(value, str | dict | list | tuple) and value:
            clean = _clean(value, redact)
            if clean != value:
                changes[name] = clean
    return msgspec.structs.replace(row, **changes) if changes else row


def _clean(value: Any, redact: Redact) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _clean(item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_clean(item, redact) for item in value)
    return value
