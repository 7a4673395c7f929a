"""What one fan does, move by move: sends, waits, tries again, gives up. No clock, no socket: it only decides.

`play` speaks the dialogue of dialogue.py. What the fan may believe is decided in operation.py.
"""

from __future__ import annotations

from collections.abc import Generator

from surgectl import chance
from surgectl.fans.dialogue import Answer, Fork, Leave, Meet, Move, Script
from surgectl.fans.intent import Intent, open_tab
from surgectl.fans.memory import Memory
from surgectl.fans.operation import Operation, words_of
from surgectl.fans.patience import Patience, Quit
from surgectl.fans.policy import Policy, Response
from surgectl.fans.sending import Asking, Sender
from surgectl.fans.way import NEXT, SKIP, Going, Way, look_back, unknown
from surgectl.journey.messages import Verdict
from surgectl.journey.model import CompiledStep, Journey
from surgectl.journey.template import UnsetError, root
from surgectl.recording.rows import Outcome

_TAB_NS = (200_000_000, 1_000_000_000)
"""How long a person takes to open one more tab."""
_ASK_AGAIN = Response(tries=3, wait=lambda memory, retry, previous_ns: 1_000_000_000, honours_hint=True)
"""A status read that failed is asked again: it is ours to know, not the fan's to suffer."""

Walking = Generator[Move, Answer | bool | None, Going]


def play(journey: Journey, policy: Policy, intent: Intent, memory: Memory, *, start_ns: int = 0) -> Script:
    """The script of one tab: `memory` from `open_tab`, `start_ns` the instant it begins, on the run's clock."""
    return _Tab(journey, policy, intent, memory, start_ns).run()


def status_script(
    journey: Journey, policy: Policy, intent: Intent, memory: Memory, *, start_ns: int = 0
) -> Script | None:
    """Reads, after settling, what became of an accepted or unknown intent. Knowledge, never an attempt.

    None where the target has no status flow, or where the tab never learnt what is needed to ask.
    """
    seen = look_back(memory)
    steps = journey.flows.get("status", ())
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


class _Tab:
    """One tab at the shop."""

    def __init__(self, journey: Journey, policy: Policy, intent: Intent, memory: Memory, start_ns: int) -> None:
        self.journey = journey
        self.policy = policy
        self.intent = intent
        self.memory = memory
        self.patience = Patience(policy, memory, start_ns)
        self.sender = Sender(journey, policy, intent, memory, self.patience)
        self.status = False
        self.begun = False
        self.looked = memory.tab != 0
        self.forked = memory.tab != 0
        # A shop without a line to join still meets people with several tabs: they open them at its first page.
        self.forks_later = any(step.role == policy.tabs_from for step in journey.every_step())
        self.jumps: dict[tuple[str, str, str], int] = {}
        """(step, move, its name) → how often it was made."""
        self.spent: dict[tuple[str, str], int] = {}
        """(role, outcome word) → tries used up by operations that a jump has left behind."""

    def run(self) -> Script:
        memory = self.memory
        if memory.tab:
            yield from self.sender.mint(per_tab=True)
            pause_ns = chance.between(*_TAB_NS, memory.seed, "tab", *memory.draw())
            yield from self.patience.think(round(pause_ns * memory.tab))
        going = yield from self._walk(self.journey.steps)
        memory.end, memory.outcome = going.to, going.outcome
        if going.to == "confirmed" and "status" in self.journey.flows:
            yield from self._read_status()
        yield Leave(end=going.to, outcome=going.outcome, detail=going.detail)

    def run_status(self) -> Script:
        going = yield from self._read_status()
        yield Leave(end=going.to, outcome=going.outcome, detail=going.detail)

    def _read_status(self) -> Walking:
        self.status = self.patience.endless = True
        return (yield from self._walk(self.journey.flows["status"]))

    def _walk(self, steps: tuple[CompiledStep, ...]) -> Walking:
        """Step after step to an end."""
        way = Way(self.journey, self.memory, steps)
        while True:
            step = way.step()
            if isinstance(step, Going):
                return step
            end = way.go(step, (yield from self._step(step)))
            if end is not None:
                return end

    def _ended(self, end: str, outcome: Outcome, detail: str = "") -> Going:
        """The end of the tab. A refusal is one only if nothing before it may have landed."""
        if outcome == "fail" and self.memory.doubt:
            outcome = "info"
        return Going(way="end", to=end, outcome=outcome, detail=detail)

    # -- one step

    def _step(self, step: CompiledStep) -> Walking:
        if step.only is not None and not step.only(look_back(self.memory)):
            return SKIP
        if not self.forked and not self.status and (step.role == self.policy.tabs_from or not self.forks_later):
            self.forked = True
            yield from self._fork()
        if step.barrier is not None:
            yield Meet(name=step.barrier.name, fans=step.barrier.fans, within_ns=step.barrier.within_ns)
        if step.request is None and step.poll is None:
            return NEXT
        if step.role == "pay" and not self.status and self.policy.leaves_its_basket(self.memory.seed, self.memory.fan):
            return self._ended("abandoned", "fail")
        if self.begun and self.policy.think is not None and not self.status:
            yield from self.patience.think(self.policy.think(self.memory))
        self.begun = True
        going = yield from self._operate(step)
        if going is NEXT and step.role == "browse" and not (self.looked or self.status):
            self.looked = True
            return (yield from self._look_on(step))
        return going

    def _look_on(self, step: CompiledStep) -> Walking:
        """Read the page again and again, as the profile says; those who only look leave it at that."""
        looking, memory = self.policy.looking, self.memory
        if looking is None:
            return NEXT
        for _ in range(self.policy.looks(memory.seed, memory.fan) - 1):
            yield from self.patience.think(looking.pause(memory))
            going = yield from self._operate(step)
            if going is not NEXT:
                return going
        return self._ended("looked", "fail") if self.policy.only_looks(memory.seed, memory.fan) else NEXT

    def _fork(self) -> Generator[Move, Answer | bool | None, None]:
        memory = self.memory
        tabs = self.policy.open_tabs(memory.seed, memory.fan)
        if tabs <= 1:
            return
        minted = {mint.name: memory.variables[mint.name] for mint in self.journey.mint}
        memory.others = [open_tab(self.journey, self.intent, minted, tab) for tab in range(1, tabs)]
        now_ns = self.patience.now_ns
        yield Fork(
            tabs=tuple(play(self.journey, self.policy, self.intent, other, start_ns=now_ns) for other in memory.others)
        )

    def _operate(self, step: CompiledStep) -> Walking:
        """One operation: attempts until it came to something or the fan gives up."""
        operation = Operation(step, self.memory, knowledge=self.status)
        try:
            while True:
                verdict = yield from self._attempt(step, operation)
                going = yield from self._act(operation, verdict)
                if going is not None:
                    return going
        except Quit:
            if operation.sent:
                yield operation.told("info" if operation.in_doubt else "fail", "quit")
            return self._ended("quit", "fail")
        except UnsetError as error:
            taker = self.journey.takers.get(root(error.name))
            hint = f": step {taker} should have taken it" if taker else ""
            if operation.sent:
                yield operation.told("info" if operation.open else "fail", "target-error")
            detail = f"{step.path}: step {step.name} needs {{{error.name}}}, which is not set{hint}"
            return self._ended("target-error", "fail", detail)

    def _attempt(self, step: CompiledStep, operation: Operation) -> Asking:
        operation.tries += 1
        if step.request is None or step.judge is None:
            assert step.poll is not None
            return (yield from self.sender.poll(operation, step.poll, None, at_once=True))
        verdict = yield from self.sender.send(operation, step.request, step.judge)
        if verdict.then == "poll" and step.poll is not None:
            operation.doubt()  # the shop has it now: until it answers, nobody knows
            verdict = yield from self.sender.poll(operation, step.poll, verdict.hint_ns)
        return verdict

    # -- what a verdict leads to

    def _act(self, operation: Operation, verdict: Verdict) -> Generator[Move, Answer | bool | None, Going | None]:
        """None = try the same operation again."""
        if verdict.then == "next":
            yield operation.told(verdict.outcome, "next")
            return NEXT
        if verdict.then == "goto" or verdict.then == "flow":
            yield operation.told(verdict.outcome, verdict.then)
            jump = (operation.step.path, verdict.then, verdict.to or "")
            self.jumps[jump] = self.jumps.get(jump, 0) + 1
            if self.jumps[jump] > verdict.at_most:
                return unknown(f"{verdict.then} {verdict.to} more than {verdict.at_most} times")
            return Going(way=verdict.then, to=verdict.to or "")
        words, end = words_of(verdict)
        if verdict.then == "end" and verdict.outcome == "ok":
            yield operation.told("ok", end)
            return self._ended(end, "ok")
        word, response = self._response(operation, verdict, words)
        if response is not None and self._may_try(operation, word, response):
            return (yield from self._react(operation, verdict, word, response, end))
        told = operation.told(verdict.outcome, end)
        yield told
        return self._ended(end, told.outcome, verdict.detail if told.outcome == "info" else "")

    def _response(self, operation: Operation, verdict: Verdict, words: tuple[str, ...]) -> tuple[str, Response | None]:
        found = self.policy.response(operation.role, words)
        if found is not None:
            return found
        return words[-1], _ASK_AGAIN if operation.knowledge and verdict.then != "end" else None

    def _may_try(self, operation: Operation, word: str, response: Response) -> bool:
        operation.counts[word] = operation.counts.get(word, 0) + 1
        return operation.counts[word] + self.spent.get((operation.role, word), 0) < response.tries

    def _first(self, role: str) -> str | None:
        """The first step of that role; None where the target has none."""
        return next((step.name for step in self.journey.steps if step.role == role), None)

    def _react(
        self, operation: Operation, verdict: Verdict, word: str, response: Response, end: str
    ) -> Generator[Move, Answer | bool | None, Going | None]:
        """As the profile says: wait, take a new key, and try again here, in a flow, or further back."""
        spent = self.spent.get((operation.role, word), 0) + operation.counts[word]
        wait_ns = operation.waited_ns = response.wait(self.memory, spent - 1, operation.waited_ns)
        if response.honours_hint and verdict.hint_ns is not None:
            wait_ns = max(wait_ns, verdict.hint_ns)  # never before the time that the shop named
        yield from self.patience.wait(wait_ns, "backoff")
        back: Going | None = None
        if response.flow is not None and response.flow in self.journey.flows:
            back = Going(way="flow", to=response.flow)
        elif response.back is not None and (step := self._first(response.back)) is not None:
            back = Going(way="goto", to=step)
        elif verdict.then == "again" and verdict.to:
            back = Going(way="goto", to=verdict.to)
        elif response.fresh_key and self.journey.key_step is not None:
            back = Going(way="goto", to=self.journey.key_step)
        if back is not None:
            self.spent[operation.role, word] = spent
            yield operation.told(verdict.outcome, end)
        if response.fresh_key:
            operation.fresh = True
            yield from self.sender.mint()
        return back
