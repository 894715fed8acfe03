"""How alike two samples are, as numbers from 0 (nothing in common) to 1 (equal).

Every function returns NaN where a question has no answer, which is when the first sample is empty, and 0
where only the second is: what the real table has and the other lacks is lost, not unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]

__all__ = [
    "js_distance",
    "js_similarity",
    "js_similarity_of_counts",
    "ks_similarity",
    "ks_similarity_of_counts",
    "ratio_similarity",
    "tv_similarity",
    "tv_similarity_of_counts",
]


def ks_similarity(real: Values, other: Values) -> float:
    """Return 1 minus the two-sample Kolmogorov-Smirnov statistic.

    Parameters
    ----------
    real, other : numpy.ndarray
        Numbers, in any order; missing values are left out.

    Returns
    -------
    float
        1 minus the largest distance between the two empirical distribution functions. Symmetric.

    Examples
    --------
    >>> ks_similarity(np.array([1, 2, 3, 4]), np.array([1, 2, 9, 9]))
    0.5
    """
    left, right = _sorted(real), _sorted(other)
    if len(left) == 0 or len(right) == 0:
        return _without(len(left))
    points = np.concatenate([left, right])
    left_share = np.searchsorted(left, points, side="right") / len(left)
    right_share = np.searchsorted(right, points, side="right") / len(right)
    return float(1.0 - np.abs(left_share - right_share).max())


def js_distance(real: Values, other: Values) -> float:
    """Return the Jensen-Shannon distance, base 2, of two vectors of counts over the same cells.

    Returns
    -------
    float
        Square root of the divergence: 0 for equal shares, 1 for nothing in common, NaN if either is empty.

    Examples
    --------
    >>> js_distance(np.array([1, 1, 0]), np.array([0, 0, 7]))
    1.0
    """
    if real.sum() == 0 or other.sum() == 0:
        return float("nan")
    p, q = real / real.sum(), other / other.sum()
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return float(np.sqrt(min(max(divergence, 0.0), 1.0)))


def js_similarity(real: Values, other: Values) -> float:
    """Return 1 minus the Jensen-Shannon distance of two arrays of codes, 0 and up.

    Examples
    --------
    >>> js_similarity(np.array([0, 1, 1]), np.array([1, 1, 0]))
    1.0
    """
    if len(real) == 0 or len(other) == 0:
        return _without(len(real))
    return 1.0 - js_distance(*_counts(real, other))


def tv_similarity(real: Values, other: Values) -> float:
    """Return 1 minus the total variation distance of two arrays of codes, 0 and up.

    Examples
    --------
    >>> tv_similarity(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]))
    0.75
    """
    if len(real) == 0 or len(other) == 0:
        return _without(len(real))
    return tv_similarity_of_counts(*_counts(real, other))


def ks_similarity_of_counts(real: Values, other: Values) -> float:
    """Return :func:`ks_similarity` of two samples, given as counts of the same values in rising order.

    Examples
    --------
    >>> ks_similarity_of_counts(np.array([1, 1, 1, 1, 0]), np.array([1, 1, 0, 0, 2]))
    0.5
    """
    if real.sum() == 0 or other.sum() == 0:
        return _without(int(real.sum()))
    left_share, right_share = np.cumsum(real) / real.sum(), np.cumsum(other) / other.sum()
    return float(1.0 - np.abs(left_share - right_share).max())


def js_similarity_of_counts(real: Values, other: Values) -> float:
    """Return :func:`js_similarity` of two vectors of counts over the same cells.

    Examples
    --------
    >>> js_similarity_of_counts(np.array([1, 2]), np.array([2, 4]))
    1.0
    """
    if real.sum() == 0 or other.sum() == 0:
        return _without(int(real.sum()))
    return 1.0 - js_distance(real, other)


def tv_similarity_of_counts(real: Values, other: Values) -> float:
    """Return :func:`tv_similarity` of two vectors of counts over the same cells.

    Examples
    --------
    >>> tv_similarity_of_counts(np.array([2, 2, 0]), np.array([1, 2, 1]))
    0.75
    """
    if real.sum() == 0 or other.sum() == 0:
        return _without(int(real.sum()))
    return float(np.minimum(real / real.sum(), other / other.sum()).sum())


def ratio_similarity(real: float, other: float, *, least: float) -> float:
    """Return 1 minus the relative error of one number, never below 0.

    Parameters
    ----------
    real, other : float
        The two numbers.
    least : float
        Smallest size to which a difference is compared, so that two numbers near 0 count as alike.

    Returns
    -------
    float
        ``1 - |real - other| / max(|real|, |other|, least)``, at least 0. Symmetric.

    Examples
    --------
    >>> ratio_similarity(0.4, 0.3, least=0.05)
    0.75
    """
    if np.isnan(real) or np.isnan(other):
        return _without(0 if np.isnan(real) else 1)
    scale = max(abs(real), abs(other), least)
    return max(0.0, 1.0 - abs(real - other) / scale)


def _without(n_real: int) -> float:
    return float("nan") if n_real == 0 else 0.0


def _sorted(values: Values) -> Values:
    numbers = np.asarray(values, dtype=np.float64)
    return np.sort(numbers[~np.isnan(numbers)])


def _counts(real: Values, other: Values) -> tuple[Values, Values]:
    size = int(max(real.max(), other.max())) + 1
    return np.bincount(real, minlength=size), np.bincount(other, minlength=size)


def _relative_entropy(p: Values, q: Values) -> float:
    seen = p > 0
    return float((p[seen] * np.log2(p[seen] / q[seen])).sum())
