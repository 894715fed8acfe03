"""When customers pay: rows of each kind, month by month, and the day of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.lives import Lives, month_starts

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.profile import Profile

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

__all__ = ["N_STREAMS", "Rows", "day_weights", "draw_rows"]

N_STREAMS = 8  # payments of one kind that a customer may have on days of their own
LOOSE = 0.5  # share of months in which a monthly kind without a day of its own varies in number
SEVERAL = 1.25  # rows a month above which numbers vary as if by chance
BURSTS = 0.05  # variance of how busy a month is, for such kinds
WANDERS = 1.3  # days that payments lie from their day, for those that come only near it
CHAIN = 4  # a row may take the day of another, and that of a third


@dataclass(frozen=True)
class Rows:
    """Transactions without amounts, (rows,): pair of :class:`Lives`, month, day, stream of the pair.

    ``opening`` marks the first of customers who are new in the window.
    """

    pair: IntArray
    month: IntArray
    day: IntArray
    stream: IntArray
    opening: BoolArray


def draw_rows(profile: Profile, lives: Lives, rng: np.random.Generator) -> Rows:
    """Draw the dates of all transactions."""
    counts = _counts(profile, lives, rng)
    flat = counts.ravel()
    index = np.repeat(np.arange(flat.size), flat)
    pair, month = index // profile.n_months, index % profile.n_months
    stream = np.minimum(np.arange(len(index)) - np.repeat(np.cumsum(flat) - flat, flat), N_STREAMS - 1)
    steady = lives.steady[pair]
    day = np.where(
        steady,
        _own_day(profile, lives, pair, month, stream, rng),
        _any_day(profile, lives.kind[pair], month, rng),
    )
    who = lives.who[pair]
    day = _together(who, month, day, ~steady, profile.copy_day, rng)
    opening = _openings(profile, lives, pair, day, rng)
    day = np.where(opening, lives.first_day[who], day)
    month = np.where(opening, lives.first_month[who], month)
    kept = np.flatnonzero((day >= lives.first_day[who]) & (day <= lives.last_day[who]))
    return _somebody(lives, Rows(pair[kept], month[kept], day[kept], stream[kept], opening[kept]), profile)


def _counts(profile: Profile, lives: Lives, rng: np.random.Generator) -> IntArray:
    """Return rows of each pair in each month, (pairs, months)."""
    months = np.arange(profile.n_months)
    alive = (months >= lives.begin[:, None]) & (months <= lives.end[:, None])
    mean = lives.rate[:, None] * profile.month_rate
    busy = rng.gamma(1 / BURSTS, BURSTS, mean.shape)
    chance = rng.poisson(mean * np.where(mean > SEVERAL, busy, 1.0))
    even = np.floor(mean).astype(np.int64) + (rng.random(mean.shape) < mean % 1)
    loose = np.where(mean > SEVERAL, 0.0, LOOSE)
    even = np.where(rng.random(mean.shape) < loose, even, chance)
    fixed = np.maximum(np.floor(lives.rate + rng.random(len(lives.rate))), 1).astype(np.int64)
    counts = np.where(lives.monthly[:, None], even, chance)
    counts = np.where(lives.steady[:, None], fixed[:, None], counts) * alive
    none = np.flatnonzero((counts.sum(axis=1) == 0) & (rng.random(len(counts)) < profile.seen))
    first, last = lives.first_month[lives.who[none]], lives.last_month[lives.who[none]]
    counts[none, first + np.floor(rng.random(len(none)) * (last - first + 1)).astype(np.int64)] = 1
    return counts


def _own_day(
    profile: Profile,
    lives: Lives,
    pair: IntArray,
    month: IntArray,
    stream: IntArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return the day of rows that come on one day of the month, off the weekend where the kind avoids it."""
    starts = month_starts(profile)
    steps = np.cumsum(profile.days, axis=1)[lives.kind]
    marks = _apart(lives, rng)
    place = np.stack([(steps <= mark[:, None] * steps[:, -1:]).sum(axis=1) for mark in marks.T], axis=1)
    place = np.minimum(place, 31)[pair, stream]
    length = starts[month + 1] - starts[month]
    apart = np.rint(WANDERS * rng.standard_normal(len(pair))).astype(np.int64)
    away = np.where(lives.near[pair], np.clip(apart, -3, 3), 0)
    place = np.where(away == 0, place, np.clip(np.minimum(place, length - 1) + away, 0, length - 1))
    day = starts[month] + np.where(place == 31, length - 1, np.minimum(place, length - 1))
    weekday = (day + 3) % 7
    by_kind = profile.weekdays[:, 5:].mean(axis=1) / np.maximum(profile.weekdays[:, :5].mean(axis=1), 1e-9)
    moves = (weekday >= 5) & (rng.random(len(pair)) > by_kind[lives.kind[pair]])
    monday, friday = day + 7 - weekday, day + 4 - weekday
    return np.where(moves, np.where(monday < starts[month + 1], monday, friday), day)


def _apart(lives: Lives, rng: np.random.Generator) -> FloatArray:
    """Return quantiles of the days of a pair's payments of a month, evenly apart, (pairs, streams)."""
    each = np.clip(np.floor(lives.rate), 1, N_STREAMS)[:, None]
    place = np.arange(N_STREAMS) + rng.random((len(lives.rate), N_STREAMS))
    return np.asarray((place + each * rng.random((len(lives.rate), 1))) / each % 1.0)


def _any_day(profile: Profile, kind: IntArray, month: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw days by what is usual of the kind's days of the month and weekdays."""
    starts, weight = month_starts(profile), day_weights(profile)[0] + 1e-12
    steps = np.concatenate([np.zeros((len(weight), 1)), np.cumsum(weight, axis=1)], axis=1)
    low, high = starts[month] - starts[0], starts[month + 1] - starts[0]
    mark = steps[kind, low] + rng.random(len(kind)) * (steps[kind, high] - steps[kind, low])
    out = np.empty(len(kind), dtype=np.int64)
    for code in range(len(steps)):
        rows = np.flatnonzero(kind == code)
        out[rows] = np.searchsorted(steps[code], mark[rows]) - 1
    return np.clip(out, low, high - 1) + starts[0]


def day_weights(profile: Profile) -> tuple[FloatArray, int]:
    """Return how usual each day of the window is for each kind, (kinds, days), and the first day."""
    starts = month_starts(profile)
    days = np.arange(starts[0], starts[-1])
    length = np.diff(starts)
    place = np.arange(len(days)) - np.repeat(starts[:-1] - starts[0], length)
    place = np.where(place == np.repeat(length, length) - 1, 31, place)
    return profile.days[:, place] * profile.weekdays[:, (days + 3) % 7], int(starts[0])


def _together(
    who: IntArray, month: IntArray, day: IntArray, free: BoolArray, share: float, rng: np.random.Generator
) -> IntArray:
    """Let a share of free rows take the day of another row of the customer's month."""
    order = np.lexsort((rng.random(len(who)), month, who))
    near = (np.diff(who[order]) == 0) & (np.diff(month[order]) == 0)
    takes = np.r_[False, near] & free[order] & (rng.random(len(order)) < share)
    source = np.arange(len(order)) - takes
    days = day[order]
    for _ in range(CHAIN):
        days = days[source]
    out = np.empty_like(day)
    out[order] = days
    return out


def _openings(
    profile: Profile, lives: Lives, pair: IntArray, day: IntArray, rng: np.random.Generator
) -> BoolArray:
    """Return which rows open the accounts of customers who are new in the window."""
    who, kind = lives.who[pair], lives.kind[pair]
    chance = np.log(profile.opening + 1e-9)
    score = chance[lives.kind] + rng.gumbel(size=len(lives.kind))
    best = np.lexsort((-score, lives.who))
    first = best[np.searchsorted(lives.who[best], np.arange(len(lives)))]
    wanted = lives.kind[first][who] == kind
    new = (lives.first_month > 0)[who]
    rows = np.flatnonzero(wanted & new)
    rows = rows[np.lexsort((day[rows], who[rows]))]
    rows = rows[np.diff(who[rows], prepend=-1) != 0]
    opening = np.zeros(len(pair), dtype=np.bool_)
    opening[rows] = True
    return opening


def _somebody(lives: Lives, rows: Rows, profile: Profile) -> Rows:
    """Give customers who are left without a row one of their first kind, on their last day."""
    missing = np.setdiff1d(np.arange(len(lives)), lives.who[rows.pair])
    if not len(missing):
        return rows
    pair = np.searchsorted(lives.who, missing)
    month = lives.last_month[missing]
    day = lives.last_day[missing]
    del profile
    return Rows(
        np.r_[rows.pair, pair],
        np.r_[rows.month, month],
        np.r_[rows.day, day],
        np.r_[rows.stream, np.zeros_like(pair)],
        np.r_[rows.opening, np.zeros(len(pair), dtype=np.bool_)],
    )
