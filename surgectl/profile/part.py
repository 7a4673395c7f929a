"""What every part of a target file is: frozen, and strict about its keys."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a target: frozen, and strict about its keys."""
