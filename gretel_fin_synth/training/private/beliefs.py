"""What noisy figures and public knowledge say together: a prior of kinds, weighed by how well each fits.

Every kind of the table is taken to be somewhat like kinds of the invented banks (:mod:`.prior`). How much
like which follows from all its noisy tables at once (Bayes). With much noise the estimate is what such kinds
do on average; the less noise, the more it is the table's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.estimates import beyond_noise, near
from gretel_fin_synth.training.private.grids import MONTHLY, N_SORTS

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.prior import Prior

__all__ = ["UNLIKE", "Kinds", "believe", "clipped", "leaning"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

UNLIKE = 0.25  # length by which the distributions of alike kinds differ
HOLD_APART = 0.2  # standard deviation of the shares of customers who have alike kinds
DRAWN_TO = 0.25  # noise deviations that alike kinds count for at least
ROWS_APART = 0.8  # the same of rows, as a part of them


@dataclass(frozen=True, eq=False)
class Kinds:
    """What is believed of K kinds: weights of T public ones (K, T), holders (K,), shares of rows (K,)."""

    weight: FloatArray
    hold: FloatArray
    rows: FloatArray


def believe(
    prior: Prior,
    values: dict[str, FloatArray],
    sigma: dict[str, float],
    sign: IntArray,
    n: int,
) -> Kinds:
    """Weigh public kinds by how well they fit the noisy tables.

    Parameters
    ----------
    prior : Prior
        Public kinds.
    values, sigma : dict
        Noisy tables by the names of queries, and the standard deviation of their noise.
    sign : ndarray (K,)
        1 for credits, -1 for debits.
    n : int
        Customers.
    """
    logs = np.where(sign[:, None] == prior.sign, 0.0, -1e9)
    logs[:, :] -= np.log(np.maximum((sign[:, None] == prior.sign).sum(axis=1, keepdims=True), 1))
    hold, s_hold = values["kind_holders"] / n, sigma["kind_holders"] / n
    spread = s_hold**2 + HOLD_APART**2
    logs -= (hold[:, None] - prior.hold) ** 2 / (2 * spread)
    counted = max(float(values["kind_rows"].sum()), sigma["kind_rows"])
    usual = prior.rows / len(sign) * counted
    apart = sigma["kind_rows"] ** 2 + (ROWS_APART * usual) ** 2
    logs -= (values["kind_rows"][:, None] - usual) ** 2 / (2 * apart) + 0.5 * np.log(apart)
    rows = np.maximum(values["kind_rows"], 0.5 * sigma["kind_rows"])
    holders = np.clip(hold, 0.5 * s_hold, 1.0) * n
    habits = values["habits"]
    halves = {
        "rounding": (values["kind_rounding"], sigma["kind_rounding"], rows),
        "days": (values["kind_days"], sigma["kind_days"], rows),
        "weekdays": (values["kind_weekdays"], sigma["kind_weekdays"], rows),
        "sorts": (habits[:, :N_SORTS], sigma["habits"], holders),
        "early": (values["absences"][0], sigma["absences"], holders),
        "late": (values["absences"][1], sigma["absences"], holders),
        "spreads": (values["spreads"], sigma["spreads"], holders),
    }
    for name, (table, noise, total) in halves.items():
        logs += _fit(table, noise, clipped(table, total, noise), prior.tables[name])
    monthly = prior.tables["sorts"][:, :MONTHLY].sum(axis=1)
    total = clipped(habits[:, :N_SORTS], holders, sigma["habits"])
    rates = np.concatenate(
        [prior.tables["many"] * monthly[:, None], prior.tables["seldom"] * (1 - monthly)[:, None]], axis=1
    )
    logs += _fit(habits[:, N_SORTS:], sigma["habits"], total, rates)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    own = (hold[:, None] * HOLD_APART**2 + prior.hold * s_hold**2) / spread
    held = np.clip((weight * own).sum(axis=1), 0.25 / n, 1 - 0.25 / n)
    mine = values["kind_rows"][:, None] * (ROWS_APART * usual) ** 2 + usual * sigma["kind_rows"] ** 2
    count = np.maximum((weight * mine / apart).sum(axis=1), 1e-6 * counted)
    return Kinds(weight, held, count / count.sum())


def clipped(table: FloatArray, totals: FloatArray, sigma: float) -> FloatArray:
    """Return what rows of a table add up to: as expected, but for what the bound of customers cut off."""
    found = max(float(table.sum()), sigma)
    return np.maximum(totals * min(1.0, found / max(float(totals.sum()), 1e-9)), 0.5 * sigma)


def _fit(table: FloatArray, sigma: float, totals: FloatArray, public: FloatArray) -> FloatArray:
    """Return the logarithm of how well each public distribution fits each row of a noisy table, (K, T)."""
    usual = totals[:, None, None] * public
    apart = sigma**2 + (UNLIKE * totals) ** 2 / table.shape[1]
    return np.asarray(-((table[:, None] - usual) ** 2).sum(axis=2) / (2 * apart[:, None]))


def leaning(values: FloatArray, sigma: float, totals: FloatArray, prior: FloatArray) -> FloatArray:
    """Return distributions of the rows of a noisy table, drawn towards a prior as noise demands.

    What all rows together have beyond the prior, and then what each has of its own, count by how far they
    exceed noise (James and Stein 1961).

    Parameters
    ----------
    values : ndarray of shape (rows, cells)
        Noisy counts.
    sigma : float
        Standard deviation of their noise.
    totals : ndarray of shape (rows,)
        What the rows add up to.
    prior : ndarray of shape (rows, cells)
        Distributions.
    """
    totals = np.maximum(totals, 0.5 * sigma)
    usual = totals[:, None] * prior
    common = (values - usual).sum(axis=0)
    common = beyond_noise(common[None], sigma * len(values) ** 0.5)[0]
    usual = np.maximum(usual + totals[:, None] / totals.sum() * common, 0.0)
    usual *= totals[:, None] / np.maximum(usual.sum(axis=1, keepdims=True), 1e-9)
    return near(values, sigma, totals, usual, DRAWN_TO)
