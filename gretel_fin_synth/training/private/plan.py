"""What is measured, with which share of the budget, and how much one customer may add."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from gretel_fin_synth.training.private import popular, queries, rhythms
from gretel_fin_synth.training.private.accounting import rho_of
from gretel_fin_synth.training.private.curves import bell_like, weighed
from gretel_fin_synth.training.private.customers import OTHER, Customers
from gretel_fin_synth.training.private.extras import EXTRA_SHARE, ExtraFigures, measure_extras
from gretel_fin_synth.training.private.gateway import Cells, Gateway, Release
from gretel_fin_synth.training.private.grids import COUNT_EDGES, FIRST_EPOCH_MONTH
from gretel_fin_synth.training.private.guarantee import SELECTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.schema import ExtraColumn
    from gretel_fin_synth.training.private.guarantee import DifferentialPrivacy
    from gretel_fin_synth.training.private.noise import Noise
    from gretel_fin_synth.training.private.popular import PopularFigures

__all__ = ["PARTS", "Figures", "measure"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """A measurement: shares of the budget (in parts of their sum) and the bound of one customer's share.

    ``share`` is for high signal, ``low`` for low, see :class:`Plan`.

    ``bound`` is ``"one"`` where a customer adds a single 1, ``"two"`` where two, ``"held"`` or ``"twice"``
    where one or two for each kind held, ``"pairs"`` one for each two kinds; a number stands for multiples of
    the square root of the rows of a busy customer, and ``"rows"`` for a quarter of them.
    """

    query: Callable[[Customers, queries.Known], Cells]
    share: float
    low: float
    bound: str | float

    @property
    def name(self) -> str:
        """Name of the query."""
        return self.query.__name__


ROWS_SHARES = (1.0, 0.5)  # at low signal, and at high
WINDOW_SHARES, KINDS_SHARES = (1.2, 0.7), (14.0, 4.0)
BUSY = 0.8  # quantile of customers by rows and kinds that the bounds are made for
MOST_KINDS = 40
ROWS_USUAL = 80.0  # rows of a customer, before any are seen
ROWS_APART = 3.0  # powers of two that it may be off by
ROWS_WIDTHS = (0.3, 0.5, 0.7, 1.0, 1.4, 2.0)  # powers of two by which customers differ
WINDOW_LEAST = 1.6  # noise deviations that a month must add to belong to the window
USUAL_LEAST = 0.12  # part of what a month of the window has that it must add, too
LOW, HIGH = 70.0, 500.0  # signals between which shares go from one plan to the other
LOW_BOUND = 0.5  # part of the bounds of rows that is left at low signal, for all customers to count alike
FIRST_ROUND = 0.4  # of what is spent on categories; the rest is for those that the first does not show
FINE, COARSE = 0.9, 3  # place from low to high above which amounts have all their cells, or 3 are as one
LOW_KINDS = 8  # kinds of a customer that count in their selection, at low signal
LEAST_POPULAR = 150.0  # signal below which no popular amounts are looked for
NOISE_ALONE = 1e6  # noise that stands for what was not asked, per customer

PARTS = (
    Part(queries.n_kinds_held, 0.6, 0.6, "one"),
    Part(queries.kind_rows, 2.2, 6.0, 2.2),
    Part(queries.kind_holders, 1.5, 5.0, "held"),
    Part(queries.holder_pairs, 0.3, 0.0, "pairs"),
    Part(queries.kind_amounts, 8.0, 8.0, 1.4),
    Part(queries.kind_rounding, 1.3, 1.5, 1.9),
    Part(queries.cents, 0.3, 0.0, 0.7),
    Part(queries.kind_days, 1.7, 3.0, 1.3),
    Part(queries.kind_weekdays, 1.0, 0.0, 1.1),
    Part(queries.months, 0.4, 0.6, "rows"),
    Part(queries.hours, 0.2, 0.1, "rows"),
    Part(queries.spans, 1.2, 1.4, "two"),
    Part(rhythms.paces, 1.8, 1.0, "one"),
    Part(rhythms.flows, 1.8, 4.0, "two"),
    Part(rhythms.thrift, 0.6, 0.0, "one"),
    Part(rhythms.starts, 0.6, 0.6, "one"),
    Part(rhythms.swings, 0.8, 0.4, "one"),
    Part(rhythms.below_zero, 0.3, 0.0, "one"),
    Part(rhythms.absences, 1.2, 2.5, "twice"),
    Part(rhythms.habits, 4.0, 5.0, "twice"),
    Part(rhythms.spreads, 0.8, 0.0, "held"),
    Part(rhythms.gaps, 0.4, 0.2, "rows"),
    Part(rhythms.openings, 0.5, 0.3, "two"),
    Part(rhythms.successions, 2.0, 0.0, 1.5),
)


@dataclass(frozen=True)
class Plan:
    """What is asked, chosen from what is public alone: the number of customers and the budget.

    ``signal`` is customers divided by the noise of a count of all of them that had the whole budget.
    Between LOW and HIGH shares go from one plan to the other, geometrically; parts without a share at
    low signal begin to be asked halfway.
    """

    signal: float

    @property
    def high(self) -> float:
        """0 at low signal, 1 at high."""
        return float(np.clip(np.log(self.signal / LOW) / np.log(HIGH / LOW), 0.0, 1.0))

    def share(self, part: Part) -> float:
        """Return the share of a part; 0: it is not asked."""
        if not part.low:
            return part.share * max(2 * self.high - 1, 0.0)
        return self.between((part.low, part.share))

    def between(self, ends: tuple[float, float]) -> float:
        """Return the value at this signal of what has one at low signal and one at high."""
        return float(ends[0] ** (1 - self.high) * ends[1] ** self.high)

    @property
    def bound(self) -> float:
        """Return what the bounds of rows are multiplied by."""
        return self.between((LOW_BOUND, 1.0))

    @property
    def fold(self) -> int:
        """Return how many cells of amounts are counted as one."""
        return 1 if self.high > FINE else COARSE

    @property
    def most_kinds(self) -> int:
        """Return how many kinds of a customer count in their selection."""
        return round(self.between((LOW_KINDS, MOST_KINDS)))


_NO_ROWS = np.zeros(0, dtype=np.int64)
_NO_WORDS = np.zeros(0, dtype=object)
NOBODY = Customers(
    _NO_WORDS, _NO_WORDS, _NO_ROWS, _NO_ROWS, _NO_ROWS, np.zeros(1, dtype=np.int64), _NO_ROWS, {}, _NO_ROWS
)


@dataclass(frozen=True)
class Figures:
    """Everything that was released, and what is public; nothing else is known of the table.

    ``first`` and ``last`` are days since 1970-01-01.
    """

    n_customers: int
    kinds: list[tuple[str, str]]
    known: queries.Known
    first: int
    last: int
    releases: dict[str, Release]
    extras: dict[str, ExtraFigures] = field(default_factory=dict)
    popular: PopularFigures | None = None

    @property
    def asked(self) -> set[str]:
        """Names of what was asked; the other releases stand for nothing known."""
        return {name for name, own in self.releases.items() if own.sigma < NOISE_ALONE * self.n_customers}


def measure(
    customers: Customers,
    privacy: DifferentialPrivacy,
    extra_columns: tuple[ExtraColumn, ...],
    noise: Noise,
    minor_units: int = 2,
) -> tuple[Figures, Gateway]:
    """Measure a table through a gateway; return what it showed, and the gateway for its account."""
    n, public = len(customers), privacy.public
    delta = privacy.delta_for(n)
    listed = public.get("values", {})
    plan = Plan(n * (2 * rho_of(privacy.epsilon, delta)) ** 0.5)
    looks = public.get("amounts") != [] and ("amounts" in public or plan.signal >= LEAST_POPULAR)
    chosen = 2 * ("categories" not in public) + (looks and "amounts" not in public)
    chosen += sum(column.name not in listed for column in extra_columns)
    each = delta * SELECTION / max(chosen, 1) if chosen else 0.0
    rho = rho_of(privacy.epsilon + chosen * float(np.log1p(-each)), delta - each * chosen)
    rows_share = plan.between(ROWS_SHARES)
    shares = sum(map(plan.share, PARTS)) + rows_share + EXTRA_SHARE * len(extra_columns)
    window_share, kinds_share = plan.between(WINDOW_SHARES), plan.between(KINDS_SHARES)
    shares += window_share * ("window" not in public) + kinds_share * ("categories" not in public)
    shares += popular.SELECT_SHARE * (looks and "amounts" not in public)
    shares += popular.ROWS_SHARE * looks
    gateway, unit = Gateway(customers, rho, noise), rho / shares
    busy_rows = _busy(
        gateway.measure("transactions", queries.transactions, rho=rows_share * unit, clip=1.0), n
    )
    first, last = _window(gateway, privacy, window_share * unit)
    kinds = _kinds(gateway, privacy, kinds_share * unit, each, plan.most_kinds)
    sign = np.array([1 if kind == "credit" else -1 for kind, _ in kinds])
    begin, end = (np.datetime64(day, "D").astype("datetime64[M]").astype(int) for day in (first, last))
    known = queries.Known(sign, int(begin), int(end - begin) + 1, plan.fold)
    gateway.prepare(lambda table: table.inside(first, last).with_kinds(kinds))
    releases: dict[str, Release] = {}
    busy_kinds = 1.0
    for part in PARTS:
        if not plan.share(part):
            releases[part.name] = _unasked(part, known, n)
            continue
        clip = _clip(part.bound, busy_rows * plan.bound**2, busy_kinds)
        releases[part.name] = gateway.measure(
            part.name, _bind(part.query, known), rho=plan.share(part) * unit, clip=clip
        )
        if part.query is queries.n_kinds_held:
            busy_kinds = (
                _quantile(bell_like(releases[part.name].sums[1:], releases[part.name].sigma, n)) + 1.0
            )
    extras = measure_extras(
        gateway, extra_columns, known, listed, rho=EXTRA_SHARE * unit, delta=each, busy=busy_rows
    )
    paid = popular.measure_popular(
        gateway,
        public.get("amounts") if looks else [],
        kinds,
        unit=unit,
        delta=each,
        clip=_clip(popular.ROWS_BOUND, busy_rows, busy_kinds),
        minor_units=minor_units,
    )
    return Figures(n, kinds, known, first, last, releases, extras, paid), gateway


def _bind(
    query: Callable[[Customers, queries.Known], Cells], known: queries.Known
) -> Callable[[Customers], Cells]:
    return lambda customers: query(customers, known)


def _unasked(part: Part, known: queries.Known, n: int) -> Release:
    """Return what is known of a part that is not asked: nothing."""
    shape = part.query(NOBODY, known).shape
    return Release(np.zeros(shape), NOISE_ALONE * n)


def _busy(release: Release, n: int) -> float:
    """Return how many rows a busy customer has: the mean of what log-normal distributions that fit say.

    All else hangs on it: a bound that is ten times too high makes noise of rows three times as large.
    """
    size = len(COUNT_EDGES) + 1
    middle, width = (grid.ravel() for grid in np.meshgrid(np.arange(0, size, 0.25), ROWS_WIDTHS))
    ends = np.r_[-np.inf, np.log2(COUNT_EDGES), np.inf]
    shapes = np.diff(ndtr((ends - middle[:, None]) / width[:, None]), axis=1)
    usual = -0.5 * ((middle - np.log2(ROWS_USUAL)) / ROWS_APART) ** 2
    weight = weighed(release.sums, release.sigma, n, shapes, usual)
    return float(2 ** (weight @ (middle + width * ndtri(BUSY))))


def _quantile(shares: npt.NDArray[np.float64]) -> int:
    return int(np.searchsorted(np.cumsum(shares), BUSY))


def _clip(bound: str | float, rows: float, kinds: float) -> float:
    if isinstance(bound, str):
        known = {"one": 1.0, "two": 2**0.5, "held": kinds**0.5, "twice": (2 * kinds) ** 0.5, "pairs": kinds}
        return known[bound] if bound in known else max(rows / 4, 1.0)
    return max(bound * rows**0.5, 1.0)


def _window(gateway: Gateway, privacy: DifferentialPrivacy, rho: float) -> tuple[int, int]:
    """Return first and last day: public, or those of the months that hold more than noise together."""
    if "window" in privacy.public:
        first, last = (np.datetime64(day, "D").astype(int) for day in privacy.public["window"])
        return int(first), int(last)
    release = gateway.measure("active_months", queries.active_months, rho=rho, clip=1.0)
    least = WINDOW_LEAST * release.sigma
    begin, end = _fullest(release.sums - least)
    least = max(least, USUAL_LEAST * float(release.sums[begin:end].mean()))
    begin, end = _fullest(release.sums - least)
    edges = np.array([begin, end]) + FIRST_EPOCH_MONTH
    days = edges.astype("datetime64[M]").astype("datetime64[D]").astype(int)
    return int(days[0]), int(days[1]) - 1


def _fullest(gain: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Return where the slice with the largest sum begins and ends."""
    total = np.r_[0.0, np.cumsum(gain)]
    lowest = np.maximum.accumulate(np.where(total <= np.minimum.accumulate(total), np.arange(len(total)), 0))
    end = max(int(np.argmax(total - total[lowest])), 1)
    return min(int(lowest[end]), end - 1), end


def _kinds(
    gateway: Gateway, privacy: DifferentialPrivacy, rho: float, delta: float, most: int
) -> list[tuple[str, str]]:
    """Return pairs of type and category: public, or those that many customers have and one for the rest."""
    if "categories" in privacy.public:
        return list(privacy.public["categories"])
    first = FIRST_ROUND * rho
    shown = set(gateway.select("categories", queries.held_kinds, rho=first, delta=delta, most=most))

    def others(customers: Customers) -> list[list[tuple[str, str]]]:
        return [[pair for pair in own if pair not in shown] for own in queries.held_kinds(customers)]

    # Those who have a shown kind put their whole weight on the others: rarer ones pass.
    more = gateway.select("more categories", others, rho=rho - first, delta=delta, most=most)
    return sorted({*shown, *more, ("credit", OTHER), ("debit", OTHER)})
