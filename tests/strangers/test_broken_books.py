"""Books that lie or break: nobody is condemned by them, nobody is acquitted, and the report says what to repair."""

from __future__ import annotations

import pytest

from tests.strangers.street import Ended, Visit

pytestmark = pytest.mark.real


def lie(name: str, **more: str) -> Visit:
    return Visit(f"lie-{name}", options=("--lie", name), change=("DEADLINE=1s",), **more)


# The lie, and for each invariant that cannot be told the words that say why.
BROKEN: list[tuple[Visit, dict[str, str]]] = [
    (lie("pages"), {"LOST_TICKET": "repeats an earlier page", "LEAK": "holds"}),
    (lie("words"), {"LOST_TICKET": '"on-tour" is none of the target\'s states', "CONSERVE": "'enough' is not a whole"}),
    (lie("restless"), {"LOST_TICKET": "orders still changed between two reads"}),
    (lie("no-metadata"), {"DUPCHARGE": "`key:`", "CHARGED_NO_TICKET": "`key:`", "TICKET_NO_CHARGE": "`key:`"}),
    # Who demands nothing is told as well: books that the target names could not be read.
    (lie("down", expect="expect: {}\n"), {"LOST_TICKET": "answered 500", "DUPCHARGE": "answered 500"}),
]


@pytest.mark.parametrize(("ended", "unknown"), BROKEN, indirect=["ended"], ids=[visit.name for visit, _ in BROKEN])
def test_broken_books_are_unknown_and_say_why(ended: Ended, unknown: dict[str, str]) -> None:
    """Exit 12, no invariant fails, those that needed the book are unknown and give the reason; no traceback."""
    assert ended.code == 12, ended.said
    assert ended.failed == set(), ended.said
    assert ended.report["verdict"] == "unknown"
    for name, words in unknown.items():
        found = ended.finding(name)
        assert found["verdict"] == "unknown", ended.said
        assert words in found["reason"], found
    assert "Traceback" not in ended.err, ended.err
