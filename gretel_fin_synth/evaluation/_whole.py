"""What is counted over all rows of a table that is too large for memory, whole customers at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth.evaluation._tally import Tally, added
from gretel_fin_synth.evaluation._traces import Traces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation.integrity import Soundness

    Owners = NDArray[np.int32]

__all__ = ["Whole", "merged"]


@dataclass(frozen=True, eq=False)
class Whole:
    """Counts over all rows.

    Attributes
    ----------
    n_rows : int
        Rows, usable or not.
    columns : tuple of str
        Names of the columns.
    unusable : mapping of str to int
        Rows that cannot be used, by reason.
    tally : Tally
        Usable rows by day, and by kind and amount.
    soundness : Soundness
        Broken rows by rule.
    traces : Traces
        What rows and runs are compared by.
    """

    n_rows: int
    columns: tuple[str, ...]
    unusable: Mapping[str, int]
    tally: Tally
    soundness: Soundness
    traces: Traces

    @property
    def span(self) -> tuple[str, str]:
        """First and last date, as ISO 8601 has them."""
        days = self.tally.days.index.to_numpy(dtype=np.int64).astype("datetime64[D]")
        return str(days.min()), str(days.max())


def merged(parts: Sequence[Whole]) -> Whole:
    """Bring together what was counted in several groups of whole customers."""
    return Whole(
        n_rows=sum(part.n_rows for part in parts),
        columns=parts[0].columns,
        unusable=dict(reduce(add, (Counter(part.unusable) for part in parts))),
        tally=added(part.tally for part in parts),
        soundness=reduce(add, (part.soundness for part in parts)),
        traces=_joined([part.traces for part in parts]),
    )


def _joined(parts: Sequence[Traces]) -> Traces:
    customers = np.concatenate([part.customers for part in parts])
    order = np.argsort(customers, kind="stable")
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    first = np.cumsum([0, *(len(part.customers) for part in parts)])
    return Traces(
        customers=customers[order],
        rows=np.concatenate([part.rows for part in parts]),
        row_owner=_numbered([part.row_owner for part in parts], first, place),
        runs=np.concatenate([part.runs for part in parts]),
        run_owner=_numbered([part.run_owner for part in parts], first, place),
    )


def _numbered(owners: Sequence[Owners], first: NDArray[Any], place: Owners) -> Owners:
    """Return the owners of all parts, numbered through."""
    return np.concatenate([place[owner + start] for owner, start in zip(owners, first, strict=False)])
