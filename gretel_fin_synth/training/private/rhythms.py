"""Queries about what comes back: how often a kind comes, on the same day, with the same amount; and money.

As in :mod:`.queries`, what one customer adds never depends on another customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.gateway import Cells
from gretel_fin_synth.training.private.grids import (
    BELOW_EDGES,
    DAY_SORTS,
    FLOW_SHAPE,
    GAP_EDGES,
    LAG_EDGES,
    MANY_EDGES,
    MONEY_EDGES,
    MONTHLY,
    N_MANY,
    N_MONEY,
    N_RATES,
    N_SORTS,
    PACE_EDGES,
    RATE_EDGES,
    SPREAD_EDGES,
    SWING_EDGES,
    THRIFT_SHAPE,
    left_cell,
    money_bin,
    thrift_cell,
)
from gretel_fin_synth.training.private.queries import Known, pairs_of

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.customers import Customers

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

OFTEN = 0.55  # share of months from which a day is the day of a payment, some being moved off weekends


def active(customers: Customers) -> FloatArray:
    """Return in how many months each customer has transactions, at least 1."""
    months = np.unique(np.stack([customers.who, customers.month]), axis=1)
    return np.maximum(np.bincount(months[0], minlength=len(customers)), 1).astype(float)


def paces(customers: Customers, known: Known) -> Cells:
    """Transactions per month in which a customer has any."""
    del known
    present = np.flatnonzero(customers.length)
    pace = (customers.length / active(customers))[present]
    return Cells.counts(present, np.searchsorted(PACE_EDGES, pace, side="right"), (len(PACE_EDGES) + 1,))


def gaps(customers: Customers, known: Known) -> Cells:
    """Days from one transaction to the next."""
    del known
    inside = np.flatnonzero(np.diff(customers.who) == 0)
    cell = np.searchsorted(GAP_EDGES, np.diff(customers.day)[inside], side="right")
    return Cells.counts(customers.who[inside], cell, (len(GAP_EDGES) + 1,))


def successions(customers: Customers, known: Known) -> Cells:
    """Kinds of two transactions in a row, on one day and on different days, and of two with one between."""
    first = np.flatnonzero(np.diff(customers.who) == 0)
    second = np.flatnonzero(customers.who[2:] == customers.who[:-2])
    later = (np.diff(customers.day)[first] != 0).astype(np.int64)
    table = np.r_[later, np.full(len(second), 2)]
    one, other = np.r_[first, second], np.r_[first + 1, second + 2]
    cell = (table * known.n_kinds + customers.kind[one]) * known.n_kinds + customers.kind[other]
    return Cells.counts(customers.who[one], cell, (3, known.n_kinds, known.n_kinds))


def openings(customers: Customers, known: Known) -> Cells:
    """Kind and amount of the first transaction of customers who are new in the window: one cell of each."""
    present = np.flatnonzero(customers.length)
    first = customers.offset[present]
    new = customers.month[first] > known.first_month
    present, first = present[new], first[new]
    kind = customers.kind[first]
    amount = known.n_kinds + money_bin(customers.cents[first] * known.sign[kind])
    return Cells.counts(np.r_[present, present], np.r_[kind, amount], (known.n_kinds + N_MONEY,))


def flows(customers: Customers, known: Known) -> Cells:
    """Money in a month, and what is left of it all in the end, in incomes of a month: one cell of each."""
    present, income, left = _flow_cells(customers, known)
    return Cells.counts(np.r_[present, present], np.r_[income, FLOW_SHAPE[0] + left], (sum(FLOW_SHAPE),))


def thrift(customers: Customers, known: Known) -> Cells:
    """Money in and what is left of it, both coarse: one cell of the two together."""
    present, income, left = _flow_cells(customers, known)
    cell = thrift_cell(income, left)
    return Cells.counts(present, cell, THRIFT_SHAPE)


def _flow_cells(customers: Customers, known: Known) -> tuple[IntArray, IntArray, IntArray]:
    """Return customers with rows, and their cells of income and of what is left of it."""
    signed = customers.cents * known.sign[customers.kind]
    came = np.bincount(customers.who, np.maximum(signed, 0), minlength=len(customers))
    went = np.bincount(customers.who, np.maximum(-signed, 0), minlength=len(customers))
    present = np.flatnonzero(customers.length)
    monthly = came / active(customers)
    income = np.searchsorted(MONEY_EDGES, monthly[present])
    left = (came - went) / np.maximum(np.where(came > 0, monthly, went / active(customers)), 1.0)
    return present, income, left_cell(left[present])


def starts(customers: Customers, known: Known) -> Cells:
    """Count customers by starting amount."""
    del known
    present = np.flatnonzero(customers.length)
    return Cells.counts(present, money_bin(customers.start[present]), (N_MONEY,))


def swings(customers: Customers, known: Known) -> Cells:
    """Count customers by the standard deviation of their balances, in mean sizes of their payments."""
    present = np.flatnonzero(customers.length > 1)
    total = np.cumsum(customers.cents * known.sign[customers.kind]).astype(np.float64)
    before = np.r_[0.0, total][customers.offset[:-1]]
    balance, n = total - before[customers.who], np.maximum(customers.length, 1)
    mean = np.bincount(customers.who, balance, minlength=len(customers)) / n
    square = np.bincount(customers.who, (balance - mean[customers.who]) ** 2, minlength=len(customers)) / n
    size = np.bincount(customers.who, customers.cents, minlength=len(customers)) / n
    cell = np.searchsorted(SWING_EDGES, (np.sqrt(square) / np.maximum(size, 1.0))[present])
    return Cells.counts(present, cell, (len(SWING_EDGES) + 1,))


def below_zero(customers: Customers, known: Known) -> Cells:
    """Count customers by share of transactions after which the balance is below zero."""
    total = np.cumsum(customers.cents * known.sign[customers.kind])
    before = np.r_[0, total][customers.offset[:-1]]
    balance = total + (customers.start - before)[customers.who]
    present = np.flatnonzero(customers.length)
    share = np.bincount(customers.who, balance < 0, minlength=len(customers))[present]
    cell = np.searchsorted(BELOW_EDGES, share / customers.length[present])
    return Cells.counts(present, cell, (len(BELOW_EDGES) + 1,))


def habits(customers: Customers, known: Known) -> Cells:
    """For each kind of a customer: what comes back of it, and how often it comes. Two cells each.

    Monthly kinds (in three of four months from the first on, three months or more) by whether the amount and,
    nearly or as it is, the day come back, the others by whether amounts do; then the number of rows a month.
    """
    who, kind, pair = pairs_of(customers, known.n_kinds)
    n = np.bincount(pair, minlength=len(who)).astype(float)
    later, amount, near = _repeated(customers, pair)
    n_later = np.maximum(np.bincount(pair, later, minlength=len(who)), 1)
    same_amount = np.bincount(pair, later & amount, minlength=len(who)) >= 0.5 * n_later
    near_day = np.bincount(pair, later & near, minlength=len(who)) >= 0.5 * n_later
    again = _again(pair, customers.cents, len(who)) >= 0.3 * n
    first, _, occupied = _months_of(pair, customers.month, len(who))
    begin, end, _ = _months_of(customers.who, customers.month, len(customers))
    _, place, often = np.unique(pair * 32 + customers.day_of_month, return_inverse=True, return_counts=True)
    usual = often[place] >= OFTEN * occupied[pair]
    same_day = near_day & (np.bincount(pair, usual, minlength=len(who)) >= 0.5 * n)
    own, life = end[who] - first + 1, end[who] - begin[who] + 1
    monthly = (occupied >= 0.75 * own) & (own >= 3)
    sort = np.where(monthly, same_amount * DAY_SORTS + near_day + same_day, MONTHLY + again)
    many, seldom = np.searchsorted(MANY_EDGES, n / own), np.searchsorted(RATE_EDGES, n / life)
    rate = N_SORTS + np.where(monthly, many, N_MANY + seldom)
    size = N_SORTS + N_MANY + N_RATES
    return Cells.counts(np.r_[who, who], np.r_[kind * size + sort, kind * size + rate], (known.n_kinds, size))


def spreads(customers: Customers, known: Known) -> Cells:
    """For each kind of which a customer has three rows, how much the logarithms of its amounts vary."""
    who, kind, pair = pairs_of(customers, known.n_kinds)
    logs = np.log(np.maximum(customers.cents, 1))
    n = np.bincount(pair, minlength=len(who))
    mean = np.bincount(pair, logs, minlength=len(who)) / n
    square = np.bincount(pair, (logs - mean[pair]) ** 2, minlength=len(who)) / np.maximum(n - 1, 1)
    kept = np.flatnonzero(n >= 3)
    cell = np.searchsorted(SPREAD_EDGES, np.sqrt(square[kept]))
    n_cells = len(SPREAD_EDGES) + 1
    return Cells.counts(who[kept], kind[kept] * n_cells + cell, (known.n_kinds, n_cells))


def absences(customers: Customers, known: Known) -> Cells:
    """For each kind of a customer, months before its first row and after its last, of the customer's own."""
    who, kind, pair = pairs_of(customers, known.n_kinds)
    first, last, _ = _months_of(pair, customers.month, len(who))
    begin, end, _ = _months_of(customers.who, customers.month, len(customers))
    n = len(LAG_EDGES) + 1
    early = kind * n + np.searchsorted(LAG_EDGES, first - begin[who])
    late = kind * n + np.searchsorted(LAG_EDGES, end[who] - last) + known.n_kinds * n
    return Cells.counts(np.r_[who, who], np.r_[early, late], (2, known.n_kinds, n))


def _months_of(owner: IntArray, month: IntArray, n: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return first and last month of each owner, and the number of months with rows."""
    first, last = np.full(n, 2**40), np.full(n, -(2**40))
    np.minimum.at(first, owner, month)
    np.maximum.at(last, owner, month)
    owners = np.unique(np.stack([owner, month]), axis=1)[0]
    return first, last, np.bincount(owners, minlength=n)


def _joined(one: IntArray, other: IntArray) -> IntArray:
    """Return a code for each pair of values; equal pairs and only these have equal codes."""
    codes = np.unique(other, return_inverse=True)[1]
    return np.unique(one * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].astype(np.int64)


def _repeated(customers: Customers, pair: IntArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return which rows come later than their kind's first month, and which repeat of the month before.

    Second and third array: the amount; the day of the month, give or take three, or the last day.
    """
    month = customers.month - (customers.month.min() if len(pair) else 0) + 1
    wide = int(month.max(initial=0)) + 2
    first = np.full(int(pair.max(initial=0)) + 1, 2**40)
    np.minimum.at(first, pair, month)
    key = _joined(pair, customers.cents) * wide + month
    amount = np.isin(key - 1, key)
    key = (pair * 64 + customers.day_of_month + 10) * wide + month
    day = np.isin(key - 1, key)
    near = pair * 64 + np.minimum(customers.day_of_month, 30) + 10
    for shift in range(-3, 4):
        day |= np.isin((near + shift) * wide + month - 1, near * wide + month)
    return month > first[pair], amount, day


def _again(pair: IntArray, cents: IntArray, n_pairs: int) -> FloatArray:
    """Return how many rows of each pair have an amount that it had before."""
    code = _joined(pair, cents)
    _, at, counts = np.unique(code, return_index=True, return_counts=True)
    return np.asarray(np.bincount(pair[at], counts - 1.0, minlength=n_pairs), dtype=np.float64)
