"""A fan's cookie jar: what a shop set comes back as it came, and to that shop alone."""

from __future__ import annotations

from aiohttp import CookieJar
from yarl import URL

from surgectl.engine.drivers.redirect import Headers


class Jar:
    """The cookies of one fan, for every host that set some."""

    __slots__ = ("_jar",)

    def __init__(self) -> None:
        # unsafe: shops in tests live on IP addresses. Values travel back as they came.
        self._jar = CookieJar(unsafe=True, quote_cookie=False)

    def fill(self, said: list[str], url: URL) -> None:
        """Keep what the Set-Cookie lines of a reply from `url` say."""
        self._jar.update_cookies_from_headers(said, url)

    def values(self, url: URL) -> dict[str, str]:
        """Name and value of each cookie that belongs to this URL."""
        return {name: morsel.value for name, morsel in self._jar.filter_cookies(url).items()}

    def onto(self, headers: Headers, url: URL) -> Headers:
        """The headers with this URL's cookies, beside any that the target itself spells out."""
        fitting = self._jar.filter_cookies(url)
        if not fitting:
            return headers
        # A browser returns a value exactly as it came, quotes and all: filter_cookies has lost them, the jar has not.
        verbatim = {(morsel.key, morsel.value): morsel.coded_value for morsel in self._jar}
        pairs = [f"{name}={verbatim.get((name, morsel.value), morsel.value)}" for name, morsel in fitting.items()]
        own = [value for name, value in headers if name.lower() == "cookie"]
        rest = tuple(pair for pair in headers if pair[0].lower() != "cookie")
        return (*rest, ("Cookie", "; ".join(own + pairs)))


def set_cookies(headers: Headers) -> list[str]:
    """The Set-Cookie lines of a reply."""
    return [value for name, value in headers if name.lower() == "set-cookie"]
