"""From pandas or Arrow back to the library, the dtypes and the connection of a frame that was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _frames
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from gretel_fin_synth._frames import FrameT

__all__ = ["from_arrow", "like", "spark_frame"]

_ALIAS = "gretel_fin_synth_input"


def like(template: FrameT, frame: pd.DataFrame) -> FrameT:
    """Convert a pandas frame to the type of `template`.

    Parameters
    ----------
    template : dataframe
        Decides the library and, for columns of the same name, the dtype where no value changes by it (kind of
        text, resolution of timestamps, pyarrow-backed or not, ...). Its rows play no part.
    frame : pandas.DataFrame
        What to convert.

    Returns
    -------
    same type as template
        For pandas with the index of `frame`; the others have none. A query of the same engine for lazy ones,
        on the connection or session of the template.

    Raises
    ------
    ParameterError
        If `template` is no dataframe, or one of an engine that cannot be given back.

    Examples
    --------
    >>> import pandas as pd
    >>> import pyarrow as pa
    >>> from gretel_fin_synth._given_back import like
    >>> like(pa.table({"a": [1]}), pd.DataFrame({"a": [2], "b": ["x"]})).to_pylist()
    [{'a': 2, 'b': 'x'}]
    """
    if isinstance(template, pd.DataFrame):
        return cast("FrameT", _like_pandas(template, frame))
    return cast("FrameT", from_arrow(template, _like_arrow(_frames.arrow_schema(template), frame)))


def from_arrow(template: Any, table: pa.Table) -> Any:
    """Convert an Arrow table to the library of `template`."""
    if isinstance(template, pa.Table):
        return table
    if _frames.is_dask(template):
        import dask.dataframe

        return dask.dataframe.from_pandas(table.to_pandas(date_as_object=False), npartitions=1)
    implementation = _frames.wrap(template).implementation
    if implementation.is_polars():
        import polars as pl

        eager = pl.DataFrame(table)
        return eager.lazy() if _frames.is_lazy(template) else eager
    if implementation.is_duckdb():
        # The query sees the local variable, and runs on the connection that the template belongs to.
        fin_synth_rows = table  # noqa: F841
        return _frames.native(template).query(_ALIAS, "SELECT * FROM fin_synth_rows")
    if implementation.is_pandas_like():
        return nw.from_arrow(table, backend=implementation).to_native()
    if implementation.is_ibis():
        import ibis

        return ibis.memtable(table)
    if _frames.is_spark(template):
        return spark_frame(_frames.native(template).sparkSession, table)
    msg = (
        f"frames of {implementation} can be read, but not given back yet.\n\n"
        "Hint: collect first, e.g. frame.to_pandas(), and convert the result"
    )
    raise ParameterError(msg)


def spark_frame(session: Any, table: pa.Table) -> Any:
    """Make a Spark dataframe; Spark knows neither large text nor dictionaries as Arrow has them."""
    plain = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}
    fields = [
        field.with_type(
            plain.get(field.type, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        )
        for field in table.schema
    ]
    return session.createDataFrame(table.cast(pa.schema(fields)))


def _like_pandas(template: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Give columns the dtypes of the template; new ones are pyarrow-backed if all of the template's are."""
    all_arrow = len(template.columns) > 0 and all(isinstance(t, pd.ArrowDtype) for t in template.dtypes)
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if name in template.columns:
            column = _cast_pandas(column, template[name].dtype)
        if all_arrow and not isinstance(column.dtype, pd.ArrowDtype):
            column = column.convert_dtypes(dtype_backend="pyarrow")
        columns[name] = column
    return pd.DataFrame(columns, index=frame.index, columns=frame.columns)


def _cast_pandas(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    """Cast if the values survive it, else return the column as it is."""
    if column.dtype == dtype:
        return column
    if isinstance(dtype, pd.CategoricalDtype):
        return column.astype("category")
    if dtype.kind == "M" and column.dtype.kind != "M":
        return column
    try:
        changed = column.astype(dtype)
        back = changed.astype(column.dtype)
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column
    same = np.asarray((back == column).fillna(False) | (changed.isna() & column.isna()))
    return changed if bool(same.all()) else column


def _like_arrow(schema: pa.Schema, frame: pd.DataFrame) -> pa.Table:
    table = _frames.arrow_table(frame)
    columns = [
        _cast_arrow(table[name], schema.field(name).type if name in schema.names else None)
        for name in table.column_names
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def _cast_arrow(column: pa.ChunkedArray, target: pa.DataType | None) -> pa.ChunkedArray:
    """Cast if the values come back from it, else return the column as it is.

    Arrow's own "safe" is not enough: it cuts the time off a timestamp that becomes a date.
    """
    if target is None or column.type == target:
        return column
    if pa.types.is_dictionary(target) and not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    try:
        changed = column.cast(target, safe=True)
        return changed if changed.cast(column.type).equals(column) else column
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column
