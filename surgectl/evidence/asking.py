"""Turn one question of a target (`get`, `post`, its headers and its body) into the request that is sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.evidence.ask import Question, Signing
from surgectl.evidence.reading import ReadError
from surgectl.journey.calling import compile_call
from surgectl.journey.template import Template, UnsetError, blanks, compile_text, compile_value, show
from surgectl.profile.login import Ask
from surgectl.profile.target import Target

Build = Callable[[Mapping[str, Any], Mapping[str, Any]], Question]
"""(variables, what is added where such requests carry it: `offset`, `starting_after` …) → the request. ReadError.

Added under CURSOR, a cursor fills the blank `{cursor}`, in place of its own parameter.
"""
CURSOR = "{cursor}"


class Homes(msgspec.Struct, frozen=True):
    """Where a target's questions may go."""

    base_url: str
    origins: dict[str, str]

    def of(self, origin: str | None, where: str) -> str:
        """The address that a question is put to. UsageError where it names an origin that is not there."""
        if origin is None:
            return self.base_url
        if origin not in self.origins:
            hint = did_you_mean(origin, self.origins) or "name it under origins:"
            raise UsageError(f'no such origin: "{origin}"', where=f"{where}.origin", hint=hint)
        return self.origins[origin]

    def known(self, url: str) -> bool:
        """Whether an address is on a host that the target names."""
        return urlsplit(url).netloc in {urlsplit(home).netloc for home in (self.base_url, *self.origins.values())}


def homes_of(target: Target) -> Homes:
    """The hosts that a target names."""
    return Homes(target.base_url, target.origins)


def compile_question(source: Ask, homes: Homes, where: str) -> Build:
    """A question as a closure. Raises UsageError where it cannot be meant.

    Where the request names an added value (`{offset}`), it is filled in there; else it is added where such requests
    carry it: a GraphQL variable, a key of a JSON body, a field of a form, a query parameter.
    """
    if (source.get is None) == (source.post is None):
        raise UsageError("asks nothing, or twice", where=where, hint="get: or post:")
    method, path = ("POST", source.post) if source.post is not None else ("GET", source.get)
    assert path is not None
    bodies = [name for name in ("json", "form", "graphql") if getattr(source, name) not in (None, msgspec.UNSET)]
    if len(bodies) > 1:
        raise UsageError(f"has {len(bodies)} bodies: {' and '.join(bodies)}", where=where, hint="one of them")
    base = homes.of(source.origin, where)
    graphql = source.graphql
    body: Any = graphql.variables if graphql else source.form if source.form is not None else source.json
    has_body = bool(bodies)
    spelt = msgspec.json.encode(msgspec.to_builtins([path, source.headers, body if has_body else None]))
    named = set(blanks(spelt.decode()))
    address = _address(path, base, homes, f"{where}.{method.lower()}")
    headers = {name: compile_text(text, f"{where}.headers.{name}") for name, text in source.headers.items()}
    inner = compile_value(body, f"{where}.{bodies[0]}") if has_body else None
    called = compile_call(source, where)

    def build(variables: Mapping[str, Any], added: Mapping[str, Any]) -> Question:
        known = {**variables, **{name: value for name, value in added.items() if name != CURSOR}}
        if "cursor" in named:
            known["cursor"] = added.get(CURSOR, "")
        extra = _left_over(added, named)
        try:
            url = address(known)
            sent = {name: text.render(known) for name, text in headers.items()}
            content = inner.render(known) if inner else None
        except UnsetError as error:
            raise ReadError(str(error), where=where) from error
        if isinstance(content, dict):
            content = {**content, **extra}
        elif extra:
            url = with_query(url, extra)
        sent.setdefault("Accept", "application/json")
        encoded: bytes | None = None
        if source.form is not None:
            encoded = urlencode(_fields(content or {})).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
            # What a browser sends with a form, and what a check of its token asks for (Django: Referer over TLS).
            sent.setdefault("Referer", url)
            sent.setdefault("Origin", "{0.scheme}://{0.netloc}".format(urlsplit(url)))
        elif has_body:
            content = {"query": graphql.query, "variables": content} if graphql else content
            encoded = msgspec.json.encode(content)
            sent.setdefault("Content-Type", "application/json")
        signing = Signing(called, known) if called is not None else None
        return Question(url=url, method=method, headers=sent, body=encoded, signing=signing)

    return build


def _left_over(added: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    """What is added and has no place of its own in the request."""
    extra = {name: value for name, value in added.items() if name not in named and name != CURSOR}
    if "cursor" in named:
        extra = {name: value for name, value in extra.items() if value != added.get(CURSOR)}
    return extra


def _address(path: str, base: str, homes: Homes, where: str) -> Callable[[Mapping[str, Any]], str]:
    """The URL: below the base, or whole where a variable that came before holds a whole one."""
    home = base.rstrip("/") + "/"
    if path.startswith("{") and not path.startswith("{{"):
        link: Template = compile_text(path, where)

        def whole(variables: Mapping[str, Any]) -> str:
            value = link.render(variables)
            return urljoin(home, value) if homes.known(urljoin(home, value)) else follow(home, value)

        return whole
    text = compile_text(path, where, quote=lambda value: quote(value, safe=""))
    return lambda variables: urljoin(home, text.render(variables).lstrip("/"))


def _fields(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A form's fields: a list repeats its name, a null leaves it out."""
    fields: list[tuple[str, str]] = []
    for name, value in content.items():
        if value is not None:
            fields.extend((name, show(item)) for item in (value if isinstance(value, list | tuple) else [value]))
    return fields


def follow(url: str, link: str) -> str:
    """The next page's address, always on the host that was asked first.

    A shop behind a proxy writes links to its inner name, and a link must never carry our secret to another host.
    """
    try:
        joined = urlsplit(urljoin(url, link))
    except ValueError as error:
        raise ReadError("a link that is no address") from error
    first = urlsplit(url)
    return joined._replace(scheme=first.scheme, netloc=first.netloc, fragment="").geturl()


def with_query(url: str, extra: Mapping[str, Any]) -> str:
    """The address with these query parameters, in place of any of the same name."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in extra]
    return parts._replace(query=urlencode(kept + [(name, show(value)) for name, value in extra.items()])).geturl()
