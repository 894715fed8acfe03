"""What is asked of a lazy frame first: whether its rows can be added up and put in order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from gretel_fin_synth import _frames, _money
from gretel_fin_synth.balance._entries import parse_entries
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema import AMOUNT, BALANCE, CREDIT, CUSTOMER, DEBIT, TYPE
from gretel_fin_synth.schema._failures import violation
from gretel_fin_synth.schema._query import is_ragged, one_row, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Facts", "check_order_types", "check_range", "sound_rows"]


@dataclass(frozen=True)
class Facts:
    """What one pass over a lazy frame found.

    Attributes
    ----------
    n_rows, n_customers : int
        Its size.
    moved : float
        All amounts together, in minor units.
    """

    n_rows: int
    n_customers: int
    moved: float


def sound_rows(
    frame: Any, order_by: Sequence[str], minor_units: int, *, balance: bool, row: str | None
) -> Facts:
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
    schema = frame.collect_schema()
    _, _, problems = parse_entries(
        _frames.empty_like(frame.to_native(), names), order_by, minor_units, balance=balance
    )
    if problems:
        raise violation(problems)
    check_order_types({name: schema[name] in (nw.String, nw.Categorical, nw.Enum) for name in order_by})
    bad = _is_bad(names, schema, order_by, minor_units, balance=balance)
    facts = one_row(
        frame,
        bad=bad.cast(nw.Int64).sum(),
        rows=nw.len(),
        customers=nw.col(CUSTOMER).n_unique(),
        moved=scaled(AMOUNT, minor_units).abs().sum(),
    )
    if facts["bad"]:
        _raise_for(frame.filter(bad), names, order_by, minor_units, balance=balance, row=row)
    return Facts(int(facts["rows"]), int(facts["customers"] or 0), float(facts["moved"] or 0.0))


def check_order_types(is_text: dict[str, bool]) -> None:
    """Refuse to order a query by text, whose order need not be that of time."""
    for name, text in is_text.items():
        if text:
            msg = (
                f"order_by names {name!r}, which holds text; a query is ordered by dates or numbers.\n\n"
                f"Hint: cast it in the query, e.g. to a date, before the call (CAST({name} AS DATE) in SQL)"
            )
            raise ParameterError(msg)


def check_range(facts: Facts, frame: Any, signed: str, opening: str, largest_opening: float) -> None:
    """Raise ``ParameterError`` if a customer moves more money than a float holds to the minor unit.

    Parameters
    ----------
    facts : Facts
        Of the frame.
    frame : narwhals LazyFrame
        The rows with signed and starting amounts.
    signed, opening : str
        The columns that have them, in minor units.
    largest_opening : float
        The largest starting amount, in minor units.
    """
    if facts.moved + largest_opening <= _money.LIMIT:
        return
    most = nw.col(signed).abs().cast(nw.Float64).sum() + nw.col(opening).abs().cast(nw.Float64).max()
    each = frame.group_by(CUSTOMER).agg(most.alias("most"))
    over = each.filter(nw.col("most") > float(_money.LIMIT)).sort(CUSTOMER).head(1)
    ids = _frames.sub_frame(over.to_native(), [CUSTOMER])[CUSTOMER].tolist()
    if ids:
        raise _money.too_large(ids[0])


def _is_bad(
    names: Sequence[str], schema: Any, order_by: Sequence[str], minor_units: int, *, balance: bool
) -> Any:
    rules = [nw.col(name).is_null() for name in names]
    rules.append(~nw.col(TYPE).cast(nw.String).is_in([CREDIT, DEBIT]))
    rules += [_is_not_money(AMOUNT, minor_units), nw.col(AMOUNT) <= 0, is_ragged(AMOUNT, minor_units)]
    rules += [nw.col(name).is_nan() for name in order_by if schema[name].is_float()]
    if balance:
        rules.append(_is_not_money(BALANCE, minor_units))
    return reduce(or_, [nw.when(rule).then(nw.lit(True)).otherwise(nw.lit(False)) for rule in rules])


def _raise_for(
    rows: Any,
    names: Sequence[str],
    order_by: Sequence[str],
    minor_units: int,
    *,
    balance: bool,
    row: str | None,
) -> None:
    """Name what is wrong with rows that an engine found fault with."""
    if row is None:
        rows = rows.sort(CUSTOMER, *[name for name in order_by if name != CUSTOMER])
    every = [*names, *([row] if row else [])]
    given = _frames.sub_frame(rows.select(*every).to_native(), every)
    _, _, problems = parse_entries(given, order_by, minor_units, balance=balance)
    if problems:
        numbers = given[row].to_numpy(dtype=np.int64) if row else np.full(len(given), -1, dtype=np.int64)
        raise violation([problem.of(given[CUSTOMER]).at(numbers) for problem in problems])


def _is_not_money(name: str, minor_units: int) -> Any:
    amount = scaled(name, minor_units)
    return ~amount.is_finite() | (amount.abs() > float(_money.LIMIT))
