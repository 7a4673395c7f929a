"""One person at the sale, with all the tabs they open: what the engine lets loose and asks again after settling."""

from __future__ import annotations

from surgectl.fans.dialogue import Script
from surgectl.fans.intent import Intent, mint_values, open_tab
from surgectl.fans.policy import Policy
from surgectl.journey.model import Journey


class Person:
    """`minted` goes into the IntentRow, then `script` is played, and `status()` read once all has settled."""

    __slots__ = ("intent", "journey", "memory", "minted", "policy", "script")

    def __init__(self, journey: Journey, policy: Policy, intent: Intent, *, start_ns: int = 0) -> None:
        self.journey = journey
        self.policy = policy
        self.intent = intent
        self.minted = mint_values(journey, intent)
        self.memory = open_tab(journey, intent, self.minted)
        self.script: Script = self.memory.begin(policy, start_ns)

    def __repr__(self) -> str:
        return f"<Person {self.intent.intent} {self.policy.name}>"

    def status(self) -> Script | None:
        """The script that reads the intent's status, with what the best-informed tab learnt; None: nothing to ask."""
        return self.memory.inquiry()
