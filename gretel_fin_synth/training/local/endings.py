"""Last two digits of amounts: prices end in .90 and .49 more often than in .37.

Inside a range of amounts the last digits are drawn from what customers show, per kind of transaction, as far
as at least k customers share an ending there; the rest follows all kinds together, and what even there fewer
than k customers have is spread evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

STEPS = (10, 1)
BASE = 100
LEAST_WIDTH = 2 * BASE
POOL = 30.0
EVEN = 0.02
FRACTIONS = 65_537.0


@dataclass(frozen=True)
class Endings:
    """Chances of the last two digits, for ranges in steps of 10 and of 1 minor unit.

    ``chance`` has shape (2, kinds, 100); each row sums to 1.
    """

    chance: FloatArray

    @classmethod
    def fit(
        cls, kind: IntArray, cents: IntArray, customer: IntArray, step: IntArray, n_kinds: int, k: int
    ) -> Endings:
        """Learn from amounts that lie in ranges of a step; what a customer repeats counts once."""
        rows = np.unique(np.stack([kind, customer, cents, step]), axis=1)
        chance = np.zeros((len(STEPS), n_kinds, BASE))
        for number, size in enumerate(STEPS):
            kinds, customers, amounts = rows[:3, rows[3] == size]
            even = (np.arange(BASE) % size == 0) / (BASE // size)
            pool, lost = _shared_counts(amounts % BASE, customers, k)
            pool = (pool + (lost + EVEN * len(amounts) + 1) * even) / (len(amounts) * (1 + EVEN) + 1)
            for i in range(n_kinds):
                own = kinds == i
                count, _ = _shared_counts(amounts[own] % BASE, customers[own], k)
                chance[number, i] = (count + POOL * pool) / (count.sum() + POOL)
        return cls(chance / chance.sum(axis=2, keepdims=True))

    def log_gain(self, kind: IntArray, cents: IntArray, step: IntArray) -> FloatArray:
        """Return the log of how much likelier endings are than even ones, 0 for any other step."""
        number = np.where(step == STEPS[0], 0, 1)
        gain = np.log(self.chance[number, kind, cents % BASE] * (BASE // np.array(STEPS))[number] + 1e-9)
        return np.where(np.isin(step, STEPS), np.maximum(gain, np.log(EVEN)), 0.0)

    def put(
        self, kind: IntArray, cents: IntArray, low: IntArray, high: IntArray, step: IntArray, luck: FloatArray
    ) -> IntArray:
        """Return the nearest amounts in the range with endings drawn by ``luck``, in [0, 1).

        Ranges of one of STEPS are at least LEAST_WIDTH wide; amounts of any other step stay as they are.
        """
        out = cents.copy()
        rows = np.flatnonzero(np.isin(step, STEPS))
        if not len(rows):
            return out
        number = np.where(step[rows] == STEPS[0], 0, 1)
        below = np.cumsum(self.chance[number, kind[rows]], axis=1)
        ending = np.minimum((below <= luck[rows, None]).sum(axis=1), BASE - 1)
        near = cents[rows] - cents[rows] % BASE + ending
        near += BASE * ((cents[rows] - near) > BASE // 2) - BASE * ((near - cents[rows]) > BASE // 2)
        near += BASE * (near < low[rows]) - BASE * (near > high[rows])
        out[rows] = near
        return out

    def to_list(self) -> list[Any]:
        """Return plain lists, for JSON."""
        return self.chance.tolist()

    @classmethod
    def from_list(cls, values: list[Any]) -> Endings:
        """Inverse of :meth:`to_list`."""
        return cls(np.array(values))


def _shared_counts(ending: IntArray, customer: IntArray, k: int) -> tuple[FloatArray, float]:
    """Return how often each ending comes that at least k customers have, and how often any other."""
    holders = np.bincount(np.unique(np.stack([ending, customer]), axis=1)[0], minlength=BASE)
    count = np.bincount(ending, minlength=BASE).astype(float)
    return np.where(holders >= k, count, 0.0), float(count[holders < k].sum())
