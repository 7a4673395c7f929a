"""Who runs beside whom when the tests are shared out to several processes (`pytest -n 3 --dist loadgroup`).

A `real` test that is not marked `quiet` must bear others such beside it: it waits for conditions, with generous
limits. What measures time is `quiet`, and so is every rehearsal (tests/conftest.py marks them): these run in one
process, which plays several rehearsals side by side by itself.
"""

from __future__ import annotations

REHEARSALS = "rehearsals"
"""Their plays are played side by side anyway: one process has them all, so that each is played once."""
SALES = "sales"
"""Whole sales, of a minute or two: one after the other, never beside each other."""
PREPARED = "what is made for "
"""Recordings of a hundred thousand and of five million attempts, a rehearsal that is read from outside: made once."""


def together(test: str) -> str | None:
    """Of a test's id → what it shares with others that one process must run with it; None: it may run anywhere.

    Read from the id alone, since whoever shares out the tests has not collected them. (pytest-xdist's own mark,
    `xdist_group`, groups nothing under pytest 9.2: it renames a test by an attribute that is no more.)
    """
    path, _, name = test.partition("::")
    folder, _, file = path.removeprefix("tests/").partition("/")
    if file == "test_profiles.py" and folder == "rehearsal":
        return SALES
    if folder == "strangers" or (folder == "rehearsal" and file != "test_refusals.py"):
        return REHEARSALS
    if (folder == "report" and file.startswith("test_browser")) or file == "test_outlets_rehearsal.py":
        return PREPARED + path
    if folder == "histories" and "[" in name:
        return "nights of " + name.partition("[")[2].partition("]")[0].partition("-")[0]
    return None
