"""One rehearsal of the matrix: which shop, how wrong, in which scene, under what, with which chance."""

from __future__ import annotations

from pathlib import Path

import msgspec

from surgectl.errors import UsageError
from surgectl.profile.load import load_rehearsal
from surgectl.profile.words import invariants_of

SCENES = Path(__file__).parent / "scenes"
PLAIN_TARGET = "boxoffice"
"""The only target that has a double in a stranger's clothes."""
DISGUISED_TARGET = "stranger"
CALM = "none"
"""The brownout that is none."""
BRUNT: dict[str, int | str] = {"payments_in_fault": 1}
"""What a shop that bore a brownout must have met."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the matrix, and all that is needed to play it."""

    scene: str
    seed: int
    defect: str | None = None
    """None: the shop is right."""
    brownout: str | None = None
    """None: as the scene has it; `none`: nothing is broken."""
    disguised: bool = False
    demands: tuple[tuple[str, int | str], ...] = ()
    """Coverage that the run itself is to require: without it nothing was shown, and 0 would be a quiet pass."""

    @property
    def name(self) -> str:
        """`double-charge seed 3 disguised`, `correct shop, trickle seed 2 plain`"""
        what = self.defect or f"correct shop, {self.brownout or self.scene}"
        return f"{what} seed {self.seed} {'disguised' if self.disguised else 'plain'}"

    @property
    def breaks_payments(self) -> bool:
        """A brownout of ours stands on the payments link."""
        return self.brownout not in (None, CALM)

    def arguments(self) -> list[str]:
        """What follows `surgectl run`."""
        said = [str(SCENES / f"{self.scene}.yaml"), "--seed", str(self.seed)]
        if self.defect is not None:
            said += ["--defect", self.defect]
        if self.brownout is not None:
            calm = self.brownout == CALM
            said += ["--set", "chaos=[]" if calm else f"chaos[0].brownout={self.brownout}"]
        for what, least in self.demands:
            said += ["--set", f"expect.coverage.{what}={least}"]
        return [*said, "--target", DISGUISED_TARGET] if self.disguised else said


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What the matrix needs to know of a profile of scenes/."""

    name: str
    disguisable: bool
    """Its target is the plain box office, so the disguised one can take its place."""
    required: tuple[str, ...]
    """Invariants that it requires to end definite."""


def scene(name: str) -> Scene:
    """The scene of that name. Raises UsageError where its profile cannot be meant."""
    file = SCENES / f"{name}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in SCENES.glob("*.yaml")))
        raise UsageError(f"{name}: no such scene", where=str(SCENES), hint=f"there are {known}")
    rehearsal = load_rehearsal(file, environ={})
    words = rehearsal.expect.invariants.require
    return Scene(
        name=name,
        disguisable=rehearsal.target == PLAIN_TARGET,
        required=tuple(dict.fromkeys(one for word in words for one in invariants_of(word))),
    )
