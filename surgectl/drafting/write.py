"""Writes a draft down as a target file that a person will finish: YAML with the doubts beside the values.

Values are quoted so that any text at all comes back as it was (YAML 1.2.2 §5.7, §7.3); what a recording says never
ends a line, a comment or a quotation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from surgectl.drafting.draft import Draft, DraftPoll, DraftStep, Line, Named
from surgectl.text import one_line

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_WIDE = 118
_LONG_KEY = 500

EVIDENCE = """
# The books: where this shop's orders, tickets, charges are read when all is over. Without them nothing can be proved.
# Take the kinds that your shop can give; `surgectl check` says which invariants each one buys.
#   orders    OVERSELL, LOST_TICKET, DUPORDER, LIMIT: sold more than there is; told "yours" and not in the books; twice
#   tickets   SEAT2: one seat, two tickets
#   stock     CONSERVE, with holds LEAK and UNDERSELL: the counter lost or invented some
#   charges   with orders DUPCHARGE, CHARGED_NO_TICKET, AMOUNT, REFUND: money and tickets agree
#   requests  AMP_PAY, IDEM_MISMATCH: how often the payment provider was really asked
# evidence:
#   orders:
#     sql:
#       dsn: "${SHOP_DSN}"                # postgresql://reader:…@host/shop: a user that may only read
#       query: "SELECT number, email, status, quantity, total FROM orders WHERE email LIKE :ours"
#       params: {ours: "fan-{run}-%"}     # this rehearsal's fans alone
#     row: {order: number, state: status, qty: quantity, amount: {from: total, money: major EUR}}
#     states: {valid: [paid], pending: [open], void: [cancelled]}      # every state that occurs must stand here
#     key: [email]                        # the column that holds a minted value: whose order it is
#   charges:
#     stripe: {base_url: "${PSP_URL}", secret: "${PSP_KEY}"}
#     key: [metadata.email, metadata.order -> orders.order]
#   stock:
#     http: {get: /api/admin/stock}
#     row: {capacity: capacity, available: available}
"""


def write(draft: Draft) -> str:
    """The draft as the text of a target file; it ends with a line break."""
    return "\n".join(_file(draft)) + "\n"


def quoted(text: str) -> str:
    """One YAML scalar that reads back as exactly this text, on one line."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable() and text and "'" not in text and ('"' in text or "\\" in text):
        return f"'{text}'"
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char.isprintable():
            out.append(char)
        else:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")
    return f'"{"".join(out)}"'


def flow(value: Any) -> str:
    """Any JSON value in YAML's flow style, on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            text = str(value)
            return text if len(text) <= 30 else quoted(text)
        case float():
            return repr(value) if math.isfinite(value) and "e" not in repr(value) else quoted(repr(value))
        case dict():
            return "{" + ", ".join(f"{_key(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(item) for item in value) + "]"
        case _:
            return quoted(str(value))


def _key(name: str) -> str:
    """A name in a flow mapping; a long one needs the mark of a key before it (YAML 1.2.2 §7.4.2: 1024 characters)."""
    shown = quoted(name)
    return shown if len(shown) < _LONG_KEY else f"? {shown} "


def _file(draft: Draft) -> Iterator[str]:
    yield f"# Drafted by {_said(draft.made_by)}. It sells tickets to one fan as it was seen; finish it with"
    yield "#   surgectl check FILE          is it right, what can it prove?"
    yield "#   surgectl check FILE --try    one fan, step by step: the request, the reply, the rule that matched"
    yield '# "# ?" marks what was guessed, and why. The language: docs/target-language.md'
    if draft.checks:
        yield "#"
        yield "# Check these first:"
        for number, check in enumerate(draft.checks, 1):
            yield f"#   {number}. {_said(check)}"
    if draft.left_out:
        yield "#"
        for left in draft.left_out:
            yield f"# Left out: {_said(left)}"
    yield "surgectl-target: 1"
    yield f"name: {quoted(draft.name)}"
    if draft.about:
        yield f"about: {quoted(draft.about)}"
    yield ""
    yield f"base_url: {quoted(draft.base_url)}"
    if draft.host:
        yield f"# allow: [{quoted(draft.host)}]     # ? not this machine: only if it is yours to storm (else exit 13)"
    if draft.origins:
        yield "origins:"
        for name, url in draft.origins.items():
            yield f"  {quoted(name)}: {quoted(url)}"
    yield from _named("headers", draft.headers, "")
    yield "cookies: per-fan"
    if draft.mint:
        yield "# What is each fan's own. In the shop's books it says whose a row is: put it where it travels as data."
        yield from _named("mint", draft.mint, "")
    if draft.logins:
        yield "logins:"
    for login in draft.logins:
        yield _doubting(f"  {quoted(login.name)}:", login.doubt)
        yield "    steps:"
        for asked in login.steps:
            yield f"      - {flow(asked)}"
        if login.expires is not None:
            yield f"    expires: {flow(login.expires)}"
    yield "# How long the shop holds tickets, waits for a payment, reconciles: the settling window follows from it."
    yield "# promises: {hold_ttl: 10m, payment_timeout: 10s, payment_tries: 3, reconcile_every: 5s}     # ? not seen"
    yield "# What the shop reaches through a proxy of ours, so that it can brown out."
    yield '# links: {payments: {upstream: "pay.internal:443", listen: "127.0.0.1:9101", speaks: tcp}}    # ? not seen'
    yield ""
    yield "journey:"
    for number, step in enumerate(draft.steps):
        if number:
            yield ""
        yield from _step(step, "  ")
    if draft.status:
        yield ""
        yield "flows:"
        yield "  # Looked at again after the purchase and once all has settled: knowledge, never an attempt."
        yield "  status:"
        for step in draft.status:
            yield from _step(step, "    ")
    yield from EVIDENCE.rstrip("\n").split("\n")


def _step(step: DraftStep, at: str) -> Iterator[str]:
    for note in step.notes:
        yield f"{at}# {_said(note)}"
    yield f"{at}- step: {quoted(step.name)}"
    inner = at + "  "
    if step.role != "browse" or step.role_doubt:
        yield _doubting(f"{inner}role: {step.role}", step.role_doubt)
    if step.only is not None:
        yield f"{inner}only: {flow(step.only)}"
    yield from _request(step.request, inner)
    yield from _lines("outcomes", step.outcomes, inner)
    yield from _named("take", step.take, inner)
    yield from _named("claims", step.claims, inner)
    if step.poll is not None:
        yield from _poll(step.poll, inner)


def _poll(poll: DraftPoll, at: str) -> Iterator[str]:
    yield _doubting(f"{at}{'await' if poll.pushed else 'poll'}:", poll.doubt)
    inner = at + "  "
    yield from _request(poll.request, inner)
    if not poll.pushed:
        yield f"{inner}every: {poll.every}"
        if poll.hint is not None:
            yield f"{inner}hint: {flow(poll.hint)}"
    yield f"{inner}within: {'10m' if poll.pushed else '2m'}"
    yield from _lines("outcomes", poll.outcomes, inner)
    yield from _named("take", poll.take, inner)
    yield from _named("claims", poll.claims, inner)


def _request(request: dict[str, Any], at: str) -> Iterator[str]:
    for key, value in request.items():
        line = f"{at}{key}: {flow(value)}"
        if len(line) > _WIDE and isinstance(value, dict) and value and max(len(str(name)) for name in value) < 100:
            yield f"{at}{key}:"
            for name, item in value.items():
                yield f"{at}  {quoted(str(name))}: {flow(item)}"
        else:
            yield line


def _lines(title: str, lines: Iterable[Line], at: str) -> Iterator[str]:
    lines = list(lines)
    awake = any(not line.asleep for line in lines)
    if lines:
        yield f"{at}{title}:" if awake else f"{at}# {title}:"
    for line in lines:
        text = f"- {flow(line.value)}"
        yield _doubting(f"{at}  # {text}" if line.asleep else f"{at}  {text}", line.doubt)


def _named(title: str, named: Iterable[Named], at: str) -> Iterator[str]:
    named = list(named)
    awake = any(not one.asleep for one in named)
    if named:
        yield f"{at}{title}:" if awake else f"{at}# {title}:"
    for one in named:
        text = f"{quoted(one.name)}: {flow(one.value)}"
        yield _doubting(f"{at}  # {text}" if one.asleep else f"{at}  {text}", one.doubt)


def _doubting(line: str, doubt: str) -> str:
    return f"{line}     # ? {_said(doubt)}" if doubt else line


def _said(text: str) -> str:
    """Text for a comment: it can neither end the line nor hide in it."""
    return "".join(char if char.isprintable() else "?" for char in one_line(text, 300))
