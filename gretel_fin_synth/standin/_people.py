"""Who the customers are: stage of life, income, thrift, overdraft, and when the account opens and closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._scene import CENTS, People

if TYPE_CHECKING:
    from gretel_fin_synth.standin._calendar import Window
    from gretel_fin_synth.standin._dice import Dice
    from gretel_fin_synth.standin._scene import Bools, Floats, Ints
    from gretel_fin_synth.standin._spec import World


def draw_people(world: World, window: Window, dice: Dice, size: int) -> People:
    """Draw the customers of one block.

    Parameters
    ----------
    world, window
        Where and when they live.
    dice : Dice
        Source of their traits.
    size : int
        How many.
    """
    shares = np.cumsum([income.share for income in world.incomes])
    stage = np.searchsorted(shares[:-1], dice.of("people: stage").random(size), side="right")
    wealth, busy, ease, cash, thrift, calm = dice.of("people: traits").standard_normal((size, 6)).T
    medians = np.array([income.monthly for income in world.incomes])[stage]
    spreads = np.array([income.spread for income in world.incomes])[stage]
    relative = np.exp(spreads * wealth)
    income = CENTS * medians * relative
    habitual = income * np.clip(world.buffer * np.exp(world.buffer_spread * ease), 0.08, 15.0)
    first, last, opens, closes = _spans(world, window, dice, size)
    return People(
        stage=stage,
        income=income,
        activity=np.exp(world.activity * busy) * relative**0.2,
        cash=0.7 * cash,
        saved=np.clip(world.saved + 0.06 * thrift, -0.02, 0.35),
        habitual=habitual,
        ceiling=1.3 * habitual + 0.5 * income,
        floor=np.minimum(0.10 * income, 0.5 * habitual),
        comfort=np.minimum(0.40 * income, 0.8 * habitual) * np.exp(0.3 * calm),
        limit=_overdrafts(world, dice, income),
        starts=np.where(opens, 0, _starts(dice, habitual, income)),
        first=first,
        last=last,
        opens=opens,
        closes=closes,
    )


def _starts(dice: Dice, habitual: Floats, income: Floats) -> Ints:
    """Balances before the first transaction: around the habitual one, anywhere in the month."""
    drift, phase = dice.of("people: start").standard_normal((len(income), 2)).T
    raw = habitual * np.exp(0.35 * drift) + 0.25 * income * np.abs(phase)
    cents: Ints = np.rint(raw).astype(np.int64)
    return cents


def _overdrafts(world: World, dice: Dice, income: Floats) -> Ints:
    """Arranged overdrafts: a third to one and a half of the income, in hundreds."""
    has, size = dice.of("people: overdraft").random((len(income), 2)).T
    hundreds = np.maximum(np.rint(income * (0.35 + 1.15 * size) / (100 * CENTS)), 1)
    return np.where(has < world.overdraft, hundreds * 100 * CENTS, 0).astype(np.int64)


def _spans(world: World, window: Window, dice: Dice, size: int) -> tuple[Ints, Ints, Bools, Bools]:
    """First and last days of the accounts, and whether they are the opening and the closing."""
    opening, when, closing, until = dice.of("people: span").random((size, 4)).T
    opens = opening < -np.expm1(-world.opens * window.years)
    first = np.where(opens, (0.85 * when * window.n_days).astype(np.int64), 0)
    left = window.n_days - first
    closes = (closing < -np.expm1(-world.closes * left / 365.25)) & (left > 60)
    last = first + np.where(closes, ((0.25 + 0.72 * until) * left).astype(np.int64), left) - 1
    return first, last, opens, closes
