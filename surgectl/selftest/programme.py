"""Which rehearsals are played: every wrong shop in its scene, and the right shop under everything that may break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.profile.brownouts import NAMES
from surgectl.selftest.cell import BRUNT, CALM, Cell, Scene, scene
from surgectl.selftest.offence import Offence

BASE_SCENE = "lost-replies"
"""Where the right shop meets every brownout."""
BROWNOUTS = (*NAMES, CALM)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How much is to be played."""

    seeds: int = 5
    """For each offence."""
    innocent_seeds: int = 20
    """For each brownout, and for each other scene."""
    first_seed: int = 1
    only: tuple[str, ...] = ()
    """Defects, brownouts and scenes; empty: all. Under a scene's name stands the right shop in it."""
    slow: bool = False
    """Offences that take minutes, too."""
    quick: bool = False
    """Of offences that break the same invariants one, and the right shop under the brownouts alone."""


QUICK = Wanted(seeds=1, innocent_seeds=1, quick=True)


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the matrix before its seeds."""

    name: str
    """What `only` calls it."""
    scene: str
    seeds: int
    defect: str | None = None
    brownout: str | None = None
    disguise: bool = True
    demands: Mapping[str, int | str] = {}


def programme(wanted: Wanted, offences: Sequence[Offence]) -> list[Cell]:
    """The cells, in the order in which they are played. UsageError where `only` names nothing that there is.

    Plain and disguised alternate from one seed to the next, and from one row to the next: whoever plays a single seed
    still sees both.
    """
    _refuse_unknown(wanted.only, offences)
    kinds = _kinds(wanted, offences)
    scenes = {name: scene(name) for name in dict.fromkeys(kind.scene for kind in kinds)}
    return [
        Cell(
            scene=kind.scene,
            seed=seed,
            defect=kind.defect,
            brownout=kind.brownout,
            demands=tuple(kind.demands.items()),
            disguised=bool((number + seed) % 2) and kind.disguise and scenes[kind.scene].disguisable,
        )
        for number, kind in enumerate(kinds)
        if not wanted.only or kind.name in wanted.only
        for seed in range(wanted.first_seed, wanted.first_seed + kind.seeds)
    ]


def _kinds(wanted: Wanted, offences: Sequence[Offence]) -> list[_Kind]:
    wrong = [
        offence
        for offence in offences
        if offence.defect in wanted.only or ((wanted.slow or not offence.slow) and (offence.quick or not wanted.quick))
    ]
    places = [] if wanted.quick else [offence.scene for offence in wrong]
    places = list(dict.fromkeys((*places, *(o.scene for o in offences if o.scene in wanted.only))))
    return [
        *(
            _Kind(
                name=o.defect,
                scene=o.scene,
                seeds=wanted.seeds,
                defect=o.defect,
                disguise=o.disguise,
                demands=o.coverage,
            )
            for o in wrong
        ),
        *(
            _Kind(
                name=name,
                scene=BASE_SCENE,
                seeds=wanted.innocent_seeds,
                brownout=name,
                demands={} if name == CALM else BRUNT,
            )
            for name in BROWNOUTS
        ),
        # A scene of its own must not be what convicts: the right shop is seen in each of them as well.
        *(
            # A scene whose offences are all unfit for a stranger was made for the plain shop.
            _Kind(
                name=n, scene=n, seeds=wanted.innocent_seeds, disguise=any(o.disguise for o in offences if o.scene == n)
            )
            for n in places
            if n != BASE_SCENE
        ),
    ]


def scenes_of(cells: Sequence[Cell]) -> dict[str, Scene]:
    """Name → scene, of all that are played."""
    return {name: scene(name) for name in dict.fromkeys(cell.scene for cell in cells)}


def _refuse_unknown(only: Sequence[str], offences: Sequence[Offence]) -> None:
    scenes = dict.fromkeys(offence.scene for offence in offences if offence.scene != BASE_SCENE)
    known = [*(offence.defect for offence in offences), *BROWNOUTS, *scenes]
    for name in only:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise UsageError(f"{name}: no such defect, brownout or scene", where="--only", hint=hint)
