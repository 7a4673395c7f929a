"""Read a list of rows over HTTP, page by page, and notice when it is not the whole list.

A page that comes twice, a count that does not match, an answer that fails in the middle: each leaves the rows read so
far and a reason. JSON, GraphQL and NDJSON bodies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import aiohttp
import msgspec

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.evidence.ask import Answer, Question, ask
from surgectl.evidence.look import Look, compile_path
from surgectl.evidence.paging import Page, Paging, Turn, compile_paging, count
from surgectl.evidence.reading import MOST_PAGES, MOST_ROWS, Patience, Raw, ReadError, Reading
from surgectl.journey.template import UnsetError, blanks, compile_text, compile_value
from surgectl.profile.target import Http

# 84.00 stays 84.00: the way an amount is written tells minor from major units.
_json = msgspec.json.Decoder(float_hook=Decimal)


class HttpList(msgspec.Struct, frozen=True, kw_only=True):
    """One list, ready to be read."""

    build: Callable[[Turn], Question]
    paging: Paging
    rows_at: Look | None
    count_at: Look | None
    source: Http


def compile_list(source: Http, base_url: str, variables: Mapping[str, Any], where: str) -> HttpList:
    """A source as closures. Raises UsageError where it cannot be meant."""
    paging = compile_paging(source, where)
    return HttpList(
        build=compile_question(source, base_url, variables, where),
        paging=paging,
        rows_at=compile_path(source.rows, f"{where}.rows") if source.rows is not None else None,
        count_at=compile_path(source.count, f"{where}.count") if source.count is not None else paging.total,
        source=source,
    )


async def read_list(wanted: HttpList, http: aiohttp.ClientSession, patience: Patience, clock: Clock) -> Reading:
    """All rows of the list, or those before it broke, with the reason."""
    rows: list[Raw] = []
    declared: int | None = None
    asked: set[str] = set()
    seen: set[bytes] = set()
    turn: Turn | None = wanted.paging.first
    try:
        for _ in range(MOST_PAGES):
            if turn is None:
                break
            question = wanted.build(turn)
            if question.url in asked and turn.url is not None:
                raise ReadError("the next page is one that was read before")
            asked.add(question.url)
            document = _document(await ask(http, question, patience, clock), question)
            found = _rows(document, wanted.rows_at, wanted.source)
            if found:
                digest = hashlib.blake2b(repr(found).encode(errors="replace"), digest_size=16).digest()
                if digest in seen:
                    raise ReadError(f"page {len(seen) + 1} repeats an earlier page")
                seen.add(digest)
            rows.extend(found)
            if len(rows) > MOST_ROWS:
                raise ReadError(f"more than {MOST_ROWS} rows")
            declared = count(wanted.count_at, document)
            turn = wanted.paging.following(Page(document, found, len(rows)))
        else:
            raise ReadError(f"more than {MOST_PAGES} pages")
    except ReadError as error:
        return Reading(rows=rows, declared=declared, problem=f"{error} (after {len(rows)} rows)")
    problem = f"read {len(rows)} rows where {declared} are declared" if declared not in (None, len(rows)) else ""
    return Reading(rows=rows, declared=declared, problem=problem)


def compile_question(
    source: Http, base_url: str, variables: Mapping[str, Any], where: str
) -> Callable[[Turn], Question]:
    """A turn → the request for that page.

    Where the request names a paging variable (`{offset}`), it is filled in there; else it is added where such requests
    carry it: a GraphQL variable, a key of a JSON body, a query parameter.
    """
    method, path = ("POST", source.post) if source.post is not None else ("GET", source.get)
    if path is None:
        raise UsageError("asks nothing", where=where, hint="get: or post:")
    graphql = source.graphql
    body = {"query": graphql.query, "variables": graphql.variables} if graphql else source.json
    has_body = body is not msgspec.UNSET
    parts = msgspec.to_builtins([path, source.headers, graphql.variables if graphql else (body if has_body else None)])
    named = set(blanks(msgspec.json.encode(parts).decode()))
    address = compile_text(path, where, quote=lambda text: quote(text, safe=""))
    headers = {name: compile_text(text, f"{where}.headers.{name}") for name, text in source.headers.items()}
    inner = compile_value(graphql.variables if graphql else body, where) if has_body else None

    def build(turn: Turn) -> Question:
        known = {**variables, **turn.variables}
        extra = {name: value for name, value in turn.variables.items() if name not in named and name != "cursor"}
        if "cursor" in named:
            extra = {name: value for name, value in extra.items() if value != turn.variables.get("cursor")}
            known.setdefault("cursor", "")
        try:
            url = urljoin(base_url.rstrip("/") + "/", address.render(known).lstrip("/"))
            sent = {name: text.render(known) for name, text in headers.items()}
            content = inner.render(known) if inner else None
        except UnsetError as error:
            raise ReadError(str(error), where=where) from error
        if turn.url is not None:
            url = follow(url, turn.url)
        elif graphql:
            content = {**content, **extra} if isinstance(content, dict) else extra
        elif isinstance(content, dict):
            content = {**content, **extra}
        elif extra:
            url = with_query(url, extra)
        if graphql:
            content = {"query": graphql.query, "variables": content}
        sent.setdefault("Accept", "application/json")
        if inner:
            sent.setdefault("Content-Type", "application/json")
        return Question(
            url=url, method=method, headers=sent, body=msgspec.json.encode(content) if has_body and inner else None
        )

    return build


def follow(url: str, link: str) -> str:
    """The next page's address, always on the host that was asked first.

    A shop behind a proxy writes links to its inner name, and a link must never carry our secret to another host.
    """
    joined = urlsplit(urljoin(url, link))
    first = urlsplit(url)
    return joined._replace(scheme=first.scheme, netloc=first.netloc, fragment="").geturl()


def with_query(url: str, extra: Mapping[str, Any]) -> str:
    """The address with these query parameters, in place of any of the same name."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in extra]
    return parts._replace(query=urlencode(kept + [(name, str(value)) for name, value in extra.items()])).geturl()


def _document(answer: Answer, question: Question) -> Any:
    """The body as data; lines of JSON (NDJSON) are a list."""
    lines = [line for line in answer.body.split(b"\n") if line.strip()]
    try:
        if "ndjson" in answer.content_type or "jsonl" in answer.content_type:
            return [_json.decode(line) for line in lines]
        return _json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReadError(f"the answer is no JSON: {error}", where=question.place) from error


def _rows(document: Any, rows_at: Look | None, source: Http) -> list[Raw]:
    if source.graphql and isinstance(document, dict) and document.get("errors"):
        errors = document["errors"]
        first = errors[0] if isinstance(errors, list) and errors else errors
        said = first.get("message", first) if isinstance(first, dict) else first
        raise ReadError(f"GraphQL: {str(said)[:200]}")
    found = rows_at(document) if rows_at else document
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        place = f"at {source.rows}" if source.rows else "in the answer"
        raise ReadError(f"there is no list of rows {place}")
    if not all(isinstance(row, dict) for row in found):
        raise ReadError("a row is not an object")
    return found
