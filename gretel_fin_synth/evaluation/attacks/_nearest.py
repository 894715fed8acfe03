"""Attacks by likeness: a synthetic customer that is suspiciously like a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import Matrix, customer_matrices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["customer_space", "density_ratio", "nearest_customer", "nearest_distances", "nearest_positions"]

_FRAGILE = (  # what a little noise in dates and amounts changes for everyone at once
    "when_early",
    "when_late",
    "when_month_end",
    "when_same_day",
    "when_weekend",
    "what_repeats",
    "what_switches",
    "amount_roundness",
)
_LIMIT = 4.0  # spreads beyond which a customer is no further away
_CELLS = 8_000_000  # entries of the largest array of distances
_NEAREST = 1e-9


def customer_space(tables: Sequence[Table], scale: Sequence[int]) -> list[Matrix]:
    """Return the customers of each table as points with comparable coordinates.

    Parameters
    ----------
    tables : sequence of Table
        All tables whose customers are to be compared.
    scale : sequence of int
        Positions of the tables that set the scale: what an attacker knows, never the attacked customers.

    Returns
    -------
    list of Matrix
        For each table its customers: features less their median over their spread, clipped to 4 spreads; 0
        where a value is missing. Features that small noise would change for everyone are left out.
    """
    described = customer_matrices(tables)
    names = tuple(name for name in described[0].names if name not in _FRAGILE)
    matrices = [matrix.columns(names) for matrix in described]
    known = np.concatenate([matrices[position] for position in scale])
    known = np.where(np.isnan(known).all(axis=0), 0.0, known)
    center, spread = np.nanmedian(known, axis=0), np.nanstd(known, axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)  # what never varies tells nothing
    points = [np.clip((values - center) / spread, -_LIMIT, _LIMIT) for values in matrices]
    return [Matrix(np.where(np.isnan(values), 0.0, values), names) for values in points]


def nearest_distances(points: Floats, among: Floats) -> Floats:
    """Return the Euclidean distance of each point to the nearest of others.

    Examples
    --------
    >>> nearest_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [6.0, 8.0]])).tolist()
    [5.0]
    """
    best = among[nearest_positions(points, among)]
    distances: Floats = np.sqrt(((points - best) ** 2).sum(axis=1))
    return distances


def nearest_positions(points: Floats, among: Floats) -> Ints:
    """Return the position of the nearest of others, the first of equally near ones, for each point."""
    squares = (among**2).sum(axis=1)
    nearest = np.empty(len(points), dtype=np.int64)
    chunk = max(1, _CELLS // max(len(among), 1))
    for start in range(0, len(points), chunk):
        part = points[start : start + chunk]
        nearest[start : start + chunk] = (squares - 2 * part @ among.T).argmin(axis=1)
    return nearest


def nearest_customer(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by how near the nearest synthetic customer is."""
    del reference
    *points, among = customer_space([*targets, synthetic], scale=[len(targets)])
    return [-nearest_distances(part.cells, among.cells) for part in points]


def density_ratio(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by how much denser synthetic customers lie around them than other real ones do.

    Both densities are estimated from the distance to the nearest neighbour.
    """
    count = len(targets)
    *points, among, others = customer_space([*targets, synthetic, reference], scale=[count, count + 1])
    return [
        np.log(nearest_distances(part.cells, others.cells) + _NEAREST)
        - np.log(nearest_distances(part.cells, among.cells) + _NEAREST)
        for part in points
    ]
