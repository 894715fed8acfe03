"""From how often an attack succeeds, on training and on other customers, to a risk with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["MOST_CONTROL", "Risk", "Success", "risk", "success", "wilson"]

MOST_CONTROL = 0.95
"""Success on the control above which an attack says nothing about the training data."""


@dataclass(frozen=True)
class Success:
    """How often an attack succeeds.

    Attributes
    ----------
    rate : float
        Share of the attacked entries.
    low, high : float
        Wilson interval of the rate.
    guesses : int
        Entries that were attacked.
    independent : float
        As how many independent guesses they count: rows of one customer depend on each other.
    """

    rate: float
    low: float
    high: float
    guesses: int
    independent: float


@dataclass(frozen=True)
class Risk:
    """What an attacker gains from customers being in the training data.

    Attributes
    ----------
    risk : float or None
        ``(attack - control) / (1 - control)``, not below 0: the share of those, whom the attack would not
        hit anyway, that it hits. None where the control is above 0.95.
    low, high : float or None
        Its interval, from the intervals of both rates.
    attack, control : Success
        Success on training customers, and on customers that the generator never saw.
    level : float
        Confidence level of the intervals.
    """

    risk: float | None
    low: float | None
    high: float | None
    attack: Success
    control: Success
    level: float

    @property
    def found(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low is not None and self.low > 0.0


def wilson(rate: float, size: float, level: float) -> tuple[float, float]:
    """Return Wilson's interval of a rate (Wilson 1927).

    Parameters
    ----------
    rate : float
        Share of successes, 0 to 1.
    size : float
        Number of independent tries, above 0; need not be whole.
    level : float
        Confidence level.

    Examples
    --------
    >>> low, high = wilson(0.2, 100, 0.95)
    >>> round(low, 4), round(high, 4)
    (0.1334, 0.2888)
    """
    center, half = _center(rate, size, level)
    low = 0.0 if rate == 0.0 else max(0.0, center - half)
    return low, 1.0 if rate == 1.0 else min(1.0, center + half)


def success(hits: Bools, customer: Ints, level: float) -> Success:
    """Return the rate of hits, its interval made wider where hits gather at customers.

    Parameters
    ----------
    hits : numpy.ndarray of bool
        Whether each guess was right.
    customer : numpy.ndarray of int64
        To whom each guess belongs.
    level : float
        Confidence level.

    Raises
    ------
    ParameterError
        There is no guess.

    Notes
    -----
    The guesses count as many independent ones as would have the variance that the sums over customers have;
    as one per customer where all guesses agree.

    Examples
    --------
    >>> hits = np.array([True, True, False, False])
    >>> success(hits, np.array([0, 0, 1, 1]), 0.95).independent
    1.0
    >>> success(hits, np.array([0, 1, 2, 3]), 0.95).independent
    3.0
    """
    if len(hits) == 0:
        msg = "There is no guess to count.\n\nHint: attack tables with at least one customer"
        raise ParameterError(msg)
    rate = float(hits.mean())
    size = _independent(hits, customer, rate)
    low, high = wilson(rate, size, level)
    return Success(rate=rate, low=low, high=high, guesses=len(hits), independent=size)


def risk(attack: Success, control: Success, level: float) -> Risk:
    """Return the risk, with both intervals carried over to it (Giomi et al. 2023, appendix).

    Examples
    --------
    >>> found = risk(Success(0.6, 0.5, 0.7, 100, 100.0), Success(0.2, 0.1, 0.3, 100, 100.0), 0.95)
    >>> round(found.risk, 3), found.found
    (0.5, True)
    """
    if control.rate > MOST_CONTROL:
        return Risk(None, None, None, attack, control, level)
    plain = (attack.rate - control.rate) / (1.0 - control.rate)
    (hit, hit_half), (chance, chance_half) = (
        _center(each.rate, each.independent, level) for each in (attack, control)
    )
    center = (hit - chance) / (1.0 - chance)
    half = float(np.hypot(hit_half / (1.0 - chance), chance_half * (1.0 - hit) / (1.0 - chance) ** 2))
    low, high = min(center - half, plain), max(center + half, plain)
    low, plain, high = (float(np.clip(value, 0.0, 1.0)) for value in (low, plain, high))
    return Risk(plain, low, high, attack, control, level)


def _center(rate: float, size: float, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    scale = z**2 / size
    half = z * float(np.sqrt(rate * (1.0 - rate) / size + scale / (4.0 * size))) / (1.0 + scale)
    return (rate + scale / 2.0) / (1.0 + scale), half


def _independent(hits: Bools, customer: Ints, rate: float) -> float:
    owner = np.unique(customer, return_inverse=True)[1].reshape(-1)
    customers = int(owner.max()) + 1
    if customers < 2 or rate in (0.0, 1.0):
        return float(customers)
    sums = np.bincount(owner, hits - rate)
    variance = float((sums**2).sum()) * customers / (customers - 1) / len(hits) ** 2
    if variance == 0.0:
        return float(len(hits))
    return float(np.clip(rate * (1.0 - rate) / variance, 1.0, len(hits)))
