"""Rules for the columns beside the six."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.schema._columns import CUSTOMER, ExtraColumn
from gretel_fin_synth.schema._failures import Problem, of_column
from gretel_fin_synth.schema._rules import inspect_date

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["inspect_extra"]


def inspect_extra(frame: pd.DataFrame, extra: ExtraColumn) -> list[Problem]:
    """Say where a column does not hold what its description promises; missing values are no mistake."""
    rules: dict[str, Callable[[pd.DataFrame, str], list[Problem]]] = {
        "category": _category,
        "number": _number,
        "datetime": _datetime,
        "constant": _constant,
    }
    return rules[extra.kind](frame, extra.name)


def _category(frame: pd.DataFrame, name: str) -> list[Problem]:
    column = frame[name]
    if column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
        return []
    bad = [row for row, value in enumerate(column) if not _has_hash(value)]
    if not bad:
        return []
    texts = ["can't be a category; write text, a number or a truth value"] * len(bad)
    hint = f'frame["{name}"] = frame["{name}"].map(str)'
    return [Problem(name, np.array(bad, dtype=np.int64), column.iloc[bad].tolist(), texts, hint)]


def _number(frame: pd.DataFrame, name: str) -> list[Problem]:
    column = frame[name]
    hint = f'frame["{name}"] = pandas.to_numeric(frame["{name}"], errors="coerce")'
    if column.dtype.kind not in "iuf":
        if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "decimal":
            return []
        text = f"holds {column.dtype}; numbers are needed, or another kind than 'number'"
        return [of_column(name, str(column.dtype), text, hint)]
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    rows = np.flatnonzero(np.isinf(values)).astype(np.int64)
    if not rows.size:
        return []
    texts = ["is not finite; write a number, or leave it missing"] * rows.size
    hint = f'frame["{name}"] = frame["{name}"].replace([numpy.inf, -numpy.inf], numpy.nan)'
    return [Problem(name, rows, column.iloc[rows].tolist(), texts, hint)]


def _datetime(frame: pd.DataFrame, name: str) -> list[Problem]:
    column = frame[name]
    present = np.flatnonzero(column.notna().to_numpy(dtype=bool)).astype(np.int64)
    _, problems = inspect_date(column.iloc[present])
    return [
        p if p.rows is None else Problem(p.column, present[p.rows], p.values, p.texts, p.hint)
        for p in problems
    ]


def _constant(frame: pd.DataFrame, name: str) -> list[Problem]:
    """Report rows that differ from the first row of their customer."""
    customers, _ = pd.factorize(frame[CUSTOMER])
    values = _category(frame, name)
    if values or (customers < 0).any():
        return values
    codes, _ = pd.factorize(frame[name], use_na_sentinel=True)
    first = np.full(int(customers.max(initial=-1)) + 1, -2)
    first[customers[::-1]] = codes[::-1]
    rows = np.flatnonzero(codes != first[customers]).astype(np.int64)
    if not rows.size:
        return []
    column = frame[name]
    opening = np.zeros(first.size, dtype=np.int64)
    opening[customers[::-1]] = np.arange(len(column))[::-1]
    texts = [
        f"differs from {column.iloc[opening[customers[row]]]!r} in row {opening[customers[row]]} of customer "
        f"{frame[CUSTOMER].iloc[row]!r}; a constant has one value per customer"
        for row in rows
    ]
    hint = f'frame["{name}"] = frame.groupby("{CUSTOMER}")["{name}"].transform("first")'
    return [Problem(name, rows, column.iloc[rows].tolist(), texts, hint)]


def _has_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
