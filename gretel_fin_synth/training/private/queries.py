"""What is asked of a table about kinds, sizes and days: for each customer alone, what it adds to which cell.

Every function takes :class:`Customers` and what was released before, and returns :class:`Cells`; what one
customer adds never depends on another customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.gateway import Cells
from gretel_fin_synth.training.private.grids import (
    AMOUNT_BINS,
    COUNT_EDGES,
    FIRST_EPOCH_MONTH,
    N_EPOCH_MONTHS,
    ROUND,
    amount_bin,
    round_class,
)

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.customers import Customers

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """What queries may use because it is public or was released before.

    Parameters
    ----------
    sign : ndarray of shape (kinds,)
        1 for credits, -1 for debits.
    first_month, n_months : int
        The window, in months since 1970-01.
    fold : int, default 1
        Cells of amounts that are counted as one.
    """

    sign: IntArray
    first_month: int
    n_months: int
    fold: int = 1

    @property
    def n_kinds(self) -> int:
        """Number of kinds."""
        return len(self.sign)


def active_months(customers: Customers) -> Cells:
    """Months in which a customer has transactions, since 1900."""
    month = np.clip(customers.month - FIRST_EPOCH_MONTH, 0, N_EPOCH_MONTHS - 1)
    pairs = np.unique(customers.who * N_EPOCH_MONTHS + month)
    return Cells.counts(pairs // N_EPOCH_MONTHS, pairs % N_EPOCH_MONTHS, (N_EPOCH_MONTHS,))


def transactions(customers: Customers) -> Cells:
    """How many transactions a customer has."""
    present = np.flatnonzero(customers.length > 0)
    cell = np.searchsorted(COUNT_EDGES, customers.length[present], side="right")
    return Cells.counts(present, cell, (len(COUNT_EDGES) + 1,))


def held_kinds(customers: Customers) -> list[list[tuple[str, str]]]:
    """Pairs of type and category of each customer, the most frequent first."""
    pairs = list(zip(customers.type, customers.category, strict=True))
    owned = []
    for begin, end in zip(customers.offset[:-1], customers.offset[1:], strict=True):
        counts: dict[tuple[str, str], int] = {}
        for pair in pairs[begin:end]:
            counts[pair] = counts.get(pair, 0) + 1
        owned.append(sorted(counts, key=lambda pair: (-counts[pair], pair)))
    return owned


def pairs_of(customers: Customers, n_kinds: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return customer and kind of every held pair, and the pair of each row."""
    key, index = np.unique(customers.who * n_kinds + customers.kind, return_inverse=True)
    return key // n_kinds, key % n_kinds, index


def kind_rows(customers: Customers, known: Known) -> Cells:
    """Rows of each kind."""
    return Cells.counts(customers.who, customers.kind, (known.n_kinds,))


def kind_holders(customers: Customers, known: Known) -> Cells:
    """Whether a customer has a kind."""
    who, kind, _ = pairs_of(customers, known.n_kinds)
    return Cells.counts(who, kind, (known.n_kinds,))


def holder_pairs(customers: Customers, known: Known) -> Cells:
    """Which two kinds a customer has."""
    who, kind, _ = pairs_of(customers, known.n_kinds)
    held = np.zeros((len(customers), known.n_kinds), dtype=np.bool_)
    held[who, kind] = True
    owner, one, other = np.nonzero(held[:, :, None] & held[:, None, :])
    return Cells.counts(owner, one * known.n_kinds + other, (known.n_kinds, known.n_kinds))


def n_kinds_held(customers: Customers, known: Known) -> Cells:
    """How many kinds a customer has."""
    who, _, _ = pairs_of(customers, known.n_kinds)
    count = np.bincount(who, minlength=len(customers))
    present = np.flatnonzero(count)
    return Cells.counts(present, count[present], (known.n_kinds + 1,))


def kind_amounts(customers: Customers, known: Known) -> Cells:
    """Rows of each kind by size of the amount."""
    n = AMOUNT_BINS // known.fold
    cell = customers.kind * n + amount_bin(customers.cents) // known.fold
    return Cells.counts(customers.who, cell, (known.n_kinds, n))


def kind_rounding(customers: Customers, known: Known) -> Cells:
    """Rows of each kind by roundness of the amount."""
    cell = customers.kind * len(ROUND) + round_class(customers.cents)
    return Cells.counts(customers.who, cell, (known.n_kinds, len(ROUND)))


def cents(customers: Customers, known: Known) -> Cells:
    """Last two digits of amounts that are in no class of roundness."""
    del known
    odd = round_class(customers.cents) == len(ROUND) - 1
    return Cells.counts(customers.who[odd], customers.cents[odd] % 100, (100,))


def kind_days(customers: Customers, known: Known) -> Cells:
    """Rows of each kind by day of the month; the last day of a month has a cell of its own."""
    cell = customers.kind * 32 + customers.day_of_month
    return Cells.counts(customers.who, cell, (known.n_kinds, 32))


def kind_weekdays(customers: Customers, known: Known) -> Cells:
    """Rows of each kind by weekday."""
    return Cells.counts(customers.who, customers.kind * 7 + customers.weekday, (known.n_kinds, 7))


def months(customers: Customers, known: Known) -> Cells:
    """Rows of each month of the window."""
    return Cells.counts(customers.who, customers.month - known.first_month, (known.n_months,))


def hours(customers: Customers, known: Known) -> Cells:
    """Rows of each hour of the day; midnight to the second has a cell of its own, the last."""
    del known
    cell = np.where(customers.seconds == 0, 24, customers.seconds // 3600)
    return Cells.counts(customers.who, cell, (25,))


def spans(customers: Customers, known: Known) -> Cells:
    """First and last month of a customer: one cell of each."""
    present = np.flatnonzero(customers.length)
    first, last = customers.offset[present], customers.offset[present + 1] - 1
    begin = customers.month[first] - known.first_month
    end = known.n_months + customers.month[last] - known.first_month
    return Cells.counts(np.r_[present, present], np.r_[begin, end], (2 * known.n_months,))
