"""Puts a fan's next request together, and makes of the answer what the fan now knows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from surgectl import chance
from surgectl.fans.dialogue import Answer, Double, Listen, Move, Send, Work
from surgectl.fans.operation import Operation
from surgectl.fans.patience import compact
from surgectl.fans.way import Route
from surgectl.journey.messages import Reply, Verdict, Wire, is_message, said_retry_ns
from surgectl.journey.model import CompiledListen, CompiledPoll
from surgectl.journey.outcomes import Judge
from surgectl.journey.request import CompiledRequest
from surgectl.journey.seen import Dice
from surgectl.journey.template import UnsetError, show

_SOONEST_POLL_NS = 50_000_000
"""Nobody reloads faster, whatever a hint says: a hint of 0 must not become a loop."""
_DOUBLE_NS = (50_000_000, 400_000_000)
"""The gap of a double click."""


class Sending(Operation):
    """A tab that sends, and asks again until the shop knows."""

    __slots__ = ("_under_way", "_until_ns", "route")

    route: Route
    _under_way: tuple[Judge, str] | None
    """What judges the send under way, and where it went."""
    _until_ns: int
    """When the wait for the shop is too long for the target's author."""

    def _attempt(self, answer: Answer | bool | None = None) -> Move:
        """Try what the step says: once, or for the first of several times."""
        self._tries += 1
        step = self._place.step
        assert step is not None
        if step.request is not None and step.judge is not None:
            return self._send(step.request, step.judge, poll=False)
        if step.listen is not None:
            return self._begin_to_listen(step.listen)
        assert step.poll is not None
        self._until_ns = compact(self.now_ns + step.poll.within_ns)
        return self._send(step.poll.request, step.poll.judge, poll=True)

    def judge(self, reply: Reply) -> Verdict:
        """What the reply to the send under way means."""
        assert self._under_way is not None, "a reply is judged before it is answered"
        return self._under_way[0](reply, self.variables, (self.seed, self.fan, self.tab, self._sent))

    def _send(self, request: CompiledRequest, judge: Judge, *, poll: bool) -> Move:
        """One send. Quits before it where no patience is left, and before its answer where there is too little."""
        place, aside, names = self._place, self._aside, request.names
        step = place.step
        assert step is not None
        timeout_ns, capped = self._timeout_ns("poll" if poll else step.role, request.timeout_ns)
        if timeout_ns < 0:
            return self._quit()
        self.sends = number = self.sends + 1
        attempt = f"{self.intent}.{self.tab}.{number}"
        variables = self.variables
        variables["attempt"] = attempt
        if "uuid" in names:
            variables["uuid"] = chance.uuid(self.seed, "uuid", *self.draw())
        page = None if aside is None else aside.page
        double = None
        try:
            wire = request.render(variables, page, timeout_ns)
            if place.effects and not poll and self.policy.double:
                double = self._double(request, timeout_ns)
        except UnsetError as error:
            return self._lack(error)
        if request.call is not None:
            return self._hand_over(request, judge, wire, double, poll=poll, capped=capped)
        return self._put(names, judge, wire, double, poll=poll, capped=capped)

    def _put(
        self, names: frozenset[str], judge: Judge, wire: Wire, double: Double | None, *, poll: bool, capped: bool
    ) -> Send:
        """The send itself, of the number that was drawn last; that of a second click comes after it."""
        place, variables = self._place, self.variables
        step, attempt = self._step, variables["attempt"]
        name = self.route.journey.key_variable
        key = variables.get(name) if name in names else None
        self._sent = self.sends if double is None else self.sends - 1
        self._under_way = judge, wire.url
        self._next = Sending._polled if poll else Sending._answered
        return Send(
            attempt=attempt,
            wire=wire,
            judge=self.judge if double is None and not capped else self._lasting(judge, attempt, capped=capped),
            step=step.name,
            role=place.role,
            op=self.ops,
            try_=self._tries,
            poll=poll,
            key=None if key is None else show(key),
            status_read=place.knowledge,
            double=double,
            where=step.path,
        )

    # -- what a target cannot say in words

    def _hand_over(
        self, request: CompiledRequest, judge: Judge, wire: Wire, double: Double | None, *, poll: bool, capped: bool
    ) -> Move:
        """An extension has the last word on the request, and on a second click's: the same chance for both."""
        called = request.call
        assert called is not None
        try:
            call = called.fill(self.variables, (self.seed, *self.draw()))
        except UnsetError as error:
            return self._lack(error)
        wires = (wire,) if double is None else (wire, double.wire)

        def make(at_s: float) -> tuple[Reply | None, tuple[Wire, ...]]:
            now = msgspec.structs.replace(call, at_s=at_s)
            return None, tuple(called.wire(each, now) for each in wires)

        work = Work(name=called.name, step=self._step.name, make=make, where=self._step.path)
        self._next = partial(Sending._handed_back, work, request.names, judge, double, poll, capped)
        return work

    @staticmethod
    def _handed_back(
        work: Work,
        names: frozenset[str],
        judge: Judge,
        double: Double | None,
        poll: bool,
        capped: bool,
        tab: Sending,
        answer: Answer | bool | None,
    ) -> Move:
        tab.now_ns += work.took_ns
        if work.error:
            return tab._fail_to_send(work.error)
        if double is not None:
            double = msgspec.structs.replace(double, wire=work.wires[1])
        return tab._put(names, judge, work.wires[0], double, poll=poll, capped=capped)

    def _work_out(self) -> Move:
        """A step that sends nothing: it is no operation, and nobody's patience is tried by it."""
        called = self._step.call
        assert called is not None
        self._sent = 0
        dice = (self.seed, *self.draw())
        try:
            call = called.fill(self.variables, dice)
        except UnsetError as error:
            return self._lack(error)

        def make(at_s: float) -> tuple[Reply | None, tuple[Wire, ...]]:
            return called.values(msgspec.structs.replace(call, at_s=at_s)), ()

        work = Work(name=called.name, step=self._step.name, make=make, where=self._step.path)
        self._next = partial(Sending._worked_out, work, dice)
        return work

    @staticmethod
    def _worked_out(work: Work, dice: Dice, tab: Sending, answer: Answer | bool | None) -> Move:
        judge = tab._step.judge
        assert judge is not None
        tab.now_ns += work.took_ns
        if work.reply is None:
            return tab._fail_to_send(work.error)
        verdict = judge(work.reply, tab.variables, dice)
        tab.variables.update(verdict.takes)
        return tab._go_by(verdict, work.name)

    def _lasting(self, judge: Judge, attempt: str, *, capped: bool) -> Callable[[Reply], Verdict]:
        """What this send's replies mean, also when the tab has moved on: the second click's comes when it comes."""
        dice = (self.seed, self.fan, self.tab, self._sent)

        def judge_reply(reply: Reply) -> Verdict:
            if capped and reply.broken == "timeout":
                # The person left before the shop's time was up: still open, whatever was sent may land.
                return Verdict(outcome="info", why="quit", then="unknown", detail=reply.detail)
            return judge(reply, {**self.variables, "attempt": attempt}, dice)

        return judge_reply

    def _double(self, request: CompiledRequest, timeout_ns: int) -> Double | None:
        """The second click, with the profile's share of holds and payments."""
        if chance.unit(self.seed, "double", *self.draw()) >= self.policy.double:
            return None
        gap_ns = chance.between(*_DOUBLE_NS, self.seed, "double gap", *self.draw())
        self.sends += 1
        second = f"{self.intent}.{self.tab}.{self.sends}"
        # The same bytes, save an attempt id that travels in them: no two sends may carry the same.
        wire = request.render({**self.variables, "attempt": second}, self.page, timeout_ns)
        return Double(after_ns=round(gap_ns), attempt=second, wire=wire)

    # -- the answer

    def _answered(self, answer: Answer | bool | None) -> Move:
        assert isinstance(answer, Answer)
        verdict = answer.verdict
        self._learn(answer, not_yet=False)
        if verdict.then == "unknown" and verdict.why == "quit":
            return self._quit()
        if verdict.outcome == "fail" and self.sends != self._sent and self._step.role == "pay":
            self._leave_open()  # nobody waits for the second click's answer: it may have paid
        if verdict.then == "poll" and self._step.waits:
            self._doubt()  # the shop has it now: until it answers, nobody knows
            if self._step.listen is not None:
                return self._begin_to_listen(self._step.listen)
            assert self._step.poll is not None
            self._until_ns = compact(self.now_ns + self._step.poll.within_ns)
            return self._wait_to_ask(self._step.poll, verdict.hint_ns)
        return self._decide(verdict)

    def _learn(self, answer: Answer, *, not_yet: bool) -> None:
        verdict, reply = answer.verdict, answer.reply
        if answer.now_ns > self.now_ns:
            self.now_ns = answer.now_ns
        if verdict.takes:
            self.variables.update(verdict.takes)
        if verdict.claims:
            self._hear(verdict.claims)
        if reply.broken is None and not not_yet:
            # One text for all fans, where the request's own names none of them.
            url = self._under_way[1] if self._under_way is not None else ""
            self.variables["url"] = url if reply.url == url else reply.url or url
            if self.route.journey.keeps_page:
                self.aside.page = reply
        self._under_way = None
        if verdict.outcome == "info" and not not_yet:
            self._leave_open()

    # -- asking again

    def _wait_to_ask(self, poll: CompiledPoll, hint_ns: int | None) -> Move:
        """Ask until a rule of the poll decides. Whatever else comes back means not yet; no end in time is unknown."""
        wait_ns = self._interval_ns(poll, hint_ns)
        if self.now_ns + wait_ns > self._until_ns:
            return self._wait(max(0, self._until_ns - self.now_ns), "poll", Sending._overdue)
        return self._wait(wait_ns, "poll", Sending._ask)

    def _ask(self, answer: Answer | bool | None) -> Move:
        poll = self._step.poll
        assert poll is not None
        return self._send(poll.request, poll.judge, poll=True)

    def _polled(self, answer: Answer | bool | None) -> Move:
        assert isinstance(answer, Answer)
        verdict, poll = answer.verdict, self._step.poll
        not_yet = verdict.then == "poll"
        self._learn(answer, not_yet=not_yet)
        if verdict.then == "unknown" and verdict.why == "quit":
            return self._quit()
        return self._wait_to_ask(poll, verdict.hint_ns) if not_yet and poll is not None else self._decide(verdict)

    def _overdue(self, answer: Answer | bool | None) -> Move:
        self._leave_open()
        return self._decide(Verdict(outcome="info", why="overdue", then="unknown", detail="the wait came to no end"))

    def _interval_ns(self, poll: CompiledPoll, hint_ns: int | None) -> int:
        habits = self.policy.refresh
        if habits and not self._place.knowledge:
            habit = habits.get(self._step.role) or habits.get("poll")
            if habit is not None:
                return max(_SOONEST_POLL_NS, habit(self))
        share = chance.unit(self.seed, "poll", *self.draw())
        if hint_ns is not None:
            return max(_SOONEST_POLL_NS, round(hint_ns * (1 + poll.jitter * share)))
        return max(_SOONEST_POLL_NS, round(poll.every_ns * (1 + poll.jitter * (2 * share - 1))))

    # -- listening

    def _begin_to_listen(self, listen: CompiledListen) -> Move:
        self._until_ns = compact(self.now_ns + listen.within_ns)
        return self._listen()

    def _listen(self, answer: Answer | bool | None = None) -> Move:
        """Wait for the next message, on the connection that is open or on a new one; each opening is handed to an
        extension anew, where the target names one. `answer`: the message that came last, on a connection still open."""
        listen = self._step.listen
        assert listen is not None
        left_ns = self._until_ns - self.now_ns
        if left_ns <= 0:
            return self._overdue(None)
        timeout_ns, capped = self._timeout_ns("await", left_ns)
        if timeout_ns < 0:
            return self._quit()
        self.sends = self._sent = self.sends + 1
        attempt = f"{self.intent}.{self.tab}.{self.sends}"
        variables = self.variables
        variables["attempt"] = attempt
        if "uuid" in listen.request.names:
            variables["uuid"] = chance.uuid(self.seed, "uuid", *self.draw())
        try:
            wire = listen.request.render(variables, self.page, timeout_ns)
        except UnsetError as error:
            return self._lack(error)
        if listen.request.call is None or isinstance(answer, Answer):
            return self._hark(listen, wire, capped=capped)
        return self._hand_over_opening(listen, wire, capped=capped)

    def _hand_over_opening(self, listen: CompiledListen, wire: Wire, *, capped: bool) -> Move:
        called = listen.request.call
        assert called is not None
        try:
            call = called.fill(self.variables, (self.seed, *self.draw()))
        except UnsetError as error:
            return self._lack(error)

        def make(at_s: float) -> tuple[Reply | None, tuple[Wire, ...]]:
            return None, (called.wire(wire, msgspec.structs.replace(call, at_s=at_s)),)

        work = Work(name=called.name, step=self._step.name, make=make, where=self._step.path)

        def handed_back(tab: Sending, answer: Answer | bool | None) -> Move:
            tab.now_ns += work.took_ns
            return tab._fail_to_send(work.error) if work.error else tab._hark(listen, work.wires[0], capped=capped)

        self._next = handed_back
        return work

    def _hark(self, listen: CompiledListen, wire: Wire, *, capped: bool) -> Listen:
        """The wait itself, under the attempt's name that was drawn last."""
        place, step = self._place, self._step
        attempt = self.variables["attempt"]
        self._under_way = listen.judge, wire.url
        self._next = Sending._heard
        return Listen(
            attempt=attempt,
            wire=wire,
            push=listen.push,
            judge=self._lasting(listen.judge, attempt, capped=True) if capped else self.judge,
            step=step.name,
            role=place.role,
            op=self.ops,
            try_=self._tries,
            poll=True,
            status_read=place.knowledge,
            where=step.path,
        )

    def _heard(self, answer: Answer | bool | None) -> Move:
        """A message, or the end of the connection: then by asking, where the step can, and else by connecting again."""
        assert isinstance(answer, Answer)
        verdict, step = answer.verdict, self._step
        self._learn(answer, not_yet=True)  # it comes to the page that is open, and is none
        if verdict.then == "unknown" and verdict.why == "quit":
            return self._quit()
        if verdict.then != "poll":
            if verdict.outcome == "info":
                self._leave_open()
            return self._decide(verdict)
        if is_message(answer.reply):
            return self._listen(answer)
        if step.poll is not None:
            return self._wait_to_ask(step.poll, verdict.hint_ns)
        assert step.listen is not None
        wait_ns = verdict.hint_ns or said_retry_ns(answer.reply) or step.listen.reconnect_ns
        if self.now_ns + wait_ns > self._until_ns:
            return self._wait(max(0, self._until_ns - self.now_ns), "poll", Sending._overdue)
        return self._wait(max(_SOONEST_POLL_NS, wait_ns), "poll", Sending._listen)

    # -- for whoever decides

    def _decide(self, verdict: Verdict) -> Move:
        """What a verdict leads to."""
        raise NotImplementedError

    def _go_by(self, verdict: Verdict, called: str) -> Move:
        """What a verdict on values leads to, where nothing was sent."""
        raise NotImplementedError

    def _lack(self, error: UnsetError) -> Move:
        """A variable is not set: nothing was sent."""
        raise NotImplementedError

    def _fail_to_send(self, why: str) -> Move:
        """The target or its extension is wrong: nothing was sent."""
        raise NotImplementedError
