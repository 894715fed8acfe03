"""What a measure returns: frozen values with their reference, parts and concerns, that become JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AUDIENCES",
    "GRADES",
    "Concern",
    "Count",
    "Rate",
    "Result",
    "Score",
    "grade_of",
    "plain",
    "worst",
]

AUDIENCES = ("same team", "other teams", "trusted partners", "public")
"""Who a table may be given to, from the narrowest circle to the widest."""

GRADES = ("Very Poor", "Poor", "Moderate", "Good", "Excellent")
"""Gretel's labels of a score, for 0-19, 20-39, 40-59, 60-79 and 80-100."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Concern:
    """A reason to keep a table from some audience.

    Attributes
    ----------
    text : str
        What was found, with its figures, in words that need no other knowledge.
    forbids : str or None
        The narrowest of :data:`AUDIENCES` that may not have the table; every wider one may not either. None
        if nobody is shut out and the reader should merely look.
    hard : bool
        Whether the table is broken, whatever its other figures; such concerns are shown first.
    """

    text: str
    forbids: str | None = None
    hard: bool = False


@runtime_checkable
class Result(Protocol):
    """What every measure returns.

    Any frozen value with these attributes will do; :class:`Score` is one. Numbers that cannot be known are
    None, never NaN. Extra attributes are kept in the JSON.
    """

    @property
    def score(self) -> float | None:
        """0 (worst) to 100 (best)."""

    @property
    def grade(self) -> str | None:
        """The score in a word."""

    @property
    def reference(self) -> float | None:
        """The same measure on the holdout, in the unit of the score; None without a holdout."""

    @property
    def breakdown(self) -> Mapping[str, Any]:
        """The parts of the score by name: further results, :class:`Count` or :class:`Rate` values."""

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """What the verdict must take into account."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know to read the figures right."""


@dataclass(frozen=True)
class Score:
    """A score from 0 to 100, its reference, and the parts that it is made of.

    Attributes
    ----------
    score : float or None
        0 to 100; None if it could not be measured.
    grade : str or None
        One of :data:`GRADES`.
    reference : float or None
        The same measure on the holdout.
    floor : float or None
        The same measure on the real table with every column shuffled.
    breakdown : mapping of str to Score
        Parts, from which the score was computed.
    concerns, notes : tuple
        See :class:`Result`.
    """

    score: float | None
    grade: str | None = None
    reference: float | None = None
    floor: float | None = None
    breakdown: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    concerns: tuple[Concern, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Count:
    """How many of something break a rule, and how many do in the real table.

    Attributes
    ----------
    count, of : int
        Rows (or customers, or cells) that break the rule, and how many there are.
    share : float or None
        ``count / of``; None if there are none.
    reference : float or None
        The share in the real table.
    hard : bool
        Whether one more than in the real table makes the table unusable.
    examples : tuple of str
        A few of the values that break the rule.
    """

    count: int
    of: int
    reference: float | None = None
    hard: bool = False
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """Share of the whole, None if the whole is empty."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class Rate:
    """A share with its confidence interval, beside the same share of a holdout.

    Attributes
    ----------
    share, low, high : float or None
        The share and the ends of its interval.
    reference, reference_low, reference_high : float or None
        The same of the holdout; None without one.
    within_real, within_real_high : float or None
        The share of the real table's own entries that another real customer has too: what chance gives.
    count, of : int
        From which ``share`` was computed.
    """

    share: float | None
    low: float | None
    high: float | None
    count: int
    of: int
    reference: float | None = None
    reference_low: float | None = None
    reference_high: float | None = None
    within_real: float | None = None
    within_real_high: float | None = None

    @property
    def expected(self) -> float | None:
        """What honest customers show: the holdout's share, or without one the share within the real table."""
        return self.within_real if self.reference is None else self.reference

    @property
    def flagged(self) -> bool | None:
        """Whether the share is above what honest customers show, by more than chance.

        It must lie above the upper end of the expected share's interval, and the lower end of its own
        interval above the expected share. None if either is unknown.
        """
        limit = self.within_real_high if self.reference is None else self.reference_high
        if self.share is None or self.low is None or self.expected is None or limit is None:
            return None
        return self.share > limit and self.low > self.expected


def grade_of(score: float | None, labels: Sequence[str] = GRADES) -> str | None:
    """Return the label of a score.

    Parameters
    ----------
    score : float or None
        0 to 100.
    labels : sequence of str
        Five labels, for 0-19, 20-39, 40-59, 60-79, 80-100.

    Examples
    --------
    >>> grade_of(79.9), grade_of(80.0), grade_of(None)
    ('Good', 'Excellent', None)
    """
    if score is None or math.isnan(score):
        return None
    return labels[min(4, max(0, int(score // 20)))]


def worst(forbidden: Iterable[str | None]) -> str | None:
    """Return the narrowest audience among those that are forbidden, None if there is none.

    Examples
    --------
    >>> worst(["public", None, "other teams"])
    'other teams'
    """
    named = [audience for audience in forbidden if audience is not None]
    return min(named, key=AUDIENCES.index, default=None)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: dicts, lists, text, numbers; NaN and infinity become None.

    Dataclasses become dicts of their fields, and of those properties that they define themselves.

    Examples
    --------
    >>> plain(Count(count=1, of=4))["share"]
    0.25
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in dataclasses.fields(value)]
        names += [name for name, member in vars(type(value)).items() if isinstance(member, property)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    return str(value)
