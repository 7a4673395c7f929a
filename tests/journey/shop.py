"""Small targets and replies for the tests of the language."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import yaml

from surgectl.journey.compile import compile_target
from surgectl.journey.messages import Reply, Verdict
from surgectl.journey.model import Journey
from surgectl.profile.target import Target

BASE = "http://shop.test"


def target(text: str, **over: Any) -> Target:
    """A target from YAML text; head and one step are added where they are missing."""
    fields = {"surgectl-target": 1, "name": "test", "base_url": BASE, **(yaml.safe_load(text) or {}), **over}
    return msgspec.convert(fields, Target, dec_hook=lambda kind, value: kind.parse(value))


def journey(text: str, **over: Any) -> Journey:
    """The same, compiled."""
    return compile_target(target(text, **over))


def page(status: int = 200, body: Any = b"", url: str = BASE + "/", **headers: str) -> Reply:
    """A whole reply; anything but bytes and text becomes JSON. Header names are written with underscores."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Reply(
        status=status,
        body=raw,
        url=url,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        sent_ns=1,
        done_ns=2,
    )


def judge(text: str, reply: Reply, **variables: Any) -> Verdict:
    """What one step (YAML: outcomes, take, claims …) makes of a reply."""
    step = {"step": "one", "post": "/", **yaml.safe_load(text)}
    compiled = journey("", journey=[step]).steps[0].judge
    assert compiled is not None
    return compiled(reply, variables, (1, 2, 3, 4))
