"""The numbers behind the plots of the report that belong to no member of fidelity.

Further columns, hours, matrices of association, densities on two components, and single lives, which are
drawn of synthetic customers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth.evaluation._chart_data import FEWEST, TAILS, bars, columns, histogram
from gretel_fin_synth.evaluation._columns import NOMINAL, column_type, numbers, value_names
from gretel_fin_synth.evaluation._member_pictures import member_charts
from gretel_fin_synth.evaluation._table import COLUMNS
from gretel_fin_synth.evaluation.sqs import sqs_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Tables = Mapping[str, Table]

__all__ = ["draw_data"]

_GRID = 28
_MOST_FIELDS = 24
_LIVES = 6
_MOST_POINTS = 240
_SIX = frozenset(COLUMNS)


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
        ``members`` (by group and member of fidelity, one chart each), ``columns`` (charts of further columns
        and of the hour), ``correlation``, ``components`` and ``balances``. A chart has a title, a kind,
        labels or edges, and ``shares`` of each table.
    """
    tables = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        tables["holdout"] = holdout
    return {
        "members": member_charts(tables),
        "columns": _further(tables),
        **_structure(tables),
        "balances": _lives(synthetic, rng),
    }


def _further(tables: Tables) -> list[dict[str, Any]]:
    """Chart every further column that the tables share and that can be drawn."""
    charts = []
    if any(_hours(table).any() for table in tables.values()):
        charts.append(columns("Hour of the day", tables, _hours, [f"{hour:02d}" for hour in range(24)]))
    extra = [name for name in tables["real"].source.columns if name not in _SIX]
    for name in extra[:_MOST_FIELDS]:
        if all(name in table.source.columns for table in tables.values()):
            charts += _field(str(name), tables)
    return charts


def _field(column: str, tables: Tables) -> list[dict[str, Any]]:
    """Chart a further column as categories or as numbers; nothing if it is neither."""
    found = {name: table.source[column].iloc[table.row] for name, table in tables.items()}
    kind = column_type(found["real"])
    if kind in NOMINAL:
        return [bars(column, {name: value_names(values) for name, values in found.items()}, tables)]
    if kind == "numeric":
        values = {name: numbers(values) for name, values in found.items()}
        owners = {name: table.customer for name, table in tables.items()}
        return [histogram(column, values, tables, owners=owners, unit=1.0)]
    return []


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
    low, high = np.quantile(real, TAILS[0], axis=0), np.quantile(real, TAILS[1], axis=0)
    high = np.where(high > low, high, low + 1.0)
    edges = [np.linspace(low[axis], high[axis], _GRID + 1) for axis in (0, 1)]
    shares = {}
    for name, cloud in clouds.items():
        if cloud is None:
            continue
        inside = [np.clip(cloud[:, axis], low[axis], high[axis]) for axis in (0, 1)]
        counts, _, _ = np.histogram2d(inside[0], inside[1], bins=edges)
        kept = np.where(counts < FEWEST, 0, counts)
        shares[name] = np.round(kept / max(counts.sum(), 1), 6).tolist()
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


def _hours(table: Table) -> Ints:
    stamps = table.frame["transaction_date"].to_numpy().astype("datetime64[h]")
    hours: Ints = (stamps - stamps.astype("datetime64[D]")).astype(np.int64)
    return hours
