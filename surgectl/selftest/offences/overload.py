"""Shops that bear a crowd or an outage badly, or do not serve those first who came first."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES: tuple[Offence, ...] = ()
