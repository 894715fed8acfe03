"""Drawing whole customers: by a hash of seed and id, so that neither order nor partitions of rows matter."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["draw_customers"]


def draw_customers(
    ids: Sequence[Any], counts: NDArray[np.int64], max_rows: int, seed: int
) -> NDArray[np.bool_]:
    """Take customers in the order of a hash of seed and id, until their rows are enough.

    Parameters
    ----------
    ids : sequence
        The customers.
    counts : numpy.ndarray of int64
        How many rows each has.
    max_rows : int
        How many rows those who are taken have together at most.
    seed : int
        Another seed takes others.

    Returns
    -------
    numpy.ndarray of bool
        Who is taken.

    Examples
    --------
    >>> draw_customers(["a", "b", "c"], np.array([5, 5, 5]), 10, seed=1).sum()
    np.int64(2)
    """
    ranks = [hashlib.blake2b(f"{seed}:{value}".encode(), digest_size=8).digest() for value in ids]
    order = np.array(sorted(range(len(ranks)), key=ranks.__getitem__), dtype=np.int64)
    chosen = np.zeros(len(ids), dtype=bool)
    chosen[order[np.cumsum(counts[order]) <= max_rows]] = True
    return chosen
