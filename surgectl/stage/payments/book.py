"""The provider's books: carries out one command at a time and says what it moved.

Plain and synchronous: between the first change and the last nothing else runs, so a payment is never half made.
"""

from __future__ import annotations

import msgspec

from surgectl import chance
from surgectl.stage.payments import cards
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.cards import Decline
from surgectl.stage.payments.entries import Stamp, charge_entry, intent_entry, plain_entry
from surgectl.stage.payments.events import Diary
from surgectl.stage.payments.ledger import Commit, Entry, ReadCommit
from surgectl.stage.payments.objects import (
    CardDetails,
    Charge,
    Customer,
    Intent,
    LastError,
    Method,
    MethodDetails,
    Refund,
    WebhookEndpoint,
)
from surgectl.stage.payments.refusal import ErrorBody, Refusal, bad_request, error_body
from surgectl.stage.payments.shelf import Shelf
from surgectl.stage.payments.webhooks.outbox import Outbox

_encode = msgspec.json.Encoder().encode
_VISA = CardDetails(brand="visa", last4="4242")
_VISA_DETAILS = MethodDetails(card=_VISA)


class Totals(msgspec.Struct):
    """Running sums over the ledger."""

    charges: int = 0
    declined: int = 0
    refunds: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0


class Done(msgspec.Struct):
    """What a command came to. `shown` is the object to reply with; for a decline, `refused` is the reply's body."""

    commit: Commit
    shown: Intent | Charge | Refund | Customer | Method | WebhookEndpoint
    status: int = 200
    refused: bytes | None = None
    shown_raw: bytes | None = None


class Book:
    """Every object of one account, and the ledger of how they came to be."""

    def __init__(self, seed: int, defect: str | None = None) -> None:
        self.seed = seed
        self.outbox = Outbox()
        self._defect = defect
        self.generation = 0
        self._wipe()

    def _wipe(self) -> None:
        self.mark = f"{chance.bits(self.seed, 'payments.ids', self.generation) & 0xFFFFFF:06x}"
        self._last_created_s = 0
        self.intents: Shelf[Intent] = Shelf("payment_intent")
        self.charges: Shelf[Charge] = Shelf("charge")
        self.refunds: Shelf[Refund] = Shelf("refund")
        self.customers: Shelf[Customer] = Shelf("customer")
        self.methods: Shelf[Method] = Shelf("payment_method")
        self.endpoints: Shelf[WebhookEndpoint] = Shelf("webhook_endpoint")
        self.endpoints_made = 0
        self.outbox.clear()
        self.diary = Diary(self.mark)
        self._tries: dict[str, list[str]] = {}
        self.entries: list[Entry] = []
        self.totals = Totals()

    # -- reading back ---------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget everything; ids never repeat."""
        self.generation += 1
        self._wipe()

    def replay(self, line: ReadCommit) -> None:
        """Make the changes of one line of the ledger file again."""
        if line.reset:
            self.reset()
        for intent in line.intents:
            self.intents.put(intent)
        for charge in line.charges:
            self._shelve(charge)
        for refund in line.refunds:
            self.refunds.put(refund)
        for customer in line.customers:
            self.customers.put(customer)
        for method in line.methods:
            self.methods.put(method)
        for endpoint in line.endpoints:
            self.keep_endpoint(endpoint)
        for gone in line.endpoints_gone:
            self.close_endpoint(gone)
        for entry in line.entries:
            self._note(entry)
            self._last_created_s = max(self._last_created_s, int(entry.at.timestamp()))
        events = self.diary.write(
            line.entries,
            self._last_created_s,
            {
                **{intent.id: _encode(intent) for intent in line.intents},
                **{charge.id: _encode(charge) for charge in line.charges},
                **{refund.id: _encode(refund) for refund in line.refunds},
            },
        )
        self.outbox.post(events, self.endpoints)
        for mail in line.mail:
            self.outbox.recall(mail)
        for seq in line.delivered:
            self.entries[seq - 1].reply_delivered = True
        for seq in line.undelivered:
            self.entries[seq - 1].reply_delivered = False

    # -- carrying out ---------------------------------------------------------------------------------

    def execute(self, command: ask.Command, stamp: Stamp, decline: Decline | None = None) -> Done:
        """Carry out a command. Refusal where its object does not allow it; `decline` is the issuer having a bad day."""
        if isinstance(command, ask.CreateIntent):
            return self._create_intent(command, stamp, decline)
        if isinstance(command, ask.ConfirmIntent):
            return self._confirm_intent(command, stamp, decline)
        if isinstance(command, ask.CreateRefund):
            return self._create_refund(command, stamp)
        if isinstance(command, ask.CaptureIntent):
            return self._capture_intent(command, stamp)
        if isinstance(command, ask.CancelIntent):
            return self._cancel_intent(command, stamp)
        if isinstance(command, ask.UpdateIntent):
            return self._update_intent(command, stamp)
        if isinstance(command, ask.CreateCustomer):
            return self._create_customer(command, stamp)
        if isinstance(command, ask.CreateMethod):
            return self._create_method(command, stamp)
        assert isinstance(command, ask.AttachMethod)
        return self._attach_method(command, stamp)

    def keep_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Put a new or changed endpoint on its shelf."""
        known = self.endpoints.find(endpoint.id)
        if known is None:
            self.endpoints_made += 1
            self.endpoints.put(endpoint)
            return
        for field in WebhookEndpoint.__struct_fields__:  # letters on their way hold the object itself
            setattr(known, field, getattr(endpoint, field))

    def close_endpoint(self, endpoint: str) -> None:
        self.endpoints.remove(endpoint)
        self.outbox.forget_endpoint(endpoint)

    def target(self, command: ask.Command) -> str | None:
        """The intent that a command changes and that nobody else may change meanwhile; None for a new one."""
        if isinstance(command, ask.ConfirmIntent | ask.CaptureIntent | ask.CancelIntent | ask.UpdateIntent):
            return command.intent
        if isinstance(command, ask.CreateRefund):
            charge = self.charges.find(command.charge) if command.charge else None
            return charge.payment_intent if charge else command.intent
        return None

    def charges_of(self, intent: str) -> list[Charge]:
        """Every try to pay an intent, oldest first."""
        return [self.charges.get(id_) for id_ in self._tries.get(intent, ())]

    def _shelve(self, charge: Charge) -> None:
        if charge.payment_intent is not None and self.charges.find(charge.id) is None:
            self._tries.setdefault(charge.payment_intent, []).append(charge.id)
        self.charges.put(charge)

    def _create_intent(self, command: ask.CreateIntent, stamp: Stamp, decline: Decline | None) -> Done:
        if command.customer is not None:
            self.customers.get(command.customer, param="customer", status=400)
        id_ = f"pi_3{self.mark}{len(self.intents) + 1:08d}"
        has_method = command.payment_method is not None or command.card_number is not None
        intent = Intent(
            id=id_,
            amount=command.amount_minor,
            capture_method=command.capture_method,
            client_secret=f"{id_}_secret_{chance.bits(self.seed, 'payments.secret', len(self.intents)):016x}",
            created=self.created_s(stamp),
            currency=command.currency,
            customer=command.customer,
            description=command.description,
            metadata=command.metadata,
            payment_method=command.payment_method,
            payment_method_types=command.method_types,
            receipt_email=command.receipt_email,
            status="requires_confirmation" if has_method else "requires_payment_method",
        )
        if command.confirm and not has_method:
            raise bad_request(
                "You cannot confirm this PaymentIntent because it's missing a payment method.", param="payment_method"
            )
        self.intents.put(intent)
        entry = intent_entry(stamp, "intent.created", intent.status, intent)
        if command.confirm:
            return self._pay(intent, command.card_number, stamp, decline, [entry])
        return self._changed_intent(intent, [entry])

    def _update_intent(self, command: ask.UpdateIntent, stamp: Stamp) -> Done:
        intent = self.intents.get(command.intent)
        if intent.status not in ("requires_payment_method", "requires_confirmation") and (
            command.amount_minor is not None or command.payment_method is not None
        ):
            raise _unexpected_state(intent, "updated")
        if command.amount_minor is not None:
            intent.amount = command.amount_minor
        if command.payment_method is not None:
            intent.payment_method = command.payment_method
            intent.status = "requires_confirmation"
        if command.description is not None:
            intent.description = command.description
        if command.receipt_email is not None:
            intent.receipt_email = command.receipt_email
        if command.metadata:
            merged = {**intent.metadata, **command.metadata}
            intent.metadata = {name: value for name, value in merged.items() if value}  # an empty value unsets
        return self._changed_intent(intent, [intent_entry(stamp, "intent.updated", intent.status, intent)])

    def _confirm_intent(self, command: ask.ConfirmIntent, stamp: Stamp, decline: Decline | None) -> Done:
        intent = self.intents.get(command.intent)
        if intent.status not in ("requires_payment_method", "requires_confirmation"):
            raise _unexpected_state(intent, "confirmed")
        if command.payment_method is None and command.card_number is None and intent.payment_method is None:
            raise _unexpected_state(intent, "confirmed, because it's missing a payment method,")
        if command.payment_method is not None:
            intent.payment_method = command.payment_method
        if command.receipt_email is not None:
            intent.receipt_email = command.receipt_email
        if command.capture_method is not None:
            intent.capture_method = command.capture_method
        return self._pay(intent, command.card_number, stamp, decline, [])

    def _pay(
        self, intent: Intent, number: str | None, stamp: Stamp, decline: Decline | None, entries: list[Entry]
    ) -> Done:
        method = self.methods.find(intent.payment_method) if intent.payment_method else None
        if decline is None:
            if number is not None:
                decline = cards.judge_number(number) or cards.judge_name(number)
            elif method is not None:
                decline = cards.judge_number(method.judged_as) or cards.judge_name(method.judged_as)
            elif intent.payment_method is not None:
                decline = cards.judge_name(intent.payment_method)
        manual = intent.capture_method == "manual"
        captured = decline is None and not manual
        charge = Charge(
            id=f"ch_3{self.mark}{len(self.charges) + 1:08d}",
            amount=intent.amount,
            amount_captured=intent.amount if captured else 0,
            captured=captured,
            created=self.created_s(stamp),
            currency=intent.currency,
            customer=intent.customer,
            description=intent.description,
            failure_code=decline.code if decline else None,
            failure_message=decline.message if decline else None,
            metadata={} if self._defect == "bare-charges" else intent.metadata,
            paid=decline is None,
            payment_intent=intent.id,
            payment_method=intent.payment_method,
            payment_method_details=MethodDetails(card=method.card) if method else _VISA_DETAILS,
            receipt_email=intent.receipt_email,
            status="failed" if decline else "succeeded",
        )
        self._shelve(charge)
        intent.latest_charge = charge.id
        if decline is not None:
            intent.last_payment_error = LastError(
                decline.code, decline.decline_code, decline.message, charge.id, intent.payment_method
            )
            intent.payment_method = None
            intent.status = "requires_payment_method"
            entries.append(charge_entry(stamp, "charge.failed", decline.decline_code or decline.code, charge, 0))
            done = self._changed_intent(intent, entries, charge)
            done.status, done.refused = 402, _declined(decline, charge.id, done.shown_raw)
            return done
        intent.last_payment_error = None
        if manual:
            intent.status, intent.amount_capturable = "requires_capture", intent.amount
            entries.append(charge_entry(stamp, "charge.authorised", "authorised", charge, 0))
        else:
            intent.status, intent.amount_received = "succeeded", intent.amount
            entries.append(charge_entry(stamp, "charge.captured", "captured", charge, charge.amount))
        return self._changed_intent(intent, entries, charge)

    def _capture_intent(self, command: ask.CaptureIntent, stamp: Stamp) -> Done:
        intent = self.intents.get(command.intent)
        if intent.status != "requires_capture":
            raise _unexpected_state(intent, "captured")
        amount = intent.amount_capturable if command.amount_minor is None else command.amount_minor
        if amount > intent.amount_capturable:
            raise _executed(
                f"The amount to capture ({amount}) is greater than the capturable one ({intent.amount_capturable}).",
                code="amount_too_large",
                param="amount_to_capture",
            )
        charge = self._latest_charge(intent)
        charge.captured, charge.amount_captured = True, amount
        # Capturing less than was reserved gives the rest back at once, as Stripe's charge object shows it.
        charge.amount_refunded = charge.amount - amount
        intent.status, intent.amount_capturable, intent.amount_received = "succeeded", 0, amount
        entry = charge_entry(stamp, "charge.captured", "captured", charge, amount)
        return self._changed_intent(intent, [entry], charge)

    def _cancel_intent(self, command: ask.CancelIntent, stamp: Stamp) -> Done:
        intent = self.intents.get(command.intent)
        if intent.status not in ("requires_payment_method", "requires_confirmation", "requires_capture"):
            raise _unexpected_state(intent, "canceled")
        entries = []
        charge = None
        if intent.status == "requires_capture":
            charge = self._latest_charge(intent)
            charge.refunded, charge.amount_refunded = True, charge.amount
            entries.append(charge_entry(stamp, "charge.voided", "voided", charge, 0))
        intent.status, intent.amount_capturable = "canceled", 0
        intent.canceled_at, intent.cancellation_reason = self.created_s(stamp), command.reason
        entries.append(intent_entry(stamp, "intent.canceled", "canceled", intent))
        return self._changed_intent(intent, entries, charge)

    def _create_refund(self, command: ask.CreateRefund, stamp: Stamp) -> Done:
        if command.charge is not None:
            charge = self.charges.get(command.charge, param="charge")
        else:
            intent = self.intents.get(command.intent or "", param="payment_intent")
            if intent.status != "succeeded":
                raise _executed(
                    f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
                    param="payment_intent",
                )
            charge = self._latest_charge(intent)
        if charge.status != "succeeded" or not charge.captured:
            raise _executed(f"Charge {charge.id} was not captured, so there is nothing to refund.", param="charge")
        left = charge.amount - charge.amount_refunded
        amount = left if command.amount_minor is None else command.amount_minor
        if self._defect == "over-refund":
            amount = charge.amount if command.amount_minor is None else command.amount_minor
        elif left == 0:
            raise _executed(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
        elif amount > left:
            raise _executed(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount"
            )
        charge.amount_refunded += amount
        charge.refunded = charge.amount_refunded >= charge.amount
        refund = Refund(
            id=f"re_3{self.mark}{len(self.refunds) + 1:08d}",
            amount=amount,
            charge=charge.id,
            created=self.created_s(stamp),
            currency=charge.currency,
            metadata=command.metadata,
            payment_intent=charge.payment_intent,
            reason=command.reason,
        )
        self.refunds.put(refund)
        entry = charge_entry(stamp, "refund.succeeded", "refunded", charge, 0)
        entry.refund, entry.amount_minor, entry.refunded_minor = refund.id, amount, amount
        if command.metadata:
            entry.metadata = {**entry.metadata, **command.metadata}
        raw, charge_raw = _encode(refund), _encode(charge)
        commit = Commit(entries=[entry], charges=[msgspec.Raw(charge_raw)], refunds=[msgspec.Raw(raw)])
        self.write(commit, {refund.id: raw, charge.id: charge_raw})
        return Done(commit, refund, shown_raw=raw)

    def _create_customer(self, command: ask.CreateCustomer, stamp: Stamp) -> Done:
        customer = Customer(
            id=f"cus_{self.mark}{len(self.customers) + 1:08d}",
            created=self.created_s(stamp),
            description=command.description,
            email=command.email,
            metadata=command.metadata,
            name=command.name,
        )
        self.customers.put(customer)
        raw = _encode(customer)
        entry = plain_entry(stamp, "customer.created", "created", customer.metadata, receipt_email=customer.email)
        commit = Commit(entries=[entry], customers=[msgspec.Raw(raw)])
        self.write(commit, {})
        return Done(commit, customer, shown_raw=raw)

    def _create_method(self, command: ask.CreateMethod, stamp: Stamp) -> Done:
        judged_as = command.number or command.token or ""
        last4 = judged_as[-4:] if judged_as[-4:].isdigit() else "4242"
        method = Method(
            id=f"pm_1{self.mark}{len(self.methods) + 1:08d}",
            card=CardDetails(brand="visa", last4=last4),
            created=self.created_s(stamp),
            metadata=command.metadata,
            # A pretend card's number is kept only as far as it decides; anything else is somebody's secret.
            judged_as=judged_as if cards.judge_number(judged_as) or not command.number else "4242424242424242",
        )
        return self._changed_method(method, stamp, "payment_method.created")

    def _attach_method(self, command: ask.AttachMethod, stamp: Stamp) -> Done:
        method = self.methods.get(command.method, param="payment_method")
        method.customer = self.customers.get(command.customer, param="customer", status=400).id
        return self._changed_method(method, stamp, "payment_method.attached")

    # -- writing down ---------------------------------------------------------------------------------

    def created_s(self, stamp: Stamp) -> int:
        # Never backwards, even when the machine's wall clock steps: lists page by this order.
        self._last_created_s = max(self._last_created_s, int(stamp.at.timestamp()))
        return self._last_created_s

    def _latest_charge(self, intent: Intent) -> Charge:
        assert isinstance(intent.latest_charge, str)
        return self.charges.get(intent.latest_charge)

    def _changed_intent(self, intent: Intent, entries: list[Entry], charge: Charge | None = None) -> Done:
        raw = _encode(intent)
        commit = Commit(entries=entries, intents=[msgspec.Raw(raw)])
        raws = {intent.id: raw}
        if charge is not None:
            raws[charge.id] = charge_raw = _encode(charge)
            commit.charges = [msgspec.Raw(charge_raw)]
        self.write(commit, raws)
        return Done(commit, intent, shown_raw=raw)

    def _changed_method(self, method: Method, stamp: Stamp, op: str) -> Done:
        self.methods.put(method)
        raw = _encode(method)
        entry = plain_entry(stamp, op, "created", method.metadata, payment_method=method.id)
        commit = Commit(entries=[entry], methods=[msgspec.Raw(raw)])
        self.write(commit, {})
        return Done(commit, method, shown_raw=raw)

    def write(self, commit: Commit, raws: dict[str, bytes]) -> None:
        for entry in commit.entries:
            self._note(entry)
        events = self.diary.write(commit.entries, self._last_created_s, raws)
        if self.endpoints_made:
            self.outbox.post(events, self.endpoints)

    def _note(self, entry: Entry) -> None:
        entry.seq = len(self.entries) + 1
        self.entries.append(entry)
        totals = self.totals
        totals.captured_minor += entry.captured_minor
        totals.refunded_minor += entry.refunded_minor
        if entry.op == "charge.captured":
            totals.charges += 1
        elif entry.op == "charge.failed":
            totals.declined += 1
        elif entry.op == "refund.succeeded":
            totals.refunds += 1


def _executed(message: str, *, code: str | None = None, param: str | None = None) -> Refusal:
    """400 after the endpoint began: this one is stored under the key."""
    return Refusal(400, "invalid_request_error", message, code=code, param=param, executed=True)


def _unexpected_state(intent: Intent, verb: str) -> Refusal:
    return Refusal(
        400,
        "invalid_request_error",
        f"This PaymentIntent's status is {intent.status}, so it could not be {verb.strip()}.",
        code="payment_intent_unexpected_state",
        payment_intent=_encode(intent),
        executed=True,
    )


def _declined(decline: Decline, charge: str, intent_raw: bytes | None) -> bytes:
    return error_body(
        ErrorBody(
            type="card_error",
            code=decline.code,
            decline_code=decline.decline_code,
            message=decline.message,
            charge=charge,
            payment_intent=msgspec.Raw(intent_raw) if intent_raw is not None else None,
        )
    )
