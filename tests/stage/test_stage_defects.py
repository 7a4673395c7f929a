"""A defect is found by its name, at whichever part of the stage it is built in."""

from __future__ import annotations

import re

import pytest

from surgectl.errors import UsageError
from surgectl.stage.boxoffice.defects import DEFECTS as OF_THE_SHOP
from surgectl.stage.defects import DEFECTS, setting_of
from surgectl.stage.payments.defects import DEFECTS as OF_THE_PROVIDER


def test_no_name_stands_for_two() -> None:
    """A name of the shop's is none of the provider's."""
    assert not set(OF_THE_SHOP) & set(OF_THE_PROVIDER)
    assert set(DEFECTS) == {*OF_THE_SHOP, *OF_THE_PROVIDER}


def test_a_name_says_which_part_is_wrong() -> None:
    """The shop's, the provider's, or one of each."""
    assert setting_of("oversell") == {"defect": "oversell"}
    assert setting_of("short-memory") == {"provider_defect": "short-memory"}
    both = {"defect": "cancel-after-confirm", "provider_defect": "over-refund"}
    assert setting_of("cancel-after-confirm+over-refund") == both


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("overselll", "did you mean .oversell"),
        ("oversell+lifo", "in two ways at once"),
        ("oversell+", "no such defect"),
    ],
)
def test_a_name_that_nobody_knows_is_refused(name: str, said: str) -> None:
    """A slip of the pen is told the nearest name; two of one part, and half a pair, are refused as well."""
    with pytest.raises(UsageError) as refused:
        setting_of(name)
    assert re.search(said, f"{refused.value} {refused.value.hint}")
