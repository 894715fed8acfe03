"""Small tables for the tests of the evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

COLUMNS = [
    "customer_id",
    "transaction_date",
    "transaction_amount",
    "transaction_type",
    "transaction_category",
    "account_balance",
]


def frame(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows of (customer, date, amount, type, category[, balance]) as a frame."""
    width = len(rows[0]) if rows else len(COLUMNS)
    table = pd.DataFrame(list(rows), columns=COLUMNS[:width])
    table["transaction_date"] = pd.to_datetime(table["transaction_date"])
    return table


def with_balances(table: pd.DataFrame, start: float = 100.0) -> pd.DataFrame:
    """Add balances that add up in the order of the rows."""
    signed = np.where(table["transaction_type"] == "credit", 1.0, -1.0) * table["transaction_amount"]
    running = signed.groupby(table["customer_id"]).cumsum() + start
    return table.assign(account_balance=running.round(2))


def crowd(n_customers: int, seed: int, *, prefix: str = "C", rows: int = 24) -> pd.DataFrame:
    """Customers with a wage, a rent and habits, drawn from one distribution."""
    rng = np.random.default_rng(seed)
    parts = []
    for code in range(n_customers):
        wage, day = float(rng.integers(1500, 4000)), int(rng.integers(1, 28))
        months = pd.date_range("2024-01-01", periods=rows // 4, freq="MS")
        for month in months:
            parts.append((f"{prefix}{code:03d}", month + pd.Timedelta(days=day), wage, "credit", "salary"))
            parts.append((f"{prefix}{code:03d}", month, wage / 4, "debit", "rent"))
            for _ in range(2):
                amount = float(rng.integers(100, 9000)) / 100
                when = month + pd.Timedelta(days=int(rng.integers(0, 28)))
                kind = str(rng.choice(["groceries", "cash", "travel"], p=[0.6, 0.3, 0.1]))
                parts.append((f"{prefix}{code:03d}", when, amount, "debit", kind))
    table = frame(*parts).sort_values(["customer_id", "transaction_date"], kind="stable", ignore_index=True)
    return with_balances(table, start=500.0)


def tables(min_rows: int = 1, max_rows: int = 25) -> st.SearchStrategy[pd.DataFrame]:
    """Any small table of transactions with balances that need not add up."""
    row = st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.dates(pd.Timestamp("2023-11-20").date(), pd.Timestamp("2024-03-05").date()),
        st.integers(1, 500_000).map(lambda cents: cents / 100),
        st.sampled_from(["credit", "debit"]),
        st.sampled_from(["salary", "rent", "food", "<b>"]),
        st.integers(-90_000, 90_000).map(lambda cents: cents / 100),
    )
    return st.lists(row, min_size=min_rows, max_size=max_rows).map(lambda rows: frame(*rows))
