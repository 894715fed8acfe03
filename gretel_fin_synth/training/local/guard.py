"""Rows of the training table that only a few customers have come out no more often than they do by chance.

Dates, kinds and amounts that are drawn as they should be still meet, now and then, in a row that one real
customer has. Real customers of the same bank show how often that happens: a row of one is found among the
others' rows. What is generated beyond that share is drawn anew; what is within it stays, since rows that
never occurred would tell of the real ones by their absence.
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
BoolArray = npt.NDArray[np.bool_]

ATTEMPTS = 4
CAUTION = 1.64  # standard errors below the mean: what chance brings with 95 % certainty


@dataclass(frozen=True)
class RowGuard:
    """Rare rows and how many of those met by chance may stay.

    Parameters
    ----------
    keys : ndarray of shape (rows,)
        Codes of the rows (kind, day, minor units) that fewer than k customers have, sorted.
    keep : float
        Chance that a generated row among them stays, 0..1.
    first_day : int, default 0
        Day of the training table on which the window of what is generated begins.
    """

    keys: IntArray
    keep: float
    first_day: int = 0

    @classmethod
    def fit(cls, real: Sequences, drawn: Sequences, k: int) -> RowGuard:
        """Compare free draws with how often real customers share rows that fewer than k others have."""
        customer = real.customer
        codes = row_codes(real.kind, real.day, real.cents)
        pairs = np.unique(np.stack([codes, customer]), axis=1)
        values, holders = np.unique(pairs[0], return_counts=True)
        others = holders[np.searchsorted(values, codes)] - 1
        met = np.bincount(customer, (others > 0) & (others < k)) / real.length
        weight = real.length / real.length.sum()
        by_chance = float(weight @ met)
        error = float(np.sqrt((weight**2) @ (met - by_chance) ** 2))
        by_chance = max(0.0, by_chance - CAUTION * error)
        guard = cls(values[holders < k], 1.0)
        found = float(guard.meets(drawn.kind, drawn.day, drawn.cents).mean())
        return cls(guard.keys, min(1.0, by_chance / found) if found > 0 else 1.0)

    def meets(self, kind: IntArray, day: IntArray, cents: IntArray) -> BoolArray:
        """Return which rows are rare rows of the training table."""
        codes = row_codes(kind, day + self.first_day, cents)
        if not len(self.keys):
            return np.zeros(len(codes), bool)
        place = np.minimum(np.searchsorted(self.keys, codes), len(self.keys) - 1)
        return np.asarray(self.keys[place] == codes)

    def refuses(
        self, kind: IntArray, day: IntArray, cents: IntArray, luck: npt.NDArray[np.float64]
    ) -> BoolArray:
        """Return which rows are to be drawn anew; ``luck`` holds a number in [0, 1) for each."""
        return self.meets(kind, day, cents) & (luck >= self.keep)

    def weight(self, drawn: Sequences) -> FloatArray:
        """Return how welcome each customer is, given rare rows that could not be avoided, (customers,)."""
        met = self.meets(drawn.kind, drawn.day, drawn.cents).astype(float)
        return np.asarray(max(self.keep, 0.1) ** np.add.reduceat(met, drawn.offset[:-1]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"keys": self.keys.tolist(), "keep": self.keep}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RowGuard:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["keys"], np.int64), values["keep"])


def row_codes(kind: IntArray, day: IntArray, cents: IntArray) -> IntArray:
    """Return one number for each (kind, day, amount), equal for equal rows; mixed as in splitmix64."""
    with np.errstate(over="ignore"):
        code = cents.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        code ^= (day.astype(np.uint64) << np.uint64(20)) + kind.astype(np.uint64)
        code = (code ^ (code >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        code = (code ^ (code >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        code ^= code >> np.uint64(31)
    return code.view(np.int64)
