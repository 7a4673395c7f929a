"""The draws of a retry profile: how long a fan waits before it tries again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from surgectl.errors import UsageError
from surgectl.fans.memory import Memory
from surgectl.fans.policy import compile_policy
from surgectl.profile.load import load_retry_profile
from tests.fans.talk import MS, S, policy


def waits(backoff: str, retry: int = 0, previous_ns: int = 0, many: int = 2000) -> list[int]:
    """Draws of one backoff, sorted."""
    found = policy(f"{{react: {{pay: {{info: {{tries: 9, backoff: {backoff}}}}}}}}}").response("pay", ("info",))
    assert found is not None
    memory = Memory(seed=1, fan=2, intent="i")
    return sorted(found[1].wait(memory, retry, previous_ns) for _ in range(many))


EXPONENTIAL = "{{exponential: {{base: 500ms, cap: 20s, jitter: {}}}}}"


@pytest.mark.parametrize(
    ("jitter", "retry", "previous", "least", "most", "mean"),
    [
        ("none", 0, 0, 500, 500, 500),
        ("none", 3, 0, 4000, 4000, 4000),
        ("none", 30, 0, 20000, 20000, 20000),
        ("full", 2, 0, 0, 2000, 1000),
        ("full", 9, 0, 0, 20000, 10000),
        ("equal", 2, 0, 1000, 2000, 1500),
        ("decorrelated", 0, 0, 500, 500, 500),
        ("decorrelated", 1, 1000, 500, 3000, 1750),
        ("decorrelated", 5, 15000, 500, 20000, None),
    ],
)
def test_exponential_backoff_after_the_aws_article(
    jitter: str, retry: int, previous: int, least: int, most: int, mean: int | None
) -> None:
    """none, full, equal and decorrelated jitter stay within their published bounds and fill them."""
    drawn = waits(EXPONENTIAL.format(jitter), retry, previous * MS)
    assert drawn[0] >= least * MS and drawn[-1] <= most * MS
    if most > least:
        assert drawn[-1] - drawn[0] > 0.95 * (most - least) * MS
    if mean is not None:
        assert sum(drawn) / len(drawn) == pytest.approx(mean * MS, rel=0.05)


@pytest.mark.parametrize(
    ("backoff", "median"),
    [
        ("{}", 0),
        ("{fixed: 3s}", 3 * S),
        ("{uniform: [50ms, 200ms]}", 125 * MS),
        ("{lognormal: {median: 2s, sigma: 0.4}}", 2 * S),
    ],
)
def test_other_backoffs(backoff: str, median: int) -> None:
    """At once, fixed, uniform and log-normal."""
    drawn = waits(backoff)
    assert drawn[len(drawn) // 2] == pytest.approx(median, rel=0.05, abs=1)


def test_draws_follow_from_seed_fan_and_counter() -> None:
    """The same memory draws the same waits again; two fans do not move in step."""
    draw = policy("{think: {lognormal: {median: 1s, sigma: 0.6}}}").think
    assert draw is not None

    def of(fan: int, think: Callable[[Memory], int] = draw) -> list[int]:
        memory = Memory(seed=1, fan=fan, intent="i")
        return [think(memory) for _ in range(5)]

    assert of(1) == of(1)
    assert of(1) != of(2)
    assert len(set(of(1))) == 5


def test_the_most_telling_word_decides() -> None:
    """A reaction to `timeout` comes before the one to `info`; what is not named is not reacted to."""
    cautious = policy("{react: {pay: {timeout: {tries: 5}, info: {tries: 2}}}}")
    assert [
        found and found[1].tries for found in (cautious.response("pay", (why, "info")) for why in ("timeout", "cut"))
    ] == [5, 2]
    assert cautious.response("hold", ("timeout", "info")) is None
    assert cautious.response("join", ("info",)) is None


@pytest.mark.parametrize("name", ["patient", "masher", "multitab", "doubleclick", "backbutton", "sdk", "bot"])
def test_the_shipped_profiles_compile(name: str) -> None:
    """Each of the seven can be drawn from."""
    compiled = compile_policy(load_retry_profile(name))
    assert compiled.name == name
    assert compiled.budget_ns(1, 1)
    memory = Memory(seed=1, fan=1, intent="i")
    assert all(response.wait(memory, 1, S) >= 0 for response in compiled.react.values())


def test_a_habit_that_cannot_be_drawn_is_refused() -> None:
    """A refresh without its unit is one line, not a traceback."""
    with pytest.raises(UsageError, match="unit"):
        policy("{refresh: {poll: {lognormal: {median: '3', sigma: 0.5}}}}")
