"""Integer codes for values and their combinations, by hashing rather than sorting, since tables are long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["among", "combined", "dense", "distinct"]


def dense(values: NDArray[Any]) -> Ints:
    """Give the values numbers from 0 in the order of their first appearance.

    Examples
    --------
    >>> dense(np.array([7, 7, -2, 7])).tolist()
    [0, 0, 1, 0]
    """
    return pd.factorize(values)[0].astype(np.int64)


def combined(parts: Sequence[NDArray[Any]] | NDArray[Any]) -> Ints:
    """Give the combinations of several arrays of one length numbers from 0.

    Examples
    --------
    >>> combined([np.array([1, 1, 2]), np.array([5, 6, 5])]).tolist()
    [0, 1, 2]
    """
    codes = dense(parts[0])
    for part in parts[1:]:
        other = dense(part)
        codes = dense(codes * (int(other.max(initial=0)) + 1) + other)
    return codes


def distinct(values: Ints) -> Ints:
    """Return each value once, in the order of its first appearance."""
    once: Ints = np.asarray(pd.unique(values))
    return once


def among(values: Ints, pool: Ints) -> NDArray[np.bool_]:
    """Return for each value whether the pool has it.

    Examples
    --------
    >>> among(np.array([1, 2]), np.array([2, 3])).tolist()
    [False, True]
    """
    found: NDArray[np.bool_] = pd.Series(values).isin(pool).to_numpy(dtype=np.bool_)
    return found
