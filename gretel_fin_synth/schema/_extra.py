"""Rules for the columns beside the six."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema._columns import CUSTOMER, ExtraColumn
from gretel_fin_synth.schema._failures import Problem, of_column
from gretel_fin_synth.schema._kinds import own_kind
from gretel_fin_synth.schema._rules import inspect_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from gretel_fin_synth.schema._kinds import ColumnKind

__all__ = ["inspect_extra", "read_kinds", "write_kinds"]


def inspect_extra(frame: pd.DataFrame, extra: ExtraColumn) -> list[Problem]:
    """Say where a column does not hold what its description promises; missing values are no mistake."""
    rules: dict[str, Callable[[pd.DataFrame, str], list[Problem]]] = {
        "category": _category,
        "number": _number,
        "datetime": _datetime,
        "constant": _constant,
    }
    own = own_kind(extra.kind)
    if own is None:
        return rules[extra.kind](frame, extra.name)
    values, problems = _read(frame[extra.name], extra.kind, own)
    return problems or rules[own.base](frame.assign(**{extra.name: values}), extra.name)


def _read(column: pd.Series[Any], kind: str, own: ColumnKind) -> tuple[pd.Series[Any], list[Problem]]:
    """Read a column of a kind that was added; say which values cannot be read."""
    name = str(column.name)
    values = own.read(column.copy())
    if not isinstance(values, pd.Series) or not values.index.equals(column.index):
        msg = (
            f"kind {kind!r} read column {name!r} as a {type(values).__name__} that has other rows.\n\n"
            "Hint: read=lambda column: column.map(one_value)"
        )
        raise ParameterError(msg)
    rows = np.flatnonzero(values.isna() & column.notna()).astype(np.int64)
    if not rows.size:
        return values, []
    texts = [f"can't be read as {kind!r}"] * rows.size
    hint = f'frame["{name}"] = frame["{name}"].where(read(frame["{name}"]).notna()) leaves it missing'
    return values, [Problem(name, rows, column.iloc[rows].tolist(), texts, hint)]


def read_kinds(
    table: pd.DataFrame, extra_columns: Iterable[ExtraColumn]
) -> tuple[pd.DataFrame, tuple[ExtraColumn, ...]]:
    """Return a valid table and its extra columns as backends know them, with the four kinds alone."""
    plain = []
    for column in extra_columns:
        own = own_kind(column.kind)
        if own is not None:
            table = table.assign(**{column.name: _read(table[column.name], column.kind, own)[0]})
        plain.append(column if own is None else ExtraColumn(column.name, own.base))
    return table, tuple(plain)


def write_kinds(table: pd.DataFrame, extra_columns: Iterable[ExtraColumn]) -> pd.DataFrame:
    """Undo :func:`read_kinds` on rows that a backend drew."""
    for column in extra_columns:
        own = own_kind(column.kind)
        if own is not None:
            table = table.assign(**{column.name: own.write(table[column.name])})
    return table


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
