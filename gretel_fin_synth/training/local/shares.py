"""Amounts that are a share of something: interest of the balance over time, a fee of the last income.

A bank that pays interest multiplies a balance by days and a rate. Drawn as an amount of its own, interest
fits its customer only roughly; drawn as a share of what it is paid on, it fits to the rounding. A salary that
is a little different each month stays near the customer's own mean. For each kind
of transaction the table knows which base, if any, makes its amounts steadier, and cells of the ratio of
amount to base, each of at least k customers, in which every ratio is as likely as any other on the
logarithmic scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.amounts import cut

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import Sequences

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

#: Bases, in minor units or minor units times days: the balance above and below zero over the days since the
#: customer's last transaction of the kind, the balance, the customer's last credit, the mean of the
#: customer's earlier amounts of the kind.
BASES = ("positive area", "negative area", "balance", "last credit", "own mean")
PLUS, MINUS, BALANCE, CREDIT, OWN = range(len(BASES))
SCALE = 1e10
MAX_CELLS = 16
LEAST_ROWS = 40
STEADIER = 0.5
OWN_STEADIER = 0.7
LEAST_OWN = 0.25
STEPS = (1000, 500, 100, 50, 10, 5, 1)


@dataclass(frozen=True)
class ShareTable:
    """Ratios of amounts to their base, per kind.

    ``base`` (kinds,) is an index of BASES or -1; ``low`` and ``high`` (kinds, cells) ends of cells of
    the ratio times SCALE; ``mass`` (kinds, cells), 0 for padding; ``position`` of the cells in the
    distribution of ratios, 0..1; ``step``, ``least`` and ``most`` (kinds,) of the amounts, minor units.
    """

    base: IntArray
    low: FloatArray
    high: FloatArray
    mass: FloatArray
    position: FloatArray
    step: IntArray
    least: IntArray
    most: IntArray

    @property
    def n_cells(self) -> int:
        """Cells per kind."""
        return self.low.shape[1]

    @classmethod
    def fit(
        cls,
        kind: IntArray,
        cents: IntArray,
        customer: IntArray,
        bases: FloatArray,
        limits: tuple[IntArray, IntArray],
        k: int,
    ) -> ShareTable:
        """Learn from rows, their :func:`bases_of` and the least and most amount of each kind."""
        n_kinds = len(limits[0])
        base, step = np.full(n_kinds, -1), np.ones(n_kinds, np.int64)
        low, high = np.ones((n_kinds, MAX_CELLS)), np.ones((n_kinds, MAX_CELLS))
        mass, position = np.zeros((n_kinds, MAX_CELLS)), np.full((n_kinds, MAX_CELLS), 0.5)
        for i in range(n_kinds):
            rows = np.flatnonzero(kind == i)
            base[i] = _best_base(cents[rows], customer[rows], bases[rows], k)
            if base[i] < 0:
                continue
            step[i] = next(size for size in STEPS if (cents[rows] % size == 0).mean() > 0.99 or size == 1)
            rows = rows[bases[rows, base[i]] > 0]
            ratio = np.maximum(np.rint(cents[rows] / bases[rows, base[i]] * SCALE), 1).astype(np.int64)
            cells = np.array(cut(ratio, customer[rows], k, MAX_CELLS), float)
            count, width = cells[:, 2], len(cells)
            low[i, :width], high[i, :width] = cells[:, 0], cells[:, 1]
            mass[i, :width] = count / count.sum()
            position[i, :width] = (np.cumsum(count) - count / 2) / count.sum()
        return cls(base, low, high, mass, position, step, *limits)

    def encode(self, kind: IntArray, cents: IntArray, base: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the cell of each amount or -1, and the log probability of the amount inside its cell."""
        safe = np.where(base > 0, base, 1.0)
        ratio = (cents / safe * SCALE)[:, None]
        low, high = self.low[kind], self.high[kind]
        inside = (ratio >= low - 0.5) & (ratio <= high + 0.5) & (self.mass[kind] > 0) & (base > 0)[:, None]
        cell = np.where(inside.any(axis=1), inside.argmax(axis=1), -1)
        rows, half = np.arange(len(kind)), np.minimum(self.step[kind] / 2, cents / 2)
        width = np.maximum(np.log(high[rows, cell] / low[rows, cell]), 1e-9)
        bin_width = np.log((cents + half) / (cents - half))
        return cell, np.minimum(np.log(bin_width / width), 0.0)

    def draw(self, kind: IntArray, cell: IntArray, base: FloatArray, uniform: FloatArray) -> IntArray:
        """Return an amount of the cell for each number in [0, 1)."""
        low, high, step = self.low[kind, cell], self.high[kind, cell], self.step[kind]
        amount = base * low * (high / low) ** uniform / SCALE
        rounded = np.rint(amount / step).astype(np.int64) * step
        return np.clip(rounded, np.maximum(self.least[kind], step), self.most[kind])

    def middles(self, kind: IntArray, base: FloatArray) -> IntArray:
        """Return a typical amount of each cell, (rows, cells), minor units."""
        ratio = np.sqrt(self.low[kind] * self.high[kind]) / SCALE
        return np.rint(np.minimum(base[:, None] * ratio, self.most[kind][:, None])).astype(np.int64)

    def usable(self, kind: IntArray, base: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which cells give an amount of at least half a step, (rows, cells)."""
        amount = base[:, None] * self.high[kind] / SCALE
        return (self.mass[kind] > 0) & (amount >= self.step[kind][:, None] / 2)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ShareTable:
        """Inverse of :meth:`to_dict`."""
        return cls(**{name: np.array(value) for name, value in values.items()})


def bases_of(data: Sequences, start: IntArray, sign: IntArray) -> FloatArray:
    """Return the bases of every row as they stand before it, (rows, len(BASES))."""
    customer = data.customer
    signed = data.cents * sign[data.kind]
    total = np.cumsum(signed)
    before = total - signed + np.repeat(start - np.r_[0, total][data.offset[:-1]], data.length)
    days = np.diff(data.day, prepend=data.day[0])
    days[data.offset[:-1]] = 0
    area = np.cumsum(
        np.stack([np.maximum(before, 0), np.maximum(-before, 0)], axis=1) * days[:, None], axis=0
    )
    order = np.lexsort((np.arange(len(customer)), data.kind, customer))
    again = np.r_[False, (np.diff(customer[order]) == 0) & (np.diff(data.kind[order]) == 0)]
    since = np.repeat(data.offset[:-1], data.length)
    since[order[again]] = order[np.flatnonzero(again) - 1]
    credit = np.where(signed > 0, np.arange(len(customer)), -1)
    credit = np.maximum.accumulate(credit)
    last = np.r_[-1, credit[:-1]]
    income = np.where(last >= np.repeat(data.offset[:-1], data.length), data.cents[last], 0)
    own = np.empty(len(customer))
    own[order] = _means_before(data.cents[order].astype(float), again)
    return np.column_stack([(area - area[since]).astype(float), np.maximum(before, 0), income, own])


def _means_before(values: FloatArray, again: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the mean of the values before each one in its group, 0 where a group begins (not ``again``)."""
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(values))))
    total = np.r_[0.0, np.cumsum(values)[:-1]]
    number = np.arange(len(values)) - first
    return np.where(number > 0, (total - total[first]) / np.maximum(number, 1), 0.0)


def _best_base(cents: IntArray, customer: IntArray, bases: FloatArray, k: int) -> int:
    """Return the base whose ratios vary least, or -1 where none is much steadier than the amounts."""
    spread, own = _spreads(np.log(cents), customer)
    best, least = -1, STEADIER * spread
    for base in range(OWN):
        rows = bases[:, base] > 0
        if rows.mean() < 0.6 or rows.sum() < LEAST_ROWS or len(np.unique(customer[rows])) < 2 * k:
            continue
        wide, within = _spreads(np.log(cents[rows] / bases[rows, base]), customer[rows])
        if wide < least and within < STEADIER * own:
            best, least = base, wide
    return OWN if best < 0 and _near_own(cents, customer, bases[:, OWN], k) else best


def _near_own(cents: IntArray, customer: IntArray, own: FloatArray, k: int) -> bool:
    """Whether new amounts lie much nearer to the customer's earlier ones than to other customers'."""
    rows = own > 0
    if rows.mean() < LEAST_OWN or rows.sum() < LEAST_ROWS or len(np.unique(customer[rows])) < 2 * k:
        return False
    near, spread = (
        _spreads(np.log(cents[rows] / own[rows]), customer[rows])[0],
        _spreads(np.log(cents), customer)[0],
    )
    return near < OWN_STEADIER * spread


def _spreads(logs: FloatArray, customer: IntArray) -> tuple[float, float]:
    """Return the interquartile range of all values, and the mean distance from the customer's median."""
    order = np.lexsort((logs, customer))
    begin = np.flatnonzero(np.r_[True, np.diff(customer[order]) != 0])
    length = np.diff(np.r_[begin, len(order)])
    middle = logs[order][begin + length // 2]
    own = float(np.abs(logs[order] - np.repeat(middle, length)).mean())
    return float(np.subtract(*np.quantile(logs, [0.75, 0.25]))), own
