"""Attacks on whole customers: single one out, link two halves of a history, infer the income."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import customer_matrices
from gretel_fin_synth.evaluation.attacks._nearest import customer_space, nearest_positions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Hits = tuple[Bools, Ints]

__all__ = ["CUSTOMER_TITLES", "accused", "customer_attacks"]

CUSTOMER_TITLES: Mapping[str, str] = {
    "customer_singled_out": "A customer singled out by features of a synthetic one",
    "customer_linked": "Two halves of a history linked (when and what for; how much)",
    "income_inferred": "A customer's monthly income inferred from the rest, within 3 %",
}
"""The attacks in words."""

_QUESTIONS = 100  # ways to describe a synthetic customer by three of its features
_FEATURES = 3
_WIDTH = 0.1  # half the width of a description, in spreads
_LEAST_ANSWERS = 5
_CLOSE = 0.0305
_CELLS = 8_000_000
_INCOME = ("amount_in", "amount_mean", "amount_largest")  # what is asked for, and what gives it away


def customer_attacks(
    train: Table, synthetic: Table, holdout: Table, rng: np.random.Generator
) -> dict[str, tuple[Hits, Hits]]:
    """Return for each attack its hits and whom they concern, among training and holdout customers."""
    tables = [train, holdout, synthetic]
    space = customer_space(tables, scale=[2])
    points, names = [matrix.cells for matrix in space], space[0].names
    incomes = [matrix.columns(["amount_in"])[:, 0] for matrix in customer_matrices(tables)]
    pooled = accused(np.concatenate(points[:2]), points[2], rng)
    found = {
        "customer_singled_out": [pooled[: train.n_customers], pooled[train.n_customers :]],
        "customer_linked": [_linked(part, points[2], names) for part in points[:2]],
        "income_inferred": [
            _income_inferred(part, income, points[2], incomes[2], names)
            for part, income in zip(points, incomes[:2], strict=False)
        ],
    }
    return {
        name: ((first, np.arange(len(first))), (second, np.arange(len(second))))
        for name, (first, second) in found.items()
    }


def accused(points: Floats, among: Floats, rng: np.random.Generator) -> Bools:
    """Return which points are singled out by one of the others.

    A synthetic customer describes itself by three random features, each give or take a tenth of a spread, in
    100 ways. Some descriptions fit exactly one real customer. If at least five do, and more than half of
    these name the same one, that customer is singled out.

    Parameters
    ----------
    points : numpy.ndarray of float64, shape (n_customers, n_features)
        All real customers, attacked and control.
    among : numpy.ndarray of float64, shape (n_synthetic, n_features)
        Synthetic customers.
    rng : numpy.random.Generator
        Draws the features.
    """
    varied = np.flatnonzero(among.std(axis=0) > 0)
    singled = np.zeros(len(points), dtype=np.bool_)
    if len(varied) < _FEATURES:
        return singled
    questions = [rng.choice(varied, size=_FEATURES, replace=False) for _ in range(_QUESTIONS)]
    step = max(1, _CELLS // max(len(points) * len(varied), 1))
    for start in range(0, len(among), step):
        part = among[start : start + step]
        near = np.abs(part[:, None, :] - points[None, :, :]) <= _WIDTH
        votes = np.zeros((len(part), len(points)), dtype=np.int64)
        for features in questions:
            fits = near[:, :, features].all(axis=2)
            votes += fits & (fits.sum(axis=1) == 1)[:, None]
        answers = votes.sum(axis=1)
        named = votes.argmax(axis=1)
        sure = (answers >= _LEAST_ANSWERS) & (2 * votes[np.arange(len(part)), named] > answers)
        singled[named[sure]] = True
    return singled


def _linked(points: Floats, among: Floats, names: Sequence[str]) -> Bools:
    """Return whether the same synthetic customer is nearest by both halves of the features."""
    one = np.array([name.startswith(("when_", "what_")) for name in names])
    nearest = [nearest_positions(points[:, half], among[:, half]) for half in (one, ~one)]
    return np.asarray(nearest[0] == nearest[1], dtype=np.bool_)


def _income_inferred(
    points: Floats, income: Floats, among: Floats, incomes: Floats, names: Sequence[str]
) -> Bools:
    """Return whether the customer nearest by all other features has the income, within 3 %."""
    others = np.array([name not in _INCOME for name in names])
    nearest = nearest_positions(points[:, others], among[:, others])
    return np.asarray(np.abs(incomes[nearest] - income) <= _CLOSE, dtype=np.bool_)
