"""The page for everybody: headings in order, named tables, keys that reach all of it, colours that stand out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from surgectl.report import html
from surgectl.report.charts import PALETTE
from tests.report.full import full
from tests.report.test_html import Page

TEXT, GRAPHICS = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11, level AA
CSS = (files("surgectl.report") / "templates" / "report.css").read_text("utf-8")


def roots() -> Iterator[tuple[str, dict[str, str]]]:
    """The three sets of colours: on light paper, on dark, in print."""
    light, dark, paper = re.findall(r":root \{(.*?)\}", CSS)
    named = [dict(re.findall(r"--([a-z]+):(#[0-9a-f]{3,8})", block)) for block in (light, dark, paper)]
    return zip(("light", "dark", "print"), (named[0], named[0] | named[1], named[0] | named[2]), strict=True)


def channels(colour: str) -> list[float]:
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    return [int(digits[i : i + 2], 16) / 255 for i in range(0, len(digits), 2)]


def over(colour: str, paper: str) -> list[float]:
    """What the eye sees of a translucent colour on paper."""
    *rgb, alpha = channels(colour) if len(colour) == 9 else [*channels(colour), 1.0]
    return [alpha * above + (1 - alpha) * below for above, below in zip(rgb, channels(paper), strict=True)]


def luminance(rgb: list[float]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: list[float], other: list[float]) -> float:
    """Of two colours, after WCAG 2.2: from 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    """Black on white is 21, and #767676 on white is just enough for text."""
    assert contrast(channels("#000"), channels("#fff")) == pytest.approx(21)
    assert contrast(channels("#767676"), channels("#fff")) == pytest.approx(4.54, abs=0.01)


def test_text_stands_out_on_every_paper() -> None:
    """Ink, soft ink, verdicts and lane names have 4.5:1 on page, card and inside a fault, light, dark and printed."""
    weak = []
    for name, colours in roots():
        papers = {paper: channels(colours[paper]) for paper in ("bg", "card")}
        papers["fault"] = over(colours["hot"], colours["card"])
        for ink in ("ink", "soft", "pass", "fail", "unknown", "fan", "shop", "provider", "link"):
            for where, paper in papers.items():
                found = contrast(channels(colours[ink]), paper)
                if found < TEXT:
                    weak.append(f"{name}: {ink} on {where} {found:.2f}")
    assert not weak


def test_lines_and_marks_stand_out_on_every_paper() -> None:
    """Curves, stripes and the broken link have 3:1 on their paper."""
    weak = []
    for name, palette in PALETTE.items():
        for colour in palette.keys() - {"paper", "rule"}:
            found = contrast(channels(palette[colour]), channels(palette["paper"]))
            least = TEXT if colour in ("ink", "grey", "red", "green", "purple") else GRAPHICS  # those also label
            if found < least:
                weak.append(f"{name}: {colour} {found:.2f}")
    for name, colours in roots():
        for mark in ("stripe", "fan", "link"):
            if contrast(channels(colours[mark]), channels(colours["card"])) < GRAPHICS:
                weak.append(f"{name}: {mark}")
    assert not weak


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(full()))


def test_there_is_one_way_through_the_page(page: Page) -> None:
    """A skip link, then header, navigation, main and footer, each once, and headings without a missing level."""
    landmarks = [tag for tag, _ in page.elements if tag in ("header", "nav", "main", "footer")]
    assert landmarks == ["header", "nav", "main", "footer"]
    first = next(attributes for tag, attributes in page.elements if tag == "a")
    assert first["href"] == "#main" and ("main", "main") in [(t, a.get("id")) for t, a in page.elements]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - before <= 1 for before, later in zip(levels, levels[1:], strict=False))


def test_every_link_leads_to_something(page: Page) -> None:
    """Each place that a link names is there once."""
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        if tag == "a":
            assert (attributes["href"] or "")[1:] in ids


def test_every_table_says_what_it_is(page: Page) -> None:
    """A caption each, a scope for each heading, and a name for each region that scrolls; all reached by keys."""
    assert page.count("table") == page.count("caption") >= 15
    scopes = [a.get("scope") for tag, a in page.elements if tag == "th" and a.get("aria-hidden") != "true"]
    assert set(scopes) == {"col", "row", "colgroup"}
    regions = [a for _, a in page.elements if "scroll" in (a.get("class") or "").split()]
    assert regions and all(a["role"] == "region" and a["aria-label"] and a["tabindex"] == "0" for a in regions)


def test_nothing_is_said_by_colour_alone(page: Page) -> None:
    """The cards' verdicts are also words, and so are a fault's shade and a demand's stripe."""
    assert "5 of 7 ledger invariants hold (fail)" in " ".join(page.text.split())
    assert "a fault was on: lost-reply on payments" in page.text and "10.0–16.0 s" in page.text


def test_focus_shows_and_nothing_moves_for_those_who_want_none() -> None:
    """Whatever has the focus is outlined; smooth scrolling is for those who did not say no."""
    assert re.search(r":focus-visible \{ outline:2px solid", CSS)
    assert CSS.count("scroll-behavior") == 1
    assert re.search(r"prefers-reduced-motion: no-preference\) \{ html \{ scroll-behavior", CSS)
    assert not re.search(r"transition|animation", CSS)
