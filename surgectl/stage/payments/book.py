"""The provider's books: every object of one account, and the ledger of how they came to be.

The rooms that move money (intents, paying, refunds …) are functions over it. All of them are plain and synchronous:
between the first change and the last nothing else runs, so a payment is never half made.
"""

from __future__ import annotations

import msgspec

from surgectl import chance
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.balance import Balance
from surgectl.stage.payments.cards import Decline
from surgectl.stage.payments.events import Diary
from surgectl.stage.payments.ledger import Commit, Entry, ReadCommit
from surgectl.stage.payments.objects import Charge, Customer, Intent, Method, Refund, WebhookEndpoint
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.pending import Pending
from surgectl.stage.payments.shelf import Shelf
from surgectl.stage.payments.stamp import Stamp
from surgectl.stage.payments.webhooks.outbox import Outbox
from surgectl.units import NS_PER_S

_encode = msgspec.json.Encoder().encode
Shown = Intent | Charge | Refund | Customer | Method | WebhookEndpoint


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
    shown: Shown
    status: int = 200
    refused: bytes | None = None
    shown_raw: bytes | None = None


class Book:
    """`options` give the seed of ids and secrets, the defect, the fee and how long what is pending takes."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.outbox = Outbox()
        self.generation = 0
        self._wipe()

    def _wipe(self) -> None:
        self.mark = f"{chance.bits(self.options.seed, 'payments.ids', self.generation) & 0xFFFFFF:06x}"
        self._last_created_s = 0
        self.intents: Shelf[Intent] = Shelf("payment_intent")
        self.charges: Shelf[Charge] = Shelf("charge")
        self.refunds: Shelf[Refund] = Shelf("refund")
        self.customers: Shelf[Customer] = Shelf("customer")
        self.methods: Shelf[Method] = Shelf("payment_method")
        self.endpoints: Shelf[WebhookEndpoint] = Shelf("webhook_endpoint")
        self.endpoints_made = 0
        self.diary = Diary(self.mark)
        self.outbox.clear()
        self.pending: dict[str, Pending] = {}
        self._tries: dict[str, list[str]] = {}
        self.entries: list[Entry] = []
        self.balance = Balance(self.mark, self.options.fee_percent)
        self.totals = Totals()

    def reset(self) -> None:
        """Forget everything; ids never repeat."""
        self.generation += 1
        self._wipe()

    # -- finding --------------------------------------------------------------------------------------

    def target(self, command: ask.Command) -> str | None:
        """The intent that a command changes and that nobody else may change meanwhile; None for a new one."""
        match command:
            case (
                ask.ConfirmIntent(intent=intent)
                | ask.CaptureIntent(intent=intent)
                | ask.CancelIntent(intent=intent)
                | ask.UpdateIntent(intent=intent)
                | ask.Authenticate(intent=intent)
            ):
                return intent
            case ask.CreateRefund(charge=charge, intent=of):
                known = self.charges.find(charge) if charge else None
                return known.payment_intent if known else of
            case ask.Settle(pending=pending):
                refund = self.refunds.find(pending.id)
                return refund.payment_intent if refund else pending.id
        return None

    def charges_of(self, intent: str) -> list[Charge]:
        """Every try to pay an intent, oldest first."""
        return [self.charges.get(id_) for id_ in self._tries.get(intent, ())]

    def latest_charge(self, intent: Intent) -> Charge:
        assert isinstance(intent.latest_charge, str)
        return self.charges.get(intent.latest_charge)

    def judged_card(self, payment_method: str | None) -> str:
        """The test card that a payment method stands for."""
        method = self.methods.find(payment_method) if payment_method else None
        return method.judged_as if method is not None else payment_method or ""

    # -- keeping --------------------------------------------------------------------------------------

    def keep_charge(self, charge: Charge) -> None:
        if charge.payment_intent is not None and self.charges.find(charge.id) is None:
            self._tries.setdefault(charge.payment_intent, []).append(charge.id)
        self.charges.put(charge)

    def keep_endpoint(self, endpoint: WebhookEndpoint) -> None:
        known = self.endpoints.find(endpoint.id)
        if known is None:
            self.endpoints_made += 1
            self.endpoints.put(endpoint)
            return
        for field in WebhookEndpoint.__struct_fields__:  # letters on their way hold the object itself
            setattr(known, field, getattr(endpoint, field))

    def close_endpoint(self, endpoint: str) -> None:
        """Nothing is posted there any more, not even what is still due."""
        self.endpoints.remove(endpoint)
        self.outbox.forget_endpoint(endpoint)

    def wait_for(
        self,
        id_: str,
        after_ns: int | None,
        ends: str,
        stamp: Stamp,
        commit: Commit,
        decline: Decline | None = None,
        settles: bool = False,
    ) -> None:
        """Note in `commit` that `id_` is decided `after_ns` from now, or (None) when somebody comes."""
        pending = Pending(
            id=id_,
            due_ns=None if after_ns is None else int(stamp.at.timestamp() * NS_PER_S) + after_ns,
            ends=ends,
            decline=decline,
            settles=settles,
            request=stamp.request,
            key=stamp.key,
            params=stamp.params,
        )
        commit.pending = [pending]

    # -- writing down ---------------------------------------------------------------------------------

    def created_s(self, stamp: Stamp) -> int:
        # Never backwards, even when the machine's wall clock steps: lists page by this order.
        self._last_created_s = max(self._last_created_s, int(stamp.at.timestamp()))
        return self._last_created_s

    def write(self, commit: Commit, raws: dict[str, bytes]) -> None:
        """Note what was done; `raws` holds the changed objects, encoded, by id."""
        for entry in commit.entries:
            self._note(entry)
            self._last_created_s = max(self._last_created_s, int(entry.at.timestamp()))
        for pending in commit.pending:
            self.pending[pending.id] = pending
        events = self.diary.write(commit.entries, self._last_created_s, raws)
        if self.endpoints_made:
            self.outbox.post(events, self.endpoints)

    def changed_intent(
        self, intent: Intent, entries: list[Entry], charge: Charge | None = None, commit: Commit | None = None
    ) -> Done:
        """An intent, and perhaps its charge, as they are now; `commit` may already hold what is pending."""
        raw = _encode(intent)
        commit = commit or Commit()
        commit.entries, commit.intents = entries, [msgspec.Raw(raw)]
        raws = {intent.id: raw}
        if charge is not None:
            raws[charge.id] = charge_raw = _encode(charge)
            commit.charges = [msgspec.Raw(charge_raw)]
        self.write(commit, raws)
        return Done(commit, intent, shown_raw=raw)

    def replay(self, line: ReadCommit) -> None:
        """Make the changes of one line of the ledger file again."""
        if line.reset:
            self.reset()
        for intent in line.intents:
            self.intents.put(intent)
        for charge in line.charges:
            self.keep_charge(charge)
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
        changed: list[Intent | Charge | Refund | Customer | Method]
        changed = [*line.intents, *line.charges, *line.refunds, *line.customers, *line.methods]
        raws = {thing.id: _encode(thing) for thing in changed}
        self.write(Commit(entries=line.entries, pending=line.pending), raws)
        for mail in line.mail:
            self.outbox.recall(mail)
        for seq in line.delivered:
            self.entries[seq - 1].reply_delivered = True
        for seq in line.undelivered:
            self.entries[seq - 1].reply_delivered = False

    def still_pending(self, pending: Pending) -> bool:
        """Whether this is still to be decided: a later step may have overtaken it."""
        if self.pending.get(pending.id) is not pending:
            return False
        refund = self.refunds.find(pending.id)
        if refund is not None:
            return refund.status == "pending" or (refund.status == "succeeded" and pending.ends == "failed")
        intent = self.intents.find(pending.id)
        return intent is not None and intent.status in ("requires_action", "processing")

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
        elif entry.op == "refund.failed" and entry.refunded_minor < 0:
            totals.refunds -= 1
