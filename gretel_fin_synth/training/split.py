"""Splitting a table by customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from gretel_fin_synth import _frames
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import CUSTOMER
from gretel_fin_synth.schema._columns import name_problems
from gretel_fin_synth.schema._failures import Problem, violation
from gretel_fin_synth.training._arguments import check_fraction, check_seed

if TYPE_CHECKING:
    from gretel_fin_synth._frames import FrameT

__all__ = ["split_customers"]


def split_customers(
    frame: FrameT, fraction: float = 0.5, *, seed: int | None = None
) -> tuple[FrameT, FrameT]:
    """Split a table into two sets of whole customers.

    Never split transactions by row: rows of one customer on both sides make every score look better than it
    is.

    Parameters
    ----------
    frame : dataframe of n rows
        pandas, polars (eager or lazy), pyarrow or duckdb, with a column ``customer_id``.
    fraction : float, default 0.5
        Share of the customers in the first part, in (0, 1); both parts get at least one.
    seed : int, optional
        Decides who goes where: the same for the same set of customers, whatever the order of the rows and the
        library of the frame. None for a fresh one.

    Returns
    -------
    tuple of two dataframes
        Of the type of `frame`, every row in one of them; rows keep their order and, in pandas, their labels.

    Raises
    ------
    SchemaViolation
        If there is no column ``customer_id``, or a row has none.
    ParameterError
        If `fraction` is not in (0, 1), there are fewer than two customers, or `frame` is no dataframe.

    Examples
    --------
    >>> from gretel_fin_synth import make_transactions, split_customers
    >>> train, holdout = split_customers(make_transactions(10, seed=1), 0.8, seed=1)
    >>> train["customer_id"].nunique(), holdout["customer_id"].nunique()
    (8, 2)
    """
    fraction = check_fraction("fraction", fraction)
    rng = np.random.default_rng(check_seed(seed))
    row_codes, uniques = pd.factorize(_customers(frame))
    ids: list[Any] = uniques.tolist()
    if len(ids) < 2:
        msg = (
            f"a split needs at least 2 customers, and the table has {len(ids)}."
            "\n\nHint: make_transactions(20) gives a table of 20 customers"
        )
        raise ParameterError(msg)
    in_order = sorted(range(len(ids)), key=lambda code: (str(type(ids[code])), ids[code]))
    n_first = int(np.clip(round(fraction * len(ids)), 1, len(ids) - 1))
    first = np.zeros(len(ids), dtype=np.bool_)
    first[[in_order[place] for place in rng.permutation(len(ids))[:n_first]]] = True
    if _frames.is_dask(frame):
        lazy: Any = _frames.native(frame)
        in_first = lazy[CUSTOMER].isin([ids[code] for code in np.flatnonzero(first)])
        return lazy[in_first], lazy[~in_first]
    if _frames.is_lazy(frame):
        inside = nw.col(CUSTOMER).is_in([ids[code] for code in np.flatnonzero(first)])
        wrapped = _frames.wrap(frame)
        return wrapped.filter(inside).to_native(), wrapped.filter(~inside).to_native()
    native: Any = _frames.native(frame)
    rows = first[row_codes]
    return _frames.take(native, np.flatnonzero(rows)), _frames.take(native, np.flatnonzero(~rows))


def _customers(frame: Any) -> pd.Series[Any]:
    """Return the customer of each row as plain Python values; refuse a table in which one is missing."""
    problems = name_problems(_frames.column_names(frame), [CUSTOMER])
    if problems:
        raise violation(problems)
    column = _frames.sub_frame(frame, [CUSTOMER])[CUSTOMER]
    missing = np.flatnonzero(column.isna().to_numpy(dtype=bool)).astype(np.int64)
    if missing.size:
        rows = np.full_like(missing, -1) if _frames.is_lazy(frame) else missing
        texts = ["is no customer, so the row belongs to neither part"] * missing.size
        hint = f"frame = frame[frame[{CUSTOMER!r}].notna()]"
        raise violation([Problem(CUSTOMER, rows, [None] * missing.size, texts, hint)])
    return pd.Series(column.tolist(), dtype=object)
