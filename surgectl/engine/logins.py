"""Logins of one shard: whoever needs one finds it here.

What a login gave is kept here and nowhere else. Of several workers the first makes whatever they share, and the others
are told: an authority that lets only its newest token in (some do so for each client) would else have the workers put
each other out, in turns, for the whole run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from surgectl.engine.drivers.driver import Session
from surgectl.engine.login import Entry
from surgectl.engine.runners.messages import LoginCame, LoginWanted
from surgectl.engine.scene import Scene
from surgectl.journey.logins import CompiledLogin, placeholders
from surgectl.profile.accounts import Accounts

Visit = Callable[[int | None], Session]
"""Opens a browser for a login: of a fan's account, or of nobody."""
Learn = Callable[[str], None]
"""Hears of each value that was given: it is a secret."""
Say = Callable[[LoginWanted | LoginCame], None]
"""Tells the other workers."""


class Logins:
    """`logins.entry(name, fan)` is what a request needs; `open(scene, driver)` comes before the first fan."""

    def __init__(
        self,
        logins: Mapping[str, CompiledLogin],
        variables: Mapping[str, Any],
        *,
        seed: int,
        shard: int = 0,
        accounts: Accounts | None = None,
        learn: Learn = lambda value: None,
    ) -> None:
        """`variables`: what its requests may name: the run, the sale, the setup hook's."""
        self._logins = logins
        self.variables = {**variables, **placeholders(logins)}
        self.seed = seed
        self.accounts = accounts
        self.learn = learn
        self.shard = shard
        self.whose = f"{variables['run']}-login-{shard}"
        """The name under which those for all fans are recorded."""
        self.say: Say | None = None
        """None: there are no other workers."""
        self._entries: dict[tuple[str, int | None], Entry] = {}
        self.scene: Scene
        self.visit: Visit
        self.sends = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Logins: {', '.join(self._logins)}; {len(self._entries)} in use>"

    def open(self, scene: Scene, visit: Visit) -> None:
        """Where its requests are written down, and how they travel."""
        self.scene = scene
        self.visit = visit

    def entry(self, name: str, fan: int | None) -> Entry:
        """The login that a fan's request needs; `None`: nobody's in particular, so it must be one for all."""
        login = self._logins[name]
        row = None
        if login.per == "account":
            assert self.accounts is not None and fan is not None, "compiled so"
            row = fan % len(self.accounts) if self.accounts.reuse else fan
        return self._entry(name, row)

    def _entry(self, name: str, row: int | None) -> Entry:
        found = self._entries.get((name, row))
        if found is None:
            found = self._entries[name, row] = Entry(self, self._logins[name], row)
        return found

    def share(self, say: Say) -> None:
        """There are other workers, and this reaches them. Comes before the first fan."""
        self.say = say

    def hear(self, word: LoginWanted | LoginCame) -> None:
        """Another worker wants a login of the one that makes them; or that one tells what became of it."""
        entry = self._entry(word.login, word.row)
        entry.wanted(word) if isinstance(word, LoginWanted) else entry.came(word)

    def let_go(self, entry: Entry) -> None:
        """Nobody uses it any more. Of an account that is one fan's alone it is forgotten."""
        if entry.row is not None and self.accounts is not None and not self.accounts.reuse and not entry.users:
            self._entries.pop((entry.login.name, entry.row), None)

    async def close(self) -> None:
        """End what is under way; it is written down."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
