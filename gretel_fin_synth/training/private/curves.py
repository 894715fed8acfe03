"""Distributions over ordered cells out of noisy counts: shapes of invented banks, moved to fit the table."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from gretel_fin_synth.training.private.estimates import around, bells, beyond, beyond_noise, on_simplex
from gretel_fin_synth.training.private.grids import AMOUNT_BINS, thrift_cell

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.beliefs import Kinds
    from gretel_fin_synth.training.private.prior import Prior

__all__ = [
    "along",
    "amounts_of",
    "at_the_end",
    "bell_like",
    "even",
    "n_held",
    "near_banks",
    "tied",
    "weighed",
]

FloatArray = npt.NDArray[np.float64]

LEAST = 0.5  # customers below which a cell is empty
APART = 0.1  # length by which a shape of an invented bank misses that of the table
MOST_STEPS = 30  # cells that shapes are moved by, at most
WIDENED = (0.0, 1.0, 2.0, 4.0)  # cells by which shapes are widened
CENTRE_APART, WIDTH_APART = 4.0, 0.4  # cells, and the logarithm of a width, by which alike kinds differ
TIES = np.linspace(-0.9, 0.9, 37)
TIE_USUAL = 0.4
N_SCORES = 600
SHARES = np.linspace(0.0, 1.0, 41)
FALLS = (0.0, 0.1, 0.3)


def fitted(
    values: FloatArray, sigma: float, total: float, shapes: FloatArray, usual: FloatArray | float = 0.0
) -> FloatArray:
    """Return the mean of shapes, (shapes, cells), weighed by their fit and by how usual they are."""
    return np.asarray(weighed(values, sigma, total, shapes, usual) @ shapes)


def weighed(
    values: FloatArray, sigma: float, total: float, shapes: FloatArray, usual: FloatArray | float = 0.0
) -> FloatArray:
    """Return how likely shapes, (shapes, cells), are; ``usual`` are logarithms of what is before any data."""
    apart = sigma**2 + (APART * total) ** 2 / values.size
    loss = ((total * shapes) ** 2).sum(axis=1) - 2 * total * (shapes @ values)
    logs = usual - loss / (2 * apart)
    weight = np.exp(logs - logs.max())
    return np.asarray(weight / weight.sum())


def along(values: FloatArray, sigma: float, total: float, banks: FloatArray, middle: int = 0) -> FloatArray:
    """Return a distribution over ordered cells: shapes of banks, moved and widened, and what stands out.

    Shapes move away from the `middle`, which stays: the cell of amounts of zero.
    """
    shape = fitted(values, sigma, total, _moved(banks.tobytes(), banks.shape, middle))
    found = around(values, sigma, total * shape)
    kept = np.where(found * total < LEAST, 0.0, found)
    kept = kept if kept.any() else found
    return np.asarray(kept / kept.sum())


def bell_like(values: FloatArray, sigma: float, total: float) -> FloatArray:
    """Return a distribution over ordered cells: a bell, and what stands out from it."""
    return around(values, sigma, total * fitted(values, sigma, total, bells(len(values))[2]))


def near_banks(
    values: FloatArray, sigma: float, total: float, banks: FloatArray, *, smooth: bool = False
) -> FloatArray:
    """Return a distribution near those of banks, and what it has beyond them (James and Stein 1961)."""
    usual = total * fitted(values, sigma, total, np.vstack([banks, banks.mean(axis=0)]))
    return around(values, sigma, usual) if smooth else _leaning(values, sigma, usual)


def even(values: FloatArray, sigma: float) -> FloatArray:
    """Return a distribution that is even where noise says nothing else."""
    total = max(float(values.sum()), sigma)
    return _leaning(values, sigma, np.full(len(values), total / len(values)))


def at_the_end(values: FloatArray, sigma: float, total: float) -> FloatArray:
    """Return a distribution of which a part is in the first cell and the others are even, or fall off."""
    later = np.stack([np.exp(-fall * np.arange(max(len(values) - 1, 1))) for fall in FALLS])
    later = later / later.sum(axis=1, keepdims=True)
    if len(values) == 1:
        return np.ones(1)
    shapes = np.concatenate([np.c_[np.full(len(later), share), (1 - share) * later] for share in SHARES])
    usual = total * fitted(values, sigma, total, shapes)
    return _leaning(values, sigma, usual)


def n_held(values: FloatArray, sigma: float, hold: FloatArray, total: float) -> FloatArray:
    """Return how many kinds customers hold: bells around what the kinds' holders say, and what stands out."""
    cell = np.arange(1, len(values))
    centre, width = np.meshgrid(np.arange(1.0, len(values), 0.25), (0.6, 1.0, 1.5, 2.2, 3.2, 4.5))
    shapes = np.exp(-0.5 * ((cell - centre.ravel()[:, None]) / width.ravel()[:, None]) ** 2)
    shapes /= shapes.sum(axis=1, keepdims=True)
    usual = -0.5 * ((centre.ravel() - hold.sum()) / (0.2 * hold.sum() + 0.5)) ** 2
    return np.r_[0.0, around(values[1:], sigma, total * fitted(values[1:], sigma, total, shapes, usual))]


def amounts_of(prior: Prior, kinds: Kinds, values: FloatArray, sigma: float) -> FloatArray:
    """Return sizes of the amounts of each kind: bells where alike kinds have theirs, and what stands out."""
    total = max(float(values.sum()), sigma)
    centre, width, shapes = bells(AMOUNT_BINS)
    fold = AMOUNT_BINS // values.shape[1]
    counted = shapes.reshape(len(shapes), -1, fold).sum(axis=2)
    together = np.exp(-0.5 * ((centre - 45) / 25) ** 2)
    likely = weighed(values.sum(axis=0), sigma * len(values) ** 0.5, total, counted, np.log(together + 1e-9))
    middle = float(likely @ shapes @ np.arange(AMOUNT_BINS))
    near = np.exp(-0.5 * ((centre[:, None] - middle - prior.centre) / CENTRE_APART) ** 2)
    near *= np.exp(-0.5 * (np.log(width[:, None] / np.maximum(prior.width, 0.5)) / WIDTH_APART) ** 2)
    near /= near.sum(axis=0)
    out = []
    for own, weight, share in zip(values, kinds.weight, kinds.rows, strict=True):
        size = max(float(share) * total, 1.0)
        likely = weighed(own, sigma, size, counted, np.log(near @ weight + 1e-6))
        usual = likely @ counted
        ratio = beyond(own, sigma, size * usual) / np.maximum(usual, 1e-300)
        out.append(likely @ shapes * np.repeat(ratio, fold))
    return np.stack(out)


def tied(income: FloatArray, ratio: FloatArray, values: FloatArray, sigma: float, total: float) -> FloatArray:
    """Return a table with these margins, tied as a noisy coarse table says: by one correlation.

    The correlation is that of two normal variables (a Gaussian copula); it is the mean over those that could
    be, weighed by how well each fits.
    """
    rows, columns = np.indices((len(income), len(ratio)))
    coarse = thrift_cell(rows, columns).ravel()
    tables = np.stack([_joined(income, ratio, tie) for tie in TIES])
    seen = np.stack([np.bincount(coarse, table.ravel(), minlength=values.size) for table in tables])
    loss = ((total * seen - values.ravel()) ** 2).sum(axis=1)
    logs = -loss / (2 * (sigma**2 + (APART * total) ** 2 / values.size)) - 0.5 * (TIES / TIE_USUAL) ** 2
    weight = np.exp(logs - logs.max())
    return _joined(income, ratio, float(weight @ TIES / weight.sum()))


def _joined(income: FloatArray, ratio: FloatArray, tie: float) -> FloatArray:
    """Return the joint distribution of two margins under a Gaussian copula."""
    one = ndtri((np.arange(N_SCORES) + 0.5) / N_SCORES)
    ends = ndtri(np.clip(np.cumsum(ratio), 1e-12, 1 - 1e-12))
    other = ndtr((ends - tie * one[:, None]) / np.sqrt(1 - tie**2))
    other[:, -1] = 1.0
    shares = np.diff(other, axis=1, prepend=0.0)
    row = np.minimum(np.searchsorted(np.cumsum(income), ndtr(one), side="right"), len(income) - 1)
    table = np.zeros((len(income), len(ratio)))
    np.add.at(table, row, shares / N_SCORES)
    return np.asarray(table * (income / np.maximum(table.sum(axis=1), 1e-12))[:, None])


@lru_cache(maxsize=8)
def _moved(content: bytes, shape: tuple[int, int], middle: int) -> FloatArray:
    """Return shapes moved along their cells away from the middle, and widened."""
    banks = np.frombuffer(content).reshape(shape)
    cell = np.arange(shape[1]) - middle
    out = []
    for more in WIDENED:
        away = np.abs(cell[:, None] - cell)
        kernel = np.eye(shape[1]) if more == 0 else np.exp(-0.5 * (away / more) ** 2)
        kernel[:, cell == 0] = kernel[cell == 0] = 0
        kernel[cell == 0, cell == 0] = 1
        wide = banks @ (kernel / kernel.sum(axis=1, keepdims=True))
        for step in range(-MOST_STEPS, MOST_STEPS + 1):
            moved = np.where(cell == 0, 0, np.sign(cell) * np.maximum(np.abs(cell) + step, 1)) + middle
            table = np.zeros(shape)
            np.add.at(table.T, np.clip(moved, 0, shape[1] - 1), wide.T)
            out.append(table)
    return np.concatenate(out)


def _leaning(values: FloatArray, sigma: float, usual: FloatArray) -> FloatArray:
    kept = on_simplex(usual + beyond_noise((values - usual)[None], sigma)[0], float(usual.sum()))
    return kept / kept.sum()
