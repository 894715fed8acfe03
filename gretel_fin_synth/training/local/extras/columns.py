"""Columns with one value per transaction: categories, numbers and dates, and where each is missing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth.training.local.extras.cells import Grid, least_customers
from gretel_fin_synth.training.local.extras.counting import Runs, dense
from gretel_fin_synth.training.local.extras.labels import Labels
from gretel_fin_synth.training.local.extras.numbers import Numbers
from gretel_fin_synth.training.local.extras.rows import (
    SECONDS,
    BoolArray,
    Context,
    Contexts,
    Rows,
    take_contexts,
)
from gretel_fin_synth.training.local.extras.values import Values, code_values, shared_first

IntArray = npt.NDArray[np.int64]


class Cell(Protocol):
    """What is learned of the cells of a column that are not missing."""

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw a whole number for each row."""

    def make(self, drawn: IntArray, present: BoolArray, rows: Rows) -> Any:
        """Turn the numbers of the present cells into an array for all rows."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""


@dataclass(frozen=True)
class CategoryCells:
    """Labels, and the values that they stand for."""

    labels: Labels
    values: Values

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw the code of a value for each row."""
        return self.labels.draw(rows, contexts, rng)

    def make(self, drawn: IntArray, present: BoolArray, rows: Rows) -> Any:
        """Return values, missing ones where not present."""
        return self.values.make(spread(drawn, present, -1))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"labels": self.labels.to_dict(), "values": self.values.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CategoryCells:
        """Inverse of :meth:`to_dict`."""
        return cls(Labels.from_dict(values["labels"]), Values.from_dict(values["values"]))


@dataclass(frozen=True)
class NumberCells:
    """Numbers in whole steps, and the grid of the steps; ``nullable`` is whether any may be missing."""

    numbers: Numbers
    grid: Grid
    nullable: bool

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw the steps of each row."""
        return self.numbers.draw(rows, contexts, rng)

    def make(self, drawn: IntArray, present: BoolArray, rows: Rows) -> Any:
        """Return numbers: of the dtype of the column, as nullable integers if whole ones may be missing."""
        out = spread(self.grid.decode(drawn), present, 0 if self.grid.whole else np.nan)
        return pd.arrays.IntegerArray(out, ~present) if self.grid.whole and self.nullable else out

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"numbers": self.numbers.to_dict(), "grid": asdict(self.grid), "nullable": self.nullable}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NumberCells:
        """Inverse of :meth:`to_dict`."""
        return cls(Numbers.from_dict(values["numbers"]), Grid(**values["grid"]), values["nullable"])


@dataclass(frozen=True)
class DateCells:
    """Distances in seconds from what a date follows, in whole steps.

    Parameters
    ----------
    numbers : Numbers
        The distances.
    grid : Grid
        Their steps, such as whole days.
    follows : {"day", "moment", "start"}
        The transaction's midnight, its time, or, for dates that a customer keeps, the first day of the table.
    """

    numbers: Numbers
    grid: Grid
    follows: str

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw the steps of each row."""
        return self.numbers.draw(rows, contexts, rng)

    def make(self, drawn: IntArray, present: BoolArray, rows: Rows) -> Any:
        """Return dates of whole seconds."""
        seconds = spread(self.grid.decode(drawn), present, 0) + since(rows, self.follows)
        out = rows.first.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
        out[~present] = np.datetime64("NaT", "s")
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"numbers": self.numbers.to_dict(), "grid": asdict(self.grid), "follows": self.follows}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DateCells:
        """Inverse of :meth:`to_dict`."""
        return cls(Numbers.from_dict(values["numbers"]), Grid(**values["grid"]), values["follows"])


@dataclass(frozen=True)
class Column:
    """A column of transactions.

    Parameters
    ----------
    name, kind : str
        As in :class:`~gretel_fin_synth.schema.ExtraColumn`.
    missing : Labels or None
        Which cells are missing (label 1); None where none is.
    cells : Cell or None
        The others; None where too few customers share any value, so that all cells are missing.
    """

    name: str
    kind: str
    missing: Labels | None
    cells: Cell | None

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> tuple[Any, Context | None]:
        """Return the cells of rows, and for a category what others may depend on."""
        if self.cells is None:
            return _nothing(self.kind, len(rows)), None
        present = np.ones(len(rows), np.bool_)
        if self.missing is not None:
            present = self.missing.draw(rows, contexts, rng) == 0
        drawn = self.cells.draw(rows.take(present), take_contexts(contexts, present), rng)
        made = self.cells.make(drawn, present, rows)
        if not isinstance(self.cells, CategoryCells):
            return made, None
        n_values = len(self.cells.values)
        return made, category_context(spread(drawn, present, -1), n_values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "missing": None if self.missing is None else self.missing.to_dict(),
            "cells": None if self.cells is None else self.cells.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Column:
        """Inverse of :meth:`to_dict`."""
        missing, cells, kind = values["missing"], values["cells"], values["kind"]
        return cls(
            values["name"],
            kind,
            None if missing is None else Labels.from_dict(missing),
            None if cells is None else _CELLS[kind].from_dict(cells),
        )


_CELLS: dict[str, Any] = {"category": CategoryCells, "number": NumberCells, "datetime": DateCells}


@dataclass(frozen=True)
class Learned:
    """A learned column, what others may depend on, and what a user must know."""

    column: Column
    context: Context | None
    warnings: list[str]


def fit_column(
    name: str, kind: str, given: pd.Series[Any], rows: Rows, contexts: Contexts, k: int
) -> Learned:
    """Learn one column.

    Parameters
    ----------
    name, kind
        As in :class:`~gretel_fin_synth.schema.ExtraColumn`, the kind not "constant".
    given : Series of n cells
        Aligned with `rows`.
    rows : Rows
        The transactions.
    contexts : dict of str to Context
        What the column may depend on.
    k : int
        How many customers a value needs.
    """
    given = as_numbers(given) if kind == "number" else as_dates(given) if kind == "datetime" else given
    absent = given.isna().to_numpy(dtype=np.bool_)
    present = ~absent
    here, near = rows.take(present), take_contexts(contexts, present)
    learn = {"category": _fit_category, "number": _fit_number, "datetime": _fit_dates}[kind]
    cells, warnings, code = learn(name, given[present].reset_index(drop=True), here, near, k)
    missing = None
    if absent.any() and cells is not None:
        missing = Labels.fit(absent.astype(np.int64), 2, 2, rows, contexts, k=k, k_base=1)
        if isinstance(cells, CategoryCells):
            cells = replace(cells, values=replace(cells.values, nullable=True))
        elif isinstance(cells, NumberCells):
            cells = replace(cells, nullable=True)
    context = None
    if isinstance(cells, CategoryCells) and code is not None:
        context = category_context(spread(code, present, -1), len(cells.values))
    return Learned(Column(name, kind, missing, cells), context, warnings)


def category_context(code: IntArray, n_values: int) -> Context:
    """Return codes for others to depend on: the values, missing (-1), values of too few customers."""
    return Context(np.where(code < 0, n_values, np.where(code < n_values, code, n_values + 1)), n_values + 2)


def spread(drawn: npt.NDArray[Any], present: BoolArray, fill: Any) -> npt.NDArray[Any]:
    """Return an array for all rows, filled where not present."""
    if present.all():
        return drawn
    out = np.full(len(present), fill, dtype=drawn.dtype)
    out[present] = drawn
    return out


def since(rows: Rows, follows: str) -> IntArray:
    """Return seconds from the first day to what dates follow."""
    return {"day": rows.day * SECONDS, "moment": rows.moment, "start": np.zeros(len(rows), np.int64)}[follows]


def empty(name: str, least: int, what: str = "share") -> str:
    """Return the warning for a column without a value that may be generated."""
    return f"column {name!r} is empty in what is generated: at least {least} customers must {what} a value"


def as_numbers(given: pd.Series[Any]) -> pd.Series[Any]:
    """Return numbers as they are, decimals that came as text as floats."""
    return given if given.dtype.kind in "iuf" else pd.to_numeric(given, errors="raise")


def as_dates(given: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates as they are, ISO text as timestamps without time zone."""
    if given.dtype.kind == "M":
        return given
    plain = (
        given.astype(given.cat.categories.dtype) if isinstance(given.dtype, pd.CategoricalDtype) else given
    )
    dates = pd.to_datetime(plain, format="ISO8601")
    return dates.dt.tz_localize(None) if dates.dt.tz is not None else dates


def whole_seconds(given: pd.Series[Any], first: np.datetime64) -> IntArray:
    """Return dates as seconds since the first day."""
    return (given.to_numpy().astype("datetime64[s]") - first.astype("datetime64[s]")).astype(np.int64)


def _nothing(kind: str, n: int) -> npt.NDArray[Any]:
    if kind == "datetime":
        return np.full(n, np.datetime64("NaT", "s"), dtype="datetime64[s]")
    return np.full(n, np.nan) if kind == "number" else np.full(n, None, dtype=object)


Fitted = tuple[Cell | None, list[str], IntArray | None]


def _fit_category(name: str, given: pd.Series[Any], rows: Rows, contexts: Contexts, k: int) -> Fitted:
    raw, found = code_values(given)
    code, items, n_kept = shared_first(raw, found, rows.person, k)
    if not n_kept:
        return None, [empty(name, k)], None
    labels = Labels.fit(code, len(items), n_kept, rows, contexts, k=k, k_base=k)
    return (
        CategoryCells(labels, Values(items[:n_kept], nullable=False)),
        left_out(name, code >= n_kept, items, n_kept, k),
        code,
    )


def left_out(name: str, rare: BoolArray, items: npt.NDArray[Any], n_kept: int, k: int) -> list[str]:
    """Say how many values are never generated, not which: they may tell of customers."""
    if not rare.any():
        return []
    return [
        f"column {name!r}: {len(items) - n_kept:,} of {len(items):,} values, in {int(rare.sum()):,} cells "
        f"({rare.mean():.1%}), that fewer than {k} customers have are not generated"
    ]


def _fit_number(name: str, given: pd.Series[Any], rows: Rows, contexts: Contexts, k: int) -> Fitted:
    if rows.n_customers < least_customers(k):
        return None, [empty(name, least_customers(k), "have")], None
    values = given.to_numpy(dtype=np.float64)
    grid = Grid.fit(values, whole=given.dtype.kind in "iu")
    numbers = Numbers.fit(grid.encode(values), rows, contexts, k)
    return NumberCells(numbers, grid, nullable=False), [], None


def _fit_dates(name: str, given: pd.Series[Any], rows: Rows, contexts: Contexts, k: int) -> Fitted:
    if rows.n_customers < least_customers(k):
        return None, [empty(name, least_customers(k), "have")], None
    seconds = whole_seconds(given, rows.first)
    follows = _followed(seconds, rows)
    away = seconds - since(rows, follows)
    grid = Grid.fit(away.astype(np.float64), whole=True)
    numbers = Numbers.fit(grid.encode(away.astype(np.float64)), rows, contexts, k)
    return DateCells(numbers, grid, follows), [], None


def _followed(seconds: IntArray, rows: Rows) -> str:
    """Tell dates that a customer keeps, such as a contract's, from those that follow the transaction."""
    follows = "day" if not (seconds % SECONDS).any() else "moment"
    runs = Runs.of(dense(rows.person, rows.kind)[0])
    before = runs.previous
    later = (runs.rank > 0) & (rows.day != rows.day[before])
    if not later.any():
        return follows
    away = seconds - since(rows, follows)
    kept, moved = seconds == seconds[before], away == away[before]
    return "start" if kept[later].mean() > max(moved[later].mean(), 0.3) else follows
