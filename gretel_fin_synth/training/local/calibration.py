"""Choosing among candidate customers, so that whole lives are as frequent as in the data.

A model that predicts one transaction at a time can be right at each step and still let balances wander over
a year. So more customers are drawn than wanted, a logistic regression learns on a few traits of whole
histories how a candidate's odds of being real differ from others', and candidates are kept with chances
proportional to these odds (discriminator rejection sampling, Azadi et al. 2019, arXiv 1810.06758; with a
classifier of a few dozen coefficients, so that nothing about one customer can be stored in it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.balancing import Averages

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STRENGTH = 0.3
LARGEST_ODDS = 12.0


@dataclass(frozen=True)
class Calibration:
    """Log odds of being real, quadratic in standardised traits, and the averages that the chosen should have.

    ``averages`` is None where customers are to differ from real ones, as under conditions.
    """

    centre: FloatArray
    scale: FloatArray
    weights: FloatArray
    averages: Averages | None = None

    @classmethod
    def fit(cls, real: FloatArray, drawn: FloatArray, customer_weight: float = 1.0) -> Calibration:
        """Learn from traits of real customers and of candidates, (customers, traits)."""
        from sklearn.linear_model import LogisticRegression

        centre = real.mean(axis=0)
        scale = np.maximum(real.std(axis=0), 1e-6)
        inputs = _terms(_standardised(np.concatenate([real, drawn]), centre, scale))
        labels = np.r_[np.ones(len(real)), np.zeros(len(drawn))]
        model = LogisticRegression(C=STRENGTH * customer_weight, max_iter=2000, class_weight="balanced")
        model.fit(inputs, labels)
        return cls(centre, scale, model.coef_[0])

    def standardised(self, traits: FloatArray) -> FloatArray:
        """Return traits in real standard deviations from the real mean, three at most."""
        return _standardised(traits, self.centre, self.scale)

    def odds(self, traits: FloatArray) -> FloatArray:
        """Return the relative odds of candidates, clipped to a factor of LARGEST_ODDS around their mean."""
        log_odds = _terms(self.standardised(traits)) @ self.weights
        limit = np.log(LARGEST_ODDS)
        return np.exp(np.clip(log_odds - np.median(log_odds), -limit, limit))

    def choose(
        self, traits: FloatArray, n: int, rng: np.random.Generator, weight: FloatArray | float = 1.0
    ) -> IntArray:
        """Choose n candidates with chances proportional to odds times weight, spread over first traits."""
        chance = _inclusion(self.odds(traits) * weight, n)
        order = np.lexsort((traits[:, 1], np.argsort(np.argsort(traits[:, 2])) * 8 // len(traits)))
        steps = np.cumsum(chance[order])
        marks = rng.random() + np.arange(n)
        picked = np.searchsorted(steps, marks * (steps[-1] / n), side="right")
        return np.sort(order[np.minimum(picked, len(order) - 1)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("centre", "scale", "weights")}
        return {**arrays, "averages": None if self.averages is None else self.averages.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Inverse of :meth:`to_dict`."""
        arrays = {name: np.array(values[name]) for name in ("centre", "scale", "weights")}
        averages = values.get("averages")
        return cls(**arrays, averages=None if averages is None else Averages.from_dict(averages))


def _standardised(traits: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
    return np.clip((traits - centre) / scale, -3, 3)


def _terms(z: FloatArray) -> FloatArray:
    return np.hstack([z, z**2])


def _inclusion(odds: FloatArray, n: int) -> FloatArray:
    """Return chances of being chosen that add up to n, none above 1."""
    chance = np.zeros(len(odds))
    sure = np.zeros(len(odds), bool)
    while True:
        left = n - sure.sum()
        chance = np.where(sure, 1.0, odds / odds[~sure].sum() * left)
        if not (chance > 1 + 1e-12).any():
            return chance
        sure |= chance > 1
