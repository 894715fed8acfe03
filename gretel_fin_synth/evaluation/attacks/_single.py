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
    "rows_stick_out": "Customers whose rows, give or take noise, are nearly all a synthetic customer's",
}
"""The question in words."""

_MOST_OF_IT = 0.8  # share of a history's surprise; honest customers seldom share more than two thirds
_LEAST_CONTROL = 20


def single_customers(scores: tuple[Floats, Floats], shares: tuple[Floats, Floats]) -> dict[str, Count]:
    """Count the training customers of whom one synthetic customer has nearly everything.

    Parameters
    ----------
    scores, shares : (numpy.ndarray, numpy.ndarray)
        Scores of fuzzy rows, and the shares of surprise in common with one synthetic customer, of training
        and of holdout customers.

    Returns
    -------
    dict of str to Count
        For each of :data:`SINGLE_TITLES`; empty where the holdout is too small to compare with.
    """
    if len(scores[1]) < _LEAST_CONTROL:
        return {}
    return {"rows_stick_out": exposed(scores, shares)}


def exposed(scores: tuple[Floats, Floats], shares: tuple[Floats, Floats]) -> Count:
    """Count the training customers with a share of 0.8 or more and a score above all of the control.

    Either alone happens to honest customers: a short history of fees is shared by chance, and two people with
    the same wage and rent have many rows in common, which are a small share of all. ``reference`` is the
    share of the control who have both by the same limits, of which the second is then the second highest
    score. No one is named.

    Examples
    --------
    >>> scores = np.array([9.0, 9.0, 3.0]), np.array([5.0, 4.0])
    >>> shares = np.array([1.0, 0.3, 1.0]), np.array([0.9, 0.4])
    >>> found = exposed(scores, shares)
    >>> found.count, found.of, found.reference
    (1, 3, 0.5)
    """
    highest = np.sort(scores[1])[::-1]
    members = (shares[0] >= _MOST_OF_IT) & (scores[0] > highest[0])
    others = (shares[1] >= _MOST_OF_IT) & (scores[1] > highest[min(1, len(highest) - 1)])
    return Count(count=int(members.sum()), of=len(scores[0]), reference=float(others.mean()))
