"""What is asked of a lazy frame first: whether its rows can be added up and put in order."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from gretel_fin_synth import _frames, _money
from gretel_fin_synth.balance._entries import parse_entries
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import AMOUNT, BALANCE, CREDIT, CUSTOMER, DEBIT, TYPE
from gretel_fin_synth.schema._failures import Problem, violation

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_range", "check_rows", "code", "is_ragged", "one_row", "total"]


def code(name: str, minor_units: int) -> Any:
    """Minor units of a column as an expression, to the nearest whole number."""
    return _nearest(name, minor_units).cast(nw.Int64)


def is_ragged(name: str, minor_units: int) -> Any:
    """Expression for "has more decimals than the currency", tolerant as :func:`_money.parse_minor` is."""
    scaled, nearest = _scaled(name, minor_units), _nearest(name, minor_units)
    spread = nw.min_horizontal(scaled.abs() * 2e-15 + 1e-6, nw.lit(0.05))
    inexact = nearest / nw.lit(float(10**minor_units)) != nw.col(name).cast(nw.Float64)
    return inexact & ((scaled - nearest).abs() > spread)


def check_rows(
    frame: Any, order_by: Sequence[str], minor_units: int, *, balance: bool, row: str | None
) -> None:
    """Raise ``SchemaViolation`` if rows of a lazy frame cannot be added up or put in order.

    Parameters
    ----------
    frame : narwhals LazyFrame
        The rows.
    order_by : sequence of str
        Columns that must not be missing, besides the amounts and types.
    minor_units : int
        Decimals of the currency.
    balance : bool
        Whether balances are needed.
    row : str or None
        Column that numbers the rows, if the engine knows an order of them.
    """
    names = list(dict.fromkeys([CUSTOMER, AMOUNT, TYPE, *([BALANCE] if balance else []), *order_by]))
    _check_types(frame, names, order_by, minor_units, balance=balance)
    rules = [nw.col(name).is_null() for name in names] + [
        ~nw.col(TYPE).cast(nw.String).is_in([CREDIT, DEBIT])
    ]
    rules += [_is_not_money(AMOUNT, minor_units), nw.col(AMOUNT) <= 0, is_ragged(AMOUNT, minor_units)]
    schema = frame.collect_schema()
    rules += [nw.col(name).is_nan() for name in order_by if schema[name].is_float()]
    if balance:
        rules.append(_is_not_money(BALANCE, minor_units))
    bad = reduce(or_, [nw.when(rule).then(nw.lit(True)).otherwise(nw.lit(False)) for rule in rules])
    if not total(frame, bad):
        return
    rows = frame.filter(bad).select(*names, *([row] if row else []))
    given = _frames.sub_frame(rows.to_native(), [*names, *([row] if row else [])])
    _, _, problems = parse_entries(given, order_by, minor_units, balance=balance)
    if problems:
        numbers = given[row].to_numpy(dtype=np.int64) if row else np.full(len(given), -1, dtype=np.int64)
        raise violation([_renumbered(problem, numbers) for problem in problems])


def check_range(frame: Any, signed: str, opening: str) -> None:
    """Raise ``ParameterError`` if a customer moves more money than a float holds to the minor unit."""
    amount = nw.col(signed).abs().cast(nw.Float64)
    facts = one_row(frame, moved=amount.sum(), opening=nw.col(opening).abs().cast(nw.Float64).max())
    if (facts["moved"] or 0.0) + (facts["opening"] or 0.0) <= _money.LIMIT:
        return
    each = frame.group_by(CUSTOMER).agg(amount.sum().alias("moved"))
    if one_row(each, most=nw.col("moved").max())["most"] + facts["opening"] > _money.LIMIT:
        raise _money.too_large()


def one_row(frame: Any, **expressions: Any) -> dict[str, Any]:
    """Compute aggregates of a lazy frame."""
    aggregates = [expression.alias(name) for name, expression in expressions.items()]
    table = frame.select(*aggregates).collect(backend="pyarrow").to_native()
    return {name: table[name][0].as_py() for name in expressions}


def total(frame: Any, condition: Any) -> int:
    """Count the rows of a lazy frame for which a condition holds."""
    return int(one_row(frame, n=condition.cast(nw.Int64).sum())["n"] or 0)


def _check_types(
    frame: Any, names: Sequence[str], order_by: Sequence[str], minor_units: int, *, balance: bool
) -> None:
    """Refuse columns whose dtype cannot be right, as on eager frames; text dates need parsing first."""
    empty = _frames.sub_frame(frame.head(0).to_native(), names)
    _, _, problems = parse_entries(empty, order_by, minor_units, balance=balance)
    if problems:
        raise violation(problems)
    schema = frame.collect_schema()
    for name in order_by:
        if schema[name] in (nw.String, nw.Categorical, nw.Enum):
            msg = (
                f"order_by names {name!r}, which holds text; a query is ordered by dates or numbers.\n\n"
                f"Hint: cast it in the query, e.g. to a date, before the call (CAST({name} AS DATE) in SQL)"
            )
            raise ParameterError(msg)


def _scaled(name: str, minor_units: int) -> Any:
    return nw.col(name).cast(nw.Float64) * nw.lit(float(10**minor_units))


def _nearest(name: str, minor_units: int) -> Any:
    return _scaled(name, minor_units).round(0)


def _is_not_money(name: str, minor_units: int) -> Any:
    return ~_scaled(name, minor_units).is_finite() | (_scaled(name, minor_units).abs() > float(_money.LIMIT))


def _renumbered(problem: Problem, numbers: Any) -> Problem:
    """Say of which rows of the whole frame a problem of its bad rows is."""
    if problem.rows is None:
        return problem
    return Problem(problem.column, numbers[problem.rows], problem.values, problem.texts, problem.hint)
