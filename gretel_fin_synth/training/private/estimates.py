"""From noisy sums to distributions: what is left of noise when a result must be one."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DRAWN_TO = 1.0  # noise deviations that the common distribution counts for
LEAST_SIGNAL = 2.0  # noise deviations below which a cell is empty
LEAST_FAR = 4.5  # the same far from where other cells are full
LEAST_ISLAND = 4.5  # the same for connected cells together
WIDTHS = (0.0, 0.6, 1.0, 1.6, 2.5, 4.0, 6.0, 9.0)
BELL_WIDTHS = np.geomspace(0.4, 14, 16)

__all__ = [
    "around",
    "bells",
    "beyond",
    "beyond_noise",
    "near",
    "on_simplex",
    "pooled",
    "smoothed",
    "standing_out",
    "stratified",
    "tilted",
]


def on_simplex(values: FloatArray, total: float = 1.0) -> FloatArray:
    """Return the nearest array without negative entries and with this sum.

    Examples
    --------
    >>> on_simplex(np.array([0.75, 0.5, -1.0])).tolist()
    [0.625, 0.375, 0.0]
    """
    flat = values.ravel()
    ordered = np.sort(flat)[::-1]
    excess = (np.cumsum(ordered) - total) / np.arange(1, len(flat) + 1)
    last = np.flatnonzero(ordered > excess)[-1]
    return np.maximum(flat - excess[last], 0.0).reshape(values.shape)


def beyond_noise(away: FloatArray, sigma: float) -> FloatArray:
    """Return noisy differences, each row by how far it exceeds noise (James and Stein 1961)."""
    trust = 1 - away.shape[1] * sigma**2 / np.maximum((away**2).sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(np.maximum(trust, 0.0) * away)


def near(
    values: FloatArray, sigma: float, totals: FloatArray, usual: FloatArray, drawn_to: float
) -> FloatArray:
    """Return distributions of the rows of a noisy table: usual counts, and what each row has beyond noise.

    ``usual`` (rows, cells) adds up to ``totals`` (rows,); it counts by ``drawn_to`` * sigma at least.
    """
    shrunk = usual + beyond_noise(values - usual, sigma)
    own = np.stack([on_simplex(row, total) for row, total in zip(shrunk, totals, strict=True)])
    mixed = own + drawn_to * sigma * usual / totals[:, None]
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


def standing_out(values: FloatArray, sigma: float, usual: FloatArray, least: float) -> FloatArray:
    """Return shares of cells: usual ones, and what stands out from them (the garrotte of Breiman 1995).

    Parameters
    ----------
    values : ndarray
        Noisy counts.
    sigma : float
        Standard deviation of their noise.
    usual : ndarray of the same shape
        Shares.
    least : float
        Noise deviations below which nothing stands out.

    Examples
    --------
    >>> usual = np.array([0.5, 0.5])
    >>> standing_out(np.array([70.0, 30.0]), 20.0, usual, 1.5).tolist()
    [0.5, 0.5]
    """
    total = max(float(values.sum()), sigma)
    away, cut = values - usual * total, least * sigma
    away = np.where(np.abs(away) > cut, away - cut**2 / np.where(away == 0, 1.0, away), 0.0)
    shares = np.maximum(usual * total + away, 0.0)
    return np.asarray(shares / max(float(shares.sum()), 1e-12))


def tilted(shares: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return distributions over ordered cells, each cell `ratio` times likelier beside the one before it.

    Examples
    --------
    >>> tilted(np.array([[0.5, 0.5]]), np.array([3.0])).tolist()
    [[0.25, 0.75]]
    """
    moved = shares * ratio[:, None] ** np.arange(shares.shape[1])
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))


def pooled(values: FloatArray, sigma: float, totals: FloatArray) -> FloatArray:
    """Return distributions of the rows of a noisy table, drawn towards that of all rows as noise demands.

    Parameters
    ----------
    values : ndarray of shape (rows, cells)
        Noisy counts.
    sigma : float
        Standard deviation of their noise.
    totals : ndarray of shape (rows,)
        What the rows add up to, known better than from their own sums.

    Returns
    -------
    ndarray of shape (rows, cells)
        Every row adds up to 1. What a row has of its own counts by how far it exceeds noise (James and
        Stein 1961), and what all rows have in common by DRAWN_TO * sigma at least.
    """
    totals = np.maximum(totals, 0.5 * sigma)
    common = on_simplex(values.sum(axis=0), totals.sum()) / totals.sum()
    return near(values, sigma, totals, totals[:, None] * common, DRAWN_TO)


def smoothed(values: FloatArray, sigma: float) -> FloatArray:
    """Return a distribution over ordered cells: as smooth as noise demands, without what is only noise.

    The width of the Gaussian kernel, the same for all cells, is the one with the least unbiased estimate of
    risk (Stein 1981); cells that stay below what noise makes of nothing are emptied.

    Parameters
    ----------
    values : ndarray of shape (cells,) or (cells, cells)
        Noisy counts.
    sigma : float
        Standard deviation of their noise.

    Returns
    -------
    ndarray of the shape of `values`
        Adds up to 1.
    """
    best, kept = np.inf, values
    for kernel in (tuple(_kernel(size, width) for size in values.shape) for width in WIDTHS):
        fit = values
        for axis, matrix in enumerate(kernel):
            fit = np.moveaxis(np.tensordot(matrix, fit, axes=(1, axis)), 0, axis)
        trace = float(np.prod([np.trace(matrix) for matrix in kernel]))
        risk = float(((values - fit) ** 2).sum() + 2 * sigma**2 * trace)
        if risk < best:
            noise = sigma * np.prod([_gain(matrix) for matrix in kernel])
            best, kept = risk, np.where(fit > LEAST_SIGNAL * noise, fit, 0.0)
    if kept.sum() <= 0:
        kept = np.maximum(values, 0) + 1e-9
    kept = _islands(kept, values, sigma)
    return np.asarray(kept / kept.sum())


def around(values: FloatArray, sigma: float, usual: FloatArray) -> FloatArray:
    """Return a distribution over ordered cells: what is usual, and a smooth difference as noise allows.

    Widths are chosen as by :func:`smoothed`; one of them is that of no difference at all.
    """
    left, risk, best = values - usual, float(((values - usual) ** 2).sum()), usual
    for width in WIDTHS:
        kernel = _kernel(len(values), width)
        fit = kernel @ left
        now = float(((left - fit) ** 2).sum() + 2 * sigma**2 * np.trace(kernel))
        if now < risk:
            sound = (usual > 0.25 * sigma * _gain(kernel)) | (
                usual + fit > sigma * _gain(kernel) * np.where(usual > 0.02 * sigma, LEAST_SIGNAL, LEAST_FAR)
            )
            risk, best = now, np.where(sound, usual + fit, usual)
    shape = np.maximum(best, 0.0)
    shape = shape if shape.any() else usual  # noise took all of it away
    return np.asarray(shape / shape.sum())


def beyond(values: FloatArray, sigma: float, usual: FloatArray) -> FloatArray:
    """Return a distribution over ordered cells: what is usual, and what stands out from it beyond noise.

    Parameters
    ----------
    values : ndarray of shape (cells,)
        Noisy counts.
    sigma : float
        Standard deviation of their noise.
    usual : ndarray of shape (cells,)
        What the counts are taken to be where noise hides the rest.
    """
    left, risk, rest = values - usual, np.inf, np.zeros_like(values)
    for width in WIDTHS[:5]:
        kernel = _kernel(len(values), width)
        fit = kernel @ left
        now = float(((left - fit) ** 2).sum() + 2 * sigma**2 * np.trace(kernel))
        if now < risk:
            cut = sigma * _gain(kernel) * np.where(usual > 0.02 * sigma, LEAST_SIGNAL, LEAST_FAR)
            risk, rest = (
                now,
                np.where(np.abs(fit) > cut, fit - np.sign(fit) * cut**2 / np.maximum(np.abs(fit), cut), 0.0),
            )
    shape = np.maximum(usual + rest, 0.0)
    return np.asarray(shape / shape.sum())


def _kernel(size: int, width: float) -> FloatArray:
    """Return a matrix that smooths with a Gaussian of this width in cells."""
    if width == 0:
        return np.eye(size)
    away = np.arange(size)[:, None] - np.arange(size)
    weight = np.exp(-0.5 * (away / width) ** 2)
    return np.asarray(weight / weight.sum(axis=0))


def _gain(kernel: FloatArray) -> float:
    """Return by how much smoothing changes the standard deviation of noise, at most."""
    return float(np.sqrt((kernel**2).sum(axis=1)).max())


@cache
def bells(size: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return centres, widths and cells (bells, cells) of discretised normal distributions."""
    centre, width = np.meshgrid(np.arange(0, size, 0.5), BELL_WIDTHS, indexing="ij")
    shapes = np.exp(-0.5 * ((np.arange(size) - centre.ravel()[:, None]) / width.ravel()[:, None]) ** 2)
    return centre.ravel(), width.ravel(), shapes / shapes.sum(axis=1, keepdims=True)


def _islands(kept: FloatArray, values: FloatArray, sigma: float) -> FloatArray:
    """Empty connected cells that together hold no more than noise may make of them; the largest stay."""
    from scipy.ndimage import label

    code, n = label(kept > 0)
    mass = np.bincount(code.ravel(), values.ravel(), minlength=n + 1)
    size = np.bincount(code.ravel(), minlength=n + 1)
    sound = mass > LEAST_ISLAND * sigma * np.sqrt(size)
    sound[1 + np.argmax(mass[1:])] = True
    sound[0] = False
    return np.where(sound[code], kept, 0.0)


def stratified(shares: FloatArray, n: int, rng: np.random.Generator) -> IntArray:
    """Return n codes whose frequencies are as near to the shares as whole numbers allow, in random order."""
    steps = np.cumsum(shares.ravel())
    marks = (rng.random() + np.arange(n)) / n * steps[-1]
    codes = np.minimum(np.searchsorted(steps, marks, side="right"), shares.size - 1)
    return rng.permutation(codes)
