"""Rows as points, the way Gretel's privacy scores measure distances between them.

Numbers are taken as they are. Everything else is numbered by first appearance, and the number written in
binary digits, a column for each. Then every column is replaced by its quantiles, so that all lie between 0
and 1. Described anew from NVIDIA's NeMo Safe Synthesizer (Apache-2.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._columns import numbers, value_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["binary_digits", "is_number", "points", "to_quantiles"]

_QUANTILES = 1000


def is_number(name: str, frames: Sequence[pd.DataFrame]) -> bool:
    """Whether the column holds numbers, and no truth values, in all frames."""
    types = [frame[name].dtype for frame in frames]
    return all(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in types)


def points(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> list[Floats]:
    """Return the rows of each frame as points; the scale is that of all frames together.

    Parameters
    ----------
    frames : sequence of pandas.DataFrame
        Tables with the columns; their order decides which value appears first.
    columns : sequence of str
        Names of the columns, in their order.

    Returns
    -------
    list of numpy.ndarray of float64, shape (n_rows, n_coordinates)
        One array for each frame.
    """
    parts: list[Floats] = []
    for name in columns:
        if is_number(name, frames):
            values = np.concatenate([numbers(frame[name]) for frame in frames])
            parts.append(np.where(np.isnan(values), 0.0, values)[:, None])
        else:
            names = np.concatenate([value_names(frame[name]) for frame in frames])
            parts.append(binary_digits(pd.factorize(names)[0].astype(np.int64) + 1))
    stacked = to_quantiles(np.concatenate(parts, axis=1))
    return np.split(stacked, np.cumsum([len(frame) for frame in frames])[:-1])


def binary_digits(codes: Ints) -> Floats:
    """Write each number in binary, one column for each digit, the highest first.

    Examples
    --------
    >>> binary_digits(np.array([1, 2, 4])).tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    width = max(1, int(codes.max(initial=0)).bit_length())
    digits: Floats = ((codes[:, None] >> np.arange(width - 1, -1, -1)) & 1).astype(np.float64)
    return digits


def to_quantiles(values: Floats) -> Floats:
    """Replace each value by its quantile in its column, from 0 to 1; equal values share their middle.

    As scikit-learn's ``QuantileTransformer`` with 1000 quantiles, fitted on all rows.

    Examples
    --------
    >>> to_quantiles(np.array([[10.0], [30.0], [20.0]])).ravel().tolist()
    [0.0, 1.0, 0.5]
    """
    places = np.linspace(0.0, 1.0, min(_QUANTILES, len(values)))
    result = np.empty_like(values)
    for column, original in enumerate(values.T):
        few = len(values) <= _QUANTILES  # then the quantiles are the values, and nothing is left to round
        marks = np.sort(original) if few else np.maximum.accumulate(np.quantile(original, places))
        up = np.interp(original, marks, places)
        down = np.interp(-original, -marks[::-1], -places[::-1])
        middle = (up - down) / 2
        middle = np.where(original >= marks[-1], 1.0, middle)
        result[:, column] = np.where(original <= marks[0], 0.0, middle)
    return result
