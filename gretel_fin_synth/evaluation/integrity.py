"""Whether a table is sound in itself: balances that add up, order, no empty cells, known categories.

Real tables break such rules too (a bank rounds interest and balance apart, an export loses a row), so every
count stands beside the real table's own, and only what exceeds it is held against the synthetic table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._table import COLUMNS, Table
from gretel_fin_synth.evaluation.results import Concern, Count, Score, grade_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

__all__ = ["TITLES", "Soundness", "integrity", "soundness_of"]

TITLES: Mapping[str, str] = {
    "balance_breaks": "Rows whose balance is not the one before plus the amount",
    "out_of_order": "Rows dated before the customer's row above",
    "empty_cells": "Rows with an empty or unreadable cell",
    "invalid_amounts": "Rows whose amount is not above zero or has a fraction of a cent",
    "unknown_types": "Rows whose type is neither credit nor debit",
    "unseen_categories": "Rows with a category that the real table does not have",
    "unseen_kinds": "Rows with a pair of type and category that the real table does not have",
    "duplicate_rows": "Rows that repeat another row of the same table in every cell",
    "two_starting_amounts": "Customers with more than one starting amount",
    "known_customers": "Customers whose id is that of a real customer",
}
"""What each check counts, in words."""

_HARD = ("balance_breaks", "out_of_order", "empty_cells", "invalid_amounts", "unknown_types")
_BY_HOLDOUT = ("unseen_categories", "unseen_kinds", "known_customers")
_TYPES = ("credit", "debit")
_SHOWN = 5


@dataclass(frozen=True)
class Soundness:
    """What is broken in some whole customers' rows; two groups of customers add up.

    Attributes
    ----------
    n_rows : int
        Rows, usable or not.
    broken : int
        Rows with at least one hard violation.
    failing : mapping of str to int
        Rows that break each rule that needs no other table.
    types, categories, kinds : Counter of str
        Rows with each unknown type, each category, each pair of type and category.
    ids : frozenset of str
        The customers.
    starts, several_starts : int or None
        Customers, and those with more than one starting amount; None without such a column.
    """

    n_rows: int
    broken: int
    failing: Mapping[str, int]
    types: Counter[str]
    categories: Counter[str]
    kinds: Counter[str]
    ids: frozenset[str]
    starts: int | None
    several_starts: int | None

    def __add__(self, other: Soundness) -> Soundness:
        known = self.starts is not None and other.starts is not None
        return Soundness(
            n_rows=self.n_rows + other.n_rows,
            broken=self.broken + other.broken,
            failing={name: count + other.failing[name] for name, count in self.failing.items()},
            types=self.types + other.types,
            categories=self.categories + other.categories,
            kinds=self.kinds + other.kinds,
            ids=self.ids | other.ids,
            starts=(self.starts or 0) + (other.starts or 0) if known else None,
            several_starts=(self.several_starts or 0) + (other.several_starts or 0) if known else None,
        )

    @property
    def broken_share(self) -> float:
        """Share of rows with a hard violation."""
        return self.broken / self.n_rows if self.n_rows else 0.0


@dataclass(frozen=True)
class _Check:
    """How many rows (or customers) fail of how many, and the values that fail, if they are worth showing."""

    failing: int
    of: int
    values: Mapping[str, int] = field(default_factory=dict)

    def count(self, reference: float | None, *, hard: bool) -> Count:
        examples = sorted(self.values, key=lambda value: (-self.values[value], value))[:_SHOWN]
        return Count(self.failing, self.of, reference=reference, hard=hard, examples=tuple(examples))

    @property
    def share(self) -> float:
        return self.failing / self.of if self.of else 0.0


def integrity(
    real: Table, synthetic: Table, holdout: Table | None = None, rng: np.random.Generator | None = None
) -> Score:
    """Count what is broken in the synthetic table, beside the real table's own counts.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`. The holdout says how many unseen
        categories other real customers bring.
    rng : numpy.random.Generator, optional
        Not used; nothing here is random.

    Returns
    -------
    Score
        ``score`` is 100 times 1 minus the share of rows with a hard violation that exceeds the real table's
        share. ``breakdown`` maps each check of :data:`TITLES` to a :class:`Count` whose reference is the real
        table's share (the holdout's for unseen categories).
    """
    tables = {"real": real, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    sound = {name: table.soundness for name, table in tables.items()}
    found = {name: _checks(part, sound["real"]) for name, part in sound.items()}
    own, other, outside = found["real"], found["synthetic"], found.get("holdout")
    counts = {
        name: check.count(_reference(name, own, outside), hard=name in (*_HARD, "two_starting_amounts"))
        for name, check in other.items()
    }
    score = _score(sound["synthetic"], sound["real"])
    return Score(
        score=score,
        grade=grade_of(score),
        reference=None if outside is None else _score(sound["holdout"], sound["real"]),
        breakdown=counts,
        concerns=(*_lost_columns(real, synthetic), *_concerns(counts, outside)),
        notes=tuple(_notes(real, synthetic)),
    )


def balance_breaks(table: Table) -> Bools:
    """Return for each row of ``table.frame`` whether its balance is not the one before plus its amount.

    The balance before a customer's first row is taken from the column ``starting_amount`` if there is one;
    without it that row cannot break, nor can a row without balance or after one without.
    """
    before, known = np.zeros(len(table), dtype=np.int64), np.zeros(len(table), dtype=np.bool_)
    before[1:], known[1:] = table.balance_cents[:-1], table.balance_known[:-1]
    first = table.starts[:-1]
    known[first] = False
    if "starting_amount" in table.source.columns:
        column = table.source["starting_amount"].iloc[table.row[first]]
        amounts = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        known[first] = np.isfinite(amounts)
        scaled = np.where(known[first], amounts, 0.0) * 10.0**table.minor_units
        before[first] = np.rint(scaled).astype(np.int64)
    breaks: Bools = known & table.balance_known & (table.balance_cents != before + table.signed_cents)
    return breaks


def soundness_of(table: Table) -> Soundness:
    """Count what is broken in a table in memory, by every rule that its columns allow."""
    source = table.source
    masks = _masks(table)
    broken = np.any([mask for name, mask in masks.items() if name in _HARD], axis=0)
    types = source["transaction_type"]
    starts = None
    if "starting_amount" in source.columns:
        starts = source.groupby("customer_id")["starting_amount"].nunique()
    return Soundness(
        n_rows=len(source),
        broken=int(broken.sum()),
        failing={name: int(mask.sum()) for name, mask in masks.items()},
        types=_counted(types[masks["unknown_types"]]),
        categories=_counted(source["transaction_category"]),
        kinds=_counted(types + ": " + source["transaction_category"]),
        ids=frozenset(source["customer_id"].dropna().unique().tolist()),
        starts=None if starts is None else len(starts),
        several_starts=None if starts is None else int((starts > 1).sum()),
    )


def _masks(table: Table) -> dict[str, Bools]:
    """Return for every row of the source whether it breaks each rule."""
    source = table.source
    present = [name for name in COLUMNS if name in source.columns]
    types = source["transaction_type"]
    masks = {}
    if table.has_balance:
        masks["balance_breaks"] = _spread(balance_breaks(table), table)
    if table.ordered:
        masks["out_of_order"] = _out_of_order(source)
    masks["empty_cells"] = source[present].isna().any(axis=1).to_numpy(dtype=np.bool_)
    masks["invalid_amounts"] = _invalid_amounts(source, table.minor_units)
    masks["unknown_types"] = (types.notna() & ~types.isin(_TYPES)).to_numpy(dtype=np.bool_)
    masks["duplicate_rows"] = source[present].duplicated().to_numpy(dtype=np.bool_)
    return masks


def _counted(values: pd.Series[Any]) -> Counter[str]:
    return Counter({str(value): int(count) for value, count in values.value_counts().items()})


def _checks(sound: Soundness, real: Soundness) -> dict[str, _Check]:
    """Return every check in the order in which they are shown."""
    rows = {name: _Check(count, sound.n_rows) for name, count in sound.failing.items()}
    duplicates = rows.pop("duplicate_rows")
    rows["unknown_types"] = _Check(sound.types.total(), sound.n_rows, sound.types)
    rows["unseen_categories"] = _unseen(sound.categories, real.categories, sound.n_rows)
    rows["unseen_kinds"] = _unseen(sound.kinds, real.kinds, sound.n_rows)
    rows["duplicate_rows"] = duplicates
    if sound.starts is not None and sound.several_starts is not None:
        rows["two_starting_amounts"] = _Check(sound.several_starts, sound.starts)
    if sound is not real:
        rows["known_customers"] = _Check(len(sound.ids & real.ids), len(sound.ids))
    return rows


def _spread(failing: Bools, table: Table) -> Bools:
    """Carry a mask over the usable rows to all rows of the source."""
    rows = np.zeros(len(table.source), dtype=np.bool_)
    rows[table.row] = failing
    return rows


def _out_of_order(source: pd.DataFrame) -> Bools:
    dates = source["transaction_date"]
    before = dates.groupby(source["customer_id"], sort=False).shift()
    return (dates < before).to_numpy(dtype=np.bool_)


def _invalid_amounts(source: pd.DataFrame, minor_units: int) -> Bools:
    amount = source["transaction_amount"].to_numpy(dtype=np.float64)
    minor = amount * 10.0**minor_units
    with np.errstate(invalid="ignore"):
        fraction = np.abs(minor - np.rint(minor)) > 1e-6 * np.maximum(1.0, np.abs(minor) * 1e-6)
    return np.asarray((amount <= 0) | (fraction & ~np.isnan(amount)), dtype=np.bool_)


def _unseen(values: Counter[str], known: Counter[str], of: int) -> _Check:
    unseen = {value: count for value, count in values.items() if value not in known}
    return _Check(sum(unseen.values()), of, unseen)


def _score(sound: Soundness, real: Soundness) -> float:
    return 100.0 * (1.0 - max(0.0, sound.broken_share - real.broken_share))


def _reference(name: str, own: Mapping[str, _Check], outside: Mapping[str, _Check] | None) -> float | None:
    if name in _BY_HOLDOUT:
        return None if outside is None else outside[name].share
    return own[name].share if name in own else None


def _concerns(counts: Mapping[str, Count], outside: Mapping[str, _Check] | None) -> list[Concern]:
    concerns = []
    for name, count in counts.items():
        allowed = max(count.reference or 0.0, outside[name].share if outside and name in outside else 0.0)
        if not _exceeds(count, allowed):
            continue
        whose = "holdout" if name in _BY_HOLDOUT else "real table"
        beside = "" if count.reference is None else f" ({whose}: {count.reference:.1%})"
        text = f"{TITLES[name]}: {count.count:,} of {count.of:,}{beside}"
        if count.examples:
            text += f", such as {', '.join(map(repr, count.examples[:3]))}"
        if name == "known_customers":
            concerns.append(Concern(text=text, forbids="other teams"))
        else:
            concerns.append(Concern(text=text, forbids="same team" if count.hard else None, hard=count.hard))
    return concerns


def _lost_columns(real: Table, synthetic: Table) -> list[Concern]:
    lost = [str(name) for name in real.source.columns if name not in synthetic.source.columns]
    return (
        [Concern(f"Columns of the real table that the synthetic one lacks: {', '.join(lost)}")]
        if lost
        else []
    )


def _exceeds(count: Count, allowed: float) -> bool:
    """Return whether a count is above a share by more than chance: three standard deviations."""
    if count.share is None or count.count == 0:
        return False
    margin = 3.0 * float(np.sqrt(allowed * (1.0 - allowed) / count.of))
    return count.share > allowed + margin


def _notes(real: Table, synthetic: Table) -> list[str]:
    notes = []
    for name, table in (("real", real), ("synthetic", synthetic)):
        if not table.has_balance:
            notes.append(f"The {name} table has no column account_balance: balances cannot be checked.")
        if not table.ordered:
            notes.append(f"The {name} table has no order of rows: which are out of order is not known.")
        if table.left_out:
            reasons = ", ".join(f"{count:,} with {reason}" for reason, count in table.left_out.items())
            notes.append(f"Rows of the {name} table left out of the other measures: {reasons}.")
    return notes
