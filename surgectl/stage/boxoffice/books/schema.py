"""What stands in the books: the tables of a sale, and how a sale begins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from surgectl.chance import token
from surgectl.errors import UsageError
from surgectl.stage.boxoffice.books.protocol import Archive, Connection
from surgectl.stage.boxoffice.books.trouble import BooksAway, Trouble
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import FREE

_PATIENCE_S = 30.0  # a large hall takes its time to be written down, once
# `integer` is 64 bits wide on both, `int` is for small numbers.
_TABLES = """
create table if not exists meta (key text primary key, value text not null);
create table if not exists places (
  seq integer primary key, email text not null, intent text, joined_ns integer not null, drawn integer,
  admitted_ns integer);
create table if not exists seats (n integer primary key, state int not null, hold text);
create index if not exists seats_by_state on seats (state, n);
create table if not exists holds (
  n integer primary key, id text unique, place integer not null, email text not null, intent text, qty int not null,
  seats text not null, total_minor integer not null, state text not null,
  created_ns integer not null, expires_ns integer not null, ended_ns integer);
create index if not exists holds_by_expiry on holds (state, expires_ns);
create index if not exists holds_by_email on holds (email, state);
create index if not exists holds_by_place on holds (place, state);
create table if not exists orders (
  n integer primary key, id text unique, hold text not null, email text not null, intent text, key text not null,
  token text not null, qty int not null, seats text not null, amount_minor integer not null, currency text not null,
  state text not null, code text, payment text, refund text, tried int not null default 0,
  created_ns integer not null, decided_ns integer, identity text, worker text, lease_ns integer);
create index if not exists orders_by_hold on orders (hold);
create index if not exists orders_by_state on orders (state);
create table if not exists keys (key text primary key, fingerprint text not null, ord text not null);
create table if not exists tickets (
  n integer primary key, id text not null, ord text not null, seat integer not null, state text not null,
  created_ns integer not null);
create index if not exists tickets_by_order on tickets (ord);
create table if not exists events (
  id text primary key, ord text not null, payment text not null, at_ns integer not null);
create index if not exists events_by_time on events (at_ns);
"""


@contextmanager
def opened(archive: Archive) -> Iterator[Connection]:
    """A connection for the moments in which a shop opens or closes. UsageError where there is none."""
    try:
        books = archive.connect()
    except BooksAway as why:
        raise UsageError(
            f"cannot keep books here: {why}", where=archive.name, hint="give another --data or --database"
        ) from None
    end = threading.Timer(_PATIENCE_S, books.cut)
    end.daemon = True
    end.start()
    try:
        yield books
    except UsageError:
        raise
    except Exception as error:
        if books.judge(error) is Trouble.NONE:
            raise
        line = " ".join(str(error).split())
        raise UsageError(f"cannot keep books here: {line}", where=archive.name) from error
    finally:
        end.cancel()
        books.close()


def open_sale(archive: Archive, options: Options) -> str:
    """Open or begin the books of a sale → the sale's own secret for signing ids.

    UsageError where the books cannot be reached or already hold a sale of another size.
    """
    about = f"{options.capacity} x {options.sku} at {options.price_minor} {options.currency}"
    if options.seating == "map":
        about += f" on a map with blocks of {options.rows} rows"  # other rows would give sold seats other names
    with opened(archive) as books:
        books.begin()  # others that open the same sale wait here, and find it begun
        archive.prepare(books, _TABLES)
        known = dict(books.execute("select key, value from meta").fetchall())
        if not known:
            known = {"secret": token() + token(), "sale": about}
            books.executemany("insert into meta values (?, ?)", list(known.items()))
            books.executemany(
                "insert into seats (n, state) values (?, ?)", ((n, FREE) for n in range(1, options.capacity + 1))
            )
        books.commit()
    if known["sale"] != about:
        raise UsageError(
            f"holds another sale ({known['sale']}, not {about})",
            where=archive.name,
            hint="give an empty --data, or another --database-schema",
        )
    return str(known["secret"])
