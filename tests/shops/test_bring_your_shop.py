"""docs/bring-your-shop.md, walked word for word: from nothing to the verdict that it shows, on a real django-oscar.

Not in CI's usual run (it installs a shop, and rehearses): `pytest -m shops tests/shops/test_bring_your_shop.py`.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chromium import PATIENCE_MS, chromium
from tests.docs.shell import RUN, Line, blocks, lines
from tests.docs.test_executed import desk
from tests.drafting.edits import PAGE, finished
from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.oscar.oscar_shop import installed

pytestmark = [
    pytest.mark.real,
    pytest.mark.shops,
    pytest.mark.timeout(900),
]


class Terminal:
    """Somebody at a prompt: what is exported stays."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env

    def types(self, line: Line | str, *, exit_code: int = 0) -> str:
        """One line of the page → what it printed, on both streams."""
        text = line if isinstance(line, str) else line.text
        if text.startswith("export "):
            self.env |= dict(word.split("=", 1) for word in shlex.split(text)[1:])
            return ""
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == exit_code, f"{text}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def another(self, line: Line) -> Iterator[tuple[str, str]]:
        """A terminal with something that runs on → the address and the `export` line that it printed."""
        words = ["bash", "-c", f"exec {line.text}"]
        process = subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            said = []
            for part in process.stdout:
                said.append(part.rstrip("\n"))
                if part.startswith("Ctrl-C"):
                    break
            yield said[0], next(part for part in said if part.startswith("export "))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def record(shop: str, file: Path) -> None:
    """Section 1: buy one ticket slowly, from the event's page to the page that says thank you."""
    with chromium("no purchase was recorded") as browser:
        context = browser.new_context(record_har_path=file, record_har_content="embed")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{shop}/catalogue/gig_1/")
        page.get_by_role("button", name="Add to basket").first.click()
        page.wait_for_url("**/catalogue/gig_1/")
        page.goto(f"{shop}/basket/")
        page.get_by_role("link", name="Proceed to checkout").first.click()
        page.locator("input[name=username]").fill("ann@example.org")
        page.locator("input[value=anonymous]").check()
        page.locator("input[name=password]").fill("anything")
        page.get_by_role("button", name="Continue").click()
        for name, value in {"first_name": "Ann", "last_name": "Buyer", "line1": "1 High Street"}.items():
            page.locator(f"input[name={name}]").fill(value)
        page.locator("input[name=line4]").fill("London")
        page.locator("input[name=postcode]").fill("SW1A 1AA")
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("link", name="Continue").click()
        page.get_by_role("button", name="Place order").click()
        page.wait_for_url("**/checkout/thank-you/")
        context.close()


def test_from_nothing_to_the_verdict_that_the_page_shows(tmp_path: Path) -> None:
    """Shop, recording, draft, `--try`, edits, `check`, run: every line as it stands there, exit 11 for OVERSELL."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"surgectl-oscar-{os.getuid()}"
    try:
        installed(folder)  # once a machine, as for tests/shops/test_oscar.py
    except RuntimeError as error:
        pytest.skip(str(error))
    page = Path(__file__).parents[2] / "docs/bring-your-shop.md"
    up, sale, init, password, try_, check, run = [
        line for block in blocks(page) if block.kind == RUN for line in lines(block)
    ]
    terminal = Terminal(tmp_path, desk(tmp_path))
    with terminal.another(Line(text=f"{up.text} --folder {folder}")) as (shop, export):
        terminal.types(export)
        terminal.types(sale)
        record(shop, tmp_path / "bought.har")

        drafted = terminal.types(init)
        (shown,) = re.findall(r"```text\n(wrote gig.yaml\n.*?)```", PAGE, re.DOTALL)
        assert re.sub(r"\d+ pictures", "46 pictures", drafted) == shown
        terminal.types(password)
        assert "ended confirmed (ok)" in terminal.types(try_)

        file = tmp_path / "gig.yaml"
        file.write_text(finished(file.read_text("utf-8")), "utf-8")
        told = re.search(r"`(can prove: [A-Z_, ]+)`", PAGE)
        assert told is not None and told[1] in terminal.types(check)

        said = terminal.types(run, exit_code=11)
        assert re.search(r"fail\s+OVERSELL", said) and "FAIL · exit 11" in said
