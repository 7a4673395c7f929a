"""Say what each source of a target would do, before anybody is asked. Pure words: no address, no dsn, no secret."""

from __future__ import annotations

import re

from surgectl.evidence import stripe
from surgectl.evidence.books import sources
from surgectl.evidence.paging import shown
from surgectl.profile.login import Ask
from surgectl.profile.source import Counter, Csv, File, Http, Source, Sql, Stripe
from surgectl.profile.target import Target
from surgectl.units import show_duration

_LINKED = frozenset({"orders", "charges", "tickets", "holds"})


def described(target: Target) -> list[tuple[str, str]]:
    """Each kind, and each counter below its kind, with one sentence on how it is read."""
    lines: list[tuple[str, str]] = []
    for kind, source in sources(target).items():
        keys = source.key or (stripe.USUAL_KEYS if source.stripe else [])
        said = [_reads(kind, source)]
        if source.each:
            said.append(f"a row for each of {source.each.from_}")
        if source.where:
            said.append(f"where {source.where}")
        if source.latest:
            said.append(f"of several about one thing the last by {source.latest}")
        if keys and kind in _LINKED:
            said.append(f"linked by {', '.join(keys)}")
        if source.live:
            said.append(f"looked at every {show_duration(source.live)} during the run")
        lines.append((kind, "; ".join(said)))
        for name, counter in source.counters.items():
            what = f"the sum of {counter.sum} in " if counter.sum else ""
            states = f"{' or '.join(counter.states)} " if counter.states else ""
            said = [f"{counter.value} of {_reads(kind, counter)}", f"compared with {what}the {states}{kind}"]
            lines.append((f"{kind}.{name}", "; ".join(said)))
    return lines


def _reads(kind: str, source: Source | Counter) -> str:
    if source.same is not None:
        return f"the rows of {source.same}"
    if source.http is not None:
        return _http(source.http)
    if source.sql is not None:
        return _sql(source.sql)
    if source.csv is not None:
        return _file("CSV", source.csv)
    if source.jsonl is not None:
        return _file("JSON lines", source.jsonl)
    if isinstance(source, Source) and source.stripe is not None:
        return _stripe(kind, source.stripe, stripe.wants_intents(source))
    return "nowhere"


def _http(http: Http) -> str:
    said = [_asks(http)]
    if isinstance(http.login, str):
        said.append(f"with the login of {http.login}")
    elif http.login:
        said.append(f"after a login ({', '.join(_asks(step) for step in http.login)})")
    said.append(_pages(http))
    if http.count is not None:
        said.append(f"and {shown(http.count)} says how many")
    return ", ".join(said)


def _asks(ask: Ask) -> str:
    verb = "GraphQL" if ask.graphql else "GET" if ask.get is not None else "POST"
    at = f" at {ask.origin}" if ask.origin else ""
    return f"{verb} {(ask.get or ask.post or '').partition('?')[0]}{at}"


def _pages(http: Http) -> str:
    if http.next is not None:
        return f"page by page along {shown(http.next)}"
    if http.offset is not None:
        return f"{http.offset.limit} at a time by offset" + _until(http.offset.total)
    if http.skip is not None:
        return f"{http.skip.take} at a time by skip" + _until(http.skip.total)
    if http.page is not None:
        until = _until(http.page.total) if http.page.pages is None else f" up to page {shown(http.page.pages)}"
        return f"{http.page.per_page} at a time by page number" + until
    if http.cursor is not None:
        more = f" while {shown(http.cursor.more)}" if http.cursor.more is not None else ""
        return f"page by page after {shown(http.cursor.after)}{more}"
    return "in one answer"


def _until(total: object) -> str:
    return " until an empty page" if total is None else f" until {shown(total)}"  # type: ignore[arg-type]  # a Spot


def _sql(sql: Sql) -> str:
    dialect = re.match(r"[a-z]+", sql.dsn)
    named = f" with {', '.join(f':{name}' for name in sql.params)}" if sql.params else ""
    query = " ".join(sql.query.split())
    short = query if len(query) <= 60 else query[:59] + "…"
    return f"{dialect[0] if dialect else 'SQL'} in a read-only snapshot{named}: {short}"


def _file(form: str, file: File) -> str:
    known = f" ({file.encoding})" if isinstance(file, Csv) and file.encoding else ""
    if file.file is not None:
        return f"{form}{known} in the file {file.file}"
    waits = max((int(step.within) for step in file.export if step.get), default=0)  # only a GET is asked again
    return f"{form}{known} exported by {', '.join(map(_asks, file.export))}, ready within {show_duration(waits)} a step"


def _stripe(kind: str, source: Stripe, with_intents: bool) -> str:
    lists = f"/v1/{kind}" + (" and /v1/payment_intents" if with_intents else "")
    return f"{lists} of a Stripe-shaped provider, since the run's start"
