"""Turns what a page has to say into HTML: everything is escaped, nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import jinja2
import msgspec
from aiohttp import web
from markupsafe import Markup

from surgectl.stage.boxoffice.options import Options
from surgectl.units import show_money

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}


class Shown(msgspec.Struct, frozen=True):
    """A page to be: its template, what that is told, and after how many seconds it looks again."""

    template: str
    told: dict[str, object]
    status: int = 200
    refresh_s: int | None = None


class No(msgspec.Struct, frozen=True):
    """One refusal in words for people: what happened, what to do, and where that is done."""

    title: str
    what: str
    do: str
    href: str = ""
    link: str = ""


NOES = {
    "SOLD_OUT": No(
        "Sold out", "Every ticket is sold.", "There is nothing left to wait for. You have not been charged."
    ),
    "NOT_ENOUGH": No(
        "Not so many left",
        "Fewer tickets are left than you asked for.",
        "You can still try for fewer.",
        "/tickets",
        "Choose fewer tickets",
    ),
    "ALL_HELD": No(
        "All in other baskets",
        "Every ticket that is left is in somebody's basket at the moment.",
        "Baskets that are not paid in time come back. Try again in a moment.",
    ),
    "TAKEN": No(
        "Somebody was faster",
        "One of the seats that you chose was taken in the meantime. None of them is yours.",
        "Choose others.",
        "/tickets",
        "Back to the seats",
    ),
    "LIMIT": No(
        "That is too many for one person",
        "There is a limit to how many tickets one person may buy.",
        "Choose fewer, counting those that you have bought already.",
        "/tickets",
        "Choose another number",
    ),
    "HOLD_EXPIRED": No(
        "Your basket has run out of time",
        "Its tickets went back to the others. You have not been charged.",
        "You keep your turn and can choose again.",
        "/tickets",
        "Choose tickets again",
    ),
    "BUSY": No(
        "Too many people at the counters",
        "We did not do what you asked, so that those inside can be served. Nothing is lost, nothing was charged.",
        "Try again in a moment.",
    ),
    "NO_HOLD": No(
        "We cannot find this basket",
        "You have not been charged.",
        "Choose your tickets again.",
        "/tickets",
        "Choose tickets",
    ),
    "NO_ORDER": No(
        "There is no such order", "The address may be incomplete.", "Compare it with the one you were given."
    ),
    "NO_PLACE": No(
        "You are not in line", "We do not know your place any more.", "Join again.", "/", "To the first page"
    ),
    "NOT_YOUR_FORM": No(
        "This form is not valid any more",
        "It was not given out to this browser, or the browser sends no cookies. Nothing was done.",
        "Begin again from the first page.",
        "/",
        "To the first page",
    ),
    "BAD_REQUEST": No("We did not understand that", "Nothing was done.", "Go back and correct it."),
    "NOT_FOUND": No("There is no such page", "The address leads nowhere.", "Begin at the first page.", "/", "Tickets"),
    "UNKNOWN": No(
        "We do not know whether that worked",
        "Our books did not answer. What you asked for may or may not have been done.",
        "Send the same again: it is never done twice.",
    ),
}


def _clock(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%H:%M:%S UTC")


def _span(seconds: float) -> str:
    """75 → 1 minute 15 seconds"""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    parts = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((minutes, "minute"), (rest, "second")) if n]
    return " ".join(parts) or "a moment"


def _seats(labels: Iterable[str]) -> Markup:
    """Labels with commas between; a line breaks between two of them, never inside one."""
    return Markup(", ").join(Markup("<span class=whole>{}</span>").format(label) for label in labels)


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("surgectl.stage.boxoffice.pages"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
)
_templates.filters["money"] = show_money
_templates.filters["clock"] = _clock
_templates.filters["span"] = _span
_templates.filters["seats"] = _seats


def show(page: Shown, options: Options, token: str) -> web.Response:
    """The page, ready to leave. `token` stands hidden in each of its forms."""
    template = _templates.get_template(page.template)
    text = template.render(**page.told, options=options, token=token, refresh_s=page.refresh_s)
    return web.Response(text=text, status=page.status, content_type="text/html", charset="utf-8", headers=_HEADERS)
