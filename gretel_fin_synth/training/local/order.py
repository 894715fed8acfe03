"""What usually follows what: how many customers have one kind of transaction right after another.

With a few hundred rows a network has no time to learn the order in which categories come. Counts have: how
much more often than elsewhere a kind comes after the one before is one more thing that the network is told
about each kind. While it learns, a customer is shown the counts of other customers only (out-of-fold
encoding of a target), so that nobody is recognised by an own rare sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import Sequences

IntArray = npt.NDArray[np.int64]

FOLDS = 5
EDGES = np.array([-2, -1, -0.5, -0.2, 0.2, 0.5, 1, 1.5, 2, 3])
N_ORDER = len(EDGES) + 1
PRIOR = 5.0


@dataclass(frozen=True)
class OrderTable:
    """Classes of how much likelier a kind is after another, or as the first, than at any other place.

    ``classes`` has shape (FOLDS + 1, kinds + 1, kinds): the first table is of all customers, the others leave
    out one fold each; the last row of each stands for "no transaction before".
    """

    classes: npt.NDArray[np.uint8]

    @classmethod
    def fit(cls, data: Sequences, n_kinds: int, k: int) -> OrderTable:
        """Count customers; a pair that fewer than k of them have counts as unseen."""
        pair = data.kind_before(n_kinds) * n_kinds + data.kind
        held = np.unique(np.stack([pair, data.customer]), axis=1)
        tables = []
        for fold in range(FOLDS + 1):
            others = fold_of(held[1]) != fold
            count = np.bincount(held[0, others], minlength=(n_kinds + 1) * n_kinds).astype(float)
            tables.append(_classes(np.where(count >= k, count, 0.0).reshape(n_kinds + 1, n_kinds)))
        return cls(np.stack(tables))

    def to_list(self) -> list[Any]:
        """Return plain lists, for JSON."""
        return self.classes.tolist()

    @classmethod
    def from_list(cls, values: list[Any]) -> OrderTable:
        """Inverse of :meth:`to_list`."""
        return cls(np.array(values, np.uint8))


def fold_of(customer: IntArray) -> IntArray:
    """Return the fold, 1 to FOLDS, of customers by their number."""
    return customer % FOLDS + 1


def _classes(count: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    usual = (count.sum(axis=0) + 0.5) / (count.sum() + 0.5 * count.shape[1])
    lift = (count + PRIOR * usual) / (count.sum(axis=1, keepdims=True) + PRIOR) / usual
    return np.searchsorted(EDGES, np.log(lift)).astype(np.uint8)
