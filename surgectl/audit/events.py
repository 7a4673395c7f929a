"""What happened in a run, and to whom, by the names that a threshold counts it by.

`count(shed)`, `rate(confirmed)` and the curves of a report read the same instants: each name is one query.
"""

from __future__ import annotations

from surgectl.recording.relations import Relations

_EVENTS = {
    "arrived": "SELECT at_ns, intent FROM intents",
    "dropped": "SELECT due_ns AS at_ns, NULL AS intent FROM dropped WHERE why <> 'paused'",
    "paused": "SELECT due_ns AS at_ns, NULL AS intent FROM dropped WHERE why = 'paused'",
    "sent": "SELECT sent_ns AS at_ns, intent FROM attempts WHERE sent_ns IS NOT NULL AND method <> ''",
    "info": "SELECT done_ns AS at_ns, intent FROM attempts WHERE outcome = 'info' AND NOT poll",
    "not-sent": "SELECT done_ns AS at_ns, intent FROM attempts WHERE why = 'not-sent'",
    "shed": "SELECT done_ns AS at_ns, intent FROM attempts WHERE why = 'shed' OR \"then\" = 'shed'",
    "paid": "SELECT min(at_ns) AS at_ns, intent FROM attempts WHERE role = 'pay' AND NOT poll GROUP BY intent",
    "confirmed": """SELECT min(at_ns) AS at_ns, intent FROM tolds
        WHERE "end" = 'confirmed' AND outcome = 'ok' GROUP BY intent""",
    "joined": "SELECT min(at_ns) AS at_ns, intent FROM tolds WHERE role = 'join' AND outcome = 'ok' GROUP BY intent",
    "held": "SELECT min(at_ns) AS at_ns, intent FROM tolds WHERE role = 'hold' AND outcome = 'ok' GROUP BY intent",
    "resolved": """SELECT min(at_ns) AS at_ns, intent FROM lefts
        WHERE outcome <> 'info' AND "end" <> 'accepted' GROUP BY intent""",
}
"""Name → its instants on the run's clock, and whose: for count() and rate()."""
KNOWN_ENDS = ("accepted", "sold-out", "declined", "limit", "gone", "refused")
"""Ends that a fan may be told in any shop; the others are those that were told."""


def instants_of(relations: Relations, event: str) -> str | None:
    """SQL: the instants of an event (`at_ns`) and whose each is (`intent`); None = nothing is called so."""
    if event in _EVENTS:
        return _EVENTS[event]
    if event in KNOWN_ENDS or event in ends_told(relations):
        said = event.replace("'", "''")
        return f"""SELECT min(at_ns) AS at_ns, intent FROM tolds
                WHERE "end" = '{said}' AND NOT status_read GROUP BY intent"""
    return None


def ends_told(relations: Relations) -> list[str]:
    """The ends that fans were told, in the order of their names."""
    return [row[0] for row in relations.rows('SELECT DISTINCT "end" FROM tolds ORDER BY 1')]


def arrivals(relations: Relations) -> int:
    """Everybody who was due; whom somebody paused by hand was not."""
    whole = "SELECT (SELECT count(*) FROM intents) + (SELECT count(*) FROM dropped WHERE why <> 'paused')"
    return int(relations.one(whole)[0])
