"""The harness that says what a listener costs, played small: the shape is looked at, never the figures."""

from __future__ import annotations

import pytest

from benchmarks.listeners import main


@pytest.mark.real
@pytest.mark.parametrize("kind", ["sse", "ws"])
def test_everybody_listens(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    """All are connected and have heard the one word."""
    assert main(["--fans", "20", "--kind", kind, "--silence", "0.1"]) == 0
    assert capfd.readouterr().out.startswith(f"{kind}: 20 listen, ")
