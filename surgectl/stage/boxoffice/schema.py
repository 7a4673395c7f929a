"""The books: one SQLite file that survives the death of the shop."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from surgectl.chance import token
from surgectl.errors import UsageError
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import FREE

_TABLES = """
create table if not exists meta (key text primary key, value text not null);
create table if not exists places (
  seq integer primary key, email text not null, intent text, joined_ns integer not null, drawn integer,
  admitted_ns integer);
create table if not exists seats (n integer primary key, state integer not null, hold text);
create index if not exists seats_by_state on seats (state, n);
create table if not exists holds (
  n integer primary key, id text unique, place integer not null, email text not null, intent text, qty integer not null,
  seats text not null, total_minor integer not null, state text not null,
  created_ns integer not null, expires_ns integer not null);
create index if not exists holds_by_expiry on holds (state, expires_ns);
create index if not exists holds_by_email on holds (email, state);
create index if not exists holds_by_place on holds (place, state);
create table if not exists orders (
  n integer primary key, id text unique, hold text not null, email text not null, intent text, key text not null,
  token text not null, qty integer not null, seats text not null, amount_minor integer not null, currency text not null,
  state text not null, code text, payment text, refund text, tried integer not null default 0,
  created_ns integer not null, decided_ns integer, identity text, worker text, lease_ns integer);
create index if not exists orders_by_hold on orders (hold);
create index if not exists orders_by_state on orders (state);
create table if not exists keys (key text primary key, fingerprint text not null, ord text not null);
create table if not exists tickets (
  n integer primary key, id text not null, ord text not null, seat integer not null, state text not null,
  created_ns integer not null);
create index if not exists tickets_by_order on tickets (ord);
create table if not exists events (id text primary key, ord text, at_ns integer not null);
create index if not exists events_by_time on events (at_ns);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose transactions are ours to begin and end."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    # kill -9 loses nothing that was committed: a WAL commit has reached the kernel's page cache before it
    # returns, and that outlives the process. NORMAL only risks the last commits of a machine without power.
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma busy_timeout = 5000")
    return connection


def open_books(folder: Path, options: Options) -> tuple[sqlite3.Connection, str]:
    """Open or begin the books of a sale → (connection, the sale's own secret for signing ids).

    UsageError where the folder cannot be used or already holds a sale of another size.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = connect(folder / "boxoffice.sqlite3")
        connection.executescript(_TABLES)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"cannot keep books here: {error}", where=str(folder), hint="give another --data") from error
    connection.execute("begin immediate")
    known = dict(connection.execute("select key, value from meta").fetchall())
    about = f"{options.capacity} x {options.sku} at {options.price_minor} {options.currency}"
    if not known:
        known = {"secret": token() + token(), "sale": about}
        connection.executemany("insert into meta values (?, ?)", list(known.items()))
        connection.executemany(
            "insert into seats (n, state) values (?, ?)", ((n, FREE) for n in range(1, options.capacity + 1))
        )
    connection.execute("commit")
    if known["sale"] != about:
        connection.close()
        raise UsageError(
            f"holds another sale ({known['sale']}, not {about})", where=str(folder), hint="give an empty --data"
        )
    return connection, known["secret"]
