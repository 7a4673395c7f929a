"""How the box office says no: a status, a code a program can read, and when to come back."""

from __future__ import annotations

from surgectl import chance


class Refused(Exception):
    """Nothing was done. Raised inside a write job it also undoes what that job had begun."""

    def __init__(self, status: int, code: str, say: str, *, retry_after_s: int | None = None, **extra: object) -> None:
        super().__init__(f"{code}: {say}")
        self.status = status
        self.code = code
        self.say = say
        self.retry_after_s = retry_after_s
        self.extra = extra


class Shedding:
    """Makes refusals of an overloaded shop, each with another Retry-After.

    One and the same Retry-After would only bring the whole herd back at one and the same second.
    """

    def __init__(self, seed: int, *, at_least_s: int = 1, at_most_s: int = 5) -> None:
        self._seed = seed
        self._span = (at_least_s, at_most_s)
        self.count = 0

    def busy(self, say: str) -> Refused:
        self.count += 1
        low, high = self._span
        wait_s = low + chance.bits(self._seed, "retry-after", self.count) % (high - low + 1)
        return Refused(503, "BUSY", say, retry_after_s=wait_s)
