"""What was planned, and what really happened: how many fans came, of which kind, and how many tickets went out."""

from __future__ import annotations

import msgspec

from surgectl.audit.books import lay, readings
from surgectl.profile.values import Share
from surgectl.recording.manifest import Manifest
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S


class PhaseHappened(msgspec.Struct, frozen=True, kw_only=True):
    """The arrivals of one phase. `planned` is `came` + `dropped` + `paused` + those who were never due: a run ended."""

    name: str
    from_s: float
    to_s: float
    planned: int
    came: int
    late: int
    """Of those who came: later than the profile's `generator.late_at_most`."""
    dropped: int
    """Could not be sent in time: our own doing."""
    paused: int
    """Did not come because somebody had paused the arrivals by hand."""

    @property
    def missing(self) -> int:
        """Planned, and neither came nor were given up on: the run ended before them, or a worker was lost."""
        return max(0, self.planned - self.came - self.dropped - self.paused)


class KindHappened(msgspec.Struct, frozen=True, kw_only=True):
    """How many fans of one retry profile came."""

    profile: str
    planned_share: float | None
    """Of all fans; None: the plan knows no such profile."""
    came: int
    share: float


class Unnamed(msgspec.Struct, frozen=True, kw_only=True):
    """Replies that no rule of the target names: whether anything happened then, nobody knows."""

    step: str
    status: int
    said: str
    """The beginning of one of them."""
    replies: int
    fans: int


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One run beside its plan."""

    phases: list[PhaseHappened]
    kinds: list[KindHappened]
    tickets: int | None
    """That exist, as the profile says."""
    sold: int | None
    """Valid ones in the shop's books; None: it shows neither tickets nor orders."""
    told: int
    """That fans were told they have."""
    unnamed: list[Unnamed] = []
    """The most frequent ones first."""
    lost: int = 0
    """Fans who left without knowing, and whose last word from the shop was such a reply."""


def happened(relations: Relations, manifest: Manifest, *, late_at_most_ns: int = NS_PER_S) -> Happened:
    """Count the recording beside its manifest."""
    lay(relations)
    came = {
        phase: (int(fans), int(late))
        for phase, fans, late in relations.rows(
            "SELECT phase, count(*), count(*) FILTER (at_ns - due_ns > ?) FROM intents GROUP BY phase",
            [late_at_most_ns],
        )
    }
    phases = []
    for phase in manifest.phases:
        dropped, paused = relations.one(
            """SELECT count(*) FILTER (why <> 'paused'), count(*) FILTER (why = 'paused') FROM dropped
               WHERE fan >= ? AND fan < ?""",
            [phase.first_fan, phase.first_fan + phase.fans],
        )
        fans, late = came.get(phase.name, (0, 0))
        phases.append(
            PhaseHappened(
                name=phase.name,
                from_s=phase.start_ns / NS_PER_S,
                to_s=phase.end_ns / NS_PER_S,
                planned=phase.fans,
                came=fans,
                late=late,
                dropped=int(dropped),
                paused=int(paused),
            )
        )
    (told,) = relations.one(
        """SELECT coalesce(sum(qty), 0) FROM (SELECT max(qty) AS qty FROM tolds
             WHERE "end" = 'confirmed' AND outcome = 'ok' GROUP BY intent)"""
    )
    sold = None
    if {"tickets", "orders"} & readings(relations).keys():
        (sold,) = relations.one("SELECT coalesce(sum(valid_qty), 0) FROM book_orders")
    return Happened(
        phases=phases,
        kinds=_kinds(relations, manifest),
        tickets=manifest.sale.tickets if manifest.sale else None,
        sold=None if sold is None else int(sold),
        told=int(told),
        unnamed=_unnamed(relations),
        lost=_lost(relations),
    )


def _unnamed(relations: Relations) -> list[Unnamed]:
    # Numbers and ids differ from reply to reply: what is the same without them is one thing.
    rows = relations.rows(
        """SELECT step, coalesce(status, 0), min(detail), count(*), count(DISTINCT intent)
           FROM attempts WHERE why = 'unmatched' AND NOT poll
           GROUP BY step, status, regexp_replace(detail, '[0-9a-fA-F-]*[0-9][0-9a-fA-F-]*', '#', 'g')
           ORDER BY count(*) DESC, step, status, 3 LIMIT 12"""
    )
    return [
        Unnamed(step=step, status=int(status), said=detail.partition(": ")[2], replies=int(replies), fans=int(fans))
        for step, status, detail, replies, fans in rows
    ]


def _lost(relations: Relations) -> int:
    (lost,) = relations.one(
        """SELECT count(DISTINCT intent) FROM lefts JOIN (
             SELECT intent, arg_max(why, done_ns) AS why FROM attempts WHERE done_ns IS NOT NULL GROUP BY intent
           ) USING (intent) WHERE outcome = 'info' AND why = 'unmatched'"""
    )
    return int(lost)


def _kinds(relations: Relations, manifest: Manifest) -> list[KindHappened]:
    planned = {str(name): _share(share) for name, share in dict(manifest.rehearsal.get("fans") or {}).items()}
    came = {name: int(n) for name, n in relations.rows("SELECT profile, count(*) FROM intents GROUP BY profile")}
    total = sum(came.values())
    names = dict.fromkeys([*planned, *sorted(came)])
    return [
        KindHappened(
            profile=name,
            planned_share=planned.get(name),
            came=came.get(name, 0),
            share=round(came.get(name, 0) / total, 6) if total else 0.0,
        )
        for name in names
    ]


def _share(text: object) -> float | None:
    try:
        return round(float(Share.parse(str(text))), 6)
    except ValueError:  # a recording of somebody else's making
        return None
