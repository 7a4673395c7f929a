"""Finds the way to a ticket in a shop's own description: which operation buys, and what must be done before."""

from __future__ import annotations

import re

from surgectl.drafting import words
from surgectl.drafting.described import Document, Operation, is_json, listed
from surgectl.profile.step import Role

_BUYS: dict[Role, dict[str, float]] = {
    "join": dict.fromkeys("queue line waiting lobby waitingroom enqueue".split(), 3.0) | {"join": 2.0},
    "hold": dict.fromkeys("hold holds reserve reservation reservations lock allocate".split(), 4.0)
    | dict.fromkeys("basket baskets cart carts bag items item".split(), 2.0)
    | dict.fromkeys("seats seat tickets ticket add".split(), 1.0),
    "pay": dict.fromkeys("checkout purchase purchases buy complete place".split(), 4.0)
    | dict.fromkeys("confirm finalize finalise".split(), 3.0)
    | dict.fromkeys("pay payment payments order orders booking bookings submit".split(), 2.5),
}
_HOUSE = frozenset(
    "admin webhook webhooks refund refunds cancel cancellation login auth logout internal backoffice staff report "
    "reports export exports import batch bulk search".split()
)
"""No buyer goes there."""
_BESIDE = frozenset(
    "return returns void capture archive comment comments note notes resend address addresses coupon coupons promotion "
    "promotions method methods session sessions intent intents collection collections fulfillment fulfillments "
    "fulfilment shipment shipments invoice invoices draft drafts transfer claim claims exchange edit edits status "
    "history validate estimate quote preview subscription subscriptions rating review reviews wishlist message "
    "messages file files tag tags settings".split()
)
"""Beside a purchase, seldom the purchase itself."""
_CATALOGUE = frozenset(
    "event events product products show shows performance performances venue venues variant variants sku region "
    "regions store stores shop shops channel channels category categories customer customers user users organizer "
    "organizers organisation organizations merchant merchants tenant tenants".split()
)
"""What is there before anybody buys: no fan makes one."""
_ORDER: tuple[Role, ...] = ("join", "hold", "pay")
_MOST_BEFORE = 4


def journey_of(doc: Document, offered: list[Operation]) -> list[tuple[Operation, Role]]:
    """Join, hold, pay: the likeliest operation for each by its words, and before it what makes the things it names."""
    posts = [one for one in offered if one.method in ("post", "put", "patch") and not _is_the_houses(one)]
    posts = posts or [one for one in offered if one.method != "get"]
    chosen: dict[Role, Operation] = {}
    for role in ("pay", "hold", "join"):
        free = [one for one in posts if one not in chosen.values()]
        scored = [(score(one, role), -number, one) for number, one in enumerate(free)]
        best = max(scored, key=lambda found: found[:2], default=None)
        if best is not None and (best[0] > 0 or role == "pay"):
            chosen[role] = best[2]
    way: list[tuple[Operation, Role]] = []
    for role in _ORDER:
        if role in chosen:
            taken = {one.said for one in chosen.values()} | {one.said for one, _ in way}
            way += [(one, "browse") for one in _before(doc, chosen[role], posts, taken)]
            way.append((chosen[role], role))
    return way


def _is_the_houses(one: Operation) -> bool:
    tags = " ".join(str(tag) for tag in listed(one.about.get("tags"))[:5])
    return bool(words.words_of(f"{one.path} {one.name} {tags}") & _HOUSE)


def score(one: Operation, role: Role) -> float:
    """How much an operation sounds like that: its last word counts twice, the others and its summary less."""
    known = _BUYS[role]
    bare = re.sub(r"\{[^}]*\}", "", one.path)
    last = words.words_of(bare.rstrip("/").rpartition("/")[2])
    both = words.words_of(bare) | words.words_of(one.name)
    said = words.words_of(str(one.about.get("summary") or "")[:200])
    total = 2 * max((known.get(word, 0) for word in last), default=0)
    total += sum(known.get(word, 0) for word in both) + 0.25 * sum(known.get(word, 0) for word in said)
    if total and (last | words.words_of(one.name)) & _BESIDE:
        total -= 6
    return total - 0.1 * one.path.count("{") - (2 if one.method != "post" else 0)


def _before(doc: Document, wanted: Operation, posts: list[Operation], taken: set[str]) -> list[Operation]:
    """What must be made first, the earliest first: a basket before something is put into it."""
    found: list[Operation] = []
    waiting = [wanted]
    while waiting and len(found) < _MOST_BEFORE:
        one = waiting.pop(0)
        for maker in _makers(doc, one, posts):
            if maker.said not in taken:
                taken.add(maker.said)
                found.insert(0, maker)
                waiting.append(maker)
    return found[:_MOST_BEFORE]


def _makers(doc: Document, one: Operation, posts: list[Operation]) -> list[Operation]:
    """The operations that make what its path and the needed fields of its body name."""
    found: list[Operation] = []
    bare = one.path.split("/")
    for at, part in enumerate(bare):
        if at and part.startswith("{") and not bare[at - 1].startswith("{"):
            above = "/".join(bare[:at])
            found += [post for post in posts if post.method == "post" and post.path.rstrip("/") == above]
    for name in _needed(doc, one):
        stem = re.sub(r"_?(id|token|code|number|uuid|ref)$", "", words.a_name(name, ""))
        if stem and stem != words.a_name(name, ""):
            found += [
                post for post in posts if post.method == "post" and _resource(post) == stem and "{" not in post.path
            ]
    return [post for post in found if not words.words_of(_resource(post)) & _CATALOGUE and post.said != one.said]


def _resource(one: Operation) -> str:
    last = re.sub(r"\{[^}]*\}", "", one.path).rstrip("/").rpartition("/")[2]
    return words.singular(words.a_name(last, ""))


def _needed(doc: Document, one: Operation) -> list[str]:
    content = doc.map(doc.map(one.about.get("requestBody")).get("content"))
    for mime, media in content.items():
        if is_json(mime) or "form" in str(mime):
            told = doc.flat(doc.map(media).get("schema"))
            return [name for name in listed(told.get("required"))[:60] if isinstance(name, str)]
    return []
