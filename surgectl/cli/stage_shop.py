"""`surgectl stage shop`: runs the demo box office until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import msgspec
import uvloop

from surgectl.errors import UsageError
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.server import serve
from surgectl.units import parse_duration_ns, parse_money


def serve_shop(
    payments_url: str,
    data: str,
    listen: str = "127.0.0.1:0",
    secret: str = "sk_test_stage",
    sku: str = "floor",
    capacity: int = 500,
    price: str = "89.00 EUR",
    limit: int = 4,
    admission_per_s: float = 100.0,
    inside: int = 0,
    hold_ttl: str = "2m",
    payment_timeout: str = "5s",
    payment_tries: int = 3,
    payment_workers: int = 24,
    payment_queue: int = 400,
    reconcile_every: str = "2s",
    payment_deadline: str = "25s",
    late_refunds: str = "60s",
    seed: int = 1,
    defect: str | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """Run the shop to its end: SIGINT, SIGTERM or, if asked, the end of stdin (so that it dies with its parent).

    Durations and money are text (`250ms`, `89.00 EUR`), `admission_per_s` fans a second, `data` a folder.
    Writes one JSON line on stdout when it answers: {"ready": "shop", "url": "http://127.0.0.1:PORT"}.
    UsageError on bad input, before anything is opened.
    """
    try:
        price_minor, currency = parse_money(price)
    except ValueError as error:
        raise UsageError(str(error), where="--price") from error
    options = Options(
        payments_url=payments_url,
        data=data,
        listen=listen,
        secret=secret,
        sku=sku,
        capacity=capacity,
        price_minor=price_minor,
        currency=currency,
        limit=limit,
        admission_per_s=admission_per_s,
        inside=inside,
        hold_ttl_ns=_duration("--hold-ttl", hold_ttl),
        payment_timeout_ns=_duration("--payment-timeout", payment_timeout),
        payment_tries=payment_tries,
        payment_workers=payment_workers,
        payment_queue=payment_queue,
        reconcile_every_ns=_duration("--reconcile-every", reconcile_every),
        payment_deadline_ns=_duration("--payment-deadline", payment_deadline),
        late_refunds_ns=_duration("--late-refunds", late_refunds),
        seed=seed,
        defect=defect,
    )
    uvloop.run(_until_told(options, until_stdin_closes))


def _duration(flag: str, text: str) -> int:
    try:
        return parse_duration_ns(text)
    except ValueError as error:
        raise UsageError(str(error), where=flag) from error


async def _until_told(options: Options, until_stdin_closes: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        _watch_stdin(loop, stop)
    await serve(options, stop=stop, ready=_say_ready)


def _say_ready(url: str) -> None:
    line = msgspec.json.encode({"ready": "shop", "url": url}).decode()
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Set `stop` when whoever started us closes our stdin or dies. A thread, because stdin may be a file."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
