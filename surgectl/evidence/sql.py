"""Read a shop's books out of its database, without being able to change them.

The query goes as it is written; only the `:names` that `params:` gives are bound. It runs in a read-only transaction
(PostgreSQL and MySQL: one snapshot; SQLite: query_only). Needs SQLAlchemy, an optional extra, and the database's own
driver.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surgectl.evidence.reading import MOST_ROWS, Patience, Raw, ReadError, Reading
from surgectl.journey.template import UnsetError, compile_value
from surgectl.profile.target import Sql

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_NAME = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)")


async def read_sql(source: Sql, variables: Mapping[str, Any], patience: Patience, where: str) -> Reading:
    """All rows of the query, or the reason there are none."""
    try:
        bound = {
            name: compile_value(value, f"{where}.params.{name}").render(variables)
            for name, value in source.params.items()
        }
    except UnsetError as error:
        return Reading(problem=f"{where}: {error}")
    query = _Query(source, bound)
    reading = asyncio.create_task(asyncio.to_thread(query.run))
    try:
        done, _ = await asyncio.wait({reading}, timeout=patience.timeout_ns / 1e9)
        if not done:
            query.interrupt()
            await asyncio.wait({reading}, timeout=5)
            return Reading(problem=f"{where}: no answer within {patience.timeout_ns / 1e9:g}s")
        return Reading(rows=reading.result())
    except ReadError as error:
        return Reading(problem=str(error))
    except asyncio.CancelledError:
        query.interrupt()
        raise


class _Query:
    """One query in one thread, which another thread may interrupt."""

    def __init__(self, source: Sql, bound: Mapping[str, Any]) -> None:
        self._source = source
        self._bound = bound
        self._raw: Any = None
        self._lock = threading.Lock()

    def run(self) -> list[Raw]:
        try:
            import sqlalchemy
            from sqlalchemy import exc, pool
        except ImportError as error:
            raise ReadError("evidence by SQL needs SQLAlchemy", hint='pip install "surgectl[sql]"') from error
        try:
            engine = sqlalchemy.create_engine(self._source.dsn, poolclass=pool.NullPool)
        except (exc.SQLAlchemyError, ImportError, ValueError) as error:
            # The message of a bad DSN may quote it, password and all.
            said = error if isinstance(error, ImportError) else type(error).__name__
            raise ReadError(f"the dsn cannot be used: {said}", hint="dialect+driver://user@host/database") from error
        try:
            return self._rows(engine)
        except exc.DBAPIError as error:
            raise ReadError(_hide(f"SQL: {_first_line(error.orig)}", self._source.dsn)) from error
        except exc.SQLAlchemyError as error:
            raise ReadError(_hide(f"SQL: {_first_line(error)}", self._source.dsn)) from error
        except (OSError, ValueError, ArithmeticError) as error:  # what drivers let through
            raise ReadError(_hide(f"SQL: {type(error).__name__}: {_first_line(error)}", self._source.dsn)) from error
        finally:
            with self._lock:
                self._raw = None
            engine.dispose()

    def interrupt(self) -> None:
        """Ask the database to stop; drivers offer one of these two, both safe from another thread."""
        with self._lock:
            stop = getattr(self._raw, "interrupt", None) or getattr(self._raw, "cancel", None)
        if stop is not None:
            stop()

    def _rows(self, engine: Engine) -> list[Raw]:
        import sqlalchemy

        with engine.connect() as fresh:
            connection = _read_only(fresh)
            with self._lock:
                self._raw = connection.connection.driver_connection
            text = sqlalchemy.text(escape(self._source.query, set(self._bound)))
            result = connection.execute(text, dict(self._bound))
            if not result.returns_rows:
                raise ReadError("SQL: the query returns no rows", hint="it should be a select")
            names = list(result.keys())
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ReadError(f"SQL: two columns are called {twice[0]}", hint="name them with AS")
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchmany(MOST_ROWS + 1)]
            connection.rollback()
        if len(rows) > MOST_ROWS:
            raise ReadError(f"more than {MOST_ROWS} rows")
        return rows


def _read_only(connection: Connection) -> Connection:
    """The connection, unable to write; one snapshot where the database has such a thing."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    if dialect in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.commit()
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
    elif dialect == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
    return connection


def escape(query: str, bound: set[str]) -> str:
    r"""The query with every `:name` that is not ours as `\:name`, which SQLAlchemy leaves alone."""
    return _NAME.sub(lambda match: match[0] if match[1] in bound else "\\" + match[0], query)


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
