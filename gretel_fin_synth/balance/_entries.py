"""The columns of an eager frame that a running balance needs, checked and in order."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gretel_fin_synth import _frames, _money
from gretel_fin_synth._cores import in_blocks, in_halves, side_by_side
from gretel_fin_synth._ledger import Customers, Ledger, datetime_ticks, make_ledger, number_customers
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import AMOUNT, BALANCE, CREDIT, CUSTOMER, DEBIT, TYPE
from gretel_fin_synth.schema._columns import name_problems
from gretel_fin_synth.schema._failures import Problem, violation
from gretel_fin_synth.schema._rules import inspect_amount, inspect_balance, inspect_date, inspect_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Entries", "check_columns", "order_columns", "parse_entries", "read_entries", "tolerance_in_range"]


@dataclass(frozen=True)
class Entries:
    """Signed amounts of a table and the order in which balances run.

    Attributes
    ----------
    frame : pandas.DataFrame
        The columns that were read, in the order of the table.
    ledger : Ledger
        Order of the rows.
    steps : ndarray of int64, shape (n,)
        Signed amounts in minor units, in the order of the table.
    keys : tuple of ndarray, shape (n,)
        What the rows of a customer are ordered by, as numbers, in the order of the table.
    """

    frame: pd.DataFrame
    ledger: Ledger
    steps: NDArray[np.int64]
    keys: tuple[NDArray[Any], ...]

    @cached_property
    def signed(self) -> NDArray[np.int64]:
        """Signed amounts in minor units, in the order of the ledger."""
        return self.ledger.arrange(self.steps)


def order_columns(order_by: str | Sequence[str]) -> tuple[str, ...]:
    """Return `order_by` as a tuple of names."""
    names = (order_by,) if isinstance(order_by, str) else order_by
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        msg = (
            f"order_by is {order_by!r}; the name of a column is needed, or a list of names.\n\n"
            "Hint: order_by=['transaction_date', 'sequence']"
        )
        raise ParameterError(msg)
    return tuple(names)


def check_columns(frame: Any, wanted: Sequence[str], order_by: Sequence[str]) -> None:
    """Refuse a frame that lacks a column that balances need, or one to order by."""
    names = _frames.column_names(frame)
    problems = name_problems(names, wanted)
    if problems:
        raise violation(problems)
    for name in order_by:
        if name not in names:
            near = difflib.get_close_matches(name, [n for n in names if isinstance(n, str)], 1)
            shown = ", ".join(map(repr, names[:12]))
            msg = (
                f"order_by names {name!r}, which is no column of the table; it has {shown}.\n\n"
                f"Hint: order_by={near[0] if near else 'transaction_date'!r}"
            )
            raise ParameterError(msg)


def tolerance_in_range(tolerance: float) -> float:
    """Return `tolerance` if it is a number from 0 up."""
    is_number = isinstance(tolerance, (int, float, np.number)) and not isinstance(tolerance, bool)
    if not is_number or not 0 <= tolerance < np.inf:
        msg = (
            f"tolerance is {tolerance!r}; it is the largest difference that is no break, from 0 up.\n\n"
            "Hint: tolerance=0.1"
        )
        raise ParameterError(msg)
    return float(tolerance)


def read_entries(frame: Any, *, order_by: Sequence[str], minor_units: int, balance: bool = False) -> Entries:
    """Read what balances need from an eager frame of any library.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        Of n rows.
    order_by : sequence of str
        Columns that put the rows of a customer in order; ties stay in the order of the frame.
    minor_units : int
        Decimals of the currency.
    balance : bool, default False
        Whether ``account_balance`` is read too.

    Raises
    ------
    SchemaViolation
        If a column is missing or holds what cannot be added up or put in order.
    ParameterError
        If a column to order by does not exist.
    """
    wanted = [CUSTOMER, AMOUNT, TYPE, *([BALANCE] if balance else [])]
    check_columns(frame, wanted, order_by)
    given = _frames.sub_frame(frame, list(dict.fromkeys([*wanted, *order_by])))
    index = given.index if isinstance(frame, pd.DataFrame) else None
    parsed, customers = _parse(given, order_by, minor_units, balance, lambda: _number(given[CUSTOMER]))
    steps, keys, problems = parsed
    if problems:
        raise violation([problem.of(given[CUSTOMER]) for problem in problems], index)
    return Entries(given, make_ledger(given[CUSTOMER], keys, customers), steps, tuple(keys))


def parse_entries(
    given: pd.DataFrame, order_by: Sequence[str], minor_units: int, *, balance: bool
) -> tuple[NDArray[np.int64], list[NDArray[Any]], list[Problem]]:
    """Signed amounts and what to order by, in the order of the table, and what is wrong with the rows."""
    (signed, keys, problems), _ = _parse(given, order_by, minor_units, balance, lambda: None)
    return signed, keys, problems


def _parse(
    given: pd.DataFrame, order_by: Sequence[str], minor_units: int, balance: bool, beside: Callable[[], Any]
) -> tuple[tuple[NDArray[np.int64], list[NDArray[Any]], list[Problem]], Any]:
    """Do as :func:`parse_entries`, and something else at the same time."""
    (amounts, problems), (signs, found), keyed, other = side_by_side(
        len(given),
        lambda: _amounts(given[AMOUNT], minor_units),
        lambda: _signs(given[TYPE]),
        lambda: [_order_key(given[name]) for name in order_by],
        beside,
    )
    problems += found + _missing(given[CUSTOMER])
    if balance:
        problems += inspect_balance(given[BALANCE], minor_units)[1]
    for _, found in keyed:
        problems += found

    def give_signs(rows: slice) -> None:
        amounts[rows] *= signs[rows]

    in_blocks(len(given), give_signs)
    return (amounts, [key for key, _ in keyed], problems), other


def _number(ids: pd.Series[Any]) -> Customers | None:
    """Give customers numbers if that can be done; if not, faults of other columns are named first."""
    try:
        return number_customers(ids)
    except TypeError:
        return None


def _amounts(column: pd.Series[Any], minor_units: int) -> tuple[NDArray[np.int64], list[Problem]]:
    codes, faults = _money.parse_minor(column, minor_units)
    if faults.any() or min(in_halves(codes.size, lambda rows: codes[rows].min(initial=1))) <= 0:
        return codes, inspect_amount(column, minor_units)[1]
    return codes, []


def _signs(column: pd.Series[Any]) -> tuple[NDArray[np.signedinteger[Any]], list[Problem]]:
    """+1 for credits, -1 for debits."""
    if isinstance(column.dtype, (pd.StringDtype, pd.ArrowDtype)):
        array = pa.array(column)
        if not pa.types.is_dictionary(array.type) and not pa.types.is_null(array.type):
            return _text_signs(column, array)
    try:
        codes, uniques = pd.factorize(column)
    except TypeError:
        return np.zeros(len(column), dtype=np.int64), inspect_type(column)[1]
    table = np.array([{CREDIT: 1, DEBIT: -1}.get(value, 0) for value in uniques] + [0], dtype=np.int64)
    signs = table[codes]
    return signs, [] if signs.all() else inspect_type(column)[1]


def _text_signs(column: pd.Series[Any], array: Any) -> tuple[NDArray[np.signedinteger[Any]], list[Problem]]:
    """Signs of text that Arrow holds, which is compared without taking it apart."""
    try:
        signs, known = _signs_of(array)
    except pa.ArrowNotImplementedError:
        return np.zeros(len(column), dtype=np.int64), inspect_type(column)[1]
    return signs, [] if known else inspect_type(column)[1]


def _signs_of(array: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int8], bool]:
    """+1 for credits and -1 for all else, and whether all else are debits."""
    credit = pc.fill_null(pc.equal(array, CREDIT), False)
    n_debits = pc.sum(pc.equal(array, DEBIT)).as_py() or 0
    signs = np.asarray(credit.to_numpy(zero_copy_only=False)).view(np.int8) * np.int8(2)
    signs -= np.int8(1)
    return signs, n_debits + (pc.sum(credit).as_py() or 0) == len(array)


def _missing(column: pd.Series[Any]) -> list[Problem]:
    rows = np.flatnonzero(column.isna().to_numpy(dtype=bool)).astype(np.int64)
    if not rows.size:
        return []
    name = str(column.name)
    texts = ["is missing; every row needs one"] * rows.size
    return [Problem(name, rows, column.iloc[rows].tolist(), texts, f'frame.dropna(subset=["{name}"])')]


def _order_key(column: pd.Series[Any]) -> tuple[NDArray[Any], list[Problem]]:
    """Numbers that sort as the column does in time."""
    kind = column.dtype.kind
    if kind in "iufb" and not isinstance(column.dtype, pd.CategoricalDtype):
        problems = _missing(column)
        if problems:
            return np.zeros(len(column)), problems
        width = "f8" if kind == "f" else "u8" if kind == "u" else "i8"
        return column.to_numpy(dtype=np.dtype(width)), []
    dates, problems = inspect_date(column)
    if problems:
        return np.zeros(len(column)), problems
    return datetime_ticks(dates), []
