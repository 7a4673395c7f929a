"""Read a shop's books out of its database, without being able to change them.

The query goes as it is written; only the `:names` that `params:` gives are bound. All queries to one database run in
one read-only transaction that sees one moment: orders and tickets of the same reading belong together.

- PostgreSQL: REPEATABLE READ READ ONLY, a snapshot that takes no locks and waits for nobody (SERIALIZABLE DEFERRABLE
  could wait for ever for a shop that keeps a transaction open);
- MySQL and MariaDB: REPEATABLE READ, START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;
- SQLite: query_only, one transaction.

Needs SQLAlchemy and the database's own driver, optional extras.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from surgectl.evidence.reading import MOST_ROWS, Patience, Raw, ReadError, Reading
from surgectl.journey.template import UnsetError, compile_value
from surgectl.profile.source import Sql

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_NAME = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)")
_SCHEME = re.compile(r"(postgres(?:ql)?|mysql|mariadb)(?=://)")
_DRIVERS = {"postgresql": ("psycopg", "psycopg2"), "mysql": ("pymysql", "MySQLdb", "mysql.connector")}
_DIALLED: dict[str, dict[str, int]] = dict.fromkeys(
    ("postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql", "mariadb+pymysql", "mysql+mysqldb"),
    {"connect_timeout": 10},
)
_SPELT = {"MySQLdb": "mysqldb", "mysql.connector": "mysqlconnector"}
_EXTRA = {"psycopg": "postgres", "psycopg2": "postgres", "pymysql": "mysql", "MySQLdb": "mysql"}


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A query with the values of its names."""

    query: str
    bound: dict[str, Any]


async def read_sql(
    sources: Mapping[str, Sql], variables: Mapping[str, Any], patience: Patience, where: Mapping[str, str]
) -> dict[str, Reading]:
    """Kind → all rows of its query, or the reason there are none. All `sources` name the same database.

    `where`: kind → its path in the target.
    """
    readings: dict[str, Reading] = {}
    ready: dict[str, Ready] = {}
    for kind, source in sources.items():
        try:
            bound = {
                name: compile_value(value, f"{where[kind]}.params.{name}").render(variables)
                for name, value in source.params.items()
            }
            ready[kind] = Ready(query=source.query, bound=bound)
        except UnsetError as error:
            readings[kind] = Reading(problem=f"{where[kind]}: {error}")
    if ready:
        (dsn,) = {source.dsn for source in sources.values()}
        readings |= await _asked(_Database(dsn, ready, patience.timeout_ns / 1e9), patience, where)
    return readings


async def _asked(database: _Database, patience: Patience, where: Mapping[str, str]) -> dict[str, Reading]:
    at_most_s = patience.timeout_ns / 1e9 * len(database.queries)
    reading = asyncio.create_task(asyncio.to_thread(database.run))
    try:
        done, _ = await asyncio.wait({reading}, timeout=at_most_s)
        if not done:
            database.interrupt()
            await asyncio.wait({reading}, timeout=5)
            late = f"no answer within {at_most_s:g}s"
            return {kind: Reading(problem=f"{where[kind]}: {late}") for kind in database.queries}
        return reading.result()
    except ReadError as error:
        return {kind: Reading(problem=str(error)) for kind in database.queries}
    except asyncio.CancelledError:
        database.interrupt()
        raise


class _Database:
    """A few queries in one thread, which another thread may interrupt."""

    def __init__(self, dsn: str, queries: Mapping[str, Ready], each_s: float) -> None:
        self.queries = queries
        self._dsn = dsn
        self._each_s = each_s
        self._raw: Any = None
        self._lock = threading.Lock()

    def run(self) -> dict[str, Reading]:
        try:
            import sqlalchemy
            from sqlalchemy import exc, pool
        except ImportError as error:
            raise ReadError("evidence by SQL needs SQLAlchemy", hint='pip install "surgectl[sql]"') from error
        dsn = with_driver(self._dsn)
        try:
            engine = sqlalchemy.create_engine(
                dsn,
                poolclass=pool.NullPool,
                pool_reset_on_return=None,  # nothing is given back: what a lost wire says when tidied up is noise
                connect_args=_DIALLED.get(dsn.partition("://")[0], {}),
            )
        except (exc.SQLAlchemyError, ImportError, ValueError) as error:
            # The message of a bad DSN may quote it, password and all.
            missing = error.name if isinstance(error, ImportError) else None
            said = str(error) if isinstance(error, ImportError) else type(error).__name__
            extra = _EXTRA.get(missing or "")
            hint = f'pip install "surgectl[{extra}]"' if extra else "dialect+driver://user@host/database"
            raise ReadError(f"the dsn cannot be used: {said}", hint=hint) from error
        try:
            _there(engine)
            return self._readings(engine)
        except (exc.SQLAlchemyError, OSError, ValueError, ArithmeticError) as error:  # the last are what drivers let by
            raise ReadError(self._said(error)) from error
        finally:
            with self._lock:
                self._raw = None
            engine.dispose()

    def interrupt(self) -> None:
        """Ask the database to stop. SQLite's and PostgreSQL's drivers can, from another thread; MySQL knows when."""
        with self._lock:
            stop = getattr(self._raw, "interrupt", None) or getattr(self._raw, "cancel", None)
        if stop is not None:
            stop()

    def _readings(self, engine: Engine) -> dict[str, Reading]:
        from sqlalchemy import exc

        found: dict[str, Reading] = {}
        with engine.connect() as fresh:
            with self._lock:
                self._raw = fresh.connection.driver_connection
            connection = _read_only(fresh, self._each_s)
            for kind, ready in self.queries.items():
                # A query that fails must not take the transaction, and with it the others' moment, along.
                connection.exec_driver_sql("SAVEPOINT reading")
                try:
                    found[kind] = Reading(rows=_rows(connection, ready))
                except (exc.SQLAlchemyError, ReadError, ValueError, ArithmeticError) as error:
                    found[kind] = Reading(problem=str(error) if isinstance(error, ReadError) else self._said(error))
                    try:
                        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT reading")
                    except exc.SQLAlchemyError:
                        # The wire is lost, or the query ended the transaction: the moment that all should see is gone.
                        lost = f"the transaction ended in {kind}: {found[kind].problem}"
                        return found | {other: Reading(problem=lost) for other in self.queries if other not in found}
            connection.rollback()
        return found

    def _said(self, error: BaseException) -> str:
        inner = getattr(error, "orig", None) or error
        kind = "" if inner is not error or hasattr(error, "code") else f"{type(error).__name__}: "
        return _hide(f"SQL: {kind}{_first_line(inner)}", self._dsn)


def _rows(connection: Connection, ready: Ready) -> list[Raw]:
    import sqlalchemy

    text = sqlalchemy.text(escape(ready.query, set(ready.bound)))
    result = connection.execute(text, dict(ready.bound))
    if not result.returns_rows:
        raise ReadError("SQL: the query returns no rows", hint="it should be a select")
    names = list(result.keys())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ReadError(f"SQL: two columns are called {twice[0]}", hint="name them with AS")
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchmany(MOST_ROWS + 1)]
    if len(rows) > MOST_ROWS:
        raise ReadError(f"more than {MOST_ROWS} rows")
    return rows


def _read_only(connection: Connection, each_s: float) -> Connection:
    """The connection in one transaction that cannot write and sees one moment."""
    from sqlalchemy import exc

    dialect = connection.dialect.name
    if dialect == "postgresql":
        # The session's own default, too: a query that says `commit` finds itself where nothing can be written.
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    elif dialect in ("mysql", "mariadb"):
        try:
            connection.exec_driver_sql(f"SET SESSION max_statement_time = {each_s:f}")  # MariaDB, seconds
        except exc.DBAPIError:
            connection.exec_driver_sql(f"SET SESSION max_execution_time = {each_s * 1000:.0f}")  # MySQL, milliseconds
        connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    elif dialect == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    return connection


def _there(engine: Engine) -> None:
    """SQLite makes an empty database of a name with a slip in it; that would be a shop that sold nothing."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return
    if not Path(name).is_file():
        raise ReadError(f"SQL: there is no database file {Path(name).name}", hint="sqlite:////absolute/path/shop.db")


def with_driver(dsn: str) -> str:
    """The DSN with the driver that is installed, where it names none: `postgres://…` as people have it."""
    match = _SCHEME.match(dsn)
    if match is None:
        return dsn
    dialect = "postgresql" if match[1].startswith("postgres") else match[1]
    known = _DRIVERS["mysql" if dialect == "mariadb" else dialect]
    driver = next((name for name in known if _installed(name)), known[0])
    return f"{dialect}+{_SPELT.get(driver, driver)}{dsn[match.end() :]}"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def escape(query: str, bound: set[str]) -> str:
    r"""The query with every `:name` that is not ours as `\:name`, which SQLAlchemy leaves alone.

    One of ours before a cast, `:name::int`, it would not see: `(:name)::int`.
    """

    def one(match: re.Match[str]) -> str:
        if match[1] not in bound:
            return "\\" + match[0]
        return f"({match[0]})" if query.startswith("::", match.end()) else match[0]

    return _NAME.sub(one, query)


def _hide(text: str, dsn: str) -> str:
    """The text without the DSN's secrets."""
    found = re.match(r"[^:]+://(?:([^:@/]*)(?::([^@/]*))?@)?", dsn)
    for secret in (dsn, *((found[2], found[1]) if found else ())):
        if secret and len(secret) > 3:
            text = text.replace(secret, "***")
    return text


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
