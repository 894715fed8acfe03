"""How often a customer will have each kind, judged by how often so far: the predictive odds of a Dirichlet.

Customers differ in what they pay for, and stay as they are. If a network had to tell this from the last weeks
alone, its customers would change their ways every few weeks. Weighing the count so far against all customers'
share, by how much customers of this table differ (Minka 2000, "Estimating a Dirichlet distribution"; here by
moments), is what is known of a customer's habits at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import Sequences

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LEAST_WEIGHT, MOST_WEIGHT = 2.0, 500.0


@dataclass(frozen=True)
class Habits:
    """What is expected of a customer of whom nothing is known, and how many rows that counts for.

    Parameters
    ----------
    share : ndarray of shape (kinds,)
        Share of each kind among all rows, 0..1.
    weight : ndarray of shape (kinds,)
        Rows that the share counts for: the fewer, the more customers differ.
    """

    share: FloatArray
    weight: FloatArray

    @classmethod
    def fit(cls, data: Sequences, n_kinds: int) -> Habits:
        """Learn from real customers, by the variance of their shares beyond what chance brings."""
        length, counts = data.length, data.kind_counts(n_kinds)
        share = (counts.sum(axis=0) + 0.5) / (counts.sum() + 0.5 * n_kinds)
        # pairs of rows of one customer, each customer counting by the number of rows
        rows = np.maximum(length - 1, 1)[:, None]
        both = (counts * (counts - 1) / rows).sum(axis=0) / length.sum()
        alike = np.clip((both - share**2) / np.maximum(share * (1 - share), 1e-9), 1e-6, 1.0)
        return cls(share, np.clip(1 / alike - 1, LEAST_WEIGHT, MOST_WEIGHT))

    def lift(self, count: IntArray, n_rows: int) -> npt.NDArray[np.float32]:
        """Return the log of how much likelier each kind is than for others, (a, kinds), after so many rows.

        ``count`` (a, kinds) holds how often each customer had each kind.
        """
        known = (count + self.weight * self.share) / (n_rows + self.weight)
        return np.log(known / self.share).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"share": self.share.tolist(), "weight": self.weight.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Habits:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["share"]), np.array(values["weight"]))
