"""Books that lie or break: nobody is condemned by them, nobody is acquitted, and the report says what to repair."""

from __future__ import annotations

import pytest

from tests.strangers.street import Ended, Visit

pytestmark = pytest.mark.real


def lie(name: str) -> Visit:
    return Visit(f"lie-{name}", options=("--lie", name))


# The lie, the invariant that cannot be told, and the words that say why.
BROKEN: list[tuple[Visit, str, str]] = [
    (lie("repeats"), "LOST_TICKET", "tickets"),
    (lie("total"), "LOST_TICKET", "orders"),
    (lie("state"), "LOST_TICKET", '"on-tour" is none of the target\'s states'),
    (lie("amount"), "LOST_TICKET", '"a lot" is not written as minor units'),
    (lie("down"), "LOST_TICKET", "500"),
    (lie("restless"), "LOST_TICKET", "orders still changed between two reads"),
    (lie("no-metadata"), "DUPCHARGE", "`key:`"),
    # Who demands nothing is told as well: books that he configured could not be read.
    (Visit("lie-unasked", options=("--lie", "down"), expect="expect: {}\n"), "LOST_TICKET", "500"),
]


@pytest.mark.parametrize(("ended", "finding", "words"), BROKEN, indirect=["ended"], ids=[v.name for v, _, _ in BROKEN])
def test_broken_books_are_unknown_and_say_why(ended: Ended, finding: str, words: str) -> None:
    """Exit 12, no invariant fails, the one that needed the book is unknown and gives the reason; no traceback."""
    assert ended.code == 12, ended.said
    assert ended.failed == set(), ended.said
    assert ended.report["verdict"] == "unknown"
    found = ended.finding(finding)
    assert found["verdict"] == "unknown", ended.said
    assert words in found["reason"], found
    assert "Traceback" not in ended.err, ended.err
