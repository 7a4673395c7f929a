"""Money given back: at once, or promised first and decided later."""

from __future__ import annotations

import msgspec

from surgectl.stage.payments import balance
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.answers import executed
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.cards import RefundTurn, refund_turn
from surgectl.stage.payments.entries import charge_entry
from surgectl.stage.payments.ledger import Commit, Entry
from surgectl.stage.payments.objects import Charge, Refund
from surgectl.stage.payments.pending import Pending
from surgectl.stage.payments.stamp import Stamp

_encode = msgspec.json.Encoder().encode


def create_refund(book: Book, command: ask.CreateRefund, stamp: Stamp, turn: RefundTurn | None) -> Done:
    """`turn` is a bad day of the bank; None leaves it to the card."""
    charge = _charge_to_refund(book, command)
    left = charge.amount - charge.amount_refunded
    amount = left if command.amount_minor is None else command.amount_minor
    if book.options.defect == "over-refund":
        amount = charge.amount * 11 // 10 if command.amount_minor is None else command.amount_minor
    elif left == 0:
        raise executed(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    elif amount > left:
        raise executed(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount"
        )
    charge.amount_refunded += amount
    charge.refunded = charge.amount_refunded >= charge.amount
    id_ = f"re_3{book.mark}{len(book.refunds) + 1:08d}"
    turn = turn or refund_turn(book.judged_card(charge.payment_method))
    refund = Refund(
        id=id_,
        amount=amount,
        balance_transaction=balance.of_refund(id_),
        charge=charge.id,
        created=book.created_s(stamp),
        currency=charge.currency,
        metadata=command.metadata,
        payment_intent=charge.payment_intent,
        reason=command.reason,
        status=turn.begins if turn else "succeeded",
    )
    commit = Commit()
    if turn is not None:
        after_ns = book.options.settle_after_ns if turn.after_ns is None else turn.after_ns
        book.wait_for(refund.id, after_ns, turn.ends, stamp, commit)
    moved = 0 if refund.status == "pending" else amount
    return _written(book, refund, charge, _entry(stamp, f"refund.{refund.status}", refund, charge, moved), commit)


def settle_refund(book: Book, pending: Pending, stamp: Stamp) -> Done:
    """The bank has taken the money back to the fan, or could not."""
    refund = book.refunds.get(pending.id)
    charge = book.charges.get(refund.charge)
    was_done = refund.status == "succeeded"
    refund.status = pending.ends
    if pending.ends == "succeeded":
        entry = _entry(stamp, "refund.succeeded", refund, charge, refund.amount)
        entry.outcome = "paid-back"
        return _written(book, refund, charge, entry)
    refund.failure_reason = "unknown"
    refund.failure_balance_transaction = balance.of_failed_refund(refund.id)
    charge.amount_refunded -= refund.amount
    charge.refunded = charge.amount_refunded >= charge.amount
    moved = -refund.amount if was_done else 0
    return _written(book, refund, charge, _entry(stamp, "refund.failed", refund, charge, moved))


def _charge_to_refund(book: Book, command: ask.CreateRefund) -> Charge:
    if command.charge is not None:
        charge = book.charges.get(command.charge, param="charge")
    else:
        intent = book.intents.get(command.intent or "", param="payment_intent")
        if intent.status != "succeeded":
            raise executed(
                f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = book.latest_charge(intent)
    if charge.status != "succeeded" or not charge.captured:
        raise executed(f"Charge {charge.id} was not captured, so there is nothing to refund.", param="charge")
    return charge


def _entry(stamp: Stamp, op: str, refund: Refund, charge: Charge, refunded_minor: int) -> Entry:
    entry = charge_entry(stamp, op, "refunded" if op == "refund.succeeded" else refund.status, charge, 0)
    entry.refund, entry.amount_minor, entry.refunded_minor = refund.id, refund.amount, refunded_minor
    if refund.metadata:
        entry.metadata = {**entry.metadata, **refund.metadata}
    return entry


def _written(book: Book, refund: Refund, charge: Charge, entry: Entry, commit: Commit | None = None) -> Done:
    book.refunds.put(refund)
    raw, charge_raw = _encode(refund), _encode(charge)
    commit = commit or Commit()
    commit.entries, commit.charges, commit.refunds = [entry], [msgspec.Raw(charge_raw)], [msgspec.Raw(raw)]
    book.write(commit, {refund.id: raw, charge.id: charge_raw})
    return Done(commit, refund, shown_raw=raw)
