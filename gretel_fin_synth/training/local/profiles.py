"""A customer's way of life in a few numbers: the codes of plans, and what calibration looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

N_COMPONENTS = 3
LEFT_AT_CLOSING = 0.1


def running_balances(data: Sequences, start: IntArray, sign: IntArray) -> IntArray:
    """Return the balance after each row, in minor units."""
    total = np.cumsum(data.cents * sign[data.kind])
    before = np.r_[0, total][data.offset[:-1]]
    return total + np.repeat(start - before, data.length)


def swings(data: Sequences, start: IntArray, end: IntArray, sign: IntArray) -> FloatArray:
    """Return how far balances stray from the straight line between two amounts, (customers,), minor units."""
    at, length = data.offset[:-1], data.length
    first = np.repeat(data.day[at], length)
    days = np.repeat(data.day[data.offset[1:] - 1] - data.day[at], length)
    line = np.repeat(start, length) + np.repeat(end - start, length) * (data.day - first) / np.maximum(
        days, 1
    )
    away = (running_balances(data, start, sign) - line) ** 2
    return np.asarray(np.sqrt(np.add.reduceat(away, at) / length))


def last_balances(data: Sequences, balance: IntArray) -> IntArray:
    """Return what each customer lived towards, (customers,), minor units.

    That is the last balance, or the one before if the last transaction takes nearly all of it, as the closing
    of an account does.
    """
    last = data.offset[1:] - 1
    before = np.where(data.length > 1, balance[last - 1], balance[last])
    emptied = (before > 0) & (np.abs(balance[last]) <= LEFT_AT_CLOSING * before)
    return np.where(emptied, before, balance[last])


@dataclass(frozen=True)
class Profiler:
    """Describes customers of one table.

    Parameters
    ----------
    mean : ndarray of shape (kinds,)
        Mean of the square roots of the shares of kinds.
    loadings : ndarray of shape (kinds, components)
        Main directions in which customers' mixes of kinds differ.
    """

    mean: FloatArray
    loadings: FloatArray

    @classmethod
    def fit(cls, data: Sequences, n_kinds: int) -> Profiler:
        """Learn the main directions by principal components."""
        shares = _root_shares(data, n_kinds)
        mean = shares.mean(axis=0)
        right = np.linalg.svd(shares - mean, full_matrices=False)[2]
        return cls(mean, right[:N_COMPONENTS].T)

    def codes(self, data: Sequences, start: IntArray, world: World) -> FloatArray:
        """Return the coarse codes, (customers, 8 + components).

        Activity, income, level, swing and drift of the balance, variety, size and roundness of amounts, and
        the mix of kinds.
        """
        scales, at, length = world.scales, data.offset[:-1], data.length
        signed = data.cents * world.sign[data.kind]
        balance = running_balances(data, start, world.sign).astype(float)
        months = (data.day[data.offset[1:] - 1] - data.day[at] + 1) / 30.4 + 0.5
        income = np.add.reduceat(np.maximum(signed, 0).astype(float), at) / months
        level = np.add.reduceat(balance, at) / length
        swing = np.sqrt(np.maximum(np.add.reduceat(balance**2, at) / length - level**2, 0))
        shares = _root_shares(data, world.n_kinds)
        columns = [
            np.log(length / months),
            np.log1p(income / scales.typical),
            scales.signed_log(level),
            scales.signed_log(swing),
            scales.signed_log(np.add.reduceat(signed.astype(float), at) / months),
            (shares > 0).sum(axis=1),
            np.add.reduceat(np.log(data.cents), at) / length,
            np.add.reduceat((data.cents % 1000 == 0).astype(float), at) / length,
        ]
        return np.column_stack([*columns, (shares - self.mean) @ self.loadings])

    def traits(self, data: Sequences, start: IntArray, world: World) -> FloatArray:
        """Return the codes and what only a whole history shows: ends of the balance, repeats; (n, m)."""
        at, length = data.offset[:-1], data.length
        signed = data.cents * world.sign[data.kind]
        balance = running_balances(data, start, world.sign)
        lowest = np.minimum.reduceat(balance, at)
        spent = np.add.reduceat(np.maximum(-signed, 0).astype(float), at)
        earned = np.add.reduceat(np.maximum(signed, 0).astype(float), at)
        extra = [
            world.scales.signed_log(balance[data.offset[1:] - 1]),
            world.scales.signed_log(balance[data.offset[1:] - 1] - start),
            world.scales.signed_log(lowest),
            np.log((spent + 1) / (earned + 1)).clip(-3, 3),
            np.add.reduceat(repeats(data).astype(float), at) / length,
        ]
        return np.column_stack([self.codes(data, start, world), *extra])

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"mean": self.mean.tolist(), "loadings": self.loadings.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Profiler:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["mean"]), np.array(values["loadings"]))


def _root_shares(data: Sequences, n_kinds: int) -> FloatArray:
    return np.sqrt(data.kind_counts(n_kinds) / data.length[:, None])


def repeats(data: Sequences) -> npt.NDArray[np.bool_]:
    """Return whether the customer had the same amount in the same kind before."""
    customer = data.customer
    order = np.lexsort((np.arange(len(customer)), data.cents, data.kind, customer))
    keys = np.stack([customer, data.kind, data.cents])[:, order]
    same = np.r_[False, (keys[:, 1:] == keys[:, :-1]).all(axis=0)]
    out = np.zeros(len(customer), bool)
    out[order] = same
    return out
