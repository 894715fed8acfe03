"""Training data that need not fit into memory: whole customers, chosen by a hash of their ids, are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth import _frames
from gretel_fin_synth._customers import draw_customers
from gretel_fin_synth._source import open_source
from gretel_fin_synth.balance._stream import Customers
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import CUSTOMER
from gretel_fin_synth.schema._columns import name_problems
from gretel_fin_synth.schema._failures import violation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

__all__ = ["MOST_ROWS", "read_customers"]

#: Rows that are learned from if nothing else is said: what trains in reasonable time and some gigabytes.
MOST_ROWS = 2_000_000


def read_customers(
    path: str | PathLike[str], max_rows: int, seed: int, numbers: Sequence[str], *, private: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """Read whole customers out of files, as many as `max_rows` allow; gives them and what was left out.

    The files are read twice in batches: once to count the rows of every customer, once for those chosen.
    Who is chosen depends on the seed, the ids and their numbers of rows, not on how they lie in files.
    """
    files = open_source(path, numbers=numbers)
    problems = name_problems(list(files.names), [CUSTOMER])
    if problems:
        raise violation(problems)
    customers, counts = Customers(), np.zeros(0, dtype=np.int64)
    for chunk in files.chunks([CUSTOMER]):
        codes, _ = customers.number(chunk.frame[CUSTOMER].dropna())
        more = np.bincount(codes, minlength=len(customers))
        more[: counts.size] += counts
        counts = more
    chosen = draw_customers(customers.ids, counts, max_rows, seed)
    if private and not chosen.all():
        # Who is left out depends on the other customers, which no proof of privacy here accounts for.
        msg = (
            f"the files have {int(counts.sum()):,} rows, max_rows is {max_rows:,}; with privacy= nobody may "
            "be left out by what others have.\n\nHint: fit(path, max_rows=...), or choose customers yourself"
        )
        raise ParameterError(msg)
    kept = {value for value, inside in zip(customers.ids, chosen.tolist(), strict=True) if inside}
    parts = []
    for chunk in files.chunks():
        # Rows without a customer come along, so that they are named and refused as in any other table.
        inside = chunk.frame[CUSTOMER].isin(kept) | chunk.frame[CUSTOMER].isna()
        parts.append(chunk.frame[inside.to_numpy(dtype=bool)])
    frame = pd.concat(parts, ignore_index=True)
    plain: pd.DataFrame = _frames.to_pandas(_frames.arrow_table(frame)) if len(frame) else frame
    if chosen.all():
        return plain, []
    return plain, [
        f"learned from {int(chosen.sum()):,} of {len(customers):,} customers ({int(counts[chosen].sum()):,} "
        f"of {int(counts.sum()):,} rows), drawn at random as wholes; fit(path, max_rows=...) allows more"
    ]
