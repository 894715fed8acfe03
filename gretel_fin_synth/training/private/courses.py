"""The course of balances: amounts of a kind change places until balances swing as measured.

What a customer pays of each kind stays as it is, to the cent; only when which amount is paid changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.estimates import stratified
from gretel_fin_synth.training.private.grids import BELOW_EDGES, SWING_EDGES, between

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.profile import Profile

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

__all__ = ["STEPS", "on_course"]

STEPS = 150
BELOW_COUNTS = 4.0  # a share of balances below zero beside a logarithm of a swing


@dataclass(frozen=True)
class _Partners:
    """Rows that may change amounts: those of each customer, and for each row those of its kind."""

    rows: IntArray
    begin: IntArray
    count: IntArray
    first: IntArray
    size: IntArray

    @classmethod
    def of(cls, who: IntArray, kind: IntArray, fixed: BoolArray, n: int) -> _Partners:
        free = np.flatnonzero(~fixed)
        rows = free[np.lexsort((free, kind[free], who[free]))]
        new = np.diff(who[rows] * (kind.max(initial=0) + 1) + kind[rows], prepend=-1) != 0
        group = np.cumsum(new) - 1
        first = np.flatnonzero(new)
        size = np.diff(np.r_[first, len(rows)])
        kept = size[group] > 1
        group = group[kept]
        rows = rows[kept]
        new = np.diff(group, prepend=-1) != 0
        first = np.flatnonzero(new)
        size = np.diff(np.r_[first, len(rows)])
        group = np.cumsum(new) - 1
        count = np.bincount(who[rows], minlength=n)
        return cls(rows, np.cumsum(count) - count, count, first[group], size[group])

    def pick(self, customers: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Return a row of each customer and another of its kind, the earlier one first."""
        place = self.begin[customers] + np.floor(rng.random(len(customers)) * self.count[customers]).astype(
            int
        )
        other = self.first[place] + np.floor(rng.random(len(customers)) * self.size[place]).astype(int)
        one, other = self.rows[place], self.rows[other]
        return np.minimum(one, other), np.maximum(one, other)


def on_course(
    profile: Profile,
    table: tuple[IntArray, IntArray, IntArray],
    fixed: BoolArray,
    start: IntArray,
    rng: np.random.Generator,
    steps: int = STEPS,
) -> IntArray:
    """Return amounts of chronological rows (customer, kind, amount) in another order.

    Amounts of rows that are not `fixed` change places with others of the customer and kind.
    """
    who, kind, cents = table
    n, length = len(start), np.bincount(who, minlength=len(start))
    at = np.cumsum(length) - length
    column = np.arange(int(length.max(initial=0)))
    inside = column < length[:, None]
    place = np.where(inside, at[:, None] + column, 0)
    sign = profile.sign[kind]
    signed = (sign * cents).astype(np.float64)
    balance = start[:, None] + np.cumsum(np.where(inside, signed[place], 0.0), axis=1)
    partners = _Partners.of(who, kind, fixed, n)
    customers = np.flatnonzero(partners.count)
    if not len(customers):
        return cents
    wanted = _wanted(profile, balance, inside, rng)
    balance, inside = balance[customers], inside[customers]
    wanted = wanted[0][customers], wanted[1][customers]
    loss = _loss(balance, inside, wanted)
    for _ in range(steps):
        one, other = partners.pick(customers, rng)
        change = signed[other] - signed[one]
        lies = (column >= (one - at[customers])[:, None]) & (column < (other - at[customers])[:, None])
        moved = balance + change[:, None] * lies
        new = _loss(moved, inside, wanted)
        better = np.flatnonzero(new < loss)
        balance[better], loss[better] = moved[better], new[better]
        a, b = one[better], other[better]
        signed[a], signed[b] = signed[b], signed[a]
    return np.abs(signed).astype(np.int64)


def _stats(balance: FloatArray, inside: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the standard deviation of each customer's balances and the share of those below zero."""
    count = inside.sum(axis=1)
    mean = (balance * inside).sum(axis=1) / count
    square = ((balance - mean[:, None]) ** 2 * inside).sum(axis=1) / count
    return np.sqrt(square), ((balance < 0) & inside).sum(axis=1) / count


def _loss(balance: FloatArray, inside: BoolArray, wanted: tuple[FloatArray, FloatArray]) -> FloatArray:
    swing, below = _stats(balance, inside)
    away = np.abs(np.log((swing + 1) / (wanted[0] + 1)))
    return np.asarray(away + BELOW_COUNTS * np.abs(below - wanted[1]))


def _wanted(
    profile: Profile, balance: FloatArray, inside: BoolArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return how far the balances of each customer swing and how many are below zero, as near as can be."""
    n = len(balance)
    steps = np.diff(balance, axis=1) * inside[:, 1:]
    turnover = np.maximum(np.abs(steps).sum(axis=1) / np.maximum(inside.sum(axis=1), 1), 1.0)
    swing, below = _stats(balance, inside)
    ratio = between(SWING_EDGES, stratified(profile.swing, n, rng), 0.02, 60.0, rng)
    aim = np.empty(n)
    aim[np.argsort(swing / turnover)] = np.sort(ratio)
    ends = np.r_[0.0, BELOW_EDGES, 1.0]
    cell = stratified(profile.below, n, rng)
    share = ends[cell] + rng.random(n) * (ends[cell + 1] - ends[cell])
    least = np.empty(n)
    least[np.argsort(below + 1e-9 * -balance.min(axis=1))] = np.sort(share)
    return aim * turnover, least
