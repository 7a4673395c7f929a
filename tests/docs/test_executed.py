"""What the pages mark as executed is executed, word for word and in order (`sh run`, tests/docs/shell.py).

docs/bring-your-shop.md needs a shop of its own. In CI tests/drafting/test_from_chromium.py walks it against the
built-in one; tests/shops/test_bring_your_shop.py walks it against the django-oscar that it speaks of.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boxoffice.test_boxoffice_browser import street
from tests.docs.pages import ROOT, pages
from tests.docs.shell import RUN, blocks, lines, made

pytestmark = pytest.mark.real
ELSEWHERE = ("docs/bring-your-shop.md",)
PAGES = [page for page in pages() if any(block.kind == RUN for block in blocks(page))]
HERE = [page for page in PAGES if str(page.relative_to(ROOT)) not in ELSEWHERE]


def desk(place: Path) -> dict[str, str]:
    """A folder like a checkout of the repository, with `surgectl` on the PATH → the environment for it."""
    for name in ("profiles", "docs", "tests", "examples"):
        (place / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "reports/sample", place / "reports/sample")
    program = place / "bin/surgectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m surgectl "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


def execute(page: Path, place: Path, env: dict[str, str]) -> list[str]:
    """Every executed line of a page, in order, each in its own bash; fails on another exit code → what they printed."""
    said = []
    for block in blocks(page):
        if block.kind != RUN:
            continue
        for name, text in made(page, block.at).items():
            if text is not None and not (place / name).exists():
                (place / name).write_text(text)
        for line in lines(block):
            if line.placeholder:
                continue
            done = subprocess.run(
                ["bash", "-c", line.text], cwd=place, env=env, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == line.exit_code, f"{block.name}: {line.text}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
    return said


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The built-in shop, up."""
    with street(tmp_path_factory.mktemp("street")) as at:
        yield at["shop"]


def test_somebody_executes_every_page() -> None:
    """A page with executed blocks is walked here, or by a test that is named above."""
    assert {str(page.relative_to(ROOT)) for page in PAGES} >= {"README.md", *ELSEWHERE}
    for page in ELSEWHERE:
        for test in ("drafting/test_from_chromium.py", "shops/test_bring_your_shop.py"):
            assert Path(page).name in (ROOT / "tests" / test).read_text("utf-8"), test


@pytest.mark.parametrize("page", HERE, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_is_executed_works(page: Path, shop: str, tmp_path: Path) -> None:
    """Each line ends with 0, or with the exit code that its comment names."""
    assert all(execute(page, tmp_path, {**desk(tmp_path), "SHOP_URL": shop}))
