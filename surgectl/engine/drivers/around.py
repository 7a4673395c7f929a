"""What a driver around another driver has of it as it stands."""

from __future__ import annotations

from surgectl.engine.drivers.driver import Listening


class AroundEar:
    """An ear around another's, which says how it is opened (`hear`); see Listening."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Listening) -> None:
        self._inner = inner

    @property
    def open(self) -> bool:
        return self._inner.open

    def close(self) -> None:
        self._inner.close()
