"""Everything that a recorded purchase said to the shop, and the replies out of which a fan could have known it."""

from __future__ import annotations

from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.turns import Turn


def sent_values(one: Exchange) -> list[tuple[str, str]]:
    """Name and text of everything a request says: path, query, fields, JSON, headers of its own."""
    found = [("path", part) for part in one.segments] + list(one.query) + list(one.form)
    if not one.form and one.body:
        document = json_of(one.body)
        if document is not NOT_JSON:
            found += [(leaf.key, str(leaf.value)) for leaf in leaves(document) if not isinstance(leaf.value, bool)]
    found += [(name, value) for name, value in one.headers if name.startswith("x-")]
    return [(name, value) for name, value in found if value]


def all_sent(turns: list[Turn]) -> set[str]:
    """Everything that was ever sent: of what the shop said, nothing else can matter."""
    found: set[str] = set()
    for turn in turns:
        for one in (*turn.hops, *turn.polls, *((turn.push,) if turn.push is not None else ())):
            said = [value for _, value in sent_values(one)]
            said += [part for _, value in one.headers for part in (value, value.partition(" ")[2])]
            inside = [value for value in said if value[:1] in ("{", "[")]
            inside += [message.data for message in one.messages if message.sent]
            for text in inside:
                document = json_of(text)
                said += [str(leaf.value) for leaf in (leaves(document) if document is not NOT_JSON else ())]
            found.update(said)
    return found


def readable(turn: Turn) -> list[tuple[bool, Exchange]]:
    """The replies out of which a target could read, those of the polling apart."""
    last = [(False, turn.hops[-1])] if turn.hops else []
    return [*last, *((True, one) for one in turn.polls)]
