"""Pay: it comes on its day with its amount, with raises, bonuses, job changes and the months between jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._prices import price
from gretel_fin_synth.standin._scene import RECEIVE, join_events, make_events

if TYPE_CHECKING:
    from gretel_fin_synth.standin._calendar import Roll
    from gretel_fin_synth.standin._scene import Bools, Catalogue, Events, Floats, Ints, Scene
    from gretel_fin_synth.standin._spec import Income

PERIOD = {"monthly": 30, "fortnightly": 14, "weekly": 7, "none": 30}
"""Days from one pay to the next."""

_RAISE_MONTHS = np.array([0, 3, 6])
_GAP_MONTHS = np.array([0, 1, 2, 4])
_GAP_ODDS = np.cumsum([0.55, 0.17, 0.15])
_GAP_SHARE = 0.6


@dataclass(frozen=True)
class Career:
    """A working life by calendar month, arrays of shape (customers, months).

    Attributes
    ----------
    level : array of float
        Pay relative to the first month's.
    jobless : array of bool
        Months between two jobs.
    moved : array of bool
        Months in the second job.
    """

    level: Floats
    jobless: Bools
    moved: Bools


def draw_career(income: Income, scene: Scene) -> Career:
    """Draw raises and at most one change of job for every customer."""
    window, size = scene.window, scene.people.size
    months = np.arange(window.n_months)
    when, growth, length, better = scene.dice.of(f"{income.stage}: career").random((size, 4)).T
    raise_month = _RAISE_MONTHS[(3 * length).astype(int)]
    is_raise = (window.month_of_year == raise_month[:, None]) & (months > 0)
    level = (1 + income.raises * (0.4 + 1.2 * growth))[:, None] ** np.cumsum(is_raise, axis=1)
    if income.moves == 0:
        never = np.zeros((size, window.n_months), dtype=bool)
        return Career(level, never, never)
    leaves = np.floor(-np.log1p(-when) / income.moves * 12)[:, None]
    gap = _GAP_MONTHS[np.searchsorted(_GAP_ODDS, length, side="right")][:, None]
    moved = months >= leaves + gap
    level = np.where(moved, level * (0.9 + 0.35 * better)[:, None], level)
    return Career(level, (months >= leaves) & ~moved, moved)


def pay_days(income: Income, scene: Scene, career: Career) -> Ints:
    """Return the day number of every pay, shape (customers, pays); some lie outside the window."""
    window, size = scene.window, scene.people.size
    roll: Roll = "preceding" if scene.world.bank_days else "none"
    old, new, phase = scene.dice.of(f"{income.stage}: days").random((size, 3)).T
    if income.cycle == "monthly":
        nominal = np.array(income.days)
        first, second = (nominal[(len(nominal) * u).astype(int)][:, None] for u in (old, new))
        months = np.broadcast_to(np.arange(window.n_months), (size, window.n_months))
        return window.on_day(months, np.where(career.moved, second, first), roll)
    period = PERIOD[income.cycle]
    weekday = np.where(old < 0.7, 4, np.where(old < 0.9, 3, 2))  # most on Fridays
    start = (weekday - window.weekday[0]) % 7 + np.where(phase < 0.5, 0, period - 7)
    return window.bank_day(start[:, None] + period * np.arange(window.n_days // period + 1), roll)


def income_events(scene: Scene, catalogue: Catalogue) -> Events:
    """Return every pay, bonus and benefit of the block."""
    parts = []
    for at, income in enumerate(scene.world.incomes):
        if income.cycle != "none":
            parts.extend(_stage_events(at, income, scene, catalogue))
    nothing = np.zeros(0, dtype=np.int64)
    return join_events([make_events(nothing, nothing, 0, RECEIVE, nothing), *parts])


def _stage_events(at: int, income: Income, scene: Scene, catalogue: Catalogue) -> list[Events]:
    career = draw_career(income, scene)
    days = pay_days(income, scene, career)
    last = scene.people.last[:, None]
    seen = (days >= scene.people.active[:, None]) & (days <= last) & (scene.people.stage == at)[:, None]
    month = scene.window.month_index[np.clip(days, 0, scene.window.n_days - 1)]
    cents = _amounts(income, scene, np.take_along_axis(career.level, month, axis=1))
    jobless = np.take_along_axis(career.jobless, month, axis=1)
    parts = [_booked(seen & ~jobless, days, cents, catalogue.code("pay", at))]
    if income.gap is not None:
        benefit = np.maximum(np.rint(_GAP_SHARE * cents.mean(axis=1, keepdims=True) / 100) * 100, 100)
        benefit = np.broadcast_to(benefit.astype(np.int64), cents.shape)
        parts.append(_booked(seen & jobless, days, benefit, catalogue.code("gap", at)))
    if income.bonus is not None:
        gets, share = _bonuses(income, scene, month)
        extra = price(share[:, None] * cents, "cents", np.zeros(1))
        parts.append(_booked(seen & gets & ~jobless, days, extra, catalogue.code("bonus", at)))
    return parts


def _amounts(income: Income, scene: Scene, level: Floats) -> Ints:
    """Pay in cents: the same each time, or hours that differ."""
    size, pays = level.shape
    hourly, ending = scene.dice.of(f"{income.stage}: contract").random((size, 2)).T
    swing = scene.dice.of(f"{income.stage}: hours").standard_normal((size, pays))
    varies = np.where(hourly < income.hourly, income.swing, 0.0)[:, None]
    raw = scene.people.income[:, None] * level * np.exp(varies * swing) * PERIOD[income.cycle]
    per_month = 30 if income.cycle == "monthly" else 365.25 / 12
    return price(raw / per_month, income.style, ending[:, None])


def _bonuses(income: Income, scene: Scene, month: Ints) -> tuple[Bools, Floats]:
    """Which pays come with a bonus, and its share of them."""
    gets, when, share = scene.dice.of(f"{income.stage}: bonus").random((scene.people.size, 3)).T
    choices = np.array(income.bonus_months) - 1
    chosen = choices[(len(choices) * when).astype(int)]
    first_in_month = np.diff(month, axis=1, prepend=-1) != 0
    due = first_in_month & (scene.window.month_of_year[month] == chosen[:, None])
    return due & (gets < income.bonus_share)[:, None], np.where(share < 0.4, 1.0, 0.3 + share)


def _booked(mask: Bools, days: Ints, cents: Ints, code: int) -> Events:
    who, which = np.nonzero(mask)
    return make_events(who, days[who, which], code, RECEIVE, cents[who, which])


def days_since_pay(scene: Scene, pays: Events) -> Floats:
    """Return the days since the last pay as a share of the pay cycle, shape (customers, days).

    Customers without regular pay stay in the middle of a cycle.
    """
    size, n_days = scene.people.size, scene.window.n_days
    latest = np.full((size, n_days), -1, dtype=np.int32)
    latest[pays.customer, pays.day] = pays.day
    np.maximum.accumulate(latest, axis=1, out=latest)
    period = np.array([PERIOD[income.cycle] for income in scene.world.incomes])[scene.people.stage]
    since: Floats = (np.arange(n_days, dtype=np.int32) - latest) / period[:, None]
    since[latest < 0] = 0.5
    return since
