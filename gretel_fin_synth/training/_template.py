"""The type of frame that was fitted, kept so that samples come back in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _frames

FILE = "template.arrow"


@dataclass(frozen=True)
class Template:
    """Library and dtypes of a frame, without its rows.

    Parameters
    ----------
    empty : dataframe of 0 rows
        Of the library and with the dtypes of the fitted frame.
    library : str
        ``pandas``, ``polars``, ``polars lazy``, ``pyarrow`` or ``duckdb``.
    """

    empty: Any
    library: str

    @classmethod
    def of(cls, frame: Any, names: list[str]) -> Template:
        """Remember the columns of these names that the frame has."""
        names = [name for name in names if name in _frames.column_names(frame)]
        native = _frames.native(frame)
        module = type(native).__module__.split(".")[0]
        library = "polars lazy" if type(native).__name__ == "LazyFrame" else module.strip("_")
        if isinstance(native, pd.DataFrame):
            return cls(native[names].iloc[:0].copy(), "pandas")
        return cls(_frames.wrap(native).select(names).head(0).to_native(), library)

    def apply(self, frame: pd.DataFrame) -> Any:
        """Return a pandas frame in the remembered library and dtypes."""
        return _frames.like(self.empty, frame)

    def save(self, directory: Path) -> str:
        """Write the dtypes; return the library."""
        table = pa.Table.from_pandas(_frames.to_pandas(self.empty), preserve_index=False)
        if self.library == "pandas":
            table = pa.Table.from_pandas(self.empty, preserve_index=False)
        elif self.library == "pyarrow":
            table = self.empty
        elif self.library.startswith("polars"):
            lazy = self.library.endswith("lazy")
            table = (self.empty.collect() if lazy else self.empty).to_arrow()
        with pa.OSFile(str(directory / FILE), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        return self.library

    @classmethod
    def load(cls, directory: Path, library: str) -> Template:
        """Inverse of :meth:`save`; a library that is not installed here gives way to pandas."""
        with pa.OSFile(str(directory / FILE), "rb") as source:
            table = pa.ipc.open_file(source).read_all()
        if library == "pyarrow":
            return cls(table, library)
        if library.startswith("polars"):
            try:
                import polars
            except ModuleNotFoundError:
                return cls(table.to_pandas(), "pandas")
            frame: Any = polars.from_arrow(table)
            return cls(frame.lazy() if library.endswith("lazy") else frame, library)
        return cls(table.to_pandas(), "pandas")
