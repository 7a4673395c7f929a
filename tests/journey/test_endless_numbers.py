"""A shop may write any number, also one without end: a claim or a hint that is none, never an error of ours."""

from __future__ import annotations

import pytest

from surgectl.journey.extract import compile_claim
from surgectl.journey.messages import Reply
from surgectl.journey.outcomes import compile_judge
from surgectl.journey.rules import compile_hint
from surgectl.journey.seen import Seen
from surgectl.profile.rule import Claim, Hint

ENDLESS = ('"inf"', '"-Infinity"', '"nan"', '"1e999"', '"1e99999999"', "9" * 400, '"' + "9" * 5000 + '"')


@pytest.mark.parametrize("said", ENDLESS)
@pytest.mark.parametrize("name", ["qty", "position", "wait", "minor EUR", "major EUR", "text"])
def test_a_number_without_end_is_no_claim(name: str, said: str) -> None:
    """The reply is judged all the same."""
    reading = Claim(json="n", money=name) if " " in name or name == "text" else Claim(json="n")
    claim = compile_claim("amount" if reading.money else name, reading, "here")
    judge = compile_judge(None, (), (claim,), "here")
    verdict = judge(Reply(status=200, body=f'{{"n": {said}}}'.encode()), {}, (0, 0, 0, 0))
    assert verdict.outcome == "ok"


@pytest.mark.parametrize("said", ENDLESS)
def test_a_wait_without_end_is_no_hint(said: str) -> None:
    """Neither as a number, nor as a date in a year that no calendar has."""
    hint = compile_hint(Hint(json="n"), "here")
    assert hint(Seen(Reply(body=f'{{"n": {said}}}'.encode()), {})) is None
    hint = compile_hint(Hint(header="Retry-After"), "here")
    headers = (("Retry-After", "1 Jan 00:00:00 Z+9999999999"), ("Date", "Mon, 23 Nov 2026 06:00:00 GMT"))
    assert hint(Seen(Reply(headers=headers), {})) is None
