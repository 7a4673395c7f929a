"""Makes a command out of a struct: every constant of a part of the stage is a flag, and said in one place only."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import typer

from surgectl.stage.flags import Flag, Said, flags

_TYPES: dict[str, type] = {"text": str, "whole": int, "number": float, "switch": bool, "duration": str, "money": str}


def flagged(
    options: type[msgspec.Struct],
    run: Callable[[dict[str, Said | None], bool], None],
    *,
    about: str,
    defaults: Mapping[str, Said] | None = None,
) -> Callable[..., None]:
    """A typer command with a flag for each constant of `options`, and the hidden `--until-stdin-closes`.

    `run` gets what was said, by flag name, and whether the part should end with its standard input.
    """
    parameters = [_parameter(flag, (defaults or {}).get(flag.name, flag.default)) for flag in flags(options).values()]
    ends = typer.Option("--until-stdin-closes", help="End when standard input ends.", hidden=True)
    parameters.append(_keyword("until_stdin_closes", Annotated[bool, ends], False))

    def command(**said: Any) -> None:
        until_stdin_closes = said.pop("until_stdin_closes")
        run(said, until_stdin_closes)

    command.__signature__ = inspect.Signature(sorted(parameters, key=_optional))  # type: ignore[attr-defined]
    command.__doc__ = about
    return command


def _parameter(flag: Flag, default: Said | None) -> inspect.Parameter:
    option = typer.Option(flag.option, help=flag.help, hidden=flag.hidden, envvar=flag.env)
    type_: Any = _TYPES[flag.kind]
    if flag.required and default is None:
        return _keyword(flag.name, Annotated[type_, option], inspect.Parameter.empty)
    if default is None:
        type_ = type_ | None
    return _keyword(flag.name, Annotated[type_, option], default)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _optional(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty
