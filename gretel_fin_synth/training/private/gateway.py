"""The only way from a table to anything that is kept of it.

A :class:`Gateway` is made around a table; what asks it for numbers gets noisy numbers, and each answer is
charged. The table itself lives in a closure: no attribute leads to it. A query says, for each customer, what
that customer adds to which cell; it must look at one customer at a time (a test calls every query with the
customers one by one and together). The gateway, not the query, sees to it that no customer adds more than
``clip``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.private.accounting import LEAST_STEPS, MOST_NUMBERS, Charge, normal_tail

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.customers import Customers
    from gretel_fin_synth.training.private.noise import Noise

__all__ = ["Cells", "Gateway", "Release"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Item = TypeVar("Item", bound=Hashable)

LATTICE = 2**24  # steps in which a contribution of length ``clip`` is counted


@dataclass(frozen=True)
class Cells:
    """What customers add: ``who[j]`` adds ``weight[j]`` to cell ``cell[j]`` of an array of this shape."""

    who: IntArray
    cell: IntArray
    weight: FloatArray
    shape: tuple[int, ...]

    @classmethod
    def counts(cls, who: IntArray, cell: IntArray, shape: tuple[int, ...]) -> Cells:
        """Count every entry once."""
        return cls(who, cell, np.ones(len(who)), shape)


@dataclass(frozen=True)
class Release:
    """Noisy sums over customers, and the standard deviation of their noise."""

    sums: FloatArray
    sigma: float


Query = Callable[["Customers"], Cells]
Items = Callable[["Customers"], list[list[Item]]]


class Gateway:
    """Answers queries about a table with noise, and keeps account.

    Parameters
    ----------
    customers : Customers
        The table, bounded.
    rho : float
        What may be spent in all, in zCDP.
    noise : Noise
        Where noise comes from.
    """

    def __init__(self, customers: Customers, rho: float, noise: Noise) -> None:
        def total(query: Query, clip: float, sigma: float) -> FloatArray:
            steps = _total(query(customers), clip)
            noisy = noise.add(steps.ravel(), sigma / clip * LATTICE)
            return np.asarray(noisy.reshape(steps.shape) * (clip / LATTICE), dtype=np.float64)

        def chosen(items: Items[Item], most: int, sigma: float, limit: float) -> dict[Item, float]:
            weights = _weights([list(dict.fromkeys(own))[:most] for own in items(customers)])
            noisy = noise.add(np.array(list(weights.values()), dtype=np.int64), sigma * LATTICE)
            pairs = zip(weights, noisy.tolist(), strict=True)
            return {item: steps / LATTICE for item, steps in pairs if steps > limit * LATTICE}

        def prepare(change: Callable[[Customers], Customers]) -> None:
            nonlocal customers
            customers = change(customers)

        self._noisy_total, self._noisy_choice, self._prepare = total, chosen, prepare
        self.rho = rho
        self.charges: list[Charge] = []
        self._numbers = 0

    @property
    def spent(self) -> float:
        """Return the zCDP spent so far."""
        return sum(charge.rho for charge in self.charges)

    def prepare(self, change: Callable[[Customers], Customers]) -> None:
        """Change what queries see, customer by customer: leave rows out, code them."""
        self._prepare(change)

    def measure(self, name: str, query: Query, *, rho: float, clip: float) -> Release:
        """Return noisy sums of what customers add, each clipped to the Euclidean length `clip`.

        Raises
        ------
        RuntimeError
            If the budget does not allow it; nothing is released then.
        """
        sigma = float(clip / np.sqrt(2 * rho))
        self._check(name, rho)
        values = self._noisy_total(query, clip, sigma)
        self._count(values.size)
        self.charges.append(Charge(name, rho, sigma, clip, values.size))
        return Release(values, sigma)

    def select(
        self, name: str, items: Items[Item], *, rho: float, delta: float, most: int
    ) -> dict[Item, float]:
        """Return values that many customers have, with the noisy weight of each.

        A customer's weight of 1 (in Euclidean length) is divided among at most `most` values. A value is
        shown if its noisy weight is above a threshold that a value of one customer alone passes with
        probability at most `delta`, all of that customer's values together (Gopi et al. 2020, arXiv
        2002.09745).
        """
        sigma = float(1 / np.sqrt(2 * rho))
        self._check(name, rho)
        self._count(most)
        alone = [1 / np.sqrt(t) + sigma * normal_tail(delta / t) for t in range(1, most + 1)]
        shown = self._noisy_choice(items, most, sigma, max(alone) + 2 / LATTICE)
        self.charges.append(Charge(name, rho, sigma, 1.0, len(shown), delta))
        return shown

    def _check(self, name: str, rho: float) -> None:
        if not rho > 0 or self.spent + rho > self.rho * (1 + 1e-9):
            msg = f"{name} would cost {rho}, and {self.rho - self.spent} is left"
            raise RuntimeError(msg)
        if (2 * rho) ** -0.5 * LATTICE < LEAST_STEPS:
            msg = f"{name} would have noise of less than {LEAST_STEPS} steps, too few for the accounting"
            raise RuntimeError(msg)

    def _count(self, size: int) -> None:
        self._numbers += size
        if self._numbers > MOST_NUMBERS:
            msg = f"{self._numbers:,} numbers would be released; the accounting is for {MOST_NUMBERS:,}."
            raise ParameterError(f"{msg}\n\nHint: fewer public categories, or a shorter public window")


def _total(cells: Cells, clip: float) -> IntArray:
    """Return sums in steps of clip / LATTICE; every customer's share is at most LATTICE long, exactly."""
    size = int(np.prod(cells.shape))
    key, index = np.unique(cells.who * size + cells.cell, return_inverse=True)
    weight = np.bincount(index, cells.weight, minlength=len(key))
    who, cell = key // size, key % size
    length = np.sqrt(np.bincount(who, weight**2)) if len(who) else np.zeros(0)
    scale = (1 - 1e-9) * np.minimum(1.0, clip / np.maximum(length, 1e-300))
    steps = np.trunc(weight / clip * scale[who] * LATTICE).astype(np.int64) if len(who) else who
    squares = np.bincount(who, (steps**2).astype(float)) if len(who) else np.zeros(0)
    if (squares > float(LATTICE) ** 2).any():  # pragma: no cover - what is above rules it out
        msg = "a contribution is longer than its bound"
        raise RuntimeError(msg)
    out = np.zeros(size, dtype=np.int64)
    np.add.at(out, cell, steps)
    return out.reshape(cells.shape)


def _weights(owned: list[list[Item]]) -> dict[Item, int]:
    """Return the weight of each value in steps of 1 / LATTICE, in the order of the values' names."""
    totals: dict[Item, int] = {}
    for own in owned:
        share = int(LATTICE * (1 - 1e-9) / np.sqrt(max(len(own), 1)))
        for item in own:
            totals[item] = totals.get(item, 0) + share
    return {item: totals[item] for item in sorted(totals, key=repr)}
