"""What is played: every wrong shop, the right one under everything, half of it in disguise."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from surgectl.errors import UsageError
from surgectl.profile.brownouts import NAMES
from surgectl.profile.load import open_rehearsal
from surgectl.profile.words import COVERAGE, INVARIANTS
from surgectl.selftest import cell as cells
from surgectl.selftest.offence import Offence
from surgectl.selftest.offences import OFFENCES
from surgectl.selftest.playing import environment
from surgectl.selftest.programme import BASE_SCENE, QUICK, Wanted, programme, scenes_of

FAST = [offence for offence in OFFENCES if not offence.slow]
TWO = [
    Offence(defect="double-charge", caught_by=("DUPCHARGE",), coverage={"lost_replies": 1}),
    Offence(defect="stuck", caught_by=("RECOVERY",), coverage={"payments_in_fault": 1}, slow=True),
]


def test_the_quick_one_is_a_sample_of_everything() -> None:
    """Two dozen defects and the right shop under each brownout; no invariant is left to the whole matrix alone."""
    played = programme(QUICK, OFFENCES)
    quick = [offence for offence in FAST if offence.quick]
    assert [cell.defect for cell in played if cell.defect] == [offence.defect for offence in quick]
    assert len(quick) >= 24
    assert {id_ for o in FAST for id_ in o.caught_by} == {id_ for o in quick for id_ in o.caught_by}
    right = [cell for cell in played if not cell.defect]
    assert [cell.brownout for cell in right] == [*NAMES, "none"]
    assert len(right) >= 8


def test_the_whole_matrix_plays_everything() -> None:
    """Each defect that is not slow, and the right shop under each brownout, under none, and in every other scene."""
    played = programme(Wanted(seeds=1, innocent_seeds=1), OFFENCES)
    assert [cell.defect for cell in played if cell.defect] == [offence.defect for offence in FAST]
    assert {cell.brownout for cell in played if cell.brownout} == {*NAMES, "none"}
    others = {offence.scene for offence in FAST} - {BASE_SCENE}
    assert {cell.scene for cell in played if not cell.defect and not cell.brownout} == others


def test_every_defect_meets_both_shops() -> None:
    """Over two seeds a defect is played plain and disguised, unless its scene or what it breaks forbids it."""
    played = programme(Wanted(seeds=2, innocent_seeds=2), OFFENCES)
    scenes = scenes_of(played)
    for offence in FAST:
        met = {cell.disguised for cell in played if cell.defect == offence.defect}
        both = offence.disguise and scenes[offence.scene].disguisable
        assert met == ({False, True} if both else {False}), offence.defect
    for name in NAMES:
        assert {cell.disguised for cell in played if cell.brownout == name} == {False, True}


def test_slow_ones_are_asked_for() -> None:
    """A slow defect is played where --slow says so, or where it is named."""
    assert [cell.defect for cell in programme(QUICK, TWO) if cell.defect] == ["double-charge"]
    assert "stuck" in [cell.defect for cell in programme(Wanted(seeds=1, slow=True), TWO)]
    assert [cell.defect for cell in programme(Wanted(seeds=1, only=("stuck",)), TWO)] == ["stuck"]


def test_only_what_was_named() -> None:
    """A defect and a brownout, as many seeds as each is due; an unknown name is refused with the nearest."""
    played = programme(Wanted(seeds=2, innocent_seeds=3, first_seed=7, only=("double-charge", "flap")), OFFENCES)
    assert [(cell.defect, cell.brownout, cell.seed) for cell in played] == [
        *(("double-charge", None, seed) for seed in (7, 8)),
        *((None, "flap", seed) for seed in (7, 8, 9)),
    ]
    with pytest.raises(
        UsageError, match='double-chrge: no such defect, brownout or scene .did you mean "double-charge"'
    ):
        programme(Wanted(only=("double-chrge",)), OFFENCES)


def test_a_cell_is_a_rehearsal_anybody_can_repeat() -> None:
    """Its arguments are those of `surgectl run`, with a scene's path that holds anywhere."""
    said = cells.Cell(scene=BASE_SCENE, seed=3, defect="oversell", disguised=True).arguments()
    assert Path(said[0]).is_absolute() and said[1:] == [
        *("--seed", "3", "--defect", "oversell", "--target", "stranger")
    ]
    assert cells.Cell(scene=BASE_SCENE, seed=3, brownout="down").arguments()[3:] == ["--set", "chaos[0].brownout=down"]
    assert cells.Cell(scene=BASE_SCENE, seed=3, brownout="none").arguments()[3:] == ["--set", "chaos=[]"]


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.defect)
def test_a_wrong_shop_that_had_no_chance_cannot_pass(offence: Offence) -> None:
    """What a defect needs in order to show is required by its rehearsal: where it did not happen, 12 and not 0."""
    (cell,) = programme(Wanted(seeds=1, only=(offence.defect,)), OFFENCES)
    said = cell.arguments()
    sets = dict(setting.split("=", 1) for flag, setting in pairwise(said) if flag == "--set")
    required = open_rehearsal(said[0], sets=sets, environ={}).rehearsal.expect.coverage
    assert offence.coverage and required == dict(offence.coverage)


def test_a_brownout_that_met_nobody_acquits_nobody() -> None:
    """The right shop under a fault must have had payments in it; under none there is nothing to demand."""
    demands = {cell.brownout: dict(cell.demands) for cell in programme(QUICK, OFFENCES) if cell.brownout}
    assert demands == {name: {"payments_in_fault": 1} for name in NAMES} | {"none": {}}


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.defect)
def test_every_offence_speaks_words_that_there_are(offence: Offence) -> None:
    """Its scene can be loaded, its invariants and obligations exist."""
    assert cells.scene(offence.scene).name == offence.scene
    assert offence.caught_by and set(offence.caught_by) <= set(INVARIANTS)
    assert set(offence.coverage) <= set(COVERAGE)


def test_each_defect_is_one_offence() -> None:
    """No defect stands twice in the matrix."""
    assert len({offence.defect for offence in OFFENCES}) == len(OFFENCES)


def test_settings_of_somebodys_own_rehearsals_stay_outside() -> None:
    """A SURGECTL_ setting does not reach the children; how to find bugs does."""
    given = {"PATH": "/bin", "SURGECTL_SEED": "9", "SURGECTL_SALE__TICKETS": "1", "SURGECTL_DEBUG": "1"}
    assert environment(given) == {"PATH": "/bin", "SURGECTL_DEBUG": "1"}
