"""Tells the purchase from everything else that a browser fetches: pictures, scripts, trackers, other people's sites."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

import msgspec

from surgectl.drafting.exchange import Exchange
from surgectl.drafting.graphql import operation_of
from surgectl.drafting.words import id_like, is_noise, pay_words, role_words

_ASSET_KINDS = frozenset(
    "stylesheet image font script media manifest texttrack favicon preflight ping beacon csp-violation-report "
    "cspviolationreport eventsource websocket prefetch signedexchange".split()
)
_ASSET_MIMES = re.compile(r"(image|font|audio|video)/|text/css|javascript|ecmascript|wasm|font-woff|manifest\+json")
_ASSET_NAMES = re.compile(
    r"(?i)\.(css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp[34]|webm|webmanifest)$"
)
_MOST = 400
"""Exchanges that are looked at closely: a purchase has some dozens."""


class Sifted(msgspec.Struct, frozen=True, kw_only=True):
    """What is worth looking at, and whose it is."""

    shop: str
    """The shop's origin; empty where nothing was asked of anybody."""
    origins: dict[str, str]
    """Name → origin, of others who take part in the purchase."""
    kept: tuple[Exchange, ...]
    left_out: tuple[str, ...]
    """In words, for people."""
    refused: Exchange | None = None
    """The last thing that was to buy, where the shop refused it."""


def sift(exchanges: tuple[Exchange, ...]) -> Sifted:
    """Keep the shop's pages and calls, and those of others that the shop's own calls depend on."""
    left: list[str] = []
    asked = [one for one in exchanges if not _is_asset(one)]
    pushes = [one for one in exchanges if one.pushes]
    assets = len(exchanges) - len(asked) - len(pushes)
    if assets:
        left.append(f"{assets} pictures, scripts, styles and other files that pages are made of")
    lost = [one for one in asked if one.status == 0 or one.method in ("OPTIONS", "CONNECT", "TRACE")]
    asked = [one for one in asked if one.status and one.method in _METHODS]
    if lost:
        left.append(f"{len(lost)} requests that got no reply or only asked for permission")
    shop = _shop(asked)
    others = {one.origin for one in asked} - {shop}
    parties = {origin for origin in others if _takes_part(origin, shop, asked)}
    ours = {site_of(origin) for origin in (shop, *parties)}
    heard = [one for one in pushes if site_of(one.origin) in ours and not is_noise(one.url)]
    strangers = Counter(host_of(one.url) for one in asked if one.origin in others - parties)
    strangers.update(host_of(one.url) for one in pushes if one not in heard)
    if strangers:
        shown = ", ".join(sorted(strangers)[:8]) + (f" and {len(strangers) - 8} more" if len(strangers) > 8 else "")
        left.append(f"requests to third parties: {shown}")
    kept = [one for one in asked if one.origin == shop or one.origin in parties]
    noise = [one for one in kept if one.method != "GET" and not one.is_document and is_noise(one.url)]
    failed = [one for one in kept if one.status >= 400 and one not in noise]
    if noise:
        left.append(f"{len(noise)} reports of the page about its visitor (analytics, logs)")
    if failed:
        left.append(f"{len(failed)} requests that were refused (4xx, 5xx)")
    gone = {one.number for one in (*noise, *failed)}
    staying = {id(one) for one in kept if one.number not in gone} | {id(one) for one in heard}
    kept = [one for one in exchanges if id(one) in staying]
    if len(kept) > _MOST:
        left.append(f"the first {len(kept) - _MOST} requests: the last {_MOST} were looked at")
        kept = kept[-_MOST:]
    parties |= {one.origin for one in heard} - {shop}
    buying = [one for one in asked if one in failed and _sounds_like_buying(one)] + [one for one in kept if _buys(one)]
    last = max(buying, key=lambda one: exchanges.index(one), default=None)
    return Sifted(
        shop=shop,
        origins=_names(sorted(parties)),
        kept=tuple(kept),
        left_out=tuple(left),
        refused=last if last in failed else None,
    )


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def host_of(url: str) -> str:
    """The host of a URL, for people."""
    return urlsplit(url).hostname or "?"


def _is_asset(one: Exchange) -> bool:
    if one.kind in _ASSET_KINDS or one.status == 101:
        return True
    if one.method != "GET" or one.kind in ("document", "xhr", "fetch"):
        return False
    return bool(_ASSET_MIMES.match(one.reply_mime) or "javascript" in one.reply_mime or _ASSET_NAMES.search(one.path))


def site_of(origin: str) -> str:
    """What belongs together, roughly: shop.example of api.shop.example. An address of a machine is its own site.

    (Exactly it is the Public Suffix List that says it; here a short second level below a country is taken for one.)
    """
    host = host_of(origin)
    parts = host.split(".")
    if len(parts) < 3 or ":" in host or parts[-1].isdigit():
        return host if len(parts) == 2 and not parts[-1].isdigit() else origin
    return ".".join(parts[-3:] if len(parts[-1]) == 2 and len(parts[-2]) <= 3 else parts[-2:])


def _shop(asked: list[Exchange]) -> str:
    """The origin that was asked most; pages, changes, and above all what sounds like buying weigh more."""
    weights: Counter[str] = Counter()
    for one in asked:
        if is_noise(one.url):
            weights[one.origin] += 0
            continue
        weights[one.origin] += 3 if one.is_document else 0
        weights[one.origin] += 2 if one.method != "GET" else 1
        weights[one.origin] += 4 if _buys(one) else 0
    pages = {one.origin for one in asked if one.is_document}
    for origin in set(weights) - pages if pages else ():
        if not any(one.origin == origin and _buys(one) for one in asked):
            weights[origin] = min(weights[origin], 2)
    return max(weights, key=lambda origin: weights[origin]) if weights else ""


def _buys(one: Exchange) -> bool:
    """Something was changed, and by the words of its path it was a basket, an order, a payment."""
    return 200 <= one.status < 400 and _sounds_like_buying(one)


def _sounds_like_buying(one: Exchange) -> bool:
    if one.method == "GET" or is_noise(one.url):
        return False
    operation = operation_of(one)
    return role_words(one.path, operation)[1] or pay_words(one.path, operation)


def _takes_part(origin: str, shop: str, asked: list[Exchange]) -> bool:
    """Was the browser sent there as a page; do the shop and they hand each other values; are they the shop's own?"""
    theirs = [one for one in asked if one.origin == origin and one.status < 400]
    if any(one.is_document and one.method != "GET" for one in theirs):
        return True
    changing = [one for one in theirs if one.method != "GET" and not is_noise(one.url)]
    if site_of(origin) == site_of(shop) and (changing or any(one.is_document for one in theirs)):
        return True
    if any(_buys(one) and "json" in one.reply_mime for one in changing) and _gave(shop, changing, asked):
        return True
    said = [one for one in theirs if not one.is_html and one.reply]
    for one in said[:50]:
        for later in asked:
            if later.number > one.number and later.origin == shop:
                if any(value in one.reply for value in _told(later)):
                    return True
    return False


def _gave(shop: str, changing: list[Exchange], asked: list[Exchange]) -> bool:
    """Did they get something that the shop had said before?"""
    for one in changing[:10]:
        before = [early.reply for early in asked if early.origin == shop and early.number < one.number and early.reply]
        if any(value in reply for value in _told(one)[:20] for reply in before[-60:]):
            return True
    return False


def _told(one: Exchange) -> list[str]:
    """The values of a request that a machine made up: of its body, and of the headers and paths of its own."""
    values = [value for _, value in one.form] or re.findall(r'"([^"\\]{8,200})"', one.body[:50_000])
    values += [value for name, value in one.headers if name.startswith("x-")]
    values += [value.partition(" ")[2] for name, value in one.headers if name == "authorization"]
    values += one.segments if one.method != "GET" else [value for _, value in one.query]
    return [value for value in values[:200] if len(value) >= 8 and id_like(value)]


def _names(origins: list[str]) -> dict[str, str]:
    """A short word for each: pay.example → pay."""
    names: dict[str, str] = {}
    for origin in origins:
        host = host_of(origin)
        parts = host.split(".")
        word = parts[-2] if len(parts) > 1 and not host.replace(".", "").isdigit() and ":" not in host else "gateway"
        word = re.sub(r"[^A-Za-z0-9-]", "-", word).strip("-") or "gateway"
        name, number = word, 2
        while name in names:
            name, number = f"{word}-{number}", number + 1
        names[name] = origin
    return names
