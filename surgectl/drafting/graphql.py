"""What a GraphQL request asks: one URL, many operations, some of them known to the shop by a hash alone.

Requests are those of GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/), several in a list, and
Apollo's persisted queries (https://www.apollographql.com/docs/apollo-server/performance/apq), which may carry no query.
"""

from __future__ import annotations

import re
from typing import Any

from surgectl.drafting.exchange import Exchange, json_of
from surgectl.drafting.words import words_of

_STARTS = ("query", "mutation", "{", "fragment", "subscription", "#")
_LOOKS = frozenset("get fetch list search load view find read query lookup check poll status me current all".split())


def operations(one: Exchange) -> list[dict[str, Any]]:
    """The operations of a request, in their order; none where it is no GraphQL."""
    document = json_of(one.body) if one.body else None
    if document is None and one.method == "GET":
        given = dict(one.query)
        document = {name: json_of(given[name]) for name in ("variables", "extensions") if name in given}
        document |= {name: given[name] for name in ("query", "operationName") if name in given}
    found = document if isinstance(document, list) else [document]
    return [item for item in found[:50] if isinstance(item, dict) and _is_operation(item)]


def _is_operation(item: dict[str, Any]) -> bool:
    query, extensions = item.get("query"), item.get("extensions")
    if isinstance(query, str) and query.lstrip().startswith(_STARTS) and ("{" in query):
        return True
    return isinstance(extensions, dict) and isinstance(extensions.get("persistedQuery"), dict)


def operation_of(one: Exchange) -> str:
    """What it calls itself, or its first field; of several that which changes something. Empty: it is no GraphQL."""
    asked = operations(one)
    changing = [item for item in asked if not _only_looks(item, one.method)]
    return next((name for item in (*changing, *asked) if (name := _name(item))), "")


def _name(item: dict[str, Any]) -> str:
    name, query = item.get("operationName"), item.get("query")
    if isinstance(name, str) and name:
        return name
    if not isinstance(query, str):
        return ""
    told = re.match(r"\s*(?:query|mutation|subscription)\s+(\w+)", query)
    field = re.search(r"[({]\s*(\w+)\s*[({]", query[query.find("{") :])
    return told[1] if told else field[1] if field else ""


def only_looks(one: Exchange) -> bool:
    """Is it GraphQL that changes nothing?"""
    asked = operations(one)
    return bool(asked) and all(_only_looks(item, one.method) for item in asked)


def _only_looks(item: dict[str, Any], method: str) -> bool:
    query = item.get("query")
    if isinstance(query, str):
        return re.search(r"(?m)(?:^|[\s}])mutation\b", query) is None
    name = _name(item)
    if method == "GET" or name.lower().endswith("query"):
        return True
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return bool(parts) and parts[0].lower() in _LOOKS and "mutation" not in words_of(name)
