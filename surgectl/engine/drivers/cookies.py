"""A fan's cookie jar: what a shop set comes back as it came, and to that shop alone (RFC 6265)."""

from __future__ import annotations

import ipaddress
import re
from email.utils import parsedate_to_datetime
from typing import Protocol

import msgspec

from surgectl.engine.drivers.place import Origin, Place
from surgectl.engine.drivers.redirect import Headers

NO_COOKIES: dict[str, str] = {}
_MOST_COOKIES = 300
"""A browser keeps no more of one shop; the oldest goes."""
_AGE = re.compile(r"(-?)0*([0-9]+)")
_LONG_AGE = 10
"""So many digits of seconds are more than a life."""


class Instants(Protocol):
    """What time it is."""

    def now_ns(self) -> int:
        """On the run's clock."""
        ...

    def wall_s(self) -> float:
        """Since the epoch."""
        ...


class _Cookie(msgspec.Struct, frozen=True):
    name: str
    value: str
    """Verbatim, quotes and all."""
    domain: str
    host_only: bool
    path: str
    secure: bool
    until_ns: int | None
    """None: as long as the fan is here."""


class Jar:
    """The cookies of one fan, for every host that set some."""

    __slots__ = ("_cookies", "_header", "_plain", "_shown_for", "_values")

    def __init__(self) -> None:
        self._cookies: tuple[_Cookie, ...] = ()
        self._plain = True
        """All of them are for every path and for good: then the origin alone says which fit."""
        self._shown_for: Origin | None = None
        self._header = ""
        self._values = NO_COOKIES

    def keep(self, line: str, place: Place, instants: Instants) -> None:
        """Do what one Set-Cookie line of a reply from there says; a line that says nothing usable is ignored."""
        cookie = _read(line, place, instants)
        if cookie is None:
            return
        mine = (cookie.name, cookie.domain, cookie.path)
        for number, old in enumerate(self._cookies):
            if (old.name, old.domain, old.path) == mine:
                if old == cookie:
                    return
                # A new value keeps its old place in the line (RFC 6265 §5.3).
                self._cookies = (*self._cookies[:number], cookie, *self._cookies[number + 1 :])
                break
        else:
            self._cookies = (*self._cookies, cookie)[-_MOST_COOKIES:]
        self._plain = all(each.path == "/" and each.until_ns is None for each in self._cookies)
        self._shown_for = None

    def values(self, place: Place, now_ns: int) -> dict[str, str]:
        """Name and value of each cookie that belongs there; the value without its quotes."""
        self._show(place, now_ns)
        return self._values

    def onto(self, headers: Headers, place: Place, now_ns: int) -> Headers:
        """The headers with the cookies that belong there, beside any that the target itself spells out."""
        self._show(place, now_ns)
        if not self._header:
            return headers
        own = [value for name, value in headers if len(name) == 6 and name.lower() == "cookie"]
        if not own:
            return (*headers, ("Cookie", self._header))
        rest = tuple(pair for pair in headers if pair[0].lower() != "cookie")
        return (*rest, ("Cookie", "; ".join([*own, self._header])))

    def _show(self, place: Place, now_ns: int) -> None:
        """Work out what goes there, unless that is known already."""
        if self._shown_for is place.origin:
            return
        fitting = [cookie for cookie in self._cookies if _fits(cookie, place, now_ns)]
        fitting.sort(key=lambda cookie: -len(cookie.path))  # the more special first
        self._header = "; ".join(f"{cookie.name}={cookie.value}" for cookie in fitting)
        self._values = {cookie.name: _bare(cookie.value) for cookie in reversed(fitting)}
        self._shown_for = place.origin if self._plain else None


def _read(line: str, place: Place, instants: Instants) -> _Cookie | None:
    """One Set-Cookie line (RFC 6265 §5.2)."""
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name or any(ord(letter) < 32 or ord(letter) == 127 for letter in name + value):
        return None
    host = place.origin.host.lower()
    domain, path, secure = "", "", False
    expires_s: float | None = None
    age_s: int | None = None
    for attribute in attributes:
        word, _, said = attribute.partition("=")
        word, said = word.strip().lower(), said.strip()
        if word == "domain":
            domain = said.removeprefix(".").lower()
        elif word == "path":
            path = said if said.startswith("/") else ""
        elif word == "secure":
            secure = True
        elif word == "expires":
            expires_s = _epoch_s(said)
        elif word == "max-age" and (age := _AGE.fullmatch(said)):
            age_s = int(age[1] + age[2][:_LONG_AGE])
    if domain and not _within(host, domain):
        return None  # another shop's
    if age_s is None and expires_s is not None:
        age_s = round(min(max(expires_s - instants.wall_s(), -1), 10**9))
    return _Cookie(
        name=name,
        value=value,
        domain=domain or host,
        host_only=not domain,
        path=path or _folder(place.path),
        secure=secure,
        until_ns=None if age_s is None else instants.now_ns() + max(-1, min(age_s, 10**9)) * 1_000_000_000,
    )


def _epoch_s(date: str) -> float | None:
    """An HTTP date, or the dashed one that old shops write; None for what is none."""
    try:
        return parsedate_to_datetime(date.replace("-", " ")).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _fits(cookie: _Cookie, place: Place, now_ns: int) -> bool:
    host, path = place.origin.host.lower(), place.path.partition("?")[0]
    if host != cookie.domain if cookie.host_only else not _within(host, cookie.domain):
        return False
    if cookie.until_ns is not None and cookie.until_ns <= now_ns:
        return False
    if cookie.secure and not place.origin.tls:
        return False
    return path == cookie.path or (
        path.startswith(cookie.path) and (cookie.path.endswith("/") or path[len(cookie.path)] == "/")
    )


def _within(host: str, domain: str) -> bool:
    """Is it that domain, or below it? An address is below nothing."""
    if host == domain:
        return True
    if "." not in domain or not host.endswith(f".{domain}"):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _folder(path: str) -> str:
    """The default path of a cookie: the folder of the page that set it."""
    folder = path.partition("?")[0].rpartition("/")[0]
    return folder or "/"


def _bare(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value
