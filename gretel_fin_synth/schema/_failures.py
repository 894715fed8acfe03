"""What is wrong with a table, as data and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.errors import SchemaViolation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Problem", "failure_cases", "of_column", "violation"]

_SHOWN_PER_PROBLEM = 3
_SHOWN_IN_ALL = 10
_HINTS = 6
_WIDEST_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One kind of mistake in one column.

    Attributes
    ----------
    column : str
        Name of the column.
    rows : ndarray of int64, shape (k,), or None
        Positions of the failing rows, -1 in a frame whose rows have none (a query); None if the column as a
        whole is wrong.
    values : sequence, shape (k,)
        What stands there (one value if `rows` is None).
    texts : sequence of str, shape (k,)
        What is wrong with it and what to write instead.
    hint : str
        Code that puts it right, or shows where to look.
    customers : sequence, shape (k,), or None
        Whose rows these are, where that is known.
    """

    column: str
    rows: NDArray[np.int64] | None
    values: Sequence[Any]
    texts: Sequence[str]
    hint: str
    customers: Sequence[Any] | None = None

    def of(self, ids: pd.Series[Any]) -> Problem:
        """Add the customers of the rows, given those of all rows of the frame."""
        if self.rows is None:
            return self
        known = [None if pd.isna(value) else value for value in ids.iloc[self.rows].tolist()]
        return replace(self, customers=known)

    def at(self, numbers: NDArray[np.int64]) -> Problem:
        """Say where the rows stand in a larger frame: `numbers` are the positions of all rows, -1 if none."""
        return self if self.rows is None else replace(self, rows=numbers[self.rows])


def of_column(column: str, value: Any, text: str, hint: str) -> Problem:
    """Make the problem of a column as a whole."""
    return Problem(column, None, [value], [text], hint)


def failure_cases(problems: Sequence[Problem], index: pd.Index[Any] | None = None) -> pd.DataFrame:
    """List every failing cell.

    Parameters
    ----------
    problems : sequence of Problem
        What was found.
    index : pandas.Index, optional
        Labels of the rows; without one their positions.

    Returns
    -------
    pandas.DataFrame
        Columns ``column``, ``row`` (``Int64``; missing if the column as a whole is wrong), ``index``,
        ``value``, ``problem`` and ``customer_id`` (missing where it is not known).
    """
    columns: list[str] = []
    customers: list[Any] = []
    rows: list[Any] = []
    values: list[Any] = []
    texts: list[str] = []
    for problem in problems:
        columns += [problem.column] * len(problem.values)
        known = [-1] * len(problem.values) if problem.rows is None else problem.rows.tolist()
        rows += [pd.NA if row < 0 else row for row in known]
        values += list(problem.values)
        texts += list(problem.texts)
        customers += [None] * len(problem.values) if problem.customers is None else problem.customers
    labels = [row if row is pd.NA or index is None else index[row] for row in rows]
    return pd.DataFrame(
        {
            "column": pd.Series(columns, dtype=object),
            "row": pd.array(rows, dtype="Int64"),
            "index": _objects(labels),
            "value": _objects(values),
            "problem": pd.Series(texts, dtype=object),
            "customer_id": _objects(customers),
        }
    )


def violation(problems: Sequence[Problem], index: pd.Index[Any] | None = None) -> SchemaViolation:
    """Make the one error that tells of all `problems`."""
    cases = failure_cases(problems, index)
    n_cells = sum(len(problem.values) for problem in problems if problem.rows is not None)
    what = f"{n_cells} cell{'s' if n_cells != 1 else ''}" if n_cells else "its columns"
    head = f"not a table of transactions because of {what} (all in .failure_cases):"
    lines = [line for problem in problems for line in _lines(problem, index)]
    if len(lines) > _SHOWN_IN_ALL:
        lines = [*lines[:_SHOWN_IN_ALL], "  ..."]
    hints = list(dict.fromkeys(problem.hint for problem in problems))[:_HINTS]
    return SchemaViolation("\n".join([head, *lines, "", *[f"Hint: {hint}" for hint in hints]]), cases)


def _lines(problem: Problem, index: pd.Index[Any] | None) -> list[str]:
    if problem.rows is None:
        return [f"  column {problem.column!r} {problem.texts[0]}"]
    lines = []
    customers = problem.customers or [None] * len(problem.rows)
    for row, value, text, customer in zip(
        problem.rows[:_SHOWN_PER_PROBLEM].tolist(), problem.values, problem.texts, customers, strict=False
    ):
        place = _place(row, index) if row >= 0 or customer is None else f", customer {_shown(customer)}"
        lines.append(f"  column {problem.column!r}{place}: {_shown(value)} {text}")
    more = len(problem.rows) - _SHOWN_PER_PROBLEM
    if more > 0:
        lines.append(f"  ... and {more} more rows like these in {problem.column!r}")
    return lines


def _place(row: int, index: pd.Index[Any] | None) -> str:
    if row < 0:
        return ""
    if index is None or index[row] == row:
        return f", row {row}"
    return f", row {row} (index {_shown(index[row])})"


def _shown(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    text = repr(plain)
    return text if len(text) <= _WIDEST_VALUE else text[: _WIDEST_VALUE - 3] + "..."


def _objects(values: list[Any]) -> pd.Series[Any]:
    """Keep values as they are (a list of lists or of tuples is not a matrix)."""
    array = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        array[position] = value
    return pd.Series(array, dtype=object)
