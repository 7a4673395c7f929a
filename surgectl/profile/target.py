"""The target: how to talk to one shop and read its books. One YAML file, these frozen structs.

The language is described in docs/target-language.md. Nothing here runs: journey/ compiles it once into closures.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.link import Link
from surgectl.profile.login import Login
from surgectl.profile.part import Part
from surgectl.profile.source import Source, Totals
from surgectl.profile.step import Request, Step
from surgectl.profile.values import Duration


class Tls(Part, frozen=True, kw_only=True):
    """Whom we believe to be the shop, and how we show who we are: PEM files, found from the target's folder."""

    ca: str | None = None
    """Authorities to believe instead of the system's."""
    certificate: str | None = None
    """Our own, where the shop asks for one."""
    key: str | None = None
    """Its key, where that is not in the same file."""


class Hook(Part, frozen=True, kw_only=True):
    """A command run once a rehearsal, in the target's folder: told about the run on stdin, it answers; both in JSON."""

    run: list[str]
    timeout: Duration = Duration(300 * 10**9)


class FanData(Part, frozen=True, kw_only=True):
    """A table of people that the shop knows already: one row a fan, read as `{account.column}`."""

    csv: str
    """The file, found from the target's folder."""
    delimiter: str | None = None
    """None: the one of , ; tab | that the heading has most of."""
    quote: str = '"'
    encoding: str | None = None
    """None: UTF-8, or what the byte-order mark says."""
    row: dict[str, str] = {}
    """Our name for a column → its heading; one whose heading is a name needs none."""
    secret: list[str] = []
    """Columns that nobody may read in a recording, beside those whose names say it themselves."""
    link: list[str] = []
    """Columns by which the shop's rows since the start of the run are known as a fan's."""
    reuse: bool = False
    """Where there are more fans than rows the rows go round: an account is then not one fan's alone."""


class Promises(Part, frozen=True, kw_only=True):
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


class Target(Part, frozen=True, kw_only=True):
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
    fans_from: FanData | None = None
    logins: dict[str, Login] = {}
    flows: dict[str, list[Step]] = {}
    probes: dict[str, Request] = {}
    evidence: dict[str, Source] = {}
    totals: dict[str, Totals] = {}
    stage: dict[str, Any] | None = None
    """The embedded stage that stands in for a shop; the cli starts it, the engine never sees it."""
