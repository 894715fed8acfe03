"""Bounded histories: what queries see of a table, customer after customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from gretel_fin_synth.training.backend import TrainingTable

IntArray = npt.NDArray[np.int64]
SECONDS = 24 * 60 * 60
OTHER = "other"


@dataclass(frozen=True)
class Customers:
    """Histories of n customers as flat arrays, chronological inside a customer.

    Parameters
    ----------
    type, category : ndarray of object, shape (rows,)
        As in the table.
    day, seconds, cents : ndarray of shape (rows,)
        Days since 1970-01-01, seconds of the day, minor units.
    offset : ndarray of shape (n + 1,)
        Where customers begin.
    start : ndarray of shape (n,)
        Starting amounts, minor units.
    extra : dict of str to ndarray
        Extra columns, shape (rows,).
    kind : ndarray of shape (rows,) or None
        Codes of the kinds once they are known; -1 for rows of other kinds.
    """

    type: npt.NDArray[np.object_]
    category: npt.NDArray[np.object_]
    day: IntArray
    seconds: IntArray
    cents: IntArray
    offset: IntArray
    start: IntArray
    extra: dict[str, npt.NDArray[Any]]
    kind: IntArray

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def length(self) -> IntArray:
        """Rows of each customer."""
        return np.diff(self.offset)

    @cached_property
    def who(self) -> IntArray:
        """Number of each row's customer."""
        return np.repeat(np.arange(len(self)), self.length)

    @cached_property
    def month(self) -> IntArray:
        """Months since 1970-01."""
        return self.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)

    @cached_property
    def day_of_month(self) -> IntArray:
        """Days since the first of the month, from 0; 31 on the month's last day."""
        first = self.month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        after = (self.month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        return np.where(self.day == after - 1, 31, self.day - first)

    @cached_property
    def weekday(self) -> IntArray:
        """0 on Monday."""
        return (self.day + 3) % 7

    def take(self, customers: IntArray) -> Customers:
        """Return these customers."""
        length = self.length[customers]
        offset = np.r_[0, np.cumsum(length)]
        rows = np.repeat(self.offset[customers] - offset[:-1], length) + np.arange(offset[-1])
        return self._rows(rows, offset, self.start[customers])

    def with_kinds(self, kinds: list[tuple[str, str]]) -> Customers:
        """Return the rows of these pairs of type and category, coded; customers may be left without rows."""
        lookup = {pair: code for code, pair in enumerate(kinds)}
        pairs = zip(self.type, self.category, strict=True)
        rest = {name: lookup.get((name, OTHER), -1) for name in ("credit", "debit")}
        kind = np.array([lookup.get(pair, rest[pair[0]]) for pair in pairs], dtype=np.int64)
        kept = np.flatnonzero(kind >= 0)
        counts = np.bincount(self.who[kept], minlength=len(self))
        coded = self._rows(kept, np.r_[0, np.cumsum(counts)], self.start)
        return replace(coded, kind=kind[kept])

    def inside(self, first: int, last: int) -> Customers:
        """Return the rows from one day to another, both included."""
        kept = np.flatnonzero((self.day >= first) & (self.day <= last))
        counts = np.bincount(self.who[kept], minlength=len(self))
        return self._rows(kept, np.r_[0, np.cumsum(counts)], self.start)

    def _rows(self, rows: IntArray, offset: IntArray, start: IntArray) -> Customers:
        return Customers(
            self.type[rows],
            self.category[rows],
            self.day[rows],
            self.seconds[rows],
            self.cents[rows],
            offset,
            start,
            {name: values[rows] for name, values in self.extra.items()},
            self.kind[rows],
        )


def bounded(table: TrainingTable, max_transactions: int) -> Customers:
    """Return the first ``max_transactions`` transactions of every customer."""
    frame = table.frame
    customer = pd.factorize(frame["customer_id"])[0]
    at = np.flatnonzero(np.diff(customer, prepend=-1))
    place = np.arange(len(frame)) - at[customer]
    kept = np.flatnonzero(place < max_transactions)
    moment = frame["transaction_date"].to_numpy().astype("datetime64[s]")
    date = moment.astype("datetime64[D]")
    scale = 10**table.minor_units
    minor = np.rint(frame["transaction_amount"].to_numpy(dtype=float) * scale).astype(np.int64)
    start = np.rint(frame["starting_amount"].to_numpy(dtype=float) * scale).astype(np.int64)
    return Customers(
        frame["transaction_type"].to_numpy(dtype=object)[kept],
        frame["transaction_category"].to_numpy(dtype=object)[kept],
        date.astype(np.int64)[kept],
        (moment - date).astype(np.int64)[kept],
        minor[kept],
        np.r_[0, np.cumsum(np.bincount(customer[kept]))],
        start[at],
        {column.name: frame[column.name].to_numpy()[kept] for column in table.extra_columns},
        np.full(len(kept), -1, dtype=np.int64),
    )
