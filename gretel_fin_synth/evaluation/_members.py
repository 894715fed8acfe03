"""The members of the six groups of fidelity, each a similarity of two tables from 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._coding import combined
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Ints = NDArray[np.int64]

__all__ = ["amounts", "balance", "calendar", "categories_and_sequences", "customers", "dynamics"]

_LOG_BINS = 50
_ROUND_TO = (1, 10, 100, 1000)  # in units of the currency
_LAGS = (1, 2, 3)
_LEAST_CORRELATION = 0.10  # below these sizes a difference is not blown up by dividing by next to nothing
_LEAST_SHARE = 0.05


def amounts(real: Table, other: Table, kinds: list[Ints]) -> dict[str, float]:
    """Compare what is paid."""
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


def calendar(real: Table, other: Table) -> dict[str, float]:
    """Compare when it is paid."""
    first = int(min(real.month.min(initial=2**40), other.month.min(initial=2**40)))
    return {
        "day_of_month": tv_similarity(real.day_of_month, other.day_of_month),
        "month_end": _share_similarity(real.days_to_month_end == 0, other.days_to_month_end == 0),
        "weekday": tv_similarity(real.weekday, other.weekday),
        "month": tv_similarity(real.month - first, other.month - first),
        "days_between": ks_similarity(gaps(real), gaps(other)),
    }


def categories_and_sequences(
    real: Table, other: Table, categories: list[Ints], kinds: list[Ints]
) -> dict[str, float]:
    """Compare what it is paid for, and in which order."""
    members = {"category": js_similarity(*categories), "type_and_category": js_similarity(*kinds)}
    for length, name in ((2, "runs_of_two"), (3, "runs_of_three")):
        pair = [
            runs(codes, table.customer, length)
            for codes, table in zip(categories, (real, other), strict=True)
        ]
        codes = combined(np.concatenate(pair).T)
        members[name] = js_similarity(codes[: len(pair[0])], codes[len(pair[0]) :])
    return members


def customers(real: Table, other: Table) -> dict[str, float]:
    """Compare who pays: one number per customer."""
    left, right = customer_features(real), customer_features(other)
    return {
        "transactions": ks_similarity(left.transactions, right.transactions),
        "active_span": ks_similarity(left.span, right.span),
        "transactions_per_month": ks_similarity(left.per_month, right.per_month),
        "monthly_net_flow": ks_similarity(left.net_flow, right.net_flow),
        "categories": ks_similarity(left.categories, right.categories),
        "mean_log_amount": ks_similarity(left.mean_log_amount, right.mean_log_amount),
    }


def balance(real: Table, other: Table) -> dict[str, float]:
    """Compare what is left; NaN if a table has no balances."""
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


def dynamics(real: Table, other: Table, kinds: list[Ints]) -> dict[str, float]:
    """Compare habits: what comes back, and what changes."""
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
