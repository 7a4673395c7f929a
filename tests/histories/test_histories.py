"""Every checker before its histories: guilty, innocent, doubtful, in that order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from surgectl.audit.checkers.registry import CHECKERS
from tests.histories.playing import Evenings, History, Module, modules, play

MODULES = modules()
REGISTERED = [module for module in MODULES if module.checker in CHECKERS]
PLAYED = [pytest.param(module, history, id=name) for module in REGISTERED for name, history in module.histories()]


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


@pytest.mark.parametrize("module, history", PLAYED)
def test_history(evenings: Callable[[Module], Evenings], module: Module, history: History) -> None:
    """The guilty are convicted with the fan and the proving lines named, the innocent pass, the rest is unknown with
    its reason; never another way."""
    play(module.checker, CHECKERS[module.checker], history, evenings(module).of(history.night))
