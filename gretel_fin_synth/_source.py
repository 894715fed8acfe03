"""Tables in files that need not fit into memory: a file, a folder or a pattern, read in batches."""

from __future__ import annotations

import difflib
import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from gretel_fin_synth._frames import signed_indices
from gretel_fin_synth._io import MONEY, check_header, lines_in_csv, not_of_a_kind, read_numbers
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Chunk", "Source", "is_source", "open_source"]

_ENDINGS = (".csv", ".parquet")
_CSV_BLOCK = 32 << 20

#: Rows to a batch: some tens of megabytes.
BATCH_ROWS = 500_000


@dataclass(frozen=True)
class Chunk:
    """Some rows of a source.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows, Arrow-backed, index 0, 1, ...
    first : int
        Number of the first of them in the whole source.
    path : Path
        The file they stand in.
    first_in_file : int
        Number of the first of them in that file.
    """

    frame: pd.DataFrame
    first: int
    path: Path
    first_in_file: int


@dataclass(frozen=True)
class Source:
    """Files that together are one table.

    Attributes
    ----------
    paths : tuple of Path
        The files in their order, all of one kind.
    names : tuple of str
        Columns of each of them.
    numbers : tuple of str
        Columns of CSV files that are numbers.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def is_csv(self) -> bool:
        """Whether the files hold text."""
        return self.paths[0].suffix.lower() == ".csv"

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self.paths)

    def chunks(self, names: Sequence[str] | None = None, batch_rows: int = BATCH_ROWS) -> Iterator[Chunk]:
        """Read the files one after the other; memory holds one batch.

        Raises
        ------
        ParameterError
            If a file cannot be read as what its name says, or has other columns than the first.
        """
        wanted = list(self.names if names is None else names)
        first = 0
        for path in self.paths:
            first_in_file = 0
            tables = self._csv(path, wanted) if self.is_csv else _parquet(path, wanted, batch_rows)
            for table in tables:
                frame = signed_indices(table).to_pandas(types_mapper=pd.ArrowDtype)
                if self.is_csv:
                    frame = frame.assign(**{n: read_numbers(frame[n]) for n in self.numbers if n in wanted})
                yield Chunk(frame, first, path, first_in_file)
                first += len(frame)
                first_in_file += len(frame)

    def place(self, row: int) -> str:
        """Say in which file, and where in it, a row of the table stands."""
        for chunk in self.chunks(self.names[:1]):
            if row < chunk.first + len(chunk.frame):
                in_file = row - chunk.first + chunk.first_in_file
                lines = lines_in_csv(chunk.path, [in_file]) if self.is_csv else {}
                place = f"line {lines[in_file]}" if in_file in lines else f"row {in_file + 1}"
                return f"{chunk.path}, {place}"
        return f"row {row + 1}"

    def _csv(self, path: Path, wanted: Sequence[str]) -> Iterator[pa.Table]:
        text = dict.fromkeys(self.names, pa.string())
        options = pa_csv.ConvertOptions(
            column_types=text, include_columns=list(wanted), null_values=[""], strings_can_be_null=True
        )
        block = pa_csv.ReadOptions(block_size=_CSV_BLOCK)
        parse = pa_csv.ParseOptions(newlines_in_values=True)
        try:
            with pa_csv.open_csv(path, block, parse, options) as reader:
                for batch in reader:
                    yield _with_numbers(pa.Table.from_batches([batch]), self.numbers)
        except pa.ArrowInvalid as error:
            msg = f"{str(path)!r} cannot be read as a CSV file: {str(error).strip()}"
            raise ParameterError(msg) from error


def is_source(path: str | os.PathLike[str]) -> bool:
    """Say whether `path` names a folder or a pattern, rather than one file."""
    return Path(path).is_dir() or (not Path(path).exists() and glob.has_magic(os.fspath(path)))


def open_source(path: str | os.PathLike[str], *, numbers: Sequence[str] = ()) -> Source:
    """Find the files behind a path.

    Parameters
    ----------
    path : path
        A CSV or Parquet file; a folder, all of whose files of one of these kinds count, in the order of their
        names, also in folders below (names that begin with ``.`` or ``_`` do not count); or a pattern as
        ``"data/2024-*.parquet"``.
    numbers : sequence of str, optional
        Further columns of CSV files to read as numbers, beside amounts and balances.

    Raises
    ------
    ParameterError
        If there is no such file, or files of both kinds.
    """
    paths = _found(path)
    kinds = sorted({found.suffix.lower() for found in paths})
    if len(kinds) > 1:
        msg = (
            f"{str(path)!r} holds CSV and Parquet files, {len(paths)} in all; one kind is needed."
            f"\n\nHint: {str(Path(path) / '*.parquet')!r}"
        )
        raise ParameterError(msg)
    names = _names(paths[0])
    for other in paths[1:]:
        theirs = _names(other)
        if sorted(theirs) != sorted(names):
            odd = sorted(set(theirs) ^ set(names))[0]
            msg = f"{str(other)!r} has not the columns of {str(paths[0])!r}: {odd!r} is in one of them only."
            raise ParameterError(msg)
    known = [name for name in dict.fromkeys([*MONEY, *numbers]) if name in names]
    return Source(tuple(paths), tuple(names), tuple(known))


def _found(path: str | os.PathLike[str]) -> list[Path]:
    place = Path(path)
    if place.is_dir():
        paths = [found for found in sorted(place.rglob("*")) if _counts(found.relative_to(place), found)]
    elif place.exists():
        paths = [place]
        if place.suffix.lower() not in _ENDINGS:
            raise not_of_a_kind(place)
    else:
        matches = sorted(Path(found) for found in glob.glob(os.fspath(path), recursive=True))
        paths = [found for found in matches if _counts(Path(found.name), found)]
    if not paths:
        msg = f"there is no CSV or Parquet file at {str(path)!r}.\n\nHint: {_near(place)}"
        raise ParameterError(msg)
    return paths


def _near(path: Path) -> str:
    """Name the file that a wrong path probably means, else what a path may be."""
    beside = [found.name for found in path.parent.glob("*") if _counts(Path(found.name), found)]
    near = difflib.get_close_matches(path.name, beside, n=1)
    return repr(str(path.with_name(near[0]))) if near else "'table.csv', 'folder', or 'folder/*.parquet'"


def _counts(relative: Path, path: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in relative.parts)
    return not hidden and path.suffix.lower() in _ENDINGS and path.is_file()


def _names(path: Path) -> list[str]:
    if path.suffix.lower() == ".csv":
        return check_header(path)
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        msg = f"{str(path)!r} cannot be read as a Parquet file: {error}"
        raise ParameterError(msg) from error


def _parquet(path: Path, wanted: Sequence[str], batch_rows: int) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=batch_rows, columns=list(wanted)):
                yield pa.Table.from_batches([batch]).select(list(wanted))
    except pa.ArrowInvalid as error:
        msg = f"{str(path)!r} cannot be read as a Parquet file: {error}"
        raise ParameterError(msg) from error


def _with_numbers(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Read columns of text as numbers, where all of their cells are some."""
    for name in names:
        if name not in table.column_names:
            continue
        try:
            column = pc.utf8_trim_whitespace(table[name]).cast(pa.float64())
        except pa.ArrowInvalid:
            continue
        table = table.set_column(table.column_names.index(name), name, column)
    return table
