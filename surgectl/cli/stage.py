"""`surgectl stage`: the demo shop, the payment provider and the proxy, one by one or all at once."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The embedded stage: a shop, a payment provider and a proxy.")

Listen = Annotated[str, typer.Option(help="HOST:PORT; port 0 takes any free one.")]
UntilStdinCloses = Annotated[
    bool, typer.Option("--until-stdin-closes", help="End when standard input ends.", hidden=True)
]


@app.command()
def up(
    profile: Annotated[str, typer.Argument(help="Whose sale, promises and stage settings to put up.")] = "ticket-drop",
    port: Annotated[int, typer.Option(help="Of the shop; provider, link and control port take the next three.")] = 9000,
    toxiproxy: Annotated[str | None, typer.Option(help="URL of a running Toxiproxy; none = one is started.")] = None,
    data: Annotated[str | None, typer.Option(help="Folder of the books; none = a new one that is forgotten.")] = None,
    defect: Annotated[str | None, typer.Option(help="Be wrong in a named way (docs/stage.md).")] = None,
) -> None:
    """All of it at once, until Ctrl-C: provider, proxied link and shop, and the line that rehearses against them."""
    from surgectl.cli.stage_up import stage_up

    stage_up(profile, port, toxiproxy, data, defect)


@app.command()
def proxy(
    listen: Listen = "127.0.0.1:8474",
    seed: Annotated[int | None, typer.Option(help="Makes every draw of chance repeatable.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Toxiproxy 2.12's own behaviour, bugs included.")] = False,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """The embedded proxy: Toxiproxy's API and toxics."""
    from surgectl.cli.stage_proxy import serve_proxy

    serve_proxy(listen, seed, strict, until_stdin_closes)


@app.command()
def payments(
    listen: Listen = "127.0.0.1:9100",
    control: Annotated[
        str, typer.Option(help="HOST:PORT of the ledger and the faults, never proxied.")
    ] = "127.0.0.1:9199",
    rate: Annotated[float, typer.Option(help="Operations a second before it queues; 0 = no limit.")] = 0.0,
    concurrency: Annotated[int, typer.Option(help="Requests at once before it queues; 0 = no limit.")] = 0,
    latency: Annotated[str, typer.Option(help="How long one operation takes.")] = "20ms",
    seed: int = 0,
    data: Annotated[str | None, typer.Option(help="Folder of the ledger; none = forgets at exit.")] = None,
    defect: Annotated[str | None, typer.Option(help="Be wrong in a named way.")] = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """The payment provider: Stripe-shaped, with an honest ledger."""
    from surgectl.cli.stage_payments import serve_payments

    serve_payments(listen, control, rate, concurrency, latency, seed, data, defect, until_stdin_closes)


@app.command()
def shop(
    payments_url: Annotated[str, typer.Option(help="Where the payment provider answers.")],
    data: Annotated[str, typer.Option(help="Folder of the books; a restart goes on with the same sale.")],
    listen: Listen = "127.0.0.1:9000",
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
    defect: Annotated[str | None, typer.Option(help="Be wrong in a named way (docs/stage.md).")] = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """The box office: sells tickets over HTTP from a real database."""
    from surgectl.cli.stage_shop import serve_shop

    serve_shop(
        payments_url=payments_url,
        data=data,
        listen=listen,
        secret=secret,
        sku=sku,
        capacity=capacity,
        price=price,
        limit=limit,
        admission_per_s=admission_per_s,
        inside=inside,
        hold_ttl=hold_ttl,
        payment_timeout=payment_timeout,
        payment_tries=payment_tries,
        payment_workers=payment_workers,
        payment_queue=payment_queue,
        reconcile_every=reconcile_every,
        payment_deadline=payment_deadline,
        late_refunds=late_refunds,
        seed=seed,
        defect=defect,
        until_stdin_closes=until_stdin_closes,
    )
