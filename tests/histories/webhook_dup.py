"""What the provider told, how often and in what order; and what the shop made of it."""

from __future__ import annotations

import msgspec

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import PRICE, Night
from tests.histories.usual import NOT_SETTLED, bent

CHECKER = "WEBHOOK_DUP"


def told(times: int = 1) -> Night:
    """Two buy, and the shop is told of each payment."""
    return Night().buys(1).buys(2).delivers(1, number=1, times=times).delivers(2, number=2)


def nobodys(night: Night) -> Night:
    """The last event but one about a payment is about none."""
    at = max(at for at, row in enumerate(night.webhooks) if row.payment is not None)
    return bent(night, "webhooks", at, payment=None)


def again(night: Night) -> Night:
    """A second set of tickets for the first order."""
    ticket = next(row for row in night.tickets if row.order == "o1")
    night.tickets.append(msgspec.structs.replace(ticket, ticket="o1-again"))
    return night


def another(night: Night, amount: int | None = None) -> Night:
    """A second valid order on the first order's payment."""
    return night.order(1, order="o1b", payment="pi-o1", amount=amount)


def ended(state: str, *events: str, paid: bool = True, numbered: bool = True, status: int = 200) -> Night:
    """Fan 1 pays and hears nothing; these events are delivered, the last one first, and the order ends so."""
    night = Night().buys(2).delivers(2, number=9).loses_reply(1).order(1, state=state)
    if paid:
        night.charge(1)
    else:
        night.charge(1, amount=0, state="failed")
    for place, event in reversed(list(enumerate(events, start=1))):
        night.delivers(1, event, number=place if numbered else None, status=status)
    return night


def forged(*, order: bool = True, paid: bool = False, status: int = 200, names: str = "orders.order=o3") -> Night:
    """Somebody posts "paid" for an order of fan 1's, under a payment that never was."""
    night = told().loses_reply(3).order(3, state="valid" if order else "void")
    if paid:
        night.charge(3)
    return night.delivers(3, event="evt-forged", payment="pi-never", signature="bad", status=status, keys=[names])


def strangers(amount: int = PRICE) -> Night:
    """An order of nobody's we know, beside the usual two."""
    return told().order(9, linked=False, amount=amount)


def forged_for_strangers(amount: int = PRICE) -> Night:
    """Somebody posts "paid" for it."""
    return strangers(amount).delivers(
        9, event="evt-forged", payment="pi-never", signature="bad", keys=["orders.order=o9"]
    )


def failed_for_strangers() -> Night:
    """Its first payment failed."""
    return strangers().delivers(9, "payment_failed", number=9, payment="pi-first", keys=["orders.order=o9"])


def by_order(night: Night, at: int = -1) -> Night:
    """A charge says itself which order it is for."""
    order = night.charges[at].payment
    assert order is not None
    return bent(night, "charges", at, keys=[f"orders.order={order.removeprefix('pi-')}"])


def known_by_person() -> Night:
    """Events that name a fan and an unheard-of payment; the first was sent twice, the second fan paid nothing."""
    night = bent(again(Night().buys(1).buys(2)), "charges", captured_minor=0)
    night.delivers(1, number=1, times=2, payment="pi-x", keys=["run-i1"])
    return night.delivers(2, "payment_failed", number=2, payment="pi-y", keys=["run-i2"])


def silent() -> Night:
    """The provider's log is read, and it is empty."""
    night = Night().buys(1)
    night.left_out.discard("webhooks")
    return night


GUILTY = [
    Guilty(
        again(told(times=2)), intent="run-i1", says="evt-1-succeeded was delivered 2 times, and order o1 holds more"
    ),
    Guilty(another(told(times=2)), intent="run-i1", says="its one payment made 2 valid orders", severity="critical"),
    Guilty(ended("pending", "created", "succeeded"), intent="run-i1", says="was paid, and it is pending"),
    Guilty(ended("void", "payment_failed", "succeeded"), intent="run-i1", says="was paid, and it is void"),
    Guilty(
        ended("valid", "succeeded", "payment_failed", paid=False), intent="run-i1", says="was not paid, and it is valid"
    ),
    Guilty(
        ended("valid", "succeeded", "charge.refunded").refund("ch1"),
        intent="run-i1",
        says="was not paid, and it is valid",
    ),
    Guilty(forged(), intent="run-i3", says="valid without a charge after the shop took an event"),
    Guilty(again(told(times=2)).without("charges"), intent="run-i1"),
    # One order, one breach: the provider says that it was not paid, and somebody else that it was.
    Guilty(forged(status=200).delivers(3, "payment_failed", number=3), intent="run-i3", says="never signed"),
    # A charge that took nothing pays for nothing.
    Guilty(forged().charge(3, amount=0, state="failed"), intent="run-i3"),
    # Whom the forger names is enough.
    Guilty(forged(names="run-i3"), intent="run-i3"),
    # Whose order it is, and what it cost, need not be known; one cent is not nothing.
    Guilty(bent(forged_for_strangers(), "orders", amount_minor=None), says="order o9 is valid without a charge"),
    Guilty(forged_for_strangers(1), says="order o9 is valid without a charge"),
    Guilty(failed_for_strangers(), says="was not paid, and it is valid"),
    # A void order on the same payment is no other name of it.
    Guilty(
        ended("valid", "succeeded", "payment_failed", paid=False).order(1, order="o1b", state="void", payment="pi-o1"),
        intent="run-i1",
    ),
    # The order names no payment: the charge names both.
    Guilty(by_order(bent(again(told(times=2)), "orders", 0, payments=[]), 0), intent="run-i1"),
]
INNOCENT = [
    Innocent(told(), considered=2),
    Innocent(told(times=3), numbers={"repeated": 1, "overtaken": 0}),
    Innocent(told(), numbers={"repeated": 0, "overtaken": 0}),
    # What overtakes is numbered, and signed; what is about no payment overtakes nothing.
    Innocent(told().delivers(1, "created", number=0).delivers(2, "processing", number=3), numbers={"overtaken": 1}),
    Innocent(nobodys(nobodys(told().delivers(1, "x", number=9).delivers(1, "y", number=8))), numbers={"overtaken": 0}),
    Innocent(
        told().delivers(1, event="f", number=0, signature="bad", status=400, times=2),
        numbers={"repeated": 0, "overtaken": 0},
    ),
    Innocent(told(times=3).without("charges")),
    # Two sets of tickets, but its event came once: another's fault.
    Innocent(again(told())),
    # One payment for two orders that together cost what was paid.
    Innocent(bent(another(told(times=2), amount=PRICE // 2), "orders", 0, amount_minor=PRICE // 2)),
    Innocent(ended("valid", "created", "succeeded")),
    Innocent(ended("void", "succeeded", "payment_failed", paid=False)),
    # Paid too late, and given back.
    Innocent(ended("void", "payment_failed", "succeeded").refund("ch1")),
    # Half of it was given back, and the order stands.
    Innocent(ended("valid", "succeeded", "charge.refunded").refund("ch1", PRICE // 2)),
    # The shop never took it: that it does not know is no matter of webhooks.
    Innocent(ended("pending", "succeeded", status=503)),
    # The order lives on under another name.
    Innocent(ended("void", "succeeded").order(1, order="o1b", payment="pi-o1")),
    # A free ticket needs no payment.
    Innocent(bent(ended("valid", "payment_failed", paid=False), "orders", amount_minor=0)),
    # What somebody else says of the payment, and what says nothing of it, is not the provider's last word.
    Innocent(ended("void", "succeeded", "payment_failed").delivers(1, event="forged", number=8, signature="bad")),
    Innocent(ended("valid", "succeeded", paid=False).delivers(1, "created", number=8)),
    Innocent(told().delivers(1, "customer.created", payment="cus-1", event="evt-c", number=8)),
    # A free ticket needs no charge, whoever says that it was paid.
    Innocent(bent(forged(), "orders", amount_minor=0)),
    Innocent(forged(status=400)),
    Innocent(forged(order=False)),
    Innocent(forged(paid=True), considered=3),
    # What a forger says of nobody's order is no event that should have found one.
    Innocent(forged(names="nobody")),
    # A cent pays for it, whether the charge finds the fan or the order.
    Innocent(forged().charge(3, amount=1, order="other")),
    Innocent(by_order(forged_for_strangers(1).charge(9, amount=1))),
    # Its second payment was good.
    Innocent(bent(failed_for_strangers().charge(9), "charges", payment="pi-second", keys=["orders.order=o9"])),
]
DOUBTFUL = [
    Doubtful(Night().buys(1), "add `evidence: {webhooks: …}`", weighs=False),
    Doubtful(Night().buys(1), "add `evidence: {webhooks: …}`", {"require": (CHECKER,)}, weighs=True),
    Doubtful(
        told().delivers(1).without("webhooks"),
        "add `evidence: {webhooks: …}`",
        {"require": ("promises",)},
        weighs=False,
    ),
    Doubtful(again(told(times=2)), "constants ask for", NOT_SETTLED, pending=1),
    Doubtful(bent(another(told(times=2)), "orders", amount_minor=None, qty=None).without("tickets"), "map `amount`"),
    # Both in one second, and nothing says which came first.
    Doubtful(ended("void", "payment_failed", "succeeded", numbered=False), "map `number`"),
    Doubtful(another(told(times=2)).without("charges"), "map `amount`"),
    Doubtful(ended("void", "succeeded").without("charges"), "add `evidence: {charges: …}`"),
    Doubtful(ended("void", "succeeded").without("refunds"), "the books do not tell of refunds"),
    Doubtful(forged().without("charges"), "add `evidence: {charges: …}`"),
    Doubtful(forged().charge(9, linked=False), "link to no intent"),
    Doubtful(told().flaw("webhooks", error="HTTP 500"), "HTTP 500"),
    Doubtful(silent(), "delivered no event", weighs=False),
    Doubtful(silent().flaw("webhooks", error="HTTP 500"), "HTTP 500"),
    Doubtful(silent().flaw("webhooks", complete=False), "not read completely"),
    # The same person convicts nobody.
    Doubtful(known_by_person(), "webhooks find their intent"),
    Doubtful(told().without("orders", "tickets"), "gives no orders"),
    Doubtful(told().delivers(1, event="strange", payment="pi-strange", number=7), "webhooks find their intent"),
]
EQUIVALENT = {
    "_LAST: IS NOT NULL AND [payment IS NOT NULL → TRUE] GROUP BY payment ,": "what has no payment equals none",
}
