"""Loads a verb when it is asked for: a process that sells tickets needs no audit, and nobody likes a slow prompt."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from surgectl.errors import UsageError, did_you_mean


class Lazily(TyperGroup):
    """A group whose verbs stand in `VERBS`: name → `module:attribute`, a function or a Typer of its own."""

    VERBS: ClassVar[dict[str, str]] = {
        "run": "surgectl.cli.run:run",
        "watch": "surgectl.cli.watch:watch",
        "plan": "surgectl.cli.plan:plan",
        "check": "surgectl.cli.check:check",
        "doctor": "surgectl.cli.doctor:doctor",
        "audit": "surgectl.cli.again:audit",
        "report": "surgectl.cli.again:report",
        "gate": "surgectl.cli.gate:gate",
        "compare": "surgectl.cli.compare:compare",
        "sql": "surgectl.cli.sql:sql",
        "trace": "surgectl.cli.trace:trace",
        "chaos": "surgectl.cli.chaos:app",
        "stage": "surgectl.cli.stage:app",
        "selftest": "surgectl.cli.selftest:selftest",
        "init": "surgectl.cli.init:init",
    }

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        where = self.VERBS.get(cmd_name)
        if where is None:
            hint = did_you_mean(cmd_name, self.VERBS) or f"there are {', '.join(self.VERBS)}"
            raise UsageError(f"{cmd_name}: no such verb", hint=hint)
        module, _, attribute = where.partition(":")
        return _command(getattr(import_module(module), attribute), cmd_name)


def _command(verb: Any, name: str) -> Any:
    if not isinstance(verb, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
        app.command(name)(verb)
        return typer.main.get_command(app)
    group = typer.main.get_group(verb)
    group.name = name
    return group
