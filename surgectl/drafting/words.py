"""The words by which people who build shops call things: basket, queue, pay, thank you."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from surgectl.profile.step import Role


def words_of(text: str) -> set[str]:
    """`addItemToOrder/line_items` → {add, item, to, order, line, items}."""
    found: set[str] = set()
    for run in re.findall(r"[^\W\d_]+", text):
        parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", run) if run.isascii() else [run]
        found |= {part.lower() for part in parts}
    return found


_ROLES: tuple[tuple[Role, frozenset[str]], ...] = (
    ("join", frozenset({"queue", "line", "join", "waiting", "lobby", "turns", "turn", "enqueue", "waitingroom"})),
    ("hold", frozenset("hold holds reserve reservation reservations basket baskets cart carts bag seats seat".split())),
    ("hold", frozenset("tickets ticket items item add lines allocation lock".split())),
)
_PAY = frozenset(
    "pay payment payments checkout order orders purchase purchases buy place complete confirm charge submit".split()
)
CONFIRMS = frozenset(
    "thank thanks thankyou confirmed confirmation success successful succeeded complete completed receipt paid danke "
    "merci gracias grazie obrigado dank bedankt tack takk tak kiitos dziękujemy děkujeme teşekkürler спасибо done "
    "placed purchased booked bestätigt bestellbestätigung buchungsbestätigung confirmée confirmé confirmado confirmada "
    "confermato bevestigd bekräftad".split()
)
STATES_DONE = frozenset(
    "confirmed paid settled completed complete success succeeded successful done placed paymentsettled fulfilled "
    "captured purchased issued booked".split()
)
_STATES = frozenset("state status phase stage result outcome lifecycle".split())
FLAG_NAMES = frozenset("ok success ready done admitted paid confirmed".split())
QTY = re.compile(r"(?i)^(item_?)?(qty|quantity|quantities|count|tickets|ticket_?count|num_?tickets|pieces|anzahl)$")
TOKENS = re.compile(r"(?i)csrf|xsrf|token|nonce|authenticity|verification|viewstate|_key$|^key$|signature|session")
SECRETS = re.compile(r"(?i)passw|passwd|^pwd$|secret|api_?-?key|access_?token|auth|credential|^pin$")
PASSWORDS = re.compile(r"(?i)passw|passwd|^pwd$|^pin$|kennwort|contrase|mot_?de_?passe")
CARDS = re.compile(
    r"(?i)card.?(number|no|num)\b|^cc.?(number|no|num)$|^(number|pan|cvc|cvv|cvc2|csc)$|security.?code|(^|[_\-.])cv[cv]"
)
CAPTCHA = re.compile(r"(?i)captcha|turnstile")
IDEMPOTENCY = re.compile(r"(?i)^(x-)?idempotency[-_]?(key|token|id)$|^(request|client)[-_]?(id|key)$")
NOISE = frozenset(
    "analytics beacon collect telemetry metrics rum csp track tracking pixel log logs sentry consent vitals envelope "
    "jserrors impression impressions".split()
)
_WATCHERS = frozenset(
    "analytics telemetry metrics sentry stats collector beacon doubleclick googletagmanager googleadservices hotjar "
    "mixpanel newrelic datadoghq clarity segment amplitude fullstory matomo plausible launchdarkly adservice".split()
)
"""Hosts whose only trade is to watch."""
LOGINS = frozenset("login signin logon authenticate authentication auth oauth sessions session token tokens".split())
REGISTERS = frozenset("register registration signup join create new guest".split())
AFTERWARDS = frozenset(
    "newsletter subscribe logout signout feedback survey rating preferences heartbeat keepalive ping share".split()
)
"""What people are asked when all is bought."""
PASSES = frozenset("pass token ticket admission access turn permit grant".split())
SEATS = frozenset("seat seats place places chair chairs row table spot spots".split())


def is_state(name: str) -> bool:
    """`state`, `orderStatus`, `payment_state`, GraphQL's `__typename`: what says how far something has come."""
    return name == "__typename" or bool(words_of(name) & _STATES)


def role_words(path: str, operation: str = "") -> tuple[Role, bool]:
    """What a POST there probably is, and whether the words say so (else it is a guess by position)."""
    words = words_of(f"{unquote(path)} {operation}")
    for role, known in _ROLES:
        if words & known:
            return role, True
    return ("pay", True) if words & _PAY else ("browse", False)


def pay_words(path: str, operation: str = "") -> bool:
    return bool(words_of(f"{unquote(path)} {operation}") & _PAY)


def is_noise(url: str) -> bool:
    """A page that reports how it is looked at: no part of a purchase."""
    parts = urlsplit(url)
    return bool(words_of(parts.path) & NOISE or words_of(parts.hostname or "") & _WATCHERS)


def a_name(text: str, otherwise: str = "value") -> str:
    """Any text as the name of a variable: `X-CSRF-Token` → x_csrf_token, `holdId` → hold_id."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    text = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()[:40].strip("_")
    return text if re.fullmatch(r"[a-z_][a-z0-9_]*", text) else (f"v_{text}" if text else otherwise)


def singular(word: str) -> str:
    """orders → order, entries → entry."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def id_like(text: str) -> bool:
    """Something that a machine made up: long enough, with digits, without spaces."""
    if not 6 <= len(text) <= 4_000 or re.search(r"\s", text) or not re.search(r"[0-9]", text):
        return False
    if re.fullmatch(r"\d{4}-\d\d-\d\d(T.*)?", text) or re.fullmatch(r"[\d.,]+", text) and len(text) < 8:
        return False
    return bool(re.search(r"[A-Za-z]", text)) or (text.isdigit() and len(text) >= 8)


UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?\.[A-Za-z]{2,24}")
JWT = re.compile(r"eyJ[\w-]{6,}\.[\w-]{4,}\.[\w-]*")


def is_card(text: str) -> bool:
    """Thirteen to nineteen digits with the check digit of a card (ISO/IEC 7812, Luhn)."""
    digits = re.sub(r"[ -]", "", text)
    if not (digits.isascii() and digits.isdigit() and 13 <= len(digits) <= 19):
        return False
    total = 0
    for index, char in enumerate(reversed(digits)):
        digit = int(char) * (1 + index % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0
