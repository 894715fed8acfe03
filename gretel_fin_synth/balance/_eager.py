"""Balances of tables in memory: one pass over integer codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _frames, _given_back, _money
from gretel_fin_synth._ledger import find_breaks
from gretel_fin_synth.balance._check import BalanceCheck
from gretel_fin_synth.balance._entries import Entries, read_entries
from gretel_fin_synth.balance._opening import STARTING, openings
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import AMOUNT, BALANCE, CUSTOMER, TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check", "reconstruct", "starting"]

_SHOWN = 5


def reconstruct(frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Add the running balance to an eager frame."""
    entries = read_entries(frame, order_by=order_by, minor_units=minor_units)
    opening = openings(starting_amounts, frame, entries, minor_units)
    ledger, balances = entries.ledger, np.empty(entries.ledger.n_rows, dtype=np.float64)

    def add_up(customers: slice, places: slice) -> None:
        steps, heads = ledger.some_arranged(entries.steps, places), ledger.starts[customers] - places.start
        codes = _money.running_balance(steps, heads, opening[customers])
        ledger.put_back(_money.from_minor(codes, minor_units), places, balances)

    try:
        ledger.in_groups(add_up)
    except ParameterError as error:
        raise _money.too_large(_first_beyond(entries, opening)) from error
    return _frames.set_columns(frame, {BALANCE: _as_money(balances, frame, entries.frame[AMOUNT].dtype)})


def check(
    frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int, tolerance: float
) -> BalanceCheck:
    """Find the balances of an eager frame that do not add up."""
    entries = read_entries(frame, order_by=order_by, minor_units=minor_units, balance=True)
    ledger = entries.ledger
    opening = None if starting_amounts is None else openings(starting_amounts, frame, entries, minor_units)
    found = find_breaks(
        entries.frame[BALANCE],
        entries.signed,
        ledger,
        tolerance=tolerance,
        minor_units=minor_units,
        opening=opening,
    )
    rows = ledger.positions(found.where)
    in_frame = np.argsort(rows, kind="stable")
    rows, expected = rows[in_frame], _money.from_minor(found.expected[in_frame], minor_units)
    breaks = _breaks(frame, rows, expected, order_by)
    first = _frames.to_pandas(_breaks(frame, rows[:_SHOWN], expected[:_SHOWN], order_by))
    return BalanceCheck(ledger.n_rows, len(ledger.customers), rows.size, breaks, tolerance, first)


def starting(frame: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Work out what each customer of an eager frame had before the first row."""
    entries = read_entries(frame, order_by=order_by, minor_units=minor_units, balance=True)
    ledger = entries.ledger
    codes, _ = _money.parse_minor(entries.frame[BALANCE], minor_units)
    opening = ledger.arrange(codes)[ledger.starts] - entries.signed[ledger.starts]
    table = pd.DataFrame({CUSTOMER: ledger.customers, STARTING: _money.from_minor(opening, minor_units)})
    table = table.sort_values(CUSTOMER, kind="stable", ignore_index=True)
    if isinstance(frame, pd.DataFrame):
        return table.assign(**{STARTING: _as_money(table[STARTING].to_numpy(), frame, frame[AMOUNT].dtype)})
    return _given_back.from_arrow(frame, _frames.arrow_table(table))


def _first_beyond(entries: Entries, opening: Any) -> Any:
    """Return the smallest id of a customer that moves more than floats hold to the minor unit."""
    moved = np.add.reduceat(np.abs(entries.signed).astype(np.float64), entries.ledger.starts)
    ids = entries.ledger.customers[moved + np.abs(opening) > _money.LIMIT]
    return min(ids.tolist(), default=None)


def _as_money(amounts: Any, frame: Any, dtype: Any) -> Any:
    """Float amounts, pyarrow-backed where the amounts of a pandas frame are."""
    if isinstance(frame, pd.DataFrame) and isinstance(dtype, pd.ArrowDtype):
        return pd.array(amounts, dtype=pd.ArrowDtype(pa.float64()))
    return amounts


def _breaks(frame: Any, rows: Any, expected: Any, order_by: Sequence[str]) -> Any:
    """Rows of a frame beside the balances that were expected there."""
    names = list(dict.fromkeys([CUSTOMER, *order_by, TYPE, AMOUNT, BALANCE]))
    picked = _frames.take(frame, rows, names)
    balances = _frames.sub_frame(picked, [BALANCE])[BALANCE].to_numpy(dtype=np.float64, na_value=np.nan)
    difference = np.round(balances - expected, _money.MAX_MINOR_UNITS)
    added = _frames.set_columns(picked, {"row": rows, "expected": expected, "difference": difference})
    return _frames.select(added, ["row", *names, "expected", "difference"])
