"""Where a sale is written down: in a file, or in a PostgreSQL that several share."""

from __future__ import annotations

from surgectl.stage.boxoffice.books.protocol import Books as Books
from surgectl.stage.boxoffice.books.trouble import BooksAway as BooksAway
from surgectl.stage.boxoffice.books.trouble import BooksUnknown as BooksUnknown
