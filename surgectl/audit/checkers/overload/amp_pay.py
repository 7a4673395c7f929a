"""A shop that waits for its payment provider does not hammer it.

Definition: POSTs that the provider received for each payment that was really wanted (not for each key): at most 1.1 in
the calm (the retry budget of the SRE book, "Handling Overload"), at most 2 around a fault. A payment belongs to the
fault if any of its requests fell into the fault or into the shop's own payment time-out after it: what is asked once
more later is the fault's doing as well. It fails where the lower end of the 97.5 % interval of the average is above the
limit and at least ten payments were looked at; an average above it that chance may explain is unknown.
Inputs: the provider's request log with its times; links.
Settling: none.
Severity: major.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.requests import RECEIVED
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.audit.windows import Window, faults_on, inside
from surgectl.profile.statistics import ProviderAmplification
from surgectl.recording.relations import Relations
from surgectl.stats.counts import PerThing, per_thing
from surgectl.units import NS_PER_S

_LEAST_PAYMENTS = 10


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("AMP_PAY", ProviderAmplification())
    if limits is None:
        return turned_off("AMP_PAY")
    lay(relations)
    books = access(relations, ("requests",))
    faults = faults_on(relations, expectations)
    unusable = "the start of the run is not known on the provider's clock" if not expectations.started_epoch_s else ""
    if books.missing or unusable:
        unusable = books.why or unusable
        return does_not_apply("AMP_PAY", "major", unusable, expectations)
    if not books.good:
        flawed = "the request log does not suffice"
        return conclude(
            Statistic(id="AMP_PAY", severity="major", considered=0, said=flawed, doubts=books.flawed), expectations
        )
    untimed, whole_seconds = relations.one(
        """SELECT count(*) FILTER (at_s IS NULL), coalesce(bool_and(at_s = floor(at_s)), false)
           FROM requests WHERE upper(method) = 'POST'"""
    )
    # A clock that tells whole seconds may put a request of the fault's first second before it.
    early_ns = NS_PER_S if whole_seconds else 0
    late_ns = expectations.payment_timeout_ns
    around = [Window(from_ns=fault.from_ns - early_ns, to_ns=fault.to_ns + late_ns) for fault in faults]
    calm, hurt = _asked(relations, expectations, around)
    doubts, breaches, said = [], [], []
    if untimed and faults:
        doubts.append(f"{untimed:,} requests have no time: map `at` of `evidence: requests`")
    if not calm.things and not hurt.things:
        said.append("no payment reached the provider")
    for where, found, limit in (("in the calm", calm, limits.calm), ("around the faults", hurt, limits.fault)):
        if not found.things:
            continue
        said.append(f"{found.value:.3g} requests for each of {found.things:,} payments {where}")
        if found.value <= limit:
            continue
        what = f"{found.value:.3g} {where} where {limit:g} are allowed"
        if untimed and faults:
            continue
        if found.low > limit and found.things >= _LEAST_PAYMENTS:
            breaches.append(what)
        else:
            doubts.append(f"{what}, which may be chance among {found.things:,} payments: let more people pay")
    if faults and not hurt.things and calm.things:
        doubts.append("no payment reached the provider around a fault: let the fault fall into the rush")
    measured = Statistic(
        id="AMP_PAY",
        severity="major",
        considered=calm.things + hurt.things,
        said="; ".join(said),
        breaches=tuple(breaches),
        doubts=tuple(doubts),
        numbers={
            "calm": _numbers(calm, limits.calm),
            "fault": _numbers(hurt, limits.fault),
        },
    )
    return conclude(measured, expectations)


def _asked(relations: Relations, expectations: Expectations, around: list[Window]) -> tuple[PerThing, PerThing]:
    """Requests for each payment: of payments that no fault touched, and of those that one did."""
    at = f"((r.at_s - {expectations.started_epoch_s!r}) * {NS_PER_S})"
    rows = relations.rows(
        f"""{RECEIVED}, asked AS (
              SELECT subject, count(*) AS posts, coalesce(bool_or({inside(at, around)}), false) AS hurt FROM r
              WHERE upper(r.method) = 'POST' GROUP BY subject)
            SELECT hurt, posts, count(*) FROM asked GROUP BY hurt, posts"""
    )
    calm = per_thing({int(posts): int(count) for hurt, posts, count in rows if not hurt})
    return calm, per_thing({int(posts): int(count) for hurt, posts, count in rows if hurt})


def _numbers(found: PerThing, limit: float) -> dict[str, float | int | None]:
    known = found.things > 0
    return {
        "payments": found.things,
        "requests": found.total,
        "each": round(found.value, 4) if known else None,
        "each_at_least": round(found.low, 4) if known else None,
        "limit": limit,
    }
