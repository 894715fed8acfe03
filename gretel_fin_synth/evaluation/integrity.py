"""Whether a table is sound in itself: balances that add up, order, no empty cells, known categories.

Real tables break such rules too (a bank rounds interest and balance apart, an export loses a row), so every
count stands beside the real table's own, and only what exceeds it is held against the synthetic table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._table import COLUMNS, Table
from gretel_fin_synth.evaluation.results import Concern, Count, Score, grade_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

__all__ = ["TITLES", "integrity"]

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


@dataclass(frozen=True, eq=False)
class _Check:
    """One mask over rows (or customers), and values to show."""

    failing: Bools
    values: NDArray[np.object_] | None = None

    def count(self, reference: float | None, *, hard: bool) -> Count:
        examples: tuple[str, ...] = ()
        if self.values is not None:
            names, counts = np.unique(self.values[self.failing].astype(str), return_counts=True)
            examples = tuple(names[np.argsort(-counts, kind="stable")][:_SHOWN].tolist())
        return Count(
            count=int(self.failing.sum()),
            of=len(self.failing),
            reference=reference,
            hard=hard,
            examples=examples,
        )

    @property
    def share(self) -> float:
        return float(self.failing.mean()) if len(self.failing) else 0.0


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
    own, other = _checks(real, real), _checks(synthetic, real)
    outside = None if holdout is None else _checks(holdout, real)
    counts = {
        name: check.count(_reference(name, own, outside), hard=name in (*_HARD, "two_starting_amounts"))
        for name, check in other.items()
    }
    score = _soundness(other, own)
    return Score(
        score=score,
        grade=grade_of(score),
        reference=None if outside is None else _soundness(outside, own),
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


def _checks(table: Table, real: Table) -> dict[str, _Check]:
    """Run every check that the columns of the table allow."""
    source = table.source
    present = [name for name in COLUMNS if name in source.columns]
    categories, types = source["transaction_category"], source["transaction_type"]
    checks = {}
    if table.has_balance:
        checks["balance_breaks"] = _Check(_spread(balance_breaks(table), table))
    checks["out_of_order"] = _Check(_out_of_order(source))
    checks["empty_cells"] = _Check(source[present].isna().any(axis=1).to_numpy(dtype=np.bool_))
    checks["invalid_amounts"] = _Check(_invalid_amounts(source, table.minor_units))
    unknown = types.notna() & ~types.isin(_TYPES)
    checks["unknown_types"] = _Check(unknown.to_numpy(dtype=np.bool_), types.to_numpy(dtype=object))
    checks["unseen_categories"] = _unseen(categories, real.source["transaction_category"])
    checks["unseen_kinds"] = _unseen(_kinds(source), _kinds(real.source))
    checks["duplicate_rows"] = _Check(source[present].duplicated().to_numpy(dtype=np.bool_))
    if "starting_amount" in source.columns:
        starts = source.groupby("customer_id")["starting_amount"].nunique()
        checks["two_starting_amounts"] = _Check((starts > 1).to_numpy(dtype=np.bool_))
    if table is not real:
        ids = pd.Series(source["customer_id"].dropna().unique(), dtype=object)
        known = ids.isin(real.source["customer_id"].dropna().unique())
        checks["known_customers"] = _Check(known.to_numpy(dtype=np.bool_))
    return checks


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


def _kinds(source: pd.DataFrame) -> pd.Series[Any]:
    return source["transaction_type"] + ": " + source["transaction_category"]


def _unseen(values: pd.Series[Any], known: pd.Series[Any]) -> _Check:
    failing = values.notna() & ~values.isin(known.dropna().unique())
    return _Check(failing.to_numpy(dtype=np.bool_), values.to_numpy(dtype=object))


def _soundness(checks: Mapping[str, _Check], own: Mapping[str, _Check]) -> float:
    return 100.0 * (1.0 - max(0.0, _broken_share(checks) - _broken_share(own)))


def _broken_share(checks: Mapping[str, _Check]) -> float:
    masks = [checks[name].failing for name in _HARD if name in checks]
    broken = np.any(masks, axis=0)
    return float(broken.mean()) if len(broken) else 0.0


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
        if table.unusable:
            reasons = ", ".join(f"{count:,} with {reason}" for reason, count in table.unusable.items())
            notes.append(f"Rows of the {name} table left out of the other measures: {reasons}.")
    return notes
