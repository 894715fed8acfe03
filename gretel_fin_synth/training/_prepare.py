"""From any real table to what a backend learns from: order, starting amounts, and what is odd about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth import _frames
from gretel_fin_synth._money import from_minor, to_minor
from gretel_fin_synth.balance import order_transactions
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import COLUMNS, ExtraColumn, canonical_transactions
from gretel_fin_synth.training.backend import TrainingTable

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTING = "starting_amount"
CUSTOMER, DATE, AMOUNT, TYPE, CATEGORY, BALANCE = COLUMNS

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """A training table and what a user must know of how it came about."""

    table: TrainingTable
    warnings: list[str]


def prepare(frame: Any, extra_columns: Sequence[ExtraColumn], minor_units: int) -> Prepared:
    """Validate, put in order, and turn balances into starting amounts.

    Raises
    ------
    SchemaViolation
        If the table is no table of transactions; balances need not add up.
    ParameterError
        If it has no rows.
    """
    named = {column.name for column in extra_columns}
    given = _given_starts(frame, named)
    table = canonical_transactions(frame, minor_units=minor_units, extra_columns=extra_columns)
    if table.empty:
        msg = "There are no transactions to learn from: the table has 0 rows."
        raise ParameterError(msg)
    warnings = [*_ignored(frame, named)]
    table = table.assign(**({} if given is None else {STARTING: given}), _row=np.arange(len(table)))
    ordered = (order_transactions(table, minor_units=minor_units) if BALANCE in table.columns
               else table.sort_values([CUSTOMER, DATE], kind="stable"))
    ordered = ordered.reset_index(drop=True)
    if given is None:
        starts, notes = _starts(ordered, minor_units)
        ordered[STARTING] = from_minor(starts, minor_units)
        warnings += notes
    columns = [CUSTOMER, DATE, AMOUNT, TYPE, CATEGORY, STARTING, *(column.name for column in extra_columns)]
    return Prepared(TrainingTable(ordered[columns], tuple(extra_columns), minor_units), warnings)


def _ignored(frame: Any, named: set[str]) -> list[str]:
    others = [str(name) for name in _frames.column_names(frame)
              if name not in COLUMNS and name not in named and name != STARTING]
    if not others:
        return []
    return [f"columns that are not described were not learned: {', '.join(others)}; describe them with "
            f"extra_columns=[ExtraColumn({others[0]!r}, kind=\"category\")]"]


def _given_starts(frame: Any, named: set[str]) -> npt.NDArray[np.float64] | None:
    """Return the column ``starting_amount`` if it is a number, constant per customer and never missing."""
    names = _frames.column_names(frame)
    if STARTING not in names or STARTING in named or CUSTOMER not in names:
        return None
    columns = _frames.sub_frame(frame, [CUSTOMER, STARTING])
    amounts = pd.to_numeric(columns[STARTING], errors="coerce")
    if amounts.isna().any() or columns[CUSTOMER].isna().any():
        return None
    constant = amounts.groupby(columns[CUSTOMER].to_numpy()).nunique().le(1).all()
    return amounts.to_numpy(dtype=float) if constant else None


def _starts(ordered: pd.DataFrame, minor_units: int) -> tuple[IntArray, list[str]]:
    """Return each row's customer's starting amount in minor units, from the balances.

    Balances of real exports chain in the order of time or in that of the file; the order in which more rows
    of the customer agree says what the starting amount was.
    """
    if BALANCE not in ordered.columns:
        return np.zeros(len(ordered), np.int64), [
            "there is no account_balance and no starting_amount, so every customer starts with 0"
        ]
    customer = pd.factorize(ordered[CUSTOMER])[0]
    signed = to_minor(ordered[AMOUNT], minor_units) * np.where(ordered[TYPE] == "credit", 1, -1)
    balance = np.rint(ordered[BALANCE].to_numpy(dtype=float) * 10**minor_units).astype(np.int64)
    by_time = _chain(customer, signed, balance, np.arange(len(ordered)))
    by_file = _chain(customer, signed, balance, np.lexsort((ordered["_row"].to_numpy(), customer)))
    starts = np.where(by_file[1] > by_time[1], by_file[0], by_time[0])
    agree = int(by_time[2])
    notes = []
    if agree < len(ordered):
        off = len(ordered) - agree
        notes.append(f"{off:,} of {len(ordered):,} balances do not follow from the amounts in the order of time "
                     f"({off / len(ordered):.1%}); they were learned from all the same, and what is generated adds "
                     "up to the cent")
    return starts[customer], notes


def _chain(customer: IntArray, signed: IntArray, balance: IntArray,
           order: IntArray) -> tuple[IntArray, IntArray, int]:
    """Return per customer the start that the first row implies and how many rows agree with it; and all that do."""
    who, flow = customer[order], signed[order]
    at = np.flatnonzero(np.r_[True, np.diff(who) != 0])
    total = np.cumsum(flow)
    begun = np.repeat(total[at] - flow[at], np.diff(np.r_[at, len(who)]))
    start = balance[order][at] - flow[at]
    expected = np.repeat(start, np.diff(np.r_[at, len(who)])) + total - begun
    follows = np.r_[True, np.diff(balance[order]) == flow[1:]]
    follows[at] = True
    agrees = np.add.reduceat((expected == balance[order]).astype(np.int64), at)
    return start, agrees, int(follows.sum())
