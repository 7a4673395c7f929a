"""What one fan does, move by move: sends, waits, tries again, gives up. No clock, no socket: it only decides.

A tab speaks the dialogue of dialogue.py. One record holds all of a tab, for a million of them wait at once; what it
does with it stands in layers, each of which knows only those below: memory, patience, operation, sending, reacting,
and here the walk from step to step.
"""

from __future__ import annotations

from surgectl import chance
from surgectl.fans.dialogue import Answer, Fork, Leave, Meet, Move, Script
from surgectl.fans.folding import ACCOUNTS
from surgectl.fans.patience import compact, gone
from surgectl.fans.policy import Policy
from surgectl.fans.reacting import Reacting
from surgectl.fans.way import Place, Route, look_back
from surgectl.journey.template import UnsetError
from surgectl.profile.accounts import ACCOUNT

_TAB_NS = (200_000_000, 1_000_000_000)
"""How long a person takes to open one more tab."""
_OF_THE_PERSON = ("run", "intent", "fan", "qty", "sale", "setup", ACCOUNTS, ACCOUNT)
"""Variables that all tabs of a person have in common, beside what is minted."""


class Tab(Reacting):
    """One tab at the shop: the script that is played, and all that is remembered of it."""

    __slots__ = ()

    def __init__(self, route: Route, *, seed: int, fan: int, intent: str, tab: int = 0) -> None:
        super().__init__(seed=seed, fan=fan, intent=intent, tab=tab)
        self.route = route
        self._place = route.start
        self._next = gone
        self._claims = ()
        self._tries = self._sent = 0
        self._under_way = None

    def begin(self, policy: Policy, start_ns: int) -> Tab:
        """Ready to be played from its first move on."""
        self.policy = policy
        self.now_ns = start_ns
        budget_ns = policy.budget_ns(self.seed, self.fan)
        self._quits_ns = None if budget_ns is None else compact(start_ns + budget_ns)
        if policy.looking is not None and not self.tab:
            self.aside.looks = -1
        self._next = Tab._open_further if self.tab else Tab._arrive
        return self

    def inquiry(self) -> Script | None:
        """Reads, after settling, what became of an accepted or unknown intent. Knowledge, never an attempt.

        Asked of a person's first tab: whichever of the tabs is in doubt asks, then one that was accepted, then whoever
        can. None where the target has no status flow, or where nobody ever learnt what is needed to ask.
        """
        tabs: list[Tab] = sorted((self, *self.others), key=lambda tab: (not tab.doubt, tab.end != "accepted", tab.tab))
        return next((tab._begin_asking() for tab in tabs if tab._can_ask()), None)

    def _can_ask(self) -> bool:
        seen = look_back(self)
        steps = self.route.journey.flows.get("status", ())
        first = next((step for step in steps if step.only is None or step.only(seen)), None)
        if first is None:
            return False
        wait = first.listen or first.poll
        request = first.request or (wait.request if wait is not None else None)
        if request is not None:
            try:
                request.render({"attempt": "", "uuid": "", **self.variables}, self.page, 1)
            except UnsetError:
                return False
        return True

    def _begin_asking(self) -> Tab:
        self.now_ns = 0
        aside = self._aside
        if aside is not None:
            aside.jumps = aside.spent = aside.leave = None
        self._ask_for_knowledge()
        self._next = Tab._arrive
        return self

    def _ask_for_knowledge(self) -> None:
        assert self.route.asking is not None
        self._place = self.route.asking
        self._quits_ns = None
        if self._aside is not None:
            self._aside.looks = None

    def _open_further(self, answer: Answer | bool | None) -> Move:
        """Another tab of a person: the values of its own first, and then the time that it takes to open it."""
        return self._mint(Tab._be_opened, per_tab=True)

    def _be_opened(self, answer: Answer | bool | None) -> Move:
        pause_ns = chance.between(*_TAB_NS, self.seed, "tab", *self.draw())
        return self._think(round(pause_ns * self.tab), Tab._arrive)

    # -- from step to step

    def _arrive(self, answer: Answer | bool | None = None) -> Move:
        """At a step that is to be taken; or at the end."""
        aside = self._aside
        if aside is not None and aside.looks is not None and aside.looks >= 0:
            aside.looks = None
        if self._place.plain and self.policy.tabs[1] <= 1:
            return self._think_first()
        place: Place | str = self._place
        while True:
            if isinstance(place, str) or place.step is None:
                found = place if isinstance(place, str) else place.stand(self)
                if isinstance(found, str):
                    return Tab._finish(Leave(end="unknown", outcome="info", detail=found), self, None)
                place = found
                continue
            step = place.step
            if step.only is not None and not step.only(look_back(self)):
                place = place.after()
                continue
            self._place = place
            if self.policy.tabs[1] > 1 and self._forks_here():
                return self._fork()
            if step.barrier is None and step.request is None and step.call is None and not step.waits:
                place = place.past()
                continue
            return self._meet(None)

    def _meet(self, answer: Answer | bool | None) -> Move:
        barrier = self._step.barrier
        if barrier is None:
            return self._get_ready(None)
        self._next = Tab._get_ready
        return Meet(name=barrier.name, fans=barrier.fans, within_ns=barrier.within_ns)

    def _get_ready(self, answer: Answer | bool | None) -> Move:
        step, policy = self._step, self.policy
        if step.call is not None:
            return self._work_out()
        if step.request is None and not step.waits:
            self._place = self._place.past()
            return self._arrive()
        if self._place.knowledge:
            return self._operate()
        if step.role == "pay" and policy.abandons and policy.leaves_its_basket(self.seed, self.fan):
            return self._leaving("abandoned", "fail")(self, None)
        return self._think_first()

    def _think_first(self) -> Move:
        """Before every step but the first: that one is the arrival, and due when it is due."""
        if self.ops and self.policy.think is not None:
            return self._think(self.policy.think(self), Tab._operate)
        return self._operate()

    def _operate(self, answer: Answer | bool | None = None) -> Move:
        """One operation: attempts until it came to something or the fan gives up."""
        self._take_up()
        return self._attempt()

    def _pass(self, answer: Answer | bool | None) -> Move:
        aside = self._aside
        if aside is not None and aside.looks is not None and self._step.role == "browse":
            return self._look_on()
        self._place = self._place.past()
        return self._arrive()

    def _look_on(self) -> Move:
        """Read the page again and again, as the profile says; those who only look leave it at that."""
        looking, aside, policy = self.policy.looking, self.aside, self.policy
        assert looking is not None and aside.looks is not None
        if aside.looks < 0:
            aside.looks = policy.looks(self.seed, self.fan) - 1
        if aside.looks > 0:
            aside.looks -= 1
            return self._think(looking.pause(self), Tab._operate)
        aside.looks = None
        if policy.only_looks(self.seed, self.fan):
            return self._leaving("looked", "fail")(self, None)
        self._place = self._place.past()
        return self._arrive()

    # -- further tabs

    def _forks_here(self) -> bool:
        """A shop without a line to join still meets people with several tabs: they open them at its first page."""
        if self.tab or self.others or self._place.knowledge:
            return False
        role = self.policy.tabs_from
        return self._step.role == role or all(step.role != role for step in self.route.journey.every_step())

    def _fork(self) -> Move:
        self._next = Tab._meet
        tabs = self.policy.open_tabs(self.seed, self.fan)
        if tabs <= 1:
            return self._meet(None)
        self.aside.others = others = tuple(self._another(tab) for tab in range(1, tabs))
        return Fork(tabs=others)

    def _another(self, tab: int) -> Tab:
        other = Tab(self.route, seed=self.seed, fan=self.fan, intent=self.intent, tab=tab)
        known = self.variables
        own = (*_OF_THE_PERSON, *self.route.journey.logins, *(mint.name for mint in self.route.journey.mint))
        other.variables.update({name: known[name] for name in own if name in known}, tab=tab)
        return other.begin(self.policy, self.now_ns)

    # -- the end

    @staticmethod
    def _finish(leave: Leave, tab: Reacting, answer: Answer | bool | None) -> Move:
        """Leave; or, with a ticket, read the status once more for our own knowledge, and leave then."""
        assert isinstance(tab, Tab)
        if tab._place.knowledge:
            leave = tab.aside.leave or leave
        else:
            tab.end = leave.end
            if leave.end == "confirmed" and tab.route.asking is not None:
                tab.aside.leave = leave
                tab._ask_for_knowledge()
                return tab._arrive()
        tab._next = gone
        return leave
