"""Columns with one value per customer: drawn together, given how the customer lives.

Each constant depends on those before it and on the customer's transactions (how many, how large, of which
kinds), on at most three of these at once, and always on no fewer than k customers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.cells import Cells, Grid, least_customers
from gretel_fin_synth.training.local.extras.columns import category_context, empty, left_out, spread
from gretel_fin_synth.training.local.extras.counting import dense
from gretel_fin_synth.training.local.extras.levels import Levels
from gretel_fin_synth.training.local.extras.rows import COLUMN, Context, Contexts, Rows, take_contexts
from gretel_fin_synth.training.local.extras.tables import Labelled
from gretel_fin_synth.training.local.extras.values import Values, code_values, shared_first

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

DEPTH = 3
MAX_QUANTILES = 10
MONTH = 30.4
QUARTERS = (0.25, 0.5, 0.75)
MAX_FLAGS = 24
LEAST_COMMON = 0.1
LEAST_SHARED = 0.85


@dataclass(frozen=True)
class Traits:
    """What of a customer's transactions constants may depend on.

    Parameters
    ----------
    edges : ndarray of shape (features, 3)
        Quartiles of rows and turnover per month, of the mean and the largest amount, and of the number of
        kinds.
    kinds : ndarray of shape (flags,)
        Kinds of which it counts whether a customer has them.
    """

    edges: FloatArray
    kinds: IntArray

    @classmethod
    def fit(cls, rows: Rows) -> Traits:
        """Learn quartiles, and which kinds tell customers apart."""
        edges = np.quantile(_features(rows), QUARTERS, axis=0).T
        share = _has_kind(rows).mean(axis=0)
        telling = np.flatnonzero(np.minimum(share, 1 - share) >= LEAST_COMMON)
        return cls(
            edges, np.sort(telling[np.argsort(np.abs(share[telling] - 0.5), kind="stable")][:MAX_FLAGS])
        )

    def contexts(self, rows: Rows) -> Contexts:
        """Return the traits of the customers."""
        features, flags = _features(rows), _has_kind(rows)
        out = {
            f"trait:{i}": Context(np.searchsorted(edges, features[:, i]), len(QUARTERS) + 1)
            for i, edges in enumerate(self.edges)
        }
        return out | {
            f"kind:{kind}": Context(flags[:, kind].astype(np.int64), 2) for kind in self.kinds.tolist()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"edges": self.edges.tolist(), "kinds": self.kinds.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Traits:
        """Inverse of :meth:`to_dict`."""
        return cls(np.array(values["edges"], np.float64), np.array(values["kinds"], np.int64))


@dataclass(frozen=True)
class Constant:
    """One constant.

    Parameters
    ----------
    name : str
        Of the column.
    missing : Levels or None
        Which customers have none (label 1).
    levels : Levels or None
        Codes of the values, or of quantiles of numbers and dates of which few are shared; None for no value.
    values : Values
        The values; with `cells` only their dtype.
    cells, grid : Cells and Grid, or None
        What lies in the quantiles.
    bounds : ndarray of shape (quantiles + 1,) or None
        Shares of the customers below the quantiles, from 0 to 1.
    """

    name: str
    missing: Levels | None
    levels: Levels | None
    values: Values
    cells: Cells | None = None
    grid: Grid | None = None
    bounds: FloatArray | None = None

    def draw(self, contexts: Contexts, n: int, rng: np.random.Generator) -> tuple[Values, IntArray, Context]:
        """Return values, the code of each customer's among them, and what others may depend on."""
        base = np.zeros(n, np.int64)
        present = np.ones(n, np.bool_)
        if self.levels is None:
            return self.values, base - 1, Context(base, 1)
        if self.missing is not None:
            present = self.missing.draw(base, contexts, rng) == 0
        label = self.levels.draw(base[present], take_contexts(contexts, present), rng)
        code = spread(label, present, -1)
        n_labels = len(self.values) if self.bounds is None else len(self.bounds) - 1
        context = category_context(code, n_labels)
        if self.cells is None or self.grid is None or self.bounds is None:
            return self.values, code, context
        low = self.bounds[label]
        steps = self.cells.at(low + rng.random(len(label)) * (self.bounds[label + 1] - low))
        items = _typed(self.grid.decode(steps), self.values.items.dtype)
        return Values(items, self.values.nullable), spread(np.arange(len(items)), present, -1), context

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "name": self.name,
            "missing": None if self.missing is None else self.missing.to_dict(),
            "levels": None if self.levels is None else self.levels.to_dict(),
            "values": self.values.to_dict(),
            "cells": None if self.cells is None else self.cells.to_dict(),
            "grid": None if self.grid is None else asdict(self.grid),
            "bounds": None if self.bounds is None else self.bounds.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Constant:
        """Inverse of :meth:`to_dict`."""
        missing, levels, cells, grid = (values[name] for name in ("missing", "levels", "cells", "grid"))
        bounds = values["bounds"]
        return cls(
            values["name"],
            None if missing is None else Levels.from_dict(missing),
            None if levels is None else Levels.from_dict(levels),
            Values.from_dict(values["values"]),
            None if cells is None else Cells.from_dict(cells),
            None if grid is None else Grid(**grid),
            None if bounds is None else np.array(bounds, np.float64),
        )


@dataclass(frozen=True)
class Constants:
    """All constants of a table, in the order in which they are drawn."""

    traits: Traits
    parts: tuple[Constant, ...]

    @classmethod
    def fit(
        cls, columns: dict[str, pd.Series[Any]], rows: Rows, k: int
    ) -> tuple[Constants, Contexts, list[str]]:
        """Learn; also return what columns of transactions may depend on, and warnings."""
        first = np.unique(rows.person, return_index=True)[1]
        coded = [
            _code(name, column.iloc[first].reset_index(drop=True), k) for name, column in columns.items()
        ]
        coded.sort(key=lambda one: -one.n_kept)  # from a branch to its region, not the other way
        traits = Traits.fit(rows)
        contexts, parts, out = traits.contexts(rows), [], Contexts()
        for one in coded:
            parts.append(one.learn(contexts, k))
            if one.n_kept:
                contexts[COLUMN + one.name] = context = category_context(one.code, one.n_kept)
                out[COLUMN + one.name] = Context(context.code[rows.person], context.size)
        return cls(traits, tuple(parts)), out, [warning for one in coded for warning in one.warnings]

    def draw(self, rows: Rows, rng: np.random.Generator) -> tuple[dict[str, Any], Contexts]:
        """Return the columns of rows, and what others may depend on."""
        contexts, made, out = self.traits.contexts(rows), {}, Contexts()
        for part in self.parts:
            values, code, context = part.draw(contexts, rows.n_customers, rng)
            made[part.name] = values.make(code[rows.person])
            contexts[COLUMN + part.name] = context
            out[COLUMN + part.name] = Context(context.code[rows.person], context.size)
        return made, out

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"traits": self.traits.to_dict(), "parts": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Constants:
        """Inverse of :meth:`to_dict`."""
        return cls(
            Traits.from_dict(values["traits"]), tuple(Constant.from_dict(part) for part in values["parts"])
        )


@dataclass(frozen=True)
class _Coded:
    """A constant of the customers as codes: those below ``n_kept`` may be drawn, -1 is missing."""

    name: str
    code: IntArray
    n_labels: int
    n_kept: int
    values: Values
    warnings: list[str]
    cells: Cells | None = None
    grid: Grid | None = None
    bounds: FloatArray | None = None

    def learn(self, contexts: Contexts, k: int) -> Constant:
        """Learn what the codes depend on."""
        if not self.n_kept:
            return Constant(self.name, None, None, self.values)
        present = self.code >= 0
        missing = None
        if not present.all():
            missing = _levels((~present).astype(np.int64), 2, 2, contexts, k, 1)
        levels = _levels(
            self.code[present], self.n_labels, self.n_kept, take_contexts(contexts, present), k, k
        )
        return Constant(self.name, missing, levels, self.values, self.cells, self.grid, self.bounds)


def _levels(label: IntArray, n_labels: int, n_kept: int, contexts: Contexts, k: int, k_base: int) -> Levels:
    data = Labelled(label, n_labels, n_kept, np.zeros_like(label), 1, np.arange(len(label)))
    return Levels.fit(data, contexts, k=k, k_base=k_base, depth=DEPTH)[0]


def _code(name: str, column: pd.Series[Any], k: int) -> _Coded:
    """Code one constant of customers 0, 1, ...: exact values, or cells where too few customers share them."""
    raw, found = code_values(column)
    code, items, n_kept = shared_first(raw, found, np.arange(len(raw)), k)
    present, nullable = code >= 0, bool((code < 0).any())
    rare = code >= n_kept
    enough = items.dtype.kind in "iufmM" and present.sum() >= least_customers(k)
    if enough and rare.sum() > (1 - LEAST_SHARED) * present.sum():
        numbers = _numbers(items[code[present]])
        grid = Grid.fit(numbers, whole=items.dtype.kind != "f")
        steps = grid.encode(numbers)
        cells = Cells.fit(steps, np.flatnonzero(present), k)
        number, bounds = _quantiles(cells, len(steps), k)
        code, n = spread(number[cells.encode(steps)], present, -1), len(bounds) - 1
        return _Coded(name, code, n, n, Values(items[:0], nullable), [], cells, grid, bounds)
    values = Values(items[:n_kept], nullable or not n_kept)
    warnings = left_out(name, rare, items, n_kept, k) if n_kept else [empty(name, k)]
    return _Coded(name, code, len(items), n_kept, values, warnings)


def _quantiles(cells: Cells, n: int, k: int) -> tuple[IntArray, FloatArray]:
    """Put the cells of n customers into so few quantiles that each may depend on something.

    Returns
    -------
    number : ndarray of shape (cells,)
        The quantile of each cell.
    bounds : ndarray of shape (quantiles + 1,)
        Shares of the customers below them.
    """
    most = int(np.clip(np.sqrt(n / k), 1, MAX_QUANTILES))
    middle = cells.upto - np.diff(np.r_[0.0, cells.upto]) / 2
    number = dense(np.minimum((middle * most).astype(np.int64), most - 1))[0]
    ends = np.flatnonzero(np.diff(number, append=number[-1] + 1))
    return number, np.r_[0.0, cells.upto[ends]]


def _numbers(items: npt.NDArray[Any]) -> FloatArray:
    """Return numbers, and dates and times as whole seconds."""
    if items.dtype.kind in "mM":
        items = items.astype(f"{items.dtype.kind}8[s]").astype(np.int64)
    return items.astype(np.float64)


def _typed(numbers: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return what :func:`_numbers` was given."""
    return numbers.astype(f"{dtype.kind}8[s]").astype(dtype) if dtype.kind in "mM" else numbers.astype(dtype)


def _features(rows: Rows) -> FloatArray:
    """Return rows and turnover a month, mean and largest amount (logarithms), number of kinds."""
    person, n = rows.person, rows.n_customers
    count = np.bincount(person, minlength=n)
    first, last = np.full(n, np.iinfo(np.int64).max), np.zeros(n, np.int64)
    largest = np.ones(n, np.int64)
    np.minimum.at(first, person, rows.day)
    np.maximum.at(last, person, rows.day)
    np.maximum.at(largest, person, rows.cents)
    months = (last - first + 1) / MONTH + 0.5
    total = np.bincount(person, rows.cents.astype(np.float64), n)
    columns = [np.log(count / months), np.log(total / months), np.log(total / count), np.log(largest)]
    return np.column_stack([*columns, _has_kind(rows).sum(axis=1)])


def _has_kind(rows: Rows) -> npt.NDArray[np.bool_]:
    out = np.zeros((rows.n_customers, rows.n_kinds), np.bool_)
    out[rows.person, rows.kind] = True
    return out
