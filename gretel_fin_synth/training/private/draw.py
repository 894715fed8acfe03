"""Customers put together: lives, dates, amounts, order inside a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.arrange import arranged
from gretel_fin_synth.training.private.courses import STEPS, on_course
from gretel_fin_synth.training.private.lives import draw_lives
from gretel_fin_synth.training.private.popular import snapped
from gretel_fin_synth.training.private.schedule import Rows, draw_rows
from gretel_fin_synth.training.private.sums import draw_amounts, draw_starts, within_means

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.lives import Lives
    from gretel_fin_synth.training.private.profile import Profile

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

__all__ = ["Drawn", "draw"]

SPARE = 8  # starting amounts drawn for each that is kept, where they are limited
MIXED = 0.35  # how much chance there is in the order inside a day


@dataclass(frozen=True)
class Drawn:
    """Transactions of n customers, chronological: customer, kind, day, minor units, seconds of the day.

    ``start`` has shape (n,); ``seen`` holds kinds and decimal logarithms of amounts before they were mapped.
    """

    who: IntArray
    kind: IntArray
    day: IntArray
    cents: IntArray
    seconds: IntArray
    start: IntArray
    seen: tuple[IntArray, FloatArray]

    def __len__(self) -> int:
        return len(self.start)


def draw(
    profile: Profile,
    n: int,
    rng: np.random.Generator,
    starting: tuple[int, int] | None = None,
    *,
    steps: int = STEPS,
) -> Drawn:
    """Draw n customers, each with at least one transaction; starting amounts may be limited."""
    lives = draw_lives(profile, n, rng)
    rows = _in_order(profile, lives, draw_rows(profile, lives, rng), rng)
    cents, seen = draw_amounts(profile, lives, rows, rng)
    kind, who, fixed = lives.kind[rows.pair], lives.who[rows.pair], lives.same[rows.pair]
    cents = snapped(profile.usual, kind, cents)
    order = np.arange(len(who))
    start = draw_starts(profile, n, rng) if starting is None else _starts(profile, n, starting, rng)
    cents = on_course(profile, (who, kind, cents), fixed | rows.opening, start, rng, steps)
    paid = within_means(profile, (who[order], kind[order], cents[order]), fixed[order], start, rng)
    kept = (paid > 0) | (np.bincount(who[order], paid > 0, minlength=n) == 0)[who[order]]
    paid, order = np.where(paid > 0, paid, cents[order])[kept], order[kept]
    seconds = _seconds(profile, who[order], rows.day[order], rng)
    return Drawn(who[order], kind[order], rows.day[order], paid, seconds, start, (kind, seen))


def _in_order(profile: Profile, lives: Lives, rows: Rows, rng: np.random.Generator) -> Rows:
    """Return rows in order of customer and day, kinds following each other as kinds do."""
    kind = lives.kind[rows.pair]
    place = profile.order[kind] - 100.0 * rows.opening + MIXED * rng.standard_normal(len(kind))
    order = np.lexsort((place, rows.day, lives.who[rows.pair]))
    pair, month, day, stream = (values[order] for values in (rows.pair, rows.month, rows.day, rows.stream))
    bound, free = rows.opening[order], ~lives.steady[pair]
    at = arranged(profile, lives.who[pair], lives.kind[pair], month, day, free, bound, rng)
    return Rows(pair[at], month, day, stream[at], bound)


def _starts(profile: Profile, n: int, limits: tuple[int, int], rng: np.random.Generator) -> IntArray:
    """Draw starting amounts and take those nearest to the limits, moved to lie within."""
    many = draw_starts(profile, SPARE * n, rng)
    away = np.maximum(np.maximum(limits[0] - many, many - limits[1]), 0)
    nearest = many[np.argsort(away, kind="stable")[:n]]
    return np.clip(rng.permutation(nearest), *limits)


def _seconds(profile: Profile, who: IntArray, day: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw times of the day, rising inside each customer's day; 0 where the table has none."""
    steps = np.cumsum(profile.hours)
    hour = np.minimum(np.searchsorted(steps, rng.random(len(who)) * steps[-1], side="right"), 24)
    seconds = np.where(hour == 24, 0, hour % 24 * 3600 + rng.integers(0, 3600, len(who)))
    return seconds[np.lexsort((seconds, day, who))]
