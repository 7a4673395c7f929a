"""A purchase that Chromium recorded becomes a target that sells a ticket."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.boxoffice.test_boxoffice_browser import street
from tests.chromium import PATIENCE_MS, chromium
from tests.docs.pages import ROOT
from tests.docs.shell import RUN, Line, blocks, lines
from tests.docs.test_executed import desk
from tests.rehearsal.plays import ask

pytestmark = pytest.mark.real

EDITS: list[tuple[str, str]] = []
"""Single lines of the draft and what they have to become before it sells: at most three. It needs none."""


def typed() -> list[Line]:
    """The `surgectl` lines of docs/bring-your-shop.md that are executed: init, try, check, run."""
    page = ROOT / "docs/bring-your-shop.md"
    found = [line for block in blocks(page) if block.kind == RUN for line in lines(block)]
    ours = [line for line in found if line.text.startswith("surgectl ")]
    assert [line.text.split()[1] for line in ours] == ["init", "check", "check", "run"]
    return ours


def said(line: Line, place: Path, env: dict[str, str]) -> str:
    """What such a line prints."""
    words = ["bash", "-c", line.text]
    done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == line.exit_code, f"{line.text}: {done.stdout}{done.stderr}"
    return done.stdout


def record(shop: str, file: Path) -> None:
    """Buy two tickets as a person would, and let Chromium write down what passed."""
    with chromium("no purchase was recorded") as browser:
        context = browser.new_context(record_har_path=file, record_har_content="embed")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(shop)
        page.get_by_label("Your e-mail address").fill("ann@example.org")
        page.get_by_role("button", name="Join the line").click()
        page.get_by_role("heading", name="It is your turn").wait_for()
        page.get_by_label("How many tickets").select_option("2")
        page.get_by_role("button", name="Put into the basket").click()
        page.get_by_role("link", name="To the payment").click()
        page.get_by_label("Card").select_option("pm_card_visa")
        page.get_by_role("button", name="Pay 178.00 EUR").click()
        page.get_by_role("heading", name="Paid. See you there!").wait_for()
        context.close()


def test_a_recorded_purchase_sells_a_ticket(tmp_path: Path) -> None:
    """HAR → init → no edit → check passes → one fan buys, and the shop's own books hold the order.

    Typed as docs/bring-your-shop.md says: its own lines, in its order, up to the rehearsal itself.
    """
    assert len(EDITS) <= 3
    init, try_, check, _run = typed()
    env = desk(tmp_path)
    with street(tmp_path) as at:
        har, file = tmp_path / "bought.har", tmp_path / "gig.yaml"
        record(at["shop"], har)
        said(init, tmp_path, env)
        text = file.read_text("utf-8")
        for line, instead in EDITS:
            assert "\n" not in line + instead and text.count(line) == 1
            text = text.replace(line, instead)
        file.write_text(text, "utf-8")
        # What only this browser knew is not in the file: its cookie, its tokens, the person's address.
        entries = json.loads(har.read_text("utf-8"))["log"]["entries"]
        cookies = {cookie["value"] for entry in entries for cookie in entry["request"]["cookies"]}
        tokens = {
            param["value"] for entry in entries for param in entry["request"].get("postData", {}).get("params", [])
        }
        private = cookies | {token for token in tokens if len(token) > 15} | {"ann@example.org"}
        assert len(private) > 4 and not [one for one in private if one in text]

        assert "ended confirmed (ok)" in said(try_, tmp_path, env)
        assert "journey: " in said(check, tmp_path, env)
        orders = ask(f"{at['shop']}/api/admin/orders")["rows"]
        ours = [order for order in orders if order["email"].startswith("fan-try-")]
        assert [(order["state"], order["qty"]) for order in ours] == [("confirmed", 1)]
        assert ask(f"{at['shop']}/api/admin/stock")["sold"] == 3
