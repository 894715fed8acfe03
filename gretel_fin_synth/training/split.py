"""Splitting a table by customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import narwhals.stable.v2 as nw
import numpy as np

from gretel_fin_synth import _frames
from gretel_fin_synth.errors import ParameterError, SchemaViolation
from gretel_fin_synth.training._arguments import check_seed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["split_customers"]

FrameT = TypeVar("FrameT")


def split_customers(frame: FrameT, fraction: float = 0.5, *, seed: int | None = None) -> tuple[FrameT, FrameT]:
    """Split a table into two sets of whole customers.

    Never split transactions by row: rows of one customer on both sides make every score look better than it is.

    Parameters
    ----------
    frame : dataframe of n rows
        pandas, polars (eager or lazy), pyarrow or duckdb, with a column ``customer_id``.
    fraction : float, default 0.5
        Share of the customers in the first part, in (0, 1); both parts get at least one.
    seed : int, optional
        Decides who goes where; the same for the same set of customers, whatever the order of the rows.

    Returns
    -------
    tuple of two dataframes
        Of the type of `frame`; rows keep their order.

    Raises
    ------
    SchemaViolation
        If there is no column ``customer_id``.
    ParameterError
        If `fraction` is not in (0, 1) or there are fewer than two customers.

    Examples
    --------
    >>> from gretel_fin_synth import make_transactions, split_customers
    >>> train, holdout = split_customers(make_transactions(10, seed=1), 0.8, seed=1)
    >>> train["customer_id"].nunique(), holdout["customer_id"].nunique()
    (8, 2)
    """
    if not 0 < fraction < 1:
        msg = f"fraction={fraction!r} cannot be used: it must lie between 0 and 1, both excluded."
        raise ParameterError(msg)
    rng = np.random.default_rng(check_seed(seed))
    ids = _ids(frame)
    if len(ids) < 2:
        msg = f"There are {len(ids)} customers in the table, and a split needs at least 2."
        raise ParameterError(msg)
    n_first = int(np.clip(round(fraction * len(ids)), 1, len(ids) - 1))
    chosen = [ids[i] for i in rng.permutation(len(ids))[:n_first]]
    native: Any = _frames.native(frame)
    table = nw.from_native(native)
    inside = nw.col("customer_id").is_in(chosen)
    return table.filter(inside).to_native(), table.filter(~inside).to_native()


def _ids(frame: Any) -> list[Any]:
    """Return the customers in an order that does not depend on that of the rows."""
    if "customer_id" not in _frames.column_names(frame):
        import pandas

        cases: pd.DataFrame = pandas.DataFrame(
            {"column": ["customer_id"], "row": [None], "index": [None], "value": [None], "problem": ["missing"]}
        )
        msg = "Column 'customer_id' is missing.\n\nHint: frame.rename(columns={'your_name': 'customer_id'})"
        raise SchemaViolation(msg, cases)
    column = _frames.sub_frame(frame, ["customer_id"])["customer_id"]
    return sorted(column.dropna().unique().tolist(), key=lambda value: (str(type(value)), value))
