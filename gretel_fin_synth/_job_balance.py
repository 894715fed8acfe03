"""The steps of the program that concern balances: given, rebuilt, in tables of any size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import gretel_fin_synth as fs
from gretel_fin_synth._source import is_source, open_source
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import BALANCE, CUSTOMER
from gretel_fin_synth.schema._columns import near_names

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STARTING", "balance_large", "is_large", "starting_amounts", "with_balances"]

STARTING = "starting_amount"

#: Bytes of a file beyond which it is read batch by batch.
LARGE = 100_000_000


def starting_amounts(table: pd.DataFrame, minor_units: int) -> pd.DataFrame:
    """Give every customer's starting amount: from the column of that name if it is one, else from balances.

    Parameters
    ----------
    table : pandas.DataFrame
        Valid transactions.
    minor_units : int
        Decimals of the currency.

    Returns
    -------
    pandas.DataFrame
        One row per customer with ``customer_id`` and ``starting_amount``, sorted by id.
    """
    if STARTING in table.columns:
        given = table[[CUSTOMER, STARTING]].drop_duplicates()
        amounts = pd.to_numeric(given[STARTING], errors="coerce")
        if given[CUSTOMER].is_unique and amounts.notna().all():
            return given.assign(**{STARTING: amounts}).sort_values(CUSTOMER, ignore_index=True)
    ordered = fs.order_transactions(table, minor_units=minor_units)
    return fs.starting_amounts(ordered, minor_units=minor_units)


def with_balances(
    path: Path, table: pd.DataFrame, minor_units: int, amounts: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Give transactions their running balances.

    Parameters
    ----------
    path : Path
        The file that `table` comes from, for the message.
    table : pandas.DataFrame
        Valid transactions, with or without balances.
    minor_units : int
        Decimals of the currency.
    amounts : pandas.DataFrame, optional
        ``customer_id`` and ``starting_amount``; without it the column of that name of `table` is taken.

    Returns
    -------
    pandas.DataFrame
        `table` with ``account_balance``.

    Raises
    ------
    ParameterError
        If there are no starting amounts.
    """
    if amounts is None and STARTING not in table.columns:
        raise _no_starts(path, table.columns)
    known = STARTING if amounts is None else amounts
    return fs.reconstruct_balance(table, starting_amounts=known, minor_units=minor_units)


def is_large(table: str) -> bool:
    """Say whether a table is better read batch by batch: a folder, a pattern, or a file of many megabytes."""
    return is_source(table) or (Path(table).exists() and Path(table).stat().st_size > LARGE)


def balance_large(
    table: str, output: Path, amounts: pd.DataFrame | None, minor_units: int, *, show: bool
) -> fs.FileSummary:
    """Give a table that need not fit into memory its running balances.

    Raises
    ------
    ParameterError
        If there are no starting amounts.
    """
    names = open_source(table).names
    if amounts is None and STARTING not in names:
        raise _no_starts(table, names)
    known = STARTING if amounts is None else amounts
    shown = None if show else False
    return fs.balance_files(table, output, starting_amounts=known, minor_units=minor_units, progress=shown)


def _no_starts(table: object, names: Iterable[Any]) -> ParameterError:
    near = near_names(BALANCE, names, least=0.95)
    if near:
        return ParameterError(
            f"{str(table)!r} has neither {BALANCE!r} nor {STARTING!r}; did you mean {near[0]!r}?\n\n"
            f"Hint: frame = frame.rename(columns={{{near[0]!r}: {BALANCE!r}}}), and write the file again"
        )
    return ParameterError(
        f"{str(table)!r} has neither {BALANCE!r} nor {STARTING!r}, so nobody knows what its customers start "
        f"with. Add a column {STARTING!r}, one value per customer (0 if nothing is known), or a table of "
        f"{CUSTOMER!r} and {STARTING!r}.\n\n"
        f"Hint: gretel-fin-synth balance {table} --starting-amounts amounts.csv --output merged.csv"
    )
