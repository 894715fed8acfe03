"""How often each day and each amount of each kind occurs: all that many measures need, and it adds up.

A tally is small however long the table is, and the tally of two groups of rows is the sum of theirs. So it
can be made where the rows are, group by group, and measures of it are the same whoever counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Ints = NDArray[np.int64]

__all__ = ["Tally", "added", "paired", "tally_of"]

_KEYS = ["kind", "cents"]


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of usable rows.

    Attributes
    ----------
    days : pandas.Series of int64
        Rows on each day that has some; the index is the day since 1970-01-01, sorted.
    amounts : pandas.Series of int64
        Rows of each kind (as ``"debit: groceries"``) and amount in minor units that occur; the index has
        these two levels, sorted.
    """

    days: pd.Series[int]
    amounts: pd.Series[int]

    def __len__(self) -> int:
        return int(self.days.sum())

    @property
    def cents(self) -> pd.Series[int]:
        """Rows of each amount."""
        return self.amounts.groupby(level="cents").sum()

    def by_kind(self) -> dict[str, pd.Series[int]]:
        """Rows of each amount, for each kind."""
        groups = self.amounts.groupby(level="kind")
        return {str(kind): cents.droplevel("kind") for kind, cents in groups}

    @property
    def kinds(self) -> pd.Series[int]:
        """Rows of each type and category."""
        return self.amounts.groupby(level="kind").sum()

    @property
    def categories(self) -> pd.Series[int]:
        """Rows of each category."""
        kinds = self.kinds
        return kinds.groupby([str(kind).partition(": ")[2] for kind in kinds.index]).sum()

    def by(self, unit: str) -> pd.Series[int]:
        """Rows by ``month`` since 1970, ``day_of_month``, ``days_left`` in the month, or ``weekday``."""
        day = self.days.index.to_numpy(dtype=np.int64)
        month = day.astype("datetime64[D]").astype("datetime64[M]")
        places: dict[str, Any] = {
            "month": month.astype(np.int64),
            "day_of_month": day - month.astype("datetime64[D]").astype(np.int64) + 1,
            "days_left": (month + 1).astype("datetime64[D]").astype(np.int64) - 1 - day,
            "weekday": (day + 3) % 7,
        }
        return self.days.groupby(places[unit]).sum()


def tally_of(table: Table) -> Tally:
    """Count the usable rows of a table in memory.

    Examples
    --------
    >>> from gretel_fin_synth import make_transactions
    >>> from gretel_fin_synth.evaluation._table import prepare
    >>> bank = prepare(make_transactions(5, seed=1))
    >>> tally = tally_of(bank)
    >>> len(tally) == len(bank), bool(tally.by("weekday").sum() == len(bank))
    (True, True)
    """
    days = pd.Series(1, index=pd.Index(table.day, name="day"))
    keys = pd.DataFrame({"kind": table.kind, "cents": table.cents}, columns=_KEYS)
    return Tally(days.groupby(level=0).sum(), keys.groupby(_KEYS).size())


def added(tallies: Iterable[Tally]) -> Tally:
    """Return the tally of all rows of several groups."""
    parts = list(tallies)
    days = pd.concat([part.days for part in parts])
    amounts = pd.concat([part.amounts for part in parts])
    return Tally(days.groupby(level=0).sum(), amounts.groupby(level=_KEYS).sum())


def paired(real: pd.Series[int], other: pd.Series[int]) -> tuple[NDArray[Any], Ints, Ints]:
    """Return the values that occur in one or both of two counts, sorted, and how often they do in each."""
    values = real.index.union(other.index)
    left, right = (_counts_at(values, counts) for counts in (real, other))
    return values.to_numpy(), left, right


def _counts_at(values: pd.Index[Any], counts: pd.Series[int]) -> Ints:
    return counts.reindex(values, fill_value=0).to_numpy().astype(np.int64)
