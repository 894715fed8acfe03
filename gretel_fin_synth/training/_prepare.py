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
from gretel_fin_synth.schema import COLUMNS, ExtraColumn, canonical_transactions, read_kinds
from gretel_fin_synth.training.backend import TrainingTable

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTING = "starting_amount"
CUSTOMER, DATE, AMOUNT, TYPE, CATEGORY, BALANCE = COLUMNS
LARGEST = 2.0**53  # minor units beyond which a float no longer holds every whole number

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """A training table and what a user must know of how it came about."""

    table: TrainingTable
    warnings: list[str]


@dataclass(frozen=True)
class Chain:
    """How well the balances of customers follow from one order of their rows.

    ``start`` (minor units) and ``agrees`` (rows whose balance is the start plus all amounts until then) have
    shape (customers,); ``n_follow`` counts the rows that follow from the one before.
    """

    start: IntArray
    agrees: IntArray
    n_follow: int


def prepare(frame: Any, extra_columns: Sequence[ExtraColumn], minor_units: int) -> Prepared:
    """Validate, put in order, and turn balances into starting amounts.

    Raises
    ------
    SchemaViolation
        If the table is no table of transactions; balances need not add up.
    ParameterError
        If it has no rows.
    """
    given = _frames.collected(frame)  # a query is run once: another time its rows may come in another order
    table = canonical_transactions(given, minor_units=minor_units, extra_columns=extra_columns)
    if table.empty:
        msg = (
            "there are no transactions to learn from: the table has 0 rows."
            "\n\nHint: make_transactions(200) gives a table to try things on"
        )
        raise ParameterError(msg)
    described = {column.name for column in extra_columns}
    starts, notes = _given_starts(given, table[CUSTOMER], minor_units)
    if BALANCE in table.columns:
        ordered = order_transactions(table, minor_units=minor_units)
    else:
        ordered = table.sort_values([CUSTOMER, DATE], kind="stable")
    place = ordered.index.to_numpy(dtype=np.int64)
    starts, more = _starts(ordered, place, None if starts is None else starts[place], minor_units)
    names = [CUSTOMER, DATE, AMOUNT, TYPE, CATEGORY, *(column.name for column in extra_columns)]
    ready = ordered[names].reset_index(drop=True)
    ready.insert(names.index(CATEGORY) + 1, STARTING, from_minor(starts, minor_units))
    warnings = [*_ignored(given, described), *notes, *more]
    return Prepared(TrainingTable(*read_kinds(ready, extra_columns), minor_units), warnings)


def _ignored(frame: Any, described: set[str]) -> list[str]:
    known = {*COLUMNS, *described, STARTING}
    others = [str(name) for name in _frames.column_names(frame) if name not in known]
    if not others:
        return []
    return [
        f"columns that are not described were not learned: {', '.join(others)}; describe them with "
        f'extra_columns=[ExtraColumn({others[0]!r}, kind="category")], or --extra {others[0]}=category'
    ]


def _given_starts(
    frame: Any, customer: pd.Series[str], minor_units: int
) -> tuple[IntArray | None, list[str]]:
    """Return the column ``starting_amount`` in minor units if every customer has one amount there."""
    if STARTING not in _frames.column_names(frame):
        return None, []
    column = _frames.sub_frame(frame, [STARTING])[STARTING]
    amounts = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    minor = np.rint(amounts * 10**minor_units)
    sound = np.isfinite(minor) & (np.abs(minor) < LARGEST)
    if sound.all():
        starts = minor.astype(np.int64)
        if pd.Series(starts).groupby(customer.to_numpy()).nunique().eq(1).all():
            return starts, []
    why = "it is not the same in all rows of a customer" if sound.all() else "it is not a number in every row"
    return None, [f"the column {STARTING} was not used, because {why}"]


def _starts(
    ordered: pd.DataFrame, place: IntArray, given: IntArray | None, minor_units: int
) -> tuple[IntArray, list[str]]:
    """Return the starting amount of each row's customer in minor units, and what is odd about balances.

    Balances of real exports chain in the order of time or in that of the file (``place`` says where rows
    stood); the order in which more rows of the customer agree tells what the starting amount was.
    """
    if BALANCE not in ordered.columns:
        if given is not None:
            return given, []
        return np.zeros(len(ordered), np.int64), [
            f"there is no {BALANCE} and no {STARTING}, so every customer starts with 0"
        ]
    customer = pd.factorize(ordered[CUSTOMER])[0].astype(np.int64)
    signed = to_minor(ordered[AMOUNT], minor_units) * np.where(ordered[TYPE] == "credit", 1, -1)
    balance = np.rint(ordered[BALANCE].to_numpy(dtype=np.float64) * 10**minor_units).astype(np.int64)
    by_time = _chain(customer, signed, balance, np.arange(len(ordered)))
    by_file = _chain(customer, signed, balance, np.lexsort((place, customer)))
    implied = np.where(by_file.agrees > by_time.agrees, by_file.start, by_time.start)[customer]
    notes = _broken(len(ordered) - by_time.n_follow, len(ordered))
    if given is None:
        return implied, notes
    contradicted = len(np.unique(customer[given != implied]))
    if contradicted:
        notes.append(
            f"{STARTING} is not what the balances imply for {contradicted:,} of {customer.max() + 1:,} "
            f"customers; {STARTING} was believed"
        )
    return given, notes


def _broken(n_broken: int, n_rows: int) -> list[str]:
    if not n_broken:
        return []
    return [
        f"{n_broken:,} of {n_rows:,} balances do not follow from the amounts in the order of time "
        f"({n_broken / n_rows:.1%}); they were learned from all the same, and what is generated adds up"
    ]


def _chain(customer: IntArray, signed: IntArray, balance: IntArray, order: IntArray) -> Chain:
    """Follow the balances of contiguous customers in one order of the rows."""
    who, flow, found = customer[order], signed[order], balance[order]
    first = np.r_[True, np.diff(who) != 0]
    at = np.flatnonzero(first)
    length = np.diff(np.r_[at, len(who)])
    start = found[at] - flow[at]
    total = np.cumsum(flow)
    since = total - np.repeat(total[at] - flow[at], length)
    agrees = np.add.reduceat((np.repeat(start, length) + since == found).astype(np.int64), at)
    follows = first | np.r_[True, np.diff(found) == flow[1:]]
    return Chain(start, agrees, int(follows.sum()))
