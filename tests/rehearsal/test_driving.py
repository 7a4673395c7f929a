"""The HTTP client of a run is set up as its target says."""

from __future__ import annotations

from pathlib import Path

import pytest

from surgectl.cli.driving import DriverName, driver_for
from surgectl.clock import SystemClock
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.errors import UsageError
from surgectl.profile.load import OpenTarget, open_target
from surgectl.profile.substitute import Secrets

CLOCK = SystemClock()
TARGET = """\
surgectl-target: 1
name: shop
base_url: https://127.0.0.1:1
{more}
journey:
  - {{step: look, role: browse, get: /, outcomes: [{{when: {{status: 200}}, end: accepted}}]}}
"""


def target(folder: Path, more: str = "") -> OpenTarget:
    file = folder / "shop.yaml"
    file.write_text(TARGET.format(more=more))
    return open_target(str(file), {}, secrets=Secrets())


def test_wire_and_aiohttp(tmp_path: Path) -> None:
    """A name says which client it is."""
    assert isinstance(driver_for(DriverName.WIRE, target(tmp_path), CLOCK, 0, None), WireDriver)
    assert isinstance(driver_for(DriverName.AIOHTTP, target(tmp_path), CLOCK, 0, None), AiohttpDriver)


def test_connections_per_fan_need_the_wire_driver(tmp_path: Path) -> None:
    """aiohttp's pool is one for all: a target that wants otherwise is told so, not ignored."""
    opened = target(tmp_path, "connections: per-fan")
    assert driver_for(DriverName.WIRE, opened, CLOCK, 0, None).session() is not None
    with pytest.raises(UsageError, match="connections: per-fan"):
        driver_for(DriverName.AIOHTTP, opened, CLOCK, 0, None)


@pytest.mark.parametrize("said", ["ca: nowhere.pem", "key: us.key", "certificate: shop.yaml"])
def test_certificates_that_cannot_be_used(tmp_path: Path, said: str) -> None:
    """A file that is no certificate is named before anything is sent."""
    with pytest.raises(UsageError):
        driver_for(DriverName.WIRE, target(tmp_path, f"tls: {{{said}}}"), CLOCK, 0, None)
