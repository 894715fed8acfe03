"""What is wrong with a table: each column by its rules, then the balances, on tables in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth import _frames, _money
from gretel_fin_synth._ledger import datetime_ticks, find_breaks, make_ledger, text_is
from gretel_fin_synth.schema import _rules
from gretel_fin_synth.schema._columns import (
    AMOUNT,
    BALANCE,
    CATEGORY,
    COLUMNS,
    CREDIT,
    CUSTOMER,
    DATE,
    TYPE,
    ExtraColumn,
    check_extra_columns,
    name_problems,
)
from gretel_fin_synth.schema._extra import inspect_extra
from gretel_fin_synth.schema._failures import Problem, failure_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Inspection", "break_problem", "inspect_columns", "inspect_transactions", "wanted_columns"]


@dataclass(frozen=True)
class Inspection:
    """What an inspection of a table found.

    Attributes
    ----------
    frame : pandas.DataFrame
        The table, its sound columns coerced; an unsound column is as it was given.
    changed : tuple of str
        Columns that had to be coerced.
    problems : tuple of Problem
        What is wrong; empty if nothing is.
    """

    frame: pd.DataFrame
    changed: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def failure_cases(self) -> pd.DataFrame:
        """Every failing cell, as in :class:`gretel_fin_synth.SchemaViolation`."""
        return failure_cases(self.problems, self.frame.index)


def inspect_transactions(
    frame: Any,
    *,
    balance: bool = False,
    minor_units: int = 2,
    extra_columns: Iterable[ExtraColumn] | None = None,
) -> Inspection:
    """Do what :func:`validate_transactions` does, but report what is wrong instead of raising it.

    Parameters
    ----------
    frame, balance, minor_units, extra_columns
        See :func:`validate_transactions`; only `balance` has another default.

    Returns
    -------
    Inspection
        Its frame has the six columns (or five) and the described extra ones only.

    Raises
    ------
    ParameterError
        If `frame` is no dataframe, or an option has a value that cannot work.
    """
    minor_units = _money.check_minor_units(minor_units)
    extra = check_extra_columns(extra_columns)
    names = _frames.column_names(frame)
    wanted = wanted_columns(names, extra, balance=balance)
    problems = name_problems(names, wanted)
    if problems:
        index = frame.index if isinstance(frame, pd.DataFrame) else None
        return Inspection(pd.DataFrame(index=index), (), tuple(problems))
    given = _frames.sub_frame(frame, wanted)
    changed, problems = inspect_columns(given, minor_units)
    for column in extra:
        problems += inspect_extra(given, column)
    coerced = given.assign(**{name: column.array for name, column in changed.items()}) if changed else given
    if balance and not problems:
        problems = _balance_problems(coerced, minor_units)
    return Inspection(coerced, tuple(changed), tuple(problem.of(given[CUSTOMER]) for problem in problems))


def wanted_columns(names: Sequence[Any], extra: Iterable[ExtraColumn], *, balance: bool) -> list[str]:
    """Columns that an inspection reads of a table with the columns `names`."""
    six = [name for name in COLUMNS if name != BALANCE or balance or BALANCE in names]
    return [*six, *(column.name for column in extra)]


def inspect_columns(given: pd.DataFrame, minor_units: int) -> tuple[dict[str, pd.Series[Any]], list[Problem]]:
    """Inspect those of the six columns that are there; gives the ones that had to change."""
    changed: dict[str, pd.Series[Any]] = {}
    problems: list[Problem] = []
    for name in COLUMNS:
        if name not in given.columns:
            continue
        column = given[name]
        if name in (CUSTOMER, CATEGORY):
            coerced, found = _rules.inspect_text(column)
        elif name == DATE:
            coerced, found = _rules.inspect_date(column)
        elif name == AMOUNT:
            coerced, found = _rules.inspect_amount(column, minor_units)
        elif name == TYPE:
            coerced, found = _rules.inspect_type(column)
        else:
            coerced, found = _rules.inspect_balance(column, minor_units)
        problems += found
        if coerced is not column:
            changed[name] = coerced
    return changed, problems


def _balance_problems(frame: pd.DataFrame, minor_units: int) -> list[Problem]:
    """Report the rows whose balance does not follow from the one before."""
    codes, _ = _money.parse_minor(frame[AMOUNT], minor_units)
    signed = np.where(text_is(frame[TYPE], CREDIT), codes, -codes)
    ledger = make_ledger(frame[CUSTOMER], [datetime_ticks(frame[DATE])])
    breaks = find_breaks(frame[BALANCE], ledger.arrange(signed), ledger, minor_units=minor_units)
    if not breaks.where.size:
        return []
    rows = ledger.positions(breaks.where)
    in_frame = np.argsort(rows, kind="stable")
    rows, expected = rows[in_frame], _money.from_minor(breaks.expected[in_frame], minor_units)
    return [break_problem(rows, frame[BALANCE].iloc[rows].tolist(), expected.tolist(), minor_units)]


def break_problem(
    rows: NDArray[np.int64], found: Sequence[Any], expected: Sequence[float], minor_units: int
) -> Problem:
    """Make the problem of balances that do not follow from the ones before."""
    texts = [
        f"does not add up: the balance before and the signed amount make {amount:.{minor_units}f}"
        for amount in expected
    ]
    hint = "validate_transactions(frame, balance=False), or reconstruct_balance(frame) to make them anew"
    return Problem(BALANCE, rows, found, texts, hint)
