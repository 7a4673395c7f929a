"""Plays a script against canned replies: no socket, no clock, the whole dialogue written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import yaml

from surgectl.fans.dialogue import Answer, Double, Fork, Leave, Meet, Minted, Move, Script, Send, Think, Told, Work
from surgectl.fans.intent import Intent
from surgectl.fans.person import Person
from surgectl.fans.policy import Policy, compile_policy
from surgectl.journey.messages import Reply
from surgectl.journey.model import Journey
from surgectl.profile.retry import RetryProfile

MS = 1_000_000
S = 1000 * MS

Shop = Callable[[Send], Reply]


def policy(text: str = "") -> Policy:
    """A retry profile from YAML text, compiled."""
    fields = {"name": "test", **(yaml.safe_load(text) or {})}
    return compile_policy(msgspec.convert(fields, RetryProfile, dec_hook=lambda kind, value: kind.parse(value)))


def person(journey: Journey, behaves: Policy | str = "", *, qty: int = 2, seed: int = 7, **shared: Any) -> Person:
    """Somebody who wants `qty` tickets."""
    how = policy(behaves) if isinstance(behaves, str) else behaves
    return Person(journey, how, Intent(run="r1", intent="r1-4", fan=4, seed=seed, qty=qty, shared=shared))


class Talk:
    """Everything one script said."""

    def __init__(self) -> None:
        self.moves: list[Move] = []
        self.doubles: list[Double] = []
        self.left: Leave | None = None
        self.now_ns = 0

    def of(self, kind: type) -> list[Any]:
        return [move for move in self.moves if isinstance(move, kind)]

    @property
    def sends(self) -> list[Send]:
        return self.of(Send)

    @property
    def steps(self) -> list[str]:
        """The steps sent, polls with a question mark."""
        return [f"{send.step}?" if send.poll else send.step for send in self.sends]

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(told.step, told.outcome, told.end) for told in self.of(Told)]

    @property
    def waits(self) -> list[tuple[str, int]]:
        return [(think.why, think.ns) for think in self.of(Think)]

    @property
    def minted(self) -> list[Minted]:
        return self.of(Minted)

    @property
    def forks(self) -> list[Fork]:
        return self.of(Fork)

    @property
    def end(self) -> tuple[str, str]:
        assert self.left is not None
        return self.left.end, self.left.outcome


def converse(
    script: Script, shop: Shop | Iterable[Reply], *, took_ns: int = 10 * MS, opens: bool = True, most: int = 5000
) -> Talk:
    """The dialogue to its end. A send takes `took_ns`, one that times out its whole time-out."""
    talk = Talk()
    replies = None if callable(shop) else iter(shop)
    answer: Answer | bool | None = None
    while talk.left is None:
        assert len(talk.moves) < most, "the script does not end"
        move = script.send(answer)
        talk.moves.append(move)
        answer = None
        if isinstance(move, Think):
            assert move.ns > 0
            talk.now_ns += move.ns
        elif isinstance(move, Meet):
            answer = opens
        elif isinstance(move, Send):
            if move.double is not None:
                talk.doubles.append(move.double)
            reply = next(replies) if replies is not None else shop(move)  # type: ignore[operator]  # one of the two
            talk.now_ns += move.wire.timeout_ns if reply.broken == "timeout" else took_ns
            reply = msgspec.structs.replace(reply, done_ns=talk.now_ns)
            answer = Answer(reply=reply, verdict=move.judge(reply), now_ns=talk.now_ns)
        elif isinstance(move, Work):
            move.do(1_700_000_000.0, lambda: talk.now_ns)
        elif isinstance(move, Leave):
            talk.left = move
    try:
        script.send(None)
    except StopIteration:
        return talk
    raise AssertionError("a script goes on after leaving")
