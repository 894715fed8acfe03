"""Validation of whole tables, on any kind of frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from gretel_fin_synth import _frames
from gretel_fin_synth.schema import _rules
from gretel_fin_synth.schema._failures import violation
from gretel_fin_synth.schema._inspect import inspect_transactions
from gretel_fin_synth.schema._lazy import validate_lazy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gretel_fin_synth._frames import FrameT
    from gretel_fin_synth.schema._columns import ExtraColumn

__all__ = ["canonical_transactions", "validate_transactions"]


def validate_transactions(
    frame: FrameT,
    *,
    balance: bool = True,
    minor_units: int = 2,
    extra_columns: Iterable[ExtraColumn] | None = None,
) -> FrameT:
    """Check that a table is a table of transactions, and coerce what is safe.

    Parameters
    ----------
    frame : dataframe of n rows
        pandas, polars (eager or lazy), pyarrow, duckdb, ibis, PySpark or dask. Needs ``customer_id``,
        ``transaction_date``, ``transaction_amount``, ``transaction_type``, ``transaction_category`` and, with
        `balance`, ``account_balance``; other columns are kept as they are. No rows at all are fine.
    balance : bool, default True
        Whether every ``account_balance`` has to be the one before it (of the same customer, in chronological
        order, ties in the order of the frame) plus the signed amount, to the minor unit. With False the
        column may be absent; if it is there it must hold finite numbers, whether they add up or not. Real
        tables often need this: banks round, and exports lose rows.
    minor_units : int, default 2
        Decimals of the currency.
    extra_columns : iterable of ExtraColumn, optional
        Further columns whose kind is checked too; missing values are allowed in them, except that a
        ``"constant"`` has one value per customer.

    Returns
    -------
    same type as frame
        The rows in their order with their index. Coerced, if need be: ISO 8601 text and ``datetime.date``
        to timestamps; integers and ``Decimal`` to floats; categorical columns to text; whole-number ids
        and categories to text (7 becomes ``"7"``, so read "007" as text in the first place); amounts like
        ``0.1 + 0.2`` to the double nearest to their decimal literal. A frame in which nothing had to
        change is returned as it is. A lazy one stays lazy: it is read once for the check, batch by batch
        where the engine can do so.

    Raises
    ------
    SchemaViolation
        If anything else is wrong. The error lists the first failing cells with what to write instead and
        carries all of them as ``.failure_cases``.
    ParameterError
        If `frame` is no dataframe, or an option has a value that cannot work.

    See Also
    --------
    Transactions : the same rules as a pandera model.
    check_balance : counts balances that do not add up, instead of refusing them.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import validate_transactions
    >>> frame = pd.DataFrame(
    ...     {
    ...         "customer_id": ["007", "007"],
    ...         "transaction_date": ["2024-03-30", "2024-03-31"],
    ...         "transaction_amount": [100, 12],
    ...         "transaction_type": ["credit", "debit"],
    ...         "transaction_category": ["salary", "groceries"],
    ...         "account_balance": [100, 88],
    ...     }
    ... )
    >>> validate_transactions(frame)["transaction_amount"].tolist()
    [100.0, 12.0]
    >>> frame["transaction_type"] = ["credit", "DEBIT "]
    >>> validate_transactions(frame)
    Traceback (most recent call last):
        ...
    gretel_fin_synth.errors.SchemaViolation: not a table of transactions because of 1 cell ...
      column 'transaction_type', row 1: 'DEBIT ' is not a type; write 'debit'
    <BLANKLINE>
    Hint: ...
    """
    if _frames.is_lazy(frame):
        lazy = validate_lazy(frame, balance=balance, minor_units=minor_units, extra_columns=extra_columns)
        return cast("FrameT", lazy)
    given: Any = _frames.native(frame)
    inspection = inspect_transactions(
        given, balance=balance, minor_units=minor_units, extra_columns=extra_columns
    )
    if inspection.problems:
        index = given.index if isinstance(given, pd.DataFrame) else None
        raise violation(inspection.problems, index)
    if not inspection.changed:
        return frame.copy(deep=False) if isinstance(frame, pd.DataFrame) else frame
    changed = _frames.set_columns(given, {name: inspection.frame[name] for name in inspection.changed})
    return cast("FrameT", changed)


def canonical_transactions(
    frame: Any,
    *,
    balance: bool = False,
    minor_units: int = 2,
    extra_columns: Iterable[ExtraColumn] | None = None,
) -> pd.DataFrame:
    """Validate any frame and give it as pandas with plain dtypes: the form in which ``fit`` works on it.

    Parameters
    ----------
    frame, balance, minor_units, extra_columns
        See :func:`validate_transactions`; only `balance` has another default.

    Returns
    -------
    pandas.DataFrame, shape (n, 5 or more)
        The six columns (``account_balance`` only if it is there) in the order of the schema, then the
        described extra ones; text as the default text dtype of pandas, dates as numpy ``datetime64``
        without a time zone (the local time is kept), money as ``float64``; index 0 to n - 1.

    Raises
    ------
    SchemaViolation, ParameterError
        See :func:`validate_transactions`.
    """
    given = _frames.collected(frame)
    found = inspect_transactions(given, balance=balance, minor_units=minor_units, extra_columns=extra_columns)
    if found.problems:
        raise violation(found.problems, given.index if isinstance(given, pd.DataFrame) else None)
    columns: dict[str, Any] = {}
    for name in found.frame.columns:
        columns[name] = _plain(found.frame[name])
    return pd.DataFrame(columns)


def _plain_text(column: pd.Series[Any]) -> Any:
    """Values of a column of text, missing ones left missing; of mixed ones as they are."""
    values, known = column.to_numpy(dtype=object), column.notna().to_numpy()
    if not all(isinstance(value, str) for value in values[known]):
        return values
    if known.all():
        return pd.array(values, dtype="str") if len(values) else pd.Series([], dtype="str")
    return pd.Series([value if there else None for value, there in zip(values, known, strict=True)]).array


def _plain(column: pd.Series[Any]) -> Any:
    """Values of a sound column with the dtype that pandas gives by default."""
    if _rules.is_text(column.dtype) or column.dtype == object:
        return _plain_text(column)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_localize(None).to_numpy()
    if isinstance(column.dtype, pd.ArrowDtype):
        return _plain(_frames.to_numpy_backed(column))
    if column.dtype.kind == "f":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.array
