"""Labels of transactions: drawn anew from what they depend on, or kept by habit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import dense
from gretel_fin_synth.training.local.extras.habits import Habit
from gretel_fin_synth.training.local.extras.levels import Levels
from gretel_fin_synth.training.local.extras.rows import COLUMN, Contexts, Rows
from gretel_fin_synth.training.local.extras.tables import Labelled

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """How labels come about.

    Parameters
    ----------
    levels : Levels
        New labels.
    habit : Habit
        When a customer's earlier label is taken instead.
    """

    levels: Levels
    habit: Habit

    @classmethod
    def fit(
        cls,
        label: IntArray,
        n_labels: int,
        n_kept: int,
        rows: Rows,
        contexts: Contexts,
        *,
        k: int,
        k_base: int,
    ) -> Labels:
        """Learn; labels from `n_kept` on are never drawn."""
        data = Labelled(label, n_labels, n_kept, rows.kind, rows.n_kinds, rows.person)
        levels, fresh = Levels.fit(data, contexts, k=k, k_base=k_base)
        own = _own(rows, contexts, levels.names)
        return cls(levels, Habit.fit(rows.kind, rows.n_kinds, own, rows.cents, label, fresh))

    def draw(self, rows: Rows, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw the labels of rows."""
        new = self.levels.draw(rows.kind, contexts, rng)
        own = _own(rows, contexts, self.levels.names)
        return new[self.habit.sources(rows.kind, own, rows.cents, rng)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"levels": self.levels.to_dict(), "habit": self.habit.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Labels:
        """Inverse of :meth:`to_dict`."""
        return cls(Levels.from_dict(values["levels"]), Habit.from_dict(values["habit"]))


def _own(rows: Rows, contexts: Contexts, names: tuple[str, ...]) -> IntArray:
    """Return a code for each customer, kind and value of the columns that count.

    Rows of one code may take labels from each other. The columns belong to it so that a channel is never
    taken from a purchase at another merchant.
    """
    columns = [contexts[name].code for name in names if name.startswith(COLUMN)]
    return dense(rows.person, rows.kind, *columns)[0]
