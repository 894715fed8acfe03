"""Numbers of transactions: which there are, how they follow the amount, who keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.cells import Cells
from gretel_fin_synth.training.local.extras.counting import Counted, count_distinct, dense
from gretel_fin_synth.training.local.extras.curves import Curve, Ranks, normal_scores
from gretel_fin_synth.training.local.extras.habits import Habit
from gretel_fin_synth.training.local.extras.rates import find_rate
from gretel_fin_synth.training.local.extras.strata import Strata

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.extras.rows import Contexts, Rows

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_PERSONAL = 0.95
MIN_PERSONAL = 0.05


@dataclass(frozen=True)
class Stratum:
    """Numbers of the transactions of one stratum.

    Parameters
    ----------
    cells : Cells
        Which numbers there are.
    ranks : Ranks
        Where the amounts stand among each other.
    curve : Curve
        Where the numbers stand among the cells, given where the amounts stand.
    rate : float or None
        Steps of the grid per minor unit where the number is this part of the amount.
    """

    cells: Cells
    ranks: Ranks
    curve: Curve
    rate: float | None

    @classmethod
    def fit(cls, steps: IntArray, cents: IntArray, person: IntArray, k: int, rate: float | None) -> Stratum:
        """Learn from the rows of at least k customers; ``rate`` is that of the whole column."""
        ranks = Ranks.fit(cents, person, k)
        curve = Curve.fit(ranks.share(cents), normal_scores(steps), person, k)
        return cls(Cells.fit(steps, person, k), ranks, curve, find_rate(steps, cents, person, k, rate))

    def draw(self, cents: IntArray, noise: FloatArray) -> IntArray:
        """Return the numbers of amounts, given how far they are above or below what is usual."""
        if self.rate is not None:
            return self.cells.clip(np.rint(self.rate * cents).astype(np.int64))
        return self.cells.at(self.curve.at(self.ranks.share(cents), noise))

    def unusual(self, steps: IntArray, cents: IntArray) -> FloatArray:
        """Return how far the numbers it was learned from are above or below what is usual."""
        return self.curve.noise(self.ranks.share(cents), normal_scores(steps))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "cells": self.cells.to_dict(),
            "ranks": self.ranks.to_dict(),
            "curve": self.curve.to_dict(),
            "rate": self.rate,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Stratum:
        """Inverse of :meth:`to_dict`."""
        ranks, curve = Ranks.from_dict(values["ranks"]), Curve.from_dict(values["curve"])
        return cls(Cells.from_dict(values["cells"]), ranks, curve, values["rate"])


@dataclass(frozen=True)
class Numbers:
    """How the numbers of a column come about, in whole steps of a grid.

    Parameters
    ----------
    strata : Strata
        Which transactions are alike.
    parts : tuple of Stratum
        One for each stratum.
    personal, local : float
        Shares of what is unusual about a number that are the customer's way, everywhere and in one stratum;
        the rest is chance.
    habit : Habit
        When a customer's earlier number is taken again.
    """

    strata: Strata
    parts: tuple[Stratum, ...]
    personal: float
    local: float
    habit: Habit

    @classmethod
    def fit(cls, steps: IntArray, rows: Rows, contexts: Contexts, k: int) -> Numbers:
        """Learn from the rows of at least k customers."""
        others = {name: context for name, context in contexts.items() if name != "amount"}
        rate = find_rate(steps, rows.cents, rows.person, k)
        strata = Strata.fit(normal_scores(steps), _unexplained(steps, rows, k, rate), rows, others, k)
        stratum = strata.of(rows, contexts)
        parts, unusual, by_rate = [], np.zeros(len(rows)), np.zeros(len(rows), np.bool_)
        for number, within in enumerate(strata.members(rows, contexts)):
            part = Stratum.fit(steps[within], rows.cents[within], rows.person[within], k, rate)
            here = stratum[within] == number
            unusual[within[here]] = part.unusual(steps[within], rows.cents[within])[here]
            by_rate[within[here]] = part.rate is not None
            parts.append(part)
        own = dense(rows.person, rows.kind, stratum)[0]
        fresh = np.where(by_rate, 1.0, _likelihood(stratum, steps, rows.person))
        habit = Habit.fit(rows.kind, rows.n_kinds, own, rows.cents, steps, fresh)
        free = ~by_rate
        return cls(strata, tuple(parts), *_shares(unusual[free], rows.person[free], stratum[free]), habit)

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw the numbers of rows, in steps of the grid."""
        stratum = self.strata.of(rows, contexts)
        own, n_own = dense(rows.person, rows.kind, stratum)
        noise = np.sqrt(1 - self.personal - self.local) * rng.standard_normal(len(rows))
        noise += np.sqrt(self.personal) * rng.standard_normal(rows.n_customers)[rows.person]
        noise += np.sqrt(self.local) * rng.standard_normal(n_own)[own]
        new = np.empty(len(rows), np.int64)
        order = np.argsort(stratum, kind="stable")
        bounds = np.searchsorted(stratum[order], np.arange(self.strata.n + 1))
        for number, part in enumerate(self.parts):
            here = order[bounds[number] : bounds[number + 1]]
            new[here] = part.draw(rows.cents[here], noise[here])
        return new[self.habit.sources(rows.kind, own, rows.cents, rng)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "strata": self.strata.to_dict(),
            "parts": [part.to_dict() for part in self.parts],
            "personal": self.personal,
            "local": self.local,
            "habit": self.habit.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Numbers:
        """Inverse of :meth:`to_dict`."""
        parts = tuple(Stratum.from_dict(part) for part in values["parts"])
        strata, habit = Strata.from_dict(values["strata"]), Habit.from_dict(values["habit"])
        return cls(strata, parts, values["personal"], values["local"], habit)


def _unexplained(steps: IntArray, rows: Rows, k: int, rate: float | None) -> FloatArray:
    """Return what kind and amount leave of the numbers' scores."""
    out = np.zeros(len(rows))
    plain = Strata.fit(out, out, rows, {}, k)
    stratum = plain.of(rows, {})
    for number, within in enumerate(plain.members(rows, {})):
        cents, person = rows.cents[within], rows.person[within]
        here = stratum[within] == number
        if here.any() and find_rate(steps[within], cents, person, k, rate) is None:
            share, score = Ranks.fit(cents, person, k).share(cents), normal_scores(steps[within])
            left = score - Curve.fit(share, score, person, k).expected(share)
            out[within[here]] = left[here]
    return out


def _likelihood(stratum: IntArray, steps: IntArray, person: IntArray) -> FloatArray:
    """Return how often other customers have each row's number in its stratum."""
    same, others = Counted.of(person, stratum, steps).elsewhere(), Counted.of(person, stratum).elsewhere()
    return (same + 1e-3) / (others + 1.0)


def _shares(unusual: FloatArray, person: IntArray, stratum: IntArray) -> tuple[float, float]:
    """Return the shares of the variance between customers everywhere, and beyond that in one stratum.

    The latter is the median of the strata, each counted by the rows in which customers repeat themselves.
    """
    within, weight = [], []
    for number in np.unique(stratum):
        here = stratum == number
        within.append(_between(unusual[here], person[here]))
        weight.append(int(here.sum()) - count_distinct(person[here]))
    if not sum(weight):
        return 0.0, 0.0
    order = np.argsort(within)
    middle = np.searchsorted(np.cumsum(np.array(weight)[order]), sum(weight) / 2)
    whole = within[order[middle]]
    personal = min(_between(unusual, person), whole)
    return personal, whole - personal


def _between(unusual: FloatArray, person: IntArray) -> float:
    """Return the share of the variance that lies between customers (intraclass correlation, one-way)."""
    code, n = dense(person)
    if n < 2 or len(code) < n + 2:
        return 0.0
    count = np.bincount(code, minlength=n).astype(np.float64)
    mean = np.bincount(code, unusual, n) / count
    inside = float(((unusual - mean[code]) ** 2).sum()) / (len(code) - n)
    between = float((count * (mean - unusual.mean()) ** 2).sum()) / (n - 1)
    typical = (count.sum() - (count**2).sum() / count.sum()) / (n - 1)
    share = (between - inside) / max(between + (typical - 1) * inside, 1e-12)
    return float(min(share, MAX_PERSONAL)) if share >= MIN_PERSONAL else 0.0
