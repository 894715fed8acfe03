"""All extra columns of a table together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.training.local.extras.columns import Column, fit_column
from gretel_fin_synth.training.local.extras.constants import Constants
from gretel_fin_synth.training.local.extras.rows import COLUMN, AmountBins, Rows, row_contexts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from gretel_fin_synth.training.backend import TrainingTable


@dataclass(frozen=True)
class ExtraModels:
    """What was learned of the extra columns of a table.

    Parameters
    ----------
    names : tuple of str
        The columns in the order of their declaration.
    bins : AmountBins
        Bins of the amounts, on which columns may depend.
    constants : Constants or None
        The columns with one value per customer.
    columns : tuple of Column
        The others, in the order in which they are drawn.
    """

    names: tuple[str, ...]
    bins: AmountBins
    constants: Constants | None
    columns: tuple[Column, ...]

    @classmethod
    def fit(
        cls, columns: Mapping[str, pd.Series[Any]], kinds: Mapping[str, str], rows: Rows, k: int
    ) -> tuple[ExtraModels, list[str]]:
        """Learn.

        Constants come first, then categories, those of many values before those of few (a channel depends
        on the merchant rather than the merchant on the channel), then numbers and dates.

        Parameters
        ----------
        columns : mapping of str to Series of n cells
            The extra columns, aligned with `rows`.
        kinds : mapping of str to {"category", "number", "datetime", "constant"}
            What each column is.
        rows : Rows
            The n transactions.
        k : int
            How many customers must share whatever is kept of a column.

        Returns
        -------
        models : ExtraModels
            What was learned.
        warnings : list of str
            Values that are not generated, columns that come out empty.
        """
        bins = AmountBins.fit(rows, k)
        contexts, constants = row_contexts(rows, bins), None
        warnings: list[str] = []
        fixed = {name: column for name, column in columns.items() if kinds[name] == "constant"}
        if fixed:
            constants, more, warnings = Constants.fit(fixed, rows, k)
            contexts |= more
        rank = {"category": 0, "number": 1, "datetime": 2}
        order = sorted(
            (name for name in columns if name not in fixed),
            key=lambda name: (
                rank[kinds[name]],
                -columns[name].nunique() if kinds[name] == "category" else 0,
            ),
        )
        learned = []
        for name in order:
            one = fit_column(name, kinds[name], columns[name], rows, contexts, k)
            learned.append(one.column)
            warnings += one.warnings
            if one.context is not None:
                contexts[COLUMN + name] = one.context
        return cls(tuple(columns), bins, constants, tuple(learned)), warnings

    @classmethod
    def of_table(
        cls, table: TrainingTable, positions: npt.NDArray[np.int64], rows: Rows, k: int
    ) -> tuple[ExtraModels | None, list[str]]:
        """Learn the extra columns of a table; None if it has none.

        Parameters
        ----------
        table : TrainingTable
            The table.
        positions : ndarray of shape (n,)
            Where each of `rows` is in it.
        rows : Rows
            The n transactions that are learned.
        k : int
            How many customers must share whatever is kept.
        """
        if not table.extra_columns:
            return None, []
        names = [column.name for column in table.extra_columns]
        columns = {name: table.frame[name].iloc[positions].reset_index(drop=True) for name in names}
        return cls.fit(columns, {column.name: column.kind for column in table.extra_columns}, rows, k)

    def draw(self, rows: Rows, rng: np.random.Generator) -> dict[str, Any]:
        """Draw the columns of new customers' transactions.

        Returns
        -------
        dict of str to array of shape (n,)
            In the order of their declaration: numpy arrays, and pandas' nullable ones where truth values or
            whole numbers may be missing.
        """
        contexts = row_contexts(rows, self.bins)
        made: dict[str, Any] = {}
        if self.constants is not None:
            made, more = self.constants.draw(rows, rng)
            contexts |= more
        for column in self.columns:
            made[column.name], context = column.draw(rows, contexts, rng)
            if context is not None:
                contexts[COLUMN + column.name] = context
        return {name: made[name] for name in self.names}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "names": list(self.names),
            "bins": self.bins.to_dict(),
            "constants": None if self.constants is None else self.constants.to_dict(),
            "columns": [column.to_dict() for column in self.columns],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExtraModels:
        """Inverse of :meth:`to_dict`."""
        constants = values["constants"]
        return cls(
            tuple(values["names"]),
            AmountBins.from_dict(values["bins"]),
            None if constants is None else Constants.from_dict(constants),
            tuple(Column.from_dict(column) for column in values["columns"]),
        )
