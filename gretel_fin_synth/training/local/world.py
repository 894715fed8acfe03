"""What is fixed about a table before the network is trained: its calendar, cells of amounts, units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.amounts import AmountTable
    from gretel_fin_synth.training.local.calendar import Calendar
    from gretel_fin_synth.training.local.habits import Habits
    from gretel_fin_synth.training.local.order import OrderTable
    from gretel_fin_synth.training.local.shares import ShareTable

IntArray = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scales:
    """Units of money of one table, so that the network sees numbers near 1.

    Parameters
    ----------
    typical : float
        Typical size of a balance, in minor units.
    balance_knots : ndarray of shape (31,)
        Quantiles of running balances, in minor units.
    after_edges : ndarray
        Edges of the classes of the balance after a transaction; one of them is 0.
    """

    typical: float
    balance_knots: npt.NDArray[np.float64]
    after_edges: npt.NDArray[np.float64]

    @classmethod
    def fit(cls, balances: IntArray) -> Scales:
        """Learn from running balances in minor units."""
        knots = np.quantile(balances, (np.arange(31) + 0.5) / 31)
        inner = np.quantile(balances, np.linspace(0.03, 0.97, 13))
        return cls(max(float(np.median(np.abs(balances))), 100.0), knots, np.unique(np.r_[inner, -0.5]))

    def signed_log(self, cents: npt.NDArray[np.generic]) -> Float32Array:
        """Return a number near 1 for a typical balance, linear near 0, logarithmic beyond."""
        return (np.arcsinh(np.asarray(cents, float) / self.typical * 3) / 2).astype(np.float32)

    def rank(self, cents: IntArray) -> Float32Array:
        """Return where a balance stands among all running balances, 0..1."""
        return (self.balance_knots < cents[..., None]).mean(axis=-1).astype(np.float32)

    def after_class(self, cents: npt.NDArray[np.generic]) -> IntArray:
        """Return the class of a balance."""
        return np.searchsorted(self.after_edges, cents)

    @property
    def n_after(self) -> int:
        """Number of classes of balances."""
        return len(self.after_edges) + 1


@dataclass(frozen=True)
class World:
    """Everything about a table that is fixed before the network is trained.

    ``sign`` (+1 credit, -1 debit), ``repeat_share``, how much of a kind repeats an amount that the customer
    had before, ``few_a_month`` and ``in_cycles``, which kinds come a few times a month at most, and which in
    cycles of weeks, have shape (kinds,);
    ``n_slots`` amounts of each kind are remembered.
    """

    calendar: Calendar
    amounts: AmountTable
    scales: Scales
    shares: ShareTable
    order: OrderTable
    habits: Habits
    sign: IntArray
    repeat_share: npt.NDArray[np.float64]
    few_a_month: npt.NDArray[np.bool_]
    in_cycles: npt.NDArray[np.bool_]
    n_slots: int

    @cached_property
    def usual(self) -> npt.NDArray[np.float64]:
        """Median amount of each kind, minor units, (kinds,)."""
        return np.exp(self.amounts.knots[:, self.amounts.knots.shape[1] // 2])

    @property
    def n_kinds(self) -> int:
        """Number of kinds of transaction."""
        return len(self.sign)

    @property
    def n_copies(self) -> int:
        """Number of amounts that can be copied: those remembered and the whole balance."""
        return self.n_slots + 1
