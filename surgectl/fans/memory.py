"""What one tab of a fan remembers while it is at the shop, and afterwards."""

from __future__ import annotations

from typing import Any

from surgectl.fans.dialogue import Leave
from surgectl.fans.folding import Folded, Names, names_of
from surgectl.fans.minted import first_values
from surgectl.journey.messages import Reply
from surgectl.journey.model import Mint


class Aside:
    """What most fans never come to need: made for those who do."""

    __slots__ = (
        "counts",
        "doubt",
        "fresh",
        "generation",
        "jumps",
        "leave",
        "looks",
        "open",
        "others",
        "page",
        "spent",
        "waited_ns",
    )

    def __init__(self) -> None:
        self.page: Reply | None = None
        self.doubt: tuple[int, ...] = ()
        self.others: tuple[Any, ...] = ()
        self.generation = 0
        """How often values were minted anew."""
        self.jumps: dict[tuple[str, str, str], int] | None = None
        """(step, move, its name) → how often it was made."""
        self.spent: dict[tuple[str, str], int] | None = None
        """(role, outcome word) → tries used up by operations that a jump has left behind."""
        self.looks: int | None = None
        """Looks at the first page that are still to come; None before and after."""
        self.leave: Leave | None = None
        """How the journey ended, where only the status is still to be read."""
        # Of the operation under way:
        self.open = False
        """An attempt of it may or may not have happened."""
        self.fresh = False
        """A later attempt carried another key, so its answer says nothing of the earlier one."""
        self.counts: tuple[tuple[str, int], ...] = ()
        """How often each outcome word has come."""
        self.waited_ns = 0
        """The last backoff: decorrelated jitter draws from it."""


class Memory:
    """The state of one tab. The engine keeps it to read the order's status after settling."""

    __slots__ = ("_aside", "_names", "_variables", "draws", "end", "fan", "intent", "ops", "seed", "sends", "tab")

    def __init__(self, *, seed: int, fan: int, intent: str, tab: int = 0) -> None:
        self.seed = seed
        self.fan = fan
        self.intent = intent
        self.tab = tab
        self._variables: dict[str, Any] | Folded = {}
        self._names: Names | None = None
        """What the values of a fold are called."""
        self.sends = 0
        self.ops = 0
        self.draws = 0
        """Random numbers drawn so far: the counter of the next."""
        self.end: str | None = None
        self._aside: Aside | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.intent}.{self.tab} {self.end or 'at the shop'}>"

    def draw(self) -> tuple[int, int, int]:
        """Counters for one draw of chance: (fan, tab, n), never the same twice."""
        self.draws += 1
        return self.fan, self.tab, self.draws

    @property
    def variables(self) -> dict[str, Any]:
        """What can be filled into a request, by name."""
        variables = self._variables
        if type(variables) is tuple and self._names is not None:
            variables = self._names.unfold(variables, self.intent, self.fan, self.tab)
            if self._names.made_again:
                variables.update(first_values(self._names.made_again, variables, self.seed))
            self._variables = variables
        return variables  # type: ignore[return-value]  # folded without names it never is

    def _fold(self, made_again: tuple[Mint, ...] = ()) -> None:
        """Take as little room as one can: the tab waits. `made_again`: what need not be remembered."""
        variables = self._variables
        if type(variables) is dict:
            if self._names is None or self._names.made_again is not made_again or not self._names.fit(variables):
                self._names = names_of(variables, made_again)
            self._variables = self._names.fold(variables)

    @property
    def aside(self) -> Aside:
        """To write something down that few fans need."""
        if self._aside is None:
            self._aside = Aside()
        return self._aside

    @property
    def doubt(self) -> tuple[int, ...]:
        """Operations of role hold or pay that may or may not have happened."""
        return () if self._aside is None else self._aside.doubt

    @property
    def page(self) -> Reply | None:
        """The last reply, where the journey looks back at it."""
        return None if self._aside is None else self._aside.page

    @property
    def others(self) -> tuple[Any, ...]:
        """The further tabs that this one opened."""
        return () if self._aside is None else self._aside.others
