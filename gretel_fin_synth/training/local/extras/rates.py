"""Numbers that are a fixed part of the amount: a fee of 1.5 %, the amount in another currency."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import count_distinct

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LEAST_SHARE = 0.98
LEAST_STEPS = 4
LEAST_LARGE = 20
DIGITS = 12
ROUNDING = 0.5 + 1e-6


def find_rate(
    steps: IntArray, cents: IntArray, person: IntArray, k: int, known: float | None = None
) -> float | None:
    """Return the rate by which numbers follow from amounts up to rounding.

    Parameters
    ----------
    steps : ndarray of shape (n,)
        Numbers in whole steps of their grid.
    cents : ndarray of shape (n,)
        Amounts in minor units.
    person : ndarray of shape (n,)
        Codes of the customers.
    k : int
        How many customers must keep to it.
    known : float, optional
        A rate that is taken if it fits.

    Returns
    -------
    float or None
        None if fewer than 98 % of the rows or k customers keep to one rate.

    Examples
    --------
    >>> import numpy as np
    >>> cents = np.array([1000, 2050, 99999, 12345])
    >>> find_rate(np.rint(0.015 * cents).astype(int), cents, np.arange(4), 2)
    0.015
    """
    if known is not None and _keep(known, steps, cents, person, k):
        return known
    large = np.argsort(-cents, kind="stable")[: max(LEAST_LARGE, len(cents) // 10)]
    rate = _shortest(steps[large], cents[large])
    sure = rate != 0 and np.median(np.abs(steps)) >= LEAST_STEPS
    return rate if sure and _keep(rate, steps, cents, person, k) else None


def _keep(rate: float, steps: IntArray, cents: IntArray, person: IntArray, k: int) -> bool:
    keeps = np.abs(steps - rate * cents) <= ROUNDING
    return bool(keeps.mean() >= LEAST_SHARE) and count_distinct(person[keeps]) >= k


def _shortest(steps: IntArray, cents: IntArray) -> float:
    """Return the rate with the fewest decimals that explains nearly all rows, or else the middle one."""
    middle = float(np.median(steps / cents))
    near = np.abs(steps - middle * cents) <= 2 * ROUNDING
    if not near.any():
        return middle
    low = float(((steps[near] - ROUNDING) / cents[near]).max())
    high = float(((steps[near] + ROUNDING) / cents[near]).min())
    if low > high:
        return middle
    for digits in range(DIGITS + 1):
        rate = round((low + high) / 2, digits)
        if low <= rate <= high:
            return rate
    return (low + high) / 2
