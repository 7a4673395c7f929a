"""Finds out who proved who they are, and how: a machine by a token that all share, a person by name and password."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.drafting import words
from surgectl.drafting.draft import DraftLogin
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.graphql import operation_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.literal import literal
from surgectl.drafting.turns import Turn


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a machine fetched, and how."""

    login: DraftLogin
    token: str
    """As it was recorded."""
    secrets: dict[str, str]
    """Variable of the environment → why it is one."""


def shared(turns: list[Turn], others: dict[str, str]) -> tuple[list[Turn], list[Shared]]:
    """The turns without those in which a machine fetched a token (OAuth's client credentials, RFC 6749 §4.4)."""
    kept: list[Turn] = []
    found: list[Shared] = []
    for turn in turns:
        one = turn.asks
        fetches = turn.hops and one.method != "GET" and fields_of(one).get("grant_type") == "client_credentials"
        if not fetches or len(found) > 3:
            kept.append(turn)
            continue
        document = json_of(turn.final.reply)
        tokens = [] if document is NOT_JSON else [leaf for leaf in leaves(document) if leaf.key == "access_token"]
        if not tokens:
            kept.append(turn)
            continue
        expires = next((leaf.path for leaf in leaves(document) if leaf.key == "expires_in"), None)
        name = "api" if not found else f"api-{len(found) + 1}"
        step, secrets = _step(one, others.get(one.origin))
        step["take"] = {"token": {"json": tokens[0].path}}
        login = DraftLogin(name=name, steps=[step], expires={"json": expires} if expires else None)
        found.append(Shared(login=login, token=str(tokens[0].value), secrets=secrets))
    return kept, found


def _step(one: Exchange, origin: str | None) -> tuple[dict[str, Any], dict[str, str]]:
    step: dict[str, Any] = {"post": literal(one.path)}
    secrets: dict[str, str] = {}
    if origin is not None:
        step["origin"] = origin
    if any(name == "authorization" for name, _ in one.headers):
        secrets["SHOP_CLIENT_BASIC"] = "printf %s 'name:secret' | base64 -w0"
        step["headers"] = {"Authorization": "Basic ${SHOP_CLIENT_BASIC}"}
    given: dict[str, str] = {}
    for name, value in fields_of(one).items():
        if "secret" in name or "assertion" in name or words.SECRETS.search(name):
            variable = f"SHOP_{words.a_name(name).upper()}"
            secrets[variable] = "the machine's own secret"
            given[literal(name)] = f"${{{variable}}}"
        else:
            given[literal(name)] = literal(value)
    step["form" if one.form else "json"] = given
    return step, secrets


def fields_of(one: Exchange) -> dict[str, str]:
    """What a request says, by name: the fields of a form, the scalars of a JSON document."""
    if one.form:
        return dict(one.form)
    document = json_of(one.body)
    return {} if document is NOT_JSON else {leaf.key: str(leaf.value) for leaf in leaves(document)}


def is_login(one: Exchange) -> bool:
    """Did somebody who has an account say who they are? Whoever makes one is somebody new each time."""
    said = words.words_of(f"{one.path} {operation_of(one)}")
    given = [
        name for name in fields_of(one) if not words.TOKENS.search(name) and name not in ("query", "operationName")
    ]
    if one.method == "GET" or said & words.REGISTERS or not any(words.PASSWORDS.search(name) for name in given):
        return False
    # A name, a password and nothing else is a login, whatever it is called.
    return bool(said & words.LOGINS) or len(given) == 2
