"""The table of transactions as a pandera model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series  # noqa: TC002 - pandera reads the annotations at run time

from gretel_fin_synth import _money
from gretel_fin_synth.schema import _rules
from gretel_fin_synth.schema._columns import AMOUNT, BALANCE, CATEGORY, CUSTOMER, DATE, TYPES

__all__ = ["Transactions"]


class Transactions(pa.DataFrameModel):
    """A table of bank transactions: exactly these six columns, one row per transaction.

    The model is for pandas, and for documentation: :func:`validate_transactions` checks the same rules on
    every kind of frame, coerces what is safe, checks the balances too and says what to write instead.

    Attributes
    ----------
    customer_id : str
        Whose transaction it is; any text that is not blank ("007" and "NA" are ids).
    transaction_date : datetime
        Date or timestamp, all in one time zone or all without.
    transaction_amount : float
        Amount in major units, above zero, at most two decimals.
    transaction_type : {"credit", "debit"}
        Credit brings money in, debit takes it out.
    transaction_category : str
        What it was for; any text that is not blank.
    account_balance : float
        Balance after the transaction, in major units.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import Transactions
    >>> frame = pd.DataFrame(
    ...     {
    ...         "customer_id": ["007"],
    ...         "transaction_date": pd.to_datetime(["2024-03-31"]),
    ...         "transaction_amount": [12.5],
    ...         "transaction_type": ["debit"],
    ...         "transaction_category": ["groceries"],
    ...         "account_balance": [87.5],
    ...     }
    ... )
    >>> Transactions.validate(frame).shape
    (1, 6)
    """

    customer_id: Series[str] = pa.Field(nullable=False)
    transaction_date: Series[Any] = pa.Field(nullable=False)
    transaction_amount: Series[float] = pa.Field(gt=0, nullable=False)
    transaction_type: Series[str] = pa.Field(isin=list(TYPES), nullable=False)
    transaction_category: Series[str] = pa.Field(nullable=False)
    account_balance: Series[float] = pa.Field(nullable=False)

    class Config:
        """Neither more columns nor fewer, in any order."""

        name = "Transactions"
        strict = True
        unique_column_names = True

    @pa.check(CUSTOMER, CATEGORY, name="not_blank")
    def _not_blank(cls, column: pd.Series[Any]) -> pd.Series[Any]:
        return column.str.strip() != ""

    @pa.check(DATE, name="is_datetime")
    def _is_datetime(cls, column: pd.Series[Any]) -> bool:
        checked, problems = _rules.inspect_date(column)
        return checked is column and not problems

    @pa.check(AMOUNT, name="at_most_two_decimals")
    def _decimals(cls, column: pd.Series[Any]) -> pd.Series[Any]:
        _, problems = _money.parse_minor(column, 2)
        return pd.Series(problems == _money.OK, index=column.index)

    @pa.check(BALANCE, name="is_finite")
    def _finite(cls, column: pd.Series[Any]) -> pd.Series[Any]:
        return pd.Series(np.isfinite(column.to_numpy(dtype=np.float64)), index=column.index)
