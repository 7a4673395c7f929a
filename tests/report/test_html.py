"""report.html: the verdict first, tables without JavaScript, charts that draw, and a hostile shop that gets nowhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from surgectl.audit.finding import Example, Moment
from surgectl.report import charts, html
from surgectl.report.series import OverTime
from surgectl.report.summary import ChaosLine, RunNote, Summary
from tests.report import chromium
from tests.report.hostile import SCRIPT, hostile
from tests.report.sample import summary

MEGABYTE = 1_000_000


class Page(HTMLParser):
    """What a reader finds: the elements, their attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def rendered() -> str:
    return html.render(summary())


def test_the_verdict_and_what_to_do_come_first(rendered: str) -> None:
    """Before any table stand the verdict, its one sentence and the next steps."""
    text = Page(rendered).text
    places = [
        text.index(word)
        for word in ("FAIL" if "FAIL" in text else "fail", summary().headline, "What to do next", "considered")
    ]
    assert places == sorted(places)
    assert "begin with this one: fan 377" in text[: places[-1]]


def test_one_file_that_fetches_nothing_and_stays_small(rendered: str) -> None:
    """No source, no link to anything outside the page; its policy forbids it; at most five megabytes."""
    assert len(rendered.encode()) < 5 * MEGABYTE
    page = Page(rendered)
    for tag, attributes in page.elements:
        assert not attributes.get("src"), tag
        assert (attributes.get("href") or "#").startswith("#"), attributes
    policy = next(a["content"] or "" for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert re.fullmatch(r"script-src( 'sha256-[A-Za-z0-9+/=]{44}'){2}", scripts)


def test_the_same_run_gives_the_same_page(rendered: str) -> None:
    """Rendering again gives the same bytes."""
    assert html.render(summary()) == rendered


def test_every_table_is_there_without_javascript(rendered: str) -> None:
    """Invariants, stories, thresholds, faults, coverage, seconds, funnel, steps and sources are tables in the file."""
    page = Page(rendered)
    assert page.count("table") >= 9
    for word in (
        "DUPCHARGE",
        "ch_402 captured 89.00 EUR under key idem-i377-2",
        "evidence/charges.jsonl:402",
        "p99(confirm) < 3s",
        "lost-reply",
        "payments in fault",
        "From the door to the ticket",
        "GET /refunds: HTTP 503",
        "--defect double-charge",
        "from due",
    ):
        assert word in page.text, word
    assert page.count("tr") > 95  # the seconds among them
    assert "HISTFAAAA" not in page.text


def test_our_own_lateness_is_told_and_each_worker_by_itself(rendered: str) -> None:
    """How late arrivals were, what became of those behind, and a row a worker; one worker needs no table."""
    ours = rendered[rendered.index('id="ourselves"') :]
    for name, value in (("lag p50 ms", "0.8"), ("lag max ms", "31.2"), ("late", "2"), ("behind", "late")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in ours
    assert '<tr><th scope="row">1</th><td>0.7</td><td>0.7</td><td>0.25</td><td>8.2</td></tr>' in ours
    whole = summary()
    alone = msgspec.structs.replace(whole, generator={**whole.generator, "by_worker": whole.generator["by_worker"][:1]})
    assert "share of its core" in ours and "share of its core" not in html.render(alone)


def test_a_story_has_a_lane_for_each_ledger_and_the_fault_is_shaded(rendered: str) -> None:
    """Each moment stands in its own lane; the rows inside the fault's window, and no others, are shaded."""
    rows = re.findall(r"<tr([^>]*)><td class=\"t\">([\d.]+|no time)</td>.*?</tr>", rendered)
    first = rows[:16]
    shaded = [at for attributes, at in first if "hot" in attributes]
    assert len(first) == 16 and shaded[0] == "9.020" and shaded[-1] == "21.030"
    assert ("8.405" not in shaded) and ("no time" not in shaded)
    lanes = re.findall(r'data-lane="(\w+)"', rendered)[:16]
    assert set(lanes) == {"fan", "shop", "provider", "link"}


def test_a_fault_that_was_never_applied_shades_nothing() -> None:
    """What was only planned is outlined in the charts and shades no story."""
    told = summary()
    never = msgspec.structs.replace(told.chaos[0], applied=False, applied_at_s=None, healed_at_s=None)
    told = msgspec.structs.replace(told, chaos=[never])
    assert 'class="hot"' not in html.render(told)
    (window,) = [shape for shape in charts.figure(told)["layout"]["shapes"] if shape["type"] == "rect"]
    assert window["fillcolor"] == "rgba(0,0,0,0)" and window["line"]["width"] == 1


def test_the_charts_mark_phases_and_faults_on_one_axis() -> None:
    """Each line has a value a second, each panel its legend; windows and phases go through all panels."""
    told = summary()
    figure = charts.figure(told)
    assert {trace["yaxis"] for trace in figure["data"]} == {"y", "y2", "y3", "y4", "y5"}
    assert all(len(trace["x"]) == len(trace["y"]) == len(told.over_time.second) for trace in figure["data"])
    rects = [s for s in figure["layout"]["shapes"] if s["type"] == "rect"]
    assert [(r["x0"], r["x1"], r["yref"]) for r in rects] == [(9.02, 21.03, "paper")]
    assert [s["x0"] for s in figure["layout"]["shapes"] if s["type"] == "line"] == [0, 5, 35]
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert {"lost-reply on payments", "doors", "on-sale", "tail"} <= set(texts)


def test_labels_of_faults_that_overlap_stand_in_rows_of_their_own() -> None:
    """Faults that begin together are named above one another."""
    faults = [
        ChaosLine(
            link=f"link-{i}",
            brownout="slow",
            planned_from_s=10,
            planned_to_s=20,
            applied=True,
            verified=True,
            healed=True,
        )
        for i in range(3)
    ]
    notes = charts.figure(msgspec.structs.replace(summary(), chaos=faults))["layout"]["annotations"]
    assert len({note["yshift"] for note in notes if "slow on" in note["text"]}) == 3


def test_a_long_run_stays_a_small_page() -> None:
    """Ten hours, and a thousand long stories: still below five megabytes, in coarser steps, and it says so."""
    seconds = 36_000
    fields = {name: [i % 97 for i in range(seconds)] for name in OverTime.__struct_fields__}
    over = OverTime(**fields | {"second": list(range(seconds))})
    story = [Moment(at_s=float(i), lane="fan", text="<&>" * 100, where="ops/0.jsonl.zst:1") for i in range(120)]
    told = summary()
    guilty = msgspec.structs.replace(
        told.invariants[0], examples=[Example(what=f"story {i}", timeline=story) for i in range(1_000)]
    )
    page = html.render(msgspec.structs.replace(told, over_time=over, invariants=[guilty, *told.invariants[1:]]))
    assert len(page.encode()) < 5 * MEGABYTE
    assert "Each row is 60 seconds" in page
    assert "1000 in report.json" in page and "this page would grow too heavy" in page


def test_an_empty_run_is_a_page_too() -> None:
    """A run that recorded nothing still says what it is, and calls nothing good."""
    note = RunNote(id="r", profile="p", target="t", seed=1, version="0", started_at="", duration_s=0.0, status="failed")
    page = Page(
        html.render(Summary(run=note, verdict="unknown", exit_code=12, headline="No verdict: nothing was sent."))
    )
    assert "No verdict: nothing was sent." in page.text and "No invariant was checked." in page.text
    assert "Unknown: it left no vitals." in page.text and "not a pass." in page.text
    assert not [a for _, a in page.elements if "pass" in (a.get("class") or "").split()]


def test_a_hostile_shop_gets_nowhere() -> None:
    """Tags, quotes, escape codes, turned text, broken characters and floods are shown as text; no element is theirs."""
    page = html.render(hostile())
    assert len(page.encode("utf-8")) < 5 * MEGABYTE
    assert SCRIPT not in page and "<img" not in page
    parsed = Page(page)
    assert parsed.count("script") == 3 and parsed.count("img") == 0
    assert not [a for _, a in parsed.elements if any(name.startswith("on") for name in a)]
    assert (
        SCRIPT in parsed.text
        and "\\x1b[31mred" in parsed.text
        and "\\u202e" in parsed.text
        and "{{ 7 * 7 }}" in parsed.text
    )
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert "more characters]" in parsed.text


@pytest.mark.real
@chromium.needed
def test_the_charts_draw_from_a_file_without_a_network(tmp_path: Path, rendered: str) -> None:
    """Opened from file://, the five charts are drawn with fault and phases, and the console is silent."""
    page = tmp_path / "report.html"
    page.write_text(rendered, "utf-8")
    seen = chromium.open_page(page)
    assert seen.console == []
    assert seen.dom.count('class="main-svg"') >= 1 and "js-line" in seen.dom
    for word in ("lost-reply on payments", "on-sale", "seconds since the start", "our own lateness"):
        assert word in seen.dom.split('id="charts"')[1]
    assert "need a newer browser" not in re.sub(r"<script.*?</script>", "", seen.dom, flags=re.S)


@pytest.mark.real
@chromium.needed
def test_without_javascript_the_tables_are_there(tmp_path: Path, rendered: str) -> None:
    """With scripts forbidden nothing is drawn, the page says so, and every table is there."""
    page = tmp_path / "report.html"
    page.write_text(re.sub(r"script-src [^;]*", "script-src 'none'", rendered, count=1), "utf-8")
    dom = chromium.open_page(page).dom
    assert "main-svg" not in dom
    assert "the table below holds the same numbers" in dom and dom.count("<table") >= 9


@pytest.mark.real
@chromium.needed
def test_a_hostile_shop_runs_no_script_in_a_browser(tmp_path: Path) -> None:
    """The page of a hostile shop draws its charts, keeps its title and says nothing on the console."""
    page = tmp_path / "report.html"
    page.write_text(html.render(hostile()), "utf-8")
    seen = chromium.open_page(page)
    assert "<title>owned" not in seen.dom and "main-svg" in seen.dom
    assert seen.console == []


@pytest.mark.real
@chromium.needed
def test_the_policy_stops_what_escaping_would_let_through(tmp_path: Path, rendered: str) -> None:
    """Were a script of the shop's ever to stand in the page unescaped, the browser would refuse it, and say so."""
    page = tmp_path / "report.html"
    page.write_text(rendered.replace("<main>", '<main><script>document.title="owned"</script>', 1), "utf-8")
    seen = chromium.open_page(page)
    assert "<title>owned" not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)


@pytest.mark.real
@chromium.needed
def test_it_prints(tmp_path: Path, rendered: str) -> None:
    """Printed to PDF it has pages, whatever the screen's colours are."""
    page, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(rendered, "utf-8")
    seen = chromium.open_page(page, f"--print-to-pdf={pdf}", "--blink-settings=preferredColorScheme=0", dump=False)
    assert seen.console == []
    assert pdf.read_bytes().startswith(b"%PDF") and 3 <= pdf.read_bytes().count(b"/Type /Page\n") <= 30
