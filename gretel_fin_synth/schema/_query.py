"""Transactions as a query of an engine: signed amounts in minor units, a definite order, balances that break.

Everything here is an expression; nothing is computed but by :func:`one_row`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from gretel_fin_synth import _frames, _money
from gretel_fin_synth.schema._columns import AMOUNT, BALANCE, CATEGORY, CREDIT, CUSTOMER, TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BEFORE", "EXPECTED", "Query", "breaking", "code", "is_ragged", "major", "make_query", "one_row"]

ROW = "__fin_synth_row"
SIGNED = "__fin_synth_signed"
OPENING = "__fin_synth_opening"
FOUND = "__fin_synth_found"
TIE = "__fin_synth_tie"
BEFORE = "__fin_synth_before"
EXPECTED = "expected"

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


def with_rows(frame: Any) -> tuple[Any, str | None]:
    """Return the frame wrapped, its rows numbered where the engine knows an order of them."""
    wrapped = _frames.wrap(frame)
    if wrapped.implementation.is_polars():
        return _frames.wrap(wrapped.to_native().with_row_index(ROW)), ROW
    return wrapped, None


def make_query(
    rows: Any, row: str | None, order_by: Sequence[str], minor_units: int, *, balance: bool
) -> Query:
    """Give sound rows signed amounts and a definite order.

    Parameters
    ----------
    rows : narwhals LazyFrame
        Transactions.
    row : str or None
        Column that numbers them.
    order_by : sequence of str
        Columns that put the rows of a customer in order.
    minor_units : int
        Decimals of the currency.
    balance : bool
        Whether balances are read too.
    """
    sign = nw.when(nw.col(TYPE).cast(nw.String) == CREDIT).then(nw.lit(1)).otherwise(nw.lit(-1))
    columns = [(code(AMOUNT, minor_units) * sign).cast(nw.Int64).alias(SIGNED)]
    if balance:
        columns.append(code(BALANCE, minor_units).alias(FOUND))
    rows = rows.with_columns(*columns)
    if row is not None:
        return Query(rows, (*order_by, row), row)
    order = [*order_by, *content_order(dict(rows.collect_schema()), order_by)]
    if balance:
        # Rows that agree in all but the balance run in the order in which balances can.
        rising = nw.when(nw.col(SIGNED) > 0).then(nw.col(FOUND)).otherwise(-nw.col(FOUND))
        rows = rows.with_columns(rising.alias(TIE))
        order.append(TIE)
    return Query(rows, tuple(order), None)


def content_order(schema: dict[str, Any], order_by: Sequence[str]) -> list[str]:
    """Columns that break ties where rows have no order: type, amount, category, the others by name."""
    others = sorted(name for name, dtype in schema.items() if not isinstance(dtype, _NESTED))
    taken = {*order_by, CUSTOMER, BALANCE, SIGNED, FOUND}
    names = dict.fromkeys([TYPE, AMOUNT, CATEGORY, *others])
    return [name for name in names if name in others and name not in taken]


def breaking(query: Query, opened: Any, minor_units: int, *, known: bool, tolerance: float) -> Any:
    """Rows whose balance is not the one before it plus the signed amount, with the column ``EXPECTED``.

    Parameters
    ----------
    query : Query
        With balances.
    opened : narwhals LazyFrame
        The query's frame, with ``OPENING`` if `known`.
    minor_units : int
        Decimals of the currency.
    known : bool
        Whether starting amounts are known; without them a customer's first row cannot break.
    tolerance : float
        Largest difference, in major units, that is no break.
    """
    before = nw.col(FOUND).shift(1).over(CUSTOMER, order_by=list(query.order))
    opening = nw.col(OPENING) if known else nw.col(FOUND) - nw.col(SIGNED)
    opened = opened.with_columns(before.alias(BEFORE))
    is_first = nw.col(BEFORE).is_null()
    expected = nw.when(is_first).then(opening).otherwise(nw.col(BEFORE)) + nw.col(SIGNED)
    # Beyond the minor unit a balance breaks too; but what stands first, from an unknown start, never does.
    rest = nw.col(BALANCE).cast(nw.Float64) * nw.lit(float(10**minor_units)) - nw.col(FOUND).cast(nw.Float64)
    ragged = is_ragged(BALANCE, minor_units) & (nw.lit(known) | ~is_first)
    off = (nw.col(FOUND) - expected).cast(nw.Float64) + nw.when(ragged).then(rest).otherwise(nw.lit(0.0))
    return opened.with_columns(major(expected, minor_units).alias(EXPECTED)).filter(
        off.abs() > nw.lit(tolerance * 10**minor_units + 1e-6)
    )


def code(name: str, minor_units: int) -> Any:
    """Minor units of a column as an expression, to the nearest whole number."""
    return _bounded(name, minor_units).round(0).cast(nw.Int64)


def scaled(name: str, minor_units: int) -> Any:
    """Minor units of a column as an expression, with what goes beyond them."""
    return nw.col(name).cast(nw.Float64) * nw.lit(float(10**minor_units))


def _bounded(name: str, minor_units: int) -> Any:
    """Minor units, 0 where they are no number or beyond what is exact: some engines round to integers."""
    given = scaled(name, minor_units)
    fits = given.is_finite() & (given.abs() <= float(_money.LIMIT))
    return nw.when(fits).then(given).otherwise(nw.lit(0.0))


def is_ragged(name: str, minor_units: int) -> Any:
    """Expression for "has more decimals than the currency", tolerant as :func:`_money.parse_minor` is."""
    given = _bounded(name, minor_units)
    nearest = given.round(0).cast(nw.Float64)
    spread = nw.min_horizontal(given.abs() * 2e-15 + 1e-6, nw.lit(0.05))
    inexact = (nearest / nw.lit(float(10**minor_units)) != nw.col(name).cast(nw.Float64)) & (given != 0.0)
    return inexact & ((given - nearest).abs() > spread)


def major(codes: Any, minor_units: int) -> Any:
    """Major units as the doubles nearest to their decimal literals.

    The divisor is made a column: polars turns a division by a constant into a product with its reciprocal,
    which is a last bit off for one amount in seven.
    """
    amounts = codes.cast(nw.Float64)
    return amounts / (amounts * 0.0 + float(10**minor_units))


def one_row(frame: Any, **expressions: Any) -> dict[str, Any]:
    """Compute aggregates of a lazy frame."""
    aggregates = [expression.alias(name) for name, expression in expressions.items()]
    table = frame.select(*aggregates).collect(backend="pyarrow").to_native()
    return {name: table[name][0].as_py() for name in expressions}
