"""Numbers that describe a table of transactions: one per row, per customer or per pair of months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._coding import among, combined, dense, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "CustomerFeatures",
    "amount_autocorrelation",
    "balance_features",
    "customer_features",
    "gaps",
    "mix_changes",
    "repeat_shares",
    "runs",
]


@dataclass(frozen=True, eq=False)
class CustomerFeatures:
    """One number per customer, in the order of the customer codes.

    Attributes
    ----------
    transactions, categories : numpy.ndarray of float64
        Rows, and distinct categories, of the customer.
    span : numpy.ndarray of float64
        Days from the first transaction to the last.
    per_month : numpy.ndarray of float64
        Transactions per month in which the customer has any.
    net_flow : numpy.ndarray of float64
        Minor units in minus out, per month in which the customer has any transaction.
    mean_log_amount : numpy.ndarray of float64
        Mean of the natural logarithm of 1 + amount in minor units.
    """

    transactions: Floats
    span: Floats
    per_month: Floats
    net_flow: Floats
    categories: Floats
    mean_log_amount: Floats


def customer_features(table: Table) -> CustomerFeatures:
    """Describe each customer's activity."""
    first, last = table.starts[:-1], table.starts[1:] - 1
    rows = np.diff(table.starts).astype(np.float64)
    months = _distinct(table.customer, table.month, table.n_customers)
    return CustomerFeatures(
        transactions=rows,
        span=(table.day[last] - table.day[first]).astype(np.float64),
        per_month=rows / months,
        net_flow=_sums(table, table.signed_cents) / months,
        categories=_distinct(table.customer, table.category, table.n_customers),
        mean_log_amount=_sums(table, np.log1p(table.cents)) / rows,
    )


def balance_features(table: Table) -> tuple[Floats, Floats, Floats]:
    """Return the change, the drift per month and the standard deviation of each customer's balance.

    Change is last minus first balance; drift is the slope of a straight line through balance over time, in
    minor units per 30 days. Rows without balance are left out, and so are customers that have none; a
    customer whose rows are all on one day has no drift.
    """
    known = np.flatnonzero(table.balance_known)
    if len(known) == 0:
        empty = np.zeros(0)
        return empty, empty, empty
    customer = dense(table.customer[known])
    counts = np.bincount(customer)
    ends = np.cumsum(counts)
    balance = table.balance_cents[known].astype(np.float64)
    time = table.day[known] / 30.0
    change = balance[ends - 1] - balance[ends - counts]
    balance_off = balance - (np.bincount(customer, balance) / counts)[customer]
    time_off = time - (np.bincount(customer, time) / counts)[customer]
    spread = np.bincount(customer, time_off**2)
    moving = spread > 1e-9
    drift = np.bincount(customer, time_off * balance_off)[moving] / spread[moving]
    volatility = np.sqrt(np.bincount(customer, balance_off**2) / counts)
    return change, drift, volatility


def gaps(table: Table) -> Ints:
    """Return the days between each transaction and the customer's one before; no entry for the first."""
    inside = np.diff(table.customer) == 0
    days: Ints = np.diff(table.day)[inside]
    return days


def runs(codes: Ints, customer: Ints, length: int) -> Ints:
    """Return every run of consecutive codes inside a customer as rows of a matrix with ``length`` columns."""
    if len(codes) < length:
        return np.zeros((0, length), dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(codes, length)
    whole: Ints = windows[customer[: len(windows)] == customer[length - 1 :]]
    return whole


def amount_autocorrelation(table: Table, lag: int) -> float:
    """Return the correlation of log amounts with those ``lag`` transactions earlier, inside customers.

    Each customer's own mean is taken off first, so that rich and poor customers do not make a correlation.
    NaN if amounts do not vary inside customers or no customer has more than ``lag`` transactions.
    """
    logs = np.log1p(table.cents)
    counts = np.diff(table.starts)
    own = logs - (_sums(table, logs) / counts)[table.customer] if len(logs) else logs
    pairs = np.flatnonzero(table.customer[lag:] == table.customer[:-lag])
    variance = float(np.mean(own**2)) if len(own) else 0.0
    if len(pairs) == 0 or variance < 1e-12:
        return float("nan")
    return float(np.mean(own[pairs] * own[pairs + lag]) / variance)


def repeat_shares(table: Table, kind: Ints) -> tuple[float, float]:
    """Return the share of payments that repeat one of the month before, and that do so on the same day.

    A payment repeats if the customer has one of the same kind and the same amount in the calendar month
    before; on the same day if the day of the month is equal too, or both are the last day of their month.
    The share is taken over the payments made after the customer's first month; NaN if there are none.
    """
    later = table.month > table.month[table.starts[:-1]][table.customer]
    if not later.any():
        return float("nan"), float("nan")
    payment = combined([table.customer, kind, table.cents])
    day = np.where(table.days_to_month_end == 0, 0, table.day_of_month)
    same = _follows(payment, table.month)
    exact_day = _follows(payment * 32 + table.day_of_month, table.month)
    last_day = (day == 0) & _follows(payment * 32 + day, table.month)
    return float(same[later].mean()), float((exact_day | last_day)[later].mean())


def mix_changes(table: Table, kind: Ints) -> Floats:
    """Return how much each customer's mix of kinds changes from one month to the next.

    Total variation (0 the same mix, 1 nothing in common) between the shares of kinds in two consecutive
    calendar months in which the customer has transactions; one entry per such pair of months.
    """
    width = int(kind.max(initial=0)) + 1
    period = _timeline(table.customer, table.month)
    begins = np.flatnonzero(np.diff(period, prepend=-1))
    lengths = np.diff(np.append(begins, len(period)))
    paired = np.diff(period[begins], prepend=-9) == 1
    codes, cells = pd.factorize(np.repeat(np.arange(len(begins)), lengths) * width + kind)
    cell_period = cells // width
    share = np.bincount(codes) / lengths[cell_period]
    found = pd.Index(cells).get_indexer(cells - width)
    match = paired[cell_period] & (found >= 0)
    common = np.where(match, np.minimum(share, share[found]), 0.0)
    changes: Floats = 1.0 - np.bincount(cell_period, common, minlength=len(begins))[paired]
    return changes


def _follows(thing: Ints, month: Ints) -> NDArray[np.bool_]:
    """Return whether the same thing also stands in the month before."""
    key = _timeline(thing, month)
    return among(key - 1, key)


def _timeline(thing: Ints, month: Ints) -> Ints:
    """Return a number per thing and month; the same thing a month later has the next number."""
    elapsed = month - month.min(initial=2**40)
    key: Ints = thing * (int(elapsed.max(initial=0)) + 2) + elapsed
    return key


def _sums(table: Table, values: NDArray[np.generic]) -> Floats:
    totals = np.bincount(table.customer, values.astype(np.float64), minlength=table.n_customers)
    return totals.astype(np.float64)


def _distinct(customer: Ints, values: NDArray[Any], n_customers: int) -> Floats:
    codes = dense(values)
    width = int(codes.max(initial=0)) + 1
    pairs = distinct(customer * width + codes)
    return np.bincount(pairs // width, minlength=n_customers).astype(np.float64)
