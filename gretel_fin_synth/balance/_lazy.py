"""Balances as expressions of a query engine: polars lazy, duckdb, ibis, Spark and others with windows.

The answer stays a query. Before it is given, one aggregate is computed, so that a bad row, a customer
without a starting amount or a sum beyond what floats hold raises at once, with the rows that are at fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from gretel_fin_synth import _frames, _given_back, _money
from gretel_fin_synth.balance import _facts, _opening
from gretel_fin_synth.balance._check import BalanceCheck
from gretel_fin_synth.balance._entries import check_columns
from gretel_fin_synth.schema import AMOUNT, BALANCE, CUSTOMER, TYPE
from gretel_fin_synth.schema._query import (
    BEFORE,
    EXPECTED,
    FOUND,
    OPENING,
    SIGNED,
    Query,
    breaking,
    code,
    is_ragged,
    major,
    make_query,
    one_row,
    with_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check", "reconstruct", "starting"]

_SHOWN = 5


def reconstruct(frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Add the running balance to a lazy frame."""
    query, facts = _query(frame, order_by, minor_units, balance=False)
    opened, largest = _with_opening(query, frame, starting_amounts, minor_units)
    _facts.check_range(facts, opened, SIGNED, OPENING, largest)
    running = nw.col(SIGNED).cum_sum().over(CUSTOMER, order_by=list(query.order))
    balance = major(running.cast(nw.Int64) + nw.col(OPENING), minor_units)
    done = opened.with_columns(balance.alias(BALANCE))
    return done.select(*dict.fromkeys([*_frames.column_names(frame), BALANCE])).to_native()


def check(
    frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int, tolerance: float
) -> BalanceCheck:
    """Find the balances of a lazy frame that do not add up."""
    query, facts = _query(frame, order_by, minor_units, balance=True)
    known = starting_amounts is not None
    opened = query.frame
    if known:
        opened, _ = _with_opening(query, frame, starting_amounts, minor_units)
    broken = breaking(query, opened, minor_units, known=known, tolerance=tolerance)
    return _report(query, facts, broken, order_by, tolerance)


def starting(frame: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Work out what each customer of a lazy frame had before the first row."""
    query, _ = _query(frame, order_by, minor_units, balance=True)
    before = nw.col(FOUND).shift(1).over(CUSTOMER, order_by=list(query.order))
    firsts = query.frame.with_columns(before.alias(BEFORE)).filter(nw.col(BEFORE).is_null())
    opening = major(nw.col(FOUND) - nw.col(SIGNED), minor_units)
    return firsts.select(nw.col(CUSTOMER), opening.alias(_opening.STARTING)).sort(CUSTOMER).to_native()


def _query(
    frame: Any, order_by: Sequence[str], minor_units: int, *, balance: bool
) -> tuple[Query, _facts.Facts]:
    """Check the rows of a lazy frame, and give them signed amounts and a definite order."""
    check_columns(frame, [CUSTOMER, AMOUNT, TYPE, *([BALANCE] if balance else [])], order_by)
    rows, row = with_rows(frame)
    facts = _facts.sound_rows(rows, order_by, minor_units, balance=balance, row=row)
    return make_query(rows, row, order_by, minor_units, balance=balance), facts


def _with_opening(query: Query, frame: Any, starting_amounts: Any, minor_units: int) -> tuple[Any, float]:
    """Add the column ``OPENING``: what the customer of the row had before the first one, in minor units.

    Gives the largest of them too.
    """
    if starting_amounts is None:
        return query.frame.with_columns(nw.lit(0, dtype=nw.Int64).alias(OPENING)), 0.0
    if _opening.is_amount(starting_amounts):
        amount = _opening.one_amount(starting_amounts, minor_units)
        return query.frame.with_columns(nw.lit(amount, dtype=nw.Int64).alias(OPENING)), float(abs(amount))
    if isinstance(starting_amounts, str):
        _opening.check_column(starting_amounts, _frames.column_names(frame))
        return _from_column(query, starting_amounts, minor_units)
    table = _opening.amount_table(starting_amounts)
    opened, known = _from_table(query, frame, table, minor_units)
    facts = one_row(
        opened,
        without=nw.col(OPENING).is_null().cast(nw.Int64).sum(),
        largest=nw.col(OPENING).abs().cast(nw.Float64).max(),
    )
    if facts["without"]:
        missing = _ids(opened.filter(nw.col(OPENING).is_null()))
        raise _opening.without_amount(missing, len(_ids(opened)), known)
    return opened, float(facts["largest"] or 0.0)


def _from_column(query: Query, name: str, minor_units: int) -> tuple[Any, float]:
    """Read the starting amounts from a column that must be constant per customer."""
    finite = nw.col(name).cast(nw.Float64).is_finite()
    sound = nw.when(finite).then(~is_ragged(name, minor_units)).otherwise(nw.lit(False))
    faulty = query.frame.filter(~sound).select(CUSTOMER, name).sort(CUSTOMER, name).head(1)
    rows = _frames.sub_frame(faulty.to_native(), [CUSTOMER, name])
    if len(rows):
        raise _opening.no_amount(rows[CUSTOMER].iloc[0], rows[name].iloc[0], minor_units)
    opened = query.frame.with_columns(code(name, minor_units).alias(OPENING))
    low, high = nw.col(OPENING).min().alias("low"), nw.col(OPENING).max().alias("high")
    spread = opened.group_by(CUSTOMER).agg(low, high).filter(nw.col("low") != nw.col("high"))
    twice = _frames.sub_frame(spread.sort(CUSTOMER).head(1).to_native(), [CUSTOMER, "low", "high"])
    if len(twice):
        amounts = _money.from_minor(twice[["low", "high"]].to_numpy(dtype="int64")[0], minor_units)
        raise _opening.conflicting(twice[CUSTOMER].iloc[0], amounts.tolist())
    largest = one_row(opened, largest=nw.col(OPENING).abs().cast(nw.Float64).max())["largest"]
    return opened, float(largest or 0.0)


def _from_table(query: Query, frame: Any, table: Any, minor_units: int) -> tuple[Any, list[Any]]:
    """Look the starting amounts up in a table; null where it has none."""
    ids, codes = _opening.one_per_customer(table, minor_units)
    dtype = query.frame.collect_schema()[CUSTOMER]
    is_text = dtype in (nw.String, nw.Categorical, nw.Enum)
    fits = [isinstance(value, str) == is_text for value in ids]
    keys, amounts = ids[fits].tolist(), codes[fits]
    if not keys:
        return query.frame.with_columns(nw.lit(None, dtype=nw.Int64).alias(OPENING)), ids.tolist()
    if query.row is not None:
        # A join of polars may reorder rows; a replacement does not.
        column = nw.col(CUSTOMER).cast(nw.String) if is_text else nw.col(CUSTOMER)
        found = column.replace_strict(keys, amounts.tolist(), default=None, return_dtype=nw.Int64)
        return query.frame.with_columns(found.alias(OPENING)), ids.tolist()
    small = _frames.wrap(_given_back.from_arrow(frame, pa.table({CUSTOMER: keys, OPENING: amounts})))
    return query.frame.join(small, on=CUSTOMER, how="left"), ids.tolist()


def _report(
    query: Query, facts: _facts.Facts, broken: Any, order_by: Sequence[str], tolerance: float
) -> BalanceCheck:
    """Count what breaks and keep the query for it."""
    names = list(dict.fromkeys([CUSTOMER, *order_by, TYPE, AMOUNT, BALANCE]))
    difference = (nw.col(BALANCE).cast(nw.Float64) - nw.col(EXPECTED)).round(_money.MAX_MINOR_UNITS)
    broken = broken.with_columns(difference.alias("difference"))
    n_breaks = int(one_row(broken, n=nw.len())["n"])
    if query.row is None:
        broken = broken.sort(CUSTOMER, *query.order)
    row = [nw.col(query.row).cast(nw.Int64).alias("row")] if query.row else []
    breaks = broken.select(*row, *names, EXPECTED, "difference").to_native()
    shown = _frames.wrap(breaks).head(_SHOWN if n_breaks else 0).to_native()
    first = _frames.to_pandas(shown) if n_breaks else _frames.empty_like(shown, _frames.column_names(shown))
    return BalanceCheck(facts.n_rows, facts.n_customers, n_breaks, breaks, tolerance, first)


def _ids(frame: Any) -> list[Any]:
    """Distinct customers of a lazy frame, sorted."""
    distinct = frame.select(CUSTOMER).unique().sort(CUSTOMER)
    values: list[Any] = _frames.sub_frame(distinct.to_native(), [CUSTOMER])[CUSTOMER].tolist()
    return values
