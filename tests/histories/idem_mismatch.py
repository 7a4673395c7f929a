"""One key and two bodies: another wish, the same wish in another form, and what came of it."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import PRICE, Night
from tests.histories.usual import NOT_SETTLED, bent

CHECKER = "IDEM_MISMATCH"
KEY = "key-000001"


def kept(outcome: str = "ok", why: str = "confirmed", *, first: str = "info", order: str | None = "o1b") -> Night:
    """The first fan pays for a basket, hears nothing, and pays for another one with the same key."""
    night = Night().buys(2)
    night.fan(1)
    night.hold(1).send(1, "pay", first, "timeout" if first == "info" else "shed", body="aaaa", then="unknown")  # type: ignore[arg-type]
    night.told(1, "pay", "info", "unknown").order(1, key=KEY).charge(1)
    claims: dict[str, object] = {"order": order} if order and outcome == "ok" else {}
    night.send(1, "pay", outcome, why, op=5, body="bbbb", claims=claims)  # type: ignore[arg-type]
    if outcome == "ok":
        night.told(1, "pay", "ok", "confirmed", op=5, claims=claims)
    return night


def second(night: Night, *, key: str | None = KEY) -> Night:
    """The books hold a second valid order of the first fan's."""
    return night.order(1, order="o1b", key=key).charge(1, charge="ch1b", order="o1b")


def confirmed(
    first: dict[str, object], then: dict[str, object], *, bodies: tuple[str, str] = ("aaaa", "bbbb")
) -> Night:
    """Both payments are confirmed, each with its own claims."""
    night = Night().buys(2)
    night.fan(1)
    night.hold(1)
    for body, claims in zip(bodies, (first, then), strict=True):
        night.send(1, "pay", "ok", "confirmed", body=body, claims=claims)
    return night.order(1, key=KEY).charge(1)


def provider(*bodies: str, charges: int = 2, status: int = 200) -> Night:
    """The provider was asked with one key and these bodies."""
    night = Night().buys(1)
    for body in bodies:
        night.request("shop-key-1", body, status=status)
    for number in range(1, charges):
        night.charge(1, charge=f"ch1-{number}", key="shop-key-1")
    return night


def of_an_earlier_version() -> Night:
    """Nothing was kept of what was sent."""
    return Night().buys(1).buys(2)


GUILTY = [
    Guilty(second(kept()), intent="run-i1", says="used key key-000001 for 2 different bodies, and holds 2 orders"),
    # Neither answer came back: the books alone tell.
    Guilty(second(kept("info", "timeout")), intent="run-i1", severity="major"),
    # The books do not keep keys, but the fan has used no other.
    Guilty(bent(bent(second(kept(), key=None), "orders", 1, key=None), "orders", 2, key=None), intent="run-i1"),
    Guilty(confirmed({"order": "o1"}, {"order": "o9"}), intent="run-i1", says="confirmed with orders o1, o9"),
    Guilty(confirmed({"order": "o1"}, {"order": "o9"}).without("orders", "tickets"), intent="run-i1"),
    Guilty(confirmed({"order": "o1"}, {"order": "o9"}), intent="run-i1", changes=NOT_SETTLED),
    Guilty(confirmed({"amount_minor": PRICE}, {"amount_minor": 2 * PRICE}), intent="run-i1", says="different sums"),
    Guilty(confirmed({"qty": 1}, {"qty": 2}), intent="run-i1"),
    Guilty(provider("aaaa", "bbbb"), intent="run-i1", says="for 2 different bodies and made 2 charges"),
    Guilty(provider("aaaa", "bbbb", status=0), intent="run-i1"),
]
INNOCENT = [
    # The shop says that this key was used for something else.
    Innocent(kept("fail", "key-reused"), considered=1),
    # A form's token differs, the order is the same.
    Innocent(kept(order="o1")),
    Innocent(confirmed({"order": "o1", "amount_minor": PRICE}, {"order": "o1", "amount_minor": PRICE})),
    Innocent(kept("info", "timeout")),
    # The first was refused and never done: the key was still free for the second.
    Innocent(kept(first="fail")),
    # Both answers name one order, and say it in other words.
    Innocent(confirmed({"order": "o1", "qty": 1}, {"order": "o1"})),
    Innocent(confirmed({"amount_minor": PRICE}, {"qty": 1})),
    # An acknowledgement is no confirmation.
    Innocent(kept("ok", "accepted")),
    # What the status page says, or what is told of a hold, is no answer to the payment.
    Innocent(
        kept("info", "timeout")
        .told(1, "pay", "ok", "confirmed", op=5, status_read=True, claims={"order": "o9"})
        .told(1, "pay", "ok", "confirmed", op=2, claims={"order": "o1"})
    ),
    # Two sums, and one body: IDEM_REPLAY's matter.
    Innocent(
        confirmed({"amount_minor": PRICE}, {"amount_minor": 1}, bodies=("aaaa", "aaaa")).send(
            1, "pay", "info", "timeout", body="bbbb"
        )
    ),
    Innocent(confirmed({"qty": 1}, {"qty": 2}, bodies=("aaaa", "aaaa")).send(1, "pay", "info", "timeout", body="bbbb")),
    # A charge that took no money, or that is nobody's.
    Innocent(provider("aaaa", "bbbb", charges=1).charge(1, charge="no", key="shop-key-1", amount=0)),
    Innocent(
        Night()
        .buys(1)
        .request("k", "aaaa")
        .request("k", "bbbb")
        .charge(8, charge="a", key="k", linked=False)
        .charge(9, charge="b", key="k", linked=False)
    ),
    # Refused once, carried out once.
    Innocent(provider("aaaa").request("shop-key-1", "bbbb", status=400)),
    # The second order is void.
    Innocent(kept("info", "timeout").order(1, state="void", order="o1b", key=KEY)),
    # A second order, and a key of its own that made it.
    Innocent(second(kept("fail", "key-reused"), key="key-another")),
    # Both orders were the answer to one body: the same wish, fulfilled twice.
    Innocent(
        confirmed({"order": "o1"}, {"order": "o9"}, bodies=("aaaa", "aaaa"))
        .send(1, "pay", "info", "timeout", body="bbbb")
        .order(1, order="o9", key=KEY)
    ),
    Innocent(provider("aaaa", "bbbb", charges=1), considered=1),
    Innocent(provider("aaaa", "bbbb", status=400)),
    Innocent(provider("aaaa", "bbbb", charges=1).charge(1, charge="other", key="another")),
]
DOUBTFUL = [
    Doubtful(of_an_earlier_version(), "no digests", weighs=False),
    Doubtful(confirmed({"order": "o1"}, {"order": "o9"}, bodies=("aaaa", "aaaa")), "nothing in this run", weighs=False),
    # A hold, or a poll, is no payment.
    Doubtful(
        Night()
        .buys(1)
        .send(1, "hold", "ok", "next", key=KEY, body="aaaa")
        .send(1, "hold", "ok", "next", key=KEY, body="b"),
        "no digests",
    ),
    Doubtful(second(kept("info", "timeout")), "constants ask for", NOT_SETTLED, pending=1),
    Doubtful(kept("info", "timeout").without("orders", "tickets"), "add `evidence: {orders: …}`"),
    Doubtful(
        bent(bent(second(kept("info", "timeout"), key=None), "orders", 1, key=None), "orders", 2, key=None).send(
            1, "pay", "info", "timeout", key="key-another", body="cccc"
        ),
        "map `key` of the orders",
    ),
    Doubtful(second(kept("info", "timeout")).flaw("orders", stable=False), "still changed"),
    Doubtful(provider("aaaa", "bbbb").flaw("requests", complete=False), "not read completely"),
]
