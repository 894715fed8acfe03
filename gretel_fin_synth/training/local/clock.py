"""Times of day, where a table has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

SECONDS = 86_400
N_BINS = 48


@dataclass(frozen=True)
class Clock:
    """How likely each time of day is for each kind of transaction.

    Parameters
    ----------
    times : ndarray of shape (atoms,)
        Exact seconds of the day that many customers share, such as midnight or a batch run.
    shares : ndarray of shape (kinds, atoms + N_BINS)
        Chances of the exact times, then of the half-hours.
    step : int
        Times are multiples of this many seconds.
    """

    times: IntArray
    shares: FloatArray
    step: int

    @classmethod
    def fit(cls, kind: IntArray, seconds: IntArray, customer: IntArray, n_kinds: int, k: int) -> Clock | None:
        """Learn; None where every transaction is at midnight."""
        if not seconds.any():
            return None
        pairs = np.unique(np.stack([seconds, customer]), axis=1)
        values, holders = np.unique(pairs[0], return_counts=True)
        counts = np.unique(seconds, return_counts=True)[1]
        times = values[(holders >= k) & (counts >= 0.02 * len(seconds))]
        where = np.searchsorted(times, seconds) if len(times) else np.zeros(len(seconds), np.int64)
        exact = np.isin(seconds, times)
        column = np.where(exact, where, len(times) + seconds * N_BINS // SECONDS)
        counts_by_kind = np.zeros((n_kinds, len(times) + N_BINS))
        np.add.at(counts_by_kind, (kind, column), 1)
        pooled = counts_by_kind.sum(axis=0) / len(kind)
        smooth = counts_by_kind + 5 * pooled
        step = next(s for s in (3600, 1800, 900, 300, 60, 1) if (seconds % s == 0).all())
        return cls(times, smooth / smooth.sum(axis=1, keepdims=True), step)

    def draw(self, kind: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw seconds of the day for transactions of these kinds."""
        cumulative = np.cumsum(self.shares, axis=1)[kind]
        column = (cumulative <= rng.random(len(kind))[:, None] * cumulative[:, -1:]).sum(axis=1)
        width = SECONDS // N_BINS
        spread = (column - len(self.times)) * width + rng.integers(0, width, len(kind))
        exact = column < len(self.times)
        known = self.times[np.minimum(column, len(self.times) - 1)] if len(self.times) else spread
        return np.where(exact, known, spread // self.step * self.step)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"times": self.times.tolist(), "shares": self.shares.tolist(), "step": self.step}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Clock:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["times"], np.int64), np.array(values["shares"]), values["step"])


def in_order(customer: IntArray, day: IntArray, seconds: IntArray) -> IntArray:
    """Give the times of each customer's day to its transactions in rising order."""
    order = np.lexsort((seconds, day, customer))
    out = np.empty_like(seconds)
    out[np.lexsort((np.arange(len(day)), day, customer))] = seconds[order]
    return out
