"""What one fan does, move by move: sends, waits, tries again, gives up. No clock, no socket: it only decides.

`play` speaks the dialogue of dialogue.py. The rule that everything here keeps: an attempt that may have landed stays
open. Whatever comes after it, the fan never believes that it failed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from surgectl import chance
from surgectl.fans.dialogue import (
    Answer,
    Double,
    Fork,
    Leave,
    Meet,
    Minted,
    Move,
    Script,
    Send,
    Think,
    Told,
)
from surgectl.fans.intent import Intent, mint_again, open_tab
from surgectl.fans.memory import Memory
from surgectl.fans.policy import Policy, Response
from surgectl.journey.messages import Reply, Verdict
from surgectl.journey.model import CompiledPoll, CompiledRepeat, CompiledStep, Journey
from surgectl.journey.outcomes import Judge
from surgectl.journey.paths import MISSING
from surgectl.journey.request import CompiledRequest
from surgectl.journey.seen import Seen
from surgectl.journey.template import UnsetError, show
from surgectl.recording.rows import Outcome

EFFECTS = frozenset({"hold", "pay"})
"""Roles whose unanswered attempts leave a doubt that nothing but a success can lift."""

_SOONEST_POLL_NS = 50_000_000
_SHORTEST_TIMEOUT_NS = 1_000_000
_DOUBLE_NS = (50_000_000, 400_000_000)
"""The gap of a double click (payments.md, people)."""
_TAB_NS = (200_000_000, 1_000_000_000)
"""How long a person takes to open one more tab."""
_ASK_AGAIN = Response(tries=3, wait=lambda memory, retry, previous_ns: 1_000_000_000, honours_hint=True)
"""A status read that failed is asked again: it is ours to know, not the fan's to suffer."""

Moves = Generator[Move, Answer | bool | None, Any]


class _Going(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tab goes once an operation is over."""

    way: str
    """next · goto · flow · end"""
    to: str = ""
    outcome: Outcome = "info"
    detail: str = ""


_NEXT = _Going(way="next")
_SKIPPED = _Going(way="next", detail="skipped")
_GIVE_UP = _Going(way="end", detail="tries are used up")


class _Quit(Exception):  # noqa: N818 - not an error: a person has had enough
    """The person has waited long enough."""


class _Frame:
    """A list of steps being walked, and how far."""

    __slots__ = ("flow", "index", "repeat", "rounds", "steps")

    def __init__(
        self, steps: tuple[CompiledStep, ...], *, flow: str | None = None, repeat: CompiledRepeat | None = None
    ) -> None:
        self.steps = steps
        self.index = 0
        self.flow = flow
        self.repeat = repeat
        self.rounds = 0


class _Operation:
    """One step being carried out, over all its attempts."""

    __slots__ = ("claims", "counts", "fresh", "number", "open", "sent", "tries", "waited_ns")

    def __init__(self, number: int) -> None:
        self.number = number
        self.tries = 0
        self.counts: dict[str, int] = {}
        """How often each outcome word has come."""
        self.claims: dict[str, Any] = {}
        self.sent = False
        self.open = False
        """An attempt of it may or may not have happened."""
        self.fresh = False
        """A later attempt carried another key, so its answer says nothing of the earlier one."""
        self.waited_ns = 0


def play(journey: Journey, policy: Policy, intent: Intent, memory: Memory, *, start_ns: int = 0) -> Script:
    """The script of one tab: `memory` from `open_tab`, `start_ns` the instant it begins, on the run's clock."""
    return _Tab(journey, policy, intent, memory, start_ns).run()


def status_script(
    journey: Journey, policy: Policy, intent: Intent, memory: Memory, *, start_ns: int = 0
) -> Script | None:
    """Reads, after settling, what became of an accepted or unknown intent. Knowledge, never an attempt.

    None where the target has no status flow, or where the tab never learnt what is needed to ask.
    """
    steps = journey.flows.get("status")
    if not steps:
        return None
    seen = look_back(memory)
    first = next((step for step in steps if step.only is None or step.only(seen)), None)
    if first is None:
        return None
    request = first.request or (first.poll.request if first.poll is not None else None)
    if request is not None:
        try:
            request.render({"attempt": "", "uuid": "", **memory.variables}, memory.page, 1)
        except UnsetError:
            return None
    return _Tab(journey, policy, intent, memory, start_ns).run_status()


def look_back(memory: Memory) -> Seen:
    """The last page, as `only` and a wizard look at it: where none was kept, what is known of it is its URL."""
    return Seen(memory.page or Reply(url=str(memory.variables.get("url", ""))), memory.variables)


class _Tab:
    """One tab at the shop."""

    def __init__(self, journey: Journey, policy: Policy, intent: Intent, memory: Memory, start_ns: int) -> None:
        self.journey = journey
        self.policy = policy
        self.intent = intent
        self.memory = memory
        self.start_ns = start_ns
        self.now_ns = start_ns
        self.thought_ns = 0
        """Time spent thinking: it is not waiting."""
        self.budget_ns = policy.budget_ns(memory.seed, memory.fan)
        self.status = False
        self.begun = False
        self.forked = memory.tab != 0
        self.jumps: dict[tuple[str, str, str], int] = {}
        """(step, move, its name) → how often it was made."""
        self.spent: dict[tuple[str, str], int] = {}
        """(role, outcome word) → tries used up by operations that a jump has left behind."""

    # -- the whole

    def run(self) -> Script:
        memory = self.memory
        if memory.tab:
            yield from self._mint(per_tab=True)
            pause_ns = chance.between(*_TAB_NS, memory.seed, "tab", *memory.draw())
            yield from self._think(round(pause_ns * memory.tab))
        going = yield from self._walk(self.journey.steps)
        memory.end, memory.outcome = going.to, going.outcome
        if going.to == "confirmed" and "status" in self.journey.flows:
            yield from self._read_status()
        yield Leave(end=memory.end or "unknown", outcome=memory.outcome, detail=going.detail)

    def run_status(self) -> Script:
        going = yield from self._read_status()
        yield Leave(end=going.to, outcome=going.outcome, detail=going.detail)

    def _read_status(self) -> Generator[Move, Answer | bool | None, _Going]:
        self.status = True
        return (yield from self._walk(self.journey.flows["status"]))

    def _walk(self, steps: tuple[CompiledStep, ...]) -> Generator[Move, Answer | bool | None, _Going]:
        """Step after step, through flows, jumps and wizards, to an end."""
        frames = [_Frame(steps)]
        while frames:
            frame = frames[-1]
            if frame.index >= len(frame.steps):
                if frame.repeat is None:
                    frames.pop()
                    continue
                problem = self._turn(frame, frame.repeat)
                if problem == "over":
                    frames.pop()
                elif problem:
                    return self._unknown(problem)
                continue
            step = frame.steps[frame.index]
            going = yield from self._step(step)
            if going.way == "next":
                frame.index += 1
                if step.repeat is not None and going is not _SKIPPED:
                    frames.append(_Frame((), repeat=step.repeat))
            elif going.way == "flow":
                frame.index += 1
                self._enter(frames, going.to)
            elif going.way == "goto":
                if not self._jump(frames, going.to):
                    return self._unknown(f"no step {going.to} to go to from {step.name}")
            else:
                return going
        return self._unknown("" if self.status else "the journey ended without an end")

    def _enter(self, frames: list[_Frame], flow: str) -> None:
        """Into a flow; one that is being walked already begins again rather than inside itself."""
        for depth, frame in enumerate(frames):
            if frame.flow == flow:
                del frames[depth + 1 :]
                frame.index = 0
                return
        frames.append(_Frame(self.journey.flows[flow], flow=flow))

    @staticmethod
    def _jump(frames: list[_Frame], name: str) -> bool:
        for depth in range(len(frames) - 1, -1, -1):
            for index, step in enumerate(frames[depth].steps):
                if step.name == name:
                    del frames[depth + 1 :]
                    frames[depth].index = index
                    return True
        return False

    def _turn(self, frame: _Frame, repeat: CompiledRepeat) -> str:
        """The next page of a wizard: `over`, "" to walk its steps, or why it cannot go on."""
        seen = look_back(self.memory)
        if repeat.until(seen):
            return "over"
        if frame.rounds >= repeat.at_most:
            return f"the wizard is not over after {repeat.at_most} pages"
        case = repeat.by(seen)
        if case is MISSING:
            return f"the wizard's page is not to be seen in {seen.reply.url}"
        if show(case) not in repeat.cases:
            return f'the wizard has no case for "{show(case)}"'
        frame.steps, frame.index = repeat.cases[show(case)], 0
        frame.rounds += 1
        return ""

    def _unknown(self, detail: str) -> _Going:
        return _Going(way="end", to="unknown", outcome="info", detail=detail)

    def _ended(self, end: str, outcome: Outcome, detail: str = "") -> _Going:
        """The end of the tab. A refusal is one only if nothing before it may have landed."""
        if outcome == "fail" and self.memory.doubt:
            outcome = "info"
        return _Going(way="end", to=end, outcome=outcome, detail=detail)

    # -- one step

    def _step(self, step: CompiledStep) -> Generator[Move, Answer | bool | None, _Going]:
        if step.only is not None and not step.only(look_back(self.memory)):
            return _SKIPPED
        if not self.forked and step.role == self.policy.tabs_from and not self.status:
            self.forked = True
            yield from self._fork()
        if step.barrier is not None:
            yield Meet(name=step.barrier.name, fans=step.barrier.fans, within_ns=step.barrier.within_ns)
        if step.request is None and step.poll is None:
            return _NEXT
        if self.begun and self.policy.think is not None and not self.status:
            yield from self._think(self.policy.think(self.memory))
        self.begun = True
        return (yield from self._operate(step))

    def _fork(self) -> Moves:
        memory = self.memory
        tabs = self.policy.open_tabs(memory.seed, memory.fan)
        if tabs <= 1:
            return
        minted = {mint.name: memory.variables[mint.name] for mint in self.journey.mint}
        memory.others = [open_tab(self.journey, self.intent, minted, tab) for tab in range(1, tabs)]
        yield Fork(
            tabs=tuple(
                play(self.journey, self.policy, self.intent, other, start_ns=self.now_ns) for other in memory.others
            )
        )

    def _operate(self, step: CompiledStep) -> Generator[Move, Answer | bool | None, _Going]:
        """One operation: attempts until it came to something or the fan gives up."""
        self.memory.ops += 1
        operation = _Operation(self.memory.ops)
        try:
            while True:
                verdict = yield from self._attempt(step, operation)
                going = yield from self._act(step, operation, verdict)
                if going is not None:
                    return going
        except _Quit:
            in_doubt = operation.number in self.memory.doubt
            if operation.sent:
                yield self._told(step, operation, "info" if in_doubt else "fail", "quit")
            return self._ended("quit", "fail")
        except UnsetError as error:
            taker = self.journey.takers.get(error.name.split(".")[0].split("[")[0])
            hint = f": step {taker} should have taken it" if taker else ""
            detail = f"{step.path}: step {step.name} needs {{{error.name}}}, which is not set{hint}"
            if operation.sent:
                yield self._told(step, operation, "info" if operation.open else "fail", "target-error")
            return self._ended("target-error", "fail", detail)

    def _attempt(self, step: CompiledStep, operation: _Operation) -> Generator[Move, Answer | bool | None, Verdict]:
        operation.tries += 1
        if step.request is None or step.judge is None:
            assert step.poll is not None
            return (yield from self._poll(step, step.poll, operation, None, at_once=True))
        verdict = yield from self._send(step, operation, step.request, step.judge, poll=False)
        if verdict.then == "poll" and step.poll is not None:
            if step.role in EFFECTS and not self.status:
                self.memory.doubt.add(operation.number)  # the shop has it now: until it answers, nobody knows
            verdict = yield from self._poll(step, step.poll, operation, verdict.hint_ns)
        return verdict

    # -- what a verdict leads to

    def _act(
        self, step: CompiledStep, operation: _Operation, verdict: Verdict
    ) -> Generator[Move, Answer | bool | None, _Going | None]:
        """None = try the same operation again."""
        then = verdict.then
        if then == "next":
            yield self._told(step, operation, verdict.outcome, "next")
            return _NEXT
        if then in ("goto", "flow"):
            return (yield from self._move_on(step, operation, verdict))
        if then == "end" and verdict.outcome == "ok":
            yield self._told(step, operation, "ok", verdict.to or "confirmed")
            return self._ended(verdict.to or "confirmed", "ok")
        words, end = _words(verdict)
        found = self.policy.response(step.role, words)
        if found is None and self.status and then != "end":
            found = words[-1], _ASK_AGAIN
        if found is not None:
            word, response = found
            going = yield from self._react(step, operation, verdict, word, response, end)
            if going is not _GIVE_UP:
                return going
        told = self._told(step, operation, verdict.outcome, end)
        yield told
        return self._ended(end, told.outcome, verdict.detail if told.outcome == "info" else "")

    def _move_on(
        self, step: CompiledStep, operation: _Operation, verdict: Verdict
    ) -> Generator[Move, Answer | bool | None, _Going]:
        to = verdict.to or ""
        yield self._told(step, operation, verdict.outcome, verdict.then)
        if self._again_too_often((step.path, verdict.then, to), verdict.at_most):
            return self._unknown(f"{verdict.then} {to} more than {verdict.at_most} times")
        return _Going(way=verdict.then, to=to)

    def _again_too_often(self, jump: tuple[str, str, str], at_most: int) -> bool:
        self.jumps[jump] = self.jumps.get(jump, 0) + 1
        return self.jumps[jump] > at_most

    def _react(
        self,
        step: CompiledStep,
        operation: _Operation,
        verdict: Verdict,
        word: str,
        response: Response,
        end: str,
    ) -> Generator[Move, Answer | bool | None, _Going | None]:
        """As the profile says: wait, take a new key, and try again here, in a flow, or further back."""
        spent = (step.role, word)
        operation.counts[word] = operation.counts.get(word, 0) + 1
        so_far = operation.counts[word] + self.spent.get(spent, 0)
        if so_far >= response.tries:
            return _GIVE_UP
        wait_ns = operation.waited_ns = response.wait(self.memory, so_far - 1, operation.waited_ns)
        if response.honours_hint and verdict.hint_ns is not None:
            wait_ns = max(wait_ns, verdict.hint_ns)  # never before the time that the shop named
        yield from self._wait(wait_ns, "backoff")
        back: _Going | None = None
        if response.flow is not None and response.flow in self.journey.flows:
            back = _Going(way="flow", to=response.flow)
        elif verdict.then == "again" and verdict.to:
            back = _Going(way="goto", to=verdict.to)
        elif response.fresh_key and self.journey.key_step is not None:
            back = _Going(way="goto", to=self.journey.key_step)
        if back is not None:
            self.spent[spent] = so_far
            yield self._told(step, operation, verdict.outcome, end)
        if response.fresh_key:
            operation.fresh = True
            yield from self._mint()
        return back

    def _told(self, step: CompiledStep, operation: _Operation, outcome: Outcome, end: str) -> Told:
        """The fan's belief about an operation, and what doubt it leaves behind."""
        memory = self.memory
        if step.role in EFFECTS and not self.status:
            if outcome == "fail" and (operation.open or memory.doubt - {operation.number}):
                outcome = "info"
            if (outcome == "ok" and not (operation.open and operation.fresh)) or outcome == "fail":
                memory.doubt.discard(operation.number)
            elif outcome == "info" and operation.open:
                memory.doubt.add(operation.number)
        return Told(
            op=operation.number,
            step=step.name,
            role=self._role(step),
            outcome=outcome,
            end=end,
            claims=operation.claims,
            status_read=self.status,
        )

    def _role(self, step: CompiledStep) -> str:
        return "status" if self.status else step.role

    # -- waiting

    def _think(self, ns: int) -> Moves:
        if ns > 0:
            self.thought_ns += ns
            self.now_ns += ns
            yield Think(ns=ns, why="think")

    def _left_ns(self) -> int | None:
        """How much waiting the person still has in them; None = no end to it."""
        if self.budget_ns is None or self.status:
            return None
        return self.budget_ns - (self.now_ns - self.start_ns - self.thought_ns)

    def _wait(self, ns: int, why: str) -> Moves:
        """Wait, or wait as long as the person can bear it and then quit."""
        left_ns = self._left_ns()
        quits = left_ns is not None and ns >= left_ns
        ns = max(0, left_ns if quits and left_ns is not None else ns)
        if ns:
            self.now_ns += ns
            yield Think(ns=ns, why=why)
        if quits:
            raise _Quit

    def _poll(
        self,
        step: CompiledStep,
        poll: CompiledPoll,
        operation: _Operation,
        hint_ns: int | None,
        *,
        at_once: bool = False,
    ) -> Generator[Move, Answer | bool | None, Verdict]:
        """Ask until a rule of the poll decides. Whatever else comes back means not yet."""
        until_ns = self.now_ns + poll.within_ns
        while True:
            if not at_once:
                wait_ns = self._interval_ns(step, poll, hint_ns)
                if self.now_ns + wait_ns > until_ns:
                    yield from self._wait(max(0, until_ns - self.now_ns), "poll")
                    self._open(step, operation)
                    return Verdict(outcome="info", why="overdue", then="unknown", detail="it never came to an end")
                yield from self._wait(wait_ns, "poll")
            at_once = False
            verdict = yield from self._send(step, operation, poll.request, poll.judge, poll=True)
            if verdict.then != "poll":
                return verdict
            hint_ns = verdict.hint_ns

    def _interval_ns(self, step: CompiledStep, poll: CompiledPoll, hint_ns: int | None) -> int:
        memory = self.memory
        habit = self.policy.refresh.get(step.role) or self.policy.refresh.get("poll")
        if habit is not None and not self.status:
            return max(_SOONEST_POLL_NS, habit(memory))
        share = chance.unit(memory.seed, "poll", *memory.draw())
        if hint_ns is not None:
            return max(_SOONEST_POLL_NS, round(hint_ns * (1 + poll.jitter * share)))
        return max(_SOONEST_POLL_NS, round(poll.every_ns * (1 + poll.jitter * (2 * share - 1))))

    # -- one send

    def _mint(self, *, per_tab: bool = False) -> Moves:
        for name, value in mint_again(self.journey, self.intent, self.memory, per_tab=per_tab).items():
            yield Minted(name=name, value=value)

    def _next_attempt(self) -> str:
        memory = self.memory
        memory.sends += 1
        return f"{memory.intent}.{memory.tab}.{memory.sends}"

    def _open(self, step: CompiledStep, operation: _Operation) -> None:
        """An attempt of this operation may have landed."""
        operation.open = True
        if step.role in EFFECTS and not self.status:
            self.memory.doubt.add(operation.number)

    def _send(
        self, step: CompiledStep, operation: _Operation, request: CompiledRequest, judge: Judge, *, poll: bool
    ) -> Generator[Move, Answer | bool | None, Verdict]:
        memory = self.memory
        variables = memory.variables
        timeout_ns, capped = self._timeout_ns("poll" if poll else step.role, request.timeout_ns)
        attempt = self._next_attempt()
        variables["attempt"] = attempt
        if "uuid" in request.names:
            variables["uuid"] = chance.uuid(memory.seed, "uuid", *memory.draw())
        wire = request.render(variables, memory.page, timeout_ns)
        key = variables.get(self.journey.key_variable) if self.journey.key_variable in request.names else None
        dice = (memory.seed, memory.fan, memory.tab, memory.sends)

        def judge_reply(reply: Reply) -> Verdict:
            if capped and reply.broken == "timeout":
                # The person left before the shop's time was up: still open, whatever was sent may land.
                return Verdict(outcome="info", why="quit", then="unknown", detail=reply.detail)
            return judge(reply, variables, dice)

        double = None
        if not poll and self._doubles(step):
            gap_ns = chance.between(*_DOUBLE_NS, memory.seed, "double gap", *memory.draw())
            second = self._next_attempt()
            # The same bytes, save an attempt id that travels in them: no two sends may carry the same.
            again = request.render({**variables, "attempt": second}, memory.page, timeout_ns)
            double = Double(after_ns=round(gap_ns), attempt=second, wire=again)
        operation.sent = True
        answer = yield Send(
            attempt=attempt,
            wire=wire,
            judge=judge_reply,
            step=step.name,
            role=self._role(step),
            op=operation.number,
            try_=operation.tries,
            poll=poll,
            key=None if key is None else show(key),
            status_read=self.status,
            double=double,
        )
        assert isinstance(answer, Answer)
        self.now_ns = max(self.now_ns, answer.now_ns)
        verdict, reply = answer.verdict, answer.reply
        variables.update(verdict.takes)
        operation.claims.update(verdict.claims)
        if reply.broken is None and not (poll and verdict.then == "poll"):
            variables["url"] = reply.url or wire.url
            if self.journey.keeps_page:
                memory.page = reply
        if verdict.outcome == "info" and not (poll and verdict.then == "poll"):
            self._open(step, operation)
        if verdict.why == "quit":
            raise _Quit
        return verdict

    def _doubles(self, step: CompiledStep) -> bool:
        share = self.policy.double
        if not share or step.role not in EFFECTS or self.status:
            return False
        memory = self.memory
        return chance.unit(memory.seed, "double", *memory.draw()) < share

    def _timeout_ns(self, role: str, asked_ns: int) -> tuple[int, bool]:
        """The time-out of a send, and whether it is the end of the person's patience in all."""
        timeout_ns = min(asked_ns, self.policy.patience_ns.get(role, asked_ns))
        left_ns = self._left_ns()
        if left_ns is None:
            return timeout_ns, False
        if left_ns < _SHORTEST_TIMEOUT_NS:
            raise _Quit
        return min(timeout_ns, left_ns), left_ns < timeout_ns


def _words(verdict: Verdict) -> tuple[tuple[str, ...], str]:
    """The outcome words that a profile may react to, most telling first, and the end if nothing is done about it."""
    if verdict.then == "end":
        end = verdict.to or verdict.why
        return ((end, "info") if verdict.outcome == "info" else (end,)), end
    if verdict.then in ("again", "shed"):
        return (verdict.then,), verdict.then
    if verdict.outcome == "fail":
        return (verdict.why, "info"), verdict.why
    return (verdict.why, "info"), "unknown"
