"""Plans: what is decided about a customer before the first transaction.

A plan has exact parts, which the sequence then keeps (first and last day, starting amount, last balance
before the account is emptied, swing, lowest balance), and a coarse code of the customer's way of life
(activity, income, level and swing of the balance, variety, ...), of which the network sees only a noisy copy.
Both are drawn from a smoothed bootstrap in the space of normal scores: a customer is taken at random and
moved by Gaussian noise, correlated as customers are (so that what goes together still does), so large that on
average ``neighbours`` training customers could have given rise to the result; ranks are then spread evenly,
so that every part keeps its distribution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LEAST_SHRINKAGE = 0.1

EXACT = ("first_day", "tail_days", "start", "end", "swing", "floor")


@dataclass(frozen=True)
class Plans:
    """Plans of n customers.

    ``first_day``, ``last_day``, ``start``, ``end`` and ``swing`` (starting amount, last balance before the
    account is emptied, and the standard deviation around the line between them, minor units) have shape (n,),
    as has ``floor``, below which the balance does not go; ``code``, (n, n_codes), holds normal scores.
    """

    first_day: IntArray
    last_day: IntArray
    start: IntArray
    end: IntArray
    swing: FloatArray
    floor: IntArray
    code: npt.NDArray[np.float32]

    @classmethod
    def observed(cls, exact: FloatArray, codes: npt.NDArray[np.float32], n_days: int) -> Plans:
        """Return the plans that customers with these exact parts, (n, 6), and codes lived by."""
        first, tail, start, end = exact[:, :4].astype(np.int64).T
        return cls(first, n_days - 1 - tail, start, end, exact[:, 4], exact[:, 5].astype(np.int64), codes)

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: IntArray) -> Plans:
        """Return the plans at these positions."""
        return Plans(**{name: value[index] for name, value in vars(self).items()})

    def stretched(self, old_days: int, new_days: int) -> Plans:
        """Return the plans on a window of another length; balances drift for as much longer."""
        first = np.rint(self.first_day * new_days / old_days).astype(np.int64)
        tail = np.rint((old_days - 1 - self.last_day) * new_days / old_days).astype(np.int64)
        last = np.maximum(new_days - 1 - tail, np.minimum(first, new_days - 1))
        longer = (last - first + 1) / (self.last_day - self.first_day + 1)
        end = np.rint(self.start + (self.end - self.start) * longer).astype(np.int64)
        floor = self.floor + np.minimum(end - self.end, 0)
        return replace(self, first_day=np.minimum(first, last), last_day=last, end=end, floor=floor)

    def starting_within(self, low: int, high: int, n: int) -> Plans:
        """Return the n plans whose starting amounts are nearest to these limits, moved to lie within."""
        away = np.maximum(low - self.start, self.start - high)
        nearest = self.take(np.sort(np.argsort(np.maximum(away, 0), kind="stable")[:n]))
        start = np.clip(nearest.start, low, high)
        more = start - nearest.start
        return replace(nearest, start=start, end=nearest.end + more, floor=nearest.floor + more)


@dataclass(frozen=True)
class PlanModel:
    """The smoothed joint distribution of plans.

    Parameters
    ----------
    quantiles : ndarray of shape (6, n)
        Sorted values of the exact parts.
    scores : ndarray of shape (n, 6 + n_codes)
        Normal scores of the training customers.
    noise : ndarray of shape (6 + n_codes, 6 + n_codes)
        What turns independent standard normal numbers into the noise that is added to scores.
    n_days : int
        Length of the window.
    by_span : bool
        Whether the first two exact parts are the length of the active span and its place in the window (0 at
        its beginning, 1 at its end) instead of the days before and after: the pair that is less correlated.
    """

    quantiles: FloatArray
    scores: FloatArray
    noise: FloatArray
    n_days: int
    by_span: bool = False

    @classmethod
    def fit(
        cls,
        exact: FloatArray,
        codes: FloatArray,
        *,
        neighbours: float,
        n_days: int,
        k: int,
        rng: np.random.Generator,
    ) -> PlanModel:
        """Learn from the exact parts (n, 6) and the codes (n, n_codes)."""
        exact, by_span = _window_parts(exact, n_days)
        scores = np.column_stack([normal_scores(column, rng) for column in np.hstack([exact, codes]).T])
        scores = np.round(scores, 4)  # as in the file, so that a saved model draws the same customers
        quantiles = np.stack([_shared_quantiles(np.sort(column), k) for column in exact.T])
        root = _root_of_correlations(scores)
        amount = _noise_for(np.asarray(np.linalg.solve(root, scores.T)).T, neighbours, rng)
        return cls(quantiles, scores, np.round(amount * root, 6), n_days, by_span)

    @property
    def codes(self) -> npt.NDArray[np.float32]:
        """Codes of the training customers, without noise, (n, n_codes)."""
        return self.scores[:, len(EXACT) :].astype(np.float32)

    @property
    def code_noise(self) -> FloatArray:
        """The noise of the codes alone, (n_codes, n_codes), used as ``noise``."""
        codes = self.noise[len(EXACT) :]
        return np.asarray(np.linalg.cholesky(codes @ codes.T))

    def draw(self, n: int, rng: np.random.Generator) -> Plans:
        """Draw n new plans; each training customer serves as a start equally often."""
        size = len(self.scores)
        base = np.concatenate([rng.permutation(size) for _ in range(-(-n // size))])[:n]
        n_exact = len(EXACT)
        noisy = self.scores[base] + rng.standard_normal((n, self.scores.shape[1])) @ self.noise.T
        uniform = np.column_stack([_spread(column, rng) for column in noisy[:, :n_exact].T])
        one, two, start, end, swing, floor = (self._value(part, uniform[:, part]) for part in range(n_exact))
        if self.by_span:
            span = np.clip(np.rint(one), 1, self.n_days)
            first = np.rint(two * (self.n_days - span))
            tail = self.n_days - span - first
        else:
            first, tail = np.rint(one), np.rint(two)
        first_day = np.clip(first, 0, self.n_days - 1).astype(np.int64)
        last_day = np.clip(self.n_days - 1 - tail, first_day, self.n_days - 1).astype(np.int64)
        return Plans(
            first_day,
            last_day,
            np.rint(start).astype(np.int64),
            np.rint(end).astype(np.int64),
            swing,
            np.rint(floor).astype(np.int64),
            noisy[:, n_exact:].astype(np.float32),
        )

    def _value(self, part: int, uniform: FloatArray) -> FloatArray:
        """Return quantiles by interpolation between order statistics; ties stay ties."""
        values = self.quantiles[part]
        return np.interp(uniform * len(values) - 0.5, np.arange(len(values)), values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {
            "quantiles": self.quantiles.tolist(),
            "scores": self.scores.tolist(),
            "noise": self.noise.tolist(),
            "n_days": self.n_days,
            "by_span": self.by_span,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PlanModel:
        """Inverse of :meth:`to_dict`."""
        return cls(
            np.array(values["quantiles"]),
            np.array(values["scores"]),
            np.array(values["noise"]),
            values["n_days"],
            values["by_span"],
        )


def _window_parts(exact: FloatArray, n_days: int) -> tuple[FloatArray, bool]:
    """Return the exact parts with the less correlated description of the window, and which it is."""
    first, tail = exact[:, 0], exact[:, 1]
    span = n_days - first - tail
    place = np.where(span < n_days, first / np.maximum(n_days - span, 1), 0.5)
    by_span = _correlation(span, place) < _correlation(first, tail)
    return (np.column_stack([span, place, exact[:, 2:]]) if by_span else exact), by_span


def _correlation(one: FloatArray, two: FloatArray) -> float:
    """Return the size of the rank correlation, 0 where one of them is constant."""
    a, b = (np.unique(values, return_inverse=True)[1].astype(float) for values in (one, two))
    return 0.0 if min(a.std(), b.std()) == 0 else float(abs(np.corrcoef(a, b)[0, 1]))


def _root_of_correlations(scores: FloatArray) -> FloatArray:
    """Return the Cholesky factor of the scores' correlations, shrunk towards none where customers are few."""
    n, d = scores.shape
    keep = (1 - LEAST_SHRINKAGE) * n / (n + d)
    return np.asarray(np.linalg.cholesky(keep * np.corrcoef(scores.T) + (1 - keep) * np.eye(d)))


def _shared_quantiles(ordered: FloatArray, k: int) -> FloatArray:
    """Replace every value that fewer than k customers have by the mean of k neighbours in the order."""
    n = len(ordered)
    _, code, counts = np.unique(ordered, return_inverse=True, return_counts=True)
    first = np.clip(np.arange(n) - k // 2, 0, max(n - k, 0))
    total = np.r_[0.0, np.cumsum(ordered)]
    means = (total[np.minimum(first + k, n)] - total[first]) / min(k, n)
    return np.where(counts[code] >= k, ordered, means)


def normal_scores(values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return standard normal quantiles of the ranks; ties are put in random order."""
    order = np.lexsort((rng.random(len(values)), values))
    ranks = np.empty(len(values))
    ranks[order] = (np.arange(len(values)) + 0.5) / len(values)
    return normal_quantile(ranks)


def normal_quantile(uniform: FloatArray) -> FloatArray:
    """Inverse of the standard normal distribution function."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniform), dtype=np.float64)


def _spread(scores: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return uniforms with the ranks of the scores, one in each of n equal steps."""
    ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    return (ranks + rng.random(len(scores))) / len(scores)


def _noise_for(scores: FloatArray, neighbours: float, rng: np.random.Generator) -> float:
    """Return how much noise gives a moved customer so many compatible ones (exponential of entropy).

    ``scores`` are free of correlations.
    """
    n = len(scores)
    probe = rng.permutation(n)[:500]
    shift = rng.standard_normal((len(probe), scores.shape[1]))
    low, high = 0.02, 5.0
    for _ in range(30):
        noise = float(np.sqrt(low * high))
        moved = scores[probe] + noise * shift
        square = ((moved[:, None] - scores[None]) ** 2).sum(axis=2) / (2 * noise**2)
        weight = np.exp(square.min(axis=1, keepdims=True) - square)
        weight /= weight.sum(axis=1, keepdims=True)
        entropy = -(weight * np.log(np.maximum(weight, 1e-300))).sum(axis=1)
        low, high = (noise, high) if np.exp(entropy).mean() < neighbours else (low, noise)
    return float(np.sqrt(low * high))
