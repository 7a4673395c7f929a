"""Read a list of rows over HTTP, page by page, and notice when it is not the whole list.

A page that comes twice, a count that does not match or that moves while we read, an answer that fails in the middle:
each leaves the rows read so far and a reason. JSON, GraphQL and NDJSON bodies.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import msgspec

from surgectl.evidence.ask import Answer, Denied, Question
from surgectl.evidence.asking import Build, Homes, compile_question, follow
from surgectl.evidence.look import Look, compile_path
from surgectl.evidence.paging import Page, Paging, Read, Turn, compile_paging, compile_spot, count, unasked
from surgectl.evidence.reading import MOST_PAGES, MOST_ROWS, Patience, Raw, ReadError, Reading, cut_at
from surgectl.evidence.visit import Visit
from surgectl.profile.source import Http

# 84.00 stays 84.00: the way an amount is written tells minor from major units.
_json = msgspec.json.Decoder(float_hook=Decimal)
# What GraphQL servers answer, under status 200, to somebody they do not know (Apollo's words, and Vendure's).
_STRANGER = frozenset({"UNAUTHENTICATED", "FORBIDDEN"})


class HttpList(msgspec.Struct, frozen=True, kw_only=True):
    """One list, ready to be read."""

    build: Build
    paging: Paging
    rows_at: Look | None
    count_at: Read | None
    source: Http


def compile_list(source: Http, homes: Homes, where: str) -> HttpList:
    """A source as closures. Raises UsageError where it cannot be meant."""
    paging = compile_paging(source, where)
    return HttpList(
        build=compile_question(source, homes, where),
        paging=paging,
        rows_at=compile_path(source.rows, f"{where}.rows") if source.rows is not None else None,
        count_at=compile_spot(source.count, f"{where}.count") if source.count is not None else paging.total,
        source=source,
    )


async def read_list(wanted: HttpList, visit: Visit, patience: Patience) -> Reading:
    """All rows of the list, or those before it broke, with the reason."""
    rows: list[Raw] = []
    declared: int | None = None
    moved = ""
    asked: set[str] = set()
    seen: set[bytes] = set()
    turn: Turn | None = wanted.paging.first
    url = ""
    try:
        held = await visit.enter(patience)
        for turned in range(1, MOST_PAGES + 1):
            if turn is None:
                break
            link = follow(url, turn.url) if turn.url is not None else None
            if link is not None and link in asked:
                raise ReadError("the next page is one that was read before")
            url = link or visit.question(wanted.build, turn.variables).url
            asked.add(url)
            try:
                page = await _page(wanted, turn, link, visit, patience)
            except Denied:
                if not visit.has_login:
                    raise
                held = await visit.enter_again(held, patience)
                try:
                    page = await _page(wanted, turn, link, visit, patience)
                except Denied as error:
                    raise ReadError(f"{error}, also after a new login") from error
            if page.rows:
                digest = hashlib.blake2b(repr(page.rows).encode(errors="replace"), digest_size=16).digest()
                if digest in seen:
                    raise ReadError(f"page {len(seen) + 1} repeats an earlier page")
                seen.add(digest)
            rows.extend(page.rows)
            if len(rows) > MOST_ROWS:
                raise ReadError(f"more than {MOST_ROWS} rows")
            page = msgspec.structs.replace(page, read=len(rows), turned=turned)
            before, declared = declared, count(wanted.count_at, page)
            if before is not None and declared != before and not moved:
                moved = (
                    f"the declared count moved from {before} to {declared} while its pages were read: let others' rows"
                    " be left out (`{since}` in the address, or the name of what is sold), or the oldest come first"
                )
            turn = wanted.paging.following(page)
        else:
            raise ReadError(f"more than {MOST_PAGES} pages")
    except ReadError as error:
        return Reading(rows=rows, declared=declared, problem=f"{error} (after {len(rows)} rows)")
    if declared is None:
        return Reading(rows=rows, cut_at=cut_at(len(rows)), problem=unasked(page))
    problem = f"read {len(rows)} rows where {declared} are declared" if declared != len(rows) else moved
    return Reading(rows=rows, declared=declared, problem=problem)


async def _page(wanted: HttpList, turn: Turn, link: str | None, visit: Visit, patience: Patience) -> Page:
    answer = await visit.ask(wanted.build, turn.variables, patience, link)
    document = _document(answer, visit.question(wanted.build, turn.variables))
    return Page(document, _rows(document, wanted.rows_at, wanted.source), 0, header=answer.header)


def _document(answer: Answer, question: Question) -> Any:
    """The body as data; lines of JSON (NDJSON) are a list."""
    try:
        if "ndjson" in answer.content_type or "jsonl" in answer.content_type:
            return [_json.decode(line) for line in answer.body.split(b"\n") if line.strip()]
        return _json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReadError(f"the answer is no JSON: {error}", where=question.place) from error


def _rows(document: Any, rows_at: Look | None, source: Http) -> list[Raw]:
    if source.graphql and isinstance(document, dict) and document.get("errors"):
        raise _failed(document["errors"])
    found = rows_at(document) if rows_at else document
    if isinstance(found, dict):
        found = [found]
    if document is not found and isinstance(document, dict) and not any(row is document for row in found or ()):
        _no_error(document)
    if not isinstance(found, list):
        place = f"at {source.rows}" if source.rows else "in the answer"
        raise ReadError(f"there is no list of rows {place}")
    if not all(isinstance(row, dict) for row in found):
        raise ReadError("a row is not an object")
    return found


def _no_error(document: dict[str, Any]) -> None:
    """ReadError where an answer with status 200 says beside its rows that it failed: an empty list is then no list."""
    said = next((document[name] for name in ("error", "errors") if document.get(name)), None)
    denied = any(document.get(name) is False for name in ("success", "ok"))
    if said is not None or denied or str(document.get("status")).lower() in ("error", "fail", "failed", "failure"):
        why = said if said is not None else document.get("message") or "it does not say why"
        raise ReadError(f"the answer calls itself a failure: {str(why)[:200]}")


def _failed(errors: Any) -> ReadError:
    """GraphQL answers 200 and says that it failed (spec.graphql.org, Errors): part of the data is no data."""
    first = errors[0] if isinstance(errors, list) and errors else errors
    said = first.get("message", first) if isinstance(first, dict) else first
    extensions = first.get("extensions") if isinstance(first, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return (Denied if code in _STRANGER else ReadError)(f"GraphQL: {str(said)[:200]}")
