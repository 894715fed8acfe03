"""How well a score tells two groups apart: area under the ROC curve, hits at few false alarms, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["FALSE_ALARMS", "Ranking", "area", "hits_at", "rank"]

FALSE_ALARMS = 0.01
"""Share of false positives at which true positives are counted."""

_DRAWS = 500
_CELLS = 4_000_000  # entries of the largest array that a chunk of resamples makes


@dataclass(frozen=True)
class Ranking:
    """How much higher one group scores than another.

    Attributes
    ----------
    auc : float
        Probability that a random entry of the first group scores higher than one of the second, ties counting
        one half. 0.5 is chance; below 0.5 the score points the wrong way.
    low, high : float
        Interval of ``auc``, from a bootstrap of whole customers in both groups. Where each entry is a
        customer, the lower end also lies as far below ``auc`` as chance alone can bring it above 0.5.
    tpr : float
        Share of the first group found by a threshold that at most 1 % of the second group reaches.
    tpr_low, tpr_high : float
        Its interval.
    level : float
        Confidence level of the intervals, such as 0.95.
    n_first, n_second : int
        Independent entries (customers) of the groups.
    """

    auc: float
    low: float
    high: float
    tpr: float
    tpr_low: float
    tpr_high: float
    level: float
    n_first: int
    n_second: int


def area(first: Floats, second: Floats) -> float:
    """Return the area under the ROC curve of the first group against the second.

    Examples
    --------
    >>> area(np.array([3.0, 2.0]), np.array([1.0, 2.0]))
    0.875
    """
    levels, codes = _levels(first, second)
    counts = [np.bincount(part, minlength=levels)[None, :] for part in np.split(codes, [len(first)])]
    return float(_areas(counts[0], counts[1])[0])


def hits_at(first: Floats, second: Floats, false_alarms: float = FALSE_ALARMS) -> float:
    """Return the share of the first group above a threshold that few of the second reach.

    The threshold is the best one that at most the share ``false_alarms`` of the second group reaches; below
    100 entries of the second group, that is none of them.

    Examples
    --------
    >>> hits_at(np.array([9.0, 8.0, 1.0, 0.0]), np.array([7.0, 0.0]))
    0.5
    """
    levels, codes = _levels(first, second)
    counts = [np.bincount(part, minlength=levels)[None, :] for part in np.split(codes, [len(first)])]
    return float(_hits(counts[0], counts[1], false_alarms)[0])


def rank(
    first: Floats,
    second: Floats,
    rng: np.random.Generator,
    *,
    first_customer: Ints | None = None,
    second_customer: Ints | None = None,
    level: float = 0.95,
    draws: int = _DRAWS,
) -> Ranking:
    """Return how much higher the first group scores, with intervals.

    Parameters
    ----------
    first, second : numpy.ndarray of float64
        Scores, without missing values.
    rng : numpy.random.Generator
        Draws customers with replacement, within each group.
    first_customer, second_customer : numpy.ndarray of int64, optional
        To whom each score belongs; each score is a customer of its own by default.
    level : float
        Confidence level of the intervals.
    draws : int
        Number of resamples.

    Raises
    ------
    ParameterError
        A group is empty or has a score that is no number.
    """
    for name, scores in (("first", first), ("second", second)):
        unknown = int((~np.isfinite(scores)).sum())
        if len(scores) == 0 or unknown:
            msg = (
                f"The {name} group has {len(scores)!r} scores, of which {unknown!r} are no finite numbers; "
                "at least 1 score is needed, and all finite.\n\nHint: scores[numpy.isfinite(scores)]"
            )
            raise ParameterError(msg)
    levels, codes = _levels(first, second)
    groups = [
        _Group.of(part, owner)
        for part, owner in zip(np.split(codes, [len(first)]), (first_customer, second_customer), strict=True)
    ]
    areas, hits = _resampled(groups[0], groups[1], levels, rng, draws)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(areas, tails)
    if first_customer is None and second_customer is None:
        low = max(
            0.0, min(low, area(first, second) - NormalDist().inv_cdf(tails[1]) * _chance(first, second))
        )
    tpr_low, tpr_high = np.quantile(hits, tails)
    return Ranking(
        auc=area(first, second),
        low=float(low),
        high=float(high),
        tpr=hits_at(first, second),
        tpr_low=float(tpr_low),
        tpr_high=float(tpr_high),
        level=level,
        n_first=groups[0].size,
        n_second=groups[1].size,
    )


def _chance(first: Floats, second: Floats) -> float:
    """Return the standard deviation of the area if both groups are alike (Mann and Whitney 1947)."""
    one, two = len(first), len(second)
    both = one + two
    ties = np.unique(np.concatenate([first, second]), return_counts=True)[1].astype(np.float64)
    tied = float((ties**3 - ties).sum()) / (both * (both - 1))
    return float(np.sqrt(max(0.0, both + 1 - tied) / (12 * one * two)))


@dataclass(frozen=True, eq=False)
class _Group:
    """Scores of one group, sorted by level."""

    owner: Ints  # customer of each score, in the order of the levels
    present: Ints  # levels that occur
    bounds: Ints  # where each of them starts
    size: int

    @classmethod
    def of(cls, codes: Ints, customer: Ints | None) -> _Group:
        owner = np.arange(len(codes)) if customer is None else np.unique(customer, return_inverse=True)[1]
        order = np.argsort(codes, kind="stable")
        present, bounds = np.unique(codes[order], return_index=True)
        return cls(owner[order].astype(np.int64), present, bounds.astype(np.int64), int(owner.max()) + 1)

    def draw(self, draws: int, levels: int, rng: np.random.Generator) -> Floats:
        """Return how often each level is drawn, one line per resample of the customers."""
        weights = rng.multinomial(self.size, np.full(self.size, 1.0 / self.size), size=draws)
        counts = np.zeros((draws, levels))
        counts[:, self.present] = np.add.reduceat(weights[:, self.owner], self.bounds, axis=1)
        return counts


def _resampled(
    first: _Group, second: _Group, levels: int, rng: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    areas, hits = np.empty(draws), np.empty(draws)
    chunk = max(1, _CELLS // max(levels, 1))
    for start in range(0, draws, chunk):
        stop = min(start + chunk, draws)
        left, right = (group.draw(stop - start, levels, rng) for group in (first, second))
        areas[start:stop] = _areas(left, right)
        hits[start:stop] = _hits(left, right, FALSE_ALARMS)
    return areas, hits


def _levels(first: Floats, second: Floats) -> tuple[int, Ints]:
    values, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    return len(values), codes.reshape(-1).astype(np.int64)


def _areas(first: NDArray[np.generic], second: NDArray[np.generic]) -> Floats:
    """Return the areas from counts per level, one line per resample."""
    left, right = first.astype(np.float64), second.astype(np.float64)
    below = np.cumsum(right, axis=1) - right / 2
    areas: Floats = (left * below).sum(axis=1) / (left.sum(axis=1) * right.sum(axis=1))
    return areas


def _hits(first: NDArray[np.generic], second: NDArray[np.generic], false_alarms: float) -> Floats:
    above = [np.cumsum(part[:, ::-1].astype(np.float64), axis=1) for part in (first, second)]
    true, false = (part / part[:, -1:] for part in above)
    hits: Floats = np.where(false <= false_alarms + 1e-12, true, 0.0).max(axis=1)
    return hits
