"""The simulated attribute attacks of the Data Privacy Score, described in :mod:`~.evaluation.dps`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._binary import is_number, points
from gretel_fin_synth.evaluation._columns import numbers, value_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AttributeInference", "attribute_inference"]

_KNOWN = 3
_NEIGHBOURS = 5
_MOST_COLUMNS = 500  # above it, neighbouring columns only are combined
_LEAST_ATTACKED = 200
_TOLERANCE = 0.01
_FULL_RISK = 0.7
_NOMINAL_WORDS = frozenset(
    "class code cpt csn date end icd id key mrn nbr number postcode start time timestamp year yr yyyy yyyymm "
    "zip zipcode".split()
)


@dataclass(frozen=True)
class AttributeInference:
    """Result of the simulated attribute attacks.

    Attributes
    ----------
    score : float
        0 to 100, the mean over columns.
    columns : mapping of str to float
        Score of each column.
    accuracy : mapping of str to float
        Share of right guesses of each column.
    attacks : int
        Number of attacks.
    """

    score: float
    columns: Mapping[str, float]
    accuracy: Mapping[str, float]
    attacks: int


def attribute_inference(
    train: pd.DataFrame, synthetic: pd.DataFrame, columns: Sequence[str]
) -> AttributeInference:
    """Simulate attacks that know three columns of a training row and guess the others.

    Each combination of three columns is used once, on a training row of its own: 10 attacks for 5 columns, 20
    for 6. The guess is the mean, or the commonest value, of the five nearest synthetic rows.

    Parameters
    ----------
    train, synthetic : pandas.DataFrame
        Rows to attack, and rows that the attacker has.
    columns : sequence of str
        Columns of both; their order decides which rows meet which combination.
    """
    combined = _combinations(columns)
    np.random.RandomState(5).shuffle(combined)
    size = max(_LEAST_ATTACKED, len(train) // 100)
    attacked = train.sample(n=size, replace=True, random_state=np.random.RandomState(1))
    right: dict[str, list[bool]] = {name: [] for name in columns}
    numeric = {name for name in columns if is_number(name, [train, synthetic]) and not _nominal(name)}
    for position, known in enumerate(combined[:size]):
        row = attacked.iloc[[position]]
        nearest = _nearest_rows(row, synthetic, known)
        for name in columns:
            if name not in known and len(nearest):
                right[name].append(_guessed(row[name], nearest[name], numeric=name in numeric))
    accuracy = {name: round(float(np.mean(hits)), 2) if hits else 0.0 for name, hits in right.items()}
    weights = _weights(train, columns)
    scores = {
        name: 100.0
        * (_FULL_RISK - min(_FULL_RISK, len(columns) * accuracy[name] * weights[name]))
        / _FULL_RISK
        for name in columns
    }
    return AttributeInference(
        score=float(np.mean(list(scores.values()))),
        columns=scores,
        accuracy=accuracy,
        attacks=min(len(combined), size),
    )


def _combinations(columns: Sequence[str]) -> list[tuple[str, ...]]:
    known = min(_KNOWN, len(columns) - 1)
    if len(columns) > _MOST_COLUMNS:
        return [tuple(columns[start : start + known]) for start in range(len(columns) - known + 1)]
    return list(combinations(columns, known))


def _nominal(name: str) -> bool:
    """Whether the name of a column of numbers says that they are no quantities."""
    spaced = re.sub(r"([A-Z]+)", r" \1", name)  # camel case
    words = re.sub(r"[_ .\-]", " ", re.sub(r"([A-Z][a-z]+)", r" \1", spaced)).lower().split()
    return not _NOMINAL_WORDS.isdisjoint(words)


def _nearest_rows(row: pd.DataFrame, synthetic: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    candidates = synthetic[synthetic[list(known)].notna().all(axis=1).to_numpy()]
    if candidates.empty:
        return candidates
    target, others = points([row, candidates], known)
    distance = ((others - target) ** 2).sum(axis=1)
    return candidates.iloc[np.argsort(distance, kind="stable")[:_NEIGHBOURS]]


def _guessed(truth: pd.Series[Any], nearest: pd.Series[Any], *, numeric: bool) -> bool:
    if numeric:
        value, near = float(numbers(truth)[0]), numbers(nearest)
        if np.isnan(value) or np.isnan(near).all():
            return False
        tolerance = _TOLERANCE / 10 ** _decimals(value, truth.dtype) * value
        return bool(abs(float(np.nanmean(near)) - value) < tolerance)
    names = list(value_names(nearest))
    commonest = max(names, key=names.count)  # the nearest of equally common ones
    return bool(commonest == value_names(truth)[0])


def _decimals(value: float, dtype: Any) -> int:
    """Return the decimals of a number written out in full, as a computer holds it; 0 for integers."""
    exponent = Decimal(value).as_tuple().exponent
    if pd.api.types.is_integer_dtype(dtype) or not isinstance(exponent, int):
        return 0
    return max(0, -exponent)


def _weights(train: pd.DataFrame, columns: Sequence[str]) -> dict[str, float]:
    """Return weights that sum to 1: 0 for the column of least entropy, most for that of most."""
    entropies = np.array([round(_entropy(train[name]), 2) for name in columns])
    spread = np.ptp(entropies)
    scaled = (entropies - entropies.min()) / spread if spread > 0 else np.ones(len(columns))
    return dict(zip(columns, (scaled / scaled.sum()).tolist(), strict=True))


def _entropy(column: pd.Series[Any]) -> float:
    counts = np.unique(value_names(column).astype(str), return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
