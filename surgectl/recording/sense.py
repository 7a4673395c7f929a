"""What no ledger can mean: an order without a number, less than no tickets, a price of a million billion.

Such a row is refused where books are read, and left out, counted and said where a recording is: to guess what it
should have been would be to convict, or to acquit, by chance.
"""

from __future__ import annotations

import math
import re

import msgspec

from surgectl.recording.evidence_rows import StockRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow

MOST_MINOR = 10**15
"""Of money: more than the world's yearly product in cents of most currencies, and its sums still fit a column."""
MOST_OF_A_NAME = 1_000
"""Characters of an id: what is longer names nothing."""
MOST_OF_A_TEXT = 100_000
"""Characters of any other column, and of all keys of a row: more than a ledger needs, less than a flood."""
MOST_COUNT = 10**9
"""Of tickets."""
MOST_S = 10**11
"""Of an instant: the year 5138."""

_CODE = re.compile("[A-Za-z]{3}")
IDS = frozenset({"order", "ticket", "hold", "charge", "refund", "event"})
COUNTS = frozenset({"qty", "capacity", "available", "held", "sold"})
"""Columns that count tickets; `pending` counts them in stock alone."""


def nonsense(row: EvidenceRow) -> str:
    """Why a row cannot be meant, by its column; empty where it can.

    A shop's own counters may fall below zero: that is for CONSERVE to say.
    """
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if value is None or isinstance(value, bool):
            continue
        if name in IDS and not str(value).strip():
            return f"{name}: is empty"
        if isinstance(value, str) and len(value) > (most := MOST_OF_A_NAME if name in IDS else MOST_OF_A_TEXT):
            return f"{name}: {len(value):,} characters, where {most:,} are the most"
        if isinstance(value, list) and (length := sum(len(str(item)) for item in value)) > MOST_OF_A_TEXT:
            return f"{name}: {length:,} characters, where {MOST_OF_A_TEXT:,} are the most"
        if name.endswith("_minor") and not 0 <= value <= MOST_MINOR:
            return f"{name.removesuffix('_minor')}: {value} is no sum of money" + (
                " (a refund belongs under refunds, with its sum above zero)" if -MOST_MINOR <= value < 0 else ""
            )
        if name == "currency" and not _CODE.fullmatch(value):
            return f"currency: {value!r} is no currency"
        if name in COUNTS and not (-MOST_COUNT if isinstance(row, StockRow) else 0) <= value <= MOST_COUNT:
            return f"{name}: {value} is no number of tickets"
        if name.endswith("_s") and not (math.isfinite(value) and abs(value) <= MOST_S):
            return f"{name.removesuffix('_s')}: {value} is no instant"
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return f"{name}: {value} is no number of 64 bits"
    return ""


def sql_of_sense(row_type: type[EvidenceRow], cell: str) -> str:
    """The same in SQL, for a row that was read as a struct `cell`: true where it can be meant, false where in doubt."""
    said = ["true"]
    for field in msgspec.structs.fields(row_type):
        value = f'{cell}."{field.encode_name}"'
        if field.name in IDS:
            said.append(f"trim({value}) <> '' AND length({value}) <= {MOST_OF_A_NAME}")
        elif field.name.endswith("_minor"):
            said.append(f"{value} BETWEEN 0 AND {MOST_MINOR}")
        elif field.name == "currency":
            said.append(f"regexp_full_match({value}, '{_CODE.pattern}')")
        elif field.name in COUNTS:
            said.append(f"{value} BETWEEN {-MOST_COUNT if row_type is StockRow else 0} AND {MOST_COUNT}")
        elif field.name.endswith("_s"):
            said.append(f"{value} BETWEEN {-MOST_S} AND {MOST_S}")
    return " AND ".join(f"coalesce({each}, true)" for each in said)
