"""What a fan does about a verdict: goes on, goes elsewhere, tries again as its retry profile says, or gives up."""

from __future__ import annotations

from functools import partial

from surgectl.fans.dialogue import Answer, Leave, Minted, Move
from surgectl.fans.minting import mint_again
from surgectl.fans.operation import words_of
from surgectl.fans.patience import Next
from surgectl.fans.policy import Response
from surgectl.fans.sending import Sending
from surgectl.fans.way import Place
from surgectl.journey.messages import Verdict
from surgectl.journey.template import UnsetError, root
from surgectl.recording.rows import Outcome

_ASK_AGAIN = Response(tries=3, wait=lambda memory, retry, previous_ns: 1_000_000_000, honours_hint=True)
"""A status read that failed is asked again: it is ours to know, not the fan's to suffer."""


class Reacting(Sending):
    """A tab that makes up its mind."""

    __slots__ = ()

    def _decide(self, verdict: Verdict) -> Move:
        then = verdict.then
        if then == "next":
            self._next = type(self)._pass
            return self._tell(verdict.outcome, "next")
        if then == "goto" or then == "flow":
            told = self._tell(verdict.outcome, then)
            self._next = self._move(verdict)
            return told
        words, end = words_of(verdict)
        if then == "end" and verdict.outcome == "ok":
            told = self._tell("ok", end)
            self._next = self._leaving(end, "ok")
            return told
        word, response = self._response(verdict, words)
        if response is not None and self._may_try(word, response):
            return self._react(verdict, word, response, end)
        told = self._tell(verdict.outcome, end, by_rule=then == "end")
        self._next = self._leaving(end, told.outcome, verdict.detail if told.outcome == "info" else "")
        return told

    def _leaving(self, end: str, outcome: Outcome, detail: str = "") -> Next:
        """To leave with this. A refusal is one only if nothing before it may have landed."""
        if outcome == "fail" and self.doubt:
            outcome = "info"
        return partial(type(self)._finish, Leave(end=end, outcome=outcome, detail=detail))

    # -- elsewhere

    def _move(self, verdict: Verdict) -> Next:
        """As a rule of the target says, so often and no more."""
        place, then, to, aside = self._place, verdict.then, verdict.to or "", self.aside
        jumps = aside.jumps
        if jumps is None:
            jumps = aside.jumps = {}
        jump = (self._step.path, then, to)
        jumps[jump] = made = jumps.get(jump, 0) + 1
        if made > verdict.at_most:
            return self._leaving("unknown", "info", f"{then} {verdict.to} more than {verdict.at_most} times")
        if then == "flow":
            return self._head_for(place.enter(to, self.route.journey.flows[to]), to)
        return self._head_for(place.jump(to), to)

    def _head_for(self, place: Place | None, name: str) -> Next:
        if place is None:
            return self._leaving("unknown", "info", f"no step {name} to go to from {self._step.name}")
        self._place = place
        return type(self)._arrive

    # -- again

    def _response(self, verdict: Verdict, words: tuple[str, ...]) -> tuple[str, Response | None]:
        found = self.policy.response(self._place.role, words)
        if found is not None:
            return found
        return words[-1], _ASK_AGAIN if self._place.knowledge and verdict.then != "end" else None

    def _spent(self, word: str) -> int:
        """Tries used up by operations that a jump has left behind."""
        spent = self.aside.spent
        return 0 if spent is None else spent.get((self._place.role, word), 0)

    def _may_try(self, word: str, response: Response) -> bool:
        counts = dict(self.aside.counts)
        counts[word] = counts.get(word, 0) + 1
        self.aside.counts = tuple(counts.items())
        return counts[word] + self._spent(word) < response.tries

    def _react(self, verdict: Verdict, word: str, response: Response, end: str) -> Move:
        """As the profile says: wait, take a new key, and try again here, in a flow, or further back."""
        aside = self.aside
        spent = self._spent(word) + dict(aside.counts)[word]
        wait_ns = aside.waited_ns = response.wait(self, spent - 1, aside.waited_ns)
        if response.honours_hint and verdict.hint_ns is not None:
            wait_ns = max(wait_ns, verdict.hint_ns)  # never before the time that the shop named
        back = self._way_back(verdict, response)
        then: Next = type(self)._attempt  # whole crowds wait for this one: it holds nothing of the refusal
        if back is not None:
            then = partial(type(self)._go_back, back, response, (word, spent), (verdict, end))
        elif response.fresh_key:
            then = partial(type(self)._renew, response, then)
        return self._wait(wait_ns, "backoff", then)

    @staticmethod
    def _go_back(
        back: tuple[Place | None, str],
        response: Response,
        spent: tuple[str, int],
        belief: tuple[Verdict, str],
        tab: Reacting,
        answer: Answer | bool | None,
    ) -> Move:
        """`spent`: the tries of an outcome word that go with the fan. `belief`: what this operation came to."""
        aside = tab.aside
        if aside.spent is None:
            aside.spent = {}
        aside.spent[tab._place.role, spent[0]] = spent[1]
        verdict, end = belief
        told = tab._tell(verdict.outcome, end, by_rule=verdict.then == "end")
        tab._next = partial(type(tab)._renew, response, tab._head_for(*back))
        return told

    def _way_back(self, verdict: Verdict, response: Response) -> tuple[Place | None, str] | None:
        """The place to go back to and its name; None: try again here."""
        journey, place = self.route.journey, self._place
        if response.flow is not None and response.flow in journey.flows:
            return place.enter(response.flow, journey.flows[response.flow]), response.flow
        if response.back is not None:
            first = next((step.name for step in journey.steps if step.role == response.back), None)
            if first is not None:
                return place.jump(first), first
        if verdict.then == "again" and verdict.to:
            return place.jump(verdict.to), verdict.to
        if response.fresh_key and journey.key_step is not None:
            return place.jump(journey.key_step), journey.key_step
        return None

    @staticmethod
    def _renew(response: Response, then: Next, tab: Reacting, answer: Answer | bool | None) -> Move:
        """A new key, where the profile takes one, and on."""
        if not response.fresh_key:
            return then(tab, None)
        tab.aside.fresh = True
        try:
            return tab._mint(then)
        except UnsetError as error:
            return tab._lack(error)

    def _mint(self, then: Next, *, per_tab: bool = False) -> Move:
        """New unique values, told to the journal before anything carries them. UnsetError."""
        values = mint_again(self.route.journey.mint, self, per_tab=per_tab)
        return _say([Minted(name=name, value=value) for name, value in values.items()], then, self)

    def _go_by(self, verdict: Verdict, called: str) -> Move:
        then = verdict.then
        if then == "next":
            return self._pass(None)
        if then == "goto" or then == "flow":
            return self._move(verdict)(self, None)
        if then == "end" and verdict.outcome == "fail":
            return self._leaving(verdict.to or verdict.why, "fail")(self, None)
        return self._fail_to_send(f"has no rule for what call {called} returned")

    # -- no more

    def _quit(self, answer: Answer | bool | None = None) -> Move:
        if not self._sent:
            return self._leaving("quit", "fail")(self, None)
        told = self._tell("info" if self.ops in self.doubt else "fail", "quit")
        self._next = self._leaving("quit", "fail")
        return told

    def _lack(self, error: UnsetError) -> Move:
        taker = self.route.journey.takers.get(root(error.name))
        hint = f": step {taker} should have taken it" if taker else ""
        return self._fail_to_send(f"needs {{{error.name}}}, which is not set{hint}")

    def _fail_to_send(self, why: str) -> Move:
        detail = f"{self._step.path}: step {self._step.name} {why}"
        if not self._sent:
            return self._leaving("target-error", "fail", detail)(self, None)
        told = self._tell("info" if self._aside is not None and self._aside.open else "fail", "target-error")
        self._next = self._leaving("target-error", "fail", detail)
        return told

    # -- for whoever walks

    def _pass(self, answer: Answer | bool | None) -> Move:
        """The step is done: on to the next."""
        raise NotImplementedError

    def _arrive(self, answer: Answer | bool | None = None) -> Move:
        """At a step."""
        raise NotImplementedError

    @staticmethod
    def _finish(leave: Leave, tab: Reacting, answer: Answer | bool | None) -> Move:
        """At the end of the journey."""
        raise NotImplementedError


def _say(moves: list[Minted], then: Next, tab: Reacting, answer: Answer | bool | None = None) -> Move:
    """These moves, one at a time, and then on."""
    if not moves:
        return then(tab, None)
    tab._next = partial(_say, moves[1:], then)
    return moves[0]
