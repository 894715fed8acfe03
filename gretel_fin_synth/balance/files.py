"""Balances and validation of tables that do not fit into memory: files in, files out, batch by batch."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth import _money
from gretel_fin_synth._atomic import new_file
from gretel_fin_synth._ledger import find_breaks
from gretel_fin_synth._source import open_source
from gretel_fin_synth.balance._entries import order_columns, tolerance_in_range
from gretel_fin_synth.balance._files import Breaks, Failures, Reader, Writer, about_rows, explained, shown
from gretel_fin_synth.balance._spool import Spool
from gretel_fin_synth.balance._stream import Customers, NotInOrder, Running, Starts
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import BALANCE, CUSTOMER, DATE, ExtraColumn, check_extra_columns
from gretel_fin_synth.schema._columns import name_problems
from gretel_fin_synth.schema._failures import Problem, violation
from gretel_fin_synth.schema._inspect import wanted_columns
from gretel_fin_synth.schema._lazy import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

    from gretel_fin_synth.balance._check import BalanceCheck

__all__ = ["FileSummary", "balance_files", "check_files", "validate_files"]


@dataclass(frozen=True)
class FileSummary:
    """What was read or written.

    Attributes
    ----------
    n_rows, n_customers, n_files : int
        Size of the table that was read.
    in_order : bool
        Whether every customer's rows came in order, so that one pass was enough.
    """

    n_rows: int
    n_customers: int
    n_files: int
    in_order: bool = True


def balance_files(
    source: str | PathLike[str],
    output: str | PathLike[str],
    *,
    starting_amounts: Any = None,
    order_by: str | Sequence[str] = DATE,
    minor_units: int = 2,
    progress: bool | None = None,
) -> FileSummary:
    """Rebuild the running balances of a table in files, of any size, into one Parquet file.

    Rows keep their order; ties in `order_by` run in the order of the files. If the rows of every customer
    come in order (by customer, or as a bank's journal by time), one pass does it, and memory holds a batch of
    rows and one balance per customer. Otherwise the rows are put into buckets of whole customers on disk
    first, which takes 40 bytes per row there, for the time of the run.

    Parameters
    ----------
    source : path
        A CSV or Parquet file, a folder of them, or a pattern such as ``"data/2024-*.parquet"``.
    output : path
        The Parquet file to write. It appears when it is complete, never half-written.
    starting_amounts : mapping, pandas.Series, dataframe, str, number or None, default None
        As for :func:`gretel_fin_synth.reconstruct_balance`; a str is the name of a column.
    order_by : str or sequence of str, default "transaction_date"
        Columns that put the rows of a customer in order.
    minor_units : int, default 2
        Decimals of the currency.
    progress : bool, optional
        Whether to show progress on standard error; by default on a terminal only.

    Returns
    -------
    FileSummary

    Raises
    ------
    SchemaViolation
        If rows cannot be added up or put in order; the error says in which file. Nothing is written.
    StartingAmountError, ParameterError
        As for :func:`gretel_fin_synth.reconstruct_balance`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from gretel_fin_synth import balance_files, check_files, make_transactions
    >>> folder = Path(tempfile.mkdtemp())
    >>> real = make_transactions(3, seed=1).drop(columns="account_balance")
    >>> real.to_parquet(folder / "real.parquet")
    >>> balance_files(folder / "real.parquet", folder / "balanced.parquet").in_order
    True
    >>> check_files(folder / "balanced.parquet").ok
    True
    """
    names, minor_units = order_columns(order_by), _money.check_minor_units(minor_units)
    place = Path(output)
    if place.suffix.lower() != ".parquet":
        msg = f"{str(output)!r} is no name of a Parquet file.\n\nHint: {place.stem + '.parquet'!r}"
        raise ParameterError(msg)
    files = open_source(source)
    reader = Reader(files, names, minor_units, balance=False, show=progress)
    starts = Starts.read(starting_amounts, files.names, minor_units)
    with new_file(place) as beside:
        try:
            summary = _balance_in_order(reader, starts, beside)
        except NotInOrder:
            beside.unlink(missing_ok=True)
            with tempfile.TemporaryDirectory(prefix=".spool-", dir=place.parent) as work:
                summary = _balance_in_any_order(reader, starts, beside, Path(work))
    return summary


def check_files(
    source: str | PathLike[str],
    *,
    tolerance: float = 0.0,
    starting_amounts: Any = None,
    order_by: str | Sequence[str] = DATE,
    minor_units: int = 2,
    progress: bool | None = None,
) -> BalanceCheck:
    """Find the rows of a table in files whose balance does not follow from the one before.

    Parameters
    ----------
    source, order_by, minor_units, progress
        As for :func:`balance_files`.
    tolerance, starting_amounts
        As for :func:`gretel_fin_synth.check_balance`.

    Returns
    -------
    BalanceCheck
        Truthy if nothing breaks. ``breaks`` is a pandas frame of the first 10,000; ``n_breaks`` counts all.

    Raises
    ------
    SchemaViolation, StartingAmountError, ParameterError
        As for :func:`balance_files`; missing balances are refused too.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from gretel_fin_synth import check_files, make_transactions
    >>> folder = Path(tempfile.mkdtemp())
    >>> make_transactions(3, seed=1).to_csv(folder / "real.csv", index=False)
    >>> check_files(folder / "*.csv").ok
    True
    """
    names, minor_units = order_columns(order_by), _money.check_minor_units(minor_units)
    tolerance = tolerance_in_range(tolerance)
    files = open_source(source)
    reader = Reader(files, names, minor_units, balance=True, show=progress)
    known = starting_amounts is not None
    starts = Starts.read(starting_amounts, files.names, minor_units)
    found = Breaks(names, tolerance)
    try:
        running = Running(len(names))
        for chunk, rows in reader.rows(starts, running):
            ledger = running.arrange(rows)
            broken = running.breaks(rows, ledger, chunk.frame[BALANCE], tolerance, minor_units, known=known)
            found.add(chunk, *broken, minor_units)
    except NotInOrder:
        with tempfile.TemporaryDirectory(prefix="fin-synth-spool-") as work:
            found = _breaks_in_any_order(reader, starts, tolerance, Path(work), known=known)
    return found.report(reader)


def validate_files(
    source: str | PathLike[str],
    *,
    balance: bool = True,
    minor_units: int = 2,
    extra_columns: Iterable[ExtraColumn] | None = None,
    progress: bool | None = None,
) -> FileSummary:
    """Check that files hold a table of transactions, of any size.

    Parameters
    ----------
    source, progress
        As for :func:`balance_files`.
    balance, minor_units, extra_columns
        As for :func:`gretel_fin_synth.validate_transactions`.

    Returns
    -------
    FileSummary
        What was read.

    Raises
    ------
    SchemaViolation
        If anything is wrong, with the first 10,000 failing cells and the file of the first ones.
    ParameterError
        If there are no files, or an option has a value that cannot work.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from gretel_fin_synth import make_transactions, validate_files
    >>> folder = Path(tempfile.mkdtemp())
    >>> make_transactions(3, seed=1).to_parquet(folder / "real.parquet")
    >>> validate_files(folder).n_customers
    3
    """
    minor_units, extra = _money.check_minor_units(minor_units), check_extra_columns(extra_columns)
    numbers = [column.name for column in extra if column.kind == "number"]
    files = open_source(source, numbers=numbers)
    wanted = wanted_columns(list(files.names), extra, balance=balance)
    problems = name_problems(list(files.names), wanted)
    if problems:
        raise explained(violation(problems), files)
    rules = Rules(tuple(wanted), minor_units, extra)
    constants = [column.name for column in extra if column.kind == "constant"]
    customers, n_rows = Customers(), 0
    failures, first_values = Failures(files), [dict[Any, Any]() for _ in constants]
    for chunk in shown(files, wanted, progress, "validating"):
        failures.add(rules.inspect(chunk.frame).problems, chunk)
        customers.number(chunk.frame[CUSTOMER].dropna())
        for name, values in zip(constants, first_values, strict=True):
            failures.add(_varying(chunk.frame, name, values), chunk)
        n_rows += len(chunk.frame)
    failures.raise_if_any()
    if balance:
        found = check_files(source, minor_units=minor_units, progress=progress)
        failures.add_breaks(found, minor_units)
        failures.raise_if_any()
    return FileSummary(n_rows, len(customers), len(files.paths))


def _varying(frame: pd.DataFrame, name: str, first_values: dict[Any, Any]) -> list[Problem]:
    """Report rows whose constant differs from the one in the first row of their customer."""
    rows, values, texts = [], [], []
    for row, (customer, value) in enumerate(zip(frame[CUSTOMER], frame[name], strict=True)):
        known = first_values.setdefault(customer, value)
        if known is not value and known != value and not (pd.isna(known) and pd.isna(value)):
            rows.append(row)
            values.append(value)
            texts.append(f"differs from {known!r} in an earlier row of customer {customer!r}")
    if not rows:
        return []
    hint = f'frame["{name}"] = frame.groupby("{CUSTOMER}")["{name}"].transform("first")'
    problem = Problem(name, np.array(rows, dtype=np.int64), values, texts, hint)
    return [problem.of(frame[CUSTOMER])]


def _balance_in_order(reader: Reader, starts: Starts, output: Path) -> FileSummary:
    """Balance rows as they come; raises ``NotInOrder`` if they come in none."""
    running = Running(len(reader.order_by))
    with Writer(output, reader.minor_units) as writer:
        for chunk, rows in reader.rows(starts, running, every_column=True):
            writer.write(chunk.frame, running.add(rows, running.arrange(rows)))
        writer.finish(reader.files)
    return FileSummary(reader.n_rows, len(reader.customers), len(reader.files.paths))


def _balance_in_any_order(reader: Reader, starts: Starts, output: Path, work: Path) -> FileSummary:
    """Balance rows bucket by bucket, into a file of numbers; then write them beside the rows."""
    running, spool = Running(0), Spool(work, about_rows(reader.files), len(reader.order_by))
    for _, rows in reader.rows(starts, running):
        spool.add(rows)
    codes = np.memmap(work / "balances", dtype=np.int64, mode="w+", shape=max(spool.n_rows, 1))
    for table, ledger in spool.buckets():
        opening = running.balance[ledger.customers.to_numpy(dtype=np.int64)]
        signed = ledger.arrange(np.ascontiguousarray(table["signed"]))
        codes[table["row"]] = ledger.restore(_money.running_balance(signed, ledger.starts, opening))
    with Writer(output, reader.minor_units) as writer:
        for chunk in reader.files.chunks():
            writer.write(chunk.frame, codes[chunk.first : chunk.first + len(chunk.frame)])
        writer.finish(reader.files)
    return FileSummary(reader.n_rows, len(reader.customers), len(reader.files.paths), in_order=False)


def _breaks_in_any_order(
    reader: Reader, starts: Starts, tolerance: float, work: Path, *, known: bool
) -> Breaks:
    """Check rows bucket by bucket; what breaks is read a second time."""
    running, spool = Running(0), Spool(work, about_rows(reader.files), len(reader.order_by))
    for chunk, rows in reader.rows(starts, running):
        spool.add(rows, chunk.frame[BALANCE].to_numpy(dtype=np.float64))
    expected: dict[int, int] = {}
    for table, ledger in spool.buckets():
        opening = running.balance[ledger.customers.to_numpy(dtype=np.int64)] if known else None
        broken = find_breaks(
            np.ascontiguousarray(table["found"]),
            ledger.arrange(np.ascontiguousarray(table["signed"])),
            ledger,
            tolerance=tolerance,
            minor_units=reader.minor_units,
            opening=opening,
        )
        rows_at = table["row"][ledger.positions(broken.where)].tolist()
        expected.update(zip(rows_at, broken.expected.tolist(), strict=True))
    found = Breaks(tuple(reader.order_by), tolerance)
    places = np.array(sorted(expected), dtype=np.int64)
    names = list(dict.fromkeys([*reader.wanted, *reader.order_by]))
    for chunk in reader.files.chunks(names):
        here = places[(places >= chunk.first) & (places < chunk.first + len(chunk.frame))]
        wanted = np.array([expected[row] for row in here.tolist()], dtype=np.int64)
        found.add(chunk, here - chunk.first, wanted, reader.minor_units)
    return found
