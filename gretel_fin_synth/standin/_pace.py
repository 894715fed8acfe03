"""How many rows a customer leaves: from the world's own pace to the one that the caller asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._income import PERIOD
from gretel_fin_synth.standin._scene import DAYS_PER_MONTH, Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gretel_fin_synth.standin._calendar import Window
    from gretel_fin_synth.standin._contracts import Terms
    from gretel_fin_synth.standin._habits import Tastes
    from gretel_fin_synth.standin._scene import Floats
    from gretel_fin_synth.standin._spec import World

_SLOWEST = 0.3  # habits are never slowed below this share of the world's pace; shorter histories come instead


def set_pace(scene: Scene, terms: Sequence[Terms], tastes: Tastes, rows: float) -> tuple[Scene, Tastes]:
    """Scale habits, and where that is not enough the time that accounts are seen, to a number of rows.

    Parameters
    ----------
    scene, terms, tastes
        The block at the world's own pace.
    rows : float
        Rows per customer to aim at, on average over customers.

    Returns
    -------
    tuple of Scene and Tastes
        With changed spans and rates. Regular pay and contracts keep their rhythm.
    """
    people, world = scene.people, scene.world
    share_seen = _expected_span(world, scene.window)
    target = rows * people.activity / np.exp(world.activity**2 / 2)
    target = target * people.months / (share_seen * scene.window.n_days / DAYS_PER_MONTH)
    fixed = _regular_rows(scene, terms)
    habits = tastes.rate.sum(axis=1)
    factor = np.maximum((target / people.months - fixed) / np.maximum(habits, 1e-9), _SLOWEST)
    needed = target / np.maximum(fixed + factor * habits, 1e-9) / people.months
    return _shortened(scene, needed), replace(tastes, rate=tastes.rate * factor[:, None])


def _regular_rows(scene: Scene, terms: Sequence[Terms]) -> Floats:
    """Return the expected rows per month of pay, contracts and the bank's own bookings."""
    world = scene.world
    pays = [30 / PERIOD[income.cycle] if income.cycle != "none" else 0.0 for income in world.incomes]
    contracts = sum((term.monthly_rows for term in terms), np.zeros(scene.people.size))
    bank = sum(
        posting.users * float(np.mean(np.array(posting.plans) > 0))
        for posting in world.postings
        if posting.basis != "overdrawn"
    )
    return np.array(pays)[scene.people.stage] + contracts + bank


def _expected_span(world: World, window: Window) -> float:
    """Mean share of the window for which accounts are open (see `_people._spans`)."""
    opened = -np.expm1(-world.opens * window.years)
    seen = 1 - 0.425 * opened
    closed = -np.expm1(-world.closes * seen * window.years)
    return float(seen * (1 - 0.39 * closed))


def _shortened(scene: Scene, needed: Floats) -> Scene:
    """See accounts for a share of their time only, somewhere inside it; openings may be cut off."""
    people = scene.people
    where = scene.dice.of("pace: where").random(people.size)
    length = people.last - people.first + 1
    kept = np.clip(np.rint(needed * length), 1, length).astype(np.int64)
    cut = kept < length
    first = people.first + np.floor(where * (length - kept + 1)).astype(np.int64) * cut
    last = first + kept - 1
    closes = people.closes & (last == people.last)
    opens = people.opens & (first == people.first)
    starts = np.where(people.opens & ~opens, np.rint(people.habitual).astype(np.int64), people.starts)
    return replace(
        scene, people=replace(people, first=first, last=last, opens=opens, closes=closes, starts=starts)
    )
