"""A shop may claim any number, also one without end: a claim that is none, never an error of ours."""

from __future__ import annotations

import pytest

from surgectl.journey.extract import compile_claim
from surgectl.journey.messages import Reply
from surgectl.journey.seen import Seen
from surgectl.profile.target import Claim


@pytest.mark.parametrize("said", ['"inf"', '"-Infinity"', '"nan"', '"1e999"'])
@pytest.mark.parametrize("name", ["qty", "position"])
def test_a_number_without_end_is_no_claim(name: str, said: str) -> None:
    """The reply is judged all the same, and its detail says what was claimed."""
    claim = compile_claim(name, Claim(json="n"), "here")
    with pytest.raises(ValueError, match="not a whole number|not a number"):
        claim.read(seen(f'{{"n": {said}}}'.encode()))


def seen(body: bytes) -> Seen:
    return Seen(Reply(status=200, body=body), {})
