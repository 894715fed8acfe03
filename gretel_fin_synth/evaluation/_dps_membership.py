"""The simulated membership attacks of the Data Privacy Score, described in :mod:`~.evaluation.dps`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._binary import points
from gretel_fin_synth.evaluation._ranking import area
from gretel_fin_synth.evaluation.attacks._nearest import nearest_distances

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LABELS", "MembershipInference", "grade_attack", "membership_inference"]

LABELS = ("Poor", "Moderate", "Good", "Very Good", "Excellent")
"""Gretel's labels of a privacy score, for 0-19, 20-39, 40-59, 60-79 and 80-100."""

_POINTS = {"Excellent": 3.0, "Very Good": 2.5, "Good": 2.0, "Moderate": 1.5, "Poor": 1.0}
_RUNS = 10
_THRESHOLDS = (0.4, 0.3, 0.2, 0.1)
_SHARES = tuple(share / 10 for share in range(2, 11))


@dataclass(frozen=True)
class MembershipInference:
    """Result of the simulated membership attacks.

    Attributes
    ----------
    score : float
        0 to 100, 100 if no attack does better than guessing.
    grades : mapping of str to float
        Share of the 360 attacks with each of :data:`LABELS`.
    auc : float
        Area under the curve when the same distances rank training rows before holdout rows: 0.5 is chance.
        The score itself does not use it.
    rows : int
        Holdout rows, and training rows, in each run.
    """

    score: float
    grades: Mapping[str, float]
    auc: float
    rows: int


def membership_inference(
    train: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame, columns: Sequence[str]
) -> MembershipInference:
    """Simulate 360 membership attacks by distance to the nearest synthetic row.

    Parameters
    ----------
    train, synthetic, holdout : pandas.DataFrame
        Rows to attack, rows that the attacker has, and rows that were not trained on.
    columns : sequence of str
        Columns of all three, in their order.
    """
    size = len(holdout)
    if len(train) > _RUNS * size:
        train = train.sample(n=_RUNS * size, random_state=np.random.RandomState(1))
    placed = points([train, synthetic, holdout], columns)
    inside, outside = (nearest_distances(placed[side], placed[1]) for side in (0, 2))
    per_run = min(size, len(train))
    grades: Counter[str] = Counter()
    scores = []
    for run in range(_RUNS):
        start = min(run * per_run, len(inside) - per_run)
        found = _graded_run(inside[start : start + per_run], outside, run)
        grades.update(found)
        scores.append(round(float(np.mean([_POINTS[grade] for grade in found])), 2))
    total = grades.total()
    return MembershipInference(
        score=100.0 * (float(np.mean(scores)) - 1.0) / 2.0,
        grades={label: grades[label] / total for label in reversed(LABELS)},
        auc=area(-inside, -outside),
        rows=per_run,
    )


def _graded_run(inside: Floats, outside: Floats, seed: int) -> list[str]:
    """Return the grades of the attacks of one run, on rows in the order of a shuffle with its seed."""
    order = np.random.RandomState(seed).permutation(len(inside) + len(outside))
    member = (np.arange(len(order)) < len(inside))[order]
    distance = np.concatenate([inside, outside])[order]
    farthest = float(distance.max())
    scaled = distance / farthest if farthest > 0 else distance
    grades = []
    for threshold in _THRESHOLDS:
        for share in _SHARES:
            count = max(1, round(share * len(order)))
            guess, truth = scaled[:count] < threshold, member[:count]
            precision = float(truth[guess].mean()) if guess.any() else 0.0
            grades.append(grade_attack(precision, float((guess == truth).mean())))
    return grades


def grade_attack(precision: float, accuracy: float) -> str:
    """Grade one membership attack; both rates are rounded to one decimal first, as published.

    Examples
    --------
    >>> grade_attack(0.54, 0.5), grade_attack(0.5, 0.84), grade_attack(0.9, 0.9)
    ('Excellent', 'Very Good', 'Poor')
    """
    low, high = sorted((round(precision, 1), round(accuracy, 1)))
    if high <= 0.5:
        return "Excellent"
    if low <= 0.5 and high <= 0.8:
        return "Very Good"
    if high <= 0.8:
        return "Good"
    return "Moderate" if low <= 0.8 else "Poor"
