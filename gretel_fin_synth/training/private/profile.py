"""What is drawn from: distributions made of released figures, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.beliefs import believe, clipped, leaning
from gretel_fin_synth.training.private.curves import (
    along,
    amounts_of,
    at_the_end,
    even,
    n_held,
    near_banks,
    tied,
)
from gretel_fin_synth.training.private.extras import ExtraModel
from gretel_fin_synth.training.private.grids import (
    AMOUNT_BINS,
    FLOW_SHAPE,
    MONTHLY,
    N_MANY,
    N_MONEY,
    N_SORTS,
    PER_DECADE,
    SPREADS,
)
from gretel_fin_synth.training.private.popular import usual_amounts
from gretel_fin_synth.training.private.prior import prior_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.training.private.plan import Figures

__all__ = ["Profile"]

FloatArray = npt.NDArray[np.float64]

ALWAYS = 0.97  # share of holders from which a kind is held by everybody
N_KNOTS = 65
SPAN_ROUNDS = 30
LEAST_OPENING = 2.5  # noise deviations above which customers begin with a kind more often than with others
LEAST_TIMES = 4.0  # noise deviations above which a table has times of the day


@dataclass
class Profile:
    """Distributions that customers are drawn from, K kinds of transactions, M months.

    Parameters
    ----------
    kinds : list of pairs
        Type and category.
    sign : ndarray (K,)
        1 for credits, -1 for debits.
    first, last, first_month, n_months : int
        The window: days and months since 1970.
    hold, held_together, n_held : ndarray (K,), (K, K), (K + 1,)
        Share of customers who have a kind, correlation of having them, how many kinds customers have.
    sorts, many, seldom : ndarray (K, 8), (K, 5), (K, 7)
        Habits of the customers of a kind; rows a month of those who have it monthly, and of the others.
    amount, rounding, cents : ndarray (K, cells), (K, classes), (100,)
        Sizes of amounts, their roundness, last digits of amounts that are not round.
    own_level : ndarray (K,)
        Part of the variance of the logarithms of amounts that lies between customers.
    days, weekdays, months, hours : ndarray (K, 32), (K, 7), (M,), (25,)
        When it is paid; weekdays relative to a seventh.
    spans, pace, flow, start, below, swing : ndarray
        Customers by first and last month, rows a month, income and spending, starting amount, negative
        balances, and how far balances swing.
    order : ndarray (K,)
        Place of a kind inside a day.
    onset, ending : ndarray (K, lags)
        Months before the first row and after the last.
    kind_rows : ndarray (K,)
        Shares of the kinds among rows.
    same_day : float
        Share of transactions on the day of the one before.
    seen : float
        Chance that a kind that a customer has is seen in the window, if its rate leaves it without a row.
    usual : ndarray (amounts, 3)
        Kind, minor units and share of the kind's rows of amounts that many customers pay.
    opening, opening_amount : ndarray (K,), (N_MONEY,)
        How likely a new customer who has a kind begins with it, and with which amounts.
    pull : ndarray (3, K, K)
        Logarithms of how much likelier one kind follows another than by chance: on one day, on a later one,
        and with another between them.
    rate, hold_shift, month_rate, copy_day, amount_map, pull
        What calibration sets, so that what is drawn shows the figures: factors of rates (K,), shifts of
        holding (K,), factors of months (M,), share of rows moved to the day of another, and knots (K, 2, n)
        of decimal logarithms of amounts and what they become.
    """

    kinds: list[tuple[str, str]]
    sign: npt.NDArray[np.int64]
    first: int
    last: int
    first_month: int
    n_months: int
    hold: FloatArray
    held_together: FloatArray
    n_held: FloatArray
    sorts: FloatArray
    many: FloatArray
    seldom: FloatArray
    amount: FloatArray
    rounding: FloatArray
    cents: FloatArray
    own_level: FloatArray
    days: FloatArray
    weekdays: FloatArray
    months: FloatArray
    hours: FloatArray
    spans: FloatArray
    pace: FloatArray
    flow: FloatArray
    start: FloatArray
    below: FloatArray
    swing: FloatArray
    order: FloatArray
    pull: FloatArray
    opening: FloatArray
    opening_amount: FloatArray
    onset: FloatArray
    ending: FloatArray
    kind_rows: FloatArray
    same_day: float
    seen: float
    rate: FloatArray
    hold_shift: FloatArray
    month_rate: FloatArray
    copy_day: float
    amount_map: FloatArray
    usual: FloatArray
    extras: dict[str, ExtraModel]

    @classmethod
    def of(cls, figures: Figures) -> Profile:
        """Make the best of released figures."""
        n, k, known = figures.n_customers, len(figures.kinds), figures.known
        values = {name: release.sums for name, release in figures.releases.items()}
        sigma = {name: release.sigma for name, release in figures.releases.items()}
        prior = prior_for(known.first_month, known.n_months)
        kinds = believe(prior, values, sigma, known.sign, n)
        hold, rows = kinds.hold, kinds.rows

        def like(name: str, table: FloatArray, noise: float, totals: FloatArray) -> FloatArray:
            return leaning(table, noise, totals, kinds.weight @ prior.tables[name])

        def by_kind(name: str, query: str) -> FloatArray:
            return like(name, values[query], sigma[query], rows * max(values[query].sum(), sigma[query]))

        amount = amounts_of(prior, kinds, values["kind_amounts"], sigma["kind_amounts"])
        absent = sigma["absences"]
        spread = like(
            "spreads",
            values["spreads"],
            sigma["spreads"],
            clipped(values["spreads"], hold * n, sigma["spreads"]),
        )
        early, late = (
            like(name, table, absent, clipped(table, hold * n, absent))
            for name, table in zip(("early", "late"), values["absences"], strict=True)
        )
        sorts, many, seldom = _habits(values["habits"], sigma["habits"], hold * n, like)

        def whole(name: str) -> FloatArray:
            return near_banks(values[name], sigma[name], float(n), prior.banks[name])

        return cls(
            kinds=figures.kinds,
            sign=known.sign,
            first=figures.first,
            last=figures.last,
            first_month=known.first_month,
            n_months=known.n_months,
            hold=hold,
            held_together=_together(values["holder_pairs"] / n, sigma["holder_pairs"] / n, hold),
            n_held=n_held(values["n_kinds_held"], sigma["n_kinds_held"], hold, n),
            sorts=sorts,
            many=many,
            seldom=seldom,
            amount=amount,
            rounding=by_kind("rounding", "kind_rounding"),
            cents=near_banks(
                values["cents"],
                sigma["cents"],
                max(float(values["cents"].sum()), sigma["cents"]),
                prior.banks["cents"],
            ),
            own_level=1 - np.clip(spread @ SPREADS**2 / np.maximum(_variance(amount), 0.01), 0.02, 0.98),
            days=by_kind("days", "kind_days"),
            weekdays=by_kind("weekdays", "kind_weekdays") * 7,
            months=even(values["months"], sigma["months"]),
            hours=_hours(values["hours"], sigma["hours"]),
            spans=_spans(values["spans"], sigma["spans"], n),
            pace=along(values["paces"], sigma["paces"], n, prior.banks["paces"]),
            flow=_flow(values, sigma, n, prior.banks),
            start=along(values["starts"], sigma["starts"], n, prior.banks["starts"], N_MONEY // 2),
            below=whole("below_zero"),
            swing=near_banks(values["swings"], sigma["swings"], n, prior.banks["swings"], smooth=True),
            order=_order(values["successions"][0], sigma["successions"]),
            pull=np.zeros((3, k, k)),
            opening=_opening(values["openings"][:k], sigma["openings"], hold),
            opening_amount=_opening_amount(
                values["openings"][k:], sigma["openings"], prior.banks["openings"]
            ),
            onset=early,
            ending=late,
            kind_rows=rows,
            same_day=_same_day(values["gaps"], sigma["gaps"], prior.banks["gaps"]),
            seen=1.0,
            rate=np.ones(k),
            hold_shift=np.zeros(k),
            month_rate=np.ones(known.n_months),
            copy_day=0.2,
            amount_map=_no_map(k),
            usual=usual_amounts(figures.popular, values["kind_rows"]),
            extras={name: ExtraModel.of(own, rows) for name, own in figures.extras.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        return {**values, "extras": {name: model.to_dict() for name, model in self.extras.items()}}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Profile:
        """Inverse of :meth:`to_dict`."""
        plain = {
            "kinds",
            "first",
            "last",
            "first_month",
            "n_months",
            "same_day",
            "seen",
            "copy_day",
            "extras",
        }
        arrays: dict[str, Any] = {
            f.name: np.array(values[f.name]) for f in fields(cls) if f.name not in plain
        }
        arrays["usual"] = arrays["usual"].reshape(-1, 3)
        rest = {name: values[name] for name in plain}
        rest["kinds"] = [tuple(pair) for pair in values["kinds"]]
        rest["extras"] = {name: ExtraModel.from_dict(own) for name, own in values["extras"].items()}
        return cls(**arrays, **rest)


def _no_map(n_kinds: int) -> FloatArray:
    knots = np.linspace(0, AMOUNT_BINS / PER_DECADE, N_KNOTS)
    return np.broadcast_to(knots, (n_kinds, 2, N_KNOTS)).copy()


def _variance(amount: FloatArray) -> FloatArray:
    """Return the variance of the natural logarithm of each kind's amounts."""
    logs = (np.arange(AMOUNT_BINS) + 0.5) / PER_DECADE * np.log(10)
    mean = amount @ logs
    return np.asarray((amount * (logs - mean[:, None]) ** 2).sum(axis=1))


def _habits(
    values: FloatArray,
    sigma: float,
    holders: FloatArray,
    like: Callable[[str, FloatArray, float, FloatArray], FloatArray],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    total = holders * min(1.0, max(values.sum(), sigma) / 2 / holders.sum())
    sorts = like("sorts", values[:, :N_SORTS], sigma, total)
    monthly = sorts[:, :MONTHLY].sum(axis=1)
    many = like("many", values[:, N_SORTS : N_SORTS + N_MANY], sigma, total * monthly)
    seldom = like("seldom", values[:, N_SORTS + N_MANY :], sigma, total * (1 - monthly))
    return sorts, many, seldom


def _together(pairs: FloatArray, sigma: float, hold: FloatArray) -> FloatArray:
    """Return a correlation matrix of the normal variables that decide who has which kind."""
    deviation = np.sqrt(hold * (1 - hold) + 1e-9)
    scale = np.outer(deviation, deviation)
    found = ((pairs + pairs.T) / 2 - np.outer(hold, hold)) / scale
    noise = sigma / np.sqrt(2) / scale
    trust = np.clip(1 - (noise / np.maximum(np.abs(found), 1e-9)) ** 2, 0, 1)
    wanted = np.sin(np.pi / 2 * np.clip(np.clip(found, -0.9, 0.9) * trust, -0.95, 0.95))
    np.fill_diagonal(wanted, 1.0)
    sizes, axes = np.linalg.eigh(wanted)
    sound = (axes * np.maximum(sizes, 0.02)) @ axes.T
    return np.asarray(sound / np.sqrt(np.outer(np.diag(sound), np.diag(sound))))


def _flow(
    values: dict[str, FloatArray], sigma: dict[str, float], n: int, banks: dict[str, FloatArray]
) -> FloatArray:
    """Return customers by income and by what is left of it."""
    size, found = FLOW_SHAPE[0], values["flows"]
    income = along(found[:size], sigma["flows"], n, banks["income"])
    left = near_banks(found[size:], sigma["flows"], float(n), banks["left"], smooth=True)
    return tied(income, left, values["thrift"], sigma["thrift"], n)


def _spans(values: FloatArray, sigma: float, n: int) -> FloatArray:
    """Return customers by first and last month: those of all whose first month is not after the last."""
    size = len(values) // 2
    first = at_the_end(values[:size], sigma, n) + 1e-9
    last = at_the_end(values[size:][::-1], sigma, n)[::-1] + 1e-9
    spans = np.triu(np.outer(first, last))
    for _ in range(SPAN_ROUNDS):  # iterative proportional fitting
        spans *= (first / spans.sum(axis=1))[:, None]
        spans *= last / spans.sum(axis=0)
    return np.asarray(spans / spans.sum())


def _same_day(values: FloatArray, sigma: float, banks: FloatArray) -> float:
    """Return the share of transactions on the day of the one before."""
    total = max(float(values.sum()), sigma)
    noise, usual, apart = sigma / total, banks[:, 0].mean(), 0.1
    return float(np.clip((values[0] / total * apart**2 + usual * noise**2) / (apart**2 + noise**2), 0, 1))


def _order(neighbours: FloatArray, sigma: float) -> FloatArray:
    """Return for each kind how late it comes among those of its day, -1 to 1."""
    both = np.maximum(neighbours + neighbours.T, 0)
    ahead = neighbours - neighbours.T
    trust = np.maximum(1 - 2 * sigma**2 * (len(ahead) - 1) / np.maximum((ahead**2).sum(axis=1), 1e-9), 0)
    ahead = ahead / (both + 3 * sigma)
    return np.asarray(-trust * ahead.sum(axis=1) / np.maximum((both > 2 * sigma).sum(axis=1), 1))


def _opening(values: FloatArray, sigma: float, hold: FloatArray) -> FloatArray:
    """Return how likely kinds are a customer's first payment, for those who have them; alike by default."""
    total, usual = max(float(values.sum()), sigma), hold / hold.sum()
    chosen = np.where(values - total * usual > LEAST_OPENING * sigma, values / total, 0.0)
    share = chosen + max(1 - float(chosen.sum()), 0.0) * np.where(chosen > 0, 0.0, usual)
    return np.asarray(np.minimum(share / np.maximum(hold, 1e-3), 1.0))


def _opening_amount(values: FloatArray, sigma: float, banks: FloatArray) -> FloatArray:
    total = max(float(values.sum()), sigma)
    return along(values, sigma, total, banks, N_MONEY // 2)


def _hours(values: FloatArray, sigma: float) -> FloatArray:
    """Return shares of the hours; midnight only where noise explains all the other times."""
    elsewhere, noise = float(values[:24].sum()), sigma * np.sqrt(24)
    return np.eye(25)[24] if elsewhere < LEAST_TIMES * noise else even(values, sigma)
