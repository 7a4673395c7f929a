"""The target: how to talk to one shop and read its books. One YAML file, these frozen structs.

The language is described in docs/target-language.md. Nothing here runs: journey/ compiles it once into closures.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.values import Duration, Share

Role = Literal["browse", "join", "poll", "hold", "pay", "status"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a target: frozen, and strict about its keys."""


class When(_Part, frozen=True, kw_only=True):
    """Conditions on a reply; all named ones must hold. A list means any."""

    status: int | str | list[int | str] | None = None
    json: dict[str, Any] | list[dict[str, Any]] | None = None
    location: str | list[str] | None = None
    url: str | list[str] | None = None
    body: str | list[str] | None = None
    header: dict[str, str] | None = None
    var: dict[str, Any] | None = None
    event: str | list[str] | None = None
    """Of a message that was pushed: its name, `message` where it has none."""


class Hint(_Part, frozen=True, kw_only=True):
    """Where the shop says how long to wait."""

    header: str | None = None
    json: str | None = None
    regex: str | None = None
    """Searched in the body: what a page's `<meta http-equiv="refresh">` says."""
    unit: Literal["s", "ms"] = "s"


class Rule(_Part, frozen=True, kw_only=True):
    """If `when` holds, then go there or end so."""

    when: When | list[When]
    then: str | None = None
    """next · poll · again [STEP] · shed · goto STEP · flow NAME"""
    end: str | None = None
    """confirmed · accepted · sold-out · declined · limit · gone · refused · a name of one's own with `means`."""
    means: Literal["ok", "fail", "info"] | None = None
    at_most: int = 20
    hint: Hint | None = None


class Take(_Part, frozen=True, kw_only=True):
    """One value out of a reply."""

    json: str | None = None
    regex: str | None = None
    header: str | None = None
    location: bool | str | None = None
    cookie: str | None = None
    url: bool | str | None = None
    else_: str | None = msgspec.field(name="else", default=None)
    default: Any = msgspec.UNSET
    pick: str | int | None = None


class Claim(_Part, frozen=True, kw_only=True):
    """What the shop told the fan, in a form that can be checked against its books."""

    json: str | None = None
    regex: str | None = None
    header: str | None = None
    location: bool | str | None = None
    url: bool | str | None = None
    var: str | None = None
    money: str | None = None
    """`minor EUR` · `major EUR` · `text`"""
    unit: Literal["s", "ms"] = "s"
    """Of `wait`."""


class GraphQL(_Part, frozen=True, kw_only=True):
    """A GraphQL request: the query verbatim, variables rendered."""

    query: str
    variables: dict[str, Any] = {}


class Follow(_Part, frozen=True, kw_only=True):
    """Follow redirects until one points there (that one is not fetched)."""

    until: str


class Request(_Part, frozen=True, kw_only=True):
    """What a step, a poll or a probe sends."""

    get: str | None = None
    post: str | None = None
    put: str | None = None
    patch: str | None = None
    delete: str | None = None
    head: str | None = None
    origin: str | None = None
    query: dict[str, Any] = {}
    json: Any = msgspec.UNSET
    form: dict[str, Any] | None = None
    graphql: GraphQL | None = None
    body: str | None = None
    form_page: bool = False
    headers: dict[str, str] = {}
    follow: bool | Follow = False
    timeout: Duration | None = None


class Poll(Request, frozen=True, kw_only=True):
    """Ask again until the shop knows. Reading, never an attempt."""

    every: Duration = Duration(500_000_000)
    jitter: Share = Share(0.2)
    hint: Hint | None = None
    within: Duration = Duration(60 * 10**9)
    outcomes: list[Rule] = []
    take: dict[str, Take] = {}
    claims: dict[str, Claim | int | str] = {}


class Await(_Part, frozen=True, kw_only=True):
    """Wait until the shop says it by itself. Reading, never an attempt."""

    sse: str | None = None
    """Server-sent events: the URL of the stream."""
    ws: str | None = None
    """A WebSocket: its URL."""
    origin: str | None = None
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    send: Any = msgspec.UNSET
    """Said once the WebSocket is open: a text as it is, anything else as JSON."""
    events: list[str] = []
    """Names of the events that are listened to, as a page does; without it, all."""
    reconnect: Duration = Duration(3 * 10**9)
    """How long after the end of a connection the next is opened, unless the stream says so itself."""
    timeout: Duration | None = None
    """Until the connection is open."""
    within: Duration = Duration(60 * 10**9)
    outcomes: list[Rule] = []
    take: dict[str, Take] = {}
    claims: dict[str, Claim | int | str] = {}


class Barrier(_Part, frozen=True, kw_only=True):
    """Hold fans until enough have come."""

    name: str
    fans: int
    within: Duration


class Repeat(_Part, frozen=True, kw_only=True):
    """Walk a wizard: look where we are, do that page's steps, until done."""

    by: Take
    """The first group of its pattern names the case."""
    cases: dict[str, list[Step]]
    until: When
    at_most: int = 8


class Step(Request, frozen=True, kw_only=True):
    """One operation of the journey."""

    step: str
    role: Role = "browse"
    outcomes: list[Rule] | None = None
    take: dict[str, Take] = {}
    claims: dict[str, Claim | int | str] = {}
    poll: Poll | None = None
    await_: Await | None = msgspec.field(name="await", default=None)
    only: When | None = None
    repeat: Repeat | None = None
    barrier: Barrier | None = None


class LinkTls(_Part, frozen=True, kw_only=True):
    """The dependency speaks TLS, end to end through the proxy: how a canary does so, too."""

    server_name: str | None = None
    """The name that its certificate is for, sent as SNI (RFC 6066 §3); without it the upstream's host."""
    ca: str | None = None
    """Authorities to believe instead of the system's: a PEM file, found from the target's folder; empty: the
    system's."""


class Link(_Part, frozen=True, kw_only=True):
    """A dependency reached through a proxy: made by us, or found by name. One whose upstream is empty is not there."""

    upstream: str | None = None
    listen: str = "127.0.0.1:0"
    proxy: str | None = None
    speaks: Literal["http", "postgres", "redis", "tcp"] = "http"
    """What a canary asks there, to see whether a fault bites."""
    tls: LinkTls | None = None
    """What it asks, it asks inside TLS."""


class Tls(_Part, frozen=True, kw_only=True):
    """Whom we believe to be the shop, and how we show who we are: PEM files, found from the target's folder."""

    ca: str | None = None
    """Authorities to believe instead of the system's."""
    certificate: str | None = None
    """Our own, where the shop asks for one."""
    key: str | None = None
    """Its key, where that is not in the same file."""


class Hook(_Part, frozen=True, kw_only=True):
    """A command run once a rehearsal, in the target's folder: told about the run on stdin, it answers; both in JSON."""

    run: list[str]
    timeout: Duration = Duration(300 * 10**9)


class Promises(_Part, frozen=True, kw_only=True):
    """The shop's own constants: what the settling window follows from."""

    hold_ttl: Duration = Duration(120 * 10**9)
    payment_timeout: Duration = Duration(10 * 10**9)
    payment_tries: int = 3
    reconcile_every: Duration = Duration(5 * 10**9)
    webhook_delay: Duration = Duration(0)
    payment_deadline: Duration = Duration(0)
    late_refunds: Duration = Duration(0)
    staleness: Duration = Duration(5 * 10**9)
    """How long what the shop shows may lag behind its books."""
    one_order_per: Literal["intent", "none"] = "none"


class InHeader(_Part, frozen=True, kw_only=True):
    """A value that stands in a header of the reply, not in its body."""

    header: str


Spot = str | InHeader
"""Where a reply says something: a JMESPath into its body, or `{header: X-Total-Count}`."""


class Ask(_Part, frozen=True, kw_only=True):
    """One question to an authority: it changes nothing that a fan could see."""

    get: str | None = None
    post: str | None = None
    origin: str | None = None
    headers: dict[str, str] = {}
    json: Any = msgspec.UNSET
    form: dict[str, Any] | None = None
    graphql: GraphQL | None = None


class LoginStep(Ask, frozen=True, kw_only=True):
    """One request of a login. Cookies are kept; what it takes fills the blanks of everything asked after it."""

    take: dict[str, Take] = {}


class ExportStep(LoginStep, frozen=True, kw_only=True):
    """One request of an export. A GET that is answered 202, 409 or 425 is asked again until it is ready."""

    ready: When | list[When] | None = None
    """What a reply must be to count as ready, where the status alone does not say it."""
    every: Duration = Duration(10**9)
    within: Duration = Duration(120 * 10**9)


class Offset(_Part, frozen=True, kw_only=True):
    """Pages by `offset` and `limit`."""

    limit: int
    total: Spot | None = None
    """The number of rows that the pages declare; without it an empty page is the end."""


class Skip(_Part, frozen=True, kw_only=True):
    """Pages by `skip` and `take`."""

    take: int
    total: Spot | None = None
    """The number of rows that the pages declare; without it an empty page is the end."""


class Numbered(_Part, frozen=True, kw_only=True):
    """Pages by their number: `page` and `per_page`."""

    per_page: int
    first: int = 1
    """The number of the first page."""
    total: Spot | None = None
    """The number of rows that the pages declare."""
    pages: Spot | None = None
    """The number of pages; without either, an empty page is the end."""


class Cursor(_Part, frozen=True, kw_only=True):
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


class Sql(_Part, frozen=True, kw_only=True):
    """Rows by a query, verbatim, in a read-only transaction (SQLAlchemy)."""

    dsn: str
    query: str
    params: dict[str, Any] = {}


class Stripe(_Part, frozen=True, kw_only=True):
    """Charges and refunds of Stripe, or of any provider of its shape."""

    base_url: str = "https://api.stripe.com"
    secret: str
    version: str | None = "2024-06-20"
    """Sent as Stripe-Version, so that an account's own setting does not change what is read."""
    account: str | None = None
    """Sent as Stripe-Account: a connected account."""


class File(_Part, frozen=True, kw_only=True):
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


class Column(_Part, frozen=True, kw_only=True):
    """Where a column comes from, where its name alone does not say it."""

    from_: str = msgspec.field(name="from")
    money: str | None = None
    unit: Literal["s", "ms", "ns"] | None = None


class Each(_Part, frozen=True, kw_only=True):
    """One row per item of a column."""

    from_: str = msgspec.field(name="from")
    split: str | None = None


class Counter(_Part, frozen=True, kw_only=True):
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


class Source(_Part, frozen=True, kw_only=True):
    """One kind of row: where it is read and how it maps to the fixed shape."""

    http: Http | None = None
    sql: Sql | None = None
    stripe: Stripe | None = None
    csv: Csv | None = None
    jsonl: File | None = None
    same: str | None = None
    each: Each | None = None
    row: dict[str, str | Column | int] = {}
    states: dict[str, list[str]] = {}
    key: list[str] = []
    live: Duration | None = None
    counters: dict[str, Counter] = {}
    """Numbers of the shop's own that should agree with these rows."""


COUNTED = ("sold", "charged", "refunded", "requests", "payments")
"""What an authority may count for the dashboard; charged and refunded in minor units of the sale's currency."""


class Totals(_Part, frozen=True, kw_only=True):
    """Totals that an authority keeps itself: cheap to ask for while the sale is on. Shown, never kept, never judged."""

    http: Http
    row: dict[str, str]
    """One of COUNTED → where it stands in the answer (JMESPath)."""
    live: Duration = Duration(2 * 10**9)


class Target(_Part, frozen=True, kw_only=True):
    """One shop, whole."""

    surgectl_target: int = msgspec.field(name="surgectl-target")
    name: str
    base_url: str
    journey: list[Step]
    about: str = ""
    origins: dict[str, str] = {}
    allow: list[str] = []
    live_keys: bool = False
    """A live key of Stripe's may stand here, although real cards are charged with it."""
    headers: dict[str, str] = {}
    form_defaults: dict[str, str] = {}
    cookies: Literal["per-fan", "none"] = "per-fan"
    connections: Literal["shared", "per-fan"] = "shared"
    """shared: one pool, as behind a carrier's NAT and a load balancer; per-fan: each tab dials for itself."""
    bind: list[str] = []
    """Addresses of ours that fans come from, in turn: several, where one would run out of ports."""
    tls: Tls = Tls()
    timeout: Duration = Duration(10 * 10**9)
    links: dict[str, Link] = {}
    setup: Hook | None = None
    teardown: Hook | None = None
    facts: dict[str, str] = {}
    """What the report is to say of this shop: its version, its database, how many workers it has."""
    promises: Promises = Promises()
    mint: dict[str, str] = {}
    flows: dict[str, list[Step]] = {}
    probes: dict[str, Request] = {}
    evidence: dict[str, Source] = {}
    totals: dict[str, Totals] = {}
    stage: dict[str, Any] | None = None
    """The embedded stage that stands in for a shop; the cli starts it, the engine never sees it."""
