"""What a count of something that happened answers, and what it is asked with."""

from __future__ import annotations

from collections.abc import Callable

from surgectl.audit.expectations import Expectations
from surgectl.audit.windows import FaultWindow
from surgectl.recording.relations import Relations

Count = tuple[int, int | None, str]
"""How often it was seen; of how many, where a share means something; what to know about the counting."""

Counting = Callable[[Relations, Expectations, list[FaultWindow]], Count]
