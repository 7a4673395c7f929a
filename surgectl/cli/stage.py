"""`surgectl stage`: the demo shop, the payment provider and the proxy, one by one or all at once."""

from __future__ import annotations

from typing import Annotated

import typer

from surgectl.cli.flagged import flagged
from surgectl.stage.boxoffice.options import Options as ShopOptions
from surgectl.stage.flags import Said
from surgectl.stage.identity.options import Options as IdentityOptions
from surgectl.stage.payments.options import Options as PaymentOptions

app = typer.Typer(no_args_is_help=True, help="The embedded stage: a shop, a payment provider and a proxy.")

Listen = Annotated[str, typer.Option(help="HOST:PORT; port 0 takes any free one.")]
UntilStdinCloses = Annotated[
    bool, typer.Option("--until-stdin-closes", help="End when standard input ends.", hidden=True)
]


@app.command()
def up(
    profile: Annotated[str, typer.Argument(help="Whose sale, promises and stage settings to put up.")] = "ticket-drop",
    port: Annotated[int, typer.Option(help="Of the shop; provider, links and the rest take the next seven.")] = 9000,
    toxiproxy: Annotated[str | None, typer.Option(help="URL of a running Toxiproxy; none = one is started.")] = None,
    data: Annotated[str | None, typer.Option(help="Folder of the books; none = a new one that is forgotten.")] = None,
    defect: Annotated[str | None, typer.Option(help="Be wrong in a named way (docs/stage.md).")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="stage.workers=2 for the profile, NAME=VALUE for the target.")
    ] = None,
) -> None:
    """All of it at once, until Ctrl-C: provider, proxied links and shop, and the line that rehearses against them."""
    from surgectl.cli.stage_up import stage_up

    stage_up(profile, port, toxiproxy, data, defect, set_ or [])


PartName = Annotated[str, typer.Argument(help="shop, payments, identity, worker-1 …", metavar="PART")]
StageAddress = Annotated[
    str | None, typer.Option("--stage", help="The stage's address, as `stage up` prints it; none = the only one.")
]


@app.command()
def kill(part: PartName, stage: StageAddress = None) -> None:
    """End a part of a stage at once, as a power cut would (SIGKILL)."""
    from surgectl.cli.stage_door import at_stage_door

    at_stage_door("kill", part, stage)


@app.command()
def restart(part: PartName, stage: StageAddress = None) -> None:
    """Start a part of a stage again, with the words it was started with; one that still runs is killed first."""
    from surgectl.cli.stage_door import at_stage_door

    at_stage_door("restart", part, stage)


@app.command()
def lost(part: PartName, stage: StageAddress = None) -> None:
    """Exit 0 where a part of a stage is not running, else 1: a check for a fault that kills it."""
    from surgectl.cli.stage_door import at_stage_door

    at_stage_door("lost", part, stage)


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


def _payments(said: dict[str, Said | None], until_stdin_closes: bool) -> None:
    from surgectl.cli.stage_payments import serve_payments

    serve_payments(said, until_stdin_closes)


def _shop(said: dict[str, Said | None], until_stdin_closes: bool) -> None:
    from surgectl.cli.stage_shop import serve_shop

    serve_shop(said, until_stdin_closes)


def _identity(said: dict[str, Said | None], until_stdin_closes: bool) -> None:
    from surgectl.cli.stage_identity import serve_identity

    serve_identity(said, until_stdin_closes)


def _worker(said: dict[str, Said | None], until_stdin_closes: bool) -> None:
    from surgectl.cli.stage_worker import serve_worker

    serve_worker(said, until_stdin_closes)


app.command("payments")(
    flagged(
        PaymentOptions,
        _payments,
        about="The payment provider: Stripe-shaped, with an honest ledger.",
        defaults={"listen": "127.0.0.1:9100", "control": "127.0.0.1:9199", "latency": "20ms"},
    )
)
app.command("shop")(
    flagged(
        ShopOptions,
        _shop,
        about="The box office: sells tickets over HTTP from a real database.",
        defaults={"listen": "127.0.0.1:9000"},
    )
)
app.command("identity")(
    flagged(
        IdentityOptions,
        _identity,
        about="The identity check: a second house that the box office may ask before it takes money.",
        defaults={"listen": "127.0.0.1:9200", "latency": "20ms"},
    )
)
app.command("worker")(
    flagged(
        ShopOptions,
        _worker,
        about="A till of the box office in a process of its own, on the same books (the shop: --payment-workers 0).",
    )
)
