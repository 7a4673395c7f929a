"""Turns a step of the target into the bytes that one fan sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from surgectl.journey.calling import CompiledCall, compile_call
from surgectl.journey.messages import Reply, Wire
from surgectl.journey.pages import inputs_for
from surgectl.journey.problem import TargetError, unknown_word
from surgectl.journey.template import (
    Json,
    Template,
    UnsetError,
    Value,
    Variables,
    compile_json,
    compile_text,
    compile_value,
    show,
)
from surgectl.profile.step import Follow, Request

Render = Callable[[Variables, Reply | None, int], Wire]
"""(variables, the last page, time-out in ns) → the request. UnsetError where a variable is not set."""

METHODS = ("get", "post", "put", "patch", "delete", "head")


class CompiledRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request ready to be filled."""

    render: Render
    names: frozenset[str]
    """The variables that it needs or would use."""
    method: str
    timeout_ns: int
    needs_page: bool = False
    call: CompiledCall | None = None
    """Has the last word on what is rendered."""


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What every request of a target shares."""

    base_url: str
    origins: dict[str, str]
    headers: tuple[tuple[str, Template], ...] = ()
    form: tuple[tuple[Template, Value], ...] = ()
    cookies: bool = True
    timeout_ns: int = 10_000_000_000


def has_request(request: Request) -> bool:
    """Whether it says what to send at all."""
    return any(getattr(request, method) is not None for method in METHODS)


def compile_defaults(
    base_url: str,
    origins: dict[str, str],
    headers: dict[str, str],
    form: dict[str, str],
    *,
    cookies: bool,
    timeout_ns: int,
) -> Defaults:
    """The target's own headers and form fields: each is left out where its variable is not set."""
    return Defaults(
        base_url=base_url,
        origins=origins,
        headers=tuple((name, compile_text(text, f"headers.{name}")) for name, text in headers.items()),
        form=tuple(
            (compile_text(name, f"form_defaults.{name}"), compile_value(text, f"form_defaults.{name}"))
            for name, text in form.items()
        ),
        cookies=cookies,
        timeout_ns=timeout_ns,
    )


def compile_request(request: Request, defaults: Defaults, where: str) -> CompiledRequest:
    """A step, poll or probe → a closure from variables to a Wire."""
    named = [method for method in METHODS if getattr(request, method) is not None]
    if len(named) != 1:
        raise TargetError(
            "it does not say what to send" if not named else f"{' and '.join(named)} exclude each other",
            where if not named else f"{where}.{named[1]}",
            hint="one of get, post, put, patch, delete, head",
        )
    method = named[0].upper()
    base = _base(request, defaults, where)
    url, url_names = _compile_url(getattr(request, named[0]), base, request.query, f"{where}.{named[0]}", where)
    body = _compile_body(request, defaults, where)
    own = tuple((name, compile_text(text, f"{where}.headers.{name}")) for name, text in request.headers.items())
    headers, header_names = _compile_headers(own, defaults, body.content_type)
    follow: bool | str = request.follow.until if isinstance(request.follow, Follow) else request.follow
    cookies = defaults.cookies
    is_form = body.is_form
    origin_of_base = _origin(base)
    call = compile_call(request, where)

    def render(variables: Variables, page: Reply | None, timeout_ns: int) -> Wire:
        target = url(variables)
        head = headers(variables)
        if is_form:
            head = _browser_headers(head, variables.get("url"), origin_of_base)
        return Wire(
            method=method,
            url=target,
            headers=head,
            body=body.render(variables, page, target),
            cookies=cookies,
            follow=follow,
            timeout_ns=timeout_ns,
        )

    return CompiledRequest(
        render=render,
        names=url_names | body.names | header_names | (call.given.names if call is not None else frozenset()),
        method=method,
        timeout_ns=int(request.timeout) if request.timeout is not None else defaults.timeout_ns,
        needs_page=request.form_page,
        call=call,
    )


def _base(request: Request, defaults: Defaults, where: str) -> str:
    if request.origin is None:
        return defaults.base_url.rstrip("/")
    if request.origin not in defaults.origins:
        raise unknown_word("origin", request.origin, defaults.origins, f"{where}.origin")
    return defaults.origins[request.origin].rstrip("/")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _quote_path(value: str) -> str:
    return quote(value, safe="/:@!$'()*,;=~-._")


def _quote_query(value: str) -> str:
    return quote(value, safe="")


def _compile_url(
    text: str, base: str, query: dict[str, Any], where: str, step: str
) -> tuple[Callable[[Variables], str], frozenset[str]]:
    """Values are percent-encoded (RFC 3986), save in a URL that begins with a variable: that one is a link as it is."""
    linked = text.startswith("{") and not text.startswith("{{")
    if linked:
        link = compile_text(text, where)
        names = link.names

        def path(variables: Variables) -> str:
            value = link.render(variables)
            if value.startswith(("http://", "https://")):
                return value
            return urljoin(str(variables.get("url") or base + "/"), value)

    else:
        whole = text if text.startswith(("http://", "https://")) else f"{base}/{text.lstrip('/')}"
        before, mark, after = whole.partition("?")
        front = compile_text(before, where, quote=_quote_path)
        back = compile_text(mark + after, where, quote=_quote_query)
        names = front.names | back.names
        if front.static is not None and back.static is not None:
            fixed = front.static + back.static

            def path(variables: Variables) -> str:
                return fixed

        else:

            def path(variables: Variables) -> str:
                return front.render(variables) + back.render(variables)

    if not query:
        return path, names
    pairs = [
        (compile_text(name, f"{step}.query.{name}"), compile_value(value, f"{step}.query.{name}"))
        for name, value in query.items()
    ]
    names = names.union(*(name.names | value.names for name, value in pairs))

    def with_query(variables: Variables) -> str:
        front = path(variables)
        filled = urlencode(_filled(pairs, variables))
        if not filled:
            return front
        return f"{front}{'&' if '?' in front else '?'}{filled}"

    return with_query, names


def _filled(pairs: list[tuple[Template, Value]], variables: Variables) -> list[tuple[str, str]]:
    """Names and values of a query or form: a list repeats its name, a null leaves it out."""
    out: list[tuple[str, str]] = []
    for name, value in pairs:
        filled = value.render(variables)
        if filled is None:
            continue
        key = name.render(variables)
        if isinstance(filled, (list, tuple)):
            out.extend((key, show(item)) for item in filled)
        else:
            out.append((key, show(filled)))
    return out


def _compile_headers(
    own: tuple[tuple[str, Template], ...], defaults: Defaults, content_type: str | None
) -> tuple[Callable[[Variables], tuple[tuple[str, str], ...]], frozenset[str]]:
    named = {name.lower() for name, _ in own}
    inherited = [(name, text) for name, text in defaults.headers if name.lower() not in named]
    automatic: list[tuple[str, str]] = []
    if content_type and "content-type" not in named | {name.lower() for name, _ in inherited}:
        automatic.append(("Content-Type", content_type))
    names = frozenset().union(*(text.names for _, text in [*inherited, *own]))
    if not names:
        fixed = (*automatic, *((name, text.render({})) for name, text in [*inherited, *own]))
        return (lambda variables: fixed), names

    def render(variables: Variables) -> tuple[tuple[str, str], ...]:
        head = list(automatic)
        for name, text in inherited:
            try:
                head.append((name, text.render(variables)))
            except UnsetError:
                continue  # a default waits until its variable is known: the token of the first reply
        for name, text in own:
            head.append((name, text.render(variables)))
        return tuple(head)

    return render, names


def _browser_headers(head: tuple[tuple[str, str], ...], page: Any, origin: str) -> tuple[tuple[str, str], ...]:
    """Referer and Origin, as a browser sends them with a form: shops with CSRF protection look at both."""
    given = {name.lower() for name, _ in head}
    added: list[tuple[str, str]] = []
    if page and "referer" not in given:
        added.append(("Referer", str(page).partition("#")[0]))
    if "origin" not in given:
        added.append(("Origin", _origin(str(page)) if page else origin))
    return (*head, *added)


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    render: Callable[[Variables, Reply | None, str], bytes | None]
    names: frozenset[str] = frozenset()
    content_type: str | None = None
    is_form: bool = False


def _compile_body(request: Request, defaults: Defaults, where: str) -> _Body:
    kinds = [
        name
        for name, given in (
            ("json", request.json is not msgspec.UNSET),
            ("form", request.form is not None or request.form_page),
            ("graphql", request.graphql is not None),
            ("body", request.body is not None),
        )
        if given
    ]
    if len(kinds) > 1:
        raise TargetError(f"{kinds[0]} and {kinds[1]} exclude each other", f"{where}.{kinds[1]}")
    if not kinds:
        return _Body(render=lambda variables, page, url: None)
    if kinds[0] == "form":
        return _compile_form(request, defaults, where)
    if kinds[0] == "body":
        text = compile_text(request.body or "", f"{where}.body")
        return _Body(render=lambda variables, page, url: text.render(variables).encode(), names=text.names)
    if request.graphql is not None:
        variables = compile_json(request.graphql.variables, f"{where}.graphql.variables")
        # The query stays verbatim: braces are GraphQL's own.
        head = b'{"query":' + msgspec.json.encode(request.graphql.query) + b',"variables":'
        fill = variables.render
        return _json_body(Json(render=lambda filled: head + fill(filled) + b"}", names=variables.names))
    return _json_body(compile_json(request.json, f"{where}.json"))


def _json_body(document: Json) -> _Body:
    render = document.render
    return _Body(
        render=lambda variables, page, url: render(variables), names=document.names, content_type="application/json"
    )


def _compile_form(request: Request, defaults: Defaults, where: str) -> _Body:
    """The page's own inputs over the target's defaults, and what the step says over both."""
    pairs = [
        (compile_text(name, f"{where}.form.{name}"), compile_value(value, f"{where}.form.{name}"))
        for name, value in (request.form or {}).items()
    ]
    names = frozenset().union(*(name.names | value.names for name, value in [*pairs, *defaults.form]))
    from_page = request.form_page

    def render(variables: Variables, page: Reply | None, url: str) -> bytes:
        own: list[tuple[str, str]] = []
        removed: set[str] = set()
        for name, value in pairs:
            filled = _filled([(name, value)], variables)
            own.extend(filled)
            removed.add(name.render(variables))
        shown = (
            inputs_for(page.body.decode("utf-8", "replace"), page.url, url) if from_page and page is not None else []
        )
        taken = removed | {name for name, _ in shown}
        fields: list[tuple[str, str]] = []
        for name, value in defaults.form:
            try:
                fields.extend(pair for pair in _filled([(name, value)], variables) if pair[0] not in taken)
            except UnsetError:
                continue
        fields.extend(pair for pair in shown if pair[0] not in removed)
        return urlencode([*fields, *own]).encode()

    return _Body(render=render, names=names, content_type="application/x-www-form-urlencoded", is_form=True)
