"""--strict answers a battery of probes as Toxiproxy 2.12 did when its answers were written down."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proxy.toxi import Toxi

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
PROBE = REFERENCE / "toxiproxy_probe.py"
GOLDEN = REFERENCE / "toxiproxy_golden_2.12.txt"

pytestmark = [
    pytest.mark.real,
    pytest.mark.quiet,
    pytest.mark.skipif(not (PROBE.exists() and GOLDEN.exists()), reason="no shared/reference beside this checkout"),
]

_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
_SECONDS = re.compile(r"\b\d+\.\d+\b")
_TOLERANCE_S = 0.15


def by_name(text: str) -> dict[str, str]:
    """Lines by the name in their brackets, with ports made equal."""
    lines = [line for line in _ADDRESS.sub("ADDRESS", text).splitlines() if line.strip()]
    return {line[: line.index("]") + 1]: line[line.index("]") + 1 :] for line in lines}


def test_strict_agrees_with_the_golden_answers(strict: Toxi) -> None:
    """Every line agrees: words exactly, times within 150 ms, chance in kind."""
    run = subprocess.run([sys.executable, PROBE, strict.url], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    golden, ours = by_name(GOLDEN.read_text()), by_name(run.stdout)
    assert list(ours) == list(golden)
    for name, expected in golden.items():
        got = ours[name]
        if name == "[toxicity .5 per connection]":
            assert set(re.findall(r"\([^)]*\)", got)) == {"(False, False, False)", "(True, True, True)"}
        elif name == "[toxicity rerolled by empty PATCH on same conn]":
            assert set(re.findall(r"\d", got)) == {"0", "1"}
        else:
            assert _SECONDS.sub("N", got) == _SECONDS.sub("N", expected), name
            for a, b in zip(_SECONDS.findall(got), _SECONDS.findall(expected), strict=True):
                assert abs(float(a) - float(b)) <= _TOLERANCE_S, (name, got, expected)
