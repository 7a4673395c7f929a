"""The provider and the shop that most of these tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import WHERE, Money, Shop, open_shop


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def on_both(request: pytest.FixtureRequest) -> Iterator[None]:
    """The shops of this test keep their books in SQLite, then, once more, in PostgreSQL."""
    if request.param == "postgresql":
        WHERE["database"] = request.getfixturevalue("postgres_url")
    yield
    WHERE.clear()


@pytest.fixture
async def money() -> AsyncIterator[Money]:
    async with running(PaymentOptions()) as open_, aiohttp.ClientSession() as http:
        yield Money(open_, http)


@pytest.fixture
async def shop(money: Money, tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(money.url, tmp_path / "books") as shop:
        yield shop
