"""The three ledgers side by side, one row an order, a charge and an intent: what every checker reads.

`book_charges` is the provider's side net of refunds (invariants R5), `book_orders` the shop's, and `book_intents` puts
what a fan wanted, was told, was charged and was given on one line. Links are the recording's (explicit keys only, R4);
a row that belongs to no intent stays in its own book and is counted, never guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from surgectl.audit.confirming import BOOK_CONFIRMING
from surgectl.audit.expectations import Expectations
from surgectl.audit.requests import BOOK_REQUESTS
from surgectl.recording.relations import Relations


def _once(table: str, key: str) -> str:
    """SQL: the rows of a table, of those that one id names twice the last: almost always all of them."""
    twice = f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1"
    last = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY file DESC, line DESC) = 1"
    return f"""(SELECT * FROM {table} ANTI JOIN ({twice}) USING ({key})
      UNION ALL SELECT * FROM (SELECT * FROM {table} SEMI JOIN ({twice}) USING ({key})) {last})"""


BOOKS = f"""
{BOOK_CONFIRMING}
CREATE TEMP TABLE IF NOT EXISTS book_refunds AS
-- A refund names its charge, or the payment of the one charge that took money for it.
WITH paid AS (
  SELECT payment, min(charge) AS charge FROM charges
  WHERE payment IS NOT NULL AND captured_minor > 0 AND state NOT IN ('failed', 'voided')
  GROUP BY payment HAVING count(DISTINCT charge) = 1
), known AS (SELECT DISTINCT charge FROM charges)
SELECT r.refund, coalesce(k.charge, p.charge) AS charge, r.amount_minor, r.state
FROM {_once("refunds", "refund")} r
LEFT JOIN known k ON k.charge = r.charge LEFT JOIN paid p ON p.payment = r.charge;

CREATE TEMP TABLE IF NOT EXISTS book_orders AS
WITH mode AS (SELECT count(*) > 0 AS by_ticket FROM sources WHERE kind = 'tickets'),
o AS (FROM {_once("orders", "order_id")}),
t AS (
  SELECT order_id, count(*) FILTER (state = 'valid') AS valid, min(at_s) AS at_s, min(file) AS file, min(line) AS line
  FROM {_once("tickets", "ticket")}
  GROUP BY order_id
), counted AS (
  SELECT coalesce(o.order_id, t.order_id) AS order_id, o.state, o.qty, o.amount_minor, upper(o.currency) AS currency,
    o.identity, o.key, o.payments, o.order_id IS NOT NULL AS listed,
    CASE WHEN m.by_ticket THEN coalesce(t.valid, 0) WHEN o.state = 'valid' THEN o.qty ELSE 0 END AS valid_qty,
    CASE WHEN m.by_ticket THEN coalesce(t.valid, 0) > 0 ELSE coalesce(o.state = 'valid', false) END AS valid,
    coalesce(o.at_s, t.at_s) AS at_s, coalesce(o.file, t.file) AS file, coalesce(o.line, t.line) AS line
  FROM o FULL JOIN t USING (order_id) CROSS JOIN mode m
)
SELECT c.*, l.intent, l.via, coalesce(l.ambiguous, false) AS ambiguous,
  coalesce(c.amount_minor, coalesce(c.qty, c.valid_qty) * i.price_minor) AS due
FROM counted c LEFT JOIN links_orders l USING (order_id) LEFT JOIN intents i ON i.intent = l.intent;

CREATE TEMP TABLE IF NOT EXISTS book_charges AS
-- Money that the shop takes when it ships is as good as taken where there is a ticket, else it is only set aside.
WITH paying AS (SELECT intent FROM book_orders WHERE valid AND intent IS NOT NULL), back AS (
  SELECT charge, sum(amount_minor) FILTER (state = 'succeeded') AS done,
    sum(amount_minor) FILTER (state = 'pending') AS underway
  FROM book_refunds WHERE charge IS NOT NULL GROUP BY charge
), given AS (
  SELECT o.*, CASE WHEN o.state IN ('failed', 'voided') THEN 0
      WHEN o.state = 'secured' AND o.captured_minor = 0 AND l.intent IN (SELECT intent FROM paying)
        THEN greatest(coalesce(o.authorised_minor, 0) - coalesce(o.voided_minor, 0), 0)
      ELSE o.captured_minor END AS captured,
    -- What a capture in part let go may stand among the refunds, too.
    greatest(coalesce(o.refunded_minor, 0), coalesce(b.done, 0)
      - CASE WHEN o.captured_minor > 0 THEN coalesce(o.voided_minor, 0) ELSE 0 END) AS back,
    o.state = 'processing' OR coalesce(b.underway, 0) > 0 AS open
  FROM {_once("charges", "charge")} o LEFT JOIN back b USING (charge) LEFT JOIN links_charges l USING (charge)
), valued AS (
  -- Some providers write it as a refund when money that was only set aside is let go: nothing came back.
  SELECT *, CASE WHEN captured = 0 AND back <= greatest(coalesce(authorised_minor, 0), captured_minor) THEN 0
    ELSE back END AS refunded
  FROM given
)
SELECT v.charge, l.intent, l.order_id, l.via, coalesce(l.ambiguous, false) AS ambiguous, v.state, v.key, v.payment,
  upper(v.currency) AS currency, coalesce(v.authorised_minor, 0) AS authorised, v.voided_minor AS voided,
  v.captured, v.refunded, v.captured - v.refunded AS net, v.open, v.at_s, v.file, v.line
FROM valued v LEFT JOIN links_charges l USING (charge);

CREATE TEMP TABLE IF NOT EXISTS book_conflicts AS
SELECT 'charges' AS kind, charge AS id FROM charges GROUP BY charge
HAVING min(hash(state, captured_minor, refunded_minor, currency)) <>
  max(hash(state, captured_minor, refunded_minor, currency))
UNION ALL
SELECT 'orders', order_id FROM orders GROUP BY order_id
HAVING min(hash(state, qty, amount_minor)) <> max(hash(state, qty, amount_minor))
UNION ALL
SELECT 'tickets', ticket FROM tickets GROUP BY ticket, order_id HAVING min(state) <> max(state)
UNION ALL
SELECT 'refunds', refund FROM refunds GROUP BY refund
HAVING min(hash(state, charge, amount_minor)) <> max(hash(state, charge, amount_minor));

{BOOK_REQUESTS}
CREATE TEMP TABLE IF NOT EXISTS book_intents AS
WITH effects AS (
  SELECT intent, count(*) AS sends, count(*) FILTER (role = 'pay') AS pays,
    count(*) FILTER (outcome = 'info') AS doubtful, count(*) FILTER (role = 'pay' AND outcome = 'info') AS pays_doubtful
  FROM attempts WHERE role IN ('hold', 'pay') AND NOT poll GROUP BY intent
), beliefs AS (
  SELECT intent, count(*) FILTER ("end" = 'confirmed') AS confirmed, count(*) FILTER ("end" = 'accepted') AS accepted,
    count(*) FILTER (outcome = 'info' AND NOT status_read) AS unknown,
    count(*) FILTER (outcome = 'fail' AND role = 'pay') AS pays_refused,
    count(*) FILTER (outcome = 'fail' AND role = 'hold') AS holds_refused,
    count(*) FILTER (outcome = 'fail') AS refused, count(*) FILTER (outcome <> 'fail' AND role = 'pay') AS pays_open,
    count(*) FILTER (outcome = 'ok' AND role = 'hold') AS holds_ok,
    count(*) FILTER (status_read AND outcome <> 'fail') AS status_open,
    arg_max("end", at_ns) AS last_end
  FROM tolds WHERE role IN ('hold', 'pay', 'status') GROUP BY intent
), given AS (
  SELECT intent, sum(valid_qty) AS valid_qty, count(*) FILTER (valid) AS valid_orders, sum(due) FILTER (valid) AS due,
    -- Who gives one of two tickets back, and half of the money comes back, is due the other half.
    sum(CASE WHEN valid_qty < qty THEN due * valid_qty // qty ELSE due END) FILTER (valid) AS kept_due,
    count(*) FILTER (valid AND due IS NULL) AS due_unknown, count(*) FILTER (state = 'pending') AS pending_orders,
    list_sort(list(order_id)) AS orders
  FROM book_orders WHERE intent IS NOT NULL GROUP BY intent
), taken AS (
  SELECT c.intent, count(*) AS charges, count(*) FILTER (net > 0) AS paid, sum(net) AS net, sum(captured) AS captured,
    sum(refunded) AS refunded, bool_or(open) AS open,
    count(*) FILTER (c.currency <> upper(i.currency)) AS foreign_money,
    list_sort(list(charge)) AS charge_ids
  FROM book_charges c JOIN intents i USING (intent) GROUP BY c.intent
)
SELECT i.intent, i.fan, i.profile, i.qty, i.price_minor, upper(i.currency) AS currency, i.due_ns,
  coalesce(e.sends, 0) AS sends, coalesce(e.pays, 0) AS pays, coalesce(e.doubtful, 0) AS doubtful,
  coalesce(e.pays_doubtful, 0) AS pays_doubtful,
  coalesce(b.confirmed, 0) AS confirmed, coalesce(b.accepted, 0) AS accepted, coalesce(b.unknown, 0) AS unknown,
  coalesce(b.pays_refused, 0) AS pays_refused, coalesce(b.holds_refused, 0) AS holds_refused,
  coalesce(b.pays_open, 0) AS pays_open, coalesce(b.holds_ok, 0) AS holds_ok, coalesce(b.status_open, 0) AS status_open,
  CASE WHEN b.confirmed > 0 THEN 'confirmed' WHEN b.accepted > 0 THEN 'pending'
    WHEN e.doubtful > 0 OR b.unknown > 0 THEN 'nothing definite'
    WHEN b.refused > 0 THEN 'refused (' || b.last_end || ')' ELSE 'nothing' END AS told,
  coalesce(g.valid_qty, 0) AS valid_qty, coalesce(g.valid_orders, 0) AS valid_orders, coalesce(g.due, 0) AS due,
  CASE WHEN t.refunded > 0 THEN coalesce(g.kept_due, 0) ELSE coalesce(g.due, 0) END AS kept_due,
  coalesce(g.due_unknown, 0) AS due_unknown, coalesce(g.pending_orders, 0) AS pending_orders,
  coalesce(g.orders, []) AS orders,
  coalesce(t.charges, 0) AS charges, coalesce(t.paid, 0) AS paid, coalesce(t.net, 0) AS net,
  coalesce(t.captured, 0) AS captured, coalesce(t.refunded, 0) AS refunded, coalesce(t.open, false) AS open,
  coalesce(t.foreign_money, 0) AS foreign_money, coalesce(t.charge_ids, []) AS charge_ids
FROM intents i LEFT JOIN effects e USING (intent) LEFT JOIN beliefs b USING (intent)
  LEFT JOIN given g USING (intent) LEFT JOIN taken t USING (intent);
"""


def lay(relations: Relations) -> None:
    """Lay the three books side by side as temporary tables of this connection, once."""
    # Planning the statements costs more than running them on a small night, and every checker asks.
    if not relations.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'book_intents'"):
        relations.connection.execute(BOOKS)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the reading of one kind of evidence went, over all its sources."""

    kind: str
    rows: int
    complete: bool
    stable: bool
    error: str


def readings(relations: Relations) -> dict[str, Reading]:
    """Kind → how its reading went. A kind that was never read is not in it."""
    lay(relations)
    found: dict[str, Reading] = {}
    twice = {kind: (ids, first) for kind, ids, first in relations.rows(_CONFLICTS)}
    (round_,) = relations.one("SELECT count(cut_at) FROM sources")
    cut = {kind: (rows, lost) for kind, rows, lost in (relations.rows(_CUT) if round_ else []) if lost}
    query = """
    SELECT kind, sum(rows), bool_and(complete AND coalesce(declared <= rows, true)), bool_and(stable),
      string_agg(error, '; ' ORDER BY file, line) FILTER (error <> '')
    FROM sources GROUP BY kind ORDER BY kind"""
    for kind, rows, complete, stable, error in relations.rows(query):
        if kind in twice:
            # Which of the two is true nobody knows: to take the last would be to convict, or to acquit, by chance.
            ids, first = twice[kind]
            said = f"{ids:,} of them are listed twice and say different things; the first: {first}"
            complete, error = False, f"{error}; {said}" if error else said
        if kind in cut:
            at, lost = cut[kind]
            said = (
                f"they are just {at:,}, nobody says how many there are, and {lost:,} that others speak of are missing:"
                " is the list cut off? Say how it is paged, or `count:`"
            )
            complete, error = False, f"{error}; {said}" if error else said
        found[kind] = Reading(kind=kind, rows=int(rows), complete=complete, stable=stable, error=error or "")
    return found


# A round number of rows is no proof: many sales end with one, for so many were for sale. What others speak of and the
# list lacks, while tickets are left, may be what came after the cut.
_CUT = """
WITH cut AS (
  SELECT kind, max(cut_at) AS cut_at FROM sources
  WHERE kind NOT IN (SELECT kind FROM sources WHERE cut_at IS NULL OR declared IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM tolds WHERE "end" = 'sold-out') GROUP BY kind
), lost AS (
  SELECT 'orders' AS kind, count(*) AS lost FROM book_intents i WHERE len(orders) = 0 AND (net > 0 OR EXISTS (
    SELECT 1 FROM tolds t WHERE t.intent = i.intent AND t."end" = 'confirmed' AND t.outcome = 'ok'))
  UNION ALL SELECT 'charges', count(*) FROM book_intents WHERE charges = 0 AND valid_orders > 0 AND due > 0
  UNION ALL SELECT 'tickets', count(*) FROM book_intents i WHERE valid_qty = 0 AND EXISTS (
    SELECT 1 FROM book_orders o WHERE o.intent = i.intent AND o.state = 'valid')
)
SELECT kind, cut.cut_at, lost FROM cut JOIN lost USING (kind)"""
_CONFLICTS = "SELECT kind, count(*), min(id) FROM book_conflicts GROUP BY kind ORDER BY kind"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the evidence that a check needs is there, and good enough to judge by."""

    missing: tuple[str, ...]
    flawed: tuple[str, ...]
    """What is wrong with that which is there, in words."""

    @property
    def good(self) -> bool:
        return not self.missing and not self.flawed

    @property
    def why(self) -> str:
        """What is wrong and what to configure; empty where nothing is."""
        said = [f"the target gives no {kind}: add `evidence: {{{kind}: …}}`" for kind in self.missing]
        return "; ".join([*said, *self.flawed])


def access(relations: Relations, kinds: Sequence[str], optional: Iterable[str] = ()) -> Access:
    """How far a check may rest on these kinds; an optional kind that is there must be good as well."""
    read = readings(relations)
    flawed: list[str] = []
    for kind in (*kinds, *optional):
        reading = read.get(kind)
        if reading is None:
            continue
        if reading.error:
            flawed.append(f"{kind} cannot be believed: {reading.error}")
        elif not reading.complete:
            flawed.append(f"{kind} were not read completely: check the paging of `evidence: {kind}`")
        elif not reading.stable:
            flawed.append(f"{kind} still changed between two reads: allow more in `settle: at_most`")
    return Access(missing=tuple(kind for kind in kinds if kind not in read), flawed=tuple(flawed))


class Strays(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that belong to no intent, as far as anybody can say."""

    rows: int
    total: int
    torn: int = 0
    """Of them, rows whose keys name two intents at once."""
    first_torn: str = ""

    @property
    def linked_share(self) -> float | None:
        return 1 - self.rows / self.total if self.total else None


_EARLIER_S = 60.0
"""A row that its own clock puts this long before our start is an earlier story, not ours (R9)."""


def since_s(relations: Relations, expectations: Expectations, book: str) -> float | None:
    """What a ledger dates before this is an earlier story; None where nobody knows when we began.

    A ledger's clock may run behind ours: what came after a row of ours is no earlier story.
    """
    lay(relations)
    if not expectations.started_epoch_s:
        return None
    (ours_s,) = relations.one(f"SELECT min(at_s) FROM {book} WHERE intent IS NOT NULL")
    return min(expectations.started_epoch_s, ours_s or expectations.started_epoch_s) - _EARLIER_S


def stray_charges(relations: Relations, expectations: Expectations) -> Strays:
    """Charges of the time of the run that kept money and are nobody's."""
    lay(relations)
    return _strays(relations, expectations, "book_charges", "charge", "net > 0")


def stray_orders(relations: Relations, expectations: Expectations) -> Strays:
    """Orders of the time of the run with a valid ticket that are nobody's."""
    lay(relations)
    return _strays(relations, expectations, "book_orders", "order_id", "valid")


def unlisted_orders(relations: Relations, expectations: Expectations) -> int:
    """Orders that only tickets name: where an order of ours seems to lack tickets, they may be its, by another name."""
    lay(relations)
    return _strays(relations, expectations, "book_orders", "order_id", "valid AND NOT listed").rows


def _strays(relations: Relations, expectations: Expectations, book: str, key: str, counts: str) -> Strays:
    start_s = since_s(relations, expectations, book)
    query = f"""SELECT count(*) FILTER (intent IS NULL), count(*), count(*) FILTER (intent IS NULL AND ambiguous),
                  coalesce(min({key}) FILTER (intent IS NULL AND ambiguous), '') FROM {book}
                WHERE {counts} AND (intent IS NOT NULL OR ? IS NULL OR at_s IS NULL OR at_s >= ?)"""
    rows, total, torn, first = relations.one(query, [start_s, start_s])
    return Strays(rows=rows, total=total, torn=torn, first_torn=first)


def refunds_told(relations: Relations, expectations: Expectations) -> bool:
    """Whether the books would show a refund, had there been one: money given back must not count as money kept."""
    lay(relations)
    given, ours = relations.one("SELECT count(*), count(charge) FROM book_refunds WHERE state = 'succeeded'")
    if given and not ours:
        return False  # they name charges in another way than the charges do, or other people's: ours may be among them
    if expectations.refunds_known is not None:
        return expectations.refunds_known
    (given_back,) = relations.one("SELECT count(*) FROM book_charges WHERE refunded > 0")
    return bool(given_back) or "refunds" in readings(relations)


UNLISTED = "tickets name orders that the books do not list: let `order` of tickets and of orders be the same"

UNTOLD_REFUNDS = "the books do not tell of refunds: map `refunded` of the charges, or add `evidence: {refunds: …}`"
