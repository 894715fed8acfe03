"""How alike two tables are as histories of money: six groups of similarities, compared with a holdout's.

Every member is a similarity from 0 to 1: 1 minus the Kolmogorov-Smirnov statistic for numbers, 1 minus the
Jensen-Shannon distance (base 2) for categories and their runs, 1 minus the total variation for days, months
and cents, 1 minus the difference for shares, 1 minus the relative error for the dynamics. A group is the
mean of its members times 100, the whole is a weighted mean of the groups.

None of the figures is to be read against 100: a second sample of customers of the same bank does not reach
it. Read it against the holdout's value (what is possible) and the floor (the real table with every column
shuffled).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._features import (
    amount_autocorrelation,
    balance_features,
    customer_features,
    gaps,
    mix_changes,
    repeat_shares,
    runs,
)
from gretel_fin_synth.evaluation._similarity import (
    js_similarity,
    ks_similarity,
    ratio_similarity,
    tv_similarity,
)
from gretel_fin_synth.evaluation._table import COLUMNS, Table, prepare, shared_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Groups = dict[str, dict[str, float]]

__all__ = ["WEIGHTS", "fidelity_groups", "group_scores", "overall", "shuffle_floor"]

WEIGHTS: Mapping[str, float] = {
    "amounts": 0.20,
    "calendar": 0.15,
    "categories_and_sequences": 0.25,
    "customers": 0.20,
    "balance": 0.10,
    "dynamics": 0.10,
}
_LOG_BINS = 50
_ROUND_TO = (1, 10, 100, 1000)  # in units of the currency
_LAGS = (1, 2, 3)
_LEAST_CORRELATION = 0.10  # below these sizes a difference is not blown up by dividing by next to nothing
_LEAST_SHARE = 0.05


def fidelity_groups(real: Table, other: Table) -> Groups:
    """Return the similarity of two tables in six groups.

    Parameters
    ----------
    real : Table
        The table to be like, from :func:`prepare`.
    other : Table
        The table that is judged: synthetic, a holdout, or a floor.

    Returns
    -------
    dict of str to dict of str to float
        For each group its members, 0 to 1. A member that cannot be measured (there is no balance; no customer
        has two transactions) is NaN.

    Examples
    --------
    >>> import pandas as pd
    >>> day = pd.Timestamp("2024-01-31")
    >>> rows = [("a", day, 5.0, "credit", "pay", 5.0), ("a", day, 2.0, "debit", "food", 3.0)]
    >>> table = prepare(pd.DataFrame(rows, columns=list(COLUMNS)))
    >>> fidelity_groups(table, table)["calendar"]["weekday"]
    1.0
    """
    categories, _ = shared_codes(real.category, other.category)
    kinds, _ = shared_codes(real.kind, other.kind)
    return {
        "amounts": _amounts(real, other, kinds),
        "calendar": _calendar(real, other),
        "categories_and_sequences": _categories(real, other, categories, kinds),
        "customers": _customers(real, other),
        "balance": _balance(real, other),
        "dynamics": _dynamics(real, other, kinds),
    }


def group_scores(groups: Groups) -> dict[str, float]:
    """Return the mean of the measured members of each group, times 100; NaN for a group with none."""
    scores = {}
    for name, members in groups.items():
        values = np.array(list(members.values()), dtype=np.float64)
        measured = values[~np.isnan(values)]
        scores[name] = float(measured.mean() * 100) if len(measured) else float("nan")
    return scores


def overall(scores: Mapping[str, float]) -> float:
    """Return the weighted mean of the groups that could be measured; NaN if none could."""
    measured = {name: score for name, score in scores.items() if not np.isnan(score)}
    if not measured:
        return float("nan")
    total = sum(WEIGHTS[name] for name in measured)
    return float(sum(WEIGHTS[name] * score for name, score in measured.items()) / total)


def shuffle_floor(real: Table, seed: int | np.random.Generator) -> Table:
    """Return the real table with each column shuffled across all rows on its own.

    The floor of every measure: each column is as real as can be, and nothing fits together.
    """
    rng = np.random.default_rng(seed)
    columns = [*COLUMNS] if real.has_balance else [*COLUMNS[:5]]
    shuffled = {name: real.frame[name].to_numpy()[rng.permutation(len(real))] for name in columns}
    return prepare(real.frame[columns].assign(**shuffled), minor_units=real.minor_units)


def _amounts(real: Table, other: Table, kinds: list[Ints]) -> dict[str, float]:
    log_real, log_other = np.log1p(real.cents), np.log1p(other.cents)
    edges = np.linspace(log_real.min(initial=0.0), log_real.max(initial=0.0), _LOG_BINS + 1)[1:-1]
    unit = 10**real.minor_units
    return {
        "amount": ks_similarity(real.cents, other.cents),
        "log_amount": js_similarity(np.searchsorted(edges, log_real), np.searchsorted(edges, log_other)),
        "amount_given_kind": _amount_given_kind(real, other, kinds),
        "cents": tv_similarity(real.cents % unit, other.cents % unit),
        "roundness": _roundness(real.cents, other.cents, unit),
    }


def _amount_given_kind(real: Table, other: Table, kinds: list[Ints]) -> float:
    """Mean over real rows of the similarity of amounts in the row's kind; 0 for a kind that is lacking."""
    if len(real) == 0:
        return float("nan")
    sizes = np.bincount(kinds[0])
    groups = []
    for kind, cents in zip(kinds, (real.cents, other.cents), strict=True):
        counts = np.bincount(kind, minlength=len(sizes))
        groups.append(np.split(cents[np.argsort(kind, kind="stable")], np.cumsum(counts)[:-1]))
    values = [ks_similarity(groups[0][code], groups[1][code]) * sizes[code] for code in np.flatnonzero(sizes)]
    return float(sum(values) / len(real))


def _roundness(real: Ints, other: Ints, unit: int) -> float:
    """Mean similarity of the shares of amounts that are multiples of 1, 10, 100, 1000, or end in .99."""
    pairs = [(real % (unit * step) == 0, other % (unit * step) == 0) for step in _ROUND_TO]
    if unit > 1:
        pairs.append((real % unit == unit - unit // 100, other % unit == unit - unit // 100))
    return float(np.mean([_share_similarity(left, right) for left, right in pairs]))


def _calendar(real: Table, other: Table) -> dict[str, float]:
    first = int(min(real.month.min(initial=2**40), other.month.min(initial=2**40)))
    return {
        "day_of_month": tv_similarity(real.day_of_month, other.day_of_month),
        "month_end": _share_similarity(real.days_to_month_end == 0, other.days_to_month_end == 0),
        "weekday": tv_similarity(real.weekday, other.weekday),
        "month": tv_similarity(real.month - first, other.month - first),
        "days_between": ks_similarity(gaps(real), gaps(other)),
    }


def _categories(real: Table, other: Table, categories: list[Ints], kinds: list[Ints]) -> dict[str, float]:
    members = {"category": js_similarity(*categories), "type_and_category": js_similarity(*kinds)}
    for length, name in ((2, "runs_of_two"), (3, "runs_of_three")):
        pair = [
            runs(codes, table.customer, length)
            for codes, table in zip(categories, (real, other), strict=True)
        ]
        codes = np.unique(np.concatenate(pair), axis=0, return_inverse=True)[1].reshape(-1)
        members[name] = js_similarity(codes[: len(pair[0])], codes[len(pair[0]) :])
    return members


def _customers(real: Table, other: Table) -> dict[str, float]:
    left, right = customer_features(real), customer_features(other)
    return {
        "transactions": ks_similarity(left.transactions, right.transactions),
        "active_span": ks_similarity(left.span, right.span),
        "transactions_per_month": ks_similarity(left.per_month, right.per_month),
        "monthly_net_flow": ks_similarity(left.net_flow, right.net_flow),
        "categories": ks_similarity(left.categories, right.categories),
        "mean_log_amount": ks_similarity(left.mean_log_amount, right.mean_log_amount),
    }


def _balance(real: Table, other: Table) -> dict[str, float]:
    known = [table.balance_cents[table.balance_known] for table in (real, other)]
    pairs = zip(balance_features(real), balance_features(other), strict=True)
    change, drift, volatility = (ks_similarity(left, right) for left, right in pairs)
    members = {
        "running_balance": ks_similarity(known[0], known[1]),
        "change_over_life": change,
        "monthly_drift": drift,
        "volatility": volatility,
        "negative_share": _share_similarity(known[0] < 0, known[1] < 0),
    }
    asked = real.has_balance and other.has_balance
    return members if asked else dict.fromkeys(members, float("nan"))


def _dynamics(real: Table, other: Table, kinds: list[Ints]) -> dict[str, float]:
    lagged = [
        ratio_similarity(
            amount_autocorrelation(real, lag), amount_autocorrelation(other, lag), least=_LEAST_CORRELATION
        )
        for lag in _LAGS
    ]
    measured = [value for value in lagged if not np.isnan(value)]
    left, right = repeat_shares(real, kinds[0]), repeat_shares(other, kinds[1])
    return {
        "autocorrelation": float(np.mean(measured)) if measured else float("nan"),
        "repeats_monthly": ratio_similarity(left[0], right[0], least=_LEAST_SHARE),
        "repeats_on_same_day": ratio_similarity(left[1], right[1], least=_LEAST_SHARE),
        "mix_between_months": ks_similarity(mix_changes(real, kinds[0]), mix_changes(other, kinds[1])),
    }


def _share_similarity(real: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    if len(real) == 0 or len(other) == 0:
        return float("nan") if len(real) == 0 else 0.0
    return float(1.0 - abs(real.mean() - other.mean()))
