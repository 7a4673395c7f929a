"""What the answers of a shop's description mean: which sell, which refuse, and which only say later."""

from __future__ import annotations

import re
from typing import Any

from surgectl.drafting import words
from surgectl.drafting.described import Document, Operation, listed
from surgectl.drafting.draft import Line
from surgectl.drafting.literal import literal
from surgectl.profile.step import Role


def outcomes(doc: Document, one: Operation, role: Role) -> tuple[list[Line], bool]:
    """Rules from the documented answers, and whether one of them means: ask again."""
    good: list[Line] = []
    bad: list[Line] = []
    polled = False
    for status, told in doc.map(one.about.get("responses")).items():
        code = str(status)
        about = doc.map(told)
        if re.fullmatch(r"2\d\d|2[xX]{2}", code):
            pending = code == "202"
            polled |= pending
            effect = {"then": "poll"} if pending else {"end": "confirmed"} if role == "pay" else {"then": "next"}
            when = {"status": int(code) if code.isdigit() else "2xx"}
            doubt = "does this answer say that the tickets are sold?" if role == "pay" and not pending else ""
            good.append(Line(value={"when": when, **effect}, doubt=doubt))
        elif re.fullmatch(r"[45]\d\d", code):
            bad += _refusals(doc, int(code), about)
    if not good:
        effect = {"end": "confirmed"} if role == "pay" else {"then": "next"}
        good.append(Line(value={"when": {"status": "2xx"}, **effect}, doubt="no success is documented"))
    return [*good, *bad], polled


def _refusals(doc: Document, status: int, about: dict[str, Any]) -> list[Line]:
    """The error codes that an answer documents, each with the end that its words mean."""
    said = str(about.get("description") or "")
    lines: list[Line] = []
    for path, code in _codes(doc, about):
        end = end_of(f"{code} ")
        if end is not None:
            when = {"status": status, "json": {path: code}}
            lines.append(Line(value={"when": when, "end": end}, doubt=f"by the word {code}"))
    if lines:
        return lines
    if status in (429, 503):
        shed = {"when": {"status": status}, "then": "shed", "hint": {"header": "Retry-After"}}
        return [Line(value=shed, asleep=True, doubt="only if such a refusal means: nothing was done")]
    end = end_of(said) or {402: "declined", 410: "gone"}.get(status)
    if end is not None:
        return [Line(value={"when": {"status": status}, "end": end}, doubt=f"documented as: {said[:80] or status}")]
    if status in (400, 401, 403, 404, 405, 406, 415) or status >= 500:
        return []
    value = {"when": {"status": status}, "end": "refused"}
    return [Line(value=value, asleep=True, doubt=f"documented as: {said[:80] or status}")]


def _codes(doc: Document, about: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for mime, told in doc.map(about.get("content")).items():
        if "json" not in str(mime):
            continue
        media = doc.map(told)
        values = [
            doc.example(media),
            *(doc.map(one).get("value") for one in doc.map(media.get("examples")).values()),
        ]
        for value in values:
            for name in ("code", "error", "errorCode", "error_code", "type", "reason"):
                if isinstance(value, dict) and isinstance(value.get(name), str) and len(value[name]) <= 80:
                    found.append((name, literal(value[name])))
                    break
        for name, inner in doc.map(doc.map(media.get("schema")).get("properties")).items():
            if name in ("code", "error", "errorCode", "error_code", "reason"):
                enum = listed(doc.map(inner).get("enum"))
                found += [(name, literal(one)) for one in enum if isinstance(one, str) and len(one) <= 80]
    return list(dict.fromkeys(found))[:12]


def end_of(said: str) -> str | None:
    """sold out → sold-out; card declined → declined …"""
    parts = words.words_of(said)
    if parts & {"sold", "soldout", "stock", "unavailable", "exhausted"}:
        return "sold-out"
    if parts & {"declined", "card", "funds", "refused"} or {"payment", "failed"} <= parts or parts == {"failed"}:
        return "declined"
    if parts & {"limit", "exceeded", "maximum"}:
        return "limit"
    if parts & {"expired", "gone", "lapsed"}:
        return "gone"
    return None
