"""Numbers as whole steps of a grid, and as cells that hold at least k customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import Counted, count_distinct, dense, lower_quantiles

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_DECIMALS = 9
SIGNIFICANT = 7
MAX_EXACT = 60
MIN_SHARE = 0.005
MAX_RANGES = 24
ROWS_PER_RANGE = 8
WIDE = 4
LARGEST = 2.0**52


@dataclass(frozen=True)
class Grid:
    """The decimals of a column: its numbers are multiples of ``step * 10**-decimals``.

    Parameters
    ----------
    decimals : int
        Decimals; below 0 for numbers that end in zeros.
    step : int
        Greatest common divisor of the numbers without their point.
    single : bool
        Whether the numbers have the precision of 32 bits.
    whole : bool
        Whether the column's dtype is one of integers.
    """

    decimals: int
    step: int
    single: bool = False
    whole: bool = False

    @classmethod
    def fit(cls, values: FloatArray, *, whole: bool = False) -> Grid:
        """Find the decimals; numbers without an end are kept to 7 significant digits."""
        single = not whole and bool((values.astype(np.float32) == values).all())
        largest = float(np.abs(values).max(initial=0))
        for decimals in range(MAX_DECIMALS + 1):
            if largest * 10.0**decimals > LARGEST:
                break
            rounded = np.rint(values * 10.0**decimals) / 10.0**decimals
            if single and decimals:
                rounded = rounded.astype(np.float32).astype(np.float64)
            if (rounded == values).all():
                step = int(np.gcd.reduce(np.rint(values * 10.0**decimals).astype(np.int64))) or 1
                return cls(decimals, step, single and decimals > 0, whole)
        small = float(lower_quantiles(np.abs(values[values != 0]), np.array([0.1]))[0])
        digits = min(SIGNIFICANT - 1 - int(np.floor(np.log10(small))), int(15 - np.ceil(np.log10(largest))))
        return cls(digits, 1, single, whole)

    def encode(self, values: FloatArray) -> IntArray:
        """Return numbers as whole steps."""
        return np.rint(values * 10.0**self.decimals / self.step).astype(np.int64)

    def decode(self, steps: IntArray) -> npt.NDArray[Any]:
        """Return whole steps as numbers: integers if the column has them, else floats."""
        if self.whole:
            return steps * self.step if self.decimals == 0 else np.rint(self._numbers(steps)).astype(np.int64)
        numbers = self._numbers(steps)
        return numbers.astype(np.float32).astype(np.float64) if self.single else numbers

    def _numbers(self, steps: IntArray) -> FloatArray:
        whole = (steps * self.step).astype(np.float64)
        return whole / 10.0**self.decimals if self.decimals >= 0 else whole * 10.0**-self.decimals


@dataclass(frozen=True)
class Cells:
    """Exact values that many customers share, and ranges between them, in rising order.

    Parameters
    ----------
    low, high : ndarray of shape (cells,)
        First and last whole step; the same for an exact value.
    upto : ndarray of shape (cells,)
        Share of the rows in the cells up to each one; the last is 1.
    """

    low: IntArray
    high: IntArray
    upto: FloatArray

    @classmethod
    def fit(cls, steps: IntArray, person: IntArray, k: int) -> Cells:
        """Cut values into cells, each of k customers and within what k of them reach.

        There must be ``least_customers(k)`` customers, or k that share a value.
        """
        found = Counted.of(person, steps)
        values, count = steps[found.first()], found.size()
        shared = np.flatnonzero((found.holders() >= k) & (count >= MIN_SHARE * len(steps)))
        shared = np.sort(shared[np.argsort(-count[shared], kind="stable")][:MAX_EXACT])
        cells = [(int(values[i]), int(values[i]), int(count[i])) for i in shared]
        rest = ~np.isin(steps, values[shared])
        if count_distinct(person[rest]) >= k:
            cells += _ranges(steps[rest], person[rest], k)
        cells.sort(key=lambda cell: (cell[0] + cell[1], cell[0]))
        low, high, mass = (np.array(column, np.int64) for column in zip(*cells, strict=True))
        return cls(low, high, np.cumsum(mass) / mass.sum())

    def at(self, share: FloatArray) -> IntArray:
        """Return the value below which each share of the rows lies: the inverse distribution function."""
        cell = np.minimum(np.searchsorted(self.upto, share, side="right"), len(self.upto) - 1)
        before = np.r_[0.0, self.upto][cell]
        inside = np.clip((share - before) / (self.upto[cell] - before), 0, np.nextafter(1, 0))
        return _between(self.low[cell], self.high[cell], inside)

    def clip(self, steps: IntArray) -> IntArray:
        """Return values moved into what k customers reach."""
        return np.clip(steps, self.low.min(), self.high.max())

    def encode(self, steps: IntArray) -> IntArray:
        """Return the smallest cell that holds each value, or else the nearest."""
        value = steps[:, None]
        away = np.maximum(np.maximum(self.low - value, value - self.high), 0)
        width = (self.high - self.low) / (float(self.high.max() - self.low.min()) + 1)
        return (away + 0.5 * width).argmin(axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"low": self.low.tolist(), "high": self.high.tolist(), "upto": self.upto.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Cells:
        """Inverse of :meth:`to_dict`."""
        low, high = np.array(values["low"], np.int64), np.array(values["high"], np.int64)
        return cls(low, high, np.array(values["upto"], np.float64))


def _between(low: IntArray, high: IntArray, uniform: FloatArray) -> IntArray:
    """Return whole numbers from `low` to `high`: evenly spread, over wide ranges on the logarithmic scale."""
    wide = (low > 0) & (high >= WIDE * low)
    start = np.where(wide, low, 1).astype(np.float64)
    factor = np.where(wide, high + 1, 1) / start
    flat = low + uniform * (high - low + 1)
    steps = np.floor(np.where(wide, start * factor**uniform, flat)).astype(np.int64)
    return np.clip(steps, low, high)


def least_customers(k: int) -> int:
    """Return of how many customers each k reach a common value, whatever values they have."""
    return 2 * k - 1


def reach(values: IntArray, person: IntArray, k: int) -> tuple[int, int]:
    """Return the k-th lowest and the k-th highest of the customers' own extremes.

    The second may be below the first if fewer than 2 k - 1 customers have a value: k then reach nothing.
    """
    code, n = dense(person)
    lowest, highest = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(lowest, code, values)
    np.maximum.at(highest, code, values)
    return int(np.sort(lowest)[min(k, n) - 1]), int(np.sort(highest)[-min(k, n)])


def _ranges(values: IntArray, person: IntArray, k: int) -> list[tuple[int, int, int]]:
    """Cut values at quantiles into ranges of at least k customers: first, last, number of rows."""
    low, high = reach(values, person, k)
    if low > high:
        return []
    inside = np.clip(values, low, high)
    most = min(len(values) // ROWS_PER_RANGE, count_distinct(person) // k, MAX_RANGES)
    cuts = lower_quantiles(inside, np.linspace(0, 1, max(most, 1) + 1)[1:-1])
    ends = [int(end) for end in np.unique(cuts) if end < high]
    out: list[tuple[int, int, int]] = []
    begin = low
    for end in [*ends, high]:
        here = (inside >= begin) & (inside <= end)
        if count_distinct(person[here]) >= k:
            out.append((begin, end, int(here.sum())))
            begin = end + 1
        elif end == high and out:
            first, _, count = out.pop()
            out.append((first, high, count + int(here.sum())))
        elif end == high:
            out.append((begin, high, int(here.sum())))
    return out
