"""Every artefact of one recording, written down: `python -m tests.report.golden` writes tests/report/gold/ again.

report.json and latency.hlog come from the sample recording, all others from that report.json. What another machine may
round or compress in another way is told apart from what we say: floats have six digits, histograms their counts.
"""

from __future__ import annotations

import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hdrh.histogram import HdrHistogram
from rich.console import Console

from surgectl.cli.judge import summarise
from surgectl.recording import manifest as manifests
from surgectl.recording.relations import Relations
from surgectl.report import annotations, hlog, html, json, junit, markdown, terminal
from surgectl.report.summary import Summary

ROOT = Path(__file__).parents[2]
GOLD = Path(__file__).parent / "gold"
SAMPLE = ROOT / "reports/sample"

_BLOCKS = {"p", "h1", "h2", "h3", "h4", "li", "tr", "summary", "div", "section", "header", "footer", "details", "title"}
_MOST_ROWS = 8


def of_the_recording() -> dict[str, str]:
    """report.json and latency.hlog, made anew from the recording."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "sample"
        shutil.copytree(SAMPLE, folder)
        told = json.parse(json.render(summarise(folder)))
        with Relations.from_folder(folder) as relations:
            log = hlog.render(relations, started_epoch_s=manifests.load(folder).started_epoch_s)
    return {"report.json": json.render(steady(told)).decode(), "latency.hlog.txt": _readable(log)}


def of_the_summary(told: Summary) -> dict[str, str]:
    """Everything that is written from the summary alone."""
    screen = io.StringIO()
    Console(file=screen, width=80, color_system=None).print(terminal.render(told, "reports/smoke/latest"))
    return {
        "junit.xml": junit.render(told).decode(),
        "summary.md": markdown.render(told, folder="reports/smoke/latest"),
        "annotations.txt": annotations.render(told, file="profiles/smoke.yaml"),
        "terminal.txt": "".join(f"{line.rstrip()}\n" for line in screen.getvalue().splitlines()),
        "report.html.txt": words(html.render(told)),
    }


def gold(name: str) -> str:
    return (GOLD / name).read_text("utf-8")


def summary() -> Summary:
    """The summary as it was written down."""
    return json.parse(gold("report.json").encode())


def steady(told: Summary) -> Summary:
    """The same, without what differs between two right machines."""
    return msgspec.convert(_steady(msgspec.to_builtins(told)), Summary)


def _steady(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, str) and value.startswith("HISTF"):
        return f"a histogram of {HdrHistogram.decode(value).get_total_count()}"
    if isinstance(value, dict):
        return {key: _steady(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_steady(item) for item in value]
    return value


def _readable(log: str) -> str:
    """Each interval's payload as its values and counts."""

    def told(match: re.Match[str]) -> str:
        found = HdrHistogram.decode(match[0]).get_recorded_iterator()
        return " ".join(f"{each.value_iterated_to}x{each.count_at_value_iterated_to}" for each in found)

    return re.sub(r"HISTF\S+", told, log)


class _Words(HTMLParser):
    """What a page says: a line for each block, cells apart, long tables cut, no script and no style."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._line = ""
        self._silent = 0
        self._rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style", "svg")
        if tag == "table":
            self._rows = 0
        if tag in ("td", "th") and self._line:
            self._line += " | "
        if tag in _BLOCKS:
            self._end()

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "svg")
        if tag == "tr":
            self._rows += 1
            if self._rows > _MOST_ROWS:
                self._line = "…" if self._rows == _MOST_ROWS + 1 else ""
        if tag in _BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line += data

    def _end(self) -> None:
        said = " ".join(self._line.split())
        if said.strip("| "):
            self.lines.append(said)
        self._line = ""


def words(page: str) -> str:
    """The text of a page, as lines that a person can compare."""
    reader = _Words()
    reader.feed(page)
    return "".join(f"{line}\n" for line in reader.lines)


def main() -> None:
    GOLD.mkdir(exist_ok=True)
    written = of_the_recording()
    written |= of_the_summary(json.parse(written["report.json"].encode()))
    for name, text in written.items():
        (GOLD / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
