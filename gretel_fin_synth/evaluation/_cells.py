"""Columns of a table that may be broken: what can be read gets one type, what cannot is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["as_text", "read_column"]

_TEXT = ("customer_id", "transaction_type", "transaction_category")
_NUMBERS = ("transaction_amount", "account_balance")


def read_column(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the column with the type that measures expect, missing where a cell cannot be read."""
    column = column.reset_index(drop=True)
    if name in _TEXT:
        return as_text(column)
    if name in _NUMBERS:
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan))
    if name == "transaction_date":
        return _as_dates(column)
    return column


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write the values of a column as text, missing ones left missing."""
    codes, levels = pd.factorize(column)
    names = np.array([*(_text(level) for level in levels), None], dtype=object)
    return pd.Series(names[codes], dtype=object)


def _text(value: Any) -> str:
    """Write a value as text; a whole float (integers beside a missing cell) without its ``.0``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _as_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        local: pd.Series[Any] = column.dt.tz_localize(None).astype("datetime64[us]")
        return local
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(np.full(len(column), "NaT", dtype="datetime64[us]"))
    dates = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
    plain: pd.Series[Any] = dates.dt.tz_localize(None).astype("datetime64[us]")
    return plain
