"""Charges that name several fans at once: what they kept may have paid for any of these fans, but only once.

Such a row belongs to nobody (R4). Still it is no money of strangers: fans who share charges can together have paid no
more than these charges kept, and where they hold tickets for more, somebody among them did not pay.
"""

from __future__ import annotations

import msgspec

from surgectl.audit.books import lay
from surgectl.recording.relations import Relations

_TORN = """
SELECT c.charge, c.net, c.currency, list_sort(list(DISTINCT k.intent)) AS intents,
  bool_or(k.intent IS NULL) OR bool_or(c.currency <> upper(i.currency)) AS unbounded
FROM book_charges c JOIN charge_candidates k USING (charge) LEFT JOIN intents i ON i.intent = k.intent
WHERE c.intent IS NULL AND c.ambiguous AND c.net > 0 GROUP BY ALL ORDER BY c.charge"""


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """Fans who are named by the same charges, directly or through one another."""

    intents: frozenset[str]
    charges: tuple[str, ...]
    kept_minor: int


def sharing(relations: Relations) -> tuple[Sharing, ...] | None:
    """The groups of fans who share charges; None where nobody can say whom such a charge may have paid for."""
    lay(relations)
    groups: list[Sharing] = []
    for charge, net, _, intents, unbounded in relations.rows(_TORN):
        if unbounded:
            return None
        whole = Sharing(intents=frozenset(intents), charges=(charge,), kept_minor=net)
        apart: list[Sharing] = []
        for group in groups:
            if group.intents & whole.intents:
                whole = Sharing(
                    intents=group.intents | whole.intents,
                    charges=(*group.charges, *whole.charges),
                    kept_minor=group.kept_minor + whole.kept_minor,
                )
            else:
                apart.append(group)
        groups = [*apart, whole]
    return tuple(groups)
