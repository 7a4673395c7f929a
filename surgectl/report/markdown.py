"""summary.md: what became of the rehearsal on one page of Markdown, for the page that a build server shows.

CommonMark and GitHub's tables. GitHub shows at most 1 MiB a step ("Adding a job summary"), and does what a text asks
for: so a shop's words are spelled out with entities and backslashes until they ask for nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from surgectl.report.judged import Line, judged, proofs
from surgectl.report.summary import Summary
from surgectl.report.words import glance
from surgectl.text import one_line

MOST_BYTES = 1024 * 1024
"""What GitHub takes of one step, all together: more, and it shows nothing of it."""

_SIGN = {"pass": "✅ pass", "unknown": "❔ unknown", "fail": "❌ fail", None: "– not judged"}
_TITLE = {"pass": "✅ PASS", "unknown": "❔ UNKNOWN", "fail": "❌ FAIL"}
_MOST_ROWS = 60
_MOST_STORIES = 5
_MOST_FACTS = 20
_ENTITY = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "@": "&#64;", "://": "&#58;//"}
# No address becomes a link, nobody is called by name; the rest of what Markdown obeys gets a backslash.
_ACTIVE = re.compile(
    r"""(?P<entity>://|[&<>"@])|(?P<mark>[\\`*_\[\]|~#$])|(?P<web>(?i:\bwww)(?=\.))|^(?P<number>\d+)(?=[.)](\s|$))|^(?P<dash>[-+])"""
)


def render(summary: Summary, *, folder: str = "", artifacts: str = "") -> str:
    """The page. `folder`: where the recording lies; `artifacts`: a URL under which the build server keeps it."""
    lines = judged(summary)
    bad = [line for line in lines if line.verdict in ("fail", "unknown")]
    good = [line for line in lines if line.verdict == "pass"]
    quiet = [line for line in lines if line.verdict is None]
    run = summary.run
    part = [f"## {_TITLE[summary.verdict]}: {plain(run.profile, 100)}", _headline(summary)]
    if summary.next_steps:
        part.append(
            "### What to do next\n\n"
            + "\n".join(f"{number}. {plain(step)}" for number, step in enumerate(summary.next_steps, 1))
        )
    if bad:
        part.append("### What failed or is unknown\n\n" + _table(bad))
        part += _stories(bad)
    if played := [line for line in good if line.kind == "chaos"]:
        part.append("### Faults\n\n" + _table(played))
    if cards := glance(summary):
        heads = " | ".join(plain(card.label) for card in cards)
        values = " | ".join(f"**{plain(card.value)}**" for card in cards)
        part.append(f"### At a glance\n\n| {heads} |\n|{'---|' * len(cards)}\n| {values} |")
    if passed := [line for line in good if line.kind != "chaos"]:
        part.append(_folded(f"{len(passed)} passed", _table(passed)))
    if quiet:
        part.append(_folded(f"{len(quiet)} not judged", _table(quiet)))
    part.append(_where(summary, folder, artifacts))
    return "\n\n".join(part) + "\n"


def brief(summary: Summary) -> str:
    """The same in one paragraph: where there is no room for more."""
    return f"## {_TITLE[summary.verdict]}: {plain(summary.run.profile, 100)}\n\n{_headline(summary)}\n"


def plain(text: str, most: int = 400) -> str:
    """Somebody else's words on one line, as text and nothing else: no markup, no tag, no link, no mention."""
    return _ACTIVE.sub(_spelled, one_line(text, most))


def _spelled(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "entity":
            return _ENTITY[match[0]]
        case "mark" | "dash":
            return f"\\{match[0]}"
        case _:  # `www` and a number that would begin a list: the point behind it is kept apart from it
            return f"{match[0]}<!-- -->"


def _headline(summary: Summary) -> str:
    return f"**{plain(summary.headline, 1_000) or 'No verdict was written.'}** Exit code {summary.exit_code}."


def _table(lines: Sequence[Line]) -> str:
    rows = ["| verdict | what | seen |", "|---|---|---|"]
    for line in lines[:_MOST_ROWS]:
        seen = plain(line.said) + (f"; {plain(line.why)}" if line.why else "")
        rows.append(f"| {_SIGN[line.verdict]} | {plain(line.name, 200)} | {seen} |")
    if len(lines) > _MOST_ROWS:
        rows.append(f"| | and {len(lines) - _MOST_ROWS} more | in report.json |")
    return "\n".join(rows)


def _stories(bad: Sequence[Line]) -> list[str]:
    """The first example of what failed, folded: what happened, and the recording's lines that prove it."""
    found = []
    for line in [line for line in bad if line.verdict == "fail" and line.examples][:_MOST_STORIES]:
        told = [f"- {plain(example.what)}" + _proved(proofs(example, 3)) for example in line.examples[:3]]
        if line.more or len(line.examples) > 3:
            told.append(f"- … and {line.more + len(line.examples) - 3:,} more")
        found.append(_folded(f"{line.name}: {line.means}", "\n".join(told)))
    return found


def _proved(where: list[str]) -> str:
    return f" ({plain(', '.join(where))})" if where else ""


def _folded(head: str, body: str) -> str:
    # The first line is HTML alone; the empty lines let Markdown be read again inside of it.
    return f"<details><summary>{html.escape(one_line(head, 400))}</summary>\n\n{body}\n\n</details>"


def _where(summary: Summary, folder: str, artifacts: str) -> str:
    run = summary.run
    kept = f" It is kept [with this run]({artifacts})." if artifacts else ""
    said = [
        f"The whole story is report.html in the recording{f' {plain(folder)}' if folder else ''}.{kept}",
        f"Again: <code>{plain(run.command, 1_000)}</code>",
        f"Run {plain(run.id, 100)} of {plain(run.profile, 100)} against {plain(run.target, 100)}, seed {run.seed}, "
        f"surgectl {plain(run.version, 40)}, {plain(run.started_at, 40)}, {run.duration_s:,.1f} s.",
    ]
    if run.left_behind:
        said.append(f"In the shop: {plain(run.left_behind, 400)}.")
    if run.facts:
        facts = [f"{plain(name, 100)} {plain(value, 200)}" for name, value in run.facts.items()]
        said.append(f"The shop: {', '.join(facts[:_MOST_FACTS])}.")
    return "\n\n".join(said)
