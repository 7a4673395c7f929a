"""report.html in a real Chromium with the network off: of a hundred thousand attempts, and of a hostile shop."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recorded_sale
from surgectl.cli.judge import judge
from surgectl.report import html
from tests.chromium import chromium
from tests.report import pictures
from tests.report.browser import NARROW, UNOPENED, Window, opened
from tests.report.full import full
from tests.report.hostile import hostile

pytestmark = pytest.mark.real
FIRST_PAINT_MS = 2_000
MEGABYTE = 1_000_000
ATTEMPTS, SIZE = 100_000, recorded_sale.Size(events=335_000, orders=16_500)
FAULT_S = (20, 40)
"""So few orders are over before the fault of a large sale begins."""
COUNT = 8
"""Charts where everything is known."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(UNOPENED) as started:
        yield started


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sale of a hundred thousand attempts, judged as `surgectl audit` does."""
    folder = tmp_path_factory.mktemp("sale") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorded_sale, "FAULT_S", FAULT_S)
        recorded_sale.record(folder, SIZE)
    summary = judge(folder)
    assert summary.over_time is not None
    assert sum(summary.over_time.sent) + sum(summary.over_time.polls) >= ATTEMPTS
    return folder / "report.html"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything that a page can show."""
    page = tmp_path_factory.mktemp("full") / "report.html"
    page.write_text(html.render(full()), "utf-8")
    return page


@pytest.fixture(scope="module")
def window(browser: Any, sale: Path) -> Iterator[Window]:
    """The sale's page, open and drawn."""
    with opened(browser, sale) as found:
        found.drawn()
        yield found


def touch(window: Window, share: float) -> str:
    """Point at the first chart, so far from its left; returns what the tooltip says."""
    window.page.evaluate("document.getElementById('charts').scrollIntoView({behavior: 'instant'})")
    plot = window.page.locator("#charts .nsewdrag").first.bounding_box()
    window.page.mouse.move(plot["x"] + plot["width"] * share - 3, plot["y"] + plot["height"] / 2)
    window.page.mouse.move(plot["x"] + plot["width"] * share, plot["y"] + plot["height"] / 2)
    window.page.wait_for_selector("#charts .hoverlayer text", state="attached")
    return str(window.page.locator("#charts .hoverlayer").text_content())


def test_a_hundred_thousand_attempts_are_a_page_that_paints_at_once(window: Window, sale: Path) -> None:
    """Opened from file://, offline: first paint within two seconds, no word of complaint, five megabytes at most."""
    assert sale.stat().st_size < 5 * MEGABYTE
    assert window.quickest_paint_ms(FIRST_PAINT_MS) < FIRST_PAINT_MS
    assert window.complaints == []


def test_the_charts_stand_on_one_axis_with_phases_and_faults(window: Window) -> None:
    """Eight charts are drawn; the fault's and the phase's names stand above them, the seconds below."""
    assert window.page.locator("#charts .cartesianlayer > .subplot").count() == COUNT
    text = window.page.locator("#charts").text_content()
    for word in ("lost-reply on payments", "on-sale", "seconds since the start", "Goodput against offered load"):
        assert word in text
    assert window.page.locator("#charts .shapelayer path").count() >= 2


def test_a_tooltip_tells_the_second_under_the_pointer(window: Window) -> None:
    """Hovering over the first chart names every line of it with its number."""
    said = touch(window, 0.03)
    for name in ("due", "arrived", "know their fate", "confirmed"):
        assert re.search(rf"{name} : \d", said), said


def test_it_is_dark_where_the_reader_wants_it_dark(window: Window) -> None:
    """Paper, ink and charts change their colours when the system does, without a reload."""
    look = """() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
                      getComputedStyle(document.querySelector('#charts .annotation-text')).fill]"""
    light = window.page.evaluate(look)
    window.page.emulate_media(color_scheme="dark")
    window.page.wait_for_function(f"before => ({look})()[2] !== before", arg=light[2])
    dark = window.page.evaluate(look)
    window.page.emulate_media(color_scheme="light")
    assert light[0] == "rgb(255, 255, 255)" and dark[0] == "rgb(20, 23, 26)"
    assert all(one != other for one, other in zip(light, dark, strict=True))
    assert window.complaints == []


def test_it_prints_with_every_story_open(window: Window, tmp_path: Path) -> None:
    """Printed to PDF it has pages and all its headings, and the words of what is folded up on the screen."""
    pdf = tmp_path / "report.pdf"
    window.page.pdf(path=pdf, format="A4", outline=True, tagged=True)
    assert 5 <= len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) <= 60
    assert b"Is what the books say true?" in pdf.read_bytes()  # the outline, made of the headings
    readers = (["pdftotext", str(pdf), "-"], ["gs", *"-q -dNOPAUSE -dBATCH -sDEVICE=txtwrite -o -".split(), str(pdf)])
    if reader := next((command for command in readers if shutil.which(command[0])), None):
        said = subprocess.run(reader, capture_output=True, check=True).stdout.decode(errors="replace")
        for word in ("DUPCHARGE", "From the door to the ticket", "Do it again", "know their fate", "key reuses"):
            assert word in " ".join(said.split()), word
    assert window.page.locator("details[open]").count() < window.page.locator("details").count()


def test_without_scripts_every_table_is_there(browser: Any, whole: Path) -> None:
    """Scripts forbidden: nothing is drawn, the page says so, and tables and stories are on it."""
    with opened(browser, whole, scripts=False) as window:
        text = window.page.inner_text("body")
        assert window.page.locator("#charts svg").count() == 0
        assert "The charts need JavaScript; the table below holds the same numbers." in text
        assert window.page.locator("table").count() >= 15
        for word in ("ch_402 captured 89.00 EUR under key idem-i377-2", "support says: people ring", "1,441–1,600"):
            assert word in text
        assert window.page.locator("svg.strip").first.is_visible()
        window.page.get_by_text("The same as a table").click()  # a fold needs no script
        assert window.page.get_by_role("table", name="The run second by second").is_visible()


def test_keys_reach_everything(browser: Any, whole: Path) -> None:
    """Tab meets the skip link first, then the sections, then each region that scrolls; the focus is outlined."""
    with opened(browser, whole) as window:
        focus = """() => { const on = document.activeElement, style = getComputedStyle(on);
                     return {text: on.textContent.trim().slice(0, 40), kind: on.className, tag: on.tagName,
                             name: on.getAttribute('aria-label'), outline: style.outlineStyle, top: on.offsetTop}; }"""
        found = []
        for _ in range(60):
            window.page.keyboard.press("Tab")
            found.append(window.page.evaluate(focus))
        assert found[0]["text"] == "Skip to the report"
        texts = [stop["text"] for stop in found]
        assert texts.index("Books") < texts.index("Do it again")
        regions = [stop["name"] for stop in found if stop["kind"] == "scroll"]
        assert "Invariants and what became of them" in regions and "The story, moment by moment" in regions
        assert all(stop["outline"] != "none" for stop in found if stop["tag"] != "BODY")
        window.page.locator("a.skip").focus()
        window.page.keyboard.press("Enter")
        assert window.page.evaluate("document.activeElement.id") == "main"


def test_it_reads_aloud_in_order(browser: Any, whole: Path) -> None:
    """What a screen reader is told: landmarks, levels of headings, names of tables, and verdicts as words."""
    with opened(browser, whole) as window:
        said = window.page.locator("body").aria_snapshot()
        for line in (
            'navigation "Sections of this report"',
            'heading "Is what the books say true?" [level=2]',
            'table "Invariants and what became of them"',
            'rowheader "DUPCHARGE"',
            'img "The same moments to the scale of time',
            'group "Charts of the run over time"',
            'columnheader "provider"',
        ):
            assert line in said, line


def test_it_fits_a_telephone(browser: Any, whole: Path) -> None:
    """At 390 pixels nothing sticks out of the page, and each moment of a story names its lane."""
    with opened(browser, whole, size=NARROW, calm=True) as window:
        window.drawn()
        assert window.page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
        lane = "getComputedStyle(document.querySelector('td.here'), '::after').content"
        assert window.page.evaluate(lane) == '"fan"'
        assert window.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        assert window.complaints == []


def test_a_hostile_shop_runs_no_script(browser: Any, tmp_path: Path) -> None:
    """The page of a hostile shop keeps its title, draws its charts and says nothing on the console."""
    page = tmp_path / "report.html"
    page.write_text(html.render(hostile()), "utf-8")
    with opened(browser, page) as window:
        window.drawn()
        assert window.page.title().endswith("– surgectl")
        assert window.page.locator("img").count() == 0
        assert window.complaints == []


def test_the_policy_stops_what_escaping_would_let_through(browser: Any, whole: Path, tmp_path: Path) -> None:
    """Were a script of the shop's ever to stand in the page unescaped, the browser would refuse it, and say so."""
    page = tmp_path / "report.html"
    text = whole.read_text("utf-8")
    page.write_text(text.replace("<main", '<script>document.title="owned"</script><main', 1), "utf-8")
    with opened(browser, page) as window:
        assert window.page.title() != "owned"
        assert any("Content Security Policy" in line for line in window.complaints)


def test_the_pictures_of_the_docs_come_from_here(browser: Any, whole: Path, tmp_path: Path) -> None:
    """The same page gives every picture of the README, each light enough to be kept."""
    pictures.take(browser, whole, tmp_path, names=("report", "story", "charts"))
    pictures.terminal(browser, "\x1b[1;31mFAIL\x1b[0m  somebody was charged twice", "surgectl", tmp_path / "screen.png")
    taken = {path.stem: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert taken.keys() == {"report", "story", "charts", "screen"}
    assert all(4_000 < size < pictures.MOST_BYTES for size in taken.values()), taken
