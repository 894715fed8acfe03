"""The public door of the simulator: checks what the caller asks for, then makes the table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.standin._calendar import open_window
from gretel_fin_synth.standin._extras import EXTRA_COLUMNS
from gretel_fin_synth.standin._simulator import Request, simulate_table
from gretel_fin_synth.standin._worlds import WORLDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gretel_fin_synth.standin._calendar import Window
    from gretel_fin_synth.standin._spec import World

__all__ = ["make_transactions"]

_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)
_LONGEST = 50 * 366


def make_transactions(
    n_customers: int = 73,
    *,
    start: str | date | np.datetime64 = "2022-01-01",
    end: str | date | np.datetime64 = "2024-12-31",
    seed: int | None = None,
    rows_per_customer: float | None = None,
    world: Literal["retail", "cards", "business", "passbook"] = "retail",
    with_time: bool = False,
    extra_columns: Sequence[Literal["merchant", "channel", "currency"]] = (),
) -> pd.DataFrame:
    """Make transactions of invented customers that a bank could have booked.

    Customers have a life: pay that comes on its day with its amount, raises, bonuses and months between two
    jobs; rent, bills and subscriptions that repeat; groceries, meals, cash and presents in their amounts, on
    their weekdays and in their season; refunds, savings, fees and interest. They spend less when the balance
    is low and put money aside when it is high. No real person's data are used.

    Parameters
    ----------
    n_customers : int, default 73
        How many customers; each has at least one row.
    start, end : str, date or datetime, default "2022-01-01" and "2024-12-31"
        First and last day, both included. Text is read as ISO 8601.
    seed : int, optional
        Same seed, same rows. Customer 5 is the same person, but for the padding of the id, whatever
        `n_customers`. None draws a new seed.
    rows_per_customer : float, optional
        Rows per customer to aim at, on average. None keeps the world's own pace, 12 to 15 rows a month for
        ``"retail"``. Habits are slowed or quickened to meet it; below what pay and bills alone amount to,
        accounts are seen for a part of the window only.
    world : {"retail", "cards", "business", "passbook"}, default "retail"
        Whose bank: ``"retail"``, a European current account; ``"cards"``, weekly and fortnightly pay and many
        card payments, in dollars; ``"business"``, small firms with large irregular invoices; ``"passbook"``,
        savings accounts of the 1990s, opened with a first deposit, in whole units, with interest and fees on
        the month's last day.
    with_time : bool, default False
        Whether dates carry the time of day, to the second.
    extra_columns : sequence of {"merchant", "channel", "currency"}, default ()
        Columns to add after the six; they change nothing in the six.

    Returns
    -------
    pandas.DataFrame
        ``customer_id`` (``CUST_001``, padded with zeros to equal length), ``transaction_date``
        (``datetime64[ns]``), ``transaction_amount`` (above 0, two decimals), ``transaction_type``
        (``"credit"`` or ``"debit"``), ``transaction_category``, ``account_balance`` after the row, exact to
        the cent. One customer after the other, each in chronological order.

    Raises
    ------
    ParameterError
        If an argument cannot work; the message says what would.

    Examples
    --------
    >>> from gretel_fin_synth import check_balance, make_transactions
    >>> table = make_transactions(n_customers=5, start="2024-01-01", end="2024-06-30", seed=1)
    >>> table["customer_id"].unique().tolist()
    ['CUST_001', 'CUST_002', 'CUST_003', 'CUST_004', 'CUST_005']
    >>> check_balance(table).ok
    True

    A bank with timestamps and merchants:

    >>> cards = make_transactions(
    ...     2, end="2022-03-31", seed=1, world="cards", with_time=True, extra_columns=["merchant", "channel"]
    ... )
    >>> cards.columns[-2:].tolist()
    ['merchant', 'channel']
    """
    request = Request(
        world=_checked_world(world),
        window=_checked_window(start, end),
        seed=_checked_seed(seed),
        n_customers=_checked_count(n_customers),
        rows_per_customer=_checked_rows(rows_per_customer),
    )
    _check_flag("with_time", with_time)
    return simulate_table(request, with_time=with_time, extra_columns=_checked_extras(extra_columns))


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _checked_count(n_customers: int) -> int:
    if not _is_whole(n_customers) or n_customers < 1:
        msg = (
            f"n_customers is {n_customers!r}; it must be a whole number, 1 or more.\n\n"
            "Hint: make_transactions(n_customers=73)"
        )
        raise ParameterError(msg)
    return int(n_customers)


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return int(np.random.SeedSequence().entropy or 0)  # type: ignore[arg-type]
    if not _is_whole(seed) or seed < 0:
        msg = (
            f"seed is {seed!r}; it must be a whole number, 0 or more, or None for a new one each time.\n\n"
            "Hint: make_transactions(seed=7)"
        )
        raise ParameterError(msg)
    return int(seed)


def _checked_rows(rows: float | None) -> float | None:
    if rows is None:
        return None
    number = isinstance(rows, (int, float, np.integer, np.floating)) and not isinstance(rows, bool)
    if not number or not math.isfinite(rows) or rows < 1:
        msg = (
            f"rows_per_customer is {rows!r}; it must be a number, 1 or more, or None.\n\n"
            "Hint: make_transactions(rows_per_customer=150)"
        )
        raise ParameterError(msg)
    return float(rows)


def _checked_world(world: str) -> World:
    if not isinstance(world, str) or world not in WORLDS:
        known = ", ".join(repr(name) for name in WORLDS)
        msg = f"world is {world!r}; the worlds are {known}.\n\nHint: make_transactions(world='retail')"
        raise ParameterError(msg)
    return WORLDS[world]


def _check_flag(name: str, value: bool) -> None:
    if not isinstance(value, (bool, np.bool_)):
        msg = f"{name} is {value!r}; it must be True or False.\n\nHint: make_transactions({name}=True)"
        raise ParameterError(msg)


def _checked_extras(extra_columns: Sequence[str]) -> tuple[str, ...]:
    if isinstance(extra_columns, str) or not isinstance(extra_columns, Iterable):
        example = extra_columns if extra_columns in EXTRA_COLUMNS else "channel"
        msg = (
            f"extra_columns is {extra_columns!r}; it must be a list of names.\n\n"
            f"Hint: make_transactions(extra_columns=[{example!r}])"
        )
        raise ParameterError(msg)
    names = tuple(extra_columns)
    for name in names:
        if name not in EXTRA_COLUMNS or names.count(name) > 1:
            fault = "is named twice" if name in EXTRA_COLUMNS else "is unknown"
            known = ", ".join(map(repr, EXTRA_COLUMNS))
            msg = (
                f"extra_columns: {name!r} {fault}; each of {known} may be named once."
                "\n\nHint: make_transactions(extra_columns=['merchant', 'channel'])"
            )
            raise ParameterError(msg)
    return names


def _checked_window(start: str | date | np.datetime64, end: str | date | np.datetime64) -> Window:
    first, last = _checked_day("start", start), _checked_day("end", end)
    if last < first:
        msg = (
            f"end is {end!r}, before start, {start!r}; the last day must not come before the first.\n\n"
            f"Hint: make_transactions(start={str(last)!r}, end={str(first)!r})"
        )
        raise ParameterError(msg)
    if (last - first).days >= _LONGEST:
        msg = (
            f"start={start!r} and end={end!r} are more than 50 years apart.\n\n"
            f"Hint: make_transactions(start={str(first)!r}, end='{min(first.year + 10, 2199)}-12-31')"
        )
        raise ParameterError(msg)
    return open_window(np.datetime64(first), np.datetime64(last))


def _checked_day(name: str, value: str | date | np.datetime64) -> date:
    """Return the calendar day of an argument; the time of day is dropped."""
    try:
        day = _parsed_day(value)
    except (TypeError, ValueError) as exc:
        msg = (
            f"{name} is {value!r}, which is not a day; write text like '2022-01-31', or a date, datetime or "
            f"pandas.Timestamp without a time zone.\n\nHint: make_transactions({name}='2022-01-31')"
        )
        raise ParameterError(msg) from exc
    if not _EARLIEST <= day <= _LATEST:
        msg = (
            f"{name} is {value!r}; days from {_EARLIEST} to {_LATEST} work.\n\n"
            f"Hint: make_transactions({name}='2022-01-31')"
        )
        raise ParameterError(msg)
    return day


def _parsed_day(value: str | date | np.datetime64) -> date:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    elif isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if not isinstance(value, date) or pd.isna(value):
        raise TypeError(type(value).__name__)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise ValueError(value.tzinfo)
        return value.date()
    return value
