"""Choosing customers so that what they do on average is what real customers do: balanced sampling.

A sample of a few hundred customers strays from what it is drawn from by chance alone, and candidates that run
freely differ a little from real ones. So a chosen candidate is exchanged for one that was not chosen whenever
that brings the averages of the chosen closer to the real ones (balanced sampling, Deville and Tille 2004,
Biometrika 91(4); here by exchanges). Only averages of the whole table are aimed at, measured in standard
deviations between customers: nothing in them is about one customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.calendar import Calendar
    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.world import World

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PASSES = 2
MOST_PAIRS = 60
LAGS = 3
GAP_EDGES = np.array([1, 2, 4, 8, 16, 32])
DAY_EDGES = np.array([2, 6, 11, 16, 21, 26])
MOST_IN_BLOCK = 24
LEAST_UNIT = 0.02


@dataclass(frozen=True)
class Averages:
    """What customers do on average.

    Parameters
    ----------
    pairs : ndarray of shape (pairs,)
        Codes of the most frequent pairs of successive kinds, sorted.
    mean, unit : ndarray of shape (m,)
        Means over real customers, and the unit in which a difference is measured.
    """

    pairs: IntArray
    mean: FloatArray
    unit: FloatArray

    @classmethod
    def fit(cls, data: Sequences, traits: FloatArray, world: World, k: int) -> Averages:
        """Learn from real customers and their standardised traits, (customers, traits).

        Pairs of kinds that fewer than k customers have are not looked at.
        """
        pair = _pair_codes(data, world.n_kinds)
        of_customers = np.unique(np.stack([pair, data.customer])[:, pair >= 0], axis=1)[0]
        holders = np.bincount(of_customers, minlength=world.n_kinds**2)
        counts = np.bincount(pair[pair >= 0], minlength=world.n_kinds**2) * (holders >= k)
        pairs = np.sort(np.argsort(-counts, kind="stable")[: min(MOST_PAIRS, int((counts > 0).sum()))])
        blocks = _blocks(data, traits, world, pairs)
        # a block of many figures, such as one for each of a hundred kinds, must not outweigh all others
        unit = [
            np.maximum(block.std(axis=0), LEAST_UNIT) * max(1.0, block.shape[1] / MOST_IN_BLOCK) ** 0.5
            for block in blocks
        ]
        return cls(pairs, np.concatenate([block.mean(axis=0) for block in blocks]), np.concatenate(unit))

    def away(self, data: Sequences, traits: FloatArray, world: World) -> FloatArray:
        """Return how far customers are from the real mean, in units, (customers, m)."""
        values = np.concatenate(_blocks(data, traits, world, self.pairs), axis=1)
        return np.asarray((values - self.mean) / self.unit)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Averages:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["pairs"], np.int64), np.array(values["mean"]), np.array(values["unit"]))


def exchange(away: FloatArray, chosen: IntArray, welcome: FloatArray, rng: np.random.Generator) -> IntArray:
    """Exchange chosen candidates for others as long as that brings the sum of ``away`` closer to zero.

    Parameters
    ----------
    away : ndarray of shape (candidates, m)
        How far each candidate is from the mean that is wanted.
    chosen : ndarray of shape (n,)
        Places of the candidates chosen so far, none twice.
    welcome : ndarray of shape (candidates,)
        A candidate is only exchanged for one that is at least as welcome.
    rng : numpy.random.Generator
        Draws the order in which candidates are tried.

    Returns
    -------
    ndarray of shape (n,)
        Places of the chosen, sorted.
    """
    chosen, inside = chosen.copy(), np.zeros(len(away), bool)
    inside[chosen] = True
    product = away @ away.T
    square = np.diagonal(product)
    pull = product[:, inside].sum(axis=1)
    for _ in range(PASSES):
        for new in rng.permutation(np.flatnonzero(~inside)):
            change = 2 * (pull[new] - pull[chosen] - product[new, chosen]) + square[new] + square[chosen]
            change[welcome[chosen] > welcome[new]] = np.inf
            best = int(change.argmin())
            if change[best] < 0:
                old = chosen[best]
                pull += product[:, new] - product[:, old]
                chosen[best], inside[old], inside[new] = new, False, True
    return np.sort(chosen)


def _blocks(data: Sequences, traits: FloatArray, world: World, pairs: IntArray) -> list[FloatArray]:
    """Return what is averaged, in blocks of (customers, any number)."""
    n, k, calendar = len(data.length), world.n_kinds, world.calendar
    customer = data.customer
    each = data.length[:, None]

    def counts(values: npt.ArrayLike, size: int, weight: FloatArray | None = None) -> FloatArray:
        classes = np.asarray(values).astype(np.int64)
        known = classes >= 0
        weight = None if weight is None else weight[known]
        flat = np.bincount(customer[known] * size + classes[known], weight, minlength=n * size)
        return flat.reshape(n, size).astype(float)

    kinds = counts(data.kind, k)
    place = world.amounts.locate(data.kind, data.cents).astype(float)
    level = counts(data.kind, k, place) / np.maximum(kinds, 1)
    place_of = np.full(k**2 + 1, -1)  # the last is for no pair, -1
    place_of[pairs] = np.arange(len(pairs))
    gap = np.r_[0, np.diff(data.day)]
    gap[data.offset[:-1]] = 0
    span = (data.day[data.offset[1:] - 1] - data.day[data.offset[:-1]] + 1.0) / calendar.n_days
    lives = np.column_stack([span, span**2, np.log(data.length), np.log(data.length) ** 2])
    days = np.where(
        calendar.days_left[data.day] == 0, 0, np.searchsorted(DAY_EDGES, calendar.day_of_month[data.day]) + 1
    )
    return [
        np.hstack([traits, traits**2]),
        lives,
        _rhythm(data, customer, calendar),
        kinds,
        kinds / each,
        (kinds > 0).astype(float),
        level,
        counts(place_of[_pair_codes(data, k)], len(pairs)),
        counts(np.searchsorted(GAP_EDGES, gap, "right"), len(GAP_EDGES) + 1) / each,
        np.hstack([counts(calendar.weekday[data.day], 7), counts(days, len(DAY_EDGES) + 2)]) / each,
        counts(calendar.month[data.day] % 12, 12),
        counts(place * 8, 9) / each,
    ]


def _pair_codes(data: Sequences, n_kinds: int) -> IntArray:
    """Return a code of the kind before and the kind, (rows,), -1 for a customer's first row."""
    before = data.kind_before(-1)
    return np.where(before < 0, -1, before * n_kinds + data.kind)


def _rhythm(data: Sequences, customer: IntArray, calendar: Calendar) -> FloatArray:
    """Return how much amounts vary, follow on each other, and come again, in sums over rows; (customers, 7).

    Squares of logarithms of amounts, less the customer's mean; their products with those one to three rows
    later; rows that repeat amount and kind of one of the month before, and those that do so on the same day.
    """
    at = data.offset[:-1]
    logs = np.log(data.cents.astype(float))
    logs = logs - (np.add.reduceat(logs, at) / data.length)[customer]
    columns = [logs**2]
    for lag in range(1, LAGS + 1):
        product = np.zeros(len(logs))
        product[lag:] = logs[lag:] * logs[:-lag] * (customer[lag:] == customer[:-lag])
        columns.append(product)
    payment = np.unique(np.stack([customer, data.kind, data.cents]), axis=1, return_inverse=True)[1]
    month = calendar.month[data.day] - calendar.month.min()
    day = np.where(calendar.days_left[data.day] == 0, 0, calendar.day_of_month[data.day])
    columns += [_comes_again(payment, month), _comes_again(payment * 32 + day, month)]
    return np.column_stack([np.add.reduceat(column, at) for column in columns])


def _comes_again(payment: IntArray, month: IntArray) -> FloatArray:
    """Return 1 for rows whose payment there was in the month before too, (rows,)."""
    n_months = int(month.max()) + 2
    code = payment * n_months + month + 1
    return np.isin(code - 1, code).astype(float)
