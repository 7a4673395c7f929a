"""Every offence that the selftest knows, by the group of what it breaks; one line a defect."""

from __future__ import annotations

from surgectl.selftest.offence import Offence
from surgectl.selftest.offences import money, overload, promises, stock

OFFENCES: tuple[Offence, ...] = (*stock.OFFENCES, *money.OFFENCES, *promises.OFFENCES, *overload.OFFENCES)
