"""docs/stage.md says of the box office's constants and defects what the code says of them."""

from __future__ import annotations

from surgectl.stage.boxoffice.options import Options
from surgectl.stage.flags import flags
from tests.docs.constants import STAGE, with_constants
from tests.docs.defects import with_defects


def test_the_constants_are_those_of_the_options() -> None:
    """The table is made of the Options: after a change, `python -m tests.docs.constants` writes it anew."""
    page = STAGE.read_text("utf-8")
    assert with_constants(page) == page, "run: python -m tests.docs.constants"


def test_every_constant_explains_itself() -> None:
    """A flag without a word of help would be an empty cell and an empty line of --help."""
    assert [flag.option for flag in flags(Options).values() if not flag.help] == []


def test_the_defects_are_told_where_they_are_built() -> None:
    """The table is made of the defects and of who must find them: `python -m tests.docs.defects` writes it anew."""
    page = STAGE.read_text("utf-8")
    assert with_defects(page) == page, "run: python -m tests.docs.defects"
