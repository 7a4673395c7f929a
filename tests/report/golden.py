"""Every artefact of one recording, written down: `python -m tests.report.golden` writes tests/report/gold/ again.

report.json and latency.hlog come from the sample recording, all others from that report.json: what is written of the
run itself, of it beside another (comparison.*), and of a list of such runs (readiness.*). What another machine may
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
from rich.console import Console, RenderableType

from surgectl import gate
from surgectl.cli import compare, readiness
from surgectl.cli.judge import summarise
from surgectl.recording import manifest as manifests
from surgectl.recording.relations import Relations
from surgectl.report import annotations, hlog, html, json, junit, markdown, terminal
from surgectl.report.compare import judging, lines
from surgectl.report.compare import page as comparison_page
from surgectl.report.compare import terminal as comparison_screen
from surgectl.report.compare.model import Comparison
from surgectl.report.compare.seconds import with_probes
from surgectl.report.compare.side import Side
from surgectl.report.readiness import model
from surgectl.report.readiness import page as readiness_page
from surgectl.report.readiness import terminal as readiness_screen
from surgectl.report.summary import ChaosLine, Summary
from tests.compare.draws import run_of

ROOT = Path(__file__).parents[2]
GOLD = Path(__file__).parent / "gold"
SAMPLE = ROOT / "reports/sample"

_BLOCKS = {"p", "h1", "h2", "h3", "h4", "li", "tr", "summary", "div", "section", "header", "footer", "details", "title"}
_MOST_ROWS = 8
_PHASES = [{"name": "on-sale", "from_s": 0.0, "to_s": 50.0, "fans": 1250}]


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
    return {
        "junit.xml": junit.render(told).decode(),
        "summary.md": markdown.render(told, folder="reports/smoke/latest"),
        "annotations.txt": annotations.render(told, file="profiles/smoke.yaml"),
        "terminal.txt": _screen(terminal.render(told, "reports/smoke/latest")),
        "report.html.txt": words(html.render(told)),
    }


def of_two_runs(told: Summary) -> dict[str, str]:
    """The run beside one that was faster to pay, lost fans and broke another book: every word that a row can have."""
    baseline, candidate = _sides(told)
    made = judging.compare(baseline, candidate, forced=True, replicates=200)
    made = msgspec.convert(_steady(msgspec.to_builtins(made)), Comparison)
    drawn = msgspec.json.format(msgspec.json.encode(_steady(lines.figure(baseline, candidate))), indent=0)
    return {
        "comparison.json": compare.rendered(made).decode(),
        "comparison.html.txt": words(comparison_page.render(made, baseline, candidate)),
        "comparison.figure.json": drawn.decode().replace(",\n", ", ").replace("}, {", "},\n{") + "\n",
        "comparison.txt": _screen(comparison_screen.render(made)),
    }


def _sides(told: Summary) -> tuple[Side, Side]:
    """The sample's report with the seconds of a longer run, and a second one that differs from it in everything."""
    over = told.over_time
    assert over is not None and told.run.rehearsal
    fault = ChaosLine(
        link="payments",
        brownout="latency",
        planned_from_s=3,
        planned_to_s=8,
        applied=True,
        healed=True,
        verified=True,
        applied_at_s=3.1,
        healed_at_s=8.2,
    )
    turned = {"DUPCHARGE": ("pass", 0), "GHOST": ("fail", 2), "LEAK": ("unknown", 0)}
    other = msgspec.structs.replace(
        told,
        run=msgspec.structs.replace(told.run, id="another", seed=told.run.seed + 1, phases=_PHASES),
        exit_code=gate.LEDGER,
        headline="The shop gave tickets to nobody.",
        invariants=[
            msgspec.structs.replace(found, verdict=turned[found.id][0], violations=turned[found.id][1])
            if found.id in turned
            else found
            for found in told.invariants
        ],
        thresholds=[
            *told.thresholds[:-1],
            msgspec.structs.replace(told.thresholds[-1], verdict="fail", observed="71 % (10 of 14)"),
        ],
        chaos=[fault],
        over_time=msgspec.structs.replace(
            over,
            confirmed=[count // 2 for count in over.confirmed],
            pay_p95_ms=[ms and ms * 3 for ms in over.pay_p95_ms],
        ),
    )
    rehearsal = told.run.rehearsal | {"sale": told.run.rehearsal["sale"] | {"tickets": 41}}
    told = msgspec.structs.replace(told, run=msgspec.structs.replace(told.run, phases=_PHASES))
    first, second = run_of(1, memory=0.2), run_of(2, slower=0.5, fewer=0.7, memory=0.2)
    late = [msgspec.structs.replace(run, levels={"lag": [ms] * 60}) for run, ms in ((first, 1.0), (second, 2.0))]
    probed = {n: (20, 20) for n in range(60)}
    gone = probed | {n: (0, 20) for n in range(0, 60, 2)}
    return (
        Side(
            summary=told,
            place="reports/smoke/a",
            rehearsal=told.run.rehearsal,
            seconds=with_probes(late[0], {"about": probed}),
        ),
        Side(
            summary=other,
            place="reports/smoke/b",
            rehearsal=rehearsal,
            seconds=with_probes(late[1], {"about": gone}),
        ),
    )


def of_a_list(told: Summary) -> dict[str, str]:
    """The run in a list of three: one that was never played, and one that shows nothing."""
    parts = [
        model.rehearsed_of(
            model.Rehearsed(number=1, profile="smoke", why="the shop as it is"),
            told,
            report="../../smoke/1/report.html",
        ),
        model.rehearsed_of(
            model.Rehearsed(
                number=2, profile="smoke-slow", why="with a provider that is slow", sets={"sale.tickets": "41"}
            ),
            msgspec.structs.replace(
                told,
                run=msgspec.structs.replace(told.run, profile="smoke-slow"),
                exit_code=gate.INCONCLUSIVE,
                verdict="unknown",
                headline="Nobody can say.",
                next_steps=["Let it bite."],
                invariants=[found for found in told.invariants if found.verdict != "fail"],
                coverage=[msgspec.structs.replace(line, met=False) for line in told.coverage],
            ),
            report="../../smoke/2/report.html",
        ),
        model.Rehearsed(number=3, profile="ticket-drop"),
    ]
    made = model.told(
        "readiness",
        "What has to be shown before the sale.",
        parts,
        version="0.1.0",
        started_at="2030-01-01T10:00:00.000Z",
        ended=False,
        signalled=gate.SIGTERM,
    )
    return {
        "readiness.json": readiness.rendered(made).decode(),
        "readiness.html.txt": words(readiness_page.render(made)),
        "readiness.txt": _screen(readiness_screen.render(made, "reports/readiness/latest/readiness.html")),
    }


def _screen(told: RenderableType) -> str:
    screen = io.StringIO()
    Console(file=screen, width=80, color_system=None).print(told)
    return "".join(f"{line.rstrip()}\n" for line in screen.getvalue().splitlines())


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
    told = json.parse(written["report.json"].encode())
    written |= of_the_summary(told) | of_two_runs(told) | of_a_list(told)
    for name, text in written.items():
        (GOLD / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
