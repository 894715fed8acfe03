"""What a dataframe is, and how any of them becomes pandas or Arrow; :mod:`~._given_back` goes the other way.

Anything that narwhals reads comes in: pandas, polars (eager and lazy), pyarrow tables, duckdb relations, ibis
tables, PySpark and dask dataframes. Whatever is not pandas travels through Arrow, so text, dates and decimals
arrive as they were.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import narwhals.stable.v2 as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gretel_fin_synth._cores import side_by_side
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "FrameT",
    "arrow_schema",
    "arrow_table",
    "batches",
    "collected",
    "column_names",
    "empty_like",
    "is_dask",
    "is_lazy",
    "is_spark",
    "local_times",
    "native",
    "select",
    "set_columns",
    "signed_indices",
    "sub_frame",
    "take",
    "to_numpy_backed",
    "to_pandas",
    "wrap",
]

FrameT = TypeVar("FrameT")


def wrap(frame: Any) -> Any:
    """Return `frame` as a narwhals frame.

    Raises
    ------
    ParameterError
        If it is no dataframe.
    """
    try:
        return nw.from_native(nw.to_native(frame, pass_through=True))
    except TypeError as exc:
        shown = repr(frame)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        msg = (
            "a dataframe is needed (pandas, polars, pyarrow, duckdb, ibis, pyspark or dask), not "
            f"{type(frame).__name__} {shown}."
            "\n\nHint: pandas.DataFrame(records), or pandas.read_csv(path, dtype={'customer_id': str})"
        )
        raise ParameterError(msg) from exc


def is_lazy(frame: Any) -> bool:
    """Say whether `frame` is a query rather than a table in memory (polars lazy, duckdb relation, ...)."""
    if isinstance(frame, pd.DataFrame):
        return False
    return is_dask(frame) or isinstance(wrap(frame), nw.LazyFrame)


def is_dask(frame: Any) -> bool:
    """Say whether `frame` is a dask dataframe, which has no windows and so is worked on part by part."""
    given = nw.to_native(frame, pass_through=True)
    return type(given).__module__.partition(".")[0] == "dask" and hasattr(given, "map_partitions")


def is_spark(frame: Any) -> bool:
    """Say whether `frame` is a PySpark dataframe, classic or connected."""
    if isinstance(frame, pd.DataFrame) or is_dask(frame):
        return False
    implementation = wrap(frame).implementation
    return bool(implementation.is_pyspark() or implementation.is_pyspark_connect())


def column_names(frame: Any) -> list[Any]:
    """Names of the columns of `frame`, in order; they may repeat in pandas."""
    if isinstance(frame, pd.DataFrame):
        return list(frame.columns)
    if isinstance(frame, pa.Table):
        return list(frame.column_names)
    if is_dask(frame):
        return list(native(frame).columns)
    return list(wrap(frame).collect_schema().names())


def to_pandas(frame: Any) -> pd.DataFrame:
    """Convert any dataframe to pandas, with the dtypes that pandas itself would choose.

    Parameters
    ----------
    frame : dataframe
        pandas, polars, pyarrow, duckdb or another that narwhals knows. Lazy frames are computed.

    Returns
    -------
    pandas.DataFrame
        A pandas frame comes back as a shallow copy: adding columns to it leaves the original alone. Others
        get a new ``RangeIndex``; dates become ``datetime64``.

    Raises
    ------
    ParameterError
        If `frame` is no dataframe.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from gretel_fin_synth._frames import to_pandas
    >>> to_pandas(pa.table({"customer_id": ["007"], "transaction_amount": [12.5]}))
      customer_id  transaction_amount
    0         007                12.5
    """
    if isinstance(frame, pd.DataFrame):
        return frame.copy(deep=False)
    converted: pd.DataFrame = signed_indices(_arrow(frame)).to_pandas(date_as_object=False)
    return converted


def sub_frame(frame: Any, names: Sequence[str]) -> pd.DataFrame:
    """Return some columns as pandas without copying their values where that is possible (Arrow-backed)."""
    if isinstance(frame, pd.DataFrame):
        return frame[list(names)]
    converted: pd.DataFrame = signed_indices(_arrow(frame, names)).to_pandas(types_mapper=pd.ArrowDtype)
    return converted


def collected(frame: Any) -> Any:
    """Compute a lazy frame, as an Arrow table; eager frames come back as they are."""
    return _arrow(frame) if is_lazy(frame) else nw.to_native(frame, pass_through=True)


def batches(frame: Any, names: Sequence[str], n_rows: int) -> Iterator[pa.Table]:
    """Give the rows of a lazy frame of one process in batches of about `n_rows`, in the order that it has."""
    wrapped = wrap(frame).select(*names)
    query, implementation = wrapped.to_native(), wrapped.implementation
    if implementation.is_polars() and hasattr(query, "collect_batches"):
        yield from (
            batch.to_arrow() for batch in query.collect_batches(chunk_size=n_rows, maintain_order=True)
        )
    elif implementation.is_duckdb():
        read = query.to_arrow_reader if hasattr(query, "to_arrow_reader") else query.fetch_record_batch
        yield from (pa.Table.from_batches([batch]) for batch in read(n_rows))
    else:  # ibis 12 has batches too, but cannot read those of duckdb 2
        yield _arrow(query)


def to_numpy_backed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return an Arrow-backed column with the dtype that pandas would choose by itself."""
    table = signed_indices(pa.table({"column": pa.array(column)}))
    plain = table.to_pandas(date_as_object=False)["column"]
    return pd.Series(plain.array, index=column.index, name=column.name)


def signed_indices(table: pa.Table) -> pa.Table:
    """Return a table whose dictionaries have signed indices, which pyarrow before 20 needs for pandas."""
    for at, field in enumerate(table.schema):
        kind = field.type
        if pa.types.is_dictionary(kind) and pa.types.is_unsigned_integer(kind.index_type):
            signed = pa.dictionary(pa.int64(), kind.value_type, kind.ordered)
            column = table.column(at)
            chunks = [
                pa.DictionaryArray.from_arrays(
                    chunk.indices.cast(pa.int64()), chunk.dictionary, ordered=kind.ordered
                )
                for chunk in column.chunks
            ]
            table = table.set_column(at, field.with_type(signed), pa.chunked_array(chunks, type=signed))
    return table


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """Return a pandas frame without its index as an Arrow table.

    Time zones go through pandas, because pyarrow before 20 reads them in a way that pandas 3.1 warns of.
    """
    zoned = {
        str(name): column.astype(pd.ArrowDtype(pa.timestamp(column.dtype.unit, str(column.dtype.tz))))
        for name, column in frame.items()
        if isinstance(column.dtype, pd.DatetimeTZDtype)
    }
    return pa.Table.from_pandas(frame.assign(**zoned) if zoned else frame, preserve_index=False)


def native(frame: Any) -> Any:
    """Return the frame itself if it came wrapped by narwhals."""
    return nw.to_native(frame, pass_through=True)


def take(frame: Any, rows: NDArray[np.int64], names: Sequence[str] | None = None) -> Any:
    """Rows of an eager frame at given positions, of all or some columns."""
    if isinstance(frame, pd.DataFrame):
        return frame.iloc[rows] if names is None else frame[list(names)].iloc[rows]
    wrapped = wrap(frame) if names is None else wrap(frame).select(*names)
    if isinstance(frame, pa.Table):
        return wrapped.to_native().take(pa.array(rows))
    return wrapped[rows].to_native()


def select(frame: Any, names: Sequence[str]) -> Any:
    """Columns of an eager frame in a given order."""
    return frame[list(names)] if isinstance(frame, pd.DataFrame) else wrap(frame).select(*names).to_native()


def set_columns(frame: FrameT, columns: dict[str, Any]) -> FrameT:
    """Add or replace columns of an eager frame; the frame itself stays as it is.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        Of n rows.
    columns : dict of str to array or pandas.Series, shape (n,)
        In the order of the rows; an index counts for nothing.
    """
    if isinstance(frame, pd.DataFrame):
        plain = {
            name: pd.Series(getattr(column, "array", column), index=frame.index, copy=False)
            for name, column in columns.items()
        }
        return frame.assign(**plain)
    wrapped = wrap(frame)
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    added = nw.from_arrow(table, backend=wrapped.implementation)
    changed: FrameT = wrapped.with_columns(*(added[name] for name in columns)).to_native()
    return changed


def empty_like(frame: Any, names: Sequence[str]) -> pd.DataFrame:
    """Columns of a lazy frame without rows, Arrow-backed; asks the engine for no row."""
    if is_dask(frame):
        empty: pd.DataFrame = arrow_schema(frame, names).empty_table().to_pandas(types_mapper=pd.ArrowDtype)
        return empty
    wrapped = wrap(frame)
    schema = wrapped.collect_schema()
    try:
        fields = nw.Schema({name: schema[name] for name in names}).to_arrow()
    except (AssertionError, NotImplementedError, TypeError, ValueError):  # a type only the engine knows
        return sub_frame(wrapped.head(0).to_native(), names)
    empty = fields.empty_table().to_pandas(types_mapper=pd.ArrowDtype)
    return empty


def arrow_schema(frame: Any, names: Sequence[str] | None = None) -> pa.Schema:
    """Types of the columns of a frame, as Arrow has them; computes no row."""
    if is_dask(frame):
        meta = native(frame)._meta
        meta = meta if names is None else meta[list(names)]
        text = {name: "str" for name in meta.columns if meta[name].dtype == object}
        schema: pa.Schema = pa.Schema.from_pandas(meta.astype(text), preserve_index=False)
        return schema
    return _arrow(wrap(frame).head(0), names).schema


def _arrow(frame: Any, names: Sequence[str] | None = None) -> pa.Table:
    if isinstance(frame, pa.Table):
        return frame if names is None else frame.select(list(names))
    if is_dask(frame):
        lazy = native(frame)
        rows = (lazy if names is None else lazy[list(names)]).compute()
        return arrow_table(rows)
    wrapped = wrap(frame)
    if names is not None and isinstance(wrapped, nw.DataFrame):
        columns = side_by_side(len(wrapped), *(partial(_arrow, wrapped.select(name)) for name in names))
        return pa.table({name: column.column(0) for name, column in zip(names, columns, strict=True)})
    if names is not None:
        wrapped = wrapped.select(*names)
    if is_spark(frame):
        return local_times(wrapped.to_native().toArrow())
    if isinstance(wrapped, nw.LazyFrame):
        return wrapped.collect(backend="pyarrow").to_native()
    return wrapped.to_arrow()


def local_times(table: pa.Table) -> pa.Table:
    """Give timestamps as Spark shows them: instants as the local time of the session."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            local = pc.local_timestamp(table.column(place))
            table = table.set_column(place, field.name, local)
    return table
