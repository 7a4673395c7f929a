"""summary.md on a build server's page: the verdict first, what is bad in a table, the rest folded, nothing obeyed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import msgspec
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from surgectl.report import markdown
from surgectl.report.markdown import plain
from surgectl.report.summary import Summary, ThresholdLine
from tests.report.hostile import SCRIPT, hostile
from tests.report.sample import summary

OURS = re.compile(r"</?(details|summary|code)>|<!-- -->")


def tokens(text: str) -> Iterator[Token]:
    """Everything that a reader of Markdown with GitHub's tables makes of a page."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def markup(text: str) -> list[str]:
    """Every tag, link and picture of a page that is not one of those we write."""
    found = []
    for token in tokens(text):
        if token.type in ("html_block", "html_inline"):
            found += re.findall(r"<[^>]*>?", OURS.sub("", token.content))
        if token.type in ("link_open", "image", "fence", "code_block", "code_inline", "hr"):
            found.append(f"{token.type} {token.attrs}")
    return found


def cells(text: str) -> list[str]:
    """The texts of all table cells, as a reader sees them."""
    flat = list(tokens(text))
    return [
        "".join(child.content for child in flat[at + 1].children or () if child.type == "text")
        for at, token in enumerate(flat)
        if token.type == "td_open"
    ]


def test_the_verdict_comes_first_and_what_is_bad_before_what_is_good() -> None:
    """Verdict, headline, next steps, the bad, then everything that passed or was not judged, folded away."""
    text = markdown.render(summary(), folder="reports/ticket-drop/1")
    pieces = [
        "## ❌ FAIL: ticket-drop",
        "did not keep its books true",
        "What to do next",
        "| ❌ fail | DUPCHARGE |",
        "| ❔ unknown | CONSERVE |",
        "<summary>DUPCHARGE: somebody was charged twice",
        "evidence/charges.jsonl:402",
        "### Faults",
        "lost-reply on payments",
        "fans came",
        "<details><summary>8 passed</summary>",
        "| ✅ pass | OVERSELL |",
        "1 not judged",
        "report.html in the recording reports/ticket-drop/1",
        "surgectl run profiles/ticket-drop.yaml --seed 2026",
    ]
    places = [text.index(piece) for piece in pieces]
    assert places == sorted(places)


def test_every_line_that_was_judged_stands_in_one_table() -> None:
    """Invariants, thresholds, faults and required coverage: each once, none twice."""
    told = summary()
    names = [cell for cell in cells(markdown.render(told)) if cell in {t.expression for t in told.thresholds}]
    assert sorted(names) == sorted(t.expression for t in told.thresholds)
    assert [cell for cell in cells(markdown.render(told)) if cell == "DUPCHARGE"] == ["DUPCHARGE"]


def test_a_run_that_passed_needs_no_story() -> None:
    """PASS, no table of what is bad, everything folded."""
    told = summary()
    good = [f for f in told.invariants if f.verdict == "pass"]
    text = markdown.render(
        msgspec.structs.replace(
            told, verdict="pass", exit_code=0, invariants=good, thresholds=told.thresholds[1:2], next_steps=[]
        )
    )
    assert text.startswith("## ✅ PASS") and "failed or is unknown" not in text and "❌" not in text


def test_the_artefacts_are_linked_where_the_build_server_keeps_them() -> None:
    """One link, and it is ours."""
    text = markdown.render(summary(), artifacts="https://github.com/o/r/actions/runs/1#artifacts")
    assert markup(text) == ["link_open {'href': 'https://github.com/o/r/actions/runs/1#artifacts'}"]
    assert markup(markdown.render(summary())) == []


def test_a_hostile_shop_leaves_it_intact() -> None:
    """No tag, link, picture or code of the shop's is obeyed, no control character is left, no flood gets through."""
    text = markdown.render(hostile())
    assert markup(text) == []
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert len(text.encode()) < 100_000
    assert SCRIPT in html.unescape("".join(token.content for token in tokens(text) if token.type == "text"))


@pytest.mark.parametrize(
    "evil",
    [
        "[click](https://evil.example)",
        "![](https://evil.example/pixel.png)",
        "<https://evil.example>",
        "https://evil.example and www.evil.example",
        "a | b | c",
        "`code` and ```fence```",
        "**bold** _soft_ ~~gone~~",
        "# title",
        "- item",
        "1. item",
        "+ item",
        "> quote",
        "| --- |",
        "@everyone, see #1",
        "$x^2$",
        "&lt;b&gt; &#60;b>",
        "\\",
        "<!-- hidden",
        "</details><h1>",
    ],
)
def test_what_markdown_would_obey_is_shown(evil: str) -> None:
    """In a cell, in a list, in a heading: the reader sees the characters that the shop sent."""
    told = Summary(
        run=summary().run,
        verdict="fail",
        exit_code=10,
        headline=evil,
        next_steps=[evil],
        thresholds=[ThresholdLine(expression=evil, verdict="fail", observed="1")],
    )
    page = markdown.render(told)
    assert markup(page) == []
    assert [token.type for token in tokens(page)].count("heading_open") == 4
    assert evil in cells(page)
    seen = [
        "".join(child.content for child in token.children or () if child.type == "text")
        for token in tokens(page)
        if token.type == "inline"
    ]
    assert evil in seen and f"{evil} Exit code 10." in seen


def test_no_address_becomes_a_link() -> None:
    """GitHub makes links of bare addresses and calls people by name: neither is written as such."""
    assert "://" not in plain("https://evil.example") and "@" not in plain("@everyone a@b.example")
    assert "www." not in plain("WWW.evil.example www.evil.example").lower()
