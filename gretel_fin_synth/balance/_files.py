"""The parts of balances in files: reading, failures with their place, breaks, writing."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from gretel_fin_synth import _frames, _money
from gretel_fin_synth._io import around_hints
from gretel_fin_synth.balance import _opening
from gretel_fin_synth.balance._check import BalanceCheck
from gretel_fin_synth.balance._entries import check_columns, parse_entries
from gretel_fin_synth.balance._stream import Customers, Rows
from gretel_fin_synth.schema import AMOUNT, BALANCE, CUSTOMER, DATE, TYPE
from gretel_fin_synth.schema._failures import Problem, violation
from gretel_fin_synth.schema._inspect import break_problem
from gretel_fin_synth.schema._rules import inspect_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gretel_fin_synth._source import Chunk, Source
    from gretel_fin_synth.balance._stream import Running, Starts
    from gretel_fin_synth.errors import SchemaViolation

__all__ = ["Breaks", "Failures", "Reader", "Writer", "explained", "shown"]

#: Failing cells and breaks that are kept for the report; all are counted.
KEPT = 10_000


class Failures:
    """Problems of all batches, the first of them kept; one error tells of them."""

    def __init__(self, files: Source) -> None:
        self._files = files
        self._problems: list[Problem] = []
        self.n_cells = 0

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(self, problems: Sequence[Problem], chunk: Chunk) -> None:
        """Add the problems of a batch, whose rows are counted from its first."""
        numbers = np.arange(chunk.first, chunk.first + len(chunk.frame), dtype=np.int64)
        for problem in problems:
            known = any(p.column == problem.column and p.rows is None for p in self._problems)
            if self.n_cells < KEPT and not (problem.rows is None and known):
                self._problems.append(problem.at(numbers))
            self.n_cells += len(problem.values)

    def add_breaks(self, found: BalanceCheck, minor_units: int) -> None:
        """Add balances that do not follow."""
        if found.n_breaks:
            breaks = found.breaks
            rows = breaks["row"].to_numpy(dtype=np.int64)
            problem = break_problem(rows, breaks[BALANCE].tolist(), breaks["expected"].tolist(), minor_units)
            self._problems.append(replace(problem, customers=breaks[CUSTOMER].tolist()))
            self.n_cells += found.n_breaks

    def raise_if_any(self) -> None:
        """Raise one ``SchemaViolation`` that says where in the files the first cells are."""
        if not self._problems:
            return
        error = violation(self._problems)
        rows = error.failure_cases["row"].dropna().drop_duplicates().head(3)
        for row in rows:
            error.add_note(f"  {self._files.place(int(row))}")
        if self.n_cells > len(error.failure_cases):
            error.add_note(f"  and {self.n_cells - len(error.failure_cases):,} cells more")
        raise explained(error, self._files)


def explained(error: SchemaViolation, files: Source) -> SchemaViolation:
    """Say where the frame that the hints of an error speak of comes from, if it is one file."""
    if len(files.paths) == 1:
        error.add_note("\n" * hasattr(error, "__notes__") + around_hints(files.paths[0]))
    return error


class Reader:
    """Reads what balances need from files, batch by batch, and numbers the customers.

    Parameters
    ----------
    files : Source
        The table.
    order_by : sequence of str
        Columns that put the rows of a customer in order.
    minor_units : int
        Decimals of the currency.
    balance : bool
        Whether balances are needed.
    show : bool or None
        Whether to show progress; None for "on a terminal".
    """

    def __init__(
        self, files: Source, order_by: Sequence[str], minor_units: int, *, balance: bool, show: bool | None
    ) -> None:
        self.files, self.order_by, self.minor_units, self.balance = files, order_by, minor_units, balance
        self.wanted = [CUSTOMER, AMOUNT, TYPE, *([BALANCE] if balance else [])]
        check_columns(pd.DataFrame(columns=list(files.names)), self.wanted, order_by)
        self._show = show
        self.customers = Customers()
        self.n_rows = 0

    def rows(
        self, starts: Starts, running: Running, *, every_column: bool = False
    ) -> Iterator[tuple[Chunk, Rows]]:
        """Give the batches of sound rows; `running` is told of new customers.

        Raises
        ------
        SchemaViolation
            At the end, if rows cannot be added up or put in order.
        """
        self.customers, self.n_rows = Customers(), 0
        failures, opening = Failures(self.files), np.zeros(0, dtype=np.int64)
        extra = [] if starts.column is None else [starts.column]
        names = list(dict.fromkeys([*self.wanted, *self.order_by, *extra]))
        what = "checking" if self.balance else "balancing"
        for chunk in shown(self.files, None if every_column else names, self._show, what):
            given = chunk.frame.assign(**{name: in_microseconds(chunk.frame[name]) for name in self.order_by})
            signed, keys, problems = parse_entries(
                given, self.order_by, self.minor_units, balance=self.balance
            )
            self.n_rows += len(given)
            if problems or failures:
                failures.add([problem.of(given[CUSTOMER]) for problem in problems], chunk)
                continue
            codes, new = self.customers.number(given[CUSTOMER])
            first = starts.of(new, len(self.customers))
            if starts.column is not None:
                first = _from_column(chunk.frame, starts.column, codes, opening, self.minor_units)
                opening = np.concatenate([opening, first])
            running.admit(first)
            yield chunk, Rows(codes, signed, tuple(keys))
        failures.raise_if_any()


def _from_column(
    frame: pd.DataFrame, name: str, codes: NDArray[np.int64], opening: NDArray[np.int64], minor_units: int
) -> NDArray[np.int64]:
    """Return the starting amounts of new customers; refuse a customer with two of them."""
    amounts, faults = _money.parse_minor(frame[name], minor_units)
    if faults.any():
        row = int(np.flatnonzero(faults)[0])
        raise _opening.no_amount(frame[CUSTOMER].iloc[row], frame[name].iloc[row], minor_units)
    known = opening.size
    n_new = max(int(codes.max(initial=-1)) + 1 - known, 0)
    every = np.concatenate([opening, np.zeros(n_new, dtype=np.int64)])
    is_new = codes >= known
    every[codes[is_new][::-1]] = amounts[is_new][::-1]
    differs = np.flatnonzero(amounts != every[codes])
    if differs.size:
        row = int(differs[0])
        both = _money.from_minor(np.array([every[codes[row]], amounts[row]]), minor_units)
        raise _opening.conflicting(frame[CUSTOMER].iloc[row], both.tolist())
    return every[known:]


def in_microseconds(column: pd.Series[Any]) -> pd.Series[Any]:
    """Bring dates of any resolution, text included, to one resolution; leave other columns as they are."""
    array = pa.array(column) if isinstance(column.dtype, pd.ArrowDtype) else None
    if array is not None and (pa.types.is_date(array.type) or pa.types.is_timestamp(array.type)):
        kind = pa.timestamp("us", getattr(array.type, "tz", None))
        return pd.Series(array.cast(kind, safe=False), index=column.index, dtype=pd.ArrowDtype(kind))
    if array is None or not pa.types.is_string(array.type):
        return column
    dates, problems = inspect_date(column)
    return column if problems else in_microseconds(dates)


def shown(files: Source, names: Sequence[str] | None, show: bool | None, what: str) -> Iterator[Chunk]:
    """Read batches, and show how many rows have been read."""
    wanted = sys.stderr.isatty() if show is None else show
    with tqdm(total=n_rows(files), unit=" rows", unit_scale=True, desc=what, disable=not wanted) as bar:
        for chunk in files.chunks(names):
            yield chunk
            bar.update(len(chunk.frame))


def n_rows(files: Source) -> int | None:
    """Count the rows of Parquet files without reading them; None for CSV files."""
    if files.is_csv:
        return None
    return sum(int(pq.read_metadata(path).num_rows) for path in files.paths)


def about_rows(files: Source) -> int:
    """Return about how many rows there are, rather too many."""
    known = n_rows(files)
    return files.n_bytes // 30 if known is None else known


class Writer:
    """Writes batches with their balances into one Parquet file."""

    def __init__(self, path: Path, minor_units: int) -> None:
        self._path, self._minor_units = path, minor_units
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, frame: pd.DataFrame, codes: NDArray[np.int64]) -> None:
        """Write a batch; balances in minor units."""
        given = frame
        if DATE in frame.columns and pa.types.is_string(pa.array(frame[DATE]).type):
            given = frame.assign(**{DATE: in_microseconds(frame[DATE])})
        table = _frames.arrow_table(given)
        money = pa.array(_money.from_minor(codes, self._minor_units))
        if BALANCE in table.column_names:
            table = table.set_column(table.column_names.index(BALANCE), BALANCE, money)
        else:
            table = table.append_column(BALANCE, money)
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, table.schema)
        self._file.write_table(table.cast(self._file.schema))

    def finish(self, files: Source) -> None:
        """Write a file without rows if there were none."""
        if self._file is None:
            empty = pd.DataFrame({name: pd.Series([], dtype="str") for name in files.names})
            self.write(empty, np.zeros(0, dtype=np.int64))


@dataclass
class Breaks:
    """Balances that do not follow, as they are found; the first are kept.

    Attributes
    ----------
    order_by : tuple of str
        Columns that order the rows of a customer, shown beside what breaks.
    tolerance : float
        Largest difference, in major units, that is no break.
    """

    order_by: tuple[str, ...]
    tolerance: float
    n_breaks: int = 0
    kept: list[pd.DataFrame] = field(default_factory=list)

    def add(
        self, chunk: Chunk, rows: NDArray[np.int64], expected: NDArray[np.int64], minor_units: int
    ) -> None:
        """Add the breaking rows of a batch, by their positions in it."""
        self.n_breaks += rows.size
        room = KEPT - sum(len(part) for part in self.kept)
        in_file = np.argsort(rows, kind="stable")[: max(room, 0)]
        if not in_file.size and self.kept:
            return
        names = list(dict.fromkeys([CUSTOMER, *self.order_by, TYPE, AMOUNT, BALANCE]))
        part = chunk.frame[names].iloc[rows[in_file]].reset_index(drop=True)
        amounts = _money.from_minor(expected[in_file], minor_units)
        off = np.round(part[BALANCE].to_numpy(dtype=np.float64) - amounts, _money.MAX_MINOR_UNITS)
        part.insert(0, "row", rows[in_file] + chunk.first)
        self.kept.append(part.assign(expected=amounts, difference=off))

    def report(self, reader: Reader) -> BalanceCheck:
        """Make the result of the check."""
        breaks = pd.concat(self.kept, ignore_index=True) if self.kept else pd.DataFrame()
        return BalanceCheck(
            reader.n_rows, len(reader.customers), self.n_breaks, breaks, self.tolerance, breaks.head(5)
        )
