"""Bringing what is drawn to what was measured: simulated moments, at no cost to anybody's privacy.

Parts of a simulation act on each other: a day moved off a weekend changes the days of the month, a customer
without money the sizes of amounts. So customers are drawn from the profile, the figures of the drawn ones
are held against the released ones, and the profile is moved by their ratio, a few times over (the method of
simulated moments, McFadden 1989; iterative proportional fitting for tables).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from gretel_fin_synth.training.private import queries, rhythms
from gretel_fin_synth.training.private.customers import Customers
from gretel_fin_synth.training.private.draw import Drawn, draw
from gretel_fin_synth.training.private.estimates import tilted
from gretel_fin_synth.training.private.grids import N_MANY, N_SORTS, PACE_EDGES
from gretel_fin_synth.training.private.profile import N_KNOTS
from gretel_fin_synth.training.private.sums import log_amounts

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.following import Following
    from gretel_fin_synth.training.private.gateway import Cells
    from gretel_fin_synth.training.private.profile import Profile

FloatArray = npt.NDArray[np.float64]

__all__ = ["calibrate"]

ROUNDS = 12
DAMPING = 0.7
MOST_OF = 4.0  # times what is wanted, above which nothing is set to reach it
MOST_RATE = 4.0  # times what habits say that kinds come, at most: few have them, and their counts are noise
FEW = 20.0  # holders of a kind below which habits of those drawn decide little
FEW_STEPS = 20  # towards the course of balances, which calibration does not look at
SETTLED = 3  # rounds after which amounts are no longer far from where they stay
HABITS = {
    "sorts": slice(0, N_SORTS),
    "many": slice(N_SORTS, N_SORTS + N_MANY),
    "seldom": slice(N_SORTS + N_MANY, None),
}
MATCHED = ("rounding", "days", "weekdays", "pace", "spans", *HABITS)
QUANTILES = (np.arange(N_KNOTS) + 0.5) / N_KNOTS


def calibrate(profile: Profile, follow: Following, n_customers: int, rng: np.random.Generator) -> None:
    """Move a profile, in place, until customers drawn from it show its figures."""
    wanted = {name: getattr(profile, name).copy() for name in MATCHED}
    size = len(profile.kinds)
    target = np.stack(
        [log_amounts(profile, np.full(N_KNOTS, code), QUANTILES) for code in range(size)]
    ) + 1e-9 * np.arange(N_KNOTS)
    pool: list[FloatArray] = [np.zeros(0)] * size
    for number in range(ROUNDS):
        drawn = draw(profile, n_customers, rng, steps=FEW_STEPS)
        table = customers_of(drawn)
        known = queries.Known(profile.sign, profile.first_month, profile.n_months)
        _match_kinds(profile, drawn, _busier(wanted["pace"], _share_of(rhythms.paces(table, known))))
        for match in (_match_tables, _match_habits, _match_spans):
            match(profile, wanted, table, known)
        if number == SETTLED:
            pool = [np.zeros(0)] * size
        _match_amounts(profile, target, pool, drawn)
        follow.match(profile, _counts(rhythms.successions(table, known)), number)
        together = _share_of(rhythms.gaps(table, known))[0]
        profile.copy_day = float(np.clip(profile.copy_day + 0.8 * (profile.same_day - together), 0, 0.95))


def customers_of(drawn: Drawn) -> Customers:
    """Return drawn customers in the form that queries read."""
    nothing = np.empty(len(drawn.who), dtype=object)
    offset = np.r_[0, np.cumsum(np.bincount(drawn.who, minlength=len(drawn)))]
    return Customers(
        nothing, nothing, drawn.day, drawn.seconds, drawn.cents, offset, drawn.start, {}, drawn.kind
    )


def _counts(cells: Cells) -> FloatArray:
    counts = np.bincount(cells.cell, cells.weight, minlength=int(np.prod(cells.shape)))
    return np.asarray(counts.reshape(cells.shape), dtype=np.float64)


def _share_of(cells: Cells) -> FloatArray:
    """Return the shares of the cells."""
    counts = _counts(cells)
    return np.asarray(counts / max(float(counts.sum()), 1.0))


def _match_kinds(profile: Profile, drawn: Drawn, busier: float) -> None:
    """Move how often kinds come, all of them `busier`, and how many customers have them."""
    size = len(profile.kinds)
    rows = np.bincount(drawn.kind, minlength=size) + 0.5
    ratio = np.clip(profile.kind_rows * len(drawn.kind) * busier / rows, 0.5, 2.0) ** DAMPING
    profile.rate = np.clip(profile.rate * ratio, 1 / MOST_RATE, MOST_RATE)
    profile.many = tilted(profile.many, ratio)
    held = np.zeros((len(drawn), size), dtype=np.bool_)
    held[drawn.who, drawn.kind] = True
    share = (held.sum(axis=0) + 0.25) / (len(drawn) + 0.5)
    step = ndtri(np.clip(profile.hold, 0.002, 0.998)) - ndtri(np.clip(share, 0.002, 0.998))
    profile.hold_shift += DAMPING * np.clip(step, -1.0, 1.0)


def _busier(wanted: FloatArray, found: FloatArray) -> float:
    """Return by how much customers should have more rows a month."""
    step = np.log(PACE_EDGES[1] / PACE_EDGES[0])
    return float(np.exp(step * ((wanted - found) @ np.arange(len(wanted)))))


def _match_tables(
    profile: Profile, wanted: dict[str, FloatArray], table: Customers, known: queries.Known
) -> None:
    """Move days, weekdays, months, roundness and paces by the ratio of wanted to drawn."""
    months = _share_of(queries.months(table, known)) + 1e-3 / profile.n_months
    profile.month_rate *= np.clip((profile.months + 1e-3 / profile.n_months) / months, 0.7, 1.4) ** DAMPING
    profile.rounding = _moved(
        profile.rounding, wanted["rounding"], _counts(queries.kind_rounding(table, known))
    )
    profile.days = _moved(profile.days, wanted["days"], _counts(queries.kind_days(table, known)), 0.5, 1.5)
    weekdays = _counts(queries.kind_weekdays(table, known))
    profile.weekdays = 7 * _moved(profile.weekdays / 7, wanted["weekdays"], weekdays)
    pace = _counts(rhythms.paces(table, known))
    profile.pace = _moved(profile.pace[None], wanted["pace"][None], pace[None], 0.5)[0]


def _match_habits(
    profile: Profile, wanted: dict[str, FloatArray], table: Customers, known: queries.Known
) -> None:
    """Move what comes back: those who are seen for few months seem to have fewer habits than they have."""
    habits = _counts(rhythms.habits(table, known))
    for name, part in HABITS.items():
        found = habits[:, part] + FEW * wanted[name]
        setattr(profile, name, _moved(getattr(profile, name), wanted[name], found, 0.5, 2.0))


def _match_spans(
    profile: Profile, wanted: dict[str, FloatArray], table: Customers, known: queries.Known
) -> None:
    """Move first and last months: the first payment may come later than the first month."""
    ends = _counts(queries.spans(table, known)).reshape(2, 1, -1)
    for axis, found in enumerate(ends):
        aim = wanted["spans"].sum(axis=1 - axis)
        factor = _moved(aim[None], aim[None], found)[0] / np.maximum(aim, 1e-12)
        profile.spans = profile.spans * np.expand_dims(factor, 1 - axis)
    profile.spans /= profile.spans.sum()


def _moved(
    now: FloatArray, wanted: FloatArray, found: FloatArray, power: float = DAMPING, most: float = 2.5
) -> FloatArray:
    """Return distributions moved by wanted / found, row by row."""
    least = 1e-3 / now.shape[1]
    share = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9) + least
    aim = wanted / wanted.sum(axis=1, keepdims=True) + least
    moved = now * np.clip((aim / share) ** power, 1 / most, most)
    moved = np.minimum(moved, MOST_OF * (aim - least))  # what cannot be reached is not to be chased
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))


def _match_amounts(profile: Profile, target: FloatArray, pool: list[FloatArray], drawn: Drawn) -> None:
    """Map the quantiles of what is drawn of each kind to what was measured; the pool grows by rounds."""
    kind, logs = drawn.seen
    for code in range(len(profile.kinds)):
        pool[code] = np.r_[pool[code], logs[kind == code]]
        own = target[code]
        if len(pool[code]) > 5:
            own = np.quantile(pool[code], QUANTILES) + 1e-9 * np.arange(N_KNOTS)
        profile.amount_map[code] = np.stack([own, target[code]])
