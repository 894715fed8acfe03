"""Running balances: made from signed amounts, checked, and taken back to what customers started with.

Tables in memory go through one pass over whole minor units (``_eager``); queries stay queries (``_lazy``), of
dask part by part (``_dask``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gretel_fin_synth import _frames
from gretel_fin_synth._money import check_minor_units
from gretel_fin_synth.balance import _dask, _eager, _lazy
from gretel_fin_synth.balance._chain import chain_order
from gretel_fin_synth.balance._check import BalanceCheck
from gretel_fin_synth.balance._entries import check_columns, order_columns, tolerance_in_range
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gretel_fin_synth._frames import FrameT

__all__ = [
    "BalanceCheck",
    "chain_order",
    "check_balance",
    "order_transactions",
    "reconstruct_balance",
    "starting_amounts",
]


def _engine(frame: Any) -> Any:
    """Return the module that works on frames of this kind."""
    if not _frames.is_lazy(frame):
        return _eager
    return _dask if _frames.is_dask(frame) else _lazy


def reconstruct_balance(
    frame: FrameT,
    *,
    starting_amounts: Any = None,
    order_by: str | Sequence[str] = "transaction_date",
    minor_units: int = 2,
) -> FrameT:
    """Add ``account_balance``, the running sum of signed amounts, or replace it.

    Parameters
    ----------
    frame : dataframe of n rows
        pandas, polars (eager or lazy), pyarrow, duckdb, ibis, PySpark or dask, with ``customer_id``,
        ``transaction_amount`` (major units, above zero) and ``transaction_type`` ("credit" adds, "debit"
        takes away).
    starting_amounts : mapping, pandas.Series, dataframe, str, number or None, default None
        Balance of each customer before the first row, in major units: a mapping or Series ``customer_id ->
        amount``; a frame of any library with the columns ``customer_id`` and ``starting_amount``; the
        name of a column of `frame` that is constant per customer; one number for all; None for 0. Amounts
        of customers that `frame` does not have are left alone.
    order_by : str or sequence of str, default "transaction_date"
        Columns that put the rows of a customer in order. Ties: see Notes.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    same type as frame
        The rows in their order with their index; a lazy frame stays lazy. Each balance is the double
        nearest to its decimal literal: sums are carried out in whole minor units.

    Raises
    ------
    SchemaViolation
        If a column is missing, or holds what cannot be added up or put in order.
    StartingAmountError
        If a customer has no starting amount, more than one, or one that is no amount. It is named.
    ParameterError
        If an option has a value that cannot work, or a balance exceeds what a float holds to the minor unit.

    See Also
    --------
    check_balance : whether balances add up.
    starting_amounts : the inverse.
    order_transactions : puts the rows of a day in the order in which given balances chain.

    Notes
    -----
    Rows that tie in `order_by` run in the order of the frame: pandas, pyarrow, polars eager and lazy. Other
    lazy frames (duckdb, ibis, PySpark, dask) have no order of rows; there, ties run by content: type (credits
    first), amount, category, then the remaining columns by name, missing values first. Rows that agree in
    everything are interchangeable, so the result does not depend on the engine's whim. Give `order_by` a
    further column to say otherwise.

    Lazy frames are asked one aggregate when the function is called, so that bad rows raise here and not
    later. Dask has no windows: its customers are shuffled whole into parts, which come back sorted.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import reconstruct_balance
    >>> frame = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "a"],
    ...         "transaction_date": pd.to_datetime(["2024-03-02", "2024-03-01", "2024-03-01"]),
    ...         "transaction_amount": [0.2, 5.0, 0.1],
    ...         "transaction_type": ["credit", "debit", "credit"],
    ...     }
    ... )
    >>> reconstruct_balance(frame, starting_amounts={"a": 0, "b": 12.5})["account_balance"].tolist()
    [0.3, 7.5, 0.1]
    """
    names, minor_units = order_columns(order_by), check_minor_units(minor_units)
    engine = _engine(frame)
    return cast("FrameT", engine.reconstruct(_frames.native(frame), starting_amounts, names, minor_units))


def check_balance(
    frame: Any,
    *,
    tolerance: float = 0.0,
    starting_amounts: Any = None,
    order_by: str | Sequence[str] = "transaction_date",
    minor_units: int = 2,
) -> BalanceCheck:
    """Find the rows whose balance is not the one before it plus the signed amount.

    Each row is compared with the row before, not with the sum since the start: one wrong or missing row
    breaks one balance (or two), not all that follow.

    Parameters
    ----------
    frame : dataframe of n rows
        As for :func:`reconstruct_balance`, with ``account_balance``.
    tolerance : float, default 0.0
        Largest difference, in major units, that is no break.
    starting_amounts : mapping, pandas.Series, dataframe, str, number or None, default None
        As for :func:`reconstruct_balance`; but None leaves the first row of every customer unchecked, since
        any balance may have been there before.
    order_by : str or sequence of str, default "transaction_date"
        Columns that put the rows of a customer in order; ties as for :func:`reconstruct_balance`.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    BalanceCheck
        Truthy if nothing breaks.

    Raises
    ------
    SchemaViolation, StartingAmountError, ParameterError
        As for :func:`reconstruct_balance`; missing balances are refused too.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import check_balance
    >>> frame = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a"],
    ...         "transaction_date": pd.to_datetime(["2024-03-01", "2024-03-02", "2024-03-03"]),
    ...         "transaction_amount": [10.0, 5.0, 1.0],
    ...         "transaction_type": ["credit", "debit", "debit"],
    ...         "account_balance": [110.0, 105.5, 104.5],
    ...     }
    ... )
    >>> found = check_balance(frame)
    >>> found.ok, found.n_breaks
    (False, 1)
    >>> found.breaks[["row", "expected", "account_balance"]]
       row  expected  account_balance
    1    1     105.0            105.5
    """
    names, minor_units = order_columns(order_by), check_minor_units(minor_units)
    tolerance = tolerance_in_range(tolerance)
    engine = _engine(frame)
    found: BalanceCheck = engine.check(_frames.native(frame), starting_amounts, names, minor_units, tolerance)
    return found


def starting_amounts(
    frame: FrameT, *, order_by: str | Sequence[str] = "transaction_date", minor_units: int = 2
) -> FrameT:
    """Work out what each customer had before the first row.

    Parameters
    ----------
    frame : dataframe of n rows
        As for :func:`reconstruct_balance`, with ``account_balance``.
    order_by : str or sequence of str, default "transaction_date"
        Columns that put the rows of a customer in order; ties as for :func:`reconstruct_balance`.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    same type as frame
        Columns ``customer_id`` and ``starting_amount``, one row per customer, sorted by id. It is the balance
        of the first row less its signed amount, rounded to the minor unit; whether later balances add up
        plays no part, so tables with breaks have starting amounts too.

    Raises
    ------
    SchemaViolation, ParameterError
        As for :func:`reconstruct_balance`; missing balances are refused too.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import starting_amounts
    >>> frame = pd.DataFrame(
    ...     {
    ...         "customer_id": ["b", "a"],
    ...         "transaction_date": pd.to_datetime(["2024-03-01", "2024-03-02"]),
    ...         "transaction_amount": [10.0, 5.0],
    ...         "transaction_type": ["credit", "debit"],
    ...         "account_balance": [110.0, 20.0],
    ...     }
    ... )
    >>> starting_amounts(frame)
      customer_id  starting_amount
    0           a             25.0
    1           b            100.0
    """
    names, minor_units = order_columns(order_by), check_minor_units(minor_units)
    engine = _engine(frame)
    return cast("FrameT", engine.starting(_frames.native(frame), names, minor_units))


def order_transactions(
    frame: FrameT, *, order_by: str | Sequence[str] = "transaction_date", minor_units: int = 2
) -> FrameT:
    """Sort by customer and time, and within a day so that the balances chain.

    Banks export dates without times, and the rows of a day in any order. If the balances are there they tell
    the order: each row leads from the balance before it to the balance after it.

    Parameters
    ----------
    frame : dataframe of n rows
        pandas, polars or pyarrow, as for :func:`reconstruct_balance`, with ``account_balance``.
    order_by : str or sequence of str, default "transaction_date"
        Columns whose order stands; only rows that agree in all of them change places.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    same type as frame
        All rows, customers in order of first appearance; rows of pandas keep their labels. Where no order
        of a day chains, one with the fewest breaks; where the order of the frame is as good, that.

    Raises
    ------
    SchemaViolation, ParameterError
        As for :func:`check_balance`; lazy frames are refused.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import check_balance, order_transactions
    >>> frame = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a"],
    ...         "transaction_date": pd.to_datetime(["2024-03-01", "2024-03-02", "2024-03-02"]),
    ...         "transaction_amount": [10.0, 5.0, 1.0],
    ...         "transaction_type": ["credit", "debit", "debit"],
    ...         "account_balance": [110.0, 104.0, 109.0],
    ...     }
    ... )
    >>> check_balance(frame).n_breaks
    2
    >>> ordered = order_transactions(frame)
    >>> ordered["account_balance"].tolist(), check_balance(ordered).ok
    ([110.0, 109.0, 104.0], True)
    """
    if _frames.is_lazy(frame):
        msg = (
            f"order_transactions needs a table in memory, not a {type(frame).__name__}: the order within a "
            "day is searched row by row.\n\n"
            "Hint: order_transactions(frame.collect()), or order_transactions(frame.to_arrow_table())"
        )
        raise ParameterError(msg)
    names, minor_units = order_columns(order_by), check_minor_units(minor_units)
    check_columns(frame, [], names)
    native = _frames.native(frame)
    order = chain_order(native, order_by=names, minor_units=minor_units)
    return cast("FrameT", _frames.take(native, order))
