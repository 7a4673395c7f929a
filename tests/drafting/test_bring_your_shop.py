"""What docs/bring-your-shop.md tells people to type is understood, and its edits fit the draft."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from surgectl.cli.init import _prove
from surgectl.cli.main import app
from surgectl.profile.provable import kinds_of, provable
from tests.docs.pages import ROOT, after
from tests.drafting.recorded import drafted, target_of
from tests.drafting.test_purchase import PAGES

PAGE = (ROOT / "docs/bring-your-shop.md").read_text("utf-8")


def test_every_command_is_one_of_ours() -> None:
    """Verb and flags of each command, in blocks and in sentences."""
    commands = re.findall(r"^(surgectl .*)$|`(surgectl [^`]+)`", PAGE, re.MULTILINE)
    assert len(commands) >= 6
    for block, sentence in commands:
        verb, *words = (block or sentence).split()[1:]
        group: Any = typer.main.get_command(app)
        command = group.get_command(None, verb)
        context = command.make_context(verb, words, resilient_parsing=True)
        assert not context.args, block or sentence


def test_the_edits_of_the_page_finish_the_draft(tmp_path: Path) -> None:
    """A draft of oscar's pages with the four blocks put where the page says passes, and proves what the page says."""
    head, mark, pay = drafted(*PAGES).partition("  - step: pay\n")
    assert mark and 'username: "{email}"' in head
    pay = pay.replace("    outcomes:\n", "    outcomes:\n" + after("sold-out", PAGE), 1)
    pay = pay.replace("    post:", after("barrier", PAGE) + "    post:", 1)
    head = head.replace("cookies: per-fan\n", after("setup", PAGE) + "cookies: per-fan\n", 1)
    text = head + mark + pay + after("evidence", PAGE)
    _prove(text)
    target = target_of(text, tmp_path, SHOP_PYTHON="python3", SHOP_DSN="sqlite:///books")
    last = target.journey[-1]
    assert [rule.end for rule in last.outcomes or []] == ["sold-out", "confirmed"]
    assert last.barrier is not None and last.barrier.fans == 20 and target.setup is not None
    told = re.search(r"`can prove: ([A-Z_, ]+)`", PAGE)
    assert told and set(told[1].split(", ")) == set(provable(kinds_of(target)).allowed)
