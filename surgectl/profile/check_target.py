"""Does the target file hang together: one way to ask a thing, links that lead somewhere, books that can be read?

What a step's rules and templates mean is checked where they are compiled (surgectl/journey), before anything is sent.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import msgspec

from surgectl.errors import did_you_mean
from surgectl.profile.link import Link, LinkTls
from surgectl.profile.login import Ask
from surgectl.profile.node import Issue, Node, place_of
from surgectl.profile.source import COUNTED, Counter, File, Source, Totals
from surgectl.profile.step import Request, walk
from surgectl.profile.table import mistakes
from surgectl.profile.target import FanData, Target
from surgectl.recording.evidence_rows import KINDS

_METHODS = ("get", "post", "put", "patch", "delete", "head")
_BODIES = ("json", "form", "graphql", "body")
_READERS = ("http", "sql", "stripe", "csv", "jsonl", "same")
_COUNTER_READERS = ("http", "sql", "csv", "jsonl", "same")
_STATES: dict[str, tuple[str, ...]] = {
    "orders": ("valid", "pending", "void"),
    "tickets": ("valid", "pending", "void"),
    "holds": ("active", "used", "released", "expired"),
    "charges": ("succeeded", "processing", "failed", "authorised", "secured", "voided"),
    "refunds": ("succeeded", "pending", "failed"),
}

_NAME = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_.-]*[0-9A-Za-z_])?|[0-9A-Fa-f:]+")
"""A host as a certificate names it: no scheme, no port, no blank."""
SECRET = re.compile(r"pass|secret|token|authori[sz]ation|api.?key|credential", re.IGNORECASE)

_MOST_SOURCES = 4_096
COLUMN = re.compile(r"[^\W\d][\w-]*")
"""A name that can stand in `{account.…}`."""

Wrong = Callable[..., None]


def evidence_kinds() -> tuple[str, ...]:
    """The kinds of rows that a target may give (`sources` are our own notes on the reading)."""
    return tuple(kind for kind in KINDS if kind != "sources")


def columns_of(kind: str) -> tuple[str, ...]:
    """The columns that a mapping of this kind may name: money without `_minor`, instants without `_s`."""
    ours = {"source", "line", "place", "keys", "at_s", "snapshot"}
    names = [field.name for field in msgspec.structs.fields(KINDS[kind]) if field.name not in ours]
    return ("at", *(name.removesuffix("_minor").removesuffix("_s") for name in names))


def check(target: Target, tree: Node) -> list[Issue]:
    """Everything that is wrong with a target by itself, short of compiling it."""
    issues: list[Issue] = []

    def wrong(path: str, what: str, hint: str | None = None) -> None:
        issues.append(Issue(place_of(tree, path), path, what, hint))

    _url("base_url", target.base_url, wrong)
    for name, url in target.origins.items():
        _url(f"origins.{name}", url, wrong)
    _bind(target.bind, wrong)
    if not target.journey:
        wrong("journey", "has no steps")
    _steps(target, wrong)
    for name, probe in target.probes.items():
        _request(f"probes.{name}", probe, wrong, needed=True)
    for name, link in target.links.items():
        _link(f"links.{name}", link, wrong)
    if target.fans_from is not None:
        _fan_data("fans_from", target.fans_from, wrong)
    for name, login in target.logins.items():
        for number, step in enumerate(login.steps):
            _ask(f"logins.{name}.steps[{number}]", step, target, wrong)
    if target.promises.payment_tries < 1:
        wrong("promises.payment_tries", f"{target.promises.payment_tries} tries", "1 or more")
    for kind, source in target.evidence.items():
        _source(f"evidence.{kind}", kind, source, target, wrong)
    for name, totals in target.totals.items():
        _totals(f"totals.{name}", totals, target, wrong)
    return issues


def written_secrets(target: Target) -> Iterator[str]:
    """What stands in the evidence of a file and should stand nowhere else: keys, passwords, the address of a database.

    `${NAME}` is the better place for them; who writes them down all the same does not find them in the recording.
    """
    for secret in _written_secrets(target):
        if "${" not in secret:  # not set yet
            yield secret


def _written_secrets(target: Target) -> Iterator[str]:
    for login in target.logins.values():
        for step in login.steps:
            yield from _asked_secrets(step)
    for source in target.evidence.values():
        if source.stripe is not None:
            yield source.stripe.secret
        parts: list[Source | Counter] = [source, *source.counters.values()]
        for part in parts:
            if part.sql is not None:
                yield part.sql.dsn
            asked: list[Ask] = [*(part.http.login or [])] if part.http and not isinstance(part.http.login, str) else []
            asked += [part.http] if part.http else []
            asked += [step for file in (part.csv, part.jsonl) if file is not None for step in file.export]
            for ask in asked:
                yield from _asked_secrets(ask)


def _asked_secrets(ask: Ask) -> Iterator[str]:
    for fields in (ask.headers, ask.form, ask.json, ask.with_, ask.graphql.variables if ask.graphql else None):
        yield from _secrets_in(fields)


def _secrets_in(fields: object) -> Iterator[str]:
    if isinstance(fields, dict):
        for name, value in fields.items():
            if isinstance(value, str) and SECRET.search(str(name)) and "{" not in value:
                yield value
            else:
                yield from _secrets_in(value)


def _url(path: str, url: str, wrong: Wrong) -> None:
    if "${" in url:
        return  # not set yet: the stage or --set will, and then it is looked at again
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine:
        wrong(path, "is not a URL of http or https", "try http://127.0.0.1:8080")


def _steps(target: Target, wrong: Wrong) -> None:
    flows = [("journey", target.journey), *((f"flows.{name}", steps) for name, steps in target.flows.items())]
    for flow, steps in flows:
        seen: set[str] = set()
        for path, step in walk(steps, flow):
            if step.step in seen:
                wrong(f"{path}.step", f'two steps are called "{step.step}"')
            seen.add(step.step)
            _request(
                path, step, wrong, needed=not (step.repeat or step.barrier or step.poll or step.await_ or step.call)
            )
            if step.origin is not None and step.origin not in target.origins:
                hint = did_you_mean(step.origin, target.origins) or "name it under origins:"
                wrong(f"{path}.origin", f'no such origin: "{step.origin}"', hint)


def _request(path: str, request: Request, wrong: Wrong, *, needed: bool) -> None:
    methods = [method for method in _METHODS if getattr(request, method) is not None]
    if len(methods) > 1:
        wrong(f"{path}.{methods[1]}", f"asks twice: {' and '.join(methods)}", "one of them")
    elif not methods and needed:
        wrong(path, "asks nothing", f"one of {', '.join(_METHODS)}")
    bodies = [body for body in _BODIES if getattr(request, body) not in (None, msgspec.UNSET)]
    if len(bodies) > 1:
        wrong(f"{path}.{bodies[1]}", f"has two bodies: {' and '.join(bodies)}", "one of them")


def _bind(sources: list[str], wrong: Wrong) -> None:
    seen: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for number, source in enumerate(sources):
        if "${" in source:
            continue
        try:
            network = ipaddress.ip_network(source, strict=False)
        except ValueError:
            wrong(f"bind[{number}]", f'"{source}" is not an IP address', "one that this machine has: 127.0.0.2")
            continue
        if str(network) != source and "/" in source:
            wrong(f"bind[{number}]", f"{source} begins in the middle of {network}", f"write {network}")
        elif network.num_addresses > _MOST_SOURCES:
            said = f"{source} has {network.num_addresses:,} addresses, at most {_MOST_SOURCES:,} are taken"
            wrong(f"bind[{number}]", said, "127.1.0.0/24 has 256")
        elif network.network_address.is_unspecified or network.is_multicast:
            wrong(f"bind[{number}]", f"{source} is no address of a machine", "one that this machine has: 127.0.0.2")
        elif any(one.version == network.version and one.overlaps(network) for one in seen):
            wrong(f"bind[{number}]", f"{source} stands there twice")
        seen.append(network)


def _link(path: str, link: Link, wrong: Wrong) -> None:
    if (link.upstream is None) == (link.proxy is None):
        wrong(path, "needs upstream (we make a proxy) or proxy (one that is there)", 'upstream: "127.0.0.1:5432"')
    for name in ("upstream", "listen"):
        address: str | None = getattr(link, name)
        if not address or "${" in address:
            continue  # an empty upstream: this stage has no such dependency
        host, colon, port = address.rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
            wrong(f"{path}.{name}", f'"{address}" is not host:port', "try 127.0.0.1:9100")
    if link.tls is not None:
        _link_tls(f"{path}.tls", link, link.tls, wrong)


def _link_tls(path: str, link: Link, tls: LinkTls, wrong: Wrong) -> None:
    if link.speaks == "postgres":
        wrong(path, "PostgreSQL begins TLS by itself, after the question that its canary asks", "leave tls out")
    name = tls.server_name
    if name is not None and "${" not in name and not _NAME.fullmatch(name):
        wrong(f"{path}.server_name", f'"{name}" is not the name of a host', "try api.stripe.com")


def _fan_data(path: str, data: FanData, wrong: Wrong) -> None:
    """What can be said of it before its file is read (cli/accounts.py)."""
    if not data.csv.strip():
        wrong(f"{path}.csv", "names no file", "csv: accounts.csv")
    for name, what, hint in mistakes(data):
        wrong(f"{path}.{name}", what, hint)
    for name in data.row:
        if not COLUMN.fullmatch(name):
            wrong(f"{path}.row.{name}", "is no name for a variable", "letters, digits, _ and -: first_name")
    for number, name in enumerate(data.link):
        if name in data.secret or SECRET.search(name):
            wrong(f"{path}.link[{number}]", f"{name} is a secret: it is not recorded, so nothing can link by it")
    if data.link and data.reuse:
        what = "where rows go round an account is several fans', and links nothing to one of them"
        wrong(f"{path}.link", what, "leave out link, or reuse")


def _totals(path: str, totals: Totals, target: Target, wrong: Wrong) -> None:
    if totals.http.get is None or totals.http.post is not None:
        wrong(f"{path}.http", "totals are asked for by a get", "get:")
    if totals.http.origin is not None and totals.http.origin not in target.origins:
        hint = did_you_mean(totals.http.origin, target.origins) or "name it under origins:"
        wrong(f"{path}.http.origin", f'no such origin: "{totals.http.origin}"', hint)
    for name in totals.row:
        if name not in COUNTED:
            wrong(f"{path}.row.{name}", "nobody counts that", did_you_mean(name, COUNTED) or ", ".join(COUNTED))
    if not totals.row:
        wrong(path, "counts nothing", f"row: with some of {', '.join(COUNTED)}")


def _reader(path: str, source: Source | Counter, readers: tuple[str, ...], target: Target, wrong: Wrong) -> None:
    """One way of reading, and each of its questions asked once."""
    ways = [name for name in readers if getattr(source, name) is not None]
    if len(ways) != 1:
        what = f"is read in {len(ways)} ways: {' and '.join(ways)}" if ways else "is read from nowhere"
        wrong(path, what, f"one of {', '.join(readers)}")
    if source.same is not None and source.same not in target.evidence:
        wrong(f"{path}.same", f'there is no other evidence "{source.same}"', did_you_mean(source.same, target.evidence))
    http = source.http
    if http is not None:
        _ask(f"{path}.http", http, target, wrong)
        if isinstance(http.login, str):
            logins = [
                kind for kind, other in target.evidence.items() if other.http and isinstance(other.http.login, list)
            ]
            if http.login not in logins:
                hint = did_you_mean(http.login, logins) or "a kind of evidence that has one"
                wrong(f"{path}.http.login", f'"{http.login}" has no login', hint)
        elif http.login is not None:
            if not http.login:
                wrong(f"{path}.http.login", "has no steps")
            for number, step in enumerate(http.login):
                _ask(f"{path}.http.login[{number}]", step, target, wrong)
    for name in ("csv", "jsonl"):
        file: File | None = getattr(source, name)
        if file is not None:
            if (file.file is None) == (not file.export):
                wrong(f"{path}.{name}", "is no file, or two", "file: or export:")
            for number, made in enumerate(file.export):
                _ask(f"{path}.{name}.export[{number}]", made, target, wrong)


def _ask(path: str, ask: Ask, target: Target, wrong: Wrong) -> None:
    if (ask.get is None) == (ask.post is None):
        wrong(path, "asks nothing, or twice", "get: or post:")
    bodies = [name for name in ("json", "form", "graphql") if getattr(ask, name) not in (None, msgspec.UNSET)]
    if len(bodies) > 1:
        wrong(f"{path}.{bodies[1]}", f"has two bodies: {' and '.join(bodies)}", "one of them")
    elif bodies and ask.get is not None:
        wrong(f"{path}.{bodies[0]}", "a GET has no body", "post:")
    if ask.origin is not None and ask.origin not in target.origins:
        hint = did_you_mean(ask.origin, target.origins) or "name it under origins:"
        wrong(f"{path}.origin", f'no such origin: "{ask.origin}"', hint)


def _source(path: str, kind: str, source: Source, target: Target, wrong: Wrong) -> None:
    kinds = evidence_kinds()
    if kind not in kinds:
        wrong(path, "no such kind of evidence", did_you_mean(kind, kinds) or f"one of {', '.join(kinds)}")
        return
    _reader(path, source, _READERS, target, wrong)
    if source.same == kind:
        wrong(f"{path}.same", "reads itself")
    if source.stripe is not None and kind not in ("charges", "refunds"):
        wrong(f"{path}.stripe", f"a payment provider has no {kind}")
    columns = columns_of(kind)
    for column in source.row:
        if column not in columns:
            hint = did_you_mean(column, columns) or f"{kind} have {', '.join(columns)}"
            wrong(f"{path}.row.{column}", "no such column", hint)
    states = _STATES.get(kind, ())
    for name, counter in source.counters.items():
        at = f"{path}.counters.{name}"
        _reader(at, counter, _COUNTER_READERS, target, wrong)
        for number, state in enumerate(counter.states):
            if state not in states:
                hint = did_you_mean(state, states) or (f"one of {', '.join(states)}" if states else f"{kind} have none")
                wrong(f"{at}.states[{number}]", f'{kind} are never "{state}"', hint)
    for state in source.states:
        if state not in states:
            hint = did_you_mean(state, states) or (f"one of {', '.join(states)}" if states else f"{kind} have none")
            wrong(f"{path}.states.{state}", "no such state", hint)
    seen: dict[str, str] = {}
    for state, words in source.states.items():
        for word in words:
            if word in seen:
                wrong(f"{path}.states.{state}", f'"{word}" cannot be {seen[word]} and {state}')
            seen[word] = state
