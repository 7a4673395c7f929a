"""One thing a fan tries to do, over all its attempts, and what the fan may believe about it.

The rule kept here: an attempt that may have landed stays open. Whatever is said to a later one, the fan never
believes that it failed.
"""

from __future__ import annotations

from typing import Any

from surgectl.fans.dialogue import Told
from surgectl.fans.memory import Aside
from surgectl.fans.patience import Patience
from surgectl.fans.way import Place
from surgectl.journey.messages import Verdict
from surgectl.journey.model import CompiledStep, Mint
from surgectl.recording.rows import Outcome


class Operation(Patience):
    """A tab and the step that it is carrying out. Its number is `ops`: a tab does one thing at a time."""

    __slots__ = ("_claims", "_place", "_sent", "_tries")

    _place: Place
    _tries: int
    _sent: int
    """The last send of its own, by number; 0 = nothing was sent yet."""
    _claims: dict[str, Any] | tuple[Any, ...]
    """What the shop said of it: name → value. Of somebody who waits: the names, then the values."""

    def _take_up(self) -> None:
        """Begin to carry out the step."""
        self.ops += 1
        self._tries = self._sent = 0
        self._claims = ()
        aside = self._aside
        if aside is not None:
            aside.open = aside.fresh = False
            aside.counts = ()
            aside.waited_ns = 0

    @property
    def _step(self) -> CompiledStep:
        step = self._place.step
        assert step is not None, "a tab stands at a step, or it has left"
        return step

    def _doubt(self) -> None:
        """The shop may be carrying it out, or may have: until it says so, nobody knows."""
        if self._place.effects and self.ops not in self.doubt:
            self.aside.doubt = (*self.doubt, self.ops)

    def _leave_open(self) -> None:
        """An attempt of it may have landed, and no reply will ever tell."""
        self.aside.open = True
        self._doubt()

    def _hear(self, claims: dict[str, Any]) -> None:
        """What the shop said over what it said before. The verdict's own dict is never written to."""
        before = self._claims
        # In a line it says the same things each time: nothing to look up.
        said_anew = not before or (type(before) is tuple and before[: len(before) // 2] == tuple(claims))
        self._claims = claims if said_anew else {**self._claimed(), **claims}

    def _claimed(self) -> dict[str, Any]:
        claims = self._claims
        if type(claims) is tuple:
            return dict(zip(claims[: len(claims) // 2], claims[len(claims) // 2 :], strict=True))
        return claims  # type: ignore[return-value]  # it is the one or the other

    def _fold(self, made_again: tuple[Mint, ...] = ()) -> None:
        """What the shop said of it, too, takes a third of the room."""
        super()._fold(made_again)
        claims = self._claims
        if type(claims) is dict:
            self._claims = (*claims, *claims.values())

    def _tell(self, outcome: Outcome, end: str, *, by_rule: bool = False) -> Told:
        """It is over: the fan's belief about it, and what doubt stays behind. `by_rule`: the target's rule named it."""
        place, aside = self._place, self._aside
        if place.knowledge and outcome == "fail" and not by_rule:
            outcome = "info"  # unreachable, too busy, out of patience: a status page that says nothing denies nothing
        if place.effects and aside is not None and (aside.open or aside.doubt):
            outcome = self._believe(outcome, aside)
        return Told(
            op=self.ops,
            step=self._step.name,
            role=place.role,
            outcome=outcome,
            end=end,
            claims=self._claimed() if self._claims else {},
            status_read=place.knowledge,
        )

    def _believe(self, outcome: Outcome, aside: Aside) -> Outcome:
        doubt, number = aside.doubt, self.ops
        if outcome == "fail" and (aside.open or any(other != number for other in doubt)):
            outcome = "info"
        if outcome == "fail" or (outcome == "ok" and not (aside.open and aside.fresh)):
            if number in doubt:
                aside.doubt = tuple(other for other in doubt if other != number)
        elif aside.open:
            self._doubt()
        return outcome


def words_of(verdict: Verdict) -> tuple[tuple[str, ...], str]:
    """The outcome words that a profile may react to, most telling first, and the end if nothing is done about it."""
    if verdict.then == "end":
        end = verdict.to or verdict.why
        return ((end, "info") if verdict.outcome == "info" else (end,)), end
    if verdict.then in ("again", "shed"):
        return (verdict.then,), verdict.then
    if verdict.outcome == "fail":
        return (verdict.why, "info"), verdict.why
    return (verdict.why, "info"), "unknown"
