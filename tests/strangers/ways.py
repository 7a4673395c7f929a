"""Every way in which the pier, the fair and the coach were played, right, slow and wrong, and the verdict that is due.

    python -m tests.strangers.ways                # all of them, two at a time: a quarter of an hour
    python -m tests.strangers.ways pier-deaf      # these

A few of them are tests (test_other_tills.py); the others are here to be played by hand.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.strangers.street import Ended, Visit, rehearse

MONEY = "expect:\n  invariants: {require: [OVERSELL, money, LOST_TICKET, LIMIT]}\n"
HOSTED = "expect:\n  invariants: {require: [OVERSELL, CONSERVE, money, LOST_TICKET, LIMIT, WEBHOOK_DUP]}\n"


@dataclass(frozen=True)
class Way:
    visit: Visit
    exit: int = 0
    finding: str = ""
    """What must fail; for exit 12 the words that say why."""
    besides: frozenset[str] = frozenset()
    """What the same mistake breaks as well."""

    def __repr__(self) -> str:
        return self.visit.name

    def wrong(self, ended: Ended) -> str:
        """Why the verdict is not the one that is due; empty where it is."""
        if ended.code != self.exit:
            return f"exit {ended.code} where {self.exit} is due"
        if self.exit == 11 and self.finding not in ended.failed:
            return f"{self.finding} did not fail"
        if extra := ended.failed - {self.finding} - self.besides:
            return f"{', '.join(sorted(extra))} failed, and should not"
        if self.exit == 12 and self.finding not in ended.said:
            return f"nobody says: {self.finding}"
        return ""


def pier(name: str, *options: str, change: tuple[str, ...] = (), bank: tuple[str, ...] = ()) -> Visit:
    return Visit(f"pier-{name}", shop="pier", options=options, change=change, bank=bank, expect=HOSTED)


def fair(name: str, *options: str, change: tuple[str, ...] = ()) -> Visit:
    return Visit(f"fair-{name}", shop="fair", options=options, change=("sale.tickets=80", *change), expect=MONEY)


def coach(name: str, *options: str, change: tuple[str, ...] = (), target: str = "") -> Visit:
    return Visit(f"coach-{name}", shop="coach", options=options, change=change, expect=MONEY, target=target)


YEN = ("CURRENCY=JPY", "sale.price=2500 JPY")
DINAR = ("CURRENCY=KWD", "sale.price=2.500 KWD")
LATE = "DAWDLES=2"
"""Who wants two pays when the place has been given away."""
FEW = ("--capacity", "14")
FOURTEEN = "sale.tickets=14"


def guilty(visit: Visit, finding: str, *besides: str) -> Way:
    return Way(visit, 11, finding, frozenset(besides))


def unknown(visit: Visit, words: str) -> Way:
    return Way(visit, 12, words)


WAYS = [
    # -- the bank's own page: come back, never come back, pay too late, be told twice
    Way(pier("right")),
    Way(pier("yen", "--currency", "JPY", change=YEN)),
    Way(pier("dinar", "--currency", "KWD", change=(*DINAR, LATE))),
    Way(pier("leaves", change=("LEAVES=2",))),
    Way(pier("dawdles", change=(LATE,))),
    Way(pier("scarce", *FEW, change=(LATE, FOURTEEN))),
    Way(pier("slow", "--slow", "3", "--hold", "9", bank=("--hook", "1-3"), change=("HOOK=16s", "settle.at_most=30s"))),
    unknown(pier("declined", change=("CARD=4002",)), "nothing in this run could have violated it"),
    guilty(pier("deaf", "--wrong", "deaf", change=(LATE,)), "CHARGED_NO_TICKET", "WEBHOOK_DUP"),
    guilty(pier("revive", "--wrong", "revive", *FEW, change=(LATE, FOURTEEN)), "OVERSELL", "CONSERVE"),
    guilty(pier("eager", "--wrong", "eager", change=(LATE,)), "REFUND"),
    guilty(pier("race", "--wrong", "race"), "TICKET_NO_CHARGE", "WEBHOOK_DUP", "LIMIT"),
    guilty(pier("glad", "--wrong", "glad", change=("CARD=4002",)), "TICKET_NO_CHARGE", "LIMBO", "DRAIN"),
    guilty(
        pier("decimals", "--wrong", "decimals", "--currency", "KWD", change=DINAR),
        "AMOUNT",
        *("CHARGED_NO_TICKET", "WEBHOOK_DUP"),
    ),
    # -- set aside and taken in a batch; gift cards, members, fees; orders that move to an archive
    Way(fair("plain", "--how", "none")),
    Way(fair("right")),
    Way(fair("slow", "--every", "7", change=("DEADLINE=14s", "settle.at_most=30s"))),
    unknown(fair("nightly", "--every", "500", change=("DEADLINE=12h",)), "raise `settle: at_most`"),
    Way(fair("nightly-believed", "--every", "500", change=("DEADLINE=2s", "TAKEN=authorised"))),
    guilty(fair("no-member", "--wrong", "no-member", "--how", "member"), "AMOUNT"),
    unknown(fair("no-gift", "--wrong", "no-gift", "--how", "gift"), "everybody paid too much, or"),
    guilty(fair("rounds", "--wrong", "rounds"), "AMOUNT"),
    guilty(fair("skips", "--wrong", "skips"), "TICKET_NO_CHARGE"),
    guilty(fair("half", "--wrong", "half"), "TICKET_NO_CHARGE", "AMOUNT"),
    guilty(fair("again", "--wrong", "again"), "DUPCHARGE"),
    # -- a journal of changes, an order for two that is split, one of two given back
    Way(coach("right")),
    guilty(coach("each", "--wrong", "each"), "DUPCHARGE", "AMOUNT"),
    guilty(coach("keeps", "--wrong", "keeps"), "AMOUNT", "CHARGED_NO_TICKET"),
    guilty(coach("gives", "--wrong", "gives"), "REFUND", "TICKET_NO_CHARGE"),
    guilty(coach("resells", "--wrong", "resells", *FEW, change=(FOURTEEN,)), "OVERSELL"),
    guilty(coach("forgets", "--wrong", "forgets"), "CHARGED_NO_TICKET", "LOST_TICKET", "AMOUNT", "TICKET_NO_CHARGE"),
    unknown(coach("soft", "--books", "soft"), "the answer calls itself a failure: the report server is busy"),
    unknown(coach("first", "--books", "first", target="coach-plain"), "rows were read: say how it is paged"),
    unknown(coach("capped", "--books", "capped", target="coach-plain"), "is the list cut off?"),
    unknown(coach("shifts", "--books", "shifts"), "the declared count moved"),
]
BY_NAME = {way.visit.name: way for way in WAYS}


def play(way: Way) -> tuple[Way, Ended]:
    with tempfile.TemporaryDirectory() as place:
        return way, rehearse(way.visit, Path(place))


def main(names: list[str]) -> int:
    bad = 0
    with ThreadPoolExecutor(2) as pool:
        for way, ended in pool.map(play, [BY_NAME[name] for name in names] if names else WAYS):
            why = way.wrong(ended)
            bad += bool(why)
            print(
                f"{way.visit.name:18} exit {ended.code}  {', '.join(sorted(ended.failed))}  {why and 'WRONG: ' + why}"
            )
            if why:
                print(ended.said)
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
