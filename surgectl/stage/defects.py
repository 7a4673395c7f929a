"""All the ways in which the stage can be wrong on purpose, by name, and which of its parts each one is built into."""

from __future__ import annotations

from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.boxoffice.defects import DEFECTS as OF_THE_SHOP
from surgectl.stage.payments.defects import DEFECTS as OF_THE_PROVIDER

DEFECTS: tuple[str, ...] = (*OF_THE_SHOP, *OF_THE_PROVIDER)
"""Every name; no name stands for two."""


def setting_of(defect: str) -> dict[str, str]:
    """The `stage:` settings that make the stage wrong in this way.

    Joined by `+`, one of the shop's and one of the provider's: `cancel-after-confirm+over-refund`. UsageError for a
    name that no part knows, and for two of one part.
    """
    settings: dict[str, str] = {}
    for name in defect.split("+"):
        setting = _part_of(name)
        if setting in settings:
            raise UsageError(f"{defect}: one part cannot be wrong in two ways at once", where="--defect")
        settings[setting] = name
    return settings


def _part_of(name: str) -> str:
    if name in OF_THE_SHOP:
        return "defect"
    if name in OF_THE_PROVIDER:
        return "provider_defect"
    raise UsageError(
        f"{name}: no such defect of the box office or its payment provider",
        where="--defect",
        hint=did_you_mean(name, DEFECTS) or f"there are {', '.join(DEFECTS)}",
    )
