"""How customers stay with what they had: a standing order keeps its merchant, shops are visited again.

A row takes its value anew or from an earlier row of the same customer and kind: from the last one of the
same amount, from the last one, or from any one of them, which makes favourites of what was often there (a
Polya urn). How likely each of the four is depends on the kind, on whether the amount was there before, and
on how long the history is; the chances are learned by expectation maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import Runs, dense, follow

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

SOURCES = ("same amount", "last", "any earlier", "new")
N_SOURCES = len(SOURCES)
LENGTHS = np.array([1, 3, 10])  # a history of 1 or 2 rows, of 3 to 9, of 10 or more
N_CLASSES = 2 * len(LENGTHS)
ROUNDS = 15
PRIOR = 8.0
MAX_ROWS = 50_000


@dataclass(frozen=True)
class Habit:
    """Chances of the four sources of a value.

    Parameters
    ----------
    weights : ndarray of shape (kinds, N_CLASSES, N_SOURCES)
        Chances of each source, by kind and class of history; they add up to 1.
    """

    weights: FloatArray

    @classmethod
    def fit(
        cls, kind: IntArray, n_kinds: int, own: IntArray, cents: IntArray, value: IntArray, fresh: FloatArray
    ) -> Habit:
        """Learn from rows in chronological order.

        Parameters
        ----------
        kind : ndarray of shape (n,)
            Kinds of transactions, below `n_kinds`.
        own : ndarray of shape (n,)
            The same number for rows of one customer that may take values from each other.
        cents : ndarray of shape (n,)
            Amounts.
        value : ndarray of shape (n,)
            Codes of the values.
        fresh : ndarray of shape (n,)
            How likely each value is when it is drawn anew, judged without its customer.
        """
        runs, same = Runs.of(own), Runs.of(dense(own, cents)[0])
        again = Runs.of(dense(own, value)[0])
        chance = np.column_stack(
            [
                (same.rank > 0) & (value == value[same.previous]),
                value == value[runs.previous],
                again.rank / np.maximum(runs.rank, 1),
                fresh,
            ]
        ).astype(np.float64)
        rows = np.flatnonzero(runs.rank > 0)
        rows = rows[:: max(1, len(rows) // MAX_ROWS)]
        classes, chance, kind = _classes(runs, same)[rows], chance[rows], kind[rows]
        start = np.tile([0.5, 0.5, 0.5, 2.0], (N_CLASSES, 1))  # new where nothing tells
        start[: len(LENGTHS), 0] = 0  # the amount was not there before
        pooled = _mixture(chance, classes, start)
        prior = np.tile(PRIOR * pooled, (n_kinds, 1))
        weights = _mixture(chance, kind * N_CLASSES + classes, prior)
        return cls(weights.reshape(n_kinds, N_CLASSES, N_SOURCES))

    def sources(self, kind: IntArray, own: IntArray, cents: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw the row from which each row has its value; new values come from the row itself."""
        runs, same = Runs.of(own), Runs.of(dense(own, cents)[0])
        weights = np.cumsum(self.weights[kind, _classes(runs, same)], axis=1)
        choice = (weights < rng.random(len(kind))[:, None] * weights[:, -1:]).sum(axis=1)
        options = np.stack(
            [same.previous, runs.previous, runs.pick(rng.random(len(kind))), np.arange(len(kind))]
        )
        return follow(options[np.where(runs.rank > 0, choice, N_SOURCES - 1), np.arange(len(kind))])

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"weights": self.weights.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Habit:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["weights"], np.float64))


def _classes(runs: Runs, same: Runs) -> IntArray:
    length = np.maximum(np.searchsorted(LENGTHS, runs.rank, side="right") - 1, 0)
    return (same.rank > 0) * len(LENGTHS) + length


def _mixture(chance: FloatArray, group: IntArray, prior: FloatArray) -> FloatArray:
    """Return the shares of the columns of `chance` in each group, most likely a posteriori."""
    weights: FloatArray = prior / prior.sum(axis=1, keepdims=True)
    for _ in range(ROUNDS):
        part = weights[group] * chance
        part /= np.maximum(part.sum(axis=1, keepdims=True), 1e-300)
        counts = [np.bincount(group, part[:, source], len(prior)) for source in range(N_SOURCES)]
        total = np.column_stack(counts) + prior
        weights = total / total.sum(axis=1, keepdims=True)
    return weights
