"""One chart for each member of fidelity, of what the member compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._chart_data import bars, bars_of_codes, columns, fewest, histogram, levels
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
from gretel_fin_synth.evaluation._table import shared_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._chart_data import Chart
    from gretel_fin_synth.evaluation._table import Table

    Ints = NDArray[np.int64]
    Tables = Mapping[str, Table]
    Charts = dict[str, Chart]

__all__ = ["member_charts"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LAST_DAYS = 15
_MOST_KINDS = 12
_PARTED = 3  # digits kept of a median
_ARROW = " \N{RIGHTWARDS ARROW} "


def member_charts(tables: Tables) -> dict[str, Charts]:
    """Return the charts by group and member; a member that cannot be drawn has none.

    Parameters
    ----------
    tables : mapping of str to Table
        ``"real"``, ``"synthetic"`` and, if there is one, ``"holdout"``.
    """
    names = list(tables)
    kinds = dict(zip(names, shared_codes(*(table.kind for table in tables.values()))[0], strict=True))
    return {
        "amounts": _amounts(tables),
        "calendar": _calendar(tables),
        "categories_and_sequences": _sequences(tables),
        "customers": _customers(tables),
        "balance": _balance(tables),
        "dynamics": _dynamics(tables, kinds),
    }


def _amounts(tables: Tables) -> Charts:
    cents = {name: table.cents for name, table in tables.items()}
    owners = _owners(tables)
    unit = 10 ** tables["real"].minor_units
    charts = {
        "amount": histogram(
            "Share of amounts up to", cents, tables, owners=owners, log=True, cumulative=True, axis="amount"
        ),
        "log_amount": histogram("Amounts", cents, tables, owners=owners, log=True, axis="amount"),
        "amount_given_kind": _medians(tables),
        "roundness": _roundness(tables, unit),
    }
    if 1 < unit <= 100:
        labels = [f".{cent:0{len(str(unit)) - 1}d}" for cent in range(unit)]
        charts["cents"] = columns("Cents", tables, lambda table: table.cents % unit, labels)
    return charts


def _medians(tables: Tables) -> Chart:
    """Chart the median amount of the kinds that most real rows have, rounded."""
    real = tables["real"]
    counts = pd.Series(real.kind).value_counts()
    holders = pd.Series(real.customer).groupby(real.kind).nunique()
    shown = [kind for kind in counts.index if holders[kind] >= fewest(tables)][:_MOST_KINDS]
    values = {}
    for name, table in tables.items():
        medians = pd.Series(table.cents).groupby(table.kind).median()
        values[name] = [_rounded(float(medians.get(kind, np.nan)) / 10**table.minor_units) for kind in shown]
    return levels("Median amount", [str(kind) for kind in shown], values, unit="money")


def _roundness(tables: Tables, unit: int) -> Chart:
    steps = {"whole": 1, "tens": 10, "hundreds": 100, "thousands": 1000}
    values = {
        name: [float((table.cents % (unit * step) == 0).mean()) for step in steps.values()]
        for name, table in tables.items()
    }
    labels = [*steps]
    if unit > 1:
        labels.append(".99" if unit == 100 else "one below whole")
        for name, table in tables.items():
            values[name].append(float((table.cents % unit == unit - unit // 100).mean()))
    return levels("Share of round amounts", labels, values, unit="percent")


def _calendar(tables: Tables) -> Charts:
    months = sorted({int(month) for table in tables.values() for month in np.unique(table.month)})
    position = pd.Series(np.arange(len(months)), index=months)
    labels = [str(np.datetime64(month, "M")) for month in months]
    charts = {
        "day_of_month": columns(
            "Day of the month", tables, lambda table: table.day_of_month - 1, [*map(str, range(1, 32))]
        ),
        "month_end": columns(
            "Days left in the month",
            tables,
            lambda table: table.days_to_month_end,
            [*map(str, range(_LAST_DAYS)), f"{_LAST_DAYS}+"],
        ),
        "weekday": columns("Weekday", tables, lambda table: table.weekday, _WEEKDAYS),
        "month": columns(
            "Month", tables, lambda table: position[table.month].to_numpy(dtype=np.int64), labels
        ),
    }
    between = {name: gaps(table) for name, table in tables.items()}
    if len(between["real"]):
        owners = {name: table.customer[1:][np.diff(table.customer) == 0] for name, table in tables.items()}
        charts["days_between"] = histogram(
            "Days between", between, tables, owners=owners, unit=1.0, whole=True, axis="days"
        )
    return charts


def _sequences(tables: Tables) -> Charts:
    charts = {
        "category": bars("Category", {name: table.category for name, table in tables.items()}, tables),
        "type_and_category": bars(
            "Type and category", {name: table.kind for name, table in tables.items()}, tables
        ),
    }
    for length, name in ((2, "runs_of_two"), (3, "runs_of_three")):
        chart = _runs(tables, length)
        if chart is not None:
            charts[name] = chart
    return charts


def _runs(tables: Tables, length: int) -> Chart | None:
    """Chart the commonest runs of categories; rows of the chart are runs, not transactions."""
    codes, named = shared_codes(*(table.category for table in tables.values()))
    parts = [runs(code, table.customer, length) for code, table in zip(codes, tables.values(), strict=True)]
    if len(parts[0]) == 0:
        return None
    owners = [runs(table.customer, table.customer, length)[:, 0] for table in tables.values()]
    stacked = np.concatenate(parts)
    whole = combined(list(stacked.T))
    first = np.zeros(int(whole.max()) + 1, dtype=np.int64)
    first[whole[::-1]] = np.arange(len(whole))[::-1]
    names = [str(name) for name in named]

    def label(code: int) -> str:
        return _ARROW.join(names[part] for part in stacked[first[code]])

    split = np.split(whole, np.cumsum([len(part) for part in parts])[:-1])
    owned = {name: (code, owner) for name, code, owner in zip(tables, split, owners, strict=True)}
    return bars_of_codes(f"Runs of {length}", owned, fewest(tables), label)


def _customers(tables: Tables) -> Charts:
    features = {name: customer_features(table) for name, table in tables.items()}
    wanted: list[tuple[str, str, str, float | None, bool]] = [
        ("transactions", "Transactions per customer", "transactions", 1.0, True),
        ("active_span", "Days from first to last", "span", 1.0, True),
        ("transactions_per_month", "Transactions per active month", "per_month", 1.0, False),
        ("monthly_net_flow", "Net flow per active month", "net_flow", None, False),
        ("categories", "Categories per customer", "categories", 1.0, True),
        ("mean_log_amount", "Geometric mean of a customer's amounts", "mean_log_amount", None, False),
    ]
    charts = {}
    for member, title, attribute, unit, whole in wanted:
        values = {name: getattr(feature, attribute) for name, feature in features.items()}
        log = member == "mean_log_amount"
        if log:
            values = {name: np.expm1(column) for name, column in values.items()}
        charts[member] = histogram(title, values, tables, unit=unit, whole=whole, log=log, bins=20)
    return charts


def _balance(tables: Tables) -> Charts:
    if not all(table.balance_known.any() for table in tables.values()):
        return {}
    known = {name: table.balance_cents[table.balance_known] for name, table in tables.items()}
    owners = {name: table.customer[table.balance_known] for name, table in tables.items()}
    found = {name: balance_features(table) for name, table in tables.items()}
    charts = {
        "running_balance": histogram("Running balance", known, tables, owners=owners, axis="balance"),
        "negative_share": levels(
            "Share of negative balances",
            ["below zero"],
            {name: [float((cents < 0).mean())] for name, cents in known.items()},
            unit="percent",
        ),
    }
    titles = ("Last less first balance", "Drift per 30 days", "Standard deviation of balances")
    for place, member in enumerate(("change_over_life", "monthly_drift", "volatility")):
        values = {name: features[place] for name, features in found.items()}
        if len(values["real"]):
            charts[member] = histogram(titles[place], values, tables, bins=20)
    return charts


def _dynamics(tables: Tables, kinds: Mapping[str, Ints]) -> Charts:
    lags = (1, 2, 3)
    repeats = {name: repeat_shares(table, kinds[name]) for name, table in tables.items()}
    changes = {name: mix_changes(table, kinds[name]) for name, table in tables.items()}
    charts = {
        "autocorrelation": levels(
            "Correlation with the amount before",
            [f"{lag} before" for lag in lags],
            {name: [amount_autocorrelation(table, lag) for lag in lags] for name, table in tables.items()},
            unit="number",
        )
    }
    for place, member in enumerate(("repeats_monthly", "repeats_on_same_day")):
        values = {name: [shares[place]] for name, shares in repeats.items()}
        charts[member] = levels("Share of payments", ["repeated"], values, unit="percent")
    if len(changes["real"]):
        charts["mix_between_months"] = histogram(
            "Change of mix", changes, tables, unit=1.0, bins=20, axis="0 is the same mix"
        )
    return charts


def _owners(tables: Tables) -> dict[str, Ints]:
    return {name: table.customer for name, table in tables.items()}


def _rounded(value: float) -> float:
    return value if np.isnan(value) else float(f"{value:.{_PARTED}g}")
