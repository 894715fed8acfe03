"""What is measured, with which share of the budget, and how much one customer may add."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private import popular, queries, rhythms
from gretel_fin_synth.training.private.accounting import rho_of
from gretel_fin_synth.training.private.customers import OTHER, Customers
from gretel_fin_synth.training.private.estimates import smoothed
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
    """A measurement: share of the budget (in parts of their sum) and the bound of one customer's share.

    ``bound`` is ``"one"`` where a customer adds a single 1, ``"two"`` where two, ``"held"`` or ``"twice"``
    where one or two for each kind held, ``"pairs"`` one for each two kinds; a number stands for multiples of
    the square root of the rows of a busy customer, and ``"rows"`` for a quarter of them.
    """

    query: Callable[[Customers, queries.Known], Cells]
    share: float
    bound: str | float

    @property
    def name(self) -> str:
        """Name of the query."""
        return self.query.__name__


ROWS_SHARE, WINDOW_SHARE, KINDS_SHARE = 0.5, 0.7, 2.5
BUSY = 0.8  # quantile of customers by rows and kinds that the bounds are made for
MOST_KINDS = 40
WINDOW_LEAST = 1.6  # noise deviations that a month must add to belong to the window

PARTS = (
    Part(queries.n_kinds_held, 0.6, "one"),
    Part(queries.kind_rows, 2.2, 2.2),
    Part(queries.kind_holders, 1.5, "held"),
    Part(queries.holder_pairs, 0.3, "pairs"),
    Part(queries.kind_amounts, 8.0, 1.4),
    Part(queries.kind_rounding, 1.3, 1.9),
    Part(queries.cents, 0.3, 0.7),
    Part(queries.kind_days, 1.7, 1.3),
    Part(queries.kind_weekdays, 1.0, 1.1),
    Part(queries.months, 0.4, "rows"),
    Part(queries.hours, 0.2, "rows"),
    Part(queries.spans, 1.2, "two"),
    Part(rhythms.paces, 1.8, "one"),
    Part(rhythms.flows, 1.8, "two"),
    Part(rhythms.starts, 0.6, "one"),
    Part(rhythms.below_zero, 0.3, "one"),
    Part(rhythms.absences, 1.2, "twice"),
    Part(rhythms.habits, 4.0, "twice"),
    Part(rhythms.spreads, 0.8, "held"),
    Part(rhythms.gaps, 0.4, "rows"),
    Part(rhythms.neighbours, 0.8, 1.1),
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
    named = ("categories", "amounts")
    chosen = sum(name not in public for name in named)
    chosen += sum(column.name not in listed for column in extra_columns)
    each = delta * SELECTION / max(chosen, 1) if chosen else 0.0
    rho = rho_of(privacy.epsilon + chosen * float(np.log1p(-each)), delta - each * chosen)
    shares = sum(part.share for part in PARTS) + ROWS_SHARE + EXTRA_SHARE * len(extra_columns)
    shares += WINDOW_SHARE * ("window" not in public) + KINDS_SHARE * ("categories" not in public)
    shares += popular.SELECT_SHARE * ("amounts" not in public)
    shares += popular.ROWS_SHARE * (public.get("amounts") != [])
    gateway, unit = Gateway(customers, rho, noise), rho / shares
    busy_rows = _busy(gateway.measure("transactions", queries.transactions, rho=ROWS_SHARE * unit, clip=1.0))
    first, last = _window(gateway, privacy, WINDOW_SHARE * unit)
    kinds = _kinds(gateway, privacy, KINDS_SHARE * unit, each)
    sign = np.array([1 if kind == "credit" else -1 for kind, _ in kinds])
    begin, end = (np.datetime64(day, "D").astype("datetime64[M]").astype(int) for day in (first, last))
    known = queries.Known(sign, int(begin), int(end - begin) + 1)
    gateway.prepare(lambda table: table.inside(first, last).with_kinds(kinds))
    releases: dict[str, Release] = {}
    busy_kinds = 1.0
    for part in PARTS:
        clip = _clip(part.bound, busy_rows, busy_kinds)
        releases[part.name] = gateway.measure(
            part.name, _bind(part.query, known), rho=part.share * unit, clip=clip
        )
        if part.query is queries.n_kinds_held:
            busy_kinds = _quantile(smoothed(releases[part.name].sums[1:], releases[part.name].sigma)) + 1.0
    extras = measure_extras(
        gateway, extra_columns, known, listed, rho=EXTRA_SHARE * unit, delta=each, busy=busy_rows
    )
    paid = popular.measure_popular(
        gateway,
        public.get("amounts"),
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


def _busy(release: Release) -> float:
    """Return how many rows a busy customer has."""
    ends = np.r_[COUNT_EDGES, COUNT_EDGES[-1] * 1.2]
    return float(ends[_quantile(smoothed(release.sums, release.sigma))])


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
    total = np.r_[0.0, np.cumsum(release.sums - WINDOW_LEAST * release.sigma)]
    lowest = np.maximum.accumulate(np.where(total <= np.minimum.accumulate(total), np.arange(len(total)), 0))
    gain = total - total[lowest]
    end = max(int(np.argmax(gain)), 1)
    begin = min(int(lowest[end]), end - 1)
    edges = np.array([begin, end]) + FIRST_EPOCH_MONTH
    days = edges.astype("datetime64[M]").astype("datetime64[D]").astype(int)
    return int(days[0]), int(days[1]) - 1


def _kinds(gateway: Gateway, privacy: DifferentialPrivacy, rho: float, delta: float) -> list[tuple[str, str]]:
    """Return pairs of type and category: public, or those that many customers have and one for the rest."""
    if "categories" in privacy.public:
        return list(privacy.public["categories"])
    shown = gateway.select("categories", queries.held_kinds, rho=rho, delta=delta, most=MOST_KINDS)
    return sorted({*shown, ("credit", OTHER), ("debit", OTHER)})
