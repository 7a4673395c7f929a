"""`surgectl stage payments`: runs the pretend card company until it is told to stop."""

from __future__ import annotations

from pathlib import Path

import uvloop

from surgectl.errors import UsageError
from surgectl.stage.payments.defects import known_defect
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.server import serve
from surgectl.units import parse_duration_ns


def serve_payments(
    listen: str,
    control: str,
    rate: float,
    concurrency: int,
    latency: str,
    seed: int,
    data: str | None,
    defect: str | None,
    until_stdin_closes: bool,
) -> None:
    """Run the provider to its end. `listen`/`control` are HOST:PORT (port 0: any), `rate` operations a second.

    0 as `rate` or `concurrency` means no limit; `latency` is text such as `20ms`. UsageError on bad input.
    """
    host, port = _address(listen, "--listen")
    control_host, control_port = _address(control, "--control")
    if not 0 <= rate < float("inf"):
        raise UsageError(f"a rate of {rate} operations a second cannot be", where="--rate", hint="0 means no limit")
    if concurrency < 0:
        raise UsageError(f"{concurrency} requests at once cannot be", where="--concurrency", hint="0 means no limit")
    try:
        latency_ns = parse_duration_ns(latency)
    except ValueError as error:
        raise UsageError(str(error), where="--latency") from error
    options = Options(
        host=host,
        port=port,
        control_host=control_host,
        control_port=control_port,
        rate_per_s=rate,
        concurrency=concurrency,
        latency_ns=latency_ns,
        seed=seed,
        data=Path(data) if data is not None else None,
        defect=known_defect(defect),
        until_stdin_closes=until_stdin_closes,
    )
    uvloop.run(serve(options))


def _address(text: str, flag: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is not HOST:PORT", where=flag, hint="try 127.0.0.1:0")
    return host.strip("[]"), int(port)
