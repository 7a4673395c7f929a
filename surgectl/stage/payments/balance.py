"""What came into the shop's balance and what left it, read off the ledger when somebody asks.

docs.stripe.com/api/balance_transactions. A charge counts when it is captured, a refund when it is made (as Stripe
debits it, even while it is pending), and comes back where it fails. The fee is a percentage of the charge, rounded
down, and is not given back with a refund.
"""

from __future__ import annotations

from collections.abc import Sequence

from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.objects import BalanceTransaction
from surgectl.stage.payments.shelf import Shelf


def of_charge(charge: str) -> str:
    """The id of a captured charge's transaction."""
    return f"txn_3{charge[4:]}"


def of_refund(refund: str) -> str:
    return f"txn_1{refund[4:]}"


def of_failed_refund(refund: str) -> str:
    return f"txn_2{refund[4:]}"


class Balance:
    """Follows the ledger's entries: costs a payment nothing."""

    def __init__(self, mark: str, fee_percent: float) -> None:
        self._mark = mark
        self._fee_percent = fee_percent
        self._read = 0
        self._created_s = 0
        self._shelf: Shelf[BalanceTransaction] = Shelf("balance_transaction")

    def transactions(self, entries: Sequence[Entry]) -> Shelf[BalanceTransaction]:
        """All of them up to the last entry, oldest first."""
        while self._read < len(entries):
            entry = entries[self._read]
            self._read += 1
            self._created_s = max(self._created_s, int(entry.at.timestamp()))
            if entry.op == "charge.captured" and entry.charge is not None:
                fee = int(entry.captured_minor * self._fee_percent / 100)
                self._put(of_charge(entry.charge), entry, entry.captured_minor, fee, "charge", entry.charge)
            elif entry.op in ("refund.pending", "refund.succeeded") and entry.refund is not None:
                id_ = of_refund(entry.refund)
                if self._shelf.find(id_) is None:
                    self._put(id_, entry, -entry.amount_minor, 0, "refund", entry.refund)
            elif entry.op == "refund.failed" and entry.refund is not None:
                self._put(of_failed_refund(entry.refund), entry, entry.amount_minor, 0, "refund_failure", entry.refund)
        return self._shelf

    def _put(self, id_: str, entry: Entry, amount_minor: int, fee_minor: int, type_: str, source: str) -> None:
        self._shelf.put(
            BalanceTransaction(
                id=id_,
                amount=amount_minor,
                available_on=self._created_s,
                created=self._created_s,
                currency=entry.currency,
                description=entry.description,
                fee=fee_minor,
                net=amount_minor - fee_minor,
                reporting_category=type_,
                source=source,
                type=type_,
            )
        )
