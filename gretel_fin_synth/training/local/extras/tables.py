"""Counts of labels in groups of transactions, and draws from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import Counted

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """Rows with labels, to learn from.

    Parameters
    ----------
    label : ndarray of shape (n,)
        Labels from 0 to `n_labels` - 1; those from `n_kept` on are never drawn.
    base : ndarray of shape (n,)
        Codes from 0 on of the groups that always count, such as the kinds of transactions.
    person : ndarray of shape (n,)
        Codes of the customers, from 0 on.
    """

    label: IntArray
    n_labels: int
    n_kept: int
    base: IntArray
    n_bases: int
    person: IntArray

    def take(self, chosen: BoolArray) -> Labelled:
        """Return some of the rows."""
        return Labelled(
            self.label[chosen],
            self.n_labels,
            self.n_kept,
            self.base[chosen],
            self.n_bases,
            self.person[chosen],
        )


@dataclass(frozen=True)
class Table:
    """Counts of the labels of each group that has any to be drawn.

    Parameters
    ----------
    key : ndarray of shape (groups,)
        What the groups are known by, sorted.
    stay, fall : ndarray of shape (groups,)
        Chances that a label is drawn here, and among those that too few customers of any one group have;
        else it is drawn one level below.
    begin : ndarray of shape (groups + 1,)
        Where the labels of each group begin.
    label, upto : ndarray of shape (entries,)
        Labels, and the sum of all counts up to each entry.
    """

    key: IntArray
    stay: FloatArray
    fall: FloatArray
    begin: IntArray
    label: IntArray
    upto: FloatArray

    @classmethod
    def fit(
        cls,
        pairs: Counted,
        groups: Counted,
        key: IntArray,
        label: IntArray,
        kept: BoolArray,
        strength: FloatArray,
    ) -> Table:
        """Count the labels of the pairs of group and label that are kept.

        Parameters
        ----------
        pairs, groups : Counted
            The rows by group and label, and by group.
        key, label : ndarray of shape (n,)
            Of the rows.
        kept : ndarray of shape (pairs,)
            What may be drawn.
        strength : ndarray of shape (groups,)
            How many rows the level below counts for.
        """
        row, total = pairs.first(), groups.size()
        of_pair, count = groups.group[row], pairs.size()
        inside = np.bincount(of_pair[kept], count[kept], groups.n)
        some = inside > 0
        begin = np.searchsorted(of_pair[kept], np.flatnonzero(some))
        return cls(
            key[groups.first()][some],
            (inside / (total + strength))[some],
            ((total - inside) / (total + strength))[some],
            np.r_[begin, int(kept.sum())].astype(np.int64),
            label[row][kept],
            np.cumsum(count[kept]),
        )

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.key)

    def find(self, key: IntArray) -> IntArray:
        """Return the group of each key; -1 where there is none."""
        if not len(self.key):
            return np.full(len(key), -1)
        group = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[group] == key, group, -1)

    def draw(self, group: IntArray, uniform: FloatArray) -> IntArray:
        """Draw a label of each group."""
        before = np.r_[0.0, self.upto]
        low, high = before[self.begin[group]], before[self.begin[group + 1]]
        entry = np.searchsorted(self.upto, low + uniform * (high - low), side="right")
        picked: IntArray = self.label[np.clip(entry, self.begin[group], self.begin[group + 1] - 1)]
        return picked

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Table:
        """Inverse of :meth:`to_dict`."""
        real = {name: np.array(values[name], np.float64) for name in ("stay", "fall", "upto")}
        key, begin, label = (np.array(values[name], np.int64) for name in ("key", "begin", "label"))
        return cls(key, real["stay"], real["fall"], begin, label, real["upto"])


def plain_table(data: Labelled, key: IntArray, k: int) -> Table:
    """Count the labels of groups from which nothing falls."""
    pairs, groups = Counted.of(data.person, key, data.label), Counted.of(data.person, key)
    kept = (pairs.holders() >= k) & (data.label[pairs.first()] < data.n_kept)
    return Table.fit(pairs, groups, key, data.label, kept, np.zeros(groups.n))
