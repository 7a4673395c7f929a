"""The pictures of docs/pictures, taken of real runs by the same browser that the tests drive.

    python -m tests.report.pictures GUILTY DROP [--screen CAPTURE]

GUILTY is the folder of a run that found something (report, story), DROP one whose charts are worth a look. Both are
judged again by this build, in a copy. CAPTURE is what `tmux capture-pane -e -p` wrote of the dashboard.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from surgectl.cli.judge import judge
from tests.chromium import chromium
from tests.report.browser import NARROW, UNOPENED, opened

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (1200, 900)
MOST_BYTES = 300_000
_HIGHEST = 1_560
"""Of a picture, in pixels: a page of a README is no place to scroll through one."""


def take(browser: Any, page: Path, folder: Path, *, names: tuple[str, ...] = ("report", "story", "charts")) -> None:
    """Cut the named pictures out of a page; `dark` and `phone` are the top of it in the dark, and on a telephone."""
    with opened(browser, page, size=SIZE) as window:
        window.drawn()
        window.page.add_style_tag(content="::-webkit-scrollbar { display: none }")
        if "report" in names:
            window.page.screenshot(path=folder / "report.png", clip=_clip(0, 0, 780))
        if "story" in names:
            _cut(window.page, "main section", folder / "story.png", most=2_400)
        if "charts" in names:
            _cut(window.page, "#charts", folder / "charts.png")
    if "dark" in names:
        with opened(browser, page, size=SIZE, dark=True) as window:
            window.drawn()
            _cut(
                window.page,
                "main section details" if window.page.locator("svg.strip").count() else "main",
                folder / "dark.png",
                most=620,
            )
    if "phone" in names:
        with opened(browser, page, size=NARROW) as window:
            window.drawn()
            window.page.screenshot(path=folder / "phone.png")


def terminal(browser: Any, capture: str, title: str, picture: Path) -> None:
    """What a terminal showed (`tmux capture-pane -e -p`, or any text with ANSI colours) as a picture."""
    with TemporaryDirectory() as aside:
        drawing = Path(aside) / "screen.html"
        drawing.write_text(
            f"<!doctype html><style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg(capture, title)}", "utf-8"
        )
        with opened(browser, drawing, size=(1200, 900)) as window:
            window.page.locator("svg").screenshot(path=picture)


def svg(capture: str, title: str) -> str:
    """The screen as an SVG that fetches nothing: Rich's own names a font on the web, ours a font of the reader's."""
    lines = [Text.from_ansi(line, no_wrap=True) for line in capture.rstrip().split("\n")]
    width = max([80, *(cell_len(line.plain) for line in lines)])
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    for line in lines:
        console.print(line, no_wrap=True, crop=True, overflow="crop")
    drawn = console.export_svg(title=title)
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!--.*?-->", "", drawn)
    return drawn.replace("Fira Code", "DejaVu Sans Mono")


def _cut(page: Any, where: str, picture: Path, *, most: int = _HIGHEST) -> None:
    """One part of the page with a little air around it, from its top and no higher than `most`."""
    box = page.evaluate(
        """where => { const box = document.querySelector(where).getBoundingClientRect();
                      return [box.left + scrollX, box.top + scrollY, box.height]; }""",
        where,
    )
    page.screenshot(path=picture, clip=_clip(0, max(0, box[1] - 12), min(box[2] + 24, most)), full_page=True)


def _clip(x: float, y: float, height: float) -> dict[str, float]:
    return {"x": x, "y": y, "width": SIZE[0], "height": height}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guilty", type=Path, nargs="?", help="the folder of a run that found something")
    parser.add_argument("drop", type=Path, nargs="?", help="the folder of a run whose charts are worth a look")
    parser.add_argument("--screen", type=Path, help="what tmux captured of the dashboard")
    parser.add_argument("--title", default="surgectl run ticket-drop", help="what stands over it")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as aside, chromium(UNOPENED) as browser:
        for folder, names in ((options.guilty, ("report", "story", "dark", "phone")), (options.drop, ("charts",))):
            if folder is not None:
                copy = Path(aside) / folder.resolve().name
                shutil.copytree(folder, copy, dirs_exist_ok=True)
                judge(copy)
                take(browser, copy / "report.html", PICTURES, names=names)
        if options.screen:
            terminal(browser, options.screen.read_text("utf-8"), options.title, PICTURES / "dashboard.png")
    heavy = [path.name for path in sorted(PICTURES.glob("*.png")) if path.stat().st_size > MOST_BYTES]
    for path in sorted(PICTURES.glob("*.png")):
        print(f"{path.stat().st_size / 1000:6.0f} kB  {path.name}")
    return 1 if heavy else 0


if __name__ == "__main__":
    raise SystemExit(main())
