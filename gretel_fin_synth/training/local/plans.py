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

from gretel_fin_synth.training.local.plan_parts import (
    EXACT,
    Description,
    at_quantile,
    shared_quantiles,
    spread,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LEAST_SHRINKAGE = 0.02


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
    description : Description
        What stands for the exact parts.
    quantiles : ndarray of shape (6, n)
        Sorted values of what stands for the exact parts.
    scores : ndarray of shape (n, 6 + n_codes)
        Normal scores of the training customers.
    noise : ndarray of shape (6 + n_codes, 6 + n_codes)
        What turns independent standard normal numbers into the noise that is added to scores.
    """

    description: Description
    quantiles: FloatArray
    scores: FloatArray
    noise: FloatArray

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
        description = Description.fit(exact, n_days, k)
        parts = description.parts(exact)
        scores = np.column_stack([normal_scores(column, rng) for column in np.hstack([parts, codes]).T])
        scores = np.round(scores, 4)  # as in the file, so that a saved model draws the same customers
        quantiles = np.stack([shared_quantiles(np.sort(column), k) for column in parts.T])
        root = _root_of_correlations(scores)
        amount = _noise_for(np.asarray(np.linalg.solve(root, scores.T)).T, neighbours, rng)
        return cls(description, quantiles, scores, np.round(amount * root, 6))

    @property
    def n_days(self) -> int:
        """Length of the window."""
        return self.description.n_days

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
        noisy = self.scores[base] + rng.standard_normal((n, self.scores.shape[1])) @ self.noise.T
        parts = [
            at_quantile(values, spread(column, rng))
            for values, column in zip(self.quantiles, noisy.T, strict=False)
        ]
        exact = self.description.exact(np.column_stack(parts), rng)
        first = np.clip(exact[:, 0], 0, self.n_days - 1)
        tail = np.minimum(exact[:, 1], self.n_days - 1 - first)
        exact[:, :2] = np.column_stack([first, np.maximum(tail, 0)])
        return Plans.observed(exact, noisy[:, len(EXACT) :].astype(np.float32), self.n_days)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("quantiles", "scores", "noise")}
        return {"description": self.description.to_dict(), **arrays}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PlanModel:
        """Inverse of :meth:`to_dict`."""
        arrays = {name: np.array(values[name]) for name in ("quantiles", "scores", "noise")}
        return cls(Description.from_dict(values["description"]), **arrays)


def _root_of_correlations(scores: FloatArray) -> FloatArray:
    """Return the Cholesky factor of the scores' correlations, shrunk towards none where customers are few.

    How far is estimated (oracle approximating shrinkage, Chen et al. 2010, doi 10.1109/TSP.2010.2053029).
    """
    from sklearn.covariance import OAS

    shrunk = max(float(OAS().fit(scores / scores.std(axis=0)).shrinkage_), LEAST_SHRINKAGE)
    correlations = (1 - shrunk) * np.corrcoef(scores.T) + shrunk * np.eye(scores.shape[1])
    return np.asarray(np.linalg.cholesky(correlations))


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
