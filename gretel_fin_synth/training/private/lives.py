"""Who the customers are: how long they are seen, which kinds they have, and how each comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from gretel_fin_synth.training.private.estimates import stratified
from gretel_fin_synth.training.private.grids import (
    DAY_SORTS,
    LAG_HIGH,
    LAG_LOW,
    MANY_EDGES,
    MONTHLY,
    PACE_EDGES,
    RATE_EDGES,
    between,
)
from gretel_fin_synth.training.private.profile import ALWAYS

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.profile import Profile

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

__all__ = ["Lives", "draw_lives", "month_starts", "pick"]


@dataclass(frozen=True)
class Lives:
    """Customers and, for each kind that one has (a *pair*), how it comes.

    ``first_month``, ``last_month``, ``first_day``, ``last_day`` have shape (n,); the others (pairs,):
    customer, kind, rows a month, whether it comes monthly on one day (``steady``), monthly but on any day
    (``monthly``), only near its day (``near``), with an amount that comes back (``same``), and its first and
    last month.
    """

    first_month: IntArray
    last_month: IntArray
    first_day: IntArray
    last_day: IntArray
    who: IntArray
    kind: IntArray
    rate: FloatArray
    steady: BoolArray
    monthly: BoolArray
    near: BoolArray
    same: BoolArray
    begin: IntArray
    end: IntArray

    def __len__(self) -> int:
        return len(self.first_day)


def pick(shares: FloatArray, rng: np.random.Generator) -> IntArray:
    """Draw a cell of each row of shares."""
    steps = np.cumsum(shares, axis=1)
    cell = (steps <= rng.random(len(shares))[:, None] * steps[:, -1:]).sum(axis=1)
    return np.minimum(cell, shares.shape[1] - 1)


def month_starts(profile: Profile) -> IntArray:
    """Return the first day of each month of the window, and of the one after."""
    months = profile.first_month + np.arange(profile.n_months + 1)
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def draw_lives(profile: Profile, n: int, rng: np.random.Generator) -> Lives:
    """Draw n customers."""
    first_month, last_month, first_day, last_day = _spans(profile, n, rng)
    who, kind = _held(profile, n, rng)
    sort = pick(profile.sorts[kind], rng)
    monthly = sort < MONTHLY
    steady = monthly & (sort % DAY_SORTS > 0)
    same = np.where(monthly, sort >= DAY_SORTS, sort == MONTHLY + 1)
    many = pick(profile.many[kind], rng)
    rate = np.where(
        monthly,
        between(MANY_EDGES, many, 0.9, 20.0, rng),
        between(RATE_EDGES, pick(profile.seldom[kind], rng), 0.03, 6.0, rng),
    )
    once = monthly & (many == 0)
    rate = _paced(profile, n, who, kind, np.where(once, 1.0, rate), ~steady & ~once, rng)
    begin, end = _seen(profile, kind, monthly, first_month[who], last_month[who], rng)
    return Lives(
        first_month,
        last_month,
        first_day,
        last_day,
        who,
        kind,
        rate,
        steady | once,
        monthly,
        monthly & (sort % DAY_SORTS == 1),
        same,
        begin,
        end,
    )


def _spans(
    profile: Profile, n: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    cell = stratified(profile.spans, n, rng)
    first_month, last_month = cell // profile.n_months, cell % profile.n_months
    starts = month_starts(profile)
    length = np.diff(starts)

    def inside(month: IntArray) -> IntArray:
        return starts[month] + np.floor(rng.random(n) * length[month]).astype(np.int64)

    first_day = np.where(first_month == 0, profile.first, inside(first_month))
    last_day = np.where(last_month == profile.n_months - 1, profile.last, inside(last_month))
    first_day = np.clip(first_day, profile.first, profile.last)
    return first_month, last_month, first_day, np.clip(last_day, first_day, profile.last)


def _held(profile: Profile, n: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return customer and kind of held pairs: each customer's likeliest kinds, as many as a customer has."""
    size = len(profile.kinds)
    roots, axes = np.linalg.eigh(profile.held_together)
    score = rng.standard_normal((n, size)) @ (axes * np.sqrt(np.maximum(roots, 0))).T
    score = score + ndtri(np.clip(profile.hold, 1e-4, 1 - 1e-4)) + profile.hold_shift
    score[:, profile.hold > ALWAYS] += 10.0
    inclined = (score > 0).sum(axis=1) + 0.5 * rng.random(n)
    wanted = np.empty(n, dtype=np.int64)
    wanted[np.argsort(inclined)] = np.sort(stratified(profile.n_held, n, rng))
    rank = np.argsort(np.argsort(-score, axis=1), axis=1)
    who, kind = np.nonzero(rank < np.maximum(wanted, 1)[:, None])
    return who, kind


def _paced(
    profile: Profile,
    n: int,
    who: IntArray,
    kind: IntArray,
    rate: FloatArray,
    free: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Scale the rates of irregular kinds so that customers are as busy as customers are."""
    rate = np.where(free, rate * profile.rate[kind], rate)
    total = np.bincount(who, rate, minlength=n)
    loose = np.bincount(who, rate * free, minlength=n)
    wanted = np.empty(n)
    pace = between(PACE_EDGES, stratified(profile.pace, n, rng), 0.3, 400.0, rng)
    wanted[np.argsort(total)] = np.sort(pace)
    factor = np.clip((wanted - (total - loose)) / np.maximum(loose, 1e-9), 0.3, 3.0)
    return np.where(free, np.minimum(rate * factor[who], wanted[who]), rate)


def _seen(
    profile: Profile,
    kind: IntArray,
    monthly: BoolArray,
    first: IntArray,
    last: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return first and last month of each pair: what comes monthly may begin late or end early."""

    def lag(shares: FloatArray) -> IntArray:
        cell = pick(shares[kind], rng)
        width = LAG_HIGH[cell] - LAG_LOW[cell] + 1
        months = LAG_LOW[cell] + np.floor(rng.random(len(cell)) * width).astype(np.int64)
        return np.where(monthly, months, 0)

    life = last - first
    early = np.minimum(lag(profile.onset), np.maximum(life - 2, 0))
    late = np.minimum(lag(profile.ending), np.maximum(life - early - 2, 0))
    return first + early, last - late
