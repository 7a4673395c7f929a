"""The line in front of the sale, as the fans saw it: between which instants each joined, and was let in.

A reply proves something of an instant between its first byte out and its last byte in, no more. So everybody has two
intervals: joining, by the request that first entered the line, and being let in, from the last request that was
answered "not yet" to the first reply that let them on. What a reply does not say (an error, a page that no rule
names) proves nothing. Who has several tabs is there twice at once: to be overtaken, it takes the tab that was let in
(each tab may have a place of its own); to overtake, the earliest sign that any of them was in line.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from surgectl.recording.relations import Relations
from surgectl.stats.order import NEVER_NS, Instants

_LINE = """
WITH asked AS (
  SELECT intent, tab, op, poll, sent_ns, done_ns, outcome, position,
    outcome = 'ok' AND "then" IN ('next', 'end') AS let_in,
    -- A position of 0 beside "not yet" may already mean inside.
    outcome = 'ok' AND "then" = 'poll' AND coalesce(position, 1) > 0 AS waits
  FROM attempts WHERE role = 'join' AND sent_ns IS NOT NULL AND done_ns IS NOT NULL AND NOT double
), places AS (
  SELECT intent, tab, op, min(done_ns) FILTER (let_in) AS let_in_ns, max(sent_ns) FILTER (waits) AS waits_ns,
    coalesce(max(done_ns) FILTER (outcome = 'ok' AND NOT poll), min(done_ns) FILTER (outcome = 'ok')) AS joined_ns,
    coalesce(max(sent_ns) FILTER (outcome = 'ok' AND NOT poll), min(sent_ns) FILTER (outcome = 'ok')) AS asked_ns,
    count(*) FILTER (poll AND waits) AS waited
  FROM asked GROUP BY intent, tab, op
), fans AS (
  SELECT intent, min(sent_ns) FILTER (outcome <> 'fail') AS came_ns, arg_min(position IS NULL, done_ns)
    FILTER (outcome = 'ok' AND NOT let_in) AS unnumbered
  FROM asked GROUP BY intent
)
SELECT p.intent, f.came_ns, least(p.joined_ns, coalesce(p.let_in_ns, p.joined_ns)) AS joined_ns,
  coalesce(p.waits_ns, p.asked_ns) AS waits_ns, p.let_in_ns, p.waited, coalesce(f.unnumbered, false) AS unnumbered
FROM places p JOIN fans f USING (intent) WHERE p.asked_ns IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY p.intent
  ORDER BY p.let_in_ns NULLS LAST, p.waits_ns DESC NULLS LAST, p.tab, p.op) = 1
ORDER BY f.came_ns, p.intent"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One entry a fan who entered the line, in ns on the run's clock."""

    intents: list[str]
    came_from: Instants
    """First byte of the first request that may have entered the line, in any tab."""
    came_to: Instants
    """Last byte of the reply that says so, in the tab that counts."""
    let_in_from: Instants
    """The last instant that they were outside for certain."""
    let_in_to: Instants
    """The first reply that let them on; NEVER_NS = none did."""
    waited: NDArray[np.bool_]
    """Was answered "not yet" at least once."""
    unnumbered: NDArray[np.bool_]
    """Had no position at first: stood in a pre-queue, where the shop shows positions at all."""
    numbered: bool
    """The shop showed positions."""

    def __len__(self) -> int:
        return len(self.intents)

    @property
    def let_in(self) -> NDArray[np.bool_]:
        return self.let_in_to < NEVER_NS


def line(relations: Relations) -> Line:
    """The line of a recording; empty where no step has the role `join`."""
    found = relations.connection.execute(_LINE).fetchnumpy()
    (numbered,) = relations.one("SELECT count(*) > 0 FROM attempts WHERE role = 'join' AND position > 0")
    return Line(
        intents=[str(intent) for intent in found["intent"]],
        came_from=_instants(found["came_ns"]),
        came_to=_instants(found["joined_ns"]),
        let_in_from=_instants(found["waits_ns"]),
        let_in_to=_instants(found["let_in_ns"]),
        waited=_instants(found["waited"]) > 0,
        unnumbered=np.ma.filled(found["unnumbered"], False).astype(np.bool_),
        numbered=bool(numbered),
    )


def _instants(column: NDArray[np.int64]) -> Instants:
    return np.ma.filled(column, NEVER_NS).astype(np.int64)
