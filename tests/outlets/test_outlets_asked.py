"""Who is told is what flags and environment say, and what cannot be meant is refused before anything is sent."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from surgectl.cli.driving import DriverName
from surgectl.cli.outlets import Asked, Outlets, headers_of
from surgectl.cli.prepare import Wishes, flags_of, prepare
from surgectl.cli.run import _share
from surgectl.cli.servers import servers_of
from surgectl.cli.shards import Playbill, tracing_of
from surgectl.clock import SystemClock
from surgectl.engine.drivers.traced import Traced
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.engine.guard import Permit
from surgectl.errors import UsageError
from surgectl.outlets.otlp import Server, endpoint_of

COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def test_nobody_is_told_unless_somebody_asked() -> None:
    """Without flags and variables there is no outlet, and `OTEL_SDK_DISABLED` is heard."""
    assert not Outlets(environ={}).any
    assert not Outlets(environ={**COLLECTOR, "OTEL_SDK_DISABLED": "true"}).any
    assert not Outlets(environ={"OTEL_SERVICE_NAME": "shop"}).any


@pytest.mark.parametrize(
    ("environ", "metrics", "spans"),
    [
        (COLLECTOR, True, True),
        ({**COLLECTOR, "OTEL_METRICS_EXPORTER": "none"}, False, True),
        ({**COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, True, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, False, True),
    ],
)
def test_opentelemetrys_own_variables_are_followed(environ: dict[str, str], metrics: bool, spans: bool) -> None:
    """An address asks for a signal, `none` forbids it."""
    outlets = Outlets(environ=environ)
    assert (outlets.metrics_by_otlp, outlets.spans_by_otlp) == (metrics, spans)


def test_the_flag_is_the_base_of_both_signals() -> None:
    """As OTEL_EXPORTER_OTLP_ENDPOINT is; without it the exporter reads that itself."""
    assert endpoint_of("http://c:4318/otlp/", "metrics") == "http://c:4318/otlp/v1/metrics"
    assert endpoint_of("http://c:4318", "traces") == "http://c:4318/v1/traces"
    assert endpoint_of(None, "traces") is None


@pytest.mark.parametrize("wrong", ["", "collector:4318", "ftp://c", "http://", "http://c:0x1", "grpc://c:4317"])
@pytest.mark.parametrize("flag", ["remote_write", "otlp"])
def test_an_address_that_is_none_is_refused(flag: str, wrong: str) -> None:
    """With the flag's name, and without what was written there: it may hold a password."""
    with pytest.raises(UsageError, match=f"--{flag.replace('_', '-')}"):
        Outlets(Asked(**{flag: wrong}), environ={}).open()


@pytest.mark.parametrize(
    ("flag", "value", "module"),
    [
        ("prometheus", "0", "prometheus_client"),
        ("remote_write", "http://127.0.0.1:9", "cramjam"),
        ("otlp", "http://127.0.0.1:9", "opentelemetry.exporter.otlp.proto.http.metric_exporter"),
    ],
)
def test_a_missing_extra_is_named(flag: str, value: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A usage error says what to install; the environment alone is no reason not to rehearse."""
    monkeypatch.setitem(sys.modules, module, None)
    extra = "otel" if flag == "otlp" else "prometheus"
    with pytest.raises(UsageError, match=rf"pip install 'surgectl\[{extra}\]'"):
        Outlets(Asked(**{flag: value}), environ={}).open()
    with Outlets(environ=COLLECTOR if flag == "otlp" else {}):
        pass


def test_secrets_of_addresses_and_headers_are_shown_to_nobody() -> None:
    """Passwords, query tokens and header values, as typed and as meant."""
    environ = {
        "SURGECTL_REMOTE_WRITE_HEADERS": "X-Scope-OrgID=tenant-of-ours,Authorization=Bearer%20abcdefgh",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=0123456789",
    }
    outlets = Outlets(Asked(remote_write="http://me:pa%2Fssword@p/api?token=longtoken"), environ=environ)
    for secret in (
        "tenant-of-ours",
        "Bearer abcdefgh",
        "Bearer%20abcdefgh",
        "0123456789",
        "pa/ssword",
        "token=longtoken",
    ):
        assert secret not in outlets.shown(f"it said {secret}!")


def test_headers_are_read_as_opentelemetry_writes_them() -> None:
    """name=value,name=value, percent-encoded; anything else is a usage error."""
    assert headers_of(" a=b%2Cc , D= e ", "X") == {"a": "b,c", "D": "e"}
    assert headers_of("", "X") == {}
    with pytest.raises(UsageError, match="X"):
        headers_of("nothing", "X")


def test_the_share_of_traces_travels_with_the_reproduce_command() -> None:
    """It changes what is sent; where it is told does not."""
    assert _share("1%") == 0.01 and _share(None) is None
    assert flags_of(Wishes(profile="smoke", trace_sample=0.025)) == ["--trace-sample", "2.5%"]
    for wrong in ("1", "200%", "some"):
        with pytest.raises(UsageError, match="--trace-sample"):
            _share(wrong)


def test_nothing_is_paid_for_what_nobody_asked(tmp_path: Path) -> None:
    """Without traces fans have the bare driver, and without outlets nobody counts each second by step."""
    prepared = prepare(Wishes(profile="smoke"))
    bill = Playbill(
        run="r",
        folder=tmp_path,
        plan=prepared.plan,
        target=prepared.target,
        setup={},
        driver=DriverName.WIRE,
        permit=Permit(frozenset()),
        secrets=prepared.rehearsal.secrets,
    )
    assert type(bill._fans_driver(SystemClock(), 0)) is WireDriver and bill.meter() is None
    asked = msgspec.structs.replace(bill, tracing=tracing_of(0.0, 7), metered=True)
    assert type(asked._fans_driver(SystemClock(), 0)) is Traced and asked.meter() is not None


def test_where_a_step_goes_is_read_from_the_target() -> None:
    """Method, host and port; a step that follows a link of the shop has none."""
    target = {
        "base_url": "https://shop.example/de",
        "origins": {"pay": "http://[::1]:8080"},
        "journey": [
            {"step": "look", "get": "/about", "origin": None},
            {"step": "link", "get": "{next}"},
            {"step": "card", "post": "/charge", "origin": "pay"},
            {"step": "wait", "poll": {"get": "/order"}},
        ],
        "flows": {"status": [{"step": "ask", "get": "http://other.example/x"}]},
    }
    assert servers_of(target) == {
        "look": Server("shop.example", 443, "GET"),
        "card": Server("::1", 8080, "POST"),
        "wait": Server("shop.example", 443, "GET"),
        "ask": Server("other.example", 80, "GET"),
    }
