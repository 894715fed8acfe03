"""Attacks on single rows: single one out, link two halves of it, infer its category or its amount.

Every attack is made on rows of training customers and on rows of customers that the generator never saw, in
one go and by one rule, so that an honest table treats both alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import kind_codes, signed_log
from gretel_fin_synth.evaluation._table import shared_codes
from gretel_fin_synth.evaluation._traces import row_codes
from gretel_fin_synth.evaluation.attacks._fuzzy import near_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Ints = NDArray[np.int64]
    Hits = tuple[Bools, Ints]

__all__ = ["ROW_TITLES", "row_attacks"]

ROW_TITLES: Mapping[str, str] = {
    "row_singled_out": "A row singled out exactly (date, amount, type, category)",
    "row_singled_out_nearly": "A row singled out through noise (3 days, 3 %)",
    "row_linked": "Two halves of a row linked (day and category; amount and balance)",
    "category_inferred": "A row's category inferred from the rest of it",
    "amount_inferred": "A row's amount inferred from the rest of it, within 3 %",
}
"""The attacks in words."""

_MOST_ATTACKED = 1000  # rows, of training customers and of others
_MOST_KNOWN = 20_000  # synthetic rows that an attacker searches
_NEIGHBOURS = 10
_CLOSE = 0.0305  # difference of logarithms that counts as right
_CELLS = 4_000_000
_EVERY_KIND = 10**9


def row_attacks(
    train: Table, synthetic: Table, holdout: Table, rng: np.random.Generator
) -> dict[str, tuple[Hits, Hits]]:
    """Return for each attack its hits and whom they concern, on training and on holdout rows."""
    attacked = [_sampled(len(table), _MOST_ATTACKED, rng) for table in (train, holdout)]
    known = _sampled(len(synthetic), _MOST_KNOWN, rng)
    views = _views([train, holdout, synthetic])
    targets = [view.take(rows) for view, rows in zip(views, attacked, strict=False)]
    among = views[2].take(known)
    found = {
        "row_singled_out": _singled_out(train, synthetic, holdout),
        "row_singled_out_nearly": _singled_out_nearly(train, synthetic, holdout),
        "row_linked": [_linked(target, among) for target in targets],
        "category_inferred": [_category_inferred(target, among) for target in targets],
        "amount_inferred": [_amount_inferred(target, among) for target in targets],
    }
    hits = {}
    for name, (first, second) in found.items():
        whole = name.startswith("row_singled")
        rows = [np.arange(len(first)), np.arange(len(second))] if whole else attacked
        hits[name] = ((first, train.customer[rows[0]]), (second, holdout.customer[rows[1]]))
    return hits


def _sampled(size: int, most: int, rng: np.random.Generator) -> Ints:
    chosen = np.arange(size) if size <= most else np.sort(rng.choice(size, size=most, replace=False))
    return chosen.astype(np.int64)


def _singled_out(train: Table, synthetic: Table, holdout: Table) -> list[Bools]:
    """Return the rows that equal a synthetic row and no other real row."""
    codes, others, guessed = row_codes([train, holdout, synthetic], ids=False)
    counts = np.bincount(np.concatenate([codes, others]))
    return [np.isin(part, guessed) & (counts[part] == 1) for part in (codes, others)]


def _singled_out_nearly(train: Table, synthetic: Table, holdout: Table) -> list[Bools]:
    """Return the rows that some synthetic row is near to, while it is near to no other real row."""
    guesses, rows = near_rows(synthetic, [train, holdout])
    counts = np.bincount(guesses, minlength=len(synthetic))
    hits = np.zeros(len(train) + len(holdout), dtype=np.bool_)
    hits[rows[counts[guesses] == 1]] = True
    return [hits[: len(train)], hits[len(train) :]]


@dataclass(frozen=True, eq=False)
class _View:
    """Rows as an attacker sees them; numbers are scaled so that the synthetic rows' range is 1."""

    day: Singles
    day_of_month: Singles
    amount: Singles
    balance: Singles
    kind: Ints
    category: Ints
    credit: Ints
    log_amount: Floats

    def take(self, rows: Ints) -> _View:
        return _View(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def _views(tables: Sequence[Table]) -> list[_View]:
    """Describe rows; the scale is that of the last table."""
    kinds = kind_codes(tables, _EVERY_KIND)
    categories, _ = shared_codes(*(table.category for table in tables))
    known = all(table.balance_known.all() for table in tables)
    numbers = [
        {
            "day": table.day.astype(np.float64),
            "day_of_month": table.day_of_month.astype(np.float64),
            "amount": np.log1p(table.cents),
            "balance": signed_log(table.balance_cents) if known else np.zeros(len(table)),
        }
        for table in tables
    ]
    ranges = {name: float(np.ptp(values)) or 1.0 for name, values in numbers[-1].items()}
    return [
        _View(
            **{name: (values / ranges[name]).astype(np.float32) for name, values in columns.items()},
            kind=kinds[position],
            category=categories[position],
            credit=tables[position].is_credit.astype(np.int64),
            log_amount=np.log1p(tables[position].cents),
        )
        for position, columns in enumerate(numbers)
    ]


def _linked(target: _View, among: _View) -> Bools:
    """Return whether a synthetic row is among the nearest ten by both halves of a row."""
    hits = np.zeros(len(target.day), dtype=np.bool_)
    count = min(_NEIGHBOURS, len(among.day))
    for part in _parts(len(hits), len(among.day)):
        one = _distances(target, among, part, numbers=("day",), names=("kind",))
        two = _distances(target, among, part, numbers=("amount", "balance"), names=())
        sets = [np.sort(np.argpartition(each, count - 1, axis=1)[:, :count], axis=1) for each in (one, two)]
        both = np.sort(np.concatenate(sets, axis=1), axis=1)
        hits[part] = (np.diff(both, axis=1) == 0).any(axis=1)
    return hits


def _category_inferred(target: _View, among: _View) -> Bools:
    nearest = _nearest(target, among, numbers=("day", "day_of_month", "amount", "balance"), names=("credit",))
    return np.asarray(among.category[nearest] == target.category, dtype=np.bool_)


def _amount_inferred(target: _View, among: _View) -> Bools:
    nearest = _nearest(target, among, numbers=("day", "day_of_month", "balance"), names=("kind",))
    return np.asarray(np.abs(among.log_amount[nearest] - target.log_amount) <= _CLOSE, dtype=np.bool_)


def _nearest(target: _View, among: _View, *, numbers: Sequence[str], names: Sequence[str]) -> Ints:
    nearest = np.empty(len(target.day), dtype=np.int64)
    for part in _parts(len(nearest), len(among.day)):
        nearest[part] = _distances(target, among, part, numbers=numbers, names=names).argmin(axis=1)
    return nearest


def _distances(
    target: _View, among: _View, part: slice, *, numbers: Sequence[str], names: Sequence[str]
) -> Singles:
    """Return Gower's distances: differences of scaled numbers, 1 for each name that differs."""
    total = np.zeros((len(target.day[part]), len(among.day)), dtype=np.float32)
    for name in numbers:
        apart = getattr(target, name)[part][:, None] - getattr(among, name)[None, :]
        total += np.abs(apart, out=apart)
    for name in names:
        total += getattr(target, name)[part][:, None] != getattr(among, name)[None, :]
    return total


def _parts(size: int, others: int) -> list[slice]:
    step = max(1, _CELLS // max(others, 1))
    return [slice(start, start + step) for start in range(0, size, step)]
