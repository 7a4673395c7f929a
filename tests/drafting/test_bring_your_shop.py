"""What docs/bring-your-shop.md tells people to type is understood, and its edits fit the draft."""

from __future__ import annotations

import re
from pathlib import Path

from surgectl.cli.init import _prove
from surgectl.profile.provable import kinds_of, provable
from tests.docs.test_blocks import refused
from tests.drafting.edits import PAGE, finished
from tests.drafting.recorded import drafted, target_of
from tests.drafting.test_purchase import PAGES


def test_every_command_in_a_sentence_is_one_of_ours() -> None:
    """Verb and flags; those in blocks are tests/docs/test_blocks.py's."""
    commands = re.findall(r"`(surgectl [^`]+)`", PAGE)
    assert len(commands) >= 3
    for command in commands:
        assert not refused(command.split()[1:]), command


def test_the_edits_of_the_page_finish_the_draft(tmp_path: Path) -> None:
    """A draft of oscar's pages with the four blocks put where the page says passes, and proves what the page says."""
    text = finished(drafted(*PAGES))
    assert 'username: "{email}"' in text
    _prove(text)
    target = target_of(text, tmp_path, SHOP_PYTHON="python3", SHOP_DSN="sqlite:///books")
    last = target.journey[-1]
    assert [rule.end for rule in last.outcomes or []] == ["sold-out", "confirmed"]
    assert last.barrier is not None and last.barrier.fans == 20 and target.setup is not None
    told = re.search(r"`can prove: ([A-Z_, ]+)`", PAGE)
    assert told and set(told[1].split(", ")) == set(provable(kinds_of(target)).allowed)
