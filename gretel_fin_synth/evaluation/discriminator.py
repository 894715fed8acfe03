"""Can a classifier tell the synthetic table from the real one? Gradient-boosted trees try to.

Two classifiers are trained and tested on customers that they have not seen: one looks at rows in their
context (the two rows before, what the row repeats, the balance), one at whole customers. Each result is an
area under the ROC curve: 0.5 when the tables cannot be told apart, 1 when they always can. The same
classifiers try to tell a holdout of real customers from the real table, with as many customers: what they
reach there is what a perfect table would get.

It measures likeness, not privacy: copied rows cannot be told from real ones either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import Matrix, customer_matrices, row_matrices, sample_customers
from gretel_fin_synth.evaluation._ranking import Ranking, rank
from gretel_fin_synth.evaluation.results import Concern, Score, grade_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["ALLOWANCE", "TITLES", "Separation", "discriminator", "tell_apart"]

TITLES: Mapping[str, str] = {
    "rows_in_context": "Rows in their context",
    "whole_customers": "Whole customers",
}
"""What each classifier looks at."""

ALLOWANCE = 0.05
"""How far the area may lie above the holdout's before the verdict speaks of it."""

_FOLDS = 3
_REPEATS = 3  # of the folds, for whole customers, of which there are few
_MOST_ROWS = 15_000  # of each table that classifiers learn from
_MOST_READ = 150_000  # rows of each table that are described, whole customers at a time
_LEAST_CUSTOMERS = 2 * _FOLDS


@dataclass(frozen=True)
class Separation(Score):
    """A :class:`Score` with the area under the curve that it was computed from.

    ``score`` is 200 (1 - area), at most 100: 100 if the tables cannot be told apart, 0 if they always can.

    Attributes
    ----------
    ranking, holdout_ranking : Ranking or None
        How well synthetic, and how well holdout customers are told from real ones.
    """

    ranking: Ranking | None = None
    holdout_ranking: Ranking | None = None


def discriminator(real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Score:
    """Train classifiers to tell synthetic from real, and holdout from real beside it.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`.
    rng : numpy.random.Generator
        Draws customers, folds and resamples.

    Returns
    -------
    Score
        ``breakdown`` maps each of :data:`TITLES` to a :class:`Separation`; ``score`` is the lower of theirs.
        It is None with fewer than 6 customers in a table.
    """
    others = [synthetic] if holdout is None else [synthetic, holdout]
    size = min(table.n_customers for table in (real, *others))
    if size < _LEAST_CUSTOMERS:
        return Score(score=None, notes=(f"Not measured: a table has {size} customers, of 6 needed.",))
    rows = max(len(table) / table.n_customers for table in (real, *others))
    size = max(_LEAST_CUSTOMERS, min(size, int(_MOST_READ / rows)))
    sampled = [sample_customers(table, size, rng) for table in (real, *others)]
    found = [tell_apart(sampled[0], other, rng) for other in sampled[1:]]
    parts = {name: _separation(name, found) for name in TITLES}
    score = min(part.score for part in parts.values() if part.score is not None)
    references = [part.reference for part in parts.values() if part.reference is not None]
    return Score(
        score=score,
        grade=grade_of(score),
        reference=min(references, default=None),
        breakdown=parts,
        concerns=tuple(_concerns(parts)),
        notes=(
            f"Trained and tested on {size} customers of each table, in {_FOLDS} folds that keep customers "
            "together; intervals are 95 %, from a bootstrap over customers.",
        ),
    )


def tell_apart(real: Table, other: Table, rng: np.random.Generator) -> dict[str, Ranking]:
    """Return how well classifiers tell the customers of another table from real ones.

    Parameters
    ----------
    real, other : Table
        Two tables, best with as many customers each; 6 are needed.
    rng : numpy.random.Generator
        Draws folds and resamples.

    Returns
    -------
    dict of str to Ranking
        For each of :data:`TITLES`, how much higher the other table's entries score than the real ones, all of
        them scored by classifiers that did not see their customers.
    """
    pair = [real, other]
    matrices, nominal = row_matrices(pair)
    owners = [table.customer for table in pair]
    for side, table in enumerate(pair):
        if len(table) > _MOST_ROWS:
            rows = np.sort(rng.choice(len(table), size=_MOST_ROWS, replace=False))
            matrices[side] = Matrix(matrices[side].cells[rows], matrices[side].names)
            owners[side] = owners[side][rows]
    first, second = _out_of_fold(matrices, owners, nominal, rng)
    ranked = {
        "rows_in_context": rank(second, first, rng, first_customer=owners[1], second_customer=owners[0])
    }
    features = customer_matrices(pair)
    everyone = [np.arange(table.n_customers) for table in pair]
    repeats = [_out_of_fold(features, everyone, (), rng) for _ in range(_REPEATS)]
    first, second = (np.mean([repeat[side] for repeat in repeats], axis=0) for side in (0, 1))
    return ranked | {"whole_customers": rank(second, first, rng)}


def _out_of_fold(
    matrices: list[Matrix], owners: list[Ints], nominal: tuple[str, ...], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return for each entry of both tables the log odds of the second, by a model without its customer."""
    from threadpoolctl import threadpool_limits

    values = np.concatenate([matrix.cells for matrix in matrices])
    label = np.repeat([0, 1], [len(owner) for owner in owners])
    fold = np.concatenate([_folds(int(owner.max()) + 1, rng)[owner] for owner in owners])
    codes = [matrices[0].names.index(name) for name in nominal]
    scores = np.empty(len(values))
    for number in range(_FOLDS):
        test = fold == number
        known = ~np.isnan(values[~test]).all(axis=0)  # the trees take missing values, but not only such
        model = _model(nominal=codes, seed=int(rng.integers(2**31)))
        with threadpool_limits(limits=1, user_api="openmp"):  # small fits: threads cost more than they save
            model.fit(np.where(known, values[~test], 0.0), label[~test])
            scores[test] = model.decision_function(np.where(known, values[test], 0.0))
    return scores[label == 0], scores[label == 1]


def _folds(size: int, rng: np.random.Generator) -> Ints:
    return rng.permutation(np.arange(size) % _FOLDS)


def _model(*, nominal: list[int], seed: int):  # type: ignore[no-untyped-def]
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=15,
        min_samples_leaf=10,
        l2_regularization=1.0,
        categorical_features=nominal or None,
        early_stopping=False,
        random_state=seed,
    )


def _separation(name: str, found: list[dict[str, Ranking]]) -> Separation:
    rankings = [each[name] for each in found]
    scores = [_points(ranking) for ranking in rankings]
    return Separation(
        score=scores[0],
        grade=grade_of(scores[0]),
        reference=scores[1] if len(scores) > 1 else None,
        ranking=rankings[0],
        holdout_ranking=rankings[1] if len(rankings) > 1 else None,
    )


def _points(ranking: Ranking) -> float:
    return float(np.clip(200.0 * (1.0 - ranking.auc), 0.0, 100.0))


def _concerns(parts: Mapping[str, Separation]) -> list[Concern]:
    concerns = []
    for name, part in parts.items():
        ranking, reference = part.ranking, part.holdout_ranking
        if ranking is None:
            continue
        expected = 0.5 if reference is None else max(0.5, reference.auc)
        if ranking.low > expected + ALLOWANCE:
            beside = "" if reference is None else f"; a holdout is told apart with {reference.auc:.2f}"
            concerns.append(
                Concern(
                    f"A classifier tells synthetic from real ({TITLES[name].lower()}): area under the curve "
                    f"{ranking.auc:.2f}, where 0.5 is chance{beside}."
                )
            )
    return concerns
