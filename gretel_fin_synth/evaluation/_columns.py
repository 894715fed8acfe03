"""Columns as Gretel's quality scores see them: which rows, the type of a column, its distribution.

The rules are those of NVIDIA's NeMo Safe Synthesizer (Apache-2.0), the open successor of Gretel's evaluator,
described anew. They decide by number of distinct values, not by meaning: a date is a category if it repeats
often enough, and else it is not scored at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._similarity import js_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Column = pd.Series[Any]
    Floats = NDArray[np.float64]
    ColumnType = Literal["empty", "binary", "numeric", "categorical", "text", "other"]

__all__ = [
    "NOMINAL",
    "TABULAR",
    "column_type",
    "cut_rows",
    "histogram_edges",
    "histograms",
    "numbers",
    "scored_columns",
    "value_names",
]

NOMINAL = frozenset({"binary", "categorical"})
TABULAR = NOMINAL | {"numeric"}
_MOST_ROWS = 5000
_CUT_SEED = 424242  # part of the published definition: with it the same rows are drawn as there
_MOST_EDGES = 500
_MISSING = "nan"


def scored_columns(real: Table, other: Table, *, identifiers: bool) -> list[str]:
    """Return the columns that both tables have, in the order of the real one."""
    shared = [str(name) for name in real.source.columns if name in other.source.columns]
    return [name for name in shared if identifiers or name != "customer_id"]


def cut_rows(real: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut both tables to the same number of rows, 5000 at most, each by a sample without replacement."""
    rows = min(_MOST_ROWS, len(real), len(other))
    return _sample(real, rows), _sample(other, rows)


def column_type(column: Column) -> ColumnType:
    """Return the type of a column, decided on the values that are not missing.

    Examples
    --------
    >>> column_type(pd.Series([1.5, 2.5, 3.5])), column_type(pd.Series(["in", "out", "in"]))
    ('numeric', 'binary')
    >>> column_type(pd.Series(["2024-01-01", "2024-01-02", "2024-01-03"]))
    'other'
    """
    values = column.dropna()
    if values.empty:
        return "empty"
    distinct = int(values.nunique())
    if distinct == 2:
        return "binary"
    if pd.api.types.is_float_dtype(values.dtype):
        return "numeric"
    if pd.api.types.is_integer_dtype(values.dtype):
        return "categorical" if distinct <= 10 and values.min() >= 0 else "numeric"
    repeated = (len(values) - distinct) / len(values)
    if repeated >= 0.90 or (repeated >= 0.70 and len(values) <= 50):
        return "categorical"
    spaces = values.astype(str).str.count(" ").mean()
    return "text" if spaces > 2 else "other"


def value_names(column: Column, *, whole: bool = False) -> NDArray[np.object_]:
    """Return the values as text, a missing one as ``"nan"``; numbers rounded to integers if ``whole``."""
    if whole:
        column = pd.to_numeric(column, errors="coerce").astype("float64").round().astype("Int64")
    codes, levels = pd.factorize(column)
    names = np.array([*(str(level) for level in levels), _MISSING], dtype=object)
    return names[codes]


def numbers(column: Column) -> Floats:
    """Return the values as floats, NaN where there is none or an infinite one."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def histogram_edges(values: Floats) -> Floats:
    """Return the edges of bins by Doane's rule, or of 500 equal bins where the rule asks for more edges."""
    edges = np.histogram_bin_edges(values, bins="doane")
    if len(edges) > _MOST_EDGES:
        edges = np.histogram_bin_edges(values, bins=_MOST_EDGES)
    return edges


def histograms(real: Floats, other: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return common bin edges and the counts of both samples; bins are closed on the right."""
    real, other = real[~np.isnan(real)], other[~np.isnan(other)]
    edges = histogram_edges(np.concatenate([real, other]))
    size = len(edges) - 1
    counts = [
        np.bincount(np.clip(np.searchsorted(edges, values, side="left") - 1, 0, size - 1), minlength=size)
        for values in (real, other)
    ]
    return edges, counts[0], counts[1]


def binned_distance(real: Floats, other: Floats) -> float:
    """Return the Jensen-Shannon distance of two samples of numbers over common bins."""
    _, left, right = histograms(real, other)
    return js_distance(left, right)


def named_distance(real: Column, other: Column) -> float:
    """Return the Jensen-Shannon distance of two columns of names, missing values being a name too."""
    whole = any(pd.api.types.is_integer_dtype(column.dtype) for column in (real, other))
    left, right = (value_names(column, whole=whole) for column in (real, other))
    codes, _ = pd.factorize(np.concatenate([left, right]))
    size = int(codes.max()) + 1
    counts = [np.bincount(part, minlength=size) for part in (codes[: len(left)], codes[len(left) :])]
    return js_distance(counts[0], counts[1])


def _sample(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    if rows == len(frame):
        return frame
    return frame.sample(n=rows, random_state=np.random.RandomState(_CUT_SEED))
