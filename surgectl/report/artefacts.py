"""Every file that a judged run leaves beside its recording, and what writes each.

Add a form: a function of the Summary in a file of its own, and its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath

from surgectl import plugins
from surgectl.report import html, json, junit, markdown
from surgectl.report.summary import Summary

Writer = Callable[[Summary], bytes]

WRITERS: dict[str, Writer] = {
    "report.json": json.render,
    "junit.xml": junit.render,
    "summary.md": lambda summary: markdown.render(summary).encode(),
    "report.html": lambda summary: html.render(summary).encode(),
}


def artefacts(summary: Summary, reporters: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file, the ones that others build on first.

    `reporters` are names of other packages' writers (entry points `surgectl.reporters`): callables that are given the
    Summary and return file name → bytes. ValueError where one of them gives anything else, or fails.
    """
    for name, write in WRITERS.items():
        yield name, write(summary)
    for reporter in reporters:
        yield from _further(reporter, summary)


def _further(reporter: str, summary: Summary) -> Iterator[tuple[str, bytes]]:
    try:
        given = plugins.require("surgectl.reporters", reporter)(summary)
    except Exception as error:  # noqa: BLE001 - somebody else's code may not take our verdict down with it
        raise ValueError(f'surgectl.reporters: "{reporter}" failed: {type(error).__name__}: {error}') from error
    if not isinstance(given, Mapping):
        raise ValueError(f'surgectl.reporters: "{reporter}" gave {type(given).__name__}, not file name -> bytes')
    for name, content in given.items():
        # A file of its own in the recording's folder: never one of ours, never one of the recording's.
        if not isinstance(name, str) or not isinstance(content, bytes) or PurePath(name).name != name:
            raise ValueError(f'surgectl.reporters: "{reporter}" gave {name!r}, which is no file name with bytes')
        yield f"{reporter}-{name}", content
