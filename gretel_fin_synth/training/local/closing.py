"""Accounts that are closed: the last transaction takes what is left, to the cent.

A network that is asked for it on the plan's last day does so less than half of the time. But an account is
empty when it is closed, or it was not closed; so where that happens in a table, it is seen to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.history import WINDOW_ENDS
from gretel_fin_synth.training.local.profiles import running_balances

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Closing:
    """How accounts are closed that end before the window does.

    Parameters
    ----------
    share : float
        How many of them are emptied, 0..1.
    kinds, counts : ndarray of shape (m,)
        The kinds of the transactions that do so, and how often each does.
    """

    share: float
    kinds: IntArray
    counts: IntArray

    @classmethod
    def fit(cls, data: Sequences, start: IntArray, world: World, k: int) -> Closing | None:
        """Learn from real customers; None if no kind of transaction closed the accounts of at least k."""
        early, emptied, _ = _ended(data, start, world)
        kinds, counts = np.unique(data.kind[data.offset[1:] - 1][early & emptied], return_counts=True)
        shared = counts >= k
        if not shared.any():
            return None
        return cls(float(emptied[early].mean()), kinds[shared].astype(np.int64), counts[shared])

    def applied(self, data: Sequences, start: IntArray, world: World, rng: np.random.Generator) -> Sequences:
        """Return the sequences, with accounts emptied that ended early with money left.

        Chosen at random, so many that the share is that of real accounts. A last transaction that is of a
        closing kind takes all that is left as well; to others one more is added on the same day.
        """
        early, emptied, left = _ended(data, start, world)
        last = data.offset[1:] - 1
        missing = self.share * early.sum() - (early & emptied).sum()
        can_be = early & (left > 0)
        chosen = can_be & (rng.random(len(left)) < missing / max(can_be.sum(), 1))
        cents = data.cents.copy()
        takes_all = chosen & np.isin(data.kind[last], self.kinds)
        cents[last[takes_all]] += left[takes_all]
        more = np.flatnonzero(chosen & ~takes_all)
        kind = rng.choice(self.kinds, len(more), p=self.counts / self.counts.sum())
        return replace(data, cents=cents).with_last_rows(more, kind, left[more])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"share": self.share, "kinds": self.kinds.tolist(), "counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Closing:
        """Inverse of :meth:`to_dict`."""
        return cls(values["share"], np.array(values["kinds"], np.int64), np.array(values["counts"], np.int64))


def _ended(data: Sequences, start: IntArray, world: World) -> tuple[BoolArray, BoolArray, IntArray]:
    """Return whose last transaction is well before the window's end, whose took all, and what is left."""
    last = data.offset[1:] - 1
    left = running_balances(data, start, world.sign)[last]
    early = data.day[last] < world.calendar.n_days - WINDOW_ENDS
    return early, (left == 0) & (world.sign[data.kind[last]] < 0), left
