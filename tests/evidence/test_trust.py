"""Books behind TLS: read from whom the target believes, and from nobody else."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from tests.engine.test_driver_tls import certificate  # noqa: F401  # a fixture
from tests.evidence.ledgers import QUICK, order_rows, serving, target

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")


async def read(url: str, root: Path, tls: dict[str, Any]) -> Found:
    shop = target(url, {"orders": {"http": {"get": "/orders"}}}, tls=tls)
    async with Books(shop, {}, 0.0, SystemClock(), root=root, patience=QUICK) as books:
        return await books.read("orders")


async def test_the_targets_own_authority_is_believed(certificate: Path) -> None:  # noqa: F811
    """`tls: {ca: …}`, found from the target's folder, vouches for the shop's books as it does for its pages."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with serving(context) as server:
        server.answer = lambda request, number: order_rows(0, 2)
        believed = await read(server.url, certificate.parent, {"ca": certificate.name})
        doubted = await read(server.url, certificate.parent, {})
    assert (len(believed.rows), believed.problem) == (2, "")
    assert doubted.problem == "GET /orders: its certificate is not believed (tls: {ca: …}) (after 0 rows)"
    assert server.asked == ["/orders"]


def test_a_certificate_of_no_use_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    """A file that is none is a mistake in the target."""
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(UsageError, match="tls: not a usable certificate"):
        Books(target("https://127.0.0.1:1", {}, tls={"ca": "ca.pem"}), {}, 0.0, SystemClock(), root=tmp_path)
