"""How much each column of a table says about each other one: Theil's U, the correlation ratio, Pearson's r.

As in NVIDIA's NeMo Safe Synthesizer (Apache-2.0), described anew. Row a, column b of the matrix answers
"how much does knowing a say about b"; only two nominal columns can give different answers in the two
directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._coding import dense
from gretel_fin_synth.evaluation._columns import numbers, value_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["association_matrix", "correlation_ratio", "theils_u"]

_MOST_DISTINCT = 0.10  # share of distinct values up to which a nominal column groups the rows


def association_matrix(frame: pd.DataFrame, nominal: Sequence[str]) -> Floats:
    """Return the square matrix of associations between the columns of a frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        The columns, in the order of the matrix.
    nominal : sequence of str
        Names of the columns that are categories; text columns are taken for categories too.

    Returns
    -------
    numpy.ndarray of float64, shape (n_columns, n_columns)
        Theil's U for two nominal columns, the correlation ratio for a nominal and a numeric one, Pearson's
        r for two numeric ones; 0 where a column is constant, 1 on the diagonal.
    """
    names = list(frame.columns)
    codes, values = _readings(frame, frozenset(nominal))
    matrix = np.eye(len(names))
    for row, first in enumerate(names):
        for column in range(row + 1, len(names)):
            second = names[column]
            if first in values and second in values:
                pair = (pearson(values[first], values[second]),) * 2
            elif first in codes and second in codes:
                pair = _between_nominal(codes[first], codes[second])
            elif first in codes:
                pair = _between_kinds(codes[first], values[second])
            else:
                pair = _between_kinds(codes[second], values[first])[::-1]
            matrix[row, column], matrix[column, row] = pair
    return np.where(np.isfinite(matrix), matrix, 0.0)


def theils_u(known: Ints, asked: Ints) -> float:
    """Return the share of the entropy of ``asked`` that is gone once ``known`` is known.

    Examples
    --------
    >>> theils_u(np.array([0, 0, 1, 1]), np.array([5, 5, 6, 6]))
    1.0
    >>> theils_u(np.array([0, 1, 0, 1]), np.array([5, 5, 6, 6]))
    0.0
    """
    total = _entropy(asked)
    if total == 0:
        return 0.0
    both = _entropy(known * (int(asked.max()) + 1) + asked)
    return float(min(1.0, max(0.0, (total - (both - _entropy(known))) / total)))


def correlation_ratio(groups: Ints, values: Floats) -> float:
    """Return the square root of the share of the variance of ``values`` that lies between groups.

    Examples
    --------
    >>> correlation_ratio(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 3.0, 3.0]))
    1.0
    """
    if len(values) == 0:
        return 0.0
    spread = float(((values - values.mean()) ** 2).sum())
    if spread <= 1e-12 * max(1.0, float((values**2).sum())):
        return 0.0
    sizes = np.bincount(groups)
    sums = np.bincount(groups, values - values.mean())
    seen = sizes > 0
    between = float((sums[seen] ** 2 / sizes[seen]).sum())
    return float(np.sqrt(min(1.0, between / spread)))


def pearson(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation over the rows in which both are known; 0 if either is constant."""
    known = ~(np.isnan(first) | np.isnan(second))
    left, right = first[known], second[known]
    if len(left) < 2:
        return 0.0
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum() / scale) if scale > 0 else 0.0


def _readings(frame: pd.DataFrame, nominal: frozenset[str]) -> tuple[dict[str, Ints], dict[str, Floats]]:
    """Return codes of the nominal columns and values of the numeric ones."""
    codes: dict[str, Ints] = {}
    values: dict[str, Floats] = {}
    for name, column in frame.items():
        if name in nominal or not pd.api.types.is_numeric_dtype(column.dtype):
            codes[str(name)] = pd.factorize(value_names(column))[0].astype(np.int64)
        else:
            values[str(name)] = numbers(column)
    return codes, values


def _between_nominal(first: Ints, second: Ints) -> tuple[float, float]:
    """Return Theil's U in both directions; a column with no value twice takes a short cut."""
    if _all_different(first):
        return 1.0, _size_ratio(second, first)
    if _all_different(second):
        return _size_ratio(first, second), 1.0
    return theils_u(first, second), theils_u(second, first)


def _between_kinds(groups: Ints, values: Floats) -> tuple[float, float]:
    """Return the two cells of a nominal and a numeric column, seen from the nominal one."""
    known = ~np.isnan(values)
    if not known.any():
        return 0.0, 0.0
    if (int(groups.max()) + 1) / len(groups) <= _MOST_DISTINCT:
        ratio = correlation_ratio(groups[known], values[known])
        return ratio, ratio
    levels = pd.factorize(values[known])[0].astype(np.int64)
    if _all_different(groups):
        return 1.0, _size_ratio(levels, groups)
    return theils_u(groups[known], levels), theils_u(levels, groups[known])


def _all_different(codes: Ints) -> bool:
    return len(codes) > 1 and int(codes.max()) + 1 == len(codes)


def _size_ratio(few: Ints, many: Ints) -> float:
    return float(np.log(int(few.max()) + 1) / np.log(int(many.max()) + 1))


def _entropy(codes: Ints) -> float:
    counts = np.bincount(dense(codes))
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
