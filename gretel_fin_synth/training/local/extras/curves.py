"""How numbers follow amounts, by their ranks: a mean and a spread that bend with the amount.

Ranks are turned into normal scores (van der Waerden). Those of the numbers are regressed on those of the
amounts; what the straight line leaves, its mean and its spread, is learned in bins of at least k customers
with straight lines between. What is drawn is turned back into shares of the rows by its own distribution
function, so that each number stays as common as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.cells import reach
from gretel_fin_synth.training.local.extras.counting import count_distinct, dense, lower_quantiles

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_RANKS = 64
MAX_BINS = 12
ROWS_PER_BIN = 20
LEAST_SPREAD = 0.01
FARTHEST = 3.5
N_KNOTS = 64
N_TRIED = 500

_SHARES = (np.arange(1000) + 0.5) / 1000
_SCORES = np.array([NormalDist().inv_cdf(share) for share in _SHARES])
_NOISE = np.interp((np.arange(41) + 0.5) / 41, _SHARES, _SCORES)
_AT = np.r_[0.0, (np.arange(N_KNOTS) + 0.5) / N_KNOTS, 1.0]


@dataclass(frozen=True)
class Ranks:
    """Where amounts stand among the amounts of a stratum.

    Parameters
    ----------
    values, shares : ndarray of shape (knots,)
        Amounts in rising order, as far as k customers reach, and the shares of the rows below.
    """

    values: IntArray
    shares: FloatArray

    @classmethod
    def fit(cls, cents: IntArray, person: IntArray, k: int) -> Ranks:
        """Learn from amounts in minor units; about k customers lie between two knots."""
        n = int(np.clip(count_distinct(person) // k, 1, MAX_RANKS))
        inside = (np.arange(n) + 0.5) / n
        low, high = reach(cents, person, k)
        knots = np.clip(np.r_[low, lower_quantiles(cents, inside), high], low, high)
        code, n_values = dense(knots)
        shares = np.bincount(code, np.r_[0.0, inside, 1.0]) / np.bincount(code, minlength=n_values)
        return cls(np.unique(knots), shares)

    def share(self, cents: IntArray) -> FloatArray:
        """Return the share of smaller amounts."""
        return np.interp(cents, self.values, self.shares)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"values": self.values.tolist(), "shares": self.shares.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Ranks:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["values"], np.int64), np.array(values["shares"], np.float64))


@dataclass(frozen=True)
class Curve:
    """Mean and spread of normal scores along the rank of the amount.

    Parameters
    ----------
    slope : float
        Of the straight line through the normal scores.
    nodes, mean, spread : ndarray of shape (bins,)
        Shares of the amounts that are smaller, from 0 to 1; what the line leaves there, and how it varies.
    knots : ndarray of shape (N_KNOTS + 2,)
        Quantiles of all scores that are drawn.
    """

    slope: float
    nodes: FloatArray
    mean: FloatArray
    spread: FloatArray
    knots: FloatArray

    @classmethod
    def fit(cls, share: FloatArray, score: FloatArray, person: IntArray, k: int) -> Curve:
        """Learn from the shares of smaller amounts and the scores of the numbers."""
        along = np.interp(share, _SHARES, _SCORES)
        centred = along - along.mean()
        slope = float((centred * score).sum() / max(float((centred**2).sum()), 1e-9))
        left = score - slope * along
        part = _bins(share, person, k)
        count = np.bincount(part)
        nodes, mean = np.bincount(part, share) / count, np.bincount(part, left) / count
        away = left - np.interp(share, nodes, mean)
        spread = np.maximum(np.sqrt(np.bincount(part, away**2) / count), LEAST_SPREAD)
        shape = cls(slope, nodes, mean, spread, _AT)
        tried = np.sort(share)[:: max(1, len(share) // N_TRIED)]
        middle, width = shape.expected(tried), np.interp(tried, nodes, spread)
        ends = (middle - FARTHEST * width).min(), (middle + FARTHEST * width).max()
        drawn = lower_quantiles((middle[:, None] + width[:, None] * _NOISE).ravel(), _AT[1:-1])
        return replace(shape, knots=np.r_[ends[0], drawn, ends[1]])

    def expected(self, share: FloatArray) -> FloatArray:
        """Return the mean score where this share of the amounts is smaller."""
        line = self.slope * np.interp(share, _SHARES, _SCORES)
        mean: FloatArray = line + np.interp(share, self.nodes, self.mean)
        return mean

    def at(self, share: FloatArray, noise: FloatArray) -> FloatArray:
        """Return the shares of numbers that are smaller, given the amounts' and standard normal noise."""
        score = self.expected(share) + noise * np.interp(share, self.nodes, self.spread)
        return np.interp(score, self.knots, _AT)

    def noise(self, share: FloatArray, score: FloatArray) -> FloatArray:
        """Return how unusual scores are: their distance from the mean, in spreads."""
        unusual: FloatArray = (score - self.expected(share)) / np.interp(share, self.nodes, self.spread)
        return unusual

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        arrays = {name: value.tolist() for name, value in vars(self).items() if name != "slope"}
        return {"slope": self.slope, **arrays}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Curve:
        """Inverse of :meth:`to_dict`."""
        arrays = {name: np.array(value, np.float64) for name, value in values.items() if name != "slope"}
        return cls(values["slope"], **arrays)


def normal_scores(values: IntArray) -> FloatArray:
    """Return the normal quantiles of the ranks; equal values share one.

    Examples
    --------
    >>> import numpy as np
    >>> normal_scores(np.array([5, 1, 9])).round(1).tolist()
    [0.0, -1.0, 1.0]
    """
    ordered = np.sort(values)
    return np.interp(share_below(ordered, values), _SHARES, _SCORES)


def share_below(ordered: IntArray, values: IntArray) -> FloatArray:
    """Return the share of sorted numbers below each value, counting equal ones half."""
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    shares: FloatArray = below / (2.0 * max(len(ordered), 1))
    return shares


def _bins(share: FloatArray, person: IntArray, k: int) -> IntArray:
    """Cut shares into bins, numbered upwards, each with at least k customers, or all rows in one."""
    most = int(np.clip(min(len(share) // ROWS_PER_BIN, count_distinct(person) // k), 1, MAX_BINS))
    edges = np.unique(lower_quantiles(share, np.linspace(0, 1, most + 1)[1:-1]))
    part = np.searchsorted(edges, share, side="left")
    number, waiting = np.zeros(len(edges) + 1, np.int64), np.zeros(len(share), np.bool_)
    current = 0
    for index in range(len(edges) + 1):
        number[index] = current
        waiting |= part == index
        if count_distinct(person[waiting]) >= k:
            current, waiting = current + 1, np.zeros(len(share), np.bool_)
    if waiting.any() or (number == current).any():
        number = np.minimum(number, max(current - 1, 0))
    return number[part]
