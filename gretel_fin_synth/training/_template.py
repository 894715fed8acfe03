"""The type of frame that was fitted, kept so that samples come back in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _frames, _given_back
from gretel_fin_synth.schema import DATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE = "template.arrow"
PANDAS_DTYPES = b"gretel_fin_synth.pandas_dtypes"
ARROW, CATEGORY, ORDERED = "arrow", "category", "ordered category"


@dataclass(frozen=True)
class Template:
    """Library and dtypes of a frame, without its rows, its index and the lists of its categories.

    Parameters
    ----------
    empty : dataframe of 0 rows
        Of the library and with the dtypes of the fitted frame.
    library : str
        ``pandas``, ``polars``, ``polars lazy``, ``pyarrow``, ``duckdb``, ``ibis``, ``dask`` or ``pyspark``.
    """

    empty: Any
    library: str

    @classmethod
    def of(cls, frame: Any, names: Sequence[str]) -> Template:
        """Remember those of the columns `names` that the frame has.

        Nothing of the frame is kept alive by it, neither rows nor the query behind a lazy frame; only of a
        duckdb relation, which alone knows its connection.

        Raises
        ------
        ParameterError
            If `frame` is no dataframe, or of a library that samples cannot be given back in.
        """
        native = _frames.native(frame)
        known = _frames.column_names(native)
        names = [name for name in names if name in known]
        if isinstance(native, pd.DataFrame):
            return cls(_empty_pandas({name: native[name].dtype for name in names}), "pandas")
        schema = _frames.arrow_schema(native, names)
        return cls(_given_back.from_arrow(native, _bare(schema).empty_table()), _library(native))

    def apply(self, frame: pd.DataFrame) -> Any:
        """Return a pandas frame in the remembered library, dtypes and time zone."""
        zone = self._time_zone()
        if zone is not None:
            first = np.ones(len(frame), dtype=np.bool_)  # of two hours of one name, when clocks are put back
            dates = frame[DATE].dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
            frame = frame.assign(**{DATE: dates})
        return _given_back.like(self.empty, frame)

    def _time_zone(self) -> Any:
        if DATE not in _frames.column_names(self.empty):
            return None
        dtype = _frames.sub_frame(_frames.collected(self.empty), [DATE])[DATE].dtype
        if isinstance(dtype, pd.ArrowDtype):
            return getattr(dtype.pyarrow_dtype, "tz", None)
        return getattr(dtype, "tz", None)

    def save(self, directory: Path) -> str:
        """Write the dtypes into `directory`; return the library."""
        if isinstance(self.empty, pd.DataFrame):
            schema = _pandas_schema(self.empty)
        else:
            schema = _bare(_frames.arrow_schema(self.empty))
        with (
            pa.OSFile(str(directory / FILE), "wb") as sink,
            pa.ipc.new_file(sink, schema) as writer,
        ):
            writer.write_table(schema.empty_table())
        return self.library

    @classmethod
    def load(cls, directory: Path, library: str) -> Template:
        """Inverse of :meth:`save`; a library that is not installed here gives way to pandas."""
        with pa.OSFile(str(directory / FILE), "rb") as source:
            table = pa.ipc.open_file(source).read_all()
        if library == "pandas":
            return cls(_read_pandas(table.schema), library)
        try:
            return cls(_as_library(table, library), library)
        except ModuleNotFoundError:
            return cls(_frames.signed_indices(table).to_pandas(), "pandas")


def _library(native: Any) -> str:
    module = type(native).__module__.split(".")[0].strip("_")
    return "polars lazy" if module == "polars" and _frames.is_lazy(native) else module


def _as_library(table: pa.Table, library: str) -> Any:
    """Return an Arrow table as a frame of another library."""
    if library.startswith("polars"):
        import polars

        frame = polars.DataFrame(table)
        return frame.lazy() if library == "polars lazy" else frame
    if library == "duckdb":
        import duckdb

        return duckdb.from_arrow(table)
    if library == "ibis":
        import ibis

        return ibis.memtable(table)
    if library == "dask":
        import dask.dataframe

        return dask.dataframe.from_pandas(table.to_pandas(date_as_object=False), npartitions=1)
    if library == "pyspark":
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
        return table.to_pandas() if session is None else _given_back.spark_frame(session, table)
    return table


def _bare(schema: pa.Schema) -> pa.Schema:
    """Drop what libraries note beside the types: polars lists all categories of an ``Enum`` there."""
    return pa.schema([field.remove_metadata() for field in schema])


def _empty_pandas(dtypes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=_without_categories(t)) for name, t in dtypes.items()})


def _without_categories(dtype: Any) -> Any:
    if not isinstance(dtype, pd.CategoricalDtype):
        return dtype
    kind = None if dtype.categories is None else dtype.categories.dtype
    return pd.CategoricalDtype(pd.Index([], dtype=kind), ordered=dtype.ordered)


def _pandas_schema(empty: pd.DataFrame) -> pa.Schema:
    """Describe pandas dtypes: those backed by Arrow as fields, the others by their names."""
    fields, kinds = [], {}
    for name, dtype in empty.dtypes.items():
        arrow = isinstance(dtype, pd.ArrowDtype)
        fields.append(pa.field(str(name), dtype.pyarrow_dtype if arrow else pa.null()))
        if isinstance(dtype, pd.CategoricalDtype):
            kinds[name] = ORDERED if dtype.ordered else CATEGORY
        else:
            kinds[name] = ARROW if arrow else _name(dtype)
    return pa.schema(fields, metadata={PANDAS_DTYPES: json.dumps(kinds).encode()})


def _name(dtype: Any) -> str:
    """Return a name that gives the dtype back; the plain one of ``string`` leaves out how text is stored."""
    if isinstance(dtype, pd.StringDtype) and getattr(dtype, "na_value", pd.NA) is pd.NA:
        return f"string[{dtype.storage}]"
    return str(dtype)


def _read_pandas(schema: pa.Schema) -> pd.DataFrame:
    """Inverse of :func:`_pandas_schema`."""
    kinds = json.loads(schema.metadata[PANDAS_DTYPES])
    dtypes: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind == ARROW:
            dtypes[name] = pd.ArrowDtype(schema.field(name).type)
        elif kind in (CATEGORY, ORDERED):
            dtypes[name] = pd.CategoricalDtype([], ordered=kind == ORDERED)
        else:
            dtypes[name] = kind
    return _empty_pandas(dtypes)
