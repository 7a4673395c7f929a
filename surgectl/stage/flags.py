"""A part's constants as words on a command line: said once, in the struct, and read from there by whoever starts it."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.units import parse_duration_ns, parse_money, show_duration, show_money

S = TypeVar("S", bound=msgspec.Struct)
Said = str | int | float | bool
Kind = Literal["text", "whole", "number", "switch", "duration", "money"]
_KINDS: dict[type, Kind] = {str: "text", Path: "text", int: "whole", float: "number", bool: "switch"}


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """One constant that may be said from outside.

    `name` is how it is said in a file (`hold_ttl`), `--hold-ttl` on a command line; durations and money are text.
    """

    name: str
    field: str
    kind: Kind
    default: Said | None
    """None: nothing is said by default."""
    required: bool = False
    help: str = ""
    hidden: bool = False
    currency: str | None = None
    """The field that a money's currency goes to."""
    env: str | None = None
    """The environment variable that says it too: a password must not stand on a command line, for all to read."""

    @property
    def option(self) -> str:
        return f"--{self.name.replace('_', '-')}"


def flags(options: type[msgspec.Struct]) -> dict[str, Flag]:
    """The flags of a struct, by name and in its order.

    A field's Meta gives the help text (`description`); its `extra` may say another name (`flag`), no flag at all
    (`flag: None`), `hidden`, the environment variable that says it too (`env`), or the field of a money's `currency`. A
    field in `_ns` is a duration.
    """
    found: dict[str, Flag] = {}
    hints = typing.get_type_hints(options, include_extras=True)
    for info in msgspec.structs.fields(options):
        about, type_ = _meta(hints[info.name])
        extra = about.extra or {}
        name = extra.get("flag", info.name.removesuffix("_ns"))
        if name is None:
            continue
        default = None if info.default is msgspec.NODEFAULT else info.default
        currency = extra.get("currency")
        kind: Kind = "money" if currency else "duration" if info.name.endswith("_ns") else _KINDS[type_]
        if kind == "duration" and default is not None:
            default = show_duration(default)
        if currency is not None and default is not None:
            default = show_money(default, _default(options, currency))
        found[name] = Flag(
            name=name,
            field=info.name,
            kind=kind,
            default=default,
            required=info.default is msgspec.NODEFAULT,
            help=about.description or "",
            hidden=bool(extra.get("hidden")),
            currency=currency,
            env=extra.get("env"),
        )
    return found


def options_from(options: type[S], said: Mapping[str, Said | None], **rest: Any) -> S:
    """The struct that these words mean; `rest` are fields that no flag sets. UsageError names the flag."""
    fields: dict[str, Any] = {}
    known = flags(options)
    for name, value in said.items():
        flag = known.get(name)
        if flag is None:
            raise UsageError(f"{name}: no such option", hint=did_you_mean(name, known))
        if value is None:
            continue
        try:
            if flag.kind == "duration":
                fields[flag.field] = parse_duration_ns(str(value))
            elif flag.currency is not None:
                fields[flag.field], fields[flag.currency] = parse_money(str(value))
            else:
                fields[flag.field] = value
        except ValueError as error:
            raise UsageError(str(error), where=flag.option) from error
    hints = typing.get_type_hints(options)
    for name, value in fields.items():
        if isinstance(value, str) and hints[name] in (Path, Path | None):
            fields[name] = Path(value)
    return options(**fields, **rest)


def checked(options: type[msgspec.Struct], name: str, value: object) -> Said:
    """A value as it stands in a file, fit for the flag `name`. ValueError says what it must be instead."""
    flag = flags(options)[name]
    if flag.kind == "duration":
        parse_duration_ns(str(value))
        return str(value)
    if flag.kind == "money":
        parse_money(str(value))
        return str(value)
    wanted: dict[str, Any] = {"text": str, "whole": int, "number": float, "switch": bool}
    return msgspec.convert(value, wanted[flag.kind], strict=False)  # type: ignore[no-any-return]


def words(options: type[msgspec.Struct], said: Mapping[str, Said | None]) -> list[str]:
    """The same as words of a command line; what is None is left out, and what `environment` says instead."""
    known = flags(options)
    found: list[str] = []
    for name, value in said.items():
        if value is None or value is False or known[name].env is not None:
            continue
        found += [known[name].option] if value is True else [known[name].option, str(value)]
    return found


def environment(options: type[msgspec.Struct], said: Mapping[str, Said | None]) -> dict[str, str]:
    """The variables that say the rest; those of the part that are not said are empty, so that none is inherited."""
    return {flag.env: str(said.get(name) or "") for name, flag in flags(options).items() if flag.env is not None}


def _default(options: type[msgspec.Struct], field: str) -> str:
    return str(next(info.default for info in msgspec.structs.fields(options) if info.name == field))


def _meta(hint: Any) -> tuple[msgspec.Meta, type]:
    about = msgspec.Meta()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        about = next((note for note in notes if isinstance(note, msgspec.Meta)), about)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    return about, hint if inspect.isclass(hint) else str
