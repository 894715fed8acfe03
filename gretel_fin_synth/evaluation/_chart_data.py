"""How numbers of several tables become one chart: shares per bin, per place or per value, or single levels.

They are made so that a picture of a crowd shows no single customer: tails of real numbers are drawn together,
a value that fewer than five real customers have is summed up, a bin of fewer than five customers is left
empty, and levels of a crowd are rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Texts = NDArray[np.object_]
    Tables = Mapping[str, Table]
    Chart = dict[str, Any]
    Owned = tuple[NDArray[Any], Ints]

__all__ = ["FEWEST", "TAILS", "bars", "bars_of_codes", "columns", "fewest", "histogram", "levels", "shares"]

FEWEST = 5
"""Least number of customers that a picture shows apart."""

TAILS = (0.005, 0.995)
"""Quantiles of the real table beyond which numbers are drawn together."""

_BINS = 32
_MOST_LEVELS = 14
_OTHERS = "all others"


def fewest(tables: Tables) -> int:
    """Return how many customers a picture shows apart; fewer than five only where there are hardly more."""
    return min(FEWEST, max(1, tables["real"].n_customers // 2))


def columns(
    title: str,
    tables: Tables,
    place: Callable[[Table], Ints],
    labels: Sequence[str],
    *,
    axis: str = "",
) -> Chart:
    """Chart the share of rows at each of a few places, such as weekdays; the last takes those beyond it."""
    least = fewest(tables)
    found = {}
    for name, table in tables.items():
        places = np.minimum(place(table), len(labels) - 1)
        found[name] = shares(places, table.customer, len(labels), least)
    return {"title": title, "kind": "columns", "axis": axis, "labels": list(labels), "shares": found}


def bars(title: str, values: Mapping[str, Texts], tables: Tables) -> Chart:
    """Chart the shares of the commonest values of rows; those of few real customers are summed up."""
    coded: dict[str, Owned] = {
        name: (np.asarray(column), tables[name].customer) for name, column in values.items()
    }
    return bars_of_codes(title, coded, fewest(tables), str)


def bars_of_codes(title: str, values: Mapping[str, Owned], least: int, label: Callable[[Any], str]) -> Chart:
    """Chart the shares of the commonest codes; those of fewer than ``least`` real customers are summed up."""
    column, owner = values["real"]
    codes, levels_ = pd.factorize(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels_))
    width = int(owner.max(initial=0)) + 1
    held = pd.unique(codes[codes >= 0].astype(np.int64) * width + owner[codes >= 0]) // width
    holders = np.bincount(np.asarray(held), minlength=len(levels_))
    names = [label(level) for level in levels_]
    common = np.flatnonzero(holders >= least)
    order = sorted(common.tolist(), key=lambda code: (-counts[code], names[code]))[:_MOST_LEVELS]
    place = pd.Series(np.arange(len(order)), index=pd.Index([levels_[code] for code in order]))
    found = {}
    for name, (other, _) in values.items():
        places = pd.Index(place.index).get_indexer(pd.Index(other))
        counted = np.bincount(np.where(places < 0, len(order), places), minlength=len(order) + 1)
        found[name] = _parts(counted)
    labels = [names[code] for code in order]
    if any(part[-1] > 0 for part in found.values()):
        labels.append(_OTHERS)
    else:
        found = {name: part[:-1] for name, part in found.items()}
    return {"title": title, "kind": "bars", "axis": "", "labels": labels, "shares": found}


def levels(title: str, labels: Sequence[str], values: Mapping[str, Sequence[float]], *, unit: str) -> Chart:
    """Chart one number per label and table; ``unit`` is ``"percent"``, ``"money"`` or ``"number"``.

    Numbers that are not known become None.
    """
    found = {
        name: [None if np.isnan(value) else float(f"{value:.4g}") for value in row]
        for name, row in values.items()
    }
    return {
        "title": title,
        "kind": "levels",
        "axis": "",
        "unit": unit,
        "labels": list(labels),
        "shares": found,
    }


def histogram(
    title: str,
    values: Mapping[str, NDArray[Any]],
    tables: Tables,
    *,
    owners: Mapping[str, Ints] | None = None,
    log: bool = False,
    unit: float | None = None,
    whole: bool = False,
    cumulative: bool = False,
    bins: int = _BINS,
    axis: str = "",
) -> Chart:
    """Chart numbers in bins between the real table's tails; what lies beyond goes into the end bins.

    Parameters
    ----------
    title : str
        Heading.
    values : mapping of str to numpy.ndarray
        Numbers of each table.
    tables : mapping of str to Table
        The tables.
    owners : mapping of str to numpy.ndarray of int64, optional
        To which customer each number belongs; by default each is a customer of its own.
    log, whole, cumulative : bool
        Whether the scale is logarithmic, bins are whole numbers wide, shares add up from the left.
    unit : float, optional
        The size of 1 in the chart, by default one unit of the currency.
    bins : int
        At most so many.
    axis : str
        What the numbers are.
    """
    scale = 10.0 ** tables["real"].minor_units if unit is None else unit
    scaled = {name: column.astype(np.float64) / scale for name, column in values.items()}
    edges = _edges(scaled["real"][np.isfinite(scaled["real"])], log=log, whole=whole, bins=bins)
    found = {}
    for name, column in scaled.items():
        owner = np.arange(len(column)) if owners is None else owners[name]
        known = np.isfinite(column)
        places = np.clip(np.searchsorted(edges, column[known], side="right") - 1, 0, len(edges) - 2)
        part = shares(places, owner[known], len(edges) - 1, fewest(tables))
        found[name] = np.round(np.cumsum(part), 6).tolist() if cumulative else part
    return {
        "title": title,
        "kind": "histogram",
        "scale": "log" if log else "linear",
        "whole": whole,
        "cumulative": cumulative,
        "axis": axis,
        "edges": [float(f"{edge:.6g}") for edge in edges],
        "shares": found,
    }


def shares(places: Ints, owner: Ints, size: int, least: int) -> list[float]:
    """Return the share of entries at each place; places with fewer than ``least`` customers become 0."""
    counts = np.bincount(places, minlength=size)
    width = int(owner.max(initial=0)) + 1
    held = np.asarray(pd.unique(places.astype(np.int64) * width + owner)) // width
    holders = np.bincount(held, minlength=size)
    return _parts(counts, np.where(holders < least, 0, counts))


def _parts(counts: NDArray[Any], kept: NDArray[Any] | None = None) -> list[float]:
    total = counts.sum()
    parts: list[float] = np.round((counts if kept is None else kept) / max(total, 1), 6).tolist()
    return parts


def _edges(real: Floats, *, log: bool, whole: bool, bins: int) -> Floats:
    low, high = np.quantile(real, TAILS) if len(real) else (0.0, 1.0)
    bins = int(min(bins, max(5, len(real) // 12)))
    if whole:
        low, high = np.floor(low), np.floor(high) + 1.0
        return np.arange(low, high + 1e-9, max(1.0, np.ceil((high - low) / bins)))
    if log:
        low = max(low, 1e-2)
        return np.geomspace(low, max(high, low * 1.1), bins + 1)
    return np.linspace(low, high if high > low else low + 1.0, bins + 1)
