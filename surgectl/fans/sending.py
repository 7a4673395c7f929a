"""Puts a fan's next request together, and makes of the answer what the fan now knows."""

from __future__ import annotations

from collections.abc import Generator

from surgectl import chance
from surgectl.fans.dialogue import Answer, Double, Minted, Move, Send
from surgectl.fans.intent import Intent, mint_again
from surgectl.fans.memory import Memory
from surgectl.fans.operation import Operation
from surgectl.fans.patience import Patience, Quit
from surgectl.fans.policy import Policy
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.journey.model import CompiledPoll, Journey
from surgectl.journey.outcomes import Judge
from surgectl.journey.request import CompiledRequest
from surgectl.journey.template import show

_SOONEST_POLL_NS = 50_000_000
"""Nobody reloads faster, whatever a hint says: a hint of 0 must not become a loop."""
_DOUBLE_NS = (50_000_000, 400_000_000)
"""The gap of a double click."""

Asking = Generator[Move, Answer | bool | None, Verdict]


class Sender:
    """Sends for one tab."""

    __slots__ = ("_intent", "_journey", "_memory", "_patience", "_policy")

    def __init__(self, journey: Journey, policy: Policy, intent: Intent, memory: Memory, patience: Patience) -> None:
        self._journey = journey
        self._policy = policy
        self._intent = intent
        self._memory = memory
        self._patience = patience

    def mint(self, *, per_tab: bool = False) -> Generator[Move, Answer | bool | None, None]:
        """New unique values, told to the journal before anything carries them."""
        for name, value in mint_again(self._journey, self._intent, self._memory, per_tab=per_tab).items():
            yield Minted(name=name, value=value)

    def send(self, operation: Operation, request: CompiledRequest, judge: Judge, *, poll: bool = False) -> Asking:
        """One attempt. UnsetError where a variable is not set, Quit where the person leaves before the answer."""
        memory = self._memory
        variables = memory.variables
        timeout_ns, capped = self._patience.timeout_ns("poll" if poll else operation.step.role, request.timeout_ns)
        attempt = self._next_attempt()
        variables["attempt"] = attempt
        if "uuid" in request.names:
            variables["uuid"] = chance.uuid(memory.seed, "uuid", *memory.draw())
        wire = request.render(variables, memory.page, timeout_ns)
        key = variables.get(self._journey.key_variable) if self._journey.key_variable in request.names else None
        dice = (memory.seed, memory.fan, memory.tab, memory.sends)

        def judge_reply(reply: Reply) -> Verdict:
            if capped and reply.broken == "timeout":
                # The person left before the shop's time was up: still open, whatever was sent may land.
                return Verdict(outcome="info", why="quit", then="unknown", detail=reply.detail)
            return judge(reply, variables, dice)

        double = None if poll else self._double(operation, request, timeout_ns)
        operation.sent = True
        answer = yield Send(
            attempt=attempt,
            wire=wire,
            judge=judge_reply,
            step=operation.step.name,
            role=operation.role,
            op=operation.number,
            try_=operation.tries,
            poll=poll,
            key=None if key is None else show(key),
            status_read=operation.knowledge,
            double=double,
            where=operation.step.path,
        )
        assert isinstance(answer, Answer)
        self._patience.now_ns = max(self._patience.now_ns, answer.now_ns)
        self._learn(operation, answer, wire, poll=poll)
        if answer.verdict.then == "unknown" and answer.verdict.why == "quit":
            raise Quit
        if double is not None and operation.step.role == "pay" and answer.verdict.outcome == "fail":
            operation.leave_open()  # nobody waits for the second click's answer: it may have paid
        return answer.verdict

    def _learn(self, operation: Operation, answer: Answer, wire: Wire, *, poll: bool) -> None:
        verdict, reply = answer.verdict, answer.reply
        not_yet = poll and verdict.then == "poll"
        self._memory.variables.update(verdict.takes)
        operation.claims.update(verdict.claims)
        if reply.broken is None and not not_yet:
            self._memory.variables["url"] = reply.url or wire.url
            if self._journey.keeps_page:
                self._memory.page = reply
        if verdict.outcome == "info" and not not_yet:
            operation.leave_open()

    def _next_attempt(self) -> str:
        memory = self._memory
        memory.sends += 1
        return f"{memory.intent}.{memory.tab}.{memory.sends}"

    def _double(self, operation: Operation, request: CompiledRequest, timeout_ns: int) -> Double | None:
        """The second click, with the profile's share of holds and payments."""
        memory = self._memory
        if not self._policy.double or not operation.effects:
            return None
        if chance.unit(memory.seed, "double", *memory.draw()) >= self._policy.double:
            return None
        gap_ns = chance.between(*_DOUBLE_NS, memory.seed, "double gap", *memory.draw())
        second = self._next_attempt()
        # The same bytes, save an attempt id that travels in them: no two sends may carry the same.
        wire = request.render({**memory.variables, "attempt": second}, memory.page, timeout_ns)
        return Double(after_ns=round(gap_ns), attempt=second, wire=wire)

    def poll(self, operation: Operation, poll: CompiledPoll, hint_ns: int | None, *, at_once: bool = False) -> Asking:
        """Ask until a rule of the poll decides. Whatever else comes back means not yet; no end in time is unknown."""
        patience = self._patience
        until_ns = patience.now_ns + poll.within_ns
        while True:
            if not at_once:
                wait_ns = self._interval_ns(operation, poll, hint_ns)
                if patience.now_ns + wait_ns > until_ns:
                    yield from patience.wait(max(0, until_ns - patience.now_ns), "poll")
                    operation.leave_open()
                    return Verdict(outcome="info", why="overdue", then="unknown", detail="the wait came to no end")
                yield from patience.wait(wait_ns, "poll")
            at_once = False
            verdict = yield from self.send(operation, poll.request, poll.judge, poll=True)
            if verdict.then != "poll":
                return verdict
            hint_ns = verdict.hint_ns

    def _interval_ns(self, operation: Operation, poll: CompiledPoll, hint_ns: int | None) -> int:
        memory = self._memory
        habit = self._policy.refresh.get(operation.step.role) or self._policy.refresh.get("poll")
        if habit is not None and not operation.knowledge:
            return max(_SOONEST_POLL_NS, habit(memory))
        share = chance.unit(memory.seed, "poll", *memory.draw())
        if hint_ns is not None:
            return max(_SOONEST_POLL_NS, round(hint_ns * (1 + poll.jitter * share)))
        return max(_SOONEST_POLL_NS, round(poll.every_ns * (1 + poll.jitter * (2 * share - 1))))
