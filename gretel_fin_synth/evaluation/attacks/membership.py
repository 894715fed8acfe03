"""Was this customer in the training data? Seven attacks on customers, from the synthetic table alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._ranking import Ranking, rank
from gretel_fin_synth.evaluation.attacks._fuzzy import fuzzy_patterns, fuzzy_rows, fuzzy_shares
from gretel_fin_synth.evaluation.attacks._nearest import density_ratio, nearest_customer
from gretel_fin_synth.evaluation.attacks._overlap import category_patterns, rare_rows, relative_runs
from gretel_fin_synth.evaluation.attacks._single import single_customers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table
    from gretel_fin_synth.evaluation.results import Count

    Floats = NDArray[np.float64]
    Attack = Callable[[Sequence[Table], Table, Table], list[Floats]]

__all__ = ["LEAST_CUSTOMERS", "MEMBERSHIP_TITLES", "Membership", "membership_attacks", "membership_scores"]

MEMBERSHIP_TITLES: Mapping[str, str] = {
    "nearest_customer": "Nearest synthetic customer",
    "density_ratio": "Density of synthetic against other real customers",
    "rare_rows": "Rows in common, by rarity",
    "relative_runs": "Runs of three in common, by rarity",
    "category_patterns": "Runs of six categories in common, by rarity",
    "fuzzy_rows": "Rows nearly in common with one synthetic customer",
    "fuzzy_patterns": "Patterns nearly in common with one synthetic customer, at any shift in time",
}
"""The attacks in words."""

_ATTACKS: Mapping[str, Attack] = {
    "nearest_customer": nearest_customer,
    "density_ratio": density_ratio,
    "rare_rows": rare_rows,
    "relative_runs": relative_runs,
    "category_patterns": category_patterns,
    "fuzzy_rows": fuzzy_rows,
    "fuzzy_patterns": fuzzy_patterns,
}
_SHARES = "shares"
LEAST_CUSTOMERS = 4
"""Customers that each table must have to be attacked."""

_DRAWS = 2000


@dataclass(frozen=True)
class Membership:
    """Results of the attacks that ask whether a customer was in the training data.

    Attributes
    ----------
    attacks : mapping of str to Ranking
        For each of :data:`MEMBERSHIP_TITLES`, how much higher training customers score than holdout ones.
        By default the intervals hold jointly: all of them together at 95 %.
    single : mapping of str to Count
        Training customers who stick out one by one, see :mod:`~.evaluation.attacks._single`.
    """

    attacks: Mapping[str, Ranking]
    single: Mapping[str, Count] = field(default_factory=dict)

    @property
    def worst(self) -> str:
        """Name of the attack with the largest area under the curve."""
        return max(self.attacks, key=lambda name: self.attacks[name].auc)

    @property
    def worst_at_few_alarms(self) -> str:
        """Name of the attack that finds most customers at 1 % false positives."""
        return max(self.attacks, key=lambda name: self.attacks[name].tpr)


def membership_attacks(
    train: Table,
    synthetic: Table,
    holdout: Table,
    rng: np.random.Generator,
    *,
    level: float = 1 - 0.05 / len(_ATTACKS),
) -> Membership:
    """Attack the membership of customers, from the synthetic table and a reference of other customers.

    Parameters
    ----------
    train, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`; those of training and holdout must
        be samples of the same bank.
    rng : numpy.random.Generator
        Splits the customers and draws resamples.
    level : float
        Confidence level of each interval; by default such that all hold together at 95 %.

    Returns
    -------
    Membership
        Areas under the curve, and hits at 1 % false positives, with intervals.

    Raises
    ------
    ParameterError
        Training or holdout has fewer than 4 customers.

    Notes
    -----
    Half of the holdout is the reference by which half of the training customers and the other half of the
    holdout are scored; then the halves change places. So every customer is scored, and no one is compared
    with a reference that holds it.
    """
    scores = membership_scores(train, synthetic, holdout, rng)
    shares = scores.pop(_SHARES)
    return Membership(
        {
            name: rank(members, others, rng, level=level, draws=_DRAWS)
            for name, (members, others) in scores.items()
        },
        single_customers(scores["fuzzy_rows"], shares),
    )


def membership_scores(
    train: Table, synthetic: Table, holdout: Table, rng: np.random.Generator
) -> dict[str, tuple[Floats, Floats]]:
    """Return the scores of training and of holdout customers, by attack; a high one says "member".

    Under ``"shares"`` is which share of a customer's surprise one synthetic customer has, which is no attack.
    """
    for name, table in (("train", train), ("holdout", holdout)):
        if table.n_customers < LEAST_CUSTOMERS:
            msg = (
                f"The {name} table has {table.n_customers!r} customers; membership attacks need at least "
                f"{LEAST_CUSTOMERS!r}.\n\nHint: split_customers(frame, 0.5)"
            )
            raise ParameterError(msg)
    halves = [rng.permutation(np.arange(table.n_customers) % 2) for table in (train, holdout)]
    asked = {**_ATTACKS, _SHARES: fuzzy_shares}
    scores = {name: (np.empty(train.n_customers), np.empty(holdout.n_customers)) for name in asked}
    for half in (0, 1):
        chosen = [np.flatnonzero(part == half) for part in halves]
        targets = [table.select(codes) for table, codes in zip((train, holdout), chosen, strict=True)]
        reference = holdout.select(np.flatnonzero(halves[1] != half))
        for name, attack in asked.items():
            found = attack(targets, synthetic, reference)
            for into, codes, values in zip(scores[name], chosen, found, strict=True):
                into[codes] = values
    return scores
