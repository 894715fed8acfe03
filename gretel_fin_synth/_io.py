"""Tables of transactions in files: read without losing a character of an id, written byte for byte alike."""

from __future__ import annotations

import csv
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth._atomic import new_file
from gretel_fin_synth.errors import ParameterError, SchemaViolation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

__all__ = [
    "MONEY",
    "around_hints",
    "check_header",
    "lines_in_csv",
    "locate",
    "not_of_a_kind",
    "read_numbers",
    "read_table",
    "write_table",
]

#: Columns read as numbers; every other column of a CSV file stays the text that stands there.
MONEY = ("transaction_amount", "account_balance", "starting_amount")

_CSV, _PARQUET = ".csv", ".parquet"
_SHEETS = (".xls", ".xlsx", ".xlsm", ".ods")
_SHOWN = 5
_SEPARATORS = ";\t|"


def read_table(path: Path, *, numbers: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    In a CSV file only the money columns and `numbers` are read as numbers. All other cells stay text as they
    stand ("007" and "NA" are ids like any other), dates included, which
    :func:`~gretel_fin_synth.validate_transactions` reads. An empty cell is missing.

    Parameters
    ----------
    path : Path
        A file whose name ends in ``.csv`` or ``.parquet``.
    numbers : collection of str, optional
        Further columns to read as numbers.

    Returns
    -------
    pandas.DataFrame
        One row per line after the header, numbered from 0.

    Raises
    ------
    ParameterError
        If the file is of another kind, or cannot be read as what its name says.
    """
    if _kind(path) == _PARQUET:
        return _read_parquet(path)
    check_header(path)
    table = _read_text(path)
    for name in {*MONEY, *numbers}.intersection(table.columns):
        table[name] = read_numbers(table[name])
    return table


def write_table(frame: pd.DataFrame, path: Path, *, decimals: int = 2) -> None:
    """Write a CSV or Parquet file, whole or not at all.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table; its index is not written.
    path : Path
        A file whose name ends in ``.csv`` or ``.parquet``. In CSV, money has `decimals` decimals, dates are
        ISO 8601 (without a time where the column has none), lines end in a line feed, text is UTF-8.
    decimals : int, default 2
        Decimals of money columns.

    Raises
    ------
    ParameterError
        If the file's name has another ending, or its place is taken by something that is not a file.
    """
    kind = _kind(path)
    with new_file(path) as beside:
        if kind == _PARQUET:
            frame.to_parquet(beside, index=False)
        else:
            text = pd.DataFrame({name: _as_text(frame[name], decimals=decimals) for name in frame.columns})
            text.to_csv(beside, index=False, lineterminator="\n", encoding="utf-8")


def locate(violation: SchemaViolation, path: Path) -> list[str]:
    """Say where in a file the failing cells of a table stand.

    Parameters
    ----------
    violation : SchemaViolation
        The error; only its ``failure_cases`` are used.
    path : Path
        The file that the table was read from with :func:`read_table`.

    Returns
    -------
    list of str
        One line per failing cell for the first five, then how many more. Empty if no row is at fault.
    """
    cases = violation.failure_cases.dropna(subset=["row"])
    if cases.empty:
        return []
    shown = cases.head(_SHOWN)
    rows = [int(row) for row in shown["row"]]
    if _kind(path) == _PARQUET:
        places = {row: f"row {row + 1}" for row in rows}
    else:
        places = {row: f"line {line}" for row, line in lines_in_csv(path, rows).items()}
    said = [
        f"  {places.get(row, f'row {row + 1}')}, {column}: {'empty' if _is_missing(value) else repr(value)}"
        for row, column, value in zip(rows, shown["column"], shown["value"], strict=True)
    ]
    more = len(cases) - len(shown)
    return said if more == 0 else [*said, f"  and {more} more"]


def around_hints(path: Path) -> str:
    """Say where the frame that hints speak of comes from and goes, for those who only have a file."""
    read, write = ("read_csv", "to_csv") if path.suffix.lower() == _CSV else ("read_parquet", "to_parquet")
    options = ", dtype=str, keep_default_na=False" if write == "to_csv" else ""
    return (
        "The hints change a frame of pandas. Before them:\n"
        f"  frame = pandas.{read}({str(path)!r}{options})\n"
        "and after them:\n"
        f"  frame.{write}({'new' + path.suffix!r}, index=False)"
    )


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _kind(path: Path) -> str:
    """Give the lower-case ending of a file's name, refusing those that we do not read."""
    ending = path.suffix.lower()
    if ending not in (_CSV, _PARQUET):
        raise not_of_a_kind(path)
    return ending


def not_of_a_kind(path: Path) -> ParameterError:
    """Make the error of a file whose name says neither CSV nor Parquet."""
    new = str(path.with_suffix(_CSV))
    if path.suffix.lower() in _SHEETS:
        hint = f"pandas.read_excel({str(path)!r}, dtype=str).to_csv({new!r}, index=False)"
    else:
        hint = f"name it {new!r} if it is text with commas between the cells"
    return ParameterError(
        f"{str(path)!r} is neither a CSV nor a Parquet file by its name; allowed endings are '.csv' and "
        f"'.parquet'.\n\nHint: {hint}"
    )


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path).reset_index(drop=True)
    except (ValueError, OSError) as error:  # pyarrow's errors are of these two kinds
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        msg = f"{str(path)!r} cannot be read as a Parquet file: {error}"
        raise ParameterError(msg) from error


def check_header(path: Path) -> list[str]:
    """Return the names of the columns of a CSV file.

    Refuses what pandas would accept in silence: a column name used twice, another separator, no header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    if not header:
        msg = f"{str(path)!r} is empty: the first line must name the columns."
        raise ParameterError(msg)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        msg = f"{str(path)!r} has the column {twice[0]!r} more than once in its first line."
        raise ParameterError(msg)
    if len(header) == 1 and (separator := _separator(header[0])) != ",":
        msg = (
            f"{str(path)!r} does not separate its columns by commas; its first line is {header[0]!r}.\n\n"
            f"Hint: {_convert(path, f'sep={separator!r}')}"
        )
        raise ParameterError(msg)
    return header


def _separator(header: str) -> str:
    """Tell what stands between the names of a first line; a comma where there is one name only."""
    commonest: str = max(",", *_SEPARATORS, key=header.count)
    return commonest


def _not_utf8(path: Path) -> ParameterError:
    with path.open("rb") as file:
        encoding = "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "cp1252"
    with path.open(encoding=encoding, errors="replace") as lines:
        separator = _separator(lines.readline())
    options = f"encoding={encoding!r}" + ("" if separator == "," else f", sep={separator!r}")
    return ParameterError(f"{str(path)!r} is not UTF-8 text.\n\nHint: {_convert(path, options)}")


def _convert(path: Path, options: str) -> str:
    """Give code that brings a file into the form that is read here, without losing a character of a cell."""
    read = f"pandas.read_csv({str(path)!r}, {options}, dtype=str, keep_default_na=False)"
    return f"{read}.to_csv('new.csv', index=False)"


def _too_long(path: Path) -> ParameterError:
    """Make the error of a line with more cells than the first line has columns."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        n_columns = len(next(reader))
        cells = next((cells for cells in reader if len(cells) > n_columns), [])
        return ParameterError(
            f"{str(path)!r} has more cells on line {reader.line_num} ({len(cells)}) than its first line has "
            f"columns ({n_columns}); a comma within a cell, as in 1,50, needs quotes around the cell.\n\n"
            f'Hint: "1,50", or ask for an export with semicolons'
        )


def _read_text(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a line longer than the header would be cut
        try:
            return pd.read_csv(
                path,
                dtype="str",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                encoding="utf-8-sig",
            )
        except pd.errors.ParserWarning as error:
            raise _too_long(path) from error
        except pd.errors.ParserError as error:
            msg = f"{str(path)!r} cannot be read as a CSV file: {str(error).strip()}"
            raise ParameterError(msg) from error
        except UnicodeDecodeError as error:
            raise _not_utf8(path) from error


def read_numbers(column: pd.Series) -> pd.Series:
    """Read text as numbers, to the last digit; a cell that is none stays text, for the schema to name."""
    if column.dtype.kind == "f":
        return column
    cells = [_number(cell) for cell in column]
    every = all(isinstance(cell, float) for cell in cells)
    return pd.Series(cells, index=column.index, dtype="float64" if every else object)


def _number(cell: object) -> object:
    if not isinstance(cell, str):
        return np.nan
    try:
        return cell if "_" in cell else float(cell)  # Python reads 1_000, a bank does not write it
    except ValueError:
        return cell


def _as_text(column: pd.Series, *, decimals: int) -> pd.Series:
    """Give a column in the form that a CSV file has it in."""
    if column.name in MONEY:
        values = [
            "" if np.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"
            for value in column.astype("float64")
        ]
        return pd.Series(values, index=column.index, dtype=object)
    if isinstance(column.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(column.dtype):
        known = column.dropna()
        if (known == known.dt.normalize()).all() and column.dt.tz is None:
            column = column.dt.strftime("%Y-%m-%d")
        else:
            column = column.map(pd.Timestamp.isoformat, na_action="ignore")
    return column


def lines_in_csv(path: Path, rows: Iterable[int]) -> dict[int, int]:
    """Give the line on which each row begins; cells may span lines, and empty lines are no rows."""
    wanted = set(rows)
    found: dict[int, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        begins, row = 1, -2
        for cells in reader:
            if cells:
                row += 1
                if row in wanted:
                    found[row] = begins
                    if len(found) == len(wanted):
                        break
            begins = reader.line_num + 1
    return found
