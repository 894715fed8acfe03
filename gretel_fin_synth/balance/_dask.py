"""Balances of dask dataframes: customers are shuffled whole into parts, which are worked on in memory.

The answer stays lazy. Before it is given, one pass over the parts is computed, as for the other engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth import _frames, _money
from gretel_fin_synth.balance import _eager, _facts, _opening
from gretel_fin_synth.balance._check import BalanceCheck
from gretel_fin_synth.balance._entries import check_columns, parse_entries
from gretel_fin_synth.schema import AMOUNT, BALANCE, CUSTOMER, TYPE
from gretel_fin_synth.schema._failures import violation
from gretel_fin_synth.schema._parts import by_customer, in_order, in_parts, tie_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check", "reconstruct", "starting"]

_SHOWN = 5


@dataclass(frozen=True)
class _Rules:
    """How the rows of a part are read: sent to where the parts are."""

    order_by: tuple[str, ...]
    columns: tuple[str, ...]
    minor_units: int
    balance: bool

    def sorted(self, part: pd.DataFrame) -> pd.DataFrame:
        return in_order(part, self.columns, self.minor_units, balance=self.balance)


@dataclass(frozen=True)
class _Found:
    """What one pass over the parts found."""

    n_rows: int
    customers: list[Any]
    moved: pd.Series[Any]


def reconstruct(frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Add the running balance to a dask frame."""
    rules, found = _read(frame, order_by, minor_units, balance=False)
    starts, largest = _starts(frame, starting_amounts, found, minor_units)
    _check_range(found, largest)
    shuffled = by_customer(frame)
    meta = _reconstruct_part(frame._meta, starts, rules)
    return shuffled.map_partitions(_reconstruct_part, starts, rules, meta=meta)


def check(
    frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int, tolerance: float
) -> BalanceCheck:
    """Find the balances of a dask frame that do not add up."""
    rules, found = _read(frame, order_by, minor_units, balance=True)
    starts, _ = _starts(frame, starting_amounts, found, minor_units)
    shuffled = by_customer(frame)
    meta = _breaks_of_part(frame._meta, starts, rules, tolerance)
    breaks = shuffled.map_partitions(_breaks_of_part, starts, rules, tolerance, meta=meta)
    counted = in_parts(breaks, _count_and_head)
    heads = pd.concat([head for _, head in counted])
    first = in_order(heads, rules.order_by, minor_units, balance=True).head(_SHOWN)
    n_breaks = sum(n for n, _ in counted)
    return BalanceCheck(found.n_rows, len(found.customers), n_breaks, breaks, tolerance, first)


def starting(frame: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Work out what each customer of a dask frame had before the first row."""
    rules, _ = _read(frame, order_by, minor_units, balance=True)
    meta = _starting_of_part(frame._meta, rules)
    parts = by_customer(frame).map_partitions(_starting_of_part, rules, meta=meta)
    return parts.repartition(npartitions=1).map_partitions(_by_id, meta=meta)


def _read(frame: Any, order_by: Sequence[str], minor_units: int, *, balance: bool) -> tuple[_Rules, _Found]:
    """Raise if rows cannot be added up or put in order; tell what is there."""
    wanted = [CUSTOMER, AMOUNT, TYPE, *([BALANCE] if balance else [])]
    check_columns(frame, wanted, order_by)
    names = list(dict.fromkeys([*wanted, *order_by]))
    empty = _frames.empty_like(frame, names)
    problems = parse_entries(empty, order_by, minor_units, balance=balance)[2]
    if problems:
        raise violation(problems)
    texts = ("O", "U", "S", "T")
    _facts.check_order_types(
        {name: frame._meta[name].dtype.kind in texts and not _is_date(empty[name]) for name in order_by}
    )
    rules = _Rules(tuple(order_by), tuple(tie_columns(frame, order_by)), minor_units, balance)
    parts = in_parts(frame[names], _inspect_part, rules)
    _raise_for(pd.concat([bad for _, bad, _ in parts]), rules)
    moved = pd.concat([moved for _, _, moved in parts]).groupby(level=0).sum()
    return rules, _Found(sum(n for n, _, _ in parts), sorted(moved.index.tolist()), moved)


def _is_date(column: pd.Series[Any]) -> bool:
    return column.dtype.kind == "M" or "date" in str(column.dtype)


def _inspect_part(part: pd.DataFrame, rules: _Rules) -> tuple[int, pd.DataFrame, pd.Series[Any]]:
    """Rows of a part, those that are bad, and what each customer moves in minor units."""
    signed, _, problems = parse_entries(part, rules.order_by, rules.minor_units, balance=rules.balance)
    rows = np.unique(
        np.concatenate([p.rows for p in problems if p.rows is not None] or [np.empty(0, np.int64)])
    )
    amounts = pd.Series(np.abs(signed).astype(np.float64))
    moved = amounts.groupby(part[CUSTOMER].to_numpy(dtype=object)).sum()
    return len(part), part.iloc[rows.astype(np.int64)], moved


def _raise_for(bad: pd.DataFrame, rules: _Rules) -> None:
    """Name what is wrong with bad rows, in an order that does not depend on the parts."""
    if not len(bad):
        return
    bad = bad.sort_values([CUSTOMER, *[n for n in rules.order_by if n != CUSTOMER]], na_position="first")
    problems = parse_entries(bad, rules.order_by, rules.minor_units, balance=rules.balance)[2]
    nowhere = np.full(len(bad), -1, dtype=np.int64)
    if problems:
        raise violation([problem.of(bad[CUSTOMER]).at(nowhere) for problem in problems])


def _starts(frame: Any, starting_amounts: Any, found: _Found, minor_units: int) -> tuple[Any, float]:
    """Check starting amounts against the customers that there are; gives what the parts need of them."""
    if starting_amounts is None:
        return None, 0.0
    if _opening.is_amount(starting_amounts):
        return starting_amounts, float(abs(_opening.one_amount(starting_amounts, minor_units)))
    if isinstance(starting_amounts, str):
        _opening.check_column(starting_amounts, _frames.column_names(frame))
        pairs = pd.concat(in_parts(frame[[CUSTOMER, starting_amounts]], _distinct))
        pairs = pairs.rename(columns={starting_amounts: _opening.STARTING})
        pairs = pairs.sort_values([CUSTOMER, _opening.STARTING], na_position="first")
        _, codes = _opening.one_per_customer(pairs, minor_units)
        return starting_amounts, float(np.abs(codes).max(initial=0))
    table = _opening.amount_table(starting_amounts)
    ids, codes = _opening.one_per_customer(table, minor_units, set(found.customers))
    missing = sorted(set(found.customers) - set(ids.tolist()))
    if missing:
        raise _opening.without_amount(missing, len(found.customers), table[CUSTOMER].tolist())
    return table, float(np.abs(codes).max(initial=0))


def _check_range(found: _Found, largest_opening: float) -> None:
    over = found.moved[found.moved + largest_opening > _money.LIMIT]
    if len(over):
        raise _money.too_large(over.index.min())


def _reconstruct_part(part: pd.DataFrame, starts: Any, rules: _Rules) -> pd.DataFrame:
    done: pd.DataFrame = _eager.reconstruct(rules.sorted(part), starts, rules.order_by, rules.minor_units)
    return done


def _breaks_of_part(part: pd.DataFrame, starts: Any, rules: _Rules, tolerance: float) -> pd.DataFrame:
    found = _eager.check(rules.sorted(part), starts, rules.order_by, rules.minor_units, tolerance)
    without_row: pd.DataFrame = found.breaks.drop(columns="row")
    return without_row


def _starting_of_part(part: pd.DataFrame, rules: _Rules) -> pd.DataFrame:
    amounts: pd.DataFrame = _eager.starting(rules.sorted(part), rules.order_by, rules.minor_units)
    return amounts


def _by_id(part: pd.DataFrame) -> pd.DataFrame:
    return part.sort_values(CUSTOMER, ignore_index=True)


def _count_and_head(part: pd.DataFrame) -> tuple[int, pd.DataFrame]:
    return len(part), part.head(_SHOWN)


def _distinct(part: pd.DataFrame) -> pd.DataFrame:
    return part.drop_duplicates()
