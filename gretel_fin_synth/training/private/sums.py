"""What is paid: amounts, so that kinds keep their sizes and customers their income and spending."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from gretel_fin_synth.training.private.estimates import stratified
from gretel_fin_synth.training.private.grids import (
    FLOW_SHAPE,
    MONEY_EDGES,
    N_MONEY,
    PER_DECADE,
    RESTS,
    ROUND,
    STEPS,
    between,
    left_of,
    round_class,
)
from gretel_fin_synth.training.private.schedule import N_STREAMS

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.lives import Lives
    from gretel_fin_synth.training.private.profile import Profile
    from gretel_fin_synth.training.private.schedule import Rows

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

__all__ = ["draw_amounts", "draw_starts", "log_amounts", "within_means"]

KEEPS = 0.97  # chance that an amount that comes back does so
SHARED = 0.6  # part of the variance between customers that is the same for all of a customer's kinds
IN_AND_OUT = 0.9  # correlation of the levels of a customer's credits and debits
FIRST_BAND, BAND = (0.2, 5.0), (0.5, 2.0)  # how far sums may be scaled before and after the map
LEAST_SPENT = 0.02  # of what comes in
GROUP = 50  # customers of like income among whom spending is matched


def log_amounts(profile: Profile, kind: IntArray, uniform: FloatArray) -> FloatArray:
    """Return decimal logarithms of amounts from quantiles of their kinds."""
    out = np.empty(len(kind))
    for code in range(len(profile.kinds)):
        rows = np.flatnonzero(kind == code)
        cells = np.flatnonzero(profile.amount[code] > 0)
        steps = np.cumsum(profile.amount[code][cells])
        steps /= steps[-1]
        at = np.minimum(np.searchsorted(steps, uniform[rows]), len(cells) - 1)
        low = np.r_[0.0, steps][at]
        inside = np.clip((uniform[rows] - low) / np.maximum(steps[at] - low, 1e-12), 0, 1)
        out[rows] = (cells[at] + inside) / PER_DECADE
    return out


def draw_amounts(
    profile: Profile, lives: Lives, rows: Rows, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Draw amounts in minor units; return also their decimal logarithms before the map of calibration."""
    kind, who, sign = lives.kind[rows.pair], lives.who[rows.pair], profile.sign[lives.kind[rows.pair]]
    keep = lives.same[rows.pair] & (rng.random(len(kind)) < KEEPS)
    raw = 10 ** log_amounts(profile, kind, ndtr(_levels(profile, lives, rows, keep, rng)))
    active = np.unique(np.stack([who, rows.month]), axis=1)[0]
    months = np.maximum(np.bincount(active, minlength=len(lives)), 1)
    credit = np.flatnonzero(sign > 0)
    came = np.bincount(who[credit], raw[credit], minlength=len(lives))
    went = np.bincount(who, raw, minlength=len(lives)) - came
    income, left = _flows(profile, came / months, (went + 1) / (came + 1), rng)
    ratio = np.maximum(1 - left / months, LEAST_SPENT)
    raw = _scaled(raw, who, sign, income * months, ratio, FIRST_BAND)
    seen = np.log10(np.maximum(raw, 1.0))
    for code, (old, new) in enumerate(profile.amount_map):
        own = np.flatnonzero(kind == code)
        raw[own] = 10 ** np.interp(seen[own], old, new)
    opening = np.flatnonzero(rows.opening)
    raw[opening] = _opening_amounts(profile, sign[opening], raw[opening], rng)
    seen[opening] = np.log10(raw[opening])
    for _ in range(2):
        again = _scaled(raw, who, sign, income * months, ratio, BAND)
        again[opening] = raw[opening]
        raw = again
    one = rng.random((2, len(lives.kind), N_STREAMS))[:, rows.pair, rows.stream]
    uniform = np.where(keep, one, rng.random((2, len(kind))))
    return _rounded(profile, kind, raw, uniform), seen


def _opening_amounts(
    profile: Profile, sign: IntArray, raw: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return amounts of first payments, as such amounts are, in the order of those drawn."""
    out, cell = raw.copy(), np.arange(N_MONEY) - N_MONEY // 2
    for side in (-1, 1):
        own = np.flatnonzero(sign == side)
        shares = np.where(cell * side > 0, profile.opening_amount, 0.0)
        if len(own) and shares.sum() > 0:
            size = np.abs(stratified(shares, len(own), rng) - N_MONEY // 2) - 1
            out[own[np.argsort(raw[own])]] = np.sort(between(MONEY_EDGES, size, 1.0, 10**12.2, rng))
    return out


def _levels(
    profile: Profile, lives: Lives, rows: Rows, keep: BoolArray, rng: np.random.Generator
) -> FloatArray:
    """Return a normal score for each row: the customer's, the pair's, the stream's or the row's own."""
    n, pairs = len(lives), len(lives.kind)
    one, other = rng.standard_normal((2, n))
    other = IN_AND_OUT * one + np.sqrt(1 - IN_AND_OUT**2) * other
    customer = np.where(profile.sign[lives.kind] > 0, one[lives.who], other[lives.who])
    pair = np.sqrt(SHARED) * customer + np.sqrt(1 - SHARED) * rng.standard_normal(pairs)
    stream = rng.standard_normal((pairs, N_STREAMS))[rows.pair, rows.stream]
    own = np.where(keep, stream, rng.standard_normal(len(rows.pair)))
    level = profile.own_level[lives.kind[rows.pair]]
    return np.asarray(np.sqrt(level) * pair[rows.pair] + np.sqrt(1 - level) * own)


def _flows(
    profile: Profile, income: FloatArray, ratio: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return what each customer shall earn a month and have left, as near as can be to what is drawn."""
    n = len(income)
    cell = stratified(profile.flow, n, rng)
    size, part = cell // FLOW_SHAPE[1], cell % FLOW_SHAPE[1]
    money = np.where(size == 0, 0.0, between(MONEY_EDGES, size, 50.0, 10**12.2, rng))
    left = left_of(part, rng)
    drawn, wanted = np.argsort(income), np.argsort(money)
    earns, keeps = np.empty(n), np.empty(n)
    earns[drawn] = money[wanted]
    n_groups = max(1, n // GROUP)
    for mine, theirs in zip(np.array_split(drawn, n_groups), np.array_split(wanted, n_groups), strict=True):
        keeps[mine[np.argsort(-ratio[mine])]] = np.sort(left[theirs])
    return earns, keeps


def _scaled(
    raw: FloatArray,
    who: IntArray,
    sign: IntArray,
    income: FloatArray,
    ratio: FloatArray,
    band: tuple[float, float],
) -> FloatArray:
    """Scale each customer's credits to an income and debits to a share of it, inside a band."""
    came = np.bincount(who, raw * (sign > 0), minlength=len(income))
    went = np.bincount(who, raw * (sign < 0), minlength=len(income))
    more = np.clip(income / np.maximum(came, 1.0), *band)
    less = np.clip(ratio * came * more / np.maximum(went, 1.0), *band)
    return raw * np.where(sign > 0, more[who], less[who])


def _rounded(profile: Profile, kind: IntArray, raw: FloatArray, uniform: FloatArray) -> IntArray:
    """Round amounts as amounts of their kind are."""
    steps = np.cumsum(profile.rounding, axis=1)[kind]
    last = len(ROUND) - 1
    place = np.minimum((steps <= uniform[0][:, None] * steps[:, -1:]).sum(axis=1), last)
    for _ in range(last):
        place = place + ((raw < 0.6 * STEPS[place]) & (STEPS[place] > 100))
    step, rest = STEPS[place], RESTS[place]
    amount = np.rint((raw - rest) / step).astype(np.int64) * step + rest
    amount = np.where(amount <= 0, np.where(rest > 0, rest, step), amount)
    coarser = (round_class(amount) < place) & (place < last) & (amount >= 2 * step)
    amount = amount + np.where(coarser, np.where(uniform[1] < 0.5, step, -step), 0)
    ends = np.cumsum(profile.cents)
    digits = np.minimum(np.searchsorted(ends, uniform[1] * ends[-1]), 99)
    odd = (place == last) & (amount >= 1000)
    return np.maximum(np.where(odd, amount // 100 * 100 + digits, amount), 1)


def within_means(
    profile: Profile,
    table: tuple[IntArray, IntArray, IntArray],
    fixed: BoolArray,
    start: IntArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return amounts with which balances of customers without overdraft stay at or above zero.

    ``table`` holds customer, kind and amount of chronological rows. A debit that is not fixed takes no more
    than there is, or does not happen (0); what was not spent is spent when there is enough.
    """
    who, kind, cents = table[0], table[1], table[2].copy()
    at = np.flatnonzero(np.diff(who, prepend=-1))
    length = np.diff(np.r_[at, len(who)])
    order = np.argsort(-length, kind="stable")
    at, length, customer = at[order], length[order], who[at[order]]
    final = np.bincount(who, profile.sign[kind] * cents, minlength=len(start)) + start
    free = np.zeros(len(start), dtype=np.bool_)
    free[np.argsort(final)] = np.sort(stratified(profile.below, len(start), rng))[::-1] > 0
    balance, owed = start[customer].astype(float), np.zeros(len(customer))
    step = STEPS[round_class(cents)]
    for number in range(int(length.max(initial=0))):
        n = int((length > number).sum())
        row = at[:n] + number
        sign = profile.sign[kind[row]]
        bound = (sign < 0) & ~fixed[row] & ~free[customer[:n]]
        paid = _paid(cents[row], step[row], bound, np.maximum(balance[:n], 0), owed[:n])
        owed[:n] += np.where(bound, cents[row] - paid, 0)
        owed[:n] = np.maximum(owed[:n], 0)
        cents[row] = paid
        balance[:n] += sign * paid
    return cents


def _paid(wanted: IntArray, step: IntArray, bound: BoolArray, room: FloatArray, owed: FloatArray) -> IntArray:
    """Return what is paid of what is wanted by those who cannot pay more than there is room for."""
    more = np.floor(np.minimum(owed, np.minimum(room - wanted, wanted)) / step) * step
    more = np.where(bound & (owed > 0) & (room > 1.5 * wanted), more, 0.0)
    paid = wanted + more
    less = np.floor(0.9 * room / step) * step
    less = np.where(less < step, np.where(room >= 0.3 * wanted, np.floor(0.9 * room / 100) * 100, 0.0), less)
    paid = np.where(bound & (paid > room), less, paid)
    return np.asarray(np.where(bound & (room < 100), 0, paid).astype(np.int64))


def draw_starts(profile: Profile, n: int, rng: np.random.Generator) -> IntArray:
    """Draw starting amounts in minor units."""
    cell = stratified(profile.start, n, rng) - N_MONEY // 2
    size = np.maximum(np.abs(cell) - 1, 0)
    return np.asarray(
        np.rint(np.sign(cell) * between(MONEY_EDGES, size, 1.0, 10**12.2, rng)).astype(np.int64)
    )
