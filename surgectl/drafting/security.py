"""How a shop's description wants to know who asks: keys, passwords, and tokens that are fetched first."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from surgectl.drafting import words
from surgectl.drafting.described import Document, Operation
from surgectl.drafting.draft import DraftLogin, Named
from surgectl.drafting.exchange import origin_of
from surgectl.drafting.literal import literal
from surgectl.drafting.swagger import schemes_of

_MOST = 4
_NAME = re.compile(r"[\w-]{1,60}")


class Security(msgspec.Struct, kw_only=True):
    """What the draft needs so that its requests are let in."""

    headers: list[Named] = []
    query: dict[str, str] = {}
    """Keys that stand in every address."""
    logins: list[DraftLogin] = []
    origins: dict[str, str] = {}
    environment: dict[str, str] = {}
    """Variable of the environment → why it is one."""


def security_of(doc: Document, chosen: list[Operation], base: str) -> Security:
    """The schemes that the chosen operations ask for; where nothing is asked for, those that are declared."""
    components = doc.map(doc.root.get("components"))
    schemes = schemes_of(doc.root, doc.map) if doc.old else doc.map(components.get("securitySchemes"))
    found = Security()
    for name in _asked_for(doc, chosen, schemes)[:_MOST]:
        _one(doc, str(name), doc.map(schemes.get(name)), base, found)
    return found


def _asked_for(doc: Document, chosen: list[Operation], schemes: dict[str, Any]) -> list[Any]:
    """The first way in that each operation offers and that is declared."""
    named: dict[Any, None] = {}
    said = False
    for one in chosen:
        ways = one.about["security"] if "security" in one.about else doc.root.get("security")
        if not isinstance(ways, list):
            continue
        said = True
        fit = [way for way in ways if isinstance(way, dict) and all(name in schemes for name in way)]
        named.update(dict.fromkeys(fit[0] if fit else ()))
    return [*named] if said else [*schemes]


def _one(doc: Document, name: str, told: dict[str, Any], base: str, found: Security) -> None:
    variable = f"SHOP_{words.a_name(name).upper()}"
    kind, how, key = told.get("type"), str(told.get("scheme", "")).lower(), str(told.get("name"))
    doubt = f"security scheme {name}"
    taken = any(one.name == "Authorization" for one in found.headers)
    if kind == "apiKey" and _NAME.fullmatch(key):
        if told.get("in") == "query":
            found.query[key] = f"${{{variable}}}"
        elif told.get("in") == "cookie":
            found.headers.append(Named(name="Cookie", value=f"{key}=${{{variable}}}", doubt=doubt))
        else:
            found.headers.append(Named(name=key, value=f"${{{variable}}}", doubt=doubt))
    elif taken:
        return
    elif kind == "oauth2" and _oauth(doc, name, told, base, found):
        found.headers.append(
            Named(name="Authorization", value=f"Bearer {{{found.logins[-1].name}.token}}", doubt=doubt)
        )
        return
    elif kind in ("oauth2", "openIdConnect") or (kind == "http" and how in ("bearer", "basic")):
        word = "Basic" if how == "basic" else "Bearer"
        found.headers.append(Named(name="Authorization", value=f"{word} ${{{variable}}}", doubt=doubt))
    else:
        return
    found.environment[variable] = f"the security scheme {name}"


def _oauth(doc: Document, name: str, told: dict[str, Any], base: str, found: Security) -> bool:
    """Client credentials, else a customer's password (RFC 6749 §4.4, §4.3): a token that all share."""
    flows = doc.map(told.get("flows"))
    machine, person = doc.map(flows.get("clientCredentials")), doc.map(flows.get("password"))
    flow = machine or person
    said = flow.get("tokenUrl")
    try:
        url = urljoin(f"{base}/", said) if isinstance(said, str) else ""
        path = urlsplit(url).path or "/"
    except ValueError:
        return False
    if not origin_of(url) or re.search(r"[\s{}$@]", url):
        return False
    step: dict[str, Any] = {"post": literal(path)}
    if origin_of(url) == origin_of(base):
        step["post"] = literal(url)
    else:
        found.origins["auth"] = origin_of(url)
        step["origin"] = "auth"
    scopes = " ".join(str(scope) for scope in list(doc.map(flow.get("scopes")))[:20])
    form = {"grant_type": "client_credentials" if machine else "password"}
    form |= {"client_id": "${SHOP_CLIENT_ID}", "client_secret": "${SHOP_CLIENT_SECRET}"} if machine else {}
    form |= {} if machine else {"username": "${SHOP_LOGIN}", "password": "${SHOP_PASSWORD}"}
    if scopes:
        form["scope"] = literal(scopes)
    step |= {"form": form, "take": {"token": {"json": "access_token"}}}
    names = ("SHOP_CLIENT_ID", "SHOP_CLIENT_SECRET") if machine else ("SHOP_LOGIN", "SHOP_PASSWORD")
    found.environment.update(dict.fromkeys(names, f"the security scheme {name}"))
    doubt = "" if machine else "one customer for all fans"
    login = DraftLogin(name="api", steps=[step], expires={"json": "expires_in"}, doubt=doubt)
    found.logins.append(login)
    return True
