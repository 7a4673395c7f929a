"""A small on-sale as rows: fans who buy, are refused, lose replies; and the books as a correct shop leaves them.

A history starts from what is right; a test then bends one thing.
"""

from __future__ import annotations

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.recording.evidence_rows import (
    ChargeRow,
    HoldRow,
    OrderRow,
    RefundRow,
    RequestRow,
    SourceRow,
    StockRow,
    TicketRow,
    WebhookRow,
)
from surgectl.recording.manifest import FaultNote, PhaseNote
from surgectl.recording.relations import Relations
from surgectl.recording.rows import (
    ChaosRow,
    DoneRow,
    DroppedRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    OpRow,
    Outcome,
    ProbeRow,
    ToldRow,
    VitalsRow,
)

S = 10**9
EPOCH = 1_900_000_000.0
PRICE = 8900


class Night:
    """Rows in the making. Every method returns the night, so that a history reads as a sentence."""

    def __init__(self, capacity: int = 10) -> None:
        self.capacity = capacity
        self.ops: list[OpRow] = []
        self.chaos: list[ChaosRow] = []
        self.more_vitals: list[list[VitalsRow]] = []
        """Of further workers."""
        self.vitals: list[VitalsRow] = [VitalsRow(at_ns=S, lag_ns=1_000_000, cpu=0.2)]
        self.orders: list[OrderRow] = []
        self.tickets: list[TicketRow] = []
        self.holds: list[HoldRow] = []
        self.charges: list[ChargeRow] = []
        self.refunds: list[RefundRow] = []
        self.requests: list[RequestRow] = []
        self.webhooks: list[WebhookRow] = []
        self.stock: list[StockRow] | None = None
        self.left_out: set[str] = {"requests", "webhooks"}
        self.flawed: dict[str, dict[str, object]] = {}
        self.clock = 0
        self.tries: dict[str, int] = {}

    # -- what fans did

    def fan(self, fan: int, qty: int = 1) -> str:
        intent = f"run-i{fan}"
        mint = {"email": f"fan-{fan}@example.org", "key": f"key-{fan:06d}"}
        at_ns = self.tick()
        self.ops.append(
            IntentRow(
                intent=intent,
                fan=fan,
                profile="patient",
                phase="on-sale",
                qty=qty,
                price_minor=PRICE,
                currency="EUR",
                due_ns=at_ns,
                at_ns=at_ns,
                mint=mint,
            )
        )
        return intent

    def qty(self, fan: int) -> int:
        """How many tickets this fan wanted."""
        return next(row.qty for row in self.ops if isinstance(row, IntentRow) and row.fan == fan)

    def tick(self, ns: int = S // 10) -> int:
        self.clock += ns
        return self.clock

    def now_s(self) -> float:
        """This instant on the clocks of shop and provider, which agree with ours."""
        return EPOCH + self.clock / S

    def send(
        self,
        fan: int,
        role: str,
        outcome: Outcome | None,
        why: str,
        *,
        op: int = 2,
        then: str = "end",
        key: str | None = None,
        tab: int = 0,
        double: bool = False,
        claims: dict[str, object] | None = None,
        body: str | None = None,
        status: int | None = None,
    ) -> Night:
        """One attempt; outcome None = no end was recorded. `body` stands for the digest of what was sent."""
        intent = f"run-i{fan}"
        number = self.tries[intent] = self.tries.get(intent, 0) + 1
        attempt = f"{intent}.{number}"
        at_ns = self.tick()
        if key is None and role == "pay":
            key = f"key-{fan:06d}"
        self.ops.append(
            InvokeRow(
                attempt=attempt,
                intent=intent,
                step=role,
                role=role,
                op=op,
                due_ns=at_ns,
                at_ns=at_ns,
                tab=tab,
                method="POST",
                key=key,
                double=double,
                try_=number,
                body=body,
            )
        )
        if outcome is not None:
            sent_ns = None if why == "not-sent" else at_ns
            done = DoneRow(
                attempt=attempt,
                outcome=outcome,
                why=why,
                sent_ns=sent_ns,
                done_ns=self.tick(),
                then=then,
                status=status,
                claims=claims or {},
            )
            self.ops.append(done)
        return self

    def told(
        self,
        fan: int,
        role: str,
        outcome: Outcome,
        end: str,
        *,
        op: int = 2,
        status_read: bool = False,
        tab: int = 0,
        claims: dict[str, object] | None = None,
    ) -> Night:
        self.ops.append(
            ToldRow(
                intent=f"run-i{fan}",
                op=op,
                step=role,
                role=role,
                outcome=outcome,
                end=end,
                at_ns=self.tick(),
                tab=tab,
                claims=claims or {},
                status_read=status_read,
            )
        )
        return self

    def left(self, fan: int, end: str, outcome: Outcome) -> Night:
        self.ops.append(LeftRow(intent=f"run-i{fan}", end=end, outcome=outcome, at_ns=self.tick()))
        return self

    def fan_stuck(self, fan: int) -> Night:
        """Comes, and cannot go on: the target is wrong."""
        self.fan(fan)
        return self.left(fan, "target-error", "fail")

    def fan_misread(self, fan: int, status: int = 400) -> Night:
        """Comes, and is answered in words that the target has no rule for."""
        self.fan(fan)
        self.send(fan, "hold", "info", "unmatched", op=1, then="unknown", status=status)
        return self.told(fan, "hold", "info", "unknown", op=1).left(fan, "unknown", "info")

    def hold(self, fan: int, qty: int = 1, state: str = "used") -> Night:
        self.send(fan, "hold", "ok", "next", op=1, then="next")
        self.told(fan, "hold", "ok", "next", op=1, claims={"amount_minor": qty * PRICE, "currency": "EUR", "qty": qty})
        ended_s = self.now_s() if state in ("released", "expired") else None
        row = HoldRow(hold=f"h{fan}", state=state, qty=qty, keys=[f"run-i{fan}"], ended_s=ended_s)  # type: ignore[arg-type]
        self.holds.append(row)
        return self

    def gives_back(self, fan: int, state: str = "expired") -> Night:
        """The fan's hold ends now, and its tickets go back."""
        self.tick()
        self.holds = [
            msgspec.structs.replace(row, state=state, ended_s=self.now_s()) if row.hold == f"h{fan}" else row  # type: ignore[arg-type]
            for row in self.holds
        ]
        return self

    def buys(self, fan: int, qty: int = 1, seat: str | None = None) -> Night:
        """Holds, pays, is confirmed; the books agree."""
        self.fan(fan, qty)
        self.hold(fan, qty)
        claims: dict[str, object] = {"order": f"o{fan}", "qty": qty, "amount_minor": qty * PRICE, "currency": "EUR"}
        self.send(fan, "pay", "ok", "confirmed", claims=claims)
        self.told(fan, "pay", "ok", "confirmed", claims=claims)
        self.left(fan, "confirmed", "ok")
        self.order(fan, qty, seat=seat)
        return self.charge(fan, qty)

    def loses_reply(self, fan: int, qty: int = 1) -> Night:
        """Holds, pays, never hears: the books decide."""
        self.fan(fan, qty)
        self.hold(fan, qty)
        self.send(fan, "pay", "info", "timeout", then="unknown")
        self.told(fan, "pay", "info", "unknown")
        return self.left(fan, "unknown", "info")

    def refused(self, fan: int, end: str = "sold-out", qty: int = 1) -> Night:
        """Is told no at the hold."""
        self.fan(fan, qty)
        self.send(fan, "hold", "fail", end, op=1)
        self.told(fan, "hold", "fail", end, op=1)
        return self.left(fan, end, "fail")

    def abandons(self, fan: int) -> Night:
        """Holds, and lets the hold run out."""
        self.fan(fan)
        self.hold(fan, state="expired")
        return self.left(fan, "quit", "fail")

    # -- what the books say

    def stands(self, *, available: int, held: int, sold: int, at_s: float | None = None) -> Night:
        """What the shop's own counters say."""
        row = StockRow(capacity=self.capacity, available=available, held=held, sold=sold, at_s=at_s)
        self.stock = [*(self.stock or []), row]
        return self

    def left_over(self) -> Night:
        """Nobody else bought anything: whatever these fans did not get is still there."""
        return self.stands(available=self.capacity - self._sold(), held=0, sold=self._sold())

    def _sold(self) -> int:
        return sum(ticket.state == "valid" for ticket in self.tickets)

    def still_holds(self, hold: str, expires_s: float) -> Night:
        self.holds.append(HoldRow(hold=hold, state="active", qty=1, expires_s=expires_s))
        return self

    def order(
        self,
        fan: int,
        qty: int = 1,
        state: str = "valid",
        *,
        order: str | None = None,
        seat: str | None = None,
        key: str | None = None,
        linked: bool = True,
        amount: int | None = None,
        payment: str | None = None,
    ) -> Night:
        order = order or f"o{fan}"
        self.orders.append(
            OrderRow(
                order=order,
                state=state,  # type: ignore[arg-type]
                qty=qty,
                amount_minor=qty * PRICE if amount is None else amount,
                currency="EUR",
                identity=f"fan-{fan}@example.org",
                key=key,
                keys=[f"fan-{fan}@example.org"] if linked else [],
                payments=[payment or f"pi-{order}"] if linked else [],
                at_s=self.now_s(),
                ended_s=self.now_s() if state == "void" else None,
            )
        )
        for number in range(qty if state == "valid" else 0):
            self.tickets.append(
                TicketRow(
                    ticket=f"{order}-t{number}",
                    order=order,
                    state="valid",
                    seat=f"{seat}-{number}" if seat and qty > 1 else seat,
                    at_s=EPOCH + self.clock / S,
                )
            )
        return self

    def charge(
        self,
        fan: int,
        qty: int = 1,
        *,
        charge: str | None = None,
        amount: int | None = None,
        linked: bool = True,
        key: str | None = None,
        currency: str = "eur",
        state: str = "succeeded",
        order: str | None = None,
        authorised: int | None = None,
    ) -> Night:
        self.charges.append(
            ChargeRow(
                charge=charge or f"ch{fan}",
                captured_minor=qty * PRICE if amount is None else amount,
                currency=currency,
                authorised_minor=authorised,
                state=state,  # type: ignore[arg-type]
                key=key or f"shop-key-{charge or fan}",
                keys=[f"run-i{fan}"] if linked else [],
                payment=(f"pi-{order or f'o{fan}'}") if linked else None,
                at_s=EPOCH + self.clock / S,
            )
        )
        return self

    def refund(self, charge: str, amount: int = PRICE, state: str = "succeeded") -> Night:
        row = RefundRow(refund=f"re-{charge}-{len(self.refunds)}", charge=charge, amount_minor=amount, state=state)  # type: ignore[arg-type]
        self.refunds.append(row)
        return self

    def request(self, key: str, body: str | None = None, *, status: int = 200, payment: str | None = None) -> Night:
        """The provider's log has it: one POST with a key; from now on there is such a log."""
        self.left_out.discard("requests")
        self.requests.append(RequestRow(payment=payment, key=key, status=status, body=body, at_s=self.now_s()))
        return self

    def delivers(
        self,
        fan: int,
        what: str = "succeeded",
        *,
        number: int | None = None,
        times: int = 1,
        status: int | None = 200,
        signature: str = "good",
        payment: str | None = None,
        event: str | None = None,
        keys: list[str] | None = None,
    ) -> Night:
        """The provider tells the shop of this fan's payment, `times` times; from now on its log is read."""
        self.left_out.discard("webhooks")
        kind = what if "." in what else f"payment_intent.{what}"
        for again in range(times):
            self.tick()
            self.webhooks.append(
                WebhookRow(
                    event=event or f"evt-{fan}-{what}",
                    type=kind,
                    payment=payment or f"pi-o{fan}",
                    number=number,
                    created_s=float(int(self.now_s())),
                    delivery=again + 1,
                    signature=signature,  # type: ignore[arg-type]
                    status=status,
                    keys=keys or [],
                    at_s=self.now_s(),
                )
            )
        return self

    def without(self, *kinds: str) -> Night:
        self.left_out |= set(kinds)
        return self

    def flaw(self, kind: str, **how: object) -> Night:
        self.flawed[kind] = how
        return self

    # -- the whole

    def relations(self) -> Relations:
        stock = self.stock
        if stock is None:
            # Who was sent away was told the truth: somebody bought the rest elsewhere.
            truly = any(isinstance(row, ToldRow) and row.end == "sold-out" for row in self.ops)
            sold = self.capacity if truly else self._sold()
            stock = [StockRow(capacity=self.capacity, available=self.capacity - sold, held=0, sold=sold, pending=0)]
        evidence = {
            "orders": self.orders,
            "tickets": self.tickets,
            "holds": self.holds,
            "charges": self.charges,
            "refunds": self.refunds,
            "stock": stock,
            "requests": self.requests,
            "webhooks": self.webhooks,
        }
        kept = {kind: rows for kind, rows in evidence.items() if kind not in self.left_out}
        sources = [
            msgspec.convert({"kind": kind, "rows": len(rows), "complete": True} | self.flawed.get(kind, {}), SourceRow)
            for kind, rows in kept.items()
        ]
        further = dict(enumerate(self.more_vitals, start=1))
        return Relations.from_rows(self.ops, {**kept, "sources": sources}, self.chaos, self.vitals, further)

    def expectations(self, **changes: object) -> Expectations:
        given = {
            "capacity": self.capacity,
            "price_minor": PRICE,
            "currency": "EUR",
            "settled": True,
            "settle_window_ns": 10 * S,
            "settle_elapsed_ns": 10 * S,
            "started_epoch_s": EPOCH,
            "phases": (PhaseNote(name="on-sale", start_ns=0, end_ns=60 * S),),
        }
        return Expectations(**(given | changes))  # type: ignore[arg-type]


__all__ = ["EPOCH", "PRICE", "DroppedRow", "FaultNote", "Night", "ProbeRow", "S"]
