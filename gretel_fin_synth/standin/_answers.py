"""What a language model wrote, sorted into transactions and what is none; nothing is mended in silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from gretel_fin_synth._money import OK, from_minor, parse_minor
from gretel_fin_synth.schema import AMOUNT, CATEGORY, CUSTOMER, DATE, TYPE, TYPES

__all__ = ["STARTING", "Answers", "Sorted", "starting_amounts"]

STARTING = "starting_amount"
FIVE = (CUSTOMER, DATE, AMOUNT, TYPE, CATEGORY)


@dataclass(frozen=True)
class Sorted:
    """Rows that can be used, and why others cannot.

    Parameters
    ----------
    sound : pandas.DataFrame
        The five columns, with the dtypes of a table of transactions.
    reason : str
        What was wrong with the first of the others; empty if nothing was.
    """

    sound: pd.DataFrame
    reason: str


@dataclass(frozen=True)
class Answers:
    """Reads rows.

    Parameters
    ----------
    minor_units : int
        Decimals of the currency.
    """

    minor_units: int

    def sort(self, rows: list[dict[str, Any]]) -> Sorted:
        """Sort rows into those that are transactions and those that are not."""
        read, reason = [], ""
        for row in rows:
            found = self._read(row)
            if isinstance(found, str):
                reason = reason or found
            else:
                read.append(found)
        frame = pd.DataFrame(read, columns=list(FIVE))
        columns: dict[str, Any] = {name: frame[name].astype("str") for name in (CUSTOMER, TYPE, CATEGORY)}
        columns[DATE] = pd.to_datetime(frame[DATE]).astype("datetime64[ns]")
        columns[AMOUNT] = from_minor(frame[AMOUNT].to_numpy(dtype="int64"), self.minor_units)
        return Sorted(frame.assign(**columns), reason)

    def _read(self, row: dict[str, Any]) -> tuple[Any, ...] | str:
        """Read a row, or say what is wrong with it."""
        missing = [name for name in FIVE if name not in row]
        if missing:
            return f"there is no column {missing[0]!r} in {sorted(map(str, row))}"
        customer, category = (_text(row[name]) for name in (CUSTOMER, CATEGORY))
        kind, date = _text(row[TYPE]).lower(), _date(row[DATE])
        cents = minor(row[AMOUNT], self.minor_units)
        problems = {
            CUSTOMER: not customer,
            CATEGORY: not category,
            TYPE: kind not in TYPES,
            DATE: date is None,
            AMOUNT: cents is None or cents <= 0,
        }
        for name, is_wrong in problems.items():
            if is_wrong:
                return f"{row[name]!r} is no {name}"
        return customer, date, cents, kind, category


def starting_amounts(rows: list[dict[str, Any]], asked: set[str], minor_units: int) -> dict[str, int]:
    """Read starting amounts in minor units, by customer.

    A customer who was not asked for is left out; one who came with two different amounts has none.
    """
    found: dict[str, set[int]] = {}
    for row in rows:
        customer, cents = _text(row.get(CUSTOMER)), minor(row.get(STARTING), minor_units)
        if customer in asked and cents is not None:
            found.setdefault(customer, set()).add(cents)
    return {customer: next(iter(amounts)) for customer, amounts in found.items() if len(amounts) == 1}


def minor(value: Any, minor_units: int) -> int | None:
    """Return an amount in minor units; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    codes, problems = parse_minor([number], minor_units)
    return int(codes[0]) if problems[0] == OK else None


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _date(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found.replace(tzinfo=None) if 1900 <= found.year <= 2199 else None
