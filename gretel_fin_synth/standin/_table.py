"""From booked transactions to the table that users see: order, running balance, dates, names."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth._money import from_minor, running_balance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gretel_fin_synth.standin._calendar import Window
    from gretel_fin_synth.standin._dice import Dice
    from gretel_fin_synth.standin._ledger import Booked
    from gretel_fin_synth.standin._scene import Catalogue, Floats, Ints
    from gretel_fin_synth.standin._spec import Clock

_DAY = 86_400

# Times of day: weight, hour, and standard deviation in hours of each part of a mixture.
_CLOCKS: dict[Clock, tuple[tuple[float, float, float], ...]] = {
    "payroll": ((1.0, 1.2, 0.4),),  # before the night's debits, as banks book it
    "night": ((1.0, 3.9, 0.8),),
    "office": ((0.55, 10.5, 1.1), (0.45, 14.6, 1.2)),
    "shop": ((0.35, 11.0, 1.3), (0.65, 17.3, 1.7)),
    "meal": ((0.10, 8.1, 0.5), (0.42, 12.6, 0.6), (0.48, 19.6, 1.2)),
    "leisure": ((0.3, 15.0, 2.0), (0.7, 20.3, 1.4)),
    "any": ((1.0, 14.5, 3.6),),
    "close": ((1.0, 23.6, 0.1),),
}


@dataclass(frozen=True)
class Rows:
    """One block's transactions in the order of the table, arrays with one entry per row.

    Attributes
    ----------
    customer, day, second : array of int
        Number of the customer in the block, day of the window, second of the day.
    code : array of int
        Number in the catalogue.
    cents, balance : array of int
        Amount above 0, and balance after the row.
    merchant, channel : array of float
        Uniform numbers that choose the merchant and the channel.
    """

    customer: Ints
    day: Ints
    second: Ints
    code: Ints
    cents: Ints
    balance: Ints
    merchant: Floats
    channel: Floats


def order_rows(booked: Booked, catalogue: Catalogue, dice: Dice, starts: Ints) -> Rows:
    """Give every transaction its time of day, sort, and add up the balances.

    Parameters
    ----------
    booked : Booked
        Transactions of one block in any order.
    catalogue : Catalogue
        What their codes mean.
    dice : Dice
        Source of the times.
    starts : array of int
        Cents on each account before its first transaction.
    """
    order = np.lexsort((booked.cents, booked.code, booked.day, booked.customer))
    customer, day, code, cents = (
        getattr(booked, name)[order] for name in ("customer", "day", "code", "cents")
    )
    luck = dice.of("rows: clock").random((len(order), 3))
    spread = dice.of("rows: minutes").standard_normal(len(order))
    second = _seconds(code, catalogue, luck[:, 0], spread)
    order = np.lexsort((second, day, customer))
    customer, day, code, cents, second = (part[order] for part in (customer, day, code, cents, second))
    signed = np.where(catalogue.credit[code], cents, -cents)
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    balance = running_balance(signed, first, starts[customer[first]])
    return Rows(customer, day, second, code, cents, balance, luck[order, 1], luck[order, 2])


def _seconds(code: Ints, catalogue: Catalogue, part: Floats, spread: Floats) -> Ints:
    """Second of the day of each transaction, by the clock of its label."""
    hours = np.zeros(len(code))
    clocks = np.array([label.clock for label in catalogue.labels])[code]
    for clock, mixture in _CLOCKS.items():
        rows = np.flatnonzero(clocks == clock)
        weights, means, deviations = (np.array(column) for column in zip(*mixture, strict=True))
        which = np.searchsorted(np.cumsum(weights)[:-1], part[rows], side="right")
        hours[rows] = means[which] + deviations[which] * spread[rows]
    seconds = np.clip(np.rint(hours * 3600), 0, _DAY - 2).astype(np.int64)
    seconds[code == catalogue.code("closing")] = _DAY - 1  # nothing follows the payout
    return seconds


def join_rows(blocks: Sequence[Rows], offsets: Sequence[int]) -> Rows:
    """Put blocks under each other, with customers numbered through."""
    numbered = [
        replace(rows, customer=rows.customer + offset) for rows, offset in zip(blocks, offsets, strict=True)
    ]
    return Rows(
        **{
            field.name: np.concatenate([getattr(rows, field.name) for rows in numbered])
            for field in fields(Rows)
        }
    )


def make_table(
    rows: Rows, catalogue: Catalogue, window: Window, *, n_customers: int, with_time: bool
) -> pd.DataFrame:
    """Return the six columns, with amounts in major units."""
    moments = window.dates(rows.day).astype("datetime64[s]")
    if with_time:
        moments = moments + rows.second.astype("timedelta64[s]")
    width = max(3, len(str(n_customers)))
    ids = [f"CUST_{number:0{width}d}" for number in range(1, n_customers + 1)]
    return pd.DataFrame(
        {
            "customer_id": text_column(ids, rows.customer),
            "transaction_date": moments.astype("datetime64[ns]"),
            "transaction_amount": from_minor(rows.cents),
            "transaction_type": text_column([label.kind for label in catalogue.labels], rows.code),
            "transaction_category": text_column([label.category for label in catalogue.labels], rows.code),
            "account_balance": from_minor(rows.balance),
        }
    )


def text_column(names: Sequence[str], codes: Ints) -> pd.Series[str]:
    """Return names by their positions, in the dtype that this pandas has for text."""
    return pd.Series(np.array(names, dtype=object)[codes])
