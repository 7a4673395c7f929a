"""Gives every arrival its part: what it wants, how it behaves, and what it will say."""

from __future__ import annotations

from surgectl.cli.located import located
from surgectl.engine.logins import Learn, Logins
from surgectl.engine.probe import Probe
from surgectl.engine.scene import Part
from surgectl.errors import UsageError
from surgectl.fans.dialogue import Script
from surgectl.fans.intent import Intent, mint_values, open_tab, shared_variables
from surgectl.fans.policy import Policy, compile_policy
from surgectl.fans.script import Tab
from surgectl.journey.compile import compile_target
from surgectl.journey.logins import placeholders
from surgectl.journey.model import Journey
from surgectl.journey.template import UnsetError
from surgectl.plan.build import Plan
from surgectl.plan.model import Arrival
from surgectl.profile.accounts import Accounts
from surgectl.profile.load import OpenTarget
from surgectl.profile.rehearsal import Probe as ProbeAsked
from surgectl.recording.rows import IntentRow


class Company:
    """All the fans of one run: one compiled journey, one policy per retry profile."""

    def __init__(
        self,
        target: OpenTarget,
        plan: Plan,
        *,
        run: str,
        setup: dict[str, object] | None,
        accounts: Accounts | None = None,
    ) -> None:
        self._journey: Journey = located(target, compile_target)
        self._policies: dict[str, Policy] = {name: compile_policy(retry) for name, retry in plan.retries.items()}
        self._plan = plan
        self._run = run
        self._told = shared_variables(plan.rehearsal.sale, setup)
        self._shared = {**self._told, **placeholders(self._journey.logins)}
        self._setup = setup or {}
        self._accounts = accounts

    @property
    def static_variables(self) -> dict[str, object]:
        """What requests for evidence may name: the run, the sale, and what the setup hook said."""
        return {"run": self._run, **self._told}

    def logins(self, learn: Learn, shard: int) -> Logins | None:
        """What the requests of a shard may need; None: nothing. `learn` hears what must stand nowhere."""
        if not self._journey.logins:
            return None
        return Logins(
            self._journey.logins,
            self.static_variables,
            seed=self._plan.seed,
            shard=shard,
            accounts=self._accounts,
            learn=learn,
        )

    def cast(self, arrival: Arrival, now_ns: int) -> Part:
        """The part of one arrival. Pure but for the clock reading that it is given."""
        sale = self._plan.rehearsal.sale
        intent = Intent(
            run=self._run,
            intent=f"{self._run}-{arrival.fan}",
            fan=arrival.fan,
            seed=self._plan.seed,
            qty=arrival.qty,
            shared=self._shared,
            accounts=self._accounts,
        )
        minted = mint_values(self._journey, intent)
        tab = open_tab(self._journey, intent, minted)
        return Part(
            intent=IntentRow(
                intent=intent.intent,
                fan=arrival.fan,
                profile=arrival.profile,
                phase=arrival.phase,
                qty=arrival.qty,
                price_minor=sale.price.minor,
                currency=sale.price.currency,
                due_ns=arrival.due_ns,
                at_ns=now_ns,
                mint={**minted, **self._links_of(arrival.fan)},
            ),
            script=tab.begin(self._policies[arrival.profile], arrival.due_ns),
            status=_inquiry,
            cookies=self._journey.cookies,
        )

    def _links_of(self, fan: int) -> dict[str, str]:
        """What the fan's account is known by in the shop's books."""
        if self._accounts is None or not self._accounts.link:
            return {}
        return self._accounts.links_of(self._accounts.of(fan))

    def probing(self, asked: ProbeAsked) -> Probe:
        """What the independent prober sends. UsageError where the target has no such probe, or it needs a fan."""
        probe = self._journey.probes.get(asked.step)
        if probe is None:
            raise UsageError(
                f'the target has no probe "{asked.step}"', where=f"{self._plan.rehearsal.name}: probe.step"
            )
        common = placeholders(self._journey.logins, per="run")
        variables = {**self.static_variables, **common, "attempt": "probe", "intent": "probe", "tab": 0}
        try:
            wire = probe.request.render(variables, None, probe.request.timeout_ns)
        except UnsetError as error:
            raise UsageError(f"a probe has no fan's variables: {error}", where=f"probes.{asked.step}") from error
        return Probe(step=asked.step, wire=wire, judge=probe.judge, rate_per_s=float(asked.rate))


def _inquiry(script: Script) -> Script | None:
    """How an intent's status is read once its fan has left; the same for all fans."""
    assert isinstance(script, Tab)
    return script.inquiry()
