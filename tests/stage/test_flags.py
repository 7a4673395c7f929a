"""A part's constants are said once: as a struct, on its command line, and in a profile's `stage:`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from surgectl.errors import UsageError
from surgectl.stage.boxoffice.options import Options as ShopOptions
from surgectl.stage.flags import checked, flags, options_from, words
from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.settings import settings_of


class Kiosk(msgspec.Struct, frozen=True, kw_only=True):
    door: Annotated[str, Meta(description="Which one.")]
    price_minor: Annotated[int, Meta(extra={"flag": "price", "currency": "currency"})] = 250
    currency: Annotated[str, Meta(extra={"flag": None})] = "EUR"
    closes_ns: int = 1_500_000_000
    lights: bool = False


def test_every_field_is_a_flag_with_its_unit() -> None:
    """A field in nanoseconds is said as a duration, money as money, and each default as a person writes it."""
    said = {name: (flag.option, flag.kind, flag.default) for name, flag in flags(Kiosk).items()}
    assert said == {
        "door": ("--door", "text", None),
        "price": ("--price", "money", "2.50 EUR"),
        "closes": ("--closes", "duration", "1.5s"),
        "lights": ("--lights", "switch", False),
    }


def test_words_and_back() -> None:
    """What the troupe writes on a command line is what the part reads from it."""
    said = {"door": "north", "price": "3.10 USD", "closes": "20ms", "lights": True}
    assert words(Kiosk, said) == ["--door", "north", "--price", "3.10 USD", "--closes", "20ms", "--lights"]
    assert options_from(Kiosk, said) == Kiosk(
        door="north", price_minor=310, currency="USD", closes_ns=20_000_000, lights=True
    )


@pytest.mark.parametrize(("name", "value"), [("closes", "soon"), ("price", "free"), ("lights", "perhaps")])
def test_what_cannot_be_meant_is_refused(name: str, value: str) -> None:
    """A duration without a unit, a price without a currency: named, not guessed."""
    with pytest.raises((ValueError, msgspec.ValidationError)):
        checked(Kiosk, name, value)


def test_a_flag_that_is_none() -> None:
    """An unknown word is refused with the nearest valid one."""
    with pytest.raises(UsageError, match="closes"):
        options_from(Kiosk, {"close": "1s"})


@pytest.mark.parametrize("options", [ShopOptions, PaymentOptions])
def test_the_defaults_mean_themselves(options: type[msgspec.Struct]) -> None:
    """Saying every default aloud changes nothing."""
    said = {name: flag.default for name, flag in flags(options).items() if not flag.required}
    must = {name: "http://127.0.0.1:1" for name, flag in flags(options).items() if flag.required}
    assert options_from(options, {**said, **must}) == options_from(options, must)


def test_a_stage_section_is_sorted_by_part() -> None:
    """Any flag of the shop may stand there, any of the provider's with `provider_` before it."""
    settings = settings_of({"use": "boxoffice", "payment_workers": 3, "provider_rate": 25}, str)
    assert settings.shop == {"payment_workers": 3}
    assert settings.provider == {"latency": "20ms", "rate": 25.0}
    with pytest.raises(UsageError, match="payment_workers"):
        settings_of({"payment_worker": 3}, str)
    with pytest.raises(UsageError, match=r"stage\.hold_ttl"):  # a promise, not a setting: it stands in `promises:`
        settings_of({"hold_ttl": "3s"}, str)
