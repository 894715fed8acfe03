"""What is counted over all rows of a table that is too large for memory, whole customers at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._tally import Tally, added

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gretel_fin_synth.evaluation._trace_files import TraceFiles
    from gretel_fin_synth.evaluation._traces import Traces
    from gretel_fin_synth.evaluation.integrity import Soundness

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
    traces : Traces or TraceFiles
        What rows and runs are compared by.
    """

    n_rows: int
    columns: tuple[str, ...]
    unusable: Mapping[str, int]
    tally: Tally
    soundness: Soundness
    traces: Traces | TraceFiles

    @property
    def span(self) -> tuple[str, str]:
        """First and last date, as ISO 8601 has them."""
        days = self.tally.days.index.to_numpy(dtype=np.int64).astype("datetime64[D]")
        return str(days.min()), str(days.max())


def merged(parts: Sequence[Whole]) -> Whole:
    """Bring together what was counted in several groups of whole customers, whose traces are in one place."""
    return Whole(
        n_rows=sum(part.n_rows for part in parts),
        columns=parts[0].columns,
        unusable=dict(reduce(add, (Counter(part.unusable) for part in parts))),
        tally=added(part.tally for part in parts),
        soundness=reduce(add, (part.soundness for part in parts)),
        traces=parts[0].traces,
    )
