"""What a user may ask of the customers that are drawn, whoever draws them: checks, and shares not reached."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from typing import Self

FloatArray = npt.NDArray[np.float64]
Kinds = list[tuple[str, str]]
Wanted = list[tuple[npt.NDArray[np.bool_], float]]

__all__ = ["Asked", "Wanted", "report_shares", "step_towards", "wanted_shares"]

NAMES = ("temperature", "start", "end", "where")
SHARED = {"transaction_type": 0, "transaction_category": 1}
STARTING = "starting_amount"
MISSED = 0.15


@dataclass(frozen=True)
class Asked:
    """Checked options of sampling.

    Parameters
    ----------
    temperature : float
        Divides log odds; 1 is as learned, less is more typical.
    start, end : numpy.datetime64 or None
        First and last day of the window; None for the training table's.
    shares : dict of str to dict of str to float
        Wanted shares of rows, by column and value.
    starting : tuple of int or None
        Least and largest starting amount, minor units.
    """

    temperature: float = 1.0
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    starting: tuple[int, int] | None = None

    @classmethod
    def check(
        cls,
        options: dict[str, Any],
        *,
        kinds: Kinds,
        minor_units: int,
        window: tuple[np.datetime64, np.datetime64],
    ) -> Self:
        """Check options against what was learned.

        Raises
        ------
        ParameterError
            A name, column or value is not known, or a number cannot work.
        """
        unknown = sorted(set(options) - set(NAMES))
        if unknown:
            _refuse(
                f"Unknown sampling option {unknown[0]!r} for backend 'local'.", f"it knows {', '.join(NAMES)}"
            )
        start, end = (_day(name, options.get(name)) for name in ("start", "end"))
        last, first = window[1] if end is None else end, window[0] if start is None else start
        if last < first:
            _refuse(f"The window ends on {end} before it starts on {start}.", "give start <= end")
        where = options.get("where") or {}
        if not isinstance(where, dict):
            _refuse(f"where={where!r} is no dict.", "where={'transaction_category': {'rent': 0.1}}")
        shares = {name: _shares(name, value, kinds) for name, value in where.items() if name != STARTING}
        starting = _amounts(where[STARTING], minor_units) if STARTING in where else None
        return cls(_temperature(options.get("temperature", 1.0)), start, end, shares, starting)

    @property
    def key(self) -> str:
        """Text that is equal for equal conditions, whatever the temperature."""
        return repr((self.start, self.end, sorted(self.shares.items()), self.starting))


def wanted_shares(kinds: Kinds, shares: dict[str, dict[str, float]]) -> list[Wanted]:
    """Return for each column which kinds each value covers and the wanted share, the rest of it last."""
    return [_wanted(kinds, column, values) for column, values in shares.items()]


def _wanted(kinds: Kinds, column: str, values: dict[str, float]) -> Wanted:
    """Return which kinds each value covers and the wanted share, the rest of the column last."""
    names = np.array([kind[SHARED[column]] for kind in kinds], dtype=object)
    parts = [(names == value, share) for value, share in values.items()]
    rest = ~np.any([covers for covers, _ in parts], axis=0)
    left = 1.0 - sum(values.values())
    return [*parts, (rest, left)] if rest.any() else parts


def step_towards(found: FloatArray, wanted_of: list[Wanted]) -> FloatArray:
    """Return how far to move the log odds of each kind."""
    step = np.zeros(len(found))
    for wanted in wanted_of:
        for covers, share in wanted:
            if share > 0:
                step[covers] += np.log(share / found[covers].sum())
    return step


def report_shares(found: FloatArray, shares: dict[str, dict[str, float]], wanted_of: list[Wanted]) -> None:
    """Warn of every share that was not reached."""
    for (column, values), wanted in zip(shares.items(), wanted_of, strict=True):
        for (value, share), (covers, _) in zip(values.items(), wanted, strict=False):
            reached = float(found[covers].sum())
            if abs(reached - share) > MISSED * share + 0.005:
                further = "more" if reached < share else "less"
                warnings.warn(
                    f"{column} {value!r} was asked to have {share:.1%} of the rows and reaches about "
                    f"{reached:.1%}: {further} would not look like these customers",
                    UserWarning,
                    stacklevel=2,
                )


def _shares(column: str, values: Any, kinds: Kinds) -> dict[str, float]:
    """Check wanted shares of one column."""
    if column not in SHARED:
        known = [*SHARED, STARTING]
        _refuse(f"where has no column {column!r}.", f"it knows {', '.join(known)}")
    if not isinstance(values, dict) or not values:
        _refuse(f"where[{column!r}]={values!r} gives no shares.", f"where={{{column!r}: {{value: 0.1}}}}")
    names = sorted({kind[SHARED[column]] for kind in kinds})
    for value, share in values.items():
        if value not in names:
            near = get_close_matches(str(value), names, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"the model knows {', '.join(names[:20])}"
            _refuse(f"where: no {column} {value!r} was learned.", meant)
        if not _is_number(share) or not 0 <= share <= 1:
            _refuse(
                f"where: the share {share!r} of {column} {value!r} cannot be used.",
                "give a share of rows, 0 to 1",
            )
    total = sum(values.values())
    if total > 1 + 1e-9 or (total < 1 - 1e-9 and set(names) <= set(values)):
        _refuse(
            f"where: the shares of {column} add up to {total:g}.",
            "they must not exceed 1, and all of them are 1",
        )
    return {str(value): float(share) for value, share in values.items()}


def _amounts(value: Any, minor_units: int) -> tuple[int, int]:
    """Check a starting amount or a pair of limits; return minor units."""
    ends = value if isinstance(value, (tuple, list)) else (value, value)
    if len(ends) != 2 or not all(_is_number(end) for end in ends) or ends[0] > ends[1]:
        _refuse(
            f"where[{STARTING!r}]={value!r} cannot be used.", "give an amount, or the least and the largest"
        )
    low, high = (round(float(end) * 10**minor_units) for end in ends)
    return low, high


def _day(name: str, value: Any) -> np.datetime64 | None:
    if value is None:
        return None
    try:
        day = None if isinstance(value, (int, float)) else pd.Timestamp(value)
    except (TypeError, ValueError):
        day = None
    if day is None or pd.isna(day):
        _refuse(f"{name}={value!r} is no date.", f"{name}='2024-01-31'")
    return np.datetime64(day.date(), "D")


def _temperature(value: Any) -> float:
    if not _is_number(value) or not value > 0:
        _refuse(f"temperature={value!r} cannot be used.", "it must be a positive number; 1 is as learned")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _refuse(what: str, hint: str) -> NoReturn:
    raise ParameterError(f"{what}\n\nHint: {hint}")
