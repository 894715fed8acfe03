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
    js_similarity_of_counts,
    ks_similarity,
    ks_similarity_of_counts,
    ratio_similarity,
    tv_similarity_of_counts,
)
from gretel_fin_synth.evaluation._tally import paired

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table
    from gretel_fin_synth.evaluation._tally import Tally

    Ints = NDArray[np.int64]

__all__ = ["amounts", "balance", "calendar", "categories_and_sequences", "customers", "dynamics"]

_LOG_BINS = 50
_ROUND_TO = (1, 10, 100, 1000)  # in units of the currency
_LAGS = (1, 2, 3)
_LEAST_CORRELATION = 0.10  # below these sizes a difference is not blown up by dividing by next to nothing
_LEAST_SHARE = 0.05


def amounts(real: Tally, other: Tally, unit: int) -> dict[str, float]:
    """Compare what is paid; `unit` is the number of minor units in one of the currency."""
    cents, left, right = paired(real.cents, other.cents)
    return {
        "amount": ks_similarity_of_counts(left, right),
        "log_amount": _log_amount(cents, left, right),
        "amount_given_kind": _amount_given_kind(real, other),
        "cents": tv_similarity_of_counts(*(np.bincount(cents % unit, part) for part in (left, right))),
        "roundness": _roundness(cents, left, right, unit),
    }


def _log_amount(cents: Ints, real: Ints, other: Ints) -> float:
    """Compare the amounts in bins of equal ratio, from the smallest real amount to the largest."""
    logs = np.log1p(cents)
    known = logs[real > 0]
    edges = np.linspace(known.min(initial=np.inf), known.max(initial=0.0), _LOG_BINS + 1)[1:-1]
    if len(known) == 0:
        return float("nan")
    bins = np.searchsorted(edges, logs)
    return js_similarity_of_counts(np.bincount(bins, real), np.bincount(bins, other))


def _amount_given_kind(real: Tally, other: Tally) -> float:
    """Mean over real rows of the similarity of amounts in the row's kind; 0 for a kind that is lacking."""
    if len(real) == 0:
        return float("nan")
    theirs, none = other.by_kind(), other.cents.iloc[:0]
    total = 0.0
    for kind, cents in real.by_kind().items():
        _, left, right = paired(cents, theirs.get(kind, none))
        total += ks_similarity_of_counts(left, right) * int(left.sum())
    return float(total / len(real))


def _roundness(cents: Ints, real: Ints, other: Ints, unit: int) -> float:
    """Mean similarity of the shares of amounts that are multiples of 1, 10, 100, 1000, or end in .99."""
    places = [cents % (unit * step) == 0 for step in _ROUND_TO]
    if unit > 1:
        places.append(cents % unit == unit - unit // 100)
    return float(np.mean([_place_similarity(place, real, other) for place in places]))


def calendar(real: Table, other: Table) -> dict[str, float]:
    """Compare when it is paid."""
    left, right = real.tally, other.tally
    days_left, *counts = paired(left.by("days_left"), right.by("days_left"))
    return {
        "day_of_month": tv_similarity_of_counts(
            *paired(left.by("day_of_month"), right.by("day_of_month"))[1:]
        ),
        "month_end": _place_similarity(days_left == 0, *counts),
        "weekday": tv_similarity_of_counts(*paired(left.by("weekday"), right.by("weekday"))[1:]),
        "month": tv_similarity_of_counts(*paired(left.by("month"), right.by("month"))[1:]),
        "days_between": ks_similarity(gaps(real), gaps(other)),
    }


def categories_and_sequences(real: Table, other: Table, categories: list[Ints]) -> dict[str, float]:
    """Compare what it is paid for, and in which order."""
    left, right = real.tally, other.tally
    members = {
        "category": js_similarity_of_counts(*paired(left.categories, right.categories)[1:]),
        "type_and_category": js_similarity_of_counts(*paired(left.kinds, right.kinds)[1:]),
    }
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
    below = [np.bincount(balances < 0, minlength=2) for balances in known]
    pairs = zip(balance_features(real), balance_features(other), strict=True)
    change, drift, volatility = (ks_similarity(left, right) for left, right in pairs)
    members = {
        "running_balance": ks_similarity(known[0], known[1]),
        "change_over_life": change,
        "monthly_drift": drift,
        "volatility": volatility,
        "negative_share": _place_similarity(np.array([False, True]), *below),
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


def _place_similarity(place: NDArray[np.bool_], real: Ints, other: Ints) -> float:
    """Compare the shares of two counts that lie at some of their values."""
    if real.sum() == 0 or other.sum() == 0:
        return float("nan") if real.sum() == 0 else 0.0
    return float(1.0 - abs(real[place].sum() / real.sum() - other[place].sum() / other.sum()))
