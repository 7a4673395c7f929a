"""Reads the form on a page as a browser would: its hidden fields travel back with what the fan types."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import msgspec

_NEVER_SENT = frozenset({"submit", "button", "image", "reset", "file"})


class Form(msgspec.Struct, kw_only=True):
    """One form of a page and the fields that a browser would send untouched."""

    action: str = ""
    method: str = "get"
    fields: list[tuple[str, str]] = []


class _Reader(HTMLParser):
    """Collects forms; inputs outside any form stand in the first entry."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms = [Form()]
        self._current = self.forms[0]
        self._select: str | None = None
        self._chosen: str | None = None
        self._first: str | None = None
        self._area: str | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._current = Form(action=given.get("action", ""), method=given.get("method", "get").lower(), fields=[])
            self.forms.append(self._current)
        elif tag == "input":
            self._input(given)
        elif tag == "select" and "disabled" not in given:
            self._select, self._chosen, self._first = given.get("name"), None, None
        elif tag == "option" and self._select:
            value = given.get("value", "")
            if self._first is None:
                self._first = value
            if "selected" in given:
                self._chosen = value
        elif tag == "textarea" and "disabled" not in given:
            self._area, self._text = given.get("name"), []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text").lower()
        name = given.get("name")
        if not name or kind in _NEVER_SENT or "disabled" in given:
            return
        if kind in ("checkbox", "radio"):
            if "checked" in given:
                self._current.fields.append((name, given.get("value", "on")))
            return
        self._current.fields.append((name, given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._current = self.forms[0]
        elif tag == "select" and self._select:
            value = self._chosen if self._chosen is not None else self._first
            if value is not None:
                self._current.fields.append((self._select, value))
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self._current.fields.append((self._area, "".join(self._text)))
            self._area = None


def forms_of(page: str) -> list[Form]:
    """The forms of a page, inputs outside any form first."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.forms


def inputs_for(page: str, page_url: str, url: str) -> list[tuple[str, str]]:
    """The fields of the form that posts to `url`; else of the page's longest POST form; else of all it has."""
    forms = forms_of(page)
    path = urlsplit(url).path
    for form in forms[1:]:
        if form.action and urlsplit(urljoin(page_url, form.action)).path == path:
            return form.fields
    posts = [form for form in forms[1:] if form.method == "post" and not form.action] or [
        form for form in forms[1:] if form.method == "post"
    ]
    if posts:
        return max(posts, key=lambda form: len(form.fields)).fields
    return [field for form in forms for field in form.fields]
