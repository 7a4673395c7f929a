"""Compiles a target once, before anybody arrives: whatever cannot be meant is found here, not in the crowd."""

from __future__ import annotations

from collections.abc import Set

from surgectl.journey.calling import check_values, compile_call
from surgectl.journey.conditions import Condition, compile_when
from surgectl.journey.extract import claim_names, compile_claim, compile_source, compile_take, take_names
from surgectl.journey.logins import CompiledLogin, check_elsewhere, check_use, compile_logins
from surgectl.journey.messages import Reply, Verdict
from surgectl.journey.model import (
    KEY,
    CompiledBarrier,
    CompiledListen,
    CompiledPoll,
    CompiledProbe,
    CompiledRepeat,
    CompiledStep,
    Journey,
)
from surgectl.journey.moves import check_moves
from surgectl.journey.outcomes import compile_judge, compile_poll_judge, compile_push_judge
from surgectl.journey.outcomes import judge_broken as broken
from surgectl.journey.problem import TargetError
from surgectl.journey.pushing import compile_push
from surgectl.journey.request import (
    METHODS,
    CompiledRequest,
    Defaults,
    compile_defaults,
    compile_request,
    has_request,
)
from surgectl.journey.rules import CompiledRule, compile_hint, compile_rule
from surgectl.journey.template import compile_text
from surgectl.journey.variables import (
    BUILT_IN,
    check_known,
    compile_mint,
    no_fan_in,
    no_second_account,
    takers_of,
)
from surgectl.profile.accounts import ACCOUNT
from surgectl.profile.rule import Rule, When
from surgectl.profile.step import Await, Poll, Repeat, Request, Step, walk
from surgectl.profile.target import Target


def compile_target(target: Target) -> Journey:
    """Everything a fan needs of a target, as closures. TargetError (exit 2) names the path of what is wrong."""
    defaults = compile_defaults(
        target.base_url,
        target.origins,
        target.headers,
        target.form_defaults,
        cookies=target.cookies == "per-fan",
        timeout_ns=int(target.timeout),
    )
    accounts = frozenset({ACCOUNT}) if target.fans_from is not None else frozenset()
    blocks = [("journey", target.journey), *((f"flows.{name}", steps) for name, steps in target.flows.items())]
    takers = takers_of(blocks)
    if accounts:
        no_second_account(target, takers)
    mint = compile_mint(target.mint, accounts, has_setup=target.setup is not None)
    # Without its hook {setup.x} would never be set, and no fan could be cast.
    unset = frozenset({"setup"}) if target.setup is None else frozenset()
    known = frozenset((*BUILT_IN, *accounts, *takers, *target.mint)) - unset
    logins = compile_logins(target, defaults, dict.fromkeys((*BUILT_IN, ACCOUNT, *takers, *target.mint)))
    compiler = _Compiler(defaults, known, logins)
    check_use(target.headers, logins, "headers")
    for name, text in target.headers.items():
        compiler.known(compile_text(text, f"headers.{name}").names - logins.keys(), f"headers.{name}")
    for name, text in target.form_defaults.items():
        compiler.known(compile_text(text, f"form_defaults.{name}").names, f"form_defaults.{name}")
    for name, text in target.facts.items():
        no_fan_in(compile_text(text, f"facts.{name}").names, f"facts.{name}", has_setup=target.setup is not None)
    compiled = {where: compiler.steps(steps, where, frozenset()) for where, steps in blocks}
    main = frozenset(step.step for _, step in walk(target.journey, "journey"))
    for where, steps in blocks:
        check_moves(steps, where, () if where == "flows.status" else (target.journey,), target.flows)
    key_step = takers.get(KEY) if KEY not in target.mint else None
    return Journey(
        name=target.name,
        steps=compiled["journey"],
        flows={name: compiled[f"flows.{name}"] for name in target.flows},
        probes={name: compiler.probe(name, request, f"probes.{name}") for name, request in target.probes.items()},
        mint=mint,
        logins=logins,
        cookies=defaults.cookies,
        keeps_page=compiler.keeps_page,
        key_step=key_step if key_step in main else None,
        takers=takers,
    )


class _Compiler:
    """What the parts of one target share while they are compiled."""

    def __init__(self, defaults: Defaults, variables: frozenset[str], logins: dict[str, CompiledLogin]) -> None:
        self.defaults = defaults
        self.variables = variables
        self.logins = logins
        self.keeps_page = False

    def known(self, names: frozenset[str], where: str) -> None:
        check_known(names, self.variables, where)

    def steps(self, steps: list[Step], where: str, outer: frozenset[str]) -> tuple[CompiledStep, ...]:
        names: set[str] = set()
        out = []
        for index, step in enumerate(steps):
            at = f"{where}[{index}]"
            if step.step in names | outer:
                raise TargetError(f'two steps are called "{step.step}"', f"{at}.step")
            names.add(step.step)
            out.append(self.step(step, at, outer | names))
        return tuple(out)

    def request(self, request: Request, where: str) -> CompiledRequest:
        compiled = compile_request(request, self.defaults, where)
        self.known(compiled.names - self.admitted(request, where), where)
        self.keeps_page |= compiled.needs_page
        return compiled

    def admitted(self, request: Request | Await, where: str) -> Set[str]:
        """The logins: what they give may stand in a request's headers."""
        check_elsewhere(request, self.logins, where)
        check_use(request.headers, self.logins, f"{where}.headers")
        return self.logins.keys()

    def step(self, step: Step, where: str, outer: frozenset[str]) -> CompiledStep:
        if where.startswith("flows.status[") and step.role in ("hold", "pay", "join"):
            raise TargetError(
                f"a status flow only reads: it has no step of role {step.role}", f"{where}.role", hint="role: status"
            )
        request = self.request(step, where) if has_request(step) else None
        polls_at_once = (
            step.poll is not None and step.outcomes is None and (request is None or not has_request(step.poll))
        )
        call = None
        if request is None:
            call = compile_call(step, where)
            self._without_request(step, where)
        if call is not None:
            check_values(step, where)
            self.known(call.given.names, f"{where}.with")
        rules = None if step.outcomes is None else self.rules(step.outcomes, f"{where}.outcomes")
        if rules is not None and not rules:
            raise TargetError("no outcome at all", f"{where}.outcomes", hint="leave the list out: 2xx is then next")
        poll = self.poll(step, step.poll, where) if step.poll is not None else None
        listen = self.listen(step, step.await_, where) if step.await_ is not None else None
        waits = poll is not None or listen is not None
        if not waits and rules is not None:
            for index, rule in enumerate(rules):
                if rule.effect.then == "poll":
                    raise TargetError(
                        "this step has no poll", f"{where}.outcomes[{index}].then", hint="add poll: or await:"
                    )
        takes = tuple(compile_take(name, take, f"{where}.take.{name}") for name, take in step.take.items())
        for name, take in step.take.items():
            self.known(take_names(take), f"{where}.take.{name}.pick")
        claims = tuple(compile_claim(name, claim, f"{where}.claims.{name}") for name, claim in step.claims.items())
        for name, claim in step.claims.items():
            self.known(claim_names(claim), f"{where}.claims.{name}")
        judge = None
        if call is not None or (request is not None and not polls_at_once):
            judge = compile_judge(rules, takes, claims, where, then_poll=waits and step.outcomes is None)
        return CompiledStep(
            name=step.step,
            role=step.role,
            path=where,
            request=request,
            call=call,
            judge=judge,
            rules=tuple(rule.text for rule in rules or ()),
            poll=poll,
            listen=listen,
            polls_at_once=polls_at_once,
            only=self.looking_back(step.only, f"{where}.only") if step.only is not None else None,
            repeat=self.repeat(step.repeat, f"{where}.repeat", outer) if step.repeat is not None else None,
            barrier=CompiledBarrier(name=step.barrier.name, fans=step.barrier.fans, within_ns=int(step.barrier.within))
            if step.barrier is not None
            else None,
            takes=frozenset().union(step.take, *(part.take for part in (step.poll, step.await_) if part is not None)),
        )

    def _without_request(self, step: Step, where: str) -> None:
        if step.call is not None:
            return
        if step.poll is None and step.await_ is None and step.repeat is None and step.barrier is None:
            words = f"one of {', '.join(METHODS)}; or poll, await, repeat, barrier, call"
            raise TargetError("it does not say what to send", where, hint=words)
        if step.outcomes is not None:
            raise TargetError("it sends nothing, so it has no outcomes", f"{where}.outcomes")
        if step.poll is not None and not has_request(step.poll):
            raise TargetError("it does not say what to ask", f"{where}.poll", hint="poll: {get: …}")

    def rules(self, rules: list[Rule], where: str, *, pushed: bool = False) -> tuple[CompiledRule, ...]:
        for index, rule in enumerate(rules):
            self._when_variables(rule.when, f"{where}[{index}].when")
            if not pushed:
                self._no_event(rule.when, f"{where}[{index}].when")
        return tuple(compile_rule(rule, f"{where}[{index}]") for index, rule in enumerate(rules))

    @staticmethod
    def _no_event(when: When | list[When], where: str) -> None:
        if any(one.event is not None for one in (when if isinstance(when, list) else [when])):
            raise TargetError("only a message that was pushed is an event", f"{where}.event", hint="await: {sse: …}")

    def _when_variables(self, when: When | list[When], where: str) -> None:
        for one in when if isinstance(when, list) else [when]:
            for name in one.var or {}:
                self.known(compile_text("{" + name + "}", where).names, f"{where}.var.{name}")

    def poll(self, step: Step, poll: Poll, where: str) -> CompiledPoll:
        at = f"{where}.poll"
        request = self.request(poll if has_request(poll) else self._borrowed(step, poll), at)
        if not has_request(poll) and step.role in ("hold", "pay") and request.method not in ("GET", "HEAD"):
            raise TargetError(
                f"polling is reading, and this would repeat the {step.role}", at, hint="say what to ask: poll: {get: …}"
            )
        if not poll.outcomes:
            raise TargetError("a poll needs outcomes", f"{at}.outcomes", hint="what ends the waiting?")
        if int(poll.every) <= 0:
            raise TargetError("every must be longer than nothing", f"{at}.every", hint="try 500ms")
        rules = self.rules(poll.outcomes, f"{at}.outcomes")
        takes = tuple(
            compile_take(name, take, f"{at}.take.{name}") for name, take in {**step.take, **poll.take}.items()
        )
        claims = tuple(
            compile_claim(name, claim, f"{at}.claims.{name}") for name, claim in {**step.claims, **poll.claims}.items()
        )
        for name, claim in poll.claims.items():
            self.known(claim_names(claim), f"{at}.claims.{name}")
        hint = compile_hint(poll.hint, f"{at}.hint") if poll.hint is not None else None
        return CompiledPoll(
            request=request,
            judge=compile_poll_judge(rules, takes, claims, hint, at),
            every_ns=int(poll.every),
            jitter=float(poll.jitter),
            within_ns=int(poll.within),
            rules=tuple(rule.text for rule in rules),
        )

    def listen(self, step: Step, wait: Await, where: str) -> CompiledListen:
        at = f"{where}.await"
        request, push = compile_push(wait, self.defaults, at)
        self.known(request.names - self.admitted(wait, at), at)
        if not wait.outcomes:
            raise TargetError("a wait needs outcomes", f"{at}.outcomes", hint="what ends the waiting?")
        rules = self.rules(wait.outcomes, f"{at}.outcomes", pushed=True)
        takes = tuple(
            compile_take(name, take, f"{at}.take.{name}") for name, take in {**step.take, **wait.take}.items()
        )
        for name, take in wait.take.items():
            self.known(take_names(take), f"{at}.take.{name}.pick")
        claims = tuple(
            compile_claim(name, claim, f"{at}.claims.{name}") for name, claim in {**step.claims, **wait.claims}.items()
        )
        for name, claim in wait.claims.items():
            self.known(claim_names(claim), f"{at}.claims.{name}")
        return CompiledListen(
            request=request,
            push=push,
            judge=compile_push_judge(rules, takes, claims, at),
            reconnect_ns=int(wait.reconnect),
            within_ns=int(wait.within),
            rules=tuple(rule.text for rule in rules),
        )

    @staticmethod
    def _borrowed(step: Step, poll: Poll) -> Request:
        """A poll that does not say what to ask repeats the step's own request."""
        fields = {name: getattr(step, name) for name in Request.__struct_fields__}
        if poll.timeout is not None:
            fields["timeout"] = poll.timeout
        return Request(**fields)

    def looking_back(self, when: When, where: str) -> Condition:
        """A condition on what is already known: variables, and the page before."""
        self._when_variables(when, where)
        self._no_event(when, where)
        self.keeps_page |= any(
            getattr(when, name) is not None for name in ("status", "json", "location", "url", "body", "header")
        )
        return compile_when(when, where)

    def repeat(self, repeat: Repeat, where: str, outer: frozenset[str]) -> CompiledRepeat:
        if not repeat.cases:
            raise TargetError("a wizard without pages", f"{where}.cases")
        if repeat.at_most < 1:
            raise TargetError("at_most must be at least 1", f"{where}.at_most")
        self.keeps_page = True
        self._when_variables(repeat.until, f"{where}.until")
        return CompiledRepeat(
            by=compile_source(repeat.by, f"{where}.by"),
            until=compile_when(repeat.until, f"{where}.until"),
            at_most=repeat.at_most,
            cases={name: self.steps(case, f"{where}.cases.{name}", outer) for name, case in repeat.cases.items()},
        )

    def probe(self, name: str, request: Request, where: str) -> CompiledProbe:
        compiled = self.request(request, where)
        if compiled.call is not None:
            raise TargetError("a probe has no fan, and so nothing to be called with", f"{where}.call")
        return CompiledProbe(name=name, request=compiled, judge=judge_probe)


def judge_probe(reply: Reply) -> Verdict:
    """A page is there when it answers 2xx or 3xx; whatever else came, a visitor did not get it."""
    if reply.broken is not None:
        return broken(reply)
    fine = 200 <= reply.status < 400
    return Verdict(
        outcome="ok" if fine else "fail", why="ok" if fine else f"status-{reply.status}", then="next" if fine else "end"
    )
