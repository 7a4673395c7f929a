"""report.html: the verdict first, tables without JavaScript, charts that draw, and a hostile shop that gets nowhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest

from surgectl.audit.finding import Example, Moment
from surgectl.report import html
from surgectl.report.series import OverTime
from surgectl.report.summary import RunNote, Summary, TimelineNote
from tests.report.full import full
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


def test_what_a_fan_waits_for_to_know_stands_with_the_steps(rendered: str) -> None:
    """The whole way to a confirmation has its row; a percentile that nobody reached says what it was at the least."""
    steps = rendered[rendered.index('id="steps"') : rendered.index('id="funnel"')]
    assert '<tr><th scope="row">confirm</th><td>900</td>' in steps and "<td>4,380</td>" in steps
    told = summary()
    never = {"count": 3, "unresolved": 2, "p99_ms": None, "p99_at_least_ms": 3000.0}
    assert "<td>≥ 3,000</td>" in html.render(msgspec.structs.replace(told, metrics={**told.metrics, "confirm": never}))


def test_our_own_lateness_is_told_and_each_worker_by_itself(rendered: str) -> None:
    """How late arrivals were, what became of those behind, and a row a worker; one worker needs no table."""
    ours = rendered[rendered.index('id="ourselves"') :]
    for name, value in (("lag p50 ms", "0.8"), ("lag max ms", "31.2"), ("late", "2"), ("behind", "late")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in ours
    assert '<tr><th scope="row">1</th><td>0.7</td><td>0.7</td><td>0.25</td><td>8.2</td></tr>' in ours
    whole = summary()
    alone = msgspec.structs.replace(whole, generator={**whole.generator, "by_worker": whole.generator["by_worker"][:1]})
    assert "share of its core" in ours and "share of its core" not in html.render(alone)


def test_a_long_run_stays_a_small_page() -> None:
    """Ten hours, and a thousand long stories: still below five megabytes, in coarser steps, and it says so."""
    seconds = 36_000
    fields = {name: [i % 97 for i in range(seconds)] for name in OverTime.__struct_fields__}
    steps = {f"step {n}": [float(i % 89) for i in range(seconds)] for n in range(8)}
    over = OverTime(**fields | {"second": list(range(seconds)), "steps_p95_ms": steps})
    story = [Moment(at_s=float(i), lane="fan", text="<&>" * 100, where="ops/0.jsonl.zst:1") for i in range(120)]
    told = full()
    notes = [TimelineNote(at_s=float(i), kind="note", text="<&>" * 100) for i in range(1_000)]
    demand = msgspec.structs.replace(told.thresholds[0], broken=[(float(i), i + 0.5) for i in range(5_000)])
    told = msgspec.structs.replace(told, notes=notes, thresholds=[demand] * 10)
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
