"""One recorded request in the words of a target: path, query, body and the headers that mean something."""

from __future__ import annotations

import re
from typing import Any

from surgectl.drafting import words
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import mapped, size
from surgectl.drafting.turns import BUSTER
from surgectl.drafting.values import Values, key_literal, literal, path_template

_MOST_VALUES = 400
_MOST_OF_A_TEXT = 20_000
_BROWSERS_OWN = frozenset(
    "accept accept-encoding accept-language user-agent cookie cookie2 host origin referer connection content-length "
    "content-type upgrade-insecure-requests cache-control pragma dnt priority te purpose keep-alive proxy-connection "
    "transfer-encoding upgrade expect trailer via forwarded x-forwarded-for if-none-match if-modified-since range "
    "traceparent tracestate baggage sentry-trace save-data device-memory downlink ect rtt viewport-width x-client-data "
    "x-surge-attempt x-surge-intent newrelic x-newrelic-id access-control-request-method "
    "access-control-request-headers proxy-authorization".split()
)


def request_of(values: Values, at: int, one: Exchange, origin: str | None) -> tuple[dict[str, Any], list[str]]:
    """The keys of a step's request, in the order in which people read them, and what is doubtful about it."""
    doubts: list[str] = []
    out: dict[str, Any] = {one.method.lower(): path_template(values, at, one)}
    if origin is not None:
        out["origin"] = origin
    query = [
        (name, value) for name, value in one.query if not (BUSTER.match(name) and re.fullmatch(r"[\d.]{6,}", value))
    ]
    if query:
        out["query"] = _fields(values, at, query, "query")
    if headers := _headers(values, at, one):
        out["headers"] = headers
    _body(values, at, one, out, doubts)
    return out, doubts


def _fields(values: Values, at: int, pairs: list[tuple[str, str]], place: str) -> dict[str, Any]:
    """Names and values; a name that stands several times has a list."""
    out: dict[str, Any] = {}
    for name, value in pairs[:_MOST_VALUES]:
        key = key_literal(name)
        filled = values.fill(at, name, value[:_MOST_OF_A_TEXT], place)
        if key not in out:
            out[key] = filled
        elif isinstance(out[key], list):
            out[key].append(filled)
        else:
            out[key] = [out[key], filled]
    return out


def _headers(values: Values, at: int, one: Exchange) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in one.headers:
        known = name in _BROWSERS_OWN or name.startswith(("sec-", "cf-", "x-forwarded", "x-b3-", "x-datadog"))
        if known or not value or not re.fullmatch(r"[a-z0-9!#$%&'*+^_`|~.-]+", name) or name in map(str.lower, out):
            continue
        if len(name) > 60 or len(value) > 4_000 or not value.isascii():
            continue
        out["-".join(part.capitalize() for part in name.split("-"))] = _header(values, at, name, value)
    return out


def _header(values: Values, at: int, name: str, value: str) -> str:
    scheme, gap, rest = value.partition(" ")
    if name == "authorization":
        filled = values.fill(at, name, rest if gap else value, "header")
        if re.fullmatch(r"\{\w+\}", filled):
            return f"{literal(scheme)} {filled}" if gap else filled
        return values.secret(name, "what proves who we are is not written into a file")
    filled = values.fill(at, name, value, "header")
    if "{" not in filled and re.search(r"(?i)key|token|secret|auth|session|pass", name):
        return values.secret(name, "it looks like a key")
    return filled


def _body(values: Values, at: int, one: Exchange, out: dict[str, Any], doubts: list[str]) -> None:
    if one.method == "GET":
        return
    if one.form:
        if one.mime == "multipart/form-data":
            doubts.append("was sent as multipart/form-data; here it goes as an ordinary form, files left out")
        out["form"] = _fields(values, at, list(one.form), "form")
        return
    if not one.body:
        return
    document = json_of(one.body)
    if document is not NOT_JSON:
        if size(document, _MOST_VALUES, 16) > _MOST_VALUES or len(one.body) > 4 * _MOST_OF_A_TEXT:
            doubts.append(f"its body of {len(one.body):,} characters was left out: write it by hand")
        elif _is_graphql(document):
            query = document["query"]
            if "#" not in query and '"""' not in query:
                query = _closed_up(query)
            inner = mapped(
                document.get("variables") or {}, lambda name, value: _leaf(values, at, name, value), key_literal
            )
            out["graphql"] = {"query": query.replace("${", "$${"), "variables": inner}
        else:
            out["json"] = mapped(document, lambda name, value: _leaf(values, at, name, value), key_literal)
    elif len(one.body) > _MOST_OF_A_TEXT or not re.match(r"(?:text/|application/(?:xml|.*json|x-www)|$)", one.mime):
        doubts.append(f"its body of {len(one.body):,} characters ({one.mime[:40] or 'no type'}) was left out")
    else:
        doubts.append("its body is neither a form nor JSON: sent as it was")
        out["body"] = values.fixed(one.body, "body")


def _closed_up(query: str) -> str:
    """On one line; what stands in quotation marks as it stands there."""
    parts = re.split(r'("(?:[^"\\\n]|\\.)*")', query)
    closed = [part if at % 2 else re.sub(r"\s+", " ", part) for at, part in enumerate(parts)]
    return "".join(closed).strip()


def _is_graphql(document: Any) -> bool:
    """A query and its variables, and nothing that the target language cannot say."""
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        return False
    variables = document.get("variables")
    query = document["query"].lstrip()
    starts = query.startswith(("query", "mutation", "{", "fragment", "subscription"))
    return starts and (variables is None or isinstance(variables, dict)) and "extensions" not in document


def _leaf(values: Values, at: int, name: str, value: Any) -> Any:
    if isinstance(value, str):
        return values.fill(at, name, value, "json") if len(value) <= _MOST_OF_A_TEXT else ""
    if isinstance(value, int) and not isinstance(value, bool):
        text = str(value) if abs(value) < 10**30 else ""
        filled = values.fill(at, name, text, "json")
        return value if filled == text else filled
    return value


def operation_of(one: Exchange) -> str:
    """What a GraphQL request calls itself, or its first field."""
    document = json_of(one.body)
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        return ""
    query = document["query"]
    named = re.search(r"[({]\s*(\w+)\s*[({]", query[query.find("{") :])
    name = document.get("operationName")
    return name if isinstance(name, str) and name else (named[1] if named else "")


def name_of(one: Exchange) -> str:
    """A short name for a step: what is asked, in the shop's own word."""
    operation = operation_of(one)
    if operation:
        return words.a_name(operation, "step").replace("_", "-")
    known = [part for part in one.segments if part and not words.id_like(part) and not part.isdigit()]
    word = words.a_name(known[-1], "page") if known else "page"
    return word.replace("_", "-")
