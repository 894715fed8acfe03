"""What a bank would have a model learn from transactions, as examples of what is known and what follows.

Every example looks back only. Tables are turned into examples together, so that categories get equal codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import row_matrices, signed_log
from gretel_fin_synth.evaluation._table import shared_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["HORIZON", "Examples", "next_category", "next_net_flow", "overdraft"]

HORIZON = 30
"""Days within which an overdraft is to be foreseen."""

_FUTURE = ("rows_left", "length")


@dataclass(frozen=True, eq=False)
class Examples:
    """What is known, and what is to be foreseen.

    Attributes
    ----------
    features : numpy.ndarray of float64, shape (n_examples, n_features)
        What is known; NaN where something is missing.
    label : numpy.ndarray
        Code of a category, minor units, or 0 and 1.
    customer : numpy.ndarray of int64
        Number of the customer that each example is of.
    """

    features: Floats
    label: NDArray[np.generic]
    customer: Ints

    def __len__(self) -> int:
        return len(self.label)

    def sample(self, size: int, rng: np.random.Generator) -> Examples:
        """Return random examples, or all of them if there are no more."""
        if len(self) <= size:
            return self
        return self.take(np.sort(rng.choice(len(self), size=size, replace=False)))

    def take(self, chosen: Ints) -> Examples:
        """Return the examples at these places."""
        return Examples(self.features[chosen], self.label[chosen], self.customer[chosen])


def next_category(tables: Sequence[Table]) -> list[Examples]:
    """Return one example for each transaction that has a next one, labelled with the category of that."""
    matrices, _ = row_matrices(tables)
    categories, _ = shared_codes(*(table.category for table in tables))
    names = [name for name in matrices[0].names if name not in _FUTURE]
    examples = []
    for table, matrix, category in zip(tables, matrices, categories, strict=True):
        rows = np.flatnonzero(np.diff(table.customer) == 0)
        examples.append(Examples(matrix.columns(names)[rows], category[rows + 1], table.customer[rows]))
    return examples


def next_net_flow(tables: Sequence[Table]) -> list[Examples]:
    """Return one example for each month between two of a customer's, labelled with the net flow of the next.

    Labels are in minor units. A month without transactions between others counts, with nothing in or out.
    """
    return [_months(table) for table in tables]


def overdraft(tables: Sequence[Table]) -> list[Examples]:
    """Return one example for each month of a customer, labelled 1 if an overdraft follows within 30 days.

    It is asked after the last transaction of the month, if the balance is not below 0 then, and if the table
    goes on for 30 days.
    """
    matrices, _ = row_matrices(tables)
    names = [name for name in matrices[0].names if name not in _FUTURE]
    return [
        _before_overdraft(table, matrix.columns(names))
        for table, matrix in zip(tables, matrices, strict=True)
    ]


def _months(table: Table) -> Examples:
    first = table.month[table.starts[:-1]]
    count = table.month[table.starts[1:] - 1] - first + 1
    begin = np.cumsum(count) - count
    cell = begin[table.customer] + table.month - first[table.customer]
    size = int(count.sum())
    owner = np.repeat(np.arange(table.n_customers), count)
    come = np.bincount(cell, table.cents * table.is_credit, minlength=size)
    gone = np.bincount(cell, table.cents * ~table.is_credit, minlength=size)
    largest = np.zeros(size)
    np.maximum.at(largest, cell, table.cents * table.is_credit)
    net, nth = come - gone, np.arange(size) - begin[owner]
    so_far = np.cumsum(net) - (np.cumsum(net) - net)[begin][owner]
    month = (np.arange(size) - begin[owner] + first[owner]) % 12
    now = np.flatnonzero((nth >= 1) & (nth < count[owner] - 1))
    columns = [nth, month, so_far / (nth + 1)]
    history = [net, come, gone, largest, np.bincount(cell, minlength=size)]
    known = [column[now] for column in columns] + [each[now - back] for each in history for back in (0, 1)]
    return Examples(np.column_stack(known).astype(np.float64), net[now + 1], owner[now])


def _before_overdraft(table: Table, described: Floats) -> Examples:
    width = int(np.ptp(table.day)) + 2 * HORIZON + 2
    place = table.customer * width + table.day - int(table.day.min()) + HORIZON
    below = table.balance_known & (table.balance_cents < 0)
    falls = np.concatenate([[0], np.cumsum(below)])
    until = np.searchsorted(place, place + HORIZON, side="right")
    since = np.searchsorted(place, place - HORIZON, side="left")
    last = np.append(np.diff(table.customer * 2**20 + table.month) != 0, [True])
    asked = last & table.balance_known & ~below & (table.day + HORIZON <= int(table.day.max()))
    now = np.flatnonzero(asked)
    known = [described[now]]
    for mask in (table.is_credit, ~table.is_credit):
        total = np.concatenate([[0], np.cumsum(table.cents * mask)])
        known.append(np.log1p(total[now + 1] - total[since[now]])[:, None])
    before = falls[now] - falls[table.starts[:-1][table.customer[now]]]
    known += [before[:, None], signed_log(_lowest(table, since, now))[:, None]]
    following = falls[until[now]] - falls[now + 1] > 0
    features = np.concatenate(known, axis=1).astype(np.float64)
    return Examples(features, following.astype(np.int64), table.customer[now])


def _lowest(table: Table, since: Ints, now: Ints) -> Ints:
    """Return the lowest balance of the last 30 days, in minor units."""
    if len(now) == 0:
        return np.zeros(0, dtype=np.int64)
    balance = np.where(table.balance_known, table.balance_cents, np.iinfo(np.int64).max)
    bounds = np.column_stack([since[now], now + 1]).ravel()
    padded = np.append(balance, np.iinfo(np.int64).max)
    return np.minimum.reduceat(padded, bounds)[::2]
