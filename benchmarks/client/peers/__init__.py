"""Who is measured: our own two drivers, and those who do the same work elsewhere."""

from __future__ import annotations

from benchmarks.client.peers.k6 import K6
from benchmarks.client.peers.locust_fast import LocustFast
from benchmarks.client.peers.oha import Oha
from benchmarks.client.peers.peer import Peer
from benchmarks.client.peers.product import Product
from benchmarks.client.peers.vegeta import Vegeta
from benchmarks.client.peers.wrk import Wrk

OURS = "wire"
"""What every other is compared with."""

PEERS: dict[str, Peer] = {
    peer.name: peer for peer in (Product("wire"), Product("aiohttp"), LocustFast(), K6(), Vegeta(), Oha(), Wrk())
}
