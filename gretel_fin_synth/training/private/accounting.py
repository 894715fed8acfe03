"""What noise costs: zero-concentrated differential privacy, and what it means as (epsilon, delta).

Every release of the private engine adds discrete Gaussian noise of standard deviation ``sigma`` to a sum in
which one customer's share has an Euclidean length of at most ``clip``. That release is rho-zCDP with
``rho = clip**2 / (2 sigma**2)`` (Canonne, Kamath and Steinke 2020, arXiv 2004.00010, theorem 14), the rho of
releases add up (Bun and Steinke 2016, arXiv 1605.02065), and the sum is turned into (epsilon, delta) in two
ways, of which the better one counts:

1. by proposition 7 of the former, the tightest conversion known for all of zCDP;
2. as what it is, Gaussian noise: releases with continuous noise together are one Gaussian mechanism of
   ``mu = sqrt(2 rho)`` (Dong, Roth and Su 2019, arXiv 1905.02383, corollary 3.3), whose delta is known
   exactly (Balle and Wang 2018, arXiv 1805.06530, theorem 8). Discrete noise differs from continuous noise
   rounded to whole steps by a factor of at most ``exp(REACH**2 / (8 steps**2))`` a number, ``steps`` being
   sigma in steps, unless a number lies further out than REACH sigmas. Both are charged, for any MOST_NUMBERS
   numbers and sigmas of LEAST_STEPS or more: it costs 4e-5 of epsilon and, up to epsilon 25, 2e-15 of delta.

The factor: rounded noise has at k the probability ``g(k) * mean(exp(-u**2 / 2 s**2) cosh(k u / s**2))`` over
u in (-1/2, 1/2), where g is the Gaussian density and s is sigma; the mean lies between ``exp(-1 / 8 s**2)``
and ``exp(k**2 / 8 s**4)``. Discrete noise has g(k) divided by the sum of g, which is 1 up to
``3 exp(-2 pi**2 s**2)`` by Poisson's summation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp, sqrt

import numpy as np

__all__ = ["LEAST_STEPS", "MOST_NUMBERS", "Charge", "delta_of", "epsilon_of", "normal_tail", "rho_of"]

MOST_NUMBERS = 2**22  # numbers of all releases together, at most
LEAST_STEPS = 2.0**21  # least sigma, in steps of the lattice that is counted in
REACH = 12.0  # sigmas
SLACK = 2 * MOST_NUMBERS * REACH**2 / (8 * LEAST_STEPS**2) * (1 + 1e-9)  # 2: noise of either table
BEYOND = MOST_NUMBERS * 4e-33  # probability that any number is further out than REACH sigmas

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
        Probability with which a selection may show a value that only one customer has. It counts once
        in delta, and ``-log(1 - delta)`` in epsilon.
    """

    name: str
    rho: float
    sigma: float
    clip: float
    size: int
    delta: float = 0.0


def delta_of(rho: float, epsilon: float) -> float:
    """Return the smallest delta that is known to go with an epsilon.

    Examples
    --------
    >>> round(delta_of(0.5, 4.0), 6)
    4.7e-05
    """
    if rho <= 0:
        return 0.0
    a = _ORDERS
    logs = (a - 1) * (a * rho - epsilon) + a * np.log1p(-1 / a) - np.log(a - 1)
    return float(min(1.0, np.exp(logs.min()), _gaussian(rho, epsilon)))


def _gaussian(rho: float, epsilon: float) -> float:
    """Return delta of the Gaussian mechanism, and what discrete noise adds to it."""
    from scipy.special import log_ndtr, ndtr

    mu, left = sqrt(2 * rho), epsilon - SLACK
    if left <= 0:
        return 1.0
    tail = ndtr(mu / 2 - left / mu)
    exact = tail - np.exp(left + log_ndtr(-mu / 2 - left / mu))
    more = exp(SLACK) * (max(exact, 0.0) + 1e-12 * tail) + (1 + exp(epsilon)) * BEYOND
    return float(more)


def epsilon_of(rho: float, delta: float) -> float:
    """Return the smallest epsilon that is known to go with a delta.

    Examples
    --------
    >>> round(epsilon_of(0.5, 1e-5), 3)
    4.377
    """
    if rho <= 0:
        return 0.0
    a = _ORDERS
    high = float(max(0.0, (a * rho + (a * np.log1p(-1 / a) - np.log(a - 1) - np.log(delta)) / (a - 1)).min()))
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if delta_of(rho, middle) <= delta else (middle, high)
    return high


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
