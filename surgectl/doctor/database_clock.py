"""What time is it in the databases that the books are read from?"""

from __future__ import annotations

import re

from surgectl.clock import Clock
from surgectl.doctor.clocks import Skew, between
from surgectl.evidence.reading import Patience
from surgectl.evidence.sql import read_sql
from surgectl.profile.source import Sql
from surgectl.profile.target import Target

_ASKED = {
    "postgres": "select extract(epoch from clock_timestamp()) as now_s",
    "mysql": "select unix_timestamp(now(3)) as now_s",
    "mariadb": "select unix_timestamp(now(3)) as now_s",
}
"""How a dsn begins → how to ask. SQLite has no clock of its own: it runs where it is read."""


async def database_clocks(target: Target, patience: Patience, clock: Clock) -> dict[str, Skew | None]:
    """The first kind that is read from each database → its skew; None where it did not say. One question each."""
    found: dict[str, Skew | None] = {}
    asked: set[str] = set()
    for kind, source in target.evidence.items():
        if source.sql is None or source.sql.dsn in asked:
            continue
        asked.add(source.sql.dsn)
        query = next((query for name, query in _ASKED.items() if re.match(name, source.sql.dsn)), None)
        if query is not None:
            found[kind] = await _asked(source.sql.dsn, query, patience, clock)
    return found


async def _asked(dsn: str, query: str, patience: Patience, clock: Clock) -> Skew | None:
    sql = Sql(dsn=dsn, query=query)
    # Asked twice: the first one opens the connection and loads the driver, which takes longer than any skew matters.
    best: Skew | None = None
    for _ in range(2):
        began_ns = clock.now_ns()
        reading = (await read_sql({"clock": sql}, {}, patience, {"clock": "the database's clock"}))["clock"]
        took_s = (clock.now_ns() - began_ns) / 1e9
        if reading.problem or not reading.rows:
            return None
        try:
            seen = between(float(reading.rows[0]["now_s"]), clock.wall(), took_s)
        except (KeyError, TypeError, ValueError):
            return None
        if seen is not None and (best is None or seen.give_or_take_s < best.give_or_take_s):
            best = seen
    return best
