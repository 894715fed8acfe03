"""What noise costs: zero-concentrated differential privacy, and what it means as (epsilon, delta).

Every release of the private engine adds discrete Gaussian noise of standard deviation ``sigma`` to a sum in
which one customer's share has an Euclidean length of at most ``clip``. That release is rho-zCDP with
``rho = clip**2 / (2 sigma**2)`` (Canonne, Kamath and Steinke 2020, arXiv 2004.00010, theorem 14), the rho of
releases add up (Bun and Steinke 2016, arXiv 1605.02065), and the sum is turned into (epsilon, delta) by the
conversion of proposition 7 of the former, the tightest known for all of zCDP.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

__all__ = ["Charge", "delta_of", "epsilon_of", "normal_tail", "rho_of"]

_ORDERS = 1.0 + np.geomspace(1e-4, 1e5, 20_000)  # Renyi orders that are tried; any of them is valid


@dataclass(frozen=True)
class Charge:
    """What one release cost.

    Parameters
    ----------
    name : str
        What was released.
    rho : float
        Its share in zCDP; 0 for what is public.
    sigma : float
        Standard deviation of the noise, in units in which one customer counts for at most ``clip``.
    clip : float
        Largest Euclidean length of one customer's contribution.
    size : int
        How many numbers were released.
    delta : float
        Probability with which a selection may show a value that only one customer has.
    """

    name: str
    rho: float
    sigma: float
    clip: float
    size: int
    delta: float = 0.0


def delta_of(rho: float, epsilon: float) -> float:
    """Return the smallest delta that is known to go with an epsilon under rho-zCDP.

    Examples
    --------
    >>> round(delta_of(0.5, 4.0), 6)
    0.000196
    """
    if rho <= 0:
        return 0.0
    a = _ORDERS
    logs = (a - 1) * (a * rho - epsilon) + a * np.log1p(-1 / a) - np.log(a - 1)
    return float(min(1.0, np.exp(logs.min())))


def epsilon_of(rho: float, delta: float) -> float:
    """Return the smallest epsilon that is known to go with a delta under rho-zCDP.

    Examples
    --------
    >>> round(epsilon_of(0.5, 1e-5), 3)
    4.728
    """
    if rho <= 0:
        return 0.0
    a = _ORDERS
    return float(max(0.0, (a * rho + (a * np.log1p(-1 / a) - np.log(a - 1) - np.log(delta)) / (a - 1)).min()))


@cache
def rho_of(epsilon: float, delta: float) -> float:
    """Return the largest rho for which :func:`epsilon_of` stays at or below epsilon.

    Examples
    --------
    >>> rho = rho_of(3.0, 1e-5)
    >>> epsilon_of(rho, 1e-5) <= 3.0 < epsilon_of(rho * 1.001, 1e-5)
    True
    """
    low, high = 0.0, 1.0
    while epsilon_of(high, delta) <= epsilon:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle)
    return low


def normal_tail(probability: float) -> float:
    """Return the number of standard deviations that a normal variable exceeds with this probability."""
    from scipy.special import ndtri

    return float(-ndtri(probability))
