"""No shop is stormed that nobody said we may storm."""

from __future__ import annotations

import resource

import pytest

from surgectl.engine.guard import guard, raise_open_files
from surgectl.errors import RefusedError, UsageError


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.8.9.1/x",
        "http://[::1]:9",
        "https://localhost",
        "http://[::ffff:127.0.0.1]/",
        "http://LOCALHOST.:80",
    ],
)
async def test_loopback_needs_no_leave(url: str) -> None:
    """This machine may always be stormed."""
    await guard([url], [])


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://10.0.0.1",
        "http://[2001:db8::1]:80/",
        "http://0.0.0.0:80",
        "http://169.254.169.254/",
        "http://127.0.0.1.nip.invalid/",
        "http://shop.invalid",
        "http://127.0.0.1@192.0.2.1/",
    ],
)
async def test_any_other_host_is_refused(url: str) -> None:
    """A host that is not known to be this machine is refused with exit 13, and the message says how to allow it."""
    with pytest.raises(RefusedError, match="allow") as caught:
        await guard(["http://127.0.0.1", url], [])
    assert caught.value.exit_code == 13


async def test_all_addresses_of_a_name_must_be_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with one foreign address among loopback ones is refused."""
    import asyncio

    async def mixed(host: str, port: int, **_: object) -> list[object]:
        return [(2, 1, 6, "", ("127.0.0.1", port)), (2, 1, 6, "", ("192.0.2.7", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", mixed)
    with pytest.raises(RefusedError, match=r"192\.0\.2\.7"):
        await guard(["http://mixed.example"], [])


async def test_a_named_host_is_allowed() -> None:
    """What the target's `allow` names may be stormed: by host, or by host and port alone."""
    permit = await guard(["http://shop.invalid:8080"], ["SHOP.invalid"])
    assert permit("shop.invalid") and permit("127.0.0.1") and permit("::1")
    assert not permit("other.invalid") and not permit("192.0.2.1")
    await guard(["http://192.0.2.1:8080"], ["192.0.2.1:8080"])
    with pytest.raises(RefusedError):
        await guard(["http://192.0.2.1:9090"], ["192.0.2.1:8080"])


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:99999"])
async def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    """Nonsense is exit 2, never a traceback."""
    with pytest.raises(UsageError):
        await guard([url], [])


def test_open_files_are_raised_towards_the_hard_limit() -> None:
    """The soft limit rises as far as the hard one lets it, and never falls."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        got = raise_open_files(soft + 1 if hard == resource.RLIM_INFINITY or hard > soft else soft)
        assert got == resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= soft
        assert raise_open_files(1) == got
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
