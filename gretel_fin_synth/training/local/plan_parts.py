"""How the exact parts of a plan are described, so that parts drawn apart from each other fit together.

Noise and few customers loosen how parts go together. So parts are chosen that depend on each other as little
as possible: an account that was rich at the beginning is rich at the end, but how much it gained says less
about what it had; and all that an account does is the larger, the more its balance swings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

EXACT = ("first_day", "tail_days", "start", "end", "swing", "floor")


@dataclass(frozen=True)
class Description:
    """What stands for the exact parts, all of shape (n, 6).

    Parameters
    ----------
    n_days : int
        Length of the window.
    by_span : bool
        Whether the length of the active span and its place in the window (0 at its beginning, 1 at its end)
        stand for the days before and after.
    by_change : bool
        Whether the change over the life, in swings, stands for the last balance.
    change, depth : ndarray of shape (n,)
        Sorted changes over a life, and sorted distances of the floor below the first and the last balance;
        minor units. What is drawn in swings is brought back to these.
    """

    n_days: int
    by_span: bool
    by_change: bool
    change: FloatArray
    depth: FloatArray

    @classmethod
    def fit(cls, exact: FloatArray, n_days: int, k: int) -> Description:
        """Choose the less correlated parts."""
        first, tail, start, end, _, floor = exact.T
        span, place = _span_and_place(first, tail, n_days)
        change, depth = end - start, np.minimum(start, end) - floor
        return cls(
            n_days,
            by_span=rank_correlation(span, place) < rank_correlation(first, tail),
            by_change=rank_correlation(start, change) < rank_correlation(start, end),
            change=shared_quantiles(np.sort(change), k),
            depth=shared_quantiles(np.sort(depth), k),
        )

    def parts(self, exact: FloatArray) -> FloatArray:
        """Return what stands for the exact parts."""
        first, tail, start, end, swing, floor = exact.T
        window = _span_and_place(first, tail, self.n_days) if self.by_span else (first, tail)
        unit = np.maximum(swing, 1.0)
        towards = (end - start) / unit if self.by_change else end
        return np.column_stack([*window, start, towards, swing, (np.minimum(start, end) - floor) / unit])

    def exact(self, parts: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the exact parts of customers drawn, whole numbers but for the swing."""
        one, two, start, towards, swing, below = parts.T
        if self.by_span:
            span = np.clip(np.rint(one), 1, self.n_days)
            first = np.rint(two * (self.n_days - span))
            tail = self.n_days - span - first
        else:
            first, tail = np.rint(one), np.rint(two)
        unit = np.maximum(swing, 1.0)
        end = start + _as_often(towards * unit, self.change, rng) if self.by_change else towards
        floor = np.minimum(start, end) - _as_often(below * unit, self.depth, rng)
        return np.column_stack([first, tail, np.rint(start), np.rint(end), swing, np.rint(floor)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**vars(self), "change": self.change.tolist(), "depth": self.depth.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Description:
        """Inverse of :meth:`to_dict`."""
        arrays = {name: np.array(values[name]) for name in ("change", "depth")}
        return cls(**{**values, **arrays})


def rank_correlation(one: FloatArray, two: FloatArray) -> float:
    """Return the size of the rank correlation, 0 where one of them is constant."""
    a, b = (np.unique(values, return_inverse=True)[1].astype(float) for values in (one, two))
    return 0.0 if min(a.std(), b.std()) == 0 else float(abs(np.corrcoef(a, b)[0, 1]))


def shared_quantiles(ordered: FloatArray, k: int) -> FloatArray:
    """Replace every value that fewer than k customers have by the mean of k neighbours in the order."""
    n = len(ordered)
    _, code, counts = np.unique(ordered, return_inverse=True, return_counts=True)
    first = np.clip(np.arange(n) - k // 2, 0, max(n - k, 0))
    total = np.r_[0.0, np.cumsum(ordered)]
    means = (total[np.minimum(first + k, n)] - total[first]) / min(k, n)
    return np.where(counts[code] >= k, ordered, means)


def spread(values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return uniforms with the ranks of the values, one in each of n equal steps."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (ranks + rng.random(len(values))) / len(values)


def at_quantile(quantiles: FloatArray, uniform: FloatArray) -> FloatArray:
    """Return quantiles by interpolation between order statistics; ties stay ties."""
    return np.interp(uniform * len(quantiles) - 0.5, np.arange(len(quantiles)), quantiles)


def _as_often(values: FloatArray, quantiles: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return values in the order of these that are distributed as the quantiles."""
    return at_quantile(quantiles, spread(values, rng))


def _span_and_place(first: FloatArray, tail: FloatArray, n_days: int) -> tuple[FloatArray, FloatArray]:
    span = n_days - first - tail
    return span, np.where(span < n_days, first / np.maximum(n_days - span, 1), 0.5)
