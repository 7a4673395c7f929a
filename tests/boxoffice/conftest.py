"""The provider and the shop that most of these tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import Money, Shop, open_shop


@pytest.fixture
async def money() -> AsyncIterator[Money]:
    async with running(PaymentOptions()) as open_, aiohttp.ClientSession() as http:
        yield Money(open_, http)


@pytest.fixture
async def shop(money: Money, tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(money.url, tmp_path / "books") as shop:
        yield shop
