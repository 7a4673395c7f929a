"""One source of a target, made ready: whatever can be wrong with it without asking anybody has been said."""

from __future__ import annotations

import msgspec

from surgectl.errors import UsageError
from surgectl.evidence import stripe
from surgectl.evidence.asking import Homes
from surgectl.evidence.csv import check_csv
from surgectl.evidence.http import HttpList, compile_list
from surgectl.evidence.visit import Step, compile_steps
from surgectl.journey.template import compile_text, compile_value
from surgectl.profile.source import Counter, Csv, ExportStep, File, Source, Sql, Stripe

Origin = Source | Counter


class CompiledSource(msgspec.Struct, frozen=True, kw_only=True):
    """One of `list`, `sql`, `stripe`, `csv` and `jsonl` is there."""

    called: str
    """The kind, or `orders.shown` for a counter."""
    kind: str
    where: str
    place: str
    """Where it is read, in the target's words: never an address, a dsn or a secret."""
    list: HttpList | None = None
    login: tuple[Step, ...] = ()
    login_of: str | None = None
    """The source whose login is this one's, too."""
    sql: Sql | None = None
    stripe: Stripe | None = None
    with_intents: bool = False
    csv: Csv | None = None
    jsonl: File | None = None
    export: tuple[Step, ...] = ()


def compile_source(called: str, kind: str, origin: Origin, homes: Homes, where: str) -> CompiledSource:
    """A source as closures. Raises UsageError where it cannot be meant."""
    if origin.http is not None:
        http, at = origin.http, f"{where}.http"
        login = compile_steps(http.login, homes, f"{at}.login") if isinstance(http.login, list) else ()
        return CompiledSource(
            called=called,
            kind=kind,
            where=where,
            place=f"http {http.get or http.post}".partition("?")[0],
            list=compile_list(http, homes, at),
            login=login,
            login_of=http.login if isinstance(http.login, str) else None,
        )
    if origin.sql is not None:
        for name, value in origin.sql.params.items():
            compile_value(value, f"{where}.sql.params.{name}")
        return CompiledSource(called=called, kind=kind, where=where, place="sql", sql=origin.sql)
    for form in ("csv", "jsonl"):
        file: File | None = getattr(origin, form)
        if file is not None:
            return _file(called, kind, form, file, homes, where)
    if isinstance(origin, Source) and origin.stripe is not None:
        return CompiledSource(
            called=called,
            kind=kind,
            where=where,
            place=f"stripe /v1/{kind}",
            stripe=origin.stripe,
            with_intents=stripe.wants_intents(origin),
        )
    raise UsageError("is read from nowhere", where=where, hint="one of http, sql, stripe, csv, jsonl, same")


def _file(called: str, kind: str, form: str, file: File, homes: Homes, where: str) -> CompiledSource:
    at = f"{where}.{form}"
    if (file.file is None) == (not file.export):
        raise UsageError("is no file, or two", where=at, hint="file: or export:")
    if isinstance(file, Csv):
        check_csv(file, at)
    if file.file is not None:
        compile_text(file.file, f"{at}.file")
    last = file.export[-1] if file.export else None
    return CompiledSource(
        called=called,
        kind=kind,
        where=at,
        place=f"{form} {file.file}" if file.file is not None else f"{form} export {_asked(last)}",
        csv=file if isinstance(file, Csv) else None,
        jsonl=None if isinstance(file, Csv) else file,
        export=compile_steps(file.export, homes, f"{at}.export"),
    )


def _asked(step: ExportStep | None) -> str:
    return ((step.get or step.post or "") if step else "").partition("?")[0]
