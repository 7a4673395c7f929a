"""The edits that docs/bring-your-shop.md asks for, made as it says."""

from __future__ import annotations

from tests.docs.pages import ROOT, after

PAGE = (ROOT / "docs/bring-your-shop.md").read_text("utf-8")


def finished(draft: str) -> str:
    """The draft with the page's four blocks, each where the page puts it."""
    head, mark, pay = draft.partition("  - step: pay\n")
    assert mark
    pay = pay.partition("\n# The books:")[0] + "\n"
    assert "    outcomes:\n" in pay and "    post:" in pay
    pay = pay.replace("    outcomes:\n", "    outcomes:\n" + after("sold-out", PAGE), 1)
    pay = pay.replace("    post:", after("barrier", PAGE) + "    post:", 1)
    assert "\nbase_url:" in head
    head = head.replace("\nbase_url:", "\n" + after("setup", PAGE) + "base_url:", 1)
    return head + mark + pay + after("evidence", PAGE)
