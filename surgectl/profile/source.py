"""Where the shop and its provider keep their books, and how a row there becomes one of ours."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.login import Ask, LoginStep
from surgectl.profile.part import Part
from surgectl.profile.rule import When
from surgectl.profile.values import Duration


class InHeader(Part, frozen=True, kw_only=True):
    """A value that stands in a header of the reply, not in its body."""

    header: str


Spot = str | InHeader
"""Where a reply says something: a JMESPath into its body, or `{header: X-Total-Count}`."""


class ExportStep(LoginStep, frozen=True, kw_only=True):
    """One request of an export. A GET that is answered 202, 409 or 425 is asked again until it is ready."""

    ready: When | list[When] | None = None
    """What a reply must be to count as ready, where the status alone does not say it."""
    every: Duration = Duration(10**9)
    within: Duration = Duration(120 * 10**9)


class Offset(Part, frozen=True, kw_only=True):
    """Pages by `offset` and `limit`."""

    limit: int
    total: Spot | None = None
    """The number of rows that the pages declare; without it an empty page is the end."""


class Skip(Part, frozen=True, kw_only=True):
    """Pages by `skip` and `take`."""

    take: int
    total: Spot | None = None
    """The number of rows that the pages declare; without it an empty page is the end."""


class Numbered(Part, frozen=True, kw_only=True):
    """Pages by their number: `page` and `per_page`."""

    per_page: int
    first: int = 1
    """The number of the first page."""
    total: Spot | None = None
    """The number of rows that the pages declare."""
    pages: Spot | None = None
    """The number of pages; without either, an empty page is the end."""


class Cursor(Part, frozen=True, kw_only=True):
    """Pages by asking for what comes after."""

    after: Spot
    """The cursor: in the last row (Stripe's `id`), or beside the rows (Relay's `pageInfo.endCursor`)."""
    more: Spot | None = None
    """True while there is more; without it, the page without a cursor is the last."""
    param: str | None = None
    """What the cursor is sent as: `starting_after`, or `after` in GraphQL, unless it says another."""
    limit: int | None = None


class Http(Ask, frozen=True, kw_only=True):
    """Rows over HTTP, page by page."""

    rows: str | None = None
    """JMESPath to the list of rows; None = the body is the list, or the one row."""
    count: Spot | None = None
    """The number of rows that the answer declares."""
    next: Spot | None = None
    """The link to the next page; `{header: Link}` is RFC 8288's rel="next"."""
    offset: Offset | None = None
    skip: Skip | None = None
    page: Numbered | None = None
    cursor: Cursor | None = None
    login: str | list[LoginStep] | None = None
    """Asked before the first page, and once more where the shop says that we are nobody (401, 403).

    A word is a kind of evidence: its login is this one's."""


class Sql(Part, frozen=True, kw_only=True):
    """Rows by a query, verbatim, in a read-only transaction (SQLAlchemy)."""

    dsn: str
    query: str
    params: dict[str, Any] = {}


class Stripe(Part, frozen=True, kw_only=True):
    """Charges and refunds of Stripe, or of any provider of its shape."""

    base_url: str = "https://api.stripe.com"
    secret: str
    version: str | None = "2024-06-20"
    """Sent as Stripe-Version, so that an account's own setting does not change what is read."""
    account: str | None = None
    """Sent as Stripe-Account: a connected account."""


class File(Part, frozen=True, kw_only=True):
    """A file that is there, or an export that the shop makes when it is asked."""

    file: str | None = None
    export: list[ExportStep] = []
    """The requests that make it; the last reply is the file."""


class Csv(File, frozen=True, kw_only=True):
    """A table with its headings in the first line."""

    delimiter: str | None = None
    """None: the one of , ; tab | that the heading has most of."""
    quote: str = '"'
    encoding: str | None = None
    """None: UTF-8, or what the byte-order mark says."""


class Column(Part, frozen=True, kw_only=True):
    """Where a column comes from, where its name alone does not say it."""

    from_: str = msgspec.field(name="from")
    money: str | None = None
    unit: Literal["s", "ms", "ns"] | None = None


class Each(Part, frozen=True, kw_only=True):
    """One row per item of a column."""

    from_: str = msgspec.field(name="from")
    split: str | None = None


class Counter(Part, frozen=True, kw_only=True):
    """A number that the shop itself reports, to be compared with rows that were counted one by one."""

    value: str
    """Where the number stands in what is read; of several rows, their sum."""
    http: Http | None = None
    sql: Sql | None = None
    csv: Csv | None = None
    jsonl: File | None = None
    same: str | None = None
    """Another kind of evidence, whose rows hold the number."""
    states: list[str] = []
    """Only rows in these states are counted (ours: valid, pending …); none named: all."""
    sum: str | None = None
    """A column whose sum is meant, instead of the number of rows: `qty`."""


class Source(Part, frozen=True, kw_only=True):
    """One kind of row: where it is read and how it maps to the fixed shape."""

    http: Http | None = None
    sql: Sql | None = None
    stripe: Stripe | None = None
    csv: Csv | None = None
    jsonl: File | None = None
    same: str | None = None
    each: Each | None = None
    where: str | None = None
    """JMESPath that is true of the rows that are meant."""
    latest: str | None = None
    """Where a row says which of several about one thing it is; the highest is true."""
    row: dict[str, str | Column | int | None] = {}
    """A column → where it stands, a number that is itself, or null: not read, though the source calls one so."""
    states: dict[str, list[str]] = {}
    key: list[str] = []
    live: Duration | None = None
    counters: dict[str, Counter] = {}
    """Numbers of the shop's own that should agree with these rows."""


COUNTED = ("sold", "charged", "refunded", "requests", "payments")
"""What an authority may count for the dashboard; charged and refunded in minor units of the sale's currency."""


class Totals(Part, frozen=True, kw_only=True):
    """Totals that an authority keeps itself: cheap to ask for while the sale is on. Shown, never kept, never judged."""

    http: Http
    row: dict[str, str]
    """One of COUNTED → where it stands in the answer (JMESPath)."""
    live: Duration = Duration(2 * 10**9)
