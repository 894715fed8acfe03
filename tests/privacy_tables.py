"""Tables and sources of noise for the tests of privacy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth import make_transactions
from gretel_fin_synth.training._prepare import prepare
from gretel_fin_synth.training.private.customers import Customers, bounded

if TYPE_CHECKING:
    import pandas as pd

    from gretel_fin_synth.schema import ExtraColumn
    from gretel_fin_synth.training.backend import TrainingTable

IntArray = npt.NDArray[np.int64]

CATEGORIES = [("credit", "salary"), ("debit", "groceries"), ("debit", "rent"), ("debit", "phone")]
PUBLIC = {
    "categories": CATEGORIES,
    "window": ("2024-01-01", "2024-03-31"),
    "amounts": [("debit", "phone", 20.0)],
}


class SeededNoise:
    """Noise that can be made again, for tests only; ``size`` 0 switches it off."""

    secure = False

    def __init__(self, seed: int = 0, size: float = 1.0) -> None:
        self._rng = np.random.default_rng(seed)
        self._size = size

    def add(self, values: IntArray, scale: float) -> IntArray:
        noise = self._size * scale * self._rng.standard_normal(len(values))
        return np.asarray(values + np.rint(noise).astype(np.int64))


class Tape:
    """Records what another source answers; then gives the same answers whatever the values are."""

    secure = False

    def __init__(self, source: SeededNoise) -> None:
        self._source = source
        self.totals: list[IntArray] = []
        self.answers: list[IntArray] = []
        self.scales: list[float] = []
        self._replays = False

    def rewound(self) -> Tape:
        """Return a tape that plays the answers again and records the values it is asked about."""
        again = Tape(self._source)
        again.answers, again._replays = list(self.answers), True
        return again

    def add(self, values: IntArray, scale: float) -> IntArray:
        self.totals.append(values)
        self.scales.append(scale)
        if not self._replays:
            self.answers.append(self._source.add(values, scale))
        return self.answers[len(self.totals) - 1]


def transactions(n_customers: int = 60, seed: int = 1) -> pd.DataFrame:
    return make_transactions(n_customers, start="2024-01-01", end="2024-03-31", seed=seed)


def training_table(frame: pd.DataFrame, extra: tuple[ExtraColumn, ...] = ()) -> TrainingTable:
    return prepare(frame, extra, 2).table


def customers(n_customers: int = 60, seed: int = 1) -> Customers:
    return bounded(training_table(transactions(n_customers, seed)), 2000)


def blanked(table: Customers, customer: int) -> Customers:
    """Return the table in which one customer has no transactions."""
    kept = np.flatnonzero(table.who != customer)
    counts = np.bincount(table.who[kept], minlength=len(table))
    start = table.start.copy()
    start[customer] = 0
    return replace(
        table,
        type=table.type[kept],
        category=table.category[kept],
        day=table.day[kept],
        seconds=table.seconds[kept],
        cents=table.cents[kept],
        offset=np.r_[0, np.cumsum(counts)],
        start=start,
        extra={name: values[kept] for name, values in table.extra.items()},
        kind=table.kind[kept],
    )
