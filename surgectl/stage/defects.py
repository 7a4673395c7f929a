"""All the ways in which the stage can be wrong on purpose, by name, and which of its parts each one is built into."""

from __future__ import annotations

from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.boxoffice.defects import DEFECTS as OF_THE_SHOP
from surgectl.stage.payments.defects import DEFECTS as OF_THE_PROVIDER

DEFECTS: tuple[str, ...] = (*OF_THE_SHOP, *OF_THE_PROVIDER)
"""Every name; no name stands for two."""


def setting_of(defect: str) -> dict[str, str]:
    """The `stage:` setting that makes the stage wrong in this way. UsageError for a name that no part knows."""
    if defect in OF_THE_SHOP:
        return {"defect": defect}
    if defect in OF_THE_PROVIDER:
        return {"provider_defect": defect}
    raise UsageError(
        f"{defect}: no such defect of the box office or its payment provider",
        where="--defect",
        hint=did_you_mean(defect, DEFECTS) or f"there are {', '.join(DEFECTS)}",
    )
