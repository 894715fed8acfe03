"""How alike two tables are as histories of money: six groups of similarities, compared with a holdout's.

Every member is a similarity from 0 to 1: 1 minus the Kolmogorov-Smirnov statistic for numbers, 1 minus the
Jensen-Shannon distance (base 2) for categories and their runs, 1 minus the total variation for days, months
and cents, 1 minus the difference for shares, 1 minus the relative error for the dynamics. A group is the
mean of its members times 100, the whole is a weighted mean of the groups.

None of these figures is to be read against 100: a second sample of customers of the same bank does not reach
it. Read each against the holdout's value (what is possible) and the floor (the real table with every column
shuffled). The score does that: it is where the whole lies between the floor, 0, and the holdout, 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._members import (
    amounts,
    balance,
    calendar,
    categories_and_sequences,
    customers,
    dynamics,
)
from gretel_fin_synth.evaluation._table import COLUMNS, Table, prepare, shared_codes
from gretel_fin_synth.evaluation.results import Concern, Score, grade_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    Groups = dict[str, dict[str, float]]

__all__ = [
    "TITLES",
    "WEIGHTS",
    "Fidelity",
    "fidelity",
    "fidelity_groups",
    "group_scores",
    "overall",
    "shuffle_floor",
]

WEIGHTS: Mapping[str, float] = {
    "amounts": 0.20,
    "calendar": 0.15,
    "categories_and_sequences": 0.25,
    "customers": 0.20,
    "balance": 0.10,
    "dynamics": 0.10,
}
TITLES: Mapping[str, str] = {
    "amounts": "Amounts",
    "calendar": "Calendar",
    "categories_and_sequences": "Categories and sequences",
    "customers": "Customers",
    "balance": "Balance",
    "dynamics": "Dynamics",
    "amount": "Amount",
    "log_amount": "Logarithm of the amount",
    "amount_given_kind": "Amount, given type and category",
    "cents": "Cents",
    "roundness": "Round amounts (1, 10, 100, 1000, .99)",
    "day_of_month": "Day of the month",
    "month_end": "Share on the month's last day",
    "weekday": "Weekday",
    "month": "Month",
    "days_between": "Days between transactions",
    "category": "Category",
    "type_and_category": "Type and category",
    "runs_of_two": "Runs of two categories",
    "runs_of_three": "Runs of three categories",
    "transactions": "Transactions per customer",
    "active_span": "Active span",
    "transactions_per_month": "Transactions per active month",
    "monthly_net_flow": "Monthly net flow",
    "categories": "Categories per customer",
    "mean_log_amount": "Mean logarithm of amounts",
    "running_balance": "Running balance",
    "change_over_life": "Change over a customer's life",
    "monthly_drift": "Monthly drift",
    "volatility": "Volatility",
    "negative_share": "Share of negative balances",
    "autocorrelation": "Autocorrelation of amounts",
    "repeats_monthly": "Payments that repeat monthly",
    "repeats_on_same_day": "Repeats on the same day",
    "mix_between_months": "Change of the mix between months",
}
"""Groups and members in words."""

_FAR = 10.0  # points below a holdout from which a group is named in the verdict


@dataclass(frozen=True)
class Fidelity(Score):
    """A :class:`Score` between the floor (0) and a holdout (100), with the similarities behind it.

    ``score`` is ``normalised``, cut to 0 to 100; without a holdout, where the similarity lies between the
    floor's and 100, which is less than between the floor's and a holdout's.

    Attributes
    ----------
    normalised : float or None
        Where the table lies between the floor (0) and the holdout (100), all with the same number of
        customers; not cut: below 0 is worse than shuffled columns, above 100 is closer than other real
        customers are. None without a holdout.
    similarity, holdout_similarity, floor_similarity : float or None
        Weighted mean of the six groups, 0 to 100, of the synthetic table, the holdout, and the floor, with
        all customers of each.
    """

    normalised: float | None = None
    similarity: float | None = None
    holdout_similarity: float | None = None
    floor_similarity: float | None = None


def fidelity(real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Fidelity:
    """Return the fidelity of a table, with each group's floor and holdout value.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`prepare`.
    rng : numpy.random.Generator
        Shuffles the columns for the floor, and draws customers where tables differ in size.

    Returns
    -------
    Fidelity
        0 for the floor, 100 for a holdout; without one 100 for the real table itself.
    """
    shuffled = shuffle_floor(real, rng)
    sampled = any(table is not None and table.whole is not None for table in (real, synthetic, holdout))
    groups = fidelity_groups(real, synthetic)
    reference = None if holdout is None else fidelity_groups(real, holdout)
    floor = fidelity_groups(real, shuffled)
    whole, lowest = overall(group_scores(groups)), overall(group_scores(floor))
    normalised, best = None, None
    if holdout is not None and reference is not None:
        best = group_scores(reference)
        measured = [(synthetic, groups), (holdout, reference), (shuffled, floor)]
        if sampled:  # parts that look at all rows would not be comparable once customers are left out
            alone = [table.alone() for table, _ in measured]
            real = real.alone()
            measured = [(table, fidelity_groups(real, table)) for table in alone]
        normalised = _normalised(real, measured, rng)
    score = _position(whole, lowest) if holdout is None else normalised
    score = None if score is None else float(np.clip(score, 0.0, 100.0))
    return Fidelity(
        score=score,
        grade=grade_of(score),
        reference=None if normalised is None else 100.0,
        floor=None if score is None else 0.0,
        breakdown={name: _group(name, groups, reference, floor) for name in groups},
        concerns=tuple(_concerns(group_scores(groups), best)),
        notes=_notes(synthetic, holdout, groups),
        normalised=normalised,
        similarity=_known(whole),
        holdout_similarity=None if best is None else _known(overall(best)),
        floor_similarity=_known(lowest),
    )


def fidelity_groups(real: Table, other: Table) -> Groups:
    """Return the similarity of two tables in six groups.

    Parameters
    ----------
    real : Table
        The table to be like, from :func:`prepare`.
    other : Table
        The table that is judged: synthetic, a holdout, or a floor.

    Returns
    -------
    dict of str to dict of str to float
        For each group its members, 0 to 1. A member that cannot be measured (there is no balance; no customer
        has two transactions) is NaN.

    Examples
    --------
    >>> import pandas as pd
    >>> day = pd.Timestamp("2024-01-31")
    >>> rows = [("a", day, 5.0, "credit", "pay", 5.0), ("a", day, 2.0, "debit", "food", 3.0)]
    >>> table = prepare(pd.DataFrame(rows, columns=list(COLUMNS)))
    >>> fidelity_groups(table, table)["calendar"]["weekday"]
    1.0
    """
    categories, _ = shared_codes(real.category, other.category)
    kinds, _ = shared_codes(real.kind, other.kind)
    return {
        "amounts": amounts(real.tally, other.tally, 10**real.minor_units),
        "calendar": calendar(real, other),
        "categories_and_sequences": categories_and_sequences(real, other, categories),
        "customers": customers(real, other),
        "balance": balance(real, other),
        "dynamics": dynamics(real, other, kinds),
    }


def group_scores(groups: Groups) -> dict[str, float]:
    """Return the mean of the measured members of each group, times 100; NaN for a group with none."""
    scores = {}
    for name, members in groups.items():
        values = np.array(list(members.values()), dtype=np.float64)
        measured = values[~np.isnan(values)]
        scores[name] = float(measured.mean() * 100) if len(measured) else float("nan")
    return scores


def overall(scores: Mapping[str, float]) -> float:
    """Return the weighted mean of the groups that could be measured; NaN if none could."""
    measured = {name: score for name, score in scores.items() if not np.isnan(score)}
    if not measured:
        return float("nan")
    total = sum(WEIGHTS[name] for name in measured)
    return float(sum(WEIGHTS[name] * score for name, score in measured.items()) / total)


def shuffle_floor(real: Table, seed: int | np.random.Generator) -> Table:
    """Return the real table with each column shuffled across all rows on its own.

    The floor of every measure: each column is as real as can be, and nothing fits together.
    """
    rng = np.random.default_rng(seed)
    columns = [*COLUMNS] if real.has_balance else [*COLUMNS[:5]]
    shuffled = {name: real.frame[name].to_numpy()[rng.permutation(len(real))] for name in columns}
    return prepare(real.frame[columns].assign(**shuffled), minor_units=real.minor_units)


def _position(whole: float, lowest: float) -> float | None:
    """Return where a similarity lies between the floor's (0) and that of the real table with itself (100)."""
    if np.isnan(whole) or np.isnan(lowest) or lowest >= 100:
        return None if np.isnan(whole) else whole
    return 100 * (whole - lowest) / (100 - lowest)


def _normalised(real: Table, measured: list[tuple[Table, Groups]], rng: np.random.Generator) -> float | None:
    """Return where the first table lies between the third (0) and the second (100).

    All are cut to one number of customers first. Groups that cannot be measured in one of the tables are left
    out of all.
    """
    size = min(table.n_customers for table, _ in measured)
    scores = []
    for table, groups in measured:
        if table.n_customers > size:
            chosen = table.select(rng.permutation(table.n_customers)[:size])
            groups = fidelity_groups(real, chosen)
        scores.append(group_scores(groups))
    shared = [name for name in WEIGHTS if not any(np.isnan(score[name]) for score in scores)]
    own, best, lowest = (overall({name: score[name] for name in shared}) for score in scores)
    scale = best - lowest
    return float(100 * ((own - lowest) / scale)) if scale > 1e-9 else None


def _group(name: str, groups: Groups, reference: Groups | None, floor: Groups) -> Score:
    members = {
        member: Score(
            score=_known(100 * value),
            grade=grade_of(_known(100 * value)),
            reference=None if reference is None else _known(100 * reference[name][member]),
            floor=_known(100 * floor[name][member]),
        )
        for member, value in groups[name].items()
    }
    score = _known(group_scores(groups)[name])
    return Score(
        score=score,
        grade=grade_of(score),
        reference=None if reference is None else _known(group_scores(reference)[name]),
        floor=_known(group_scores(floor)[name]),
        breakdown=members,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _concerns(scores: Mapping[str, float], best: Mapping[str, float] | None) -> list[Concern]:
    """Name the groups that lie well below the holdout, if there is one."""
    return [
        Concern(f"{TITLES[name]}: {score:.0f}, where a holdout of real customers reaches {best[name]:.0f}")
        for name, score in scores.items()
        if best is not None and not np.isnan(score) and score < best[name] - _FAR
    ]


def _notes(synthetic: Table, holdout: Table | None, groups: Groups) -> tuple[str, ...]:
    notes = []
    lacking = [TITLES[name] for name, score in group_scores(groups).items() if np.isnan(score)]
    if lacking:
        notes.append(f"Could not be measured and count for nothing: {', '.join(lacking)}.")
    if holdout is None:
        notes.append(
            "Without a holdout the scale runs from the floor to the real table itself, which no other "
            "sample of customers reaches: beside a holdout the score would be higher."
        )
    elif abs(holdout.n_customers - synthetic.n_customers) > 0.1 * synthetic.n_customers:
        notes.append(
            f"The holdout has {holdout.n_customers:,} customers, the synthetic table "
            f"{synthetic.n_customers:,}; fewer customers lower a table's figures. The place between floor "
            "and holdout is measured with equal numbers of customers."
        )
    return tuple(notes)
