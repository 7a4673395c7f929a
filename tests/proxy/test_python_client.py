"""Every call of toxiproxy-python 0.1.1 works, on both servers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from tests.proxy.toxi import Toxi, ask, calling
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real


@pytest.fixture
def client(toxi: Toxi) -> Iterator[Toxiproxy]:
    """The client keeps its address in its class: put back what was there."""
    before = APIConsumer.host, APIConsumer.port
    address = urlsplit(toxi.url)
    client = Toxiproxy()
    client.update_api_consumer(address.hostname, address.port)
    yield client
    client.update_api_consumer(*before)


def test_the_server_is_running(client: Toxiproxy) -> None:
    """running() and version() see a server, and none where there is none."""
    assert client.running() is True
    assert client.version() in (b'{"version": "2.12.0"}\n', b'{"version": "git"}\n')
    client.update_api_consumer("127.0.0.1", free_port())
    assert client.running() is False and client.version() is None


def test_proxies_come_and_go(client: Toxiproxy) -> None:
    """create, proxies, get_proxy, destroy and destroy_all."""
    proxy = client.create(name="shop", upstream="127.0.0.1:1")
    assert (proxy.name, proxy.upstream, proxy.enabled) == ("shop", "127.0.0.1:1", True)
    assert proxy.listen.startswith("127.0.0.1:")
    off = client.create(name="off", upstream="127.0.0.1:1", listen="127.0.0.1:0", enabled=False)
    assert off.enabled is False
    assert sorted(client.proxies()) == ["off", "shop"]
    assert client.get_proxy("shop").listen == proxy.listen
    assert client.get_proxy("nobody") is None
    with pytest.raises(ProxyExists):
        client.create(name="shop", upstream="127.0.0.1:1")
    assert client.destroy(proxy) is True
    with pytest.raises(NotFound):
        proxy.destroy()
    client.destroy_all()
    assert client.proxies() == {}


def test_populate(client: Toxiproxy) -> None:
    """populate makes what is missing and returns only that."""
    wanted = [{"name": f"p{n}", "upstream": "127.0.0.1:1", "listen": f"127.0.0.1:{free_port()}"} for n in range(2)]
    assert [proxy.name for proxy in client.populate(wanted)] == ["p0", "p1"]
    assert client.populate(wanted) == []
    moved = client.populate([wanted[0] | {"upstream": "127.0.0.1:2"}])
    assert [proxy.upstream for proxy in moved] == ["127.0.0.1:2"]


def test_toxics(client: Toxiproxy, echo_port: int) -> None:
    """add_toxic, toxics, get_toxic and destroy_toxic, with a fault that can be felt."""
    proxy = client.create(name="shop", upstream=f"127.0.0.1:{echo_port}")
    proxy.add_toxic(type="latency", attributes={"latency": 80, "jitter": 0})
    proxy.add_toxic(name="mine", type="noop", stream="upstream", toxicity=0.5)
    assert sorted(proxy.toxics()) == ["latency_downstream", "mine"]
    mine = proxy.get_toxic("mine")
    assert (mine.type, mine.stream, mine.toxicity, mine.attributes) == ("noop", "upstream", 0.5, {})
    with calling(int(proxy.listen.rsplit(":", 1)[1])) as conn:
        assert ask(conn, b"x") >= 0.079
        assert proxy.destroy_toxic("latency_downstream") is True
        assert ask(conn, b"x") < 0.079
    assert proxy.get_toxic("latency_downstream") is None
    with pytest.raises(NotFound):
        proxy.destroy_toxic("latency_downstream")
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nonsense")
    with pytest.raises(ProxyExists):  # its word for any 409
        proxy.add_toxic(name="mine", type="noop")


def test_down_and_reset(client: Toxiproxy, echo_port: int) -> None:
    """down() disables for its block, disable() until reset() enables and clears all."""
    proxy = client.create(name="shop", upstream=f"127.0.0.1:{echo_port}")
    port = int(proxy.listen.rsplit(":", 1)[1])
    with proxy.down(), pytest.raises(ConnectionRefusedError), calling(port):
        pass
    with calling(port) as conn:
        ask(conn, b"x")
    proxy.add_toxic(type="noop")
    proxy.disable()
    assert client.get_proxy("shop").enabled is False
    assert client.reset() is True
    assert client.get_proxy("shop").enabled is True and proxy.toxics() == {}
    proxy.disable()
    proxy.enable()
    with calling(port) as conn:
        ask(conn, b"x")
