"""Attacks that see through noise: rows that agree nearly, gathered at one synthetic customer.

Two rows agree if type and category are equal and the amounts differ by 3 % at most. A real customer whose
history was copied with small noise has many agreeing rows at a single synthetic customer, on the same days
give or take three, or all shifted by the same time. Agreeing rows of other real customers are what chance
gives: each agreement counts by how seldom it occurs between the customer and a reference.

The order of rows plays no part, so noise that swaps neighbours does not help, and neither does a shift of the
whole history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import kind_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["fuzzy_patterns", "fuzzy_rows", "fuzzy_shares", "near_rows"]

_AMOUNT = 0.0305  # difference of logarithms: 3 % up or down
_DAYS = 3
_WINDOW = 3 * _DAYS  # of shifts that count as one; three grids hold every 7 days of shifts together
_LEAST = 3  # rows that make a pattern
_MOST_ROWS = 32  # of a customer, the most surprising ones, that are looked for at any shift
_MOST_PAIRS = 4_000_000  # of agreeing rows at any shift, all attacked customers together
_EVERY_KIND = 10**9
_SPACING = 64.0  # between two kinds or days, wider than the logarithm of any amount


def fuzzy_rows(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by the rows nearly in common with one synthetic customer, on nearly the same days."""
    *views, among, others = _views(targets, synthetic, reference)
    among, others = among.by_day(), others.by_day()
    found = [_on_the_day(view, among, others) for view in views]
    return [_scaled(view, best, weight) for view, (best, weight) in zip(views, found, strict=True)]


def fuzzy_shares(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Return the share of each customer's surprise that is nearly in common with one synthetic customer."""
    *views, among, others = _views(targets, synthetic, reference)
    among, others = among.by_day(), others.by_day()
    found = [_on_the_day(view, among, others) for view in views]
    totals = [
        np.bincount(view.customer, weight, minlength=view.n_customers)
        for view, (_, weight) in zip(views, found, strict=True)
    ]
    return [best / np.maximum(total, 1.0) for (best, _), total in zip(found, totals, strict=True)]


def fuzzy_patterns(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by the rows nearly in common with one synthetic customer, after a shift in time."""
    *views, among, others = _views(targets, synthetic, reference)
    among, others = among.by_amount(), others.by_amount()
    weights = [_surprise_at_any_shift(view, others) for view in views]
    sought = [_most_surprising(view, weight) for view, weight in zip(views, weights, strict=True)]
    ranges = [_ranges(view.amount_place, among) for view in views]
    most = _most_partners([(high - low)[rows] for (low, high), rows in zip(ranges, sought, strict=True)])
    scores = []
    for view, weight, rows, (low, high) in zip(views, weights, sought, ranges, strict=True):
        kept = rows[(high - low)[rows] <= most]
        pairs = _expanded(kept, low[kept], high[kept])
        scores.append(_at_any_shift(view, among, pairs, weight))
    return scores


def near_rows(table: Table, among: Sequence[Table]) -> tuple[Ints, Ints]:
    """Return pairs of rows that nearly agree: kind equal, amounts within 3 %, days within three.

    Returns
    -------
    rows, partners : numpy.ndarray of int64
        Positions in the table, and in the other tables put one after the other.
    """
    *views, view, _ = _views(among, table, table)
    pool = _View(
        kind=np.concatenate([other.kind for other in views]),
        log_amount=np.concatenate([other.log_amount for other in views]),
        day=np.concatenate([other.day for other in views]),
        days=view.days,
        customer=np.arange(sum(len(other) for other in among)),
        n_customers=sum(len(other) for other in among),
        place=np.zeros(0),
    ).by_day()
    rows, partners = _near(view, pool)
    return rows, pool.customer[partners]


@dataclass(frozen=True, eq=False)
class _View:
    """Rows of a table; equal kinds have equal codes in all views, days count from a common origin."""

    kind: Ints
    log_amount: Floats
    day: Ints
    days: int  # that any view spans, and a margin
    customer: Ints
    n_customers: int
    place: Floats  # by which the rows are sorted, if they are

    @property
    def amount_place(self) -> Floats:
        """Rows as points on a line: kinds far apart, amounts of a kind by their logarithm."""
        return self.kind * _SPACING + self.log_amount

    def day_place(self, shift: int = 0) -> Floats:
        """Rows as points on a line: kinds and days far apart, amounts by their logarithm."""
        return (self.kind * self.days + self.day + shift) * _SPACING + self.log_amount

    def by_amount(self) -> _View:
        return self._sorted(self.amount_place)

    def by_day(self) -> _View:
        return self._sorted(self.day_place())

    def _sorted(self, place: Floats) -> _View:
        order = np.argsort(place, kind="stable")
        return _View(
            self.kind[order],
            self.log_amount[order],
            self.day[order],
            self.days,
            self.customer[order],
            self.n_customers,
            place[order],
        )


def _views(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[_View]:
    tables = [*targets, synthetic, reference]
    first = min(int(table.day.min(initial=2**40)) for table in tables) - _DAYS
    last = max(int(table.day.max(initial=-(2**40))) for table in tables) + _DAYS
    return [
        _View(
            kind=kinds,
            log_amount=np.log(np.maximum(table.cents, 1)),
            day=table.day - first,
            days=last - first + 1,
            customer=table.customer,
            n_customers=table.n_customers,
            place=np.zeros(0),
        )
        for kinds, table in zip(kind_codes(tables, _EVERY_KIND), tables, strict=True)
    ]


def _on_the_day(view: _View, among: _View, others: _View) -> tuple[Floats, Floats]:
    """Return the largest sum of surprise at one partner for each customer, and the surprise of each row."""
    rows, partners = _near(view, others)
    pairs = _distinct(rows * others.n_customers + others.customer[partners])
    holders = np.bincount(pairs // others.n_customers, minlength=len(view.day))
    weight = np.log((others.n_customers + 1.0) / (holders + 1.0))
    rows, partners = _near(view, among)
    return _best(view, rows, among.customer[partners], weight), weight


def _near(view: _View, among: _View) -> tuple[Ints, Ints]:
    """Return pairs of rows that agree, on the same day give or take three."""
    found = []
    for shift in range(-_DAYS, _DAYS + 1):
        low, high = _ranges(view.day_place(shift), among)
        rows = np.flatnonzero(high > low)
        found.append(_expanded(rows, low[rows], high[rows]))
    return np.concatenate([rows for rows, _ in found]), np.concatenate([partners for _, partners in found])


def _surprise_at_any_shift(view: _View, others: _View) -> Floats:
    """Return for each row ``-log`` of the chance that a customer of the reference agrees at a given shift."""
    low, high = _ranges(view.amount_place, others)
    chance = (high - low) / others.n_customers * min(1.0, _WINDOW / others.days)
    surprise: Floats = -np.log(np.clip(chance, 1.0 / (others.n_customers + 1), 1.0))
    return surprise


def _most_surprising(view: _View, weight: Floats) -> Ints:
    """Return the rows that are looked for: the most surprising ones of each customer."""
    order = np.lexsort((-weight, view.customer))
    counts = np.bincount(view.customer, minlength=view.n_customers)
    position = np.arange(len(order)) - (np.cumsum(counts) - counts)[view.customer[order]]
    rows: Ints = np.sort(order[(position < _MOST_ROWS) & (weight[order] > 0)])
    return rows


def _most_partners(counts: Sequence[Ints]) -> int:
    """Return how many partners a row may have; the same for all targets, so that none has an advantage."""
    ordered = np.sort(np.concatenate(counts))
    affordable = int((np.cumsum(ordered) <= _MOST_PAIRS).sum())
    if affordable == len(ordered):
        return int(ordered[-1]) if len(ordered) else 0
    return int(ordered[affordable]) - 1


def _at_any_shift(view: _View, among: _View, pairs: tuple[Ints, Ints], weight: Floats) -> Floats:
    rows, partners = pairs
    shift = among.day[partners] - view.day[rows] + view.days
    best = np.zeros(view.n_customers)
    for offset in range(0, _WINDOW, _DAYS):
        block = (shift + offset) // _WINDOW
        partner = among.customer[partners] * (2 * view.days) + block
        best = np.maximum(best, _best(view, rows, partner, weight))
    return _scaled(view, best, weight)


def _scaled(view: _View, best: Floats, weight: Floats) -> Floats:
    """Return the sums by the size of what chance makes them, which grows with the length of a history."""
    total = np.bincount(view.customer, weight, minlength=view.n_customers)
    return best / np.sqrt(np.maximum(total, 1.0))


def _ranges(place: Floats, among: _View) -> tuple[Ints, Ints]:
    low = np.searchsorted(among.place, place - _AMOUNT, side="left")
    high = np.searchsorted(among.place, place + _AMOUNT, side="right")
    return low.astype(np.int64), high.astype(np.int64)


def _expanded(rows: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Return each row once for every position from low to high, and these positions."""
    counts = high - low
    starts = np.cumsum(counts) - counts
    partners = np.arange(int(counts.sum())) - np.repeat(starts - low, counts)
    return np.repeat(rows, counts), partners.astype(np.int64)


def _best(view: _View, rows: Ints, partner: Ints, weight: Floats) -> Floats:
    """Return for each customer the largest sum of the weights of its distinct rows at one partner."""
    best = np.zeros(view.n_customers)
    if len(rows) == 0:
        return best
    pairs = _distinct(partner * len(view.day) + rows)
    partner, rows = pairs // len(view.day), pairs % len(view.day)
    place = partner * view.n_customers + view.customer[rows]  # in order: rows of a customer are contiguous
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    counts = np.diff(np.append(starts, len(place)))
    sums = np.where(counts >= _LEAST, np.add.reduceat(weight[rows], starts), 0.0)
    np.maximum.at(best, place[starts] % view.n_customers, sums)
    return best


def _distinct(codes: Ints) -> Ints:
    """Return each code once, in order; for millions of codes faster than by hashing."""
    ordered = np.sort(codes)
    distinct: Ints = ordered[np.diff(ordered, prepend=-1) != 0]
    return distinct
