"""The Synthetic Quality Score (SQS) that users of Gretel know: three stabilities of single columns and pairs.

The definitions are those of NVIDIA's NeMo Safe Synthesizer (Apache-2.0), the open successor of Gretel's
evaluator, written anew: field distribution stability (Jensen-Shannon distances of columns), field correlation
stability (differences of pairwise associations) and deep structure stability (distances along two principal
components), combined with the weights 0.86, 1.00 and 0.84.

Know what it does not see: order, customers, and the balance. A table with every column shuffled on its own
can reach a good score, and a second sample of real customers does not reach 100. So read it beside the
holdout's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._columns import (
    NOMINAL,
    TABULAR,
    binned_distance,
    column_type,
    cut_rows,
    named_distance,
    numbers,
    scored_columns,
    value_names,
)
from gretel_fin_synth.evaluation._correlation import association_matrix
from gretel_fin_synth.evaluation.results import Concern, Score, grade_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]

__all__ = ["SQSParts", "check_identifiers", "sqs", "sqs_parts"]

_WEIGHTS = {
    "field_distribution": 0.86,
    "field_correlation": 1.00,
    "deep_structure": 0.84,
}
_FEW_ROWS = 100
_FAR = 10.0  # points below a holdout from which the verdict speaks of it
_NO_SUM = 0.5887  # distance of two histograms of which one sums to nothing, as published


@dataclass(frozen=True, eq=False)
class SQSParts:
    """Everything that one SQS is computed from.

    Attributes
    ----------
    types : mapping of str to (str, str)
        Type of each scored column in the real and in the other table.
    distances : mapping of str to float or None
        Jensen-Shannon distance of each column; None where the rules give none.
    columns : tuple of str
        Columns of the association matrices.
    real_matrix, other_matrix : numpy.ndarray, shape (n_columns, n_columns)
        Associations in the two tables.
    real_components, other_components : numpy.ndarray, shape (n_rows, 2), or None
        Both tables on the two principal components of the real one.
    rows : int
        Rows of each table that were looked at.
    scores : mapping of str to float or None
        The three stabilities, 0 to 100.
    """

    types: Mapping[str, tuple[str, str]]
    distances: Mapping[str, float | None]
    columns: tuple[str, ...]
    real_matrix: Floats
    other_matrix: Floats
    real_components: Floats | None
    other_components: Floats | None
    rows: int
    scores: Mapping[str, float | None]

    @property
    def score(self) -> float | None:
        """Weighted mean of the stabilities that could be measured."""
        known = {name: score for name, score in self.scores.items() if score is not None}
        if not known:
            return None
        total = sum(_WEIGHTS[name] * score for name, score in known.items())
        return min(100.0, total / sum(_WEIGHTS[name] for name in known))


def sqs(
    real: Table,
    synthetic: Table,
    holdout: Table | None = None,
    rng: np.random.Generator | None = None,
    *,
    identifiers: str = "exclude",
) -> Score:
    """Return the SQS with its three parts and the score of each field.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`.
    rng : numpy.random.Generator, optional
        Not used: the definition fixes which rows are drawn.
    identifiers : {"exclude", "include"}
        Whether ``customer_id`` is a field. New customers have new ids, so that a perfect table loses points
        by it; it is left out unless asked for.

    Returns
    -------
    Score
        0 to 100, with Gretel's grades.

    Raises
    ------
    ParameterError
        ``identifiers`` is neither of the two words.
    """
    check_identifiers(identifiers)
    include = identifiers == "include"
    parts = sqs_parts(real, synthetic, identifiers=include)
    reference = None if holdout is None else sqs_parts(real, holdout, identifiers=include)
    score = parts.score
    return Score(
        score=score,
        grade=_grade(score),
        reference=None if reference is None else reference.score,
        breakdown={name: _part(name, parts, reference) for name in _WEIGHTS},
        concerns=tuple(_concerns(score, None if reference is None else reference.score)),
        notes=tuple(_notes(real, synthetic, holdout, parts, include)),
    )


def check_identifiers(identifiers: str) -> None:
    """Raise if the option is neither ``"exclude"`` nor ``"include"``."""
    if identifiers not in ("exclude", "include"):
        msg = (
            f"identifiers must be 'exclude' or 'include', got {identifiers!r}.\n\n"
            "Hint: evaluate(real, synthetic, identifiers='include')"
        )
        raise ParameterError(msg)


def sqs_parts(real: Table, other: Table, *, identifiers: bool = False) -> SQSParts:
    """Return the distances, matrices and components of two tables."""
    names = scored_columns(real, other, identifiers=identifiers)
    left, right = cut_rows(real.source[names], other.source[names])
    types = {name: (column_type(left[name]), column_type(right[name])) for name in names}
    distances = {name: _field_distance(left[name], right[name], types[name]) for name in names}
    tabular = [name for name in names if types[name][0] in TABULAR]
    nominal = [name for name in tabular if types[name][0] in NOMINAL]
    enough = len(tabular) >= 2 and len(left) >= 1
    empty = np.zeros((0, 0))
    matrices = [association_matrix(table[tabular], nominal) if enough else empty for table in (left, right)]
    both = [name for name in tabular if types[name][1] in TABULAR]
    clouds = _components(left, right, both, nominal) if len(both) >= 2 and len(left) >= 2 else None
    return SQSParts(
        types=types,
        distances=distances,
        columns=tuple(tabular),
        real_matrix=matrices[0],
        other_matrix=matrices[1],
        real_components=None if clouds is None else clouds[0],
        other_components=None if clouds is None else clouds[1],
        rows=len(left),
        scores={
            "field_distribution": _distribution_score([distances[name] for name in names], len(tabular)),
            "field_correlation": _correlation_score(matrices[0], matrices[1]) if enough else None,
            "deep_structure": None if clouds is None else _structure_score(clouds[0], clouds[1]),
        },
    )


def _field_distance(real: pd.Series[Any], other: pd.Series[Any], types: tuple[str, str]) -> float | None:
    if types == ("numeric", "numeric"):
        distance = binned_distance(numbers(real), numbers(other))
    elif set(types) <= TABULAR:
        distance = named_distance(real, other)
    else:
        return None
    return _NO_SUM if np.isnan(distance) else distance


def _components(
    real: pd.DataFrame, other: pd.DataFrame, columns: list[str], nominal: list[str]
) -> tuple[Floats, Floats]:
    """Project both tables on the two first principal components of the real one."""
    pairs = [
        _counted(real[name], other[name]) if name in nominal else (_filled(real[name]), _filled(other[name]))
        for name in columns
    ]
    left, right = (np.column_stack([pair[side] for pair in pairs]) for side in (0, 1))
    center, spread = left.mean(axis=0), left.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    left, right = (left - center) / spread, (right - center) / spread
    _, _, axes = np.linalg.svd(left.T @ left, hermitian=True)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    return left @ axes.T, right @ axes.T


def _counted(real: pd.Series[Any], other: pd.Series[Any]) -> tuple[Floats, Floats]:
    """Replace every value by how often it occurs in the real column."""
    names, counts = np.unique(value_names(real).astype(str), return_counts=True)
    table = dict(zip(names.tolist(), counts.astype(np.float64).tolist(), strict=True))
    left, right = (
        np.array([table.get(name, 0.0) for name in value_names(column)]) for column in (real, other)
    )
    return left, right


def _filled(column: pd.Series[Any]) -> Floats:
    values = numbers(column)
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), np.median(known) if len(known) else 0.0, values)


def _distribution_score(distances: list[float | None], n_tabular: int) -> float | None:
    if n_tabular == 0:
        return None
    return _stability(sum(distance for distance in distances if distance is not None) / n_tabular)


def _stability(distance: float) -> float:
    """Map a mean Jensen-Shannon distance to 0..100, as published."""
    if distance < 0.02:
        return 100.0
    if distance > 0.99:
        return 0.0
    return _clipped(7.44 * distance**2 - 16.646 * distance + 10.305)


def _correlation_score(real: Floats, other: Floats) -> float:
    """Map the mean absolute difference over all cells to 0..100, as published."""
    error = float(np.abs(real - other).mean())
    if error < 0.01:
        return 100.0
    if error > 0.46:
        return 0.0
    return _clipped(37.562 * error**2 - 35.643 * error + 10.056)


def _structure_score(real: Floats, other: Floats) -> float:
    distance = float(np.mean([binned_distance(real[:, axis], other[:, axis]) for axis in (0, 1)]))
    return _clipped(10.0 * float(np.exp(-1.6 * distance)))


def _clipped(score: float) -> float:
    return float(min(100.0, max(0.0, score * 10.0)))


def _grade(score: float | None) -> str | None:
    """Grade a score as published: on the score of 0 to 10 rounded to one decimal."""
    return None if score is None else grade_of(float(np.round(score)))


def _concerns(score: float | None, reference: float | None) -> list[Concern]:
    """Say that the score is far below the holdout's; a score above it says nothing of privacy."""
    if score is None or reference is None or score >= reference - _FAR:
        return []
    return [Concern(f"SQS: {score:.0f}, where a holdout of real customers reaches {reference:.0f}")]


def _part(name: str, parts: SQSParts, reference: SQSParts | None) -> Score:
    score = parts.scores[name]
    fields: Mapping[str, Score] = {}
    if name == "field_distribution":
        fields = {column: _field_score(column, parts, reference) for column in parts.distances}
    return Score(
        score=score,
        grade=_grade(score),
        reference=None if reference is None else reference.scores[name],
        breakdown=fields,
    )


def _field_score(column: str, parts: SQSParts, reference: SQSParts | None) -> Score:
    distance = parts.distances[column]
    score = None if distance is None else _stability(distance)
    field = Score(score=score, grade=_grade(score), notes=_types_in_words(parts.types[column]))
    other = None if reference is None else reference.distances.get(column)
    return field if other is None else replace(field, reference=_stability(other))


def _types_in_words(types: tuple[str, str]) -> tuple[str, ...]:
    if set(types) <= TABULAR:
        return (
            (types[0],)
            if types[0] == types[1]
            else (f"{types[0]} in the real table, {types[1]} in the other",)
        )
    return (f"not scored: {types[0]} in the real table, {types[1]} in the other",)


def _notes(real: Table, synthetic: Table, holdout: Table | None, parts: SQSParts, include: bool) -> list[str]:
    notes = []
    if not include:
        notes.append(
            "customer_id is left out: new customers have new ids, which the original definition punishes; "
            "evaluate(..., identifiers='include') counts it."
        )
    if parts.rows < max(len(real.source), len(synthetic.source)):
        notes.append(f"By definition computed on {parts.rows:,} rows sampled from each table.")
    if parts.rows < _FEW_ROWS:
        notes.append(f"With {parts.rows} rows only, the score says little.")
    if holdout is not None and len(holdout.source) < 0.8 * parts.rows:
        notes.append(
            f"The holdout has {len(holdout.source):,} rows only; fewer rows lower the score, so that its "
            "reference is lower than one of equal size would be."
        )
    lacking = sorted(set(map(str, real.source.columns)) ^ set(map(str, synthetic.source.columns)))
    if lacking:
        notes.append(f"Columns that only one table has are not scored: {', '.join(lacking)}.")
    return notes
