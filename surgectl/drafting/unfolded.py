"""Takes apart what a recorder wrote down as one: Safari's form with the redirect after it, a request told twice.

Safari's Web Inspector keeps a redirected request as one resource: it exports the last address and the method with which
that was fetched, and beside them the body of the first (WebKit, Models/Resource.js). The form's own address is lost; it
stands on the page before.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import msgspec

from surgectl.drafting.exchange import Exchange, origin_of

_PAGES = 8


def unfolded(exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
    """Every request once, each with the reply that was its own."""
    if any(_is_folded(one) for one in exchanges):
        # Room for the requests that come to light: each is before its own reply.
        exchanges = tuple(msgspec.structs.replace(one, number=2 * one.number + 1) for one in exchanges)
    plain = {(one.method, one.url, one.body) for one in exchanges if not one.by_worker}
    out: list[Exchange] = []
    pages: list[Exchange] = []
    for one in exchanges:
        if one.by_worker and (one.method, one.url, one.body) in plain:
            continue
        if _is_folded(one):
            out += _apart(one, pages)
        else:
            out.append(one)
        if one.is_html and one.reply:
            pages = [*pages, one][-_PAGES:]
    return tuple(out)


def _is_folded(one: Exchange) -> bool:
    return one.method in ("GET", "HEAD") and bool(one.form and one.body and one.status)


def _apart(one: Exchange, pages: list[Exchange]) -> tuple[Exchange, Exchange]:
    said = _action(one, pages)
    why = "the form with these fields on the page before" if said else "nothing on the pages before"
    posted = msgspec.structs.replace(
        one,
        number=one.number - 1,
        method="POST",
        url=said or (pages[-1].url if pages else one.url),
        status=302,
        reply="",
        reply_headers=(("location", one.url),),
        guess=f"this recording does not say where the form went; by {why}",
    )
    head = tuple(pair for pair in one.headers if pair[0] != "content-type")
    return posted, msgspec.structs.replace(one, method="GET", headers=head, mime="", body="", form=())


def _action(one: Exchange, pages: list[Exchange]) -> str:
    """Where the form of the latest pages that has most of these fields goes; empty where none has half of them."""
    names = {name for name, _ in one.form}
    best: tuple[float, str] = (0.5, "")
    for page in pages:
        reader = _Forms()
        try:
            reader.feed(page.reply)
        except (AssertionError, ValueError):  # html.parser gives up on some broken declarations
            pass
        for action, fields in reader.forms:
            share = len(names & fields) / max(1, len(names | fields))
            try:
                to = urljoin(page.url, action)
            except ValueError:
                continue
            if share >= best[0] and origin_of(to):
                best = (share, to)
    return best[1]


class _Forms(HTMLParser):
    """The forms of a page that post: where each goes, and its fields."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[tuple[str, set[str]]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = given.get("method", "").lower() == "post" and len(self.forms) < 50
            if self._open:
                self.forms.append((given.get("action", ""), set()))
        elif self._open and tag in ("input", "select", "textarea", "button") and given.get("name"):
            self.forms[-1][1].add(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
