"""Reads an operation of Swagger 2.0 (https://swagger.io/specification/v2/) as if it were one of OpenAPI 3."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_OF_A_PARAMETER = ("name", "in", "required", "description", "allowEmptyValue", "collectionFormat")
_FLOWS = {"application": "clientCredentials", "password": "password", "accessCode": "authorizationCode"}

Look = Callable[[object], dict[str, Any]]


def modern(
    root: dict[str, Any], about: dict[str, Any], parameters: list[dict[str, Any]], look: Look
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The operation with `requestBody` and `content`, and its parameters with a `schema` each."""
    takes, gives = _mimes(about, root, "consumes"), _mimes(about, root, "produces")
    rest: list[dict[str, Any]] = []
    body: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    required: list[Any] = []
    files = False
    for one in parameters:
        schema = {key: item for key, item in one.items() if key not in _OF_A_PARAMETER}
        if one.get("in") == "body":
            body = {mime: {"schema": one.get("schema")} for mime in takes}
        elif one.get("in") == "formData" and isinstance(one.get("name"), str):
            files |= one.get("type") == "file"
            fields[one["name"]] = schema
            required += [one["name"]] if one.get("required") is True else []
        else:
            rest.append({**one, "schema": one.get("schema", schema)})
    if fields:
        multipart = files or takes == ["multipart/form-data"]
        mime = "multipart/form-data" if multipart else "application/x-www-form-urlencoded"
        body = {mime: {"schema": {"type": "object", "properties": fields, "required": required}}}
    responses: dict[str, Any] = {}
    for status, told in look(about.get("responses")).items():
        said = look(told)
        shown = look(said.get("examples"))
        content = {mime: {"schema": said.get("schema"), "example": shown.get(mime)} for mime in gives}
        responses[str(status)] = {**said, "content": content if said.get("schema") or shown else {}}
    made = {**about, "responses": responses}
    if body:
        made["requestBody"] = {"content": body}
    return made, rest


def _mimes(about: dict[str, Any], root: dict[str, Any], word: str) -> list[str]:
    given = about.get(word) or root.get(word)
    found = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    return found[:10] or ["application/json"]


def server_of(root: dict[str, Any]) -> str:
    """`schemes`, `host` and `basePath` as one address; empty where no host is named."""
    schemes = root.get("schemes")
    scheme = schemes[0] if isinstance(schemes, list) and schemes and isinstance(schemes[0], str) else "https"
    host, path = root.get("host"), root.get("basePath")
    path = path if isinstance(path, str) else ""
    if not isinstance(host, str) or not re.fullmatch(r"[\w.:-]{1,250}", host):
        return path if path.startswith("/") else ""
    return f"{scheme}://{host}/{path.lstrip('/')}".rstrip("/")


def schemes_of(root: dict[str, Any], look: Look) -> dict[str, Any]:
    """`securityDefinitions` as OpenAPI 3 has them."""
    out: dict[str, Any] = {}
    for name, told in look(root.get("securityDefinitions")).items():
        said = look(told)
        if said.get("type") == "basic":
            out[str(name)] = {"type": "http", "scheme": "basic"}
        elif said.get("type") == "oauth2":
            flow = {key: said.get(key) for key in ("tokenUrl", "authorizationUrl", "scopes")}
            out[str(name)] = {"type": "oauth2", "flows": {_FLOWS.get(str(said.get("flow")), "implicit"): flow}}
        else:
            out[str(name)] = said
    return out
