"""Amounts that many customers pay to the cent: fees, tickets, subscriptions.

They are selected like categories (shown if many customers have them) or given as public knowledge; how many
rows have each is measured like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.gateway import Cells, Gateway, Release

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gretel_fin_synth.training.private.customers import Customers

__all__ = ["ROWS_BOUND", "PopularFigures", "held_amounts", "measure_popular", "snapped", "usual_amounts"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

SELECT_SHARE, ROWS_SHARE = 0.8, 0.6
ROWS_BOUND = 1.0  # multiples of the square root of the rows of a busy customer
MOST_AMOUNTS = 8  # of one customer
LEAST_SIGNAL = 2.0  # noise deviations below which an amount is left alone
LEAST_SHARE = 0.01  # of the rows of its kind, too


@dataclass(frozen=True)
class PopularFigures:
    """Kinds and minor units of the amounts, (amounts, 2), and noisy numbers of their rows."""

    amounts: IntArray
    rows: Release


def held_amounts(customers: Customers) -> list[list[tuple[int, int]]]:
    """Kinds and amounts that a customer paid twice or more, the most frequent first."""
    owned = []
    for begin, end in zip(customers.offset[:-1], customers.offset[1:], strict=True):
        pairs = np.stack([customers.kind[begin:end], customers.cents[begin:end]])
        found, counts = np.unique(pairs, axis=1, return_counts=True)
        order = np.lexsort((found[1], found[0], -counts))
        owned.append([(int(found[0, i]), int(found[1, i])) for i in order if counts[i] > 1])
    return owned


def popular_rows(amounts: IntArray) -> Callable[[Customers], Cells]:
    """Return the query for the rows that have each of these amounts."""

    def query(customers: Customers) -> Cells:
        lookup = {(int(kind), int(cents)): code for code, (kind, cents) in enumerate(amounts)}
        pairs = zip(customers.kind.tolist(), customers.cents.tolist(), strict=True)
        cell = np.array([lookup.get(pair, -1) for pair in pairs], dtype=np.int64)
        rows = np.flatnonzero(cell >= 0)
        return Cells.counts(customers.who[rows], cell[rows], (len(amounts),))

    return query


def measure_popular(
    gateway: Gateway,
    given: Sequence[tuple[str, str, float]] | None,
    kinds: list[tuple[str, str]],
    *,
    unit: float,
    delta: float,
    clip: float,
    minor_units: int,
) -> PopularFigures | None:
    """Select popular amounts, unless they are public, and count their rows; None if public knows of none.

    What is spent does not depend on what is found: if nothing is, rows of amount 0, which there are not, are
    counted.
    """
    if given is not None and not given:
        return None
    if given is None:
        shown = gateway.select(
            "popular_amounts", held_amounts, rho=SELECT_SHARE * unit, delta=delta, most=MOST_AMOUNTS
        )
        found = sorted(shown)
    else:
        code = {pair: number for number, pair in enumerate(kinds)}
        found = sorted(
            {
                (code[kind, category], round(amount * 10**minor_units))
                for kind, category, amount in given
                if (kind, category) in code
            }
        )
    amounts = np.array(found or [(0, 0)], dtype=np.int64)
    rows = gateway.measure("popular_rows", popular_rows(amounts), rho=ROWS_SHARE * unit, clip=clip)
    return PopularFigures(amounts, rows)


def usual_amounts(figures: PopularFigures | None, kind_rows: FloatArray) -> FloatArray:
    """Return kind, minor units and share of the kind's rows of what is popular beyond noise, (amounts, 3)."""
    if figures is None:
        return np.zeros((0, 3))
    kind, sigma = figures.amounts[:, 0], figures.rows.sigma
    total = np.maximum(kind_rows[kind], 2 * sigma)
    kept = (figures.amounts[:, 1] > 0) & (figures.rows.sums > LEAST_SIGNAL * sigma)
    kept &= figures.rows.sums > LEAST_SHARE * total
    share = np.where(kept, figures.rows.sums / total, 0.0)
    all_of_kind = np.maximum(np.bincount(kind, share, minlength=len(kind_rows)), 1.0)
    return np.column_stack([figures.amounts, share / all_of_kind[kind]])[kept]


def snapped(usual: FloatArray, kind: IntArray, cents: IntArray) -> IntArray:
    """Return amounts of which those nearest to popular ones are such, as many as there should be."""
    cents, logs = cents.copy(), np.log(np.maximum(cents, 1))
    free = np.ones(len(cents), dtype=np.bool_)
    for code, amount, share in usual[np.argsort(-usual[:, 2], kind="stable")]:
        own = np.flatnonzero(kind == int(code))
        wanted = int(np.rint(share * len(own)))
        own = own[free[own]]
        near = own[np.argsort(np.abs(logs[own] - np.log(amount)), kind="stable")[:wanted]]
        cents[near], free[near] = int(amount), False
    return cents
