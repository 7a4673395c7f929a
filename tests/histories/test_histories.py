"""Every checker before its histories: guilty, innocent, doubtful, in that order."""

from __future__ import annotations

from collections import Counter

import pytest

from surgectl.audit.checkers.registry import CHECKERS
from tests.histories.playing import Evenings, History, modules, play

MODULES = modules()
REGISTERED = [module for module in MODULES if module.checker in CHECKERS]
PLAYED = [
    pytest.param(module.checker, module.checker, history, id=name)
    for module in REGISTERED
    for name, history in module.histories()
]


def test_every_checker_has_its_histories() -> None:
    """Each registered checker has one module with guilty, innocent and doubtful histories, or why it never convicts."""
    named = Counter(module.checker for module in MODULES)
    assert {name: named[name] for name in CHECKERS if named[name] != 1} == {}
    thin = {
        module.checker
        for module in REGISTERED
        if not (module.innocent and module.doubtful and bool(module.guilty) != bool(module.never_guilty))
    }
    assert thin == set()


@pytest.mark.parametrize("evenings, checker, history", PLAYED, indirect=["evenings"])
def test_history(evenings: Evenings, checker: str, history: History) -> None:
    """The guilty are convicted with the fan and the proving lines named, the innocent pass, the rest is unknown with
    its reason; never another way."""
    play(checker, CHECKERS[checker], history, evenings.of(history.night))
