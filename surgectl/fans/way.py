"""Where a fan stands in the journey: the next step, through flows, jumps and wizards.

A place never changes, so all fans who come by share it: where somebody stands costs them one reference.
"""

from __future__ import annotations

from surgectl.fans.memory import Memory
from surgectl.fans.minted import made_again
from surgectl.journey.messages import Reply
from surgectl.journey.model import CompiledRepeat, CompiledStep, Journey
from surgectl.journey.paths import MISSING
from surgectl.journey.seen import Seen
from surgectl.journey.template import show

EFFECTS = frozenset({"hold", "pay"})
"""Roles whose unanswered attempts leave a doubt that nothing but a success can lift."""


def look_back(memory: Memory) -> Seen:
    """The last page, as `only` and a wizard look at it: where none was kept, what is known of it is its URL."""
    return Seen(memory.page or Reply(url=str(memory.variables.get("url", ""))), memory.variables)


class Walk:
    """A list of steps being walked, and the place that it leads back to."""

    __slots__ = ("flow", "knowledge", "outer", "places", "repeat", "rounds", "turns")

    def __init__(
        self,
        steps: tuple[CompiledStep, ...],
        *,
        outer: Place | None = None,
        flow: str | None = None,
        repeat: CompiledRepeat | None = None,
        wizard: Walk | None = None,
        knowledge: bool = False,
    ) -> None:
        """`wizard`: the page of it before this one. `knowledge`: a status flow, which attempts nothing."""
        self.outer = outer
        self.flow = flow
        self.repeat = repeat
        self.rounds: int = 0 if wizard is None else wizard.rounds + 1
        self.turns: dict[tuple[str, int], Walk] = {} if wizard is None else wizard.turns
        """(page, its number) → the walk through it."""
        self.knowledge: bool = knowledge if outer is None else outer.walk.knowledge
        self.places = tuple(Place(self, index, step) for index, step in enumerate((*steps, None)))


class Place:
    """A step among the others of its list, or that list's end."""

    __slots__ = (
        "_flows",
        "_index",
        "_jumps",
        "_wizard",
        "effects",
        "knowledge",
        "plain",
        "role",
        "step",
        "walk",
    )

    def __init__(self, walk: Walk, index: int, step: CompiledStep | None) -> None:
        self.walk = walk
        self.step = step
        self.knowledge = walk.knowledge
        """A status read: ours to know, and no attempt at anything."""
        self.role = "" if step is None else "status" if walk.knowledge else step.role
        self.effects = self.role in EFFECTS
        """May it change a ledger?"""
        self.plain = (
            step is not None
            and step.only is None
            and step.barrier is None
            and step.judge is not None
            and step.request is not None
            and step.role != "pay"
            and not walk.knowledge
        )
        """Nothing stands between arriving at it and sending it, but thought."""
        self._index = index
        self._jumps: dict[str, Place | None] = {}
        self._flows: dict[str, Place] = {}
        self._wizard: Walk | None = None

    def __repr__(self) -> str:
        return f"<Place {self.step.path if self.step is not None else 'end'}>"

    def after(self) -> Place:
        """The place behind this step."""
        return self.walk.places[self._index + 1]

    def past(self) -> Place:
        """Where a step leads that is done: into its wizard, if it has one."""
        if self.step is None or self.step.repeat is None:
            return self.after()
        if self._wizard is None:
            self._wizard = Walk((), outer=self.after(), repeat=self.step.repeat)
        return self._wizard.places[0]

    def jump(self, name: str) -> Place | None:
        """The step of that name in the innermost list that has one."""
        if name not in self._jumps:
            self._jumps[name] = self._look_for(name)
        return self._jumps[name]

    def _look_for(self, name: str) -> Place | None:
        around: Place | None = self
        while around is not None:
            for place in around.walk.places:
                if place.step is not None and place.step.name == name:
                    return place
            around = around.walk.outer
        return None

    def enter(self, name: str, steps: tuple[CompiledStep, ...]) -> Place:
        """The first place of that flow; one that is being walked already begins again rather than inside itself."""
        if name not in self._flows:
            around: Place | None = self
            while around is not None and around.walk.flow != name:
                around = around.walk.outer
            walk = Walk(steps, outer=self.after(), flow=name) if around is None else around.walk
            self._flows[name] = walk.places[0]
        return self._flows[name]

    def stand(self, memory: Memory) -> Place | str:
        """The place of the step to take now; or why there is none: all walked, or a wizard that cannot go on."""
        place: Place | None = self
        while place is not None:
            if place.step is not None:
                return place
            if place.walk.repeat is None:
                place = place.walk.outer
                continue
            turned = _turn(place.walk, place.walk.repeat, memory)
            if isinstance(turned, str):
                return turned
            place = turned
        return "the journey ended without an end"


def _turn(walk: Walk, repeat: CompiledRepeat, memory: Memory) -> Place | str | None:
    """On to the wizard's next page, or out of it; why it cannot go on, if it cannot."""
    seen = look_back(memory)
    if repeat.until(seen):
        return walk.outer
    if walk.rounds >= repeat.at_most:
        return f"the wizard is not over after {repeat.at_most} pages"
    case = repeat.by(seen)
    if case is MISSING:
        return f"the wizard's page is not to be seen in {seen.reply.url}"
    page = show(case)
    if page not in repeat.cases:
        return f'the wizard has no case for "{page}"'
    turn = (page, walk.rounds)
    if turn not in walk.turns:
        walk.turns[turn] = Walk(repeat.cases[page], outer=walk.outer, repeat=repeat, wizard=walk)
    return walk.turns[turn].places[0]


class Route:
    """What the fans of one target share beyond the target itself."""

    __slots__ = ("asking", "journey", "made_again", "start")

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.start = Walk(journey.steps).places[0]
        self.made_again = made_again(journey)
        """Mints that a tab may forget while it waits: they come out the same when they are wanted."""
        status = journey.flows.get("status")
        self.asking = None if status is None else Walk(status, knowledge=True).places[0]


_ROUTES: dict[int, Route] = {}
_ROUTES_AT_MOST = 32


def route_of(journey: Journey) -> Route:
    """The route of a target: made once, and remembered for the fans who follow."""
    route = _ROUTES.get(id(journey))
    if route is None or route.journey is not journey:
        if len(_ROUTES) >= _ROUTES_AT_MOST:
            _ROUTES.clear()  # a route that fans are on lives as long as they do
        route = _ROUTES[id(journey)] = Route(journey)
    return route
