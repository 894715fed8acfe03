"""Does a single customer stick out? A leak of one history moves no average, so each customer is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation.results import Count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["SINGLE_TITLES", "exposed", "single_customers"]

SINGLE_TITLES: Mapping[str, str] = {
    "rows_stick_out": "Customers with too many rows, give or take noise, in common with a synthetic one",
}
"""The question in words."""

_SCORES: Mapping[str, str] = {"rows_stick_out": "fuzzy_rows"}
_TAIL = 0.2  # share of the control's scores from which its tail is estimated
_LEAST_TAIL = 10  # scores in it
_FALSE_ALARM = 0.02  # chance that any customer of an honest table is counted


def single_customers(scores: Mapping[str, tuple[Floats, Floats]]) -> dict[str, Count]:
    """Count the training customers whose score no other real customer could have by chance.

    Parameters
    ----------
    scores : mapping of str to (numpy.ndarray, numpy.ndarray)
        Scores of training and of holdout customers, by membership attack.

    Returns
    -------
    dict of str to Count
        For each of :data:`SINGLE_TITLES`; empty where the holdout is too small to know its tail.
    """
    counts = {title: exposed(*scores[name], chance=_FALSE_ALARM) for title, name in _SCORES.items()}
    return {title: count for title, count in counts.items() if count is not None}


def exposed(members: Floats, others: Floats, *, chance: float) -> Count | None:
    """Count the members above a limit that none of as many other customers passes but by a small chance.

    The upper fifth of the other customers' scores is taken for the tail of an exponential distribution, whose
    mean excess says how fast larger scores become rare. A mean of ``k`` scores is itself uncertain: what the
    next score may be then follows a Pareto distribution of the second kind with shape ``k``.

    Parameters
    ----------
    members, others : numpy.ndarray of float64
        Scores of training customers, and of customers whom the generator never saw.
    chance : float
        Probability that at least one member passes the limit if members score like the others.

    Returns
    -------
    Count or None
        Members above the limit; ``reference`` is the share of the others above it. No one is named. None if
        fewer than 50 others, of whom 10 make the tail, are there.

    Examples
    --------
    >>> others = np.arange(100.0)  # the tail begins at 79.2, its mean excess is 10.3
    >>> exposed(np.array([90.0, 150.0, 170.0]), others, chance=0.01).count
    2
    """
    if len(others) * _TAIL < _LEAST_TAIL or len(members) == 0:
        return None
    begin = float(np.quantile(others, 1.0 - _TAIL))
    tail = others[others > begin] - begin
    size = len(tail)
    scarce = (_TAIL * len(members) / chance) ** (1.0 / size) - 1.0 if size else 0.0
    limit = max(begin + float(tail.sum()) * scarce, float(others.max()))
    return Count(
        count=int((members > limit).sum()),
        of=len(members),
        reference=float((others > limit).mean()),
    )
