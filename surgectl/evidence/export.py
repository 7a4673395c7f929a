"""Get hold of a file: one that the shop makes when it is asked, and hands over when it is done."""

from __future__ import annotations

from surgectl.evidence.reading import Patience, ReadError
from surgectl.evidence.visit import Step, Visit


async def fetch(steps: tuple[Step, ...], visit: Visit, patience: Patience) -> bytes:
    """Start the export, wait until it is ready, and give what came last. Each reading asks for a new one."""
    visit.taken.clear()
    answer = await visit.walk(steps, patience)
    if answer.status in range(300, 400):
        raise ReadError(f"the export ended with {answer.status}, not with a file")
    if "html" in answer.content_type and answer.body.lstrip()[:1] == b"<":
        raise ReadError("the export ended with a page of HTML, not with a file", hint="did the login work?")
    return answer.body
