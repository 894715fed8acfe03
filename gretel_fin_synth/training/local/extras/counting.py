"""Counting without loops: codes for combinations, customers per code, earlier rows of the same code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


LARGEST = 2**62
SPARSE = 16


def dense(*columns: IntArray) -> tuple[IntArray, int]:
    """Give the combinations of some columns the numbers 0, 1, ... in sorted order.

    Returns
    -------
    code : ndarray of shape (n,)
        The number of each row's combination.
    n : int
        How many there are.

    Examples
    --------
    >>> import numpy as np
    >>> code, n = dense(np.array([7, 7, 3, 7]), np.array([1, 2, 1, 1]))
    >>> code.tolist(), n
    ([1, 2, 0, 1], 3)
    """
    code, total = np.zeros(len(columns[0]), np.int64), 1
    if not len(code):
        return code, 0
    for column in columns:
        low = int(column.min())
        width = int(column.max()) - low + 1
        if total > LARGEST // width:
            code, total = _compress(code, total)
            column, width = _compress(column - low, width)
            low = 0
        code, total = code * width + (column - low), total * width
    return _compress(code, total)


def _compress(code: IntArray, total: int) -> tuple[IntArray, int]:
    """Renumber codes below `total` without gaps; by sorting only where they are sparse."""
    if total > SPARSE * len(code) + 1024:
        values, inverse = np.unique(code, return_inverse=True)
        return inverse.astype(np.int64, copy=False), len(values)
    seen = np.zeros(total, np.int64)
    seen[code] = 1
    number = np.cumsum(seen) - 1
    return number[code], int(number[-1]) + 1


@dataclass(frozen=True)
class Counted:
    """Groups of rows, and the part of each that is one customer's.

    Parameters
    ----------
    group, own : ndarray of shape (n,)
        Codes of the group, and of group and customer.
    n, n_own : int
        How many there are of each.
    """

    group: IntArray
    own: IntArray
    n: int
    n_own: int

    @classmethod
    def of(cls, person: IntArray, *columns: IntArray) -> Counted:
        """Group rows by the combinations of some columns, in sorted order.

        Examples
        --------
        >>> import numpy as np
        >>> groups = Counted.of(np.array([4, 4, 5, 5]), np.array([0, 0, 0, 1]))
        >>> groups.holders().tolist(), groups.elsewhere().tolist()
        ([2, 1], [1.0, 1.0, 2.0, 0.0])
        """
        group, n = dense(*columns)
        own, n_own = dense(group, person)
        return cls(group, own, n, n_own)

    def size(self, weight: FloatArray | None = None) -> FloatArray:
        """Return the rows of each group, or the sum of their weights."""
        return np.bincount(self.group, weight, self.n).astype(np.float64, copy=False)

    def holders(self) -> IntArray:
        """Return the customers of each group."""
        group = np.empty(self.n_own, np.int64)
        group[self.own] = self.group
        return np.bincount(group, minlength=self.n)

    def first(self) -> IntArray:
        """Return a row of each group."""
        row = np.empty(self.n, np.int64)
        row[self.group] = np.arange(len(self.group))
        return row

    def elsewhere(self, weight: FloatArray | None = None) -> FloatArray:
        """Return, for each row, how many rows of its group others have, or the sum of their weights."""
        own = np.bincount(self.own, weight, self.n_own)
        return self.size(weight)[self.group] - own[self.own]


@dataclass(frozen=True)
class Runs:
    """Rows of the same code, in the order of the table.

    Parameters
    ----------
    order : ndarray of shape (n,)
        The rows sorted by code, those of one code in their order.
    place : ndarray of shape (n,)
        Where each row stands in `order`.
    rank : ndarray of shape (n,)
        How many rows of its code come before each row.
    """

    order: IntArray
    place: IntArray
    rank: IntArray

    @classmethod
    def of(cls, code: IntArray) -> Runs:
        """Find the rows of each code."""
        n = len(code)
        order = np.argsort(code, kind="stable")
        position = np.arange(n)
        begins = np.r_[True, np.diff(code[order]) != 0][:n]
        first = np.maximum.accumulate(np.where(begins, position, 0))
        rank, place = np.empty(n, np.int64), np.empty(n, np.int64)
        rank[order], place[order] = position - first, position
        return cls(order, place, rank)

    @property
    def previous(self) -> IntArray:
        """The row of the same code before each row; the row itself where it is the first."""
        return self.order[self.place - (self.rank > 0)]

    def pick(self, uniform: FloatArray) -> IntArray:
        """Return one of the rows of the same code before each row, every one as likely as any other."""
        back = self.rank - np.minimum((uniform * self.rank).astype(np.int64), self.rank - 1)
        return self.order[self.place - np.where(self.rank > 0, back, 0)]


def follow(source: IntArray) -> IntArray:
    """Return where each row ends up that takes its value from another, that one from another, and so on.

    Examples
    --------
    >>> import numpy as np
    >>> follow(np.array([0, 0, 1, 3, 2])).tolist()
    [0, 0, 0, 3, 0]
    """
    while True:
        further = source[source]
        if (further == source).all():
            return source
        source = further


def count_distinct(codes: IntArray) -> int:
    """Count different codes, all at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> count_distinct(np.array([3, 0, 3]))
    2
    """
    return int(np.count_nonzero(np.bincount(codes)))


def lower_quantiles(values: npt.NDArray[Any], shares: FloatArray) -> npt.NDArray[Any]:
    """Return, for each share, the largest of the values below which no more than this share lies.

    Examples
    --------
    >>> import numpy as np
    >>> lower_quantiles(np.array([9, 1, 5, 7]), np.array([0.0, 0.5, 0.99])).tolist()
    [1, 5, 7]
    """
    return np.sort(values)[np.floor(shares * (len(values) - 1)).astype(np.int64)]
