"""The faults a link can suffer, one a file. To add one: copy a neighbour and name it here."""

from __future__ import annotations

from surgectl.proxy.pipe import Toxic
from surgectl.proxy.toxics.bandwidth import Bandwidth
from surgectl.proxy.toxics.latency import Latency
from surgectl.proxy.toxics.limit_data import LimitData
from surgectl.proxy.toxics.noop import Noop
from surgectl.proxy.toxics.reset_peer import ResetPeer
from surgectl.proxy.toxics.slicer import Slicer
from surgectl.proxy.toxics.slow_close import SlowClose
from surgectl.proxy.toxics.timeout import Timeout

TOXICS: dict[str, type[Toxic]] = {
    "bandwidth": Bandwidth,
    "latency": Latency,
    "limit_data": LimitData,
    "noop": Noop,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "slow_close": SlowClose,
    "timeout": Timeout,
}
"""Every toxic of Toxiproxy 2.12 by the name that its API uses."""

__all__ = ["TOXICS"]
