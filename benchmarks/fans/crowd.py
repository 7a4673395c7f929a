"""A crowd that comes to the built-in shop's line and stays in it: the shipped target and the shipped patient fan.

Two words of theirs are changed, so that a slow machine has its time: nobody walks off within the hour, and a request
may take as long.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from surgectl.plan.build import Plan, build
from surgectl.profile.load import OpenTarget, open_rehearsal, open_target

_SHIPPED = Path(__file__).parents[2] / "profiles"
NOWHERE = "http://127.0.0.1:9"
_PROFILE = """
surgectl: 1
name: waiting
target: line.yaml
sale: {{tickets: 10000, price: 45.00 EUR, limit: 4, order: fifo, wants: {{1: 60%, 2: 40%}}}}
load: [{{phase: come, fans: {fans}, for: {ms}ms}}]
fans: {{patient: 100%}}
"""
SHOP = {
    "/api/events/floor": (200, {"sold_out": False}),
    "/api/queue": (202, {"id": "p-1f6c9e4d", "position": 4711, "wait_s": 600}),
    "/api/queue/p-1f6c9e4d": (
        200,
        {"state": "waiting", "position": 4711, "wait_s": 600, "poll_after_ms": 590_000},
    ),
}
"""Path → status and JSON: the page is open, the line takes everybody, and nobody's turn comes."""
LAST = "/api/queue/p-1f6c9e4d"
"""Who asks here stands in the line."""


class Crowd(msgspec.Struct, frozen=True):
    """The plan of a crowd, and the shop it goes to."""

    plan: Plan
    target: OpenTarget


def crowd(folder: Path, fans: int, over_s: float, *, url: str = NOWHERE) -> Crowd:
    """`fans` patient fans who come evenly within `over_s` seconds. Writes its files into `folder`."""
    (folder / "fans").mkdir()
    patient = (_SHIPPED / "fans" / "patient.yaml").read_text(encoding="utf-8")
    line = (_SHIPPED / "targets" / "boxoffice.yaml").read_text(encoding="utf-8")
    (folder / "fans" / "patient.yaml").write_text(_changed(patient, "scale: 3m", "scale: 10000h"), encoding="utf-8")
    (folder / "line.yaml").write_text(_changed(line, "\ntimeout: 10s", "\ntimeout: 60m"), encoding="utf-8")
    profile = folder / "waiting.yaml"
    profile.write_text(_PROFILE.format(fans=fans, ms=round(over_s * 1000)), encoding="utf-8")
    rehearsal = open_rehearsal(profile, environ={})
    variables = {"SHOP_URL": url, "PAY_CONTROL": NOWHERE, "PAY_URL": NOWHERE, "PAY_ADDR": "127.0.0.1:9"}
    target = open_target(folder / "line.yaml", {**variables, "PAY_KEY": "sk_test"}, over=rehearsal, environ={})
    return Crowd(build(rehearsal.rehearsal, target.target, 1, retries=rehearsal.retries), target)


def _changed(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"the shipped file no longer says {old!r} once")
    return text.replace(old, new)
