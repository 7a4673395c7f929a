"""`surgectl stage payments`: runs the pretend card company until it is told to stop."""

from __future__ import annotations

from collections.abc import Mapping

import uvloop

from surgectl.stage.flags import Said, options_from
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.server import serve


def serve_payments(said: Mapping[str, Said | None], until_stdin_closes: bool = False) -> None:
    """Run the provider to its end. `said`: the flags of its Options by name. UsageError on bad input."""
    uvloop.run(serve(options_from(Options, said), until_stdin_closes))
