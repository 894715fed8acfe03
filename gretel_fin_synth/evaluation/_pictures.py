"""The numbers behind the plots of the report: shares per bin, matrices, densities, single lives.

They are made so that a picture of a crowd shows no single customer: tails of real numbers are drawn
together, what fewer than five real customers have is summed up or left out. Single lives are drawn of
synthetic customers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._columns import NOMINAL, column_type, numbers, value_names
from gretel_fin_synth.evaluation._features import customer_features, gaps
from gretel_fin_synth.evaluation.sqs import sqs_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Texts = NDArray[np.object_]
    Tables = Mapping[str, Table]

__all__ = ["draw_data"]

FEWEST = 5
"""Least number of real customers, or of real rows in a bin, that a picture shows apart."""

_BINS = 32
_GRID = 28
_MOST_LEVELS = 16
_MOST_FIELDS = 24
_LIVES = 6
_MOST_POINTS = 240
_OTHERS = "all others"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TAILS = (0.005, 0.995)


def draw_data(
    real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the numbers behind every plot, as lists and text.

    Parameters
    ----------
    real, synthetic, holdout : Table
        The tables.
    rng : numpy.random.Generator
        Chooses the synthetic customers whose balances are drawn.

    Returns
    -------
    dict
        ``fields``, ``calendar``, ``customers`` (lists of charts: title, labels or edges, shares per table),
        ``correlation``, ``components`` and ``balances``.
    """
    tables = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        tables["holdout"] = holdout
    return {
        "fields": _fields(tables),
        "calendar": _calendar(tables),
        "customers": _customers(tables),
        **_structure(tables),
        "balances": _lives(synthetic, rng),
    }


def _fields(tables: Tables) -> list[dict[str, Any]]:
    """Chart every column that tables share and that can be drawn, money first."""
    real, synthetic = tables["real"].source, tables["synthetic"].source
    charts = [
        _histogram("Amount", {name: table.cents for name, table in tables.items()}, tables, log=True),
        _bars("Type", {name: table.texts("transaction_type") for name, table in tables.items()}, tables),
        _bars("Category", {name: table.category for name, table in tables.items()}, tables),
    ]
    if all(table.balance_known.any() for table in tables.values()):
        known = {name: table.balance_cents[table.balance_known] for name, table in tables.items()}
        charts.insert(1, _histogram("Balance", known, tables))
    extra = [name for name in real.columns if name not in _SIX and name in synthetic.columns]
    for name in extra[:_MOST_FIELDS]:
        if all(name in table.source.columns for table in tables.values()):
            charts += _extra_field(str(name), tables)
    return charts


_SIX = frozenset(
    {
        "customer_id",
        "transaction_date",
        "transaction_amount",
        "transaction_type",
        "transaction_category",
        "account_balance",
    }
)


def _extra_field(column: str, tables: Tables) -> list[dict[str, Any]]:
    """Chart a further column as categories or as numbers; nothing if it is neither."""
    columns = {name: table.source[column].iloc[table.row] for name, table in tables.items()}
    kind = column_type(columns["real"])
    if kind in NOMINAL:
        return [_bars(column, {name: value_names(values) for name, values in columns.items()}, tables)]
    if kind == "numeric":
        values = {name: numbers(values) for name, values in columns.items()}
        return [_histogram(column, values, tables, unit=1.0)]
    return []


def _calendar(tables: Tables) -> list[dict[str, Any]]:
    months = sorted({int(month) for table in tables.values() for month in np.unique(table.month)})
    labels = [str(np.datetime64(month, "M")) for month in months]
    position = {month: place for place, month in enumerate(months)}
    charts = [
        _columns("Day of the month", tables, lambda table: table.day_of_month - 1, [*map(str, range(1, 32))]),
        _columns("Weekday", tables, lambda table: table.weekday, _WEEKDAYS),
        _columns("Month", tables, lambda table: _placed(table.month, position), labels),
    ]
    if any(_hours(table).any() for table in tables.values()):
        charts.append(_columns("Hour of the day", tables, _hours, [f"{hour:02d}" for hour in range(24)]))
    between = {name: gaps(table) for name, table in tables.items()}
    if all(len(values) for values in between.values()):
        charts.append(_histogram("Days between transactions", between, tables, unit=1.0, whole=True))
    return charts


def _customers(tables: Tables) -> list[dict[str, Any]]:
    features = {name: customer_features(table) for name, table in tables.items()}
    wanted: list[tuple[str, str, float | None, bool]] = [
        ("Transactions per customer", "transactions", 1.0, True),
        ("Days from first to last transaction", "span", 1.0, True),
        ("Transactions per active month", "per_month", 1.0, False),
        ("Net flow per active month", "net_flow", None, False),
        ("Categories per customer", "categories", 1.0, True),
    ]
    charts = []
    for title, attribute, unit, whole in wanted:
        values = {name: getattr(feature, attribute) for name, feature in features.items()}
        charts.append(_histogram(title, values, tables, unit=unit, whole=whole, bins=20))
    return charts


def _structure(tables: Tables) -> dict[str, Any]:
    """Return association matrices and densities on two principal components."""
    real = tables["real"]
    parts = {name: sqs_parts(real, table) for name, table in tables.items() if name != "real"}
    first = parts["synthetic"]
    # Which columns count depends on the number of rows, so those of a small holdout may not be comparable.
    parts = {name: part for name, part in parts.items() if part.columns == first.columns}
    correlation = None
    if len(first.columns) >= 2:
        matrices = {"real": first.real_matrix, **{name: part.other_matrix for name, part in parts.items()}}
        correlation = {
            "columns": list(first.columns),
            "matrices": {name: np.round(matrix, 4).tolist() for name, matrix in matrices.items()},
        }
    clouds = {name: part.other_components for name, part in parts.items()}
    clouds = {"real": first.real_components, **clouds}
    return {"correlation": correlation, "components": _density(clouds)}


def _density(clouds: Mapping[str, Floats | None]) -> dict[str, Any] | None:
    """Count each table's rows on one grid over the components; cells with few rows are left out."""
    real = clouds["real"]
    if real is None:
        return None
    low, high = np.quantile(real, _TAILS[0], axis=0), np.quantile(real, _TAILS[1], axis=0)
    high = np.where(high > low, high, low + 1.0)
    edges = [np.linspace(low[axis], high[axis], _GRID + 1) for axis in (0, 1)]
    shares = {}
    for name, cloud in clouds.items():
        if cloud is None:
            continue
        inside = [np.clip(cloud[:, axis], low[axis], high[axis]) for axis in (0, 1)]
        counts, _, _ = np.histogram2d(inside[0], inside[1], bins=edges)
        shares[name] = _shares(counts)
    return {"edges": [np.round(edge, 4).tolist() for edge in edges], "shares": shares}


def _lives(synthetic: Table, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the balances over time of a few synthetic customers with at least two of them."""
    lives: list[dict[str, Any]] = []
    known = np.flatnonzero(synthetic.balance_known)
    rows = np.bincount(synthetic.customer[known], minlength=synthetic.n_customers)
    candidates = np.flatnonzero(rows >= 2)
    chosen = np.sort(rng.permutation(candidates)[:_LIVES])
    for code in chosen.tolist():
        own = known[synthetic.customer[known] == code]
        own = own[np.unique(np.linspace(0, len(own) - 1, min(len(own), _MOST_POINTS)).astype(np.int64))]
        lives.append(
            {
                "customer": str(synthetic.customers[code]),
                "dates": [str(np.datetime64(int(day), "D")) for day in synthetic.day[own]],
                "days": synthetic.day[own].tolist(),
                "balances": (synthetic.balance_cents[own] / 10.0**synthetic.minor_units).tolist(),
            }
        )
    return lives


def _columns(
    title: str, tables: Tables, place: Callable[[Table], Ints], labels: Sequence[str]
) -> dict[str, Any]:
    """Chart the share of rows at each of a few places, such as weekdays."""
    shares = {}
    for name, table in tables.items():
        places = place(table)
        shares[name] = _shares(np.bincount(places, minlength=len(labels)))
    return {"title": title, "kind": "columns", "labels": list(labels), "shares": shares}


def _bars(title: str, values: Mapping[str, Texts], tables: Tables) -> dict[str, Any]:
    """Chart the shares of the commonest values; those of few real customers are summed up."""
    real = pd.Series(values["real"])
    customers = pd.Series(tables["real"].customer).groupby(real.to_numpy()).nunique()
    counts = real.value_counts(sort=False)[customers.index]
    common = counts[customers >= min(FEWEST, max(1, tables["real"].n_customers // 2))]
    order = np.lexsort((common.index.to_numpy(dtype=object).astype(str), -common.to_numpy()))
    labels = [str(label) for label in common.index[order][:_MOST_LEVELS]]
    places = {label: place for place, label in enumerate(labels)}
    shares = {}
    for name, column in values.items():
        codes = pd.Series(column).astype(object).map(places).fillna(len(labels)).to_numpy(dtype=np.int64)
        shares[name] = _shares(np.bincount(codes, minlength=len(labels) + 1), fewest=0)
    if any(share[-1] > 0 for share in shares.values()):
        labels.append(_OTHERS)
    else:
        shares = {name: share[:-1] for name, share in shares.items()}
    return {"title": title, "kind": "bars", "labels": labels, "shares": shares}


def _histogram(
    title: str,
    values: Mapping[str, NDArray[Any]],
    tables: Tables,
    *,
    log: bool = False,
    unit: float | None = None,
    whole: bool = False,
    bins: int = _BINS,
) -> dict[str, Any]:
    """Chart numbers in bins between the real table's tails; what lies beyond goes into the end bins.

    ``unit`` is the size of 1 in the chart, by default one unit of the currency; ``whole`` numbers get bins of
    whole width.
    """
    scale = 10.0 ** tables["real"].minor_units if unit is None else unit
    scaled = {name: _finite(column) / scale for name, column in values.items()}
    edges = _edges(scaled["real"], log=log, whole=whole, bins=bins)
    shares = {}
    for name, column in scaled.items():
        places = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)
        counts = np.bincount(places, minlength=len(edges) - 1)
        shares[name] = _shares(counts)
    kind = {"kind": "histogram", "scale": "log" if log else "linear", "whole": whole}
    return {"title": title, **kind, "edges": [float(f"{edge:.6g}") for edge in edges], "shares": shares}


def _edges(real: Floats, *, log: bool, whole: bool, bins: int) -> Floats:
    low, high = np.quantile(real, _TAILS) if len(real) else (0.0, 1.0)
    bins = int(min(bins, max(5, len(real) // 12)))
    if whole:
        low, high = np.floor(low), np.floor(high) + 1.0
        return np.arange(low, high + 1e-9, max(1.0, np.ceil((high - low) / bins)))
    if log:
        low = max(low, 1e-2)
        return np.geomspace(low, max(high, low * 1.1), bins + 1)
    return np.linspace(low, high if high > low else low + 1.0, bins + 1)


def _finite(column: NDArray[Any]) -> Floats:
    numeric = column.astype(np.float64)
    return numeric[np.isfinite(numeric)]


def _shares(counts: NDArray[Any], *, fewest: int = FEWEST) -> Any:
    """Turn counts into shares of their sum; counts of too few rows become 0."""
    total = counts.sum()
    kept = np.where(counts < fewest, 0, counts)
    return np.round(kept / total if total else kept * 0.0, 6).tolist()


def _placed(months: Ints, position: Mapping[int, int]) -> Ints:
    return np.array([position[month] for month in months.tolist()], dtype=np.int64)


def _hours(table: Table) -> Ints:
    stamps = table.frame["transaction_date"].to_numpy().astype("datetime64[h]")
    hours: Ints = (stamps - stamps.astype("datetime64[D]")).astype(np.int64)
    return hours
