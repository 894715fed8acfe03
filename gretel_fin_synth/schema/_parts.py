"""Dask dataframes, part by part: each customer is brought whole into one part, and worked on there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from gretel_fin_synth import _money
from gretel_fin_synth.schema._columns import AMOUNT, BALANCE, CREDIT, CUSTOMER, TYPE
from gretel_fin_synth.schema._query import TIE, content_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["by_customer", "in_order", "in_parts", "tie_columns"]


def in_parts(frame: Any, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Compute `function(part, *arguments)` of every part (a pandas frame), where the parts are."""
    import dask

    work = dask.delayed(function, pure=True)
    return list(dask.compute(*[work(part, *arguments) for part in frame.to_delayed()]))


def by_customer(frame: Any) -> Any:
    """Bring all rows of a customer into one part."""
    return frame.shuffle(on=CUSTOMER)


def tie_columns(frame: Any, order_by: Sequence[str]) -> list[str]:
    """Columns that order the rows of a customer in a dask frame, ties included."""
    schema = dict(nw.from_native(frame._meta, eager_only=True).collect_schema())
    return [*order_by, *content_order(schema, order_by)]


def in_order(part: pd.DataFrame, columns: Sequence[str], minor_units: int, *, balance: bool) -> pd.DataFrame:
    """Sort a part by customer, then by `columns`, then in the order in which balances can run."""
    by = [CUSTOMER, *columns]
    if balance:
        found, _ = _money.parse_minor(part[BALANCE], minor_units)
        part = part.assign(**{TIE: np.where(part[TYPE] == CREDIT, found, -found)})
        by.append(TIE)
    ordered = part.sort_values(by, kind="stable", na_position="first", key=_plain)
    return ordered.drop(columns=TIE) if balance else ordered


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Categories sort by what they say, amounts by what they are worth."""
    if column.name == AMOUNT:
        return column.astype("float64")
    return column.astype(str) if isinstance(column.dtype, pd.CategoricalDtype) else column
