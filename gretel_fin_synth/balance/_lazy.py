"""Balances as expressions of a query engine: polars lazy, duckdb and others that narwhals can window.

The answer stays a query. Before it is given, one aggregate is computed, so that a bad row, a customer
without a starting amount or a sum beyond what floats hold raises at once, with the rows that are at fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from gretel_fin_synth import _frames, _money
from gretel_fin_synth.balance import _facts, _opening
from gretel_fin_synth.balance._check import BalanceCheck
from gretel_fin_synth.balance._entries import check_columns
from gretel_fin_synth.schema import AMOUNT, BALANCE, CATEGORY, CREDIT, CUSTOMER, TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check", "reconstruct", "starting"]

ROW = "__fin_synth_row"
SIGNED = "__fin_synth_signed"
OPENING = "__fin_synth_opening"
FOUND = "__fin_synth_found"
TIE = "__fin_synth_tie"
BEFORE = "__fin_synth_before"

_SHOWN = 5
_NESTED = (nw.List, nw.Array, nw.Struct, nw.Object, nw.Unknown)


@dataclass(frozen=True)
class Query:
    """A lazy frame with signed amounts in minor units, and what puts it in a definite order.

    Attributes
    ----------
    frame : narwhals LazyFrame
        The rows with the columns ``SIGNED`` and, if balances were asked for, ``FOUND``.
    order : tuple of str
        Columns that order the rows of a customer, ties included.
    row : str or None
        Column that numbers the rows, if the engine knows an order of them.
    """

    frame: Any
    order: tuple[str, ...]
    row: str | None


def reconstruct(frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Add the running balance to a lazy frame."""
    query = _query(frame, order_by, minor_units, balance=False)
    opened = _with_opening(query, frame, starting_amounts, minor_units)
    _facts.check_range(opened, SIGNED, OPENING)
    running = nw.col(SIGNED).cum_sum().over(CUSTOMER, order_by=list(query.order))
    balance = _major(running.cast(nw.Int64) + nw.col(OPENING), minor_units)
    done = opened.with_columns(balance.alias(BALANCE))
    return done.select(*dict.fromkeys([*_frames.column_names(frame), BALANCE])).to_native()


def check(
    frame: Any, starting_amounts: Any, order_by: Sequence[str], minor_units: int, tolerance: float
) -> BalanceCheck:
    """Find the balances of a lazy frame that do not add up."""
    query = _query(frame, order_by, minor_units, balance=True)
    known = starting_amounts is not None
    opened = _with_opening(query, frame, starting_amounts, minor_units) if known else query.frame
    before = nw.col(FOUND).shift(1).over(CUSTOMER, order_by=list(query.order))
    opening = nw.col(OPENING) if known else nw.col(FOUND) - nw.col(SIGNED)
    opened = opened.with_columns(before.alias(BEFORE))
    is_first = nw.col(BEFORE).is_null()
    expected = nw.when(is_first).then(opening).otherwise(nw.col(BEFORE)) + nw.col(SIGNED)
    # Beyond the minor unit a balance breaks too; but what stands first, from an unknown start, never does.
    rest = nw.col(BALANCE).cast(nw.Float64) * nw.lit(float(10**minor_units)) - nw.col(FOUND).cast(nw.Float64)
    ragged = _facts.is_ragged(BALANCE, minor_units) & (nw.lit(known) | ~is_first)
    off = (nw.col(FOUND) - expected).cast(nw.Float64) + nw.when(ragged).then(rest).otherwise(nw.lit(0.0))
    broken = opened.with_columns(_major(expected, minor_units).alias("expected")).filter(
        off.abs() > nw.lit(tolerance * 10**minor_units + 1e-6)
    )
    return _report(query, broken, order_by, tolerance)


def starting(frame: Any, order_by: Sequence[str], minor_units: int) -> Any:
    """Work out what each customer of a lazy frame had before the first row."""
    query = _query(frame, order_by, minor_units, balance=True)
    before = nw.col(FOUND).shift(1).over(CUSTOMER, order_by=list(query.order))
    firsts = query.frame.with_columns(before.alias(BEFORE)).filter(nw.col(BEFORE).is_null())
    opening = _major(nw.col(FOUND) - nw.col(SIGNED), minor_units)
    return firsts.select(nw.col(CUSTOMER), opening.alias(_opening.STARTING)).sort(CUSTOMER).to_native()


def _query(frame: Any, order_by: Sequence[str], minor_units: int, *, balance: bool) -> Query:
    """Check the rows of a lazy frame, and give them signed amounts and a definite order."""
    check_columns(frame, [CUSTOMER, AMOUNT, TYPE, *([BALANCE] if balance else [])], order_by)
    row = ROW if _frames.wrap(frame).implementation.is_polars() else None
    rows = _frames.wrap(frame.with_row_index(ROW) if row else frame)
    _facts.check_rows(rows, order_by, minor_units, balance=balance, row=row)
    sign = nw.when(nw.col(TYPE).cast(nw.String) == CREDIT).then(nw.lit(1)).otherwise(nw.lit(-1))
    columns = [(_facts.code(AMOUNT, minor_units) * sign).cast(nw.Int64).alias(SIGNED)]
    if balance:
        columns.append(_facts.code(BALANCE, minor_units).alias(FOUND))
    rows = rows.with_columns(*columns)
    if row is not None:
        return Query(rows, (*order_by, row), row)
    order = [*order_by, *_content(rows, order_by)]
    if balance:
        # Rows that agree in all but the balance run in the order in which balances can.
        rising = nw.when(nw.col(SIGNED) > 0).then(nw.col(FOUND)).otherwise(-nw.col(FOUND))
        rows = rows.with_columns(rising.alias(TIE))
        order.append(TIE)
    return Query(rows, tuple(order), None)


def _content(rows: Any, order_by: Sequence[str]) -> list[str]:
    """Columns that break ties where rows have no order: type, amount, category, the others by name."""
    schema = rows.collect_schema()
    others = sorted(name for name, dtype in schema.items() if dtype not in _NESTED)
    taken = {*order_by, CUSTOMER, BALANCE, SIGNED, FOUND}
    names = dict.fromkeys([TYPE, AMOUNT, CATEGORY, *others])
    return [name for name in names if name in schema and name not in taken]


def _with_opening(query: Query, frame: Any, starting_amounts: Any, minor_units: int) -> Any:
    """Add the column ``OPENING``: what the customer of the row had before the first one, in minor units."""
    if starting_amounts is None:
        return query.frame.with_columns(nw.lit(0, dtype=nw.Int64).alias(OPENING))
    if _opening.is_amount(starting_amounts):
        amount = _opening.one_amount(starting_amounts, minor_units)
        return query.frame.with_columns(nw.lit(amount, dtype=nw.Int64).alias(OPENING))
    if isinstance(starting_amounts, str):
        _opening.check_column(starting_amounts, _frames.column_names(frame))
        return _from_column(query, starting_amounts, minor_units)
    opened, known = _from_table(query, frame, _opening.amount_table(starting_amounts), minor_units)
    if _facts.total(opened, nw.col(OPENING).is_null()):
        missing = _ids(opened.filter(nw.col(OPENING).is_null()))
        raise _opening.without_amount(missing, len(_ids(opened)), known)
    return opened


def _from_column(query: Query, name: str, minor_units: int) -> Any:
    """Read the starting amounts from a column that must be constant per customer."""
    finite = nw.col(name).cast(nw.Float64).is_finite()
    sound = nw.when(finite).then(~_facts.is_ragged(name, minor_units)).otherwise(nw.lit(False))
    faulty = query.frame.filter(~sound).select(CUSTOMER, name).head(1)
    rows = _frames.sub_frame(faulty.to_native(), [CUSTOMER, name])
    if len(rows):
        raise _opening.no_amount(rows[CUSTOMER].iloc[0], rows[name].iloc[0], minor_units)
    opened = query.frame.with_columns(_facts.code(name, minor_units).alias(OPENING))
    low, high = nw.col(OPENING).min().alias("low"), nw.col(OPENING).max().alias("high")
    spread = opened.group_by(CUSTOMER).agg(low, high).filter(nw.col("low") != nw.col("high"))
    twice = _frames.sub_frame(spread.sort(CUSTOMER).head(1).to_native(), [CUSTOMER, "low", "high"])
    if len(twice):
        amounts = _money.from_minor(twice[["low", "high"]].to_numpy(dtype="int64")[0], minor_units)
        raise _opening.conflicting(twice[CUSTOMER].iloc[0], amounts.tolist())
    return opened


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
    small = _frames.wrap(_frames.from_arrow(frame, pa.table({CUSTOMER: keys, OPENING: amounts})))
    return query.frame.join(small, on=CUSTOMER, how="left"), ids.tolist()


def _report(query: Query, broken: Any, order_by: Sequence[str], tolerance: float) -> BalanceCheck:
    """Count what breaks and keep the query for it."""
    names = list(dict.fromkeys([CUSTOMER, *order_by, TYPE, AMOUNT, BALANCE]))
    difference = (nw.col(BALANCE).cast(nw.Float64) - nw.col("expected")).round(_money.MAX_MINOR_UNITS)
    broken = broken.with_columns(difference.alias("difference"))
    if query.row is None:
        broken = broken.sort(CUSTOMER, *query.order)
    row = [nw.col(query.row).cast(nw.Int64).alias("row")] if query.row else []
    breaks = broken.select(*row, *names, "expected", "difference").to_native()
    counts = _facts.one_row(query.frame, rows=nw.len(), customers=nw.col(CUSTOMER).n_unique())
    n_breaks = int(_facts.one_row(broken, n=nw.len())["n"])
    first = _frames.to_pandas(_frames.wrap(breaks).head(_SHOWN).to_native())
    return BalanceCheck(
        int(counts["rows"]), int(counts["customers"] or 0), n_breaks, breaks, tolerance, first
    )


def _major(codes: Any, minor_units: int) -> Any:
    """Major units as the doubles nearest to their decimal literals.

    The divisor is made a column: polars turns a division by a constant into a product with its reciprocal,
    which is a last bit off for one amount in seven.
    """
    amounts = codes.cast(nw.Float64)
    return amounts / (amounts * 0.0 + float(10**minor_units))


def _ids(frame: Any) -> list[Any]:
    """Distinct customers of a lazy frame, sorted."""
    distinct = frame.select(CUSTOMER).unique().sort(CUSTOMER)
    values: list[Any] = _frames.sub_frame(distinct.to_native(), [CUSTOMER])[CUSTOMER].tolist()
    return values
