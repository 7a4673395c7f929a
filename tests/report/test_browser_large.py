"""report.html of five million attempts in a real Chromium with the network off: as small and as quick as any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from surgectl.cli.judge import _summarised
from surgectl.report import html
from surgectl.report.summary import Summary
from tests.report.browser import Window, shown
from tests.report.crowd import EACH, FANS, LASTS_S, crowd
from tests.report.full import full
from tests.report.test_browser import FIRST_PAINT_MS, MEGABYTE, touch

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """Judged as a recording from a folder is, from the same tables; the guilty story of the sample stands in it too."""
    with crowd(tmp_path_factory.mktemp("crowd")) as (manifest, relations):
        found = _summarised(manifest, relations, None)
    return msgspec.structs.replace(found, invariants=[full().invariants[0], *found.invariants], notes=full().notes)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, summary: Summary) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.render(summary), "utf-8")
    return path


@pytest.fixture(scope="module")
def window(page: Path) -> Iterator[Window]:
    with shown(page) as found:
        yield found


def test_every_attempt_is_in_the_numbers(summary: Summary) -> None:
    """Five million sends and polls are counted second by second, a million fans beside their plan and by their turn."""
    over = summary.over_time
    assert over is not None and summary.happened is not None and summary.fairness is not None
    assert sum(over.sent) + sum(over.polls) == FANS * EACH == 5_000_000
    assert len(over.second) >= 0.95 * LASTS_S and sum(over.operations) == FANS * (EACH - 1)
    assert summary.happened.phases[0].came == FANS
    assert [group.fans for group in summary.fairness.by_order] == [FANS // 10] * 10


def test_five_million_attempts_are_a_page_that_paints_at_once(window: Window, page: Path) -> None:
    """First paint within two seconds, five megabytes at most, charts drawn, and no word of complaint."""
    assert page.stat().st_size < 5 * MEGABYTE
    assert window.quickest_paint_ms(FIRST_PAINT_MS) < FIRST_PAINT_MS
    window.drawn()
    assert "lost-reply on payments" in window.page.locator("#charts").text_content()
    assert window.complaints == []


def test_its_tooltips_work(window: Window) -> None:
    """Hovering over the first chart names the second and its fans."""
    window.drawn()
    assert "confirmed : " in touch(window, 0.5)


def test_its_tables_are_there_and_print(window: Window, tmp_path: Path) -> None:
    """The table under the charts has a row for each second or few, and the page prints."""
    rows = window.page.locator("table.dense tbody tr").count()
    assert 300 <= rows <= 600
    assert window.page.pdf(format="A4").startswith(b"%PDF")
