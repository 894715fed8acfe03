"""Amounts as cells: shared exact values, and ranges of one roundness, per kind of transaction.

An amount is either an *atom* (an exact value that at least k customers have in that kind: a fee, a round
sum) or lies in a *range* of amounts of one roundness (whole hundreds, x.99, cents), in which every value is
as likely as any other on the logarithmic scale, but for its last digits (see :mod:`.endings`). No cell holds
fewer than k customers, and its ends are clipped to what at least k customers reach or to two standard
deviations of the logarithm, so no cell tells of a single customer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.endings import FRACTIONS, LEAST_WIDTH, Endings

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

N_KNOTS = 33
MAX_ATOMS = 40
MAX_RANGES = 20
ROWS_PER_RANGE = 8
TAIL = 2.0
TAIL_BEYOND = 0.2
TAIL_CUTS = 4
WIDE = 1.5


@dataclass(frozen=True)
class Rounding:
    """Classes of roundness, coarsest first: amounts congruent to ``residue`` modulo ``step`` minor units."""

    step: IntArray
    residue: IntArray

    @classmethod
    def fit(cls, cents: IntArray) -> Rounding:
        """Powers of ten, and endings such as .99 that stand out among amounts that are no multiple of 10."""
        steps = [10**power for power in range(6, 0, -1)]
        odd = cents[cents % 10 != 0]
        endings: list[int] = []
        if len(odd) >= 50:
            share = np.bincount(odd % 100, minlength=100) / len(odd)
            endings = [int(e) for e in np.argsort(-share)[:4] if share[e] > 0.05]
        return cls(np.array([*steps, *[100] * len(endings), 1]), np.array([*[0] * len(steps), *endings, 0]))

    def classify(self, cents: IntArray) -> IntArray:
        """Return the coarsest class of each amount."""
        out = np.full(len(cents), len(self.step) - 1)
        for index in range(len(self.step) - 1, -1, -1):
            out[cents % self.step[index] == self.residue[index]] = index
        return out


@dataclass(frozen=True)
class AmountTable:
    """Cells of every kind, padded to one width.

    Arrays of shape (kinds, cells): ``low`` and ``high`` ends in minor units (equal for an atom), ``step`` and
    ``residue`` of its roundness, ``mass`` (share of the kind's rows; 0 for padding), ``position`` (middle
    of the cell in the kind's distribution function, 0..1), ``group`` (class of roundness; atoms keep
    theirs) and ``atom``. ``knots`` of shape (kinds, N_KNOTS): quantiles of the logarithm of the amounts.
    """

    low: IntArray
    high: IntArray
    step: IntArray
    residue: IntArray
    mass: FloatArray
    position: FloatArray
    group: IntArray
    atom: npt.NDArray[np.bool_]
    knots: FloatArray
    endings: Endings
    n_clipped: int

    @property
    def n_cells(self) -> int:
        """Cells per kind."""
        return self.low.shape[1]

    @property
    def n_groups(self) -> int:
        """Classes of roundness."""
        return int(self.group.max()) + 1

    @classmethod
    def fit(cls, kind: IntArray, cents: IntArray, customer: IntArray, n_kinds: int, k: int) -> AmountTable:
        """Cut each kind's amounts into cells that hold at least k customers."""
        rounding = Rounding.fit(cents)
        kinds = [_kind_cells(cents[kind == i], customer[kind == i], rounding, k) for i in range(n_kinds)]
        width = max(len(cells) for cells, _ in kinds)
        names = ("low", "high", "step", "residue", "mass", "position", "group", "atom")
        fill = {"step": 1, "low": 1, "high": 1}
        arrays: dict[str, Any] = {
            name: np.array(
                [[c[j] for c in cells] + [fill.get(name, 0)] * (width - len(cells)) for cells, _ in kinds]
            )
            for j, name in enumerate(names)
        }
        quantiles = (np.arange(N_KNOTS) + 0.5) / N_KNOTS
        arrays["knots"] = np.stack([np.quantile(np.log(cents[kind == i]), quantiles) for i in range(n_kinds)])
        for name in ("low", "high", "step", "residue", "group"):
            arrays[name] = arrays[name].astype(np.int64)
        arrays["mass"], arrays["position"] = arrays["mass"].astype(float), arrays["position"].astype(float)
        arrays["atom"] = arrays["atom"].astype(bool)
        even = Endings(np.full((2, n_kinds, 100), 0.01))
        found = cls(**arrays, endings=even, n_clipped=sum(c for _, c in kinds))
        step = found._ending_step(kind, found._cell_of(kind, cents))
        return replace(found, endings=Endings.fit(kind, cents, customer, step, n_kinds, k))

    def encode(self, kind: IntArray, cents: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the cell of each amount and the log probability of the amount inside its cell."""
        cell = self._cell_of(kind, cents)
        n_values = (self.high[kind, cell] - self.low[kind, cell]) // self.step[kind, cell] + 1
        gain = self.endings.log_gain(kind, cents, self._ending_step(kind, cell))
        return cell, gain - np.log(n_values.astype(float))

    def _cell_of(self, kind: IntArray, cents: IntArray) -> IntArray:
        low, high, step = self.low[kind], self.high[kind], self.step[kind]
        value = cents[:, None]
        outside = np.maximum(np.maximum(low - value, value - high), 0) / np.maximum(value, 1)
        other = (value % step) != self.residue[kind]
        cost = outside * 1e3 + other * 1e6 + (high - low) / 1e12 - self.atom[kind] * 1e-3
        cost = np.where(self.mass[kind] > 0, cost, np.inf)
        return cost.argmin(axis=1)

    def _ending_step(self, kind: IntArray, cell: IntArray) -> IntArray:
        """Return the step of cells that are wide enough for endings of their own, 0 for the others."""
        wide = self.high[kind, cell] - self.low[kind, cell] >= LEAST_WIDTH
        return np.where(wide, self.step[kind, cell], 0)

    def draw(self, kind: IntArray, cell: IntArray, uniform: FloatArray) -> IntArray:
        """Return an amount of the cell for each number in [0, 1): log-uniform, of the cell's roundness."""
        low, high = self.low[kind, cell], self.high[kind, cell]
        step, residue = self.step[kind, cell], self.residue[kind, cell]
        log_low, log_high = np.log(np.maximum(low - step / 2, low / 2)), np.log(high + step / 2)
        raw = np.exp(log_low + uniform * (log_high - log_low))
        rounded = np.rint((raw - residue) / step).astype(np.int64) * step + residue
        luck = (uniform * FRACTIONS) % 1.0  # the digits that the amount itself did not use
        ending = self._ending_step(kind, cell)
        return self.endings.put(kind, np.clip(rounded, low, high), low, high, ending, luck)

    def locate(self, kind: IntArray, cents: IntArray) -> npt.NDArray[np.float32]:
        """Return where amounts stand in their kind's distribution, 0..1; shapes are broadcast."""
        logs = np.log(np.maximum(cents, 1).astype(float))[..., None]
        knots = self.knots[kind]
        return ((knots < logs).mean(axis=-1) + 0.5 * (knots == logs).mean(axis=-1)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        plain = {
            name: (value.tolist() if isinstance(value, np.ndarray) else value)
            for name, value in vars(self).items()
        }
        return {**plain, "endings": self.endings.to_list()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AmountTable:
        """Inverse of :meth:`to_dict`."""
        plain = {name: value for name, value in values.items() if name != "endings"}
        arrays: dict[str, Any] = {n: np.array(v) if isinstance(v, list) else v for n, v in plain.items()}
        return cls(**arrays, endings=Endings.from_list(values["endings"]))


Cell = tuple[int, int, int, int, float, float, int, bool]


def _kind_cells(cents: IntArray, customer: IntArray, rounding: Rounding, k: int) -> tuple[list[Cell], int]:
    """Return the cells of one kind and how many amounts were clipped."""
    total, order = len(cents), np.sort(cents)
    groups = rounding.classify(cents)
    atoms = _atoms(cents, customer, k)
    cells: list[Cell] = []
    for value, count in atoms:
        group = int(rounding.classify(np.array([value]))[0])
        cells.append((value, value, 1, 0, count / total, _middle(order, value, value), group, True))
    left = ~np.isin(cents, [value for value, _ in atoms])
    waiting = np.zeros(total, bool)
    clipped = 0
    for group in range(len(rounding.step)):
        rows = (left & (groups == group)) | waiting
        last = group == len(rounding.step) - 1
        ending = rounding.residue[group] != 0
        if not ending and len(np.unique(customer[rows])) < k and not (last and not cells and rows.any()):
            waiting = rows
            continue
        rows = (left & (groups == group)) if ending else rows
        if ending and len(np.unique(customer[rows])) < k:
            waiting = waiting | rows
            continue
        waiting = waiting & ending
        if not rows.any():
            continue
        new, lost = _ranges(
            cents[rows], customer[rows], int(rounding.step[group]), int(rounding.residue[group]), k
        )
        clipped += lost
        cells += [
            (
                low,
                high,
                int(rounding.step[group]),
                int(rounding.residue[group]),
                count / total,
                _middle(order, low, high),
                group,
                False,
            )
            for low, high, count in new
        ]
    mass = sum(cell[4] for cell in cells)
    return [(*cell[:4], cell[4] / mass, *cell[5:]) for cell in cells], clipped


def _atoms(cents: IntArray, customer: IntArray, k: int) -> list[tuple[int, int]]:
    pairs = np.unique(np.stack([cents, customer], axis=1), axis=0)
    values, holders = np.unique(pairs[:, 0], return_counts=True)
    counts = np.unique(cents, return_counts=True)[1]
    shared = np.flatnonzero((holders >= k) & (counts >= 0.003 * len(cents)))
    best = shared[np.argsort(-counts[shared], kind="stable")][:MAX_ATOMS]
    return [(int(values[i]), int(counts[i])) for i in np.sort(best)]


def cut(values: IntArray, customer: IntArray, k: int, most: int) -> list[tuple[int, int, int]]:
    """Cut positive numbers at quantiles into at most so many (low, high, count), of at least k customers."""
    return _ranges(values, customer, 1, 0, k, most, tail_cuts=0)[0]


def _ranges(
    cents: IntArray,
    customer: IntArray,
    step: int,
    residue: int,
    k: int,
    most: int = MAX_RANGES,
    tail_cuts: int = TAIL_CUTS,
) -> tuple[list[tuple[int, int, int]], int]:
    """Cut amounts of one roundness at quantiles; every range holds at least k customers."""
    low, high = _reached_by(cents, customer, k)
    low, high = low - (low - residue) % step, high + (residue - high) % step
    low += step if low <= 0 else 0
    inside = np.clip(cents, low, high)
    n_ranges = int(np.clip(min(len(cents) // ROWS_PER_RANGE, len(np.unique(customer)) // k), 1, most))
    edges = _edges(inside, n_ranges, tail_cuts)
    part = np.searchsorted(edges, inside, side="left")
    out: list[tuple[int, int, int]] = []
    start, rows = low, np.zeros(len(cents), bool)
    ends = [*edges.tolist(), high]
    for index, end in enumerate(ends):
        rows = rows | (part == index)
        if len(np.unique(customer[rows])) < k and index < len(ends) - 1:
            continue
        if len(np.unique(customer[rows])) < k and out:
            out[-1] = (out[-1][0], int(end), out[-1][2] + int(rows.sum()))
        elif rows.any():
            out.append((int(start), int(end), int(rows.sum())))
        start, rows = int(end) + step, np.zeros(len(cents), bool)
    return [(a, max(a, b), n) for a, b, n in out], int((cents != inside).sum())


def _edges(values: IntArray, n_ranges: int, tail_cuts: int) -> IntArray:
    """Return quantiles that cut into so many ranges, and cut a first or last wide one a few times more.

    The ends of a distribution are long and thin: amounts spread evenly over a wide last range would make the
    largest of every customer too large.
    """
    shares = np.linspace(0, 1, n_ranges + 1)[1:-1] if n_ranges > 1 else np.array([0.5])
    halves = 0.5 ** np.arange(tail_cuts)
    below, above = shares[0] * halves, (1 - shares[-1]) * halves  # shares of rows beyond the outermost cuts
    low, high = np.quantile(values, below), np.quantile(values, 1 - above)
    further = np.r_[below[low >= WIDE * values.min()] / 2, 1 - above[values.max() >= WIDE * high] / 2]
    return np.unique(np.quantile(values, np.r_[shares, further], method="lower"))


def _reached_by(cents: IntArray, customer: IntArray, k: int) -> tuple[int, int]:
    """Return the k-th lowest and highest of the customers' extremes, or wider ends of a bell curve."""
    order = np.lexsort((cents, customer))
    starts = np.flatnonzero(np.r_[True, np.diff(customer[order]) != 0])
    lowest = np.sort(cents[order][starts])
    highest = np.sort(cents[order][np.r_[starts[1:], len(order)] - 1])
    nth = min(k, len(lowest)) - 1
    low, high = int(lowest[nth]), int(highest[-1 - nth])
    logs = np.log(cents)
    centre, spread = logs.mean(), TAIL * logs.std()
    low = min(low, high, int(np.exp(max(centre - spread, logs.min() - TAIL_BEYOND))))
    high = max(low, high, int(np.exp(min(centre + spread, logs.max() + TAIL_BEYOND))))
    return low, high


def _middle(ordered: IntArray, low: int, high: int) -> float:
    below, upto = np.searchsorted(ordered, low, "left"), np.searchsorted(ordered, high, "right")
    return float(below + upto) / 2 / len(ordered)
