"""Each behaviour is tested twice: on the embedded proxy and on the original Toxiproxy, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proxy.toxi import Toxi, echo, running_embedded, serving
from tests.toxiproxy_binary import NOT_FOUND, find_toxiproxy, running_toxiproxy


@pytest.fixture(scope="session", params=["embedded", "real"])
def _server(request: pytest.FixtureRequest) -> Iterator[Toxi]:
    if request.param == "embedded":
        with running_embedded() as url:
            yield Toxi("embedded", url)
        return
    binary = find_toxiproxy()
    if binary is None:
        pytest.skip(NOT_FOUND)
    with running_toxiproxy(binary) as url:
        yield Toxi("real", url)


@pytest.fixture
def toxi(_server: Toxi) -> Iterator[Toxi]:
    """A proxy server without proxies."""
    yield _server
    _server.forget_all()


@pytest.fixture(scope="session")
def _strict_server() -> Iterator[Toxi]:
    with running_embedded(strict=True) as url:
        yield Toxi("strict", url)


@pytest.fixture
def strict(_strict_server: Toxi) -> Iterator[Toxi]:
    """The embedded proxy with --strict."""
    yield _strict_server
    _strict_server.forget_all()


@pytest.fixture(scope="session")
def _default_server() -> Iterator[Toxi]:
    with running_embedded() as url:
        yield Toxi("embedded", url)


@pytest.fixture
def embedded(_default_server: Toxi) -> Iterator[Toxi]:
    """The embedded proxy as it is by default."""
    yield _default_server
    _default_server.forget_all()


@pytest.fixture(scope="session")
def echo_port() -> Iterator[int]:
    """A server that sends everything back."""
    with serving(echo) as port:
        yield port
