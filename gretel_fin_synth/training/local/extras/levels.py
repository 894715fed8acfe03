"""Distributions of labels that depend on as much as the data bear out, and on no fewer than k customers.

The labels of a kind of transaction are counted, then those of the kind and a first context (the merchant,
the bin of the amount, ...), then those of the kind and two contexts. A label is drawn at the finest level,
or with some chance one level below (interpolated smoothing); the contexts and the strength of the smoothing
are those that make each customer's rows likeliest, judged by all other customers. What fewer than k
customers of a group share is counted together with its like in the other groups of the kind, so that rare
labels stay as common as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import Counted
from gretel_fin_synth.training.local.extras.rows import COLUMN, Context, Contexts
from gretel_fin_synth.training.local.extras.scoring import BASE_STRENGTH, STRENGTHS, Scorer, choose
from gretel_fin_synth.training.local.extras.tables import Labelled, Table, plain_table

if TYPE_CHECKING:
    from collections.abc import Sequence

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MAX_ROWS = 40_000
COMMON = 0.5


@dataclass(frozen=True)
class Level:
    """One level.

    Parameters
    ----------
    table : Table
        By base group and contexts.
    fallen : Table
        By base group (of the lowest level: of all rows), the labels that fewer than k customers of a group
        share, each shared by k customers in all.
    """

    table: Table
    fallen: Table

    @classmethod
    def fit(cls, data: Labelled, key: IntArray, k: int, strength: FloatArray) -> Level:
        """Count; ``strength`` holds one number per base group."""
        pairs, groups = Counted.of(data.person, key, data.label), Counted.of(data.person, key)
        kept = (pairs.holders() >= k) & (data.label[pairs.first()] < data.n_kept)
        table = Table.fit(pairs, groups, key, data.label, kept, strength[data.base[groups.first()]])
        rest = data.take(~kept[pairs.group])
        return cls(table, plain_table(rest, rest.base, k))

    def draw(
        self, key: IntArray, base: IntArray, rng: np.random.Generator, *, whole: bool = False
    ) -> IntArray:
        """Draw labels, -1 where the level below has to; with ``whole`` wherever there is a group."""
        lot, uniform = rng.random(len(key)), rng.random(len(key))
        out = np.full(len(key), -1)
        group = self.table.find(key)
        here = np.flatnonzero(group >= 0)
        at = group[here]
        stays, falls = self.table.stay[at], self.table.fall[at]
        fallen = self.fallen.find(base[here])
        drops = (lot[here] < falls) & (fallen >= 0)
        out[here[drops]] = self.fallen.draw(fallen[drops], uniform[here[drops]])
        keeps = ~drops & (whole | ((lot[here] >= falls) & (lot[here] < falls + stays)))
        out[here[keeps]] = self.table.draw(at[keeps], uniform[here[keeps]])
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"table": self.table.to_dict(), "fallen": self.fallen.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Level:
        """Inverse of :meth:`to_dict`."""
        return cls(Table.from_dict(values["table"]), Table.from_dict(values["fallen"]))


@dataclass(frozen=True)
class Levels:
    """A distribution of labels for every group, and for every group and context.

    Parameters
    ----------
    names, sizes : tuple
        The contexts that count, first the one that matters most, and how many codes each has.
    parts : tuple of Level
        By nothing but the base group; by the first context alone, if that is a column that tells more; by
        base group and first context; by base group and the first two; ...
    pooled : Table
        Of all rows, for groups that have no label of k customers.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    parts: tuple[Level, ...]
    pooled: Table

    @classmethod
    def fit(
        cls, data: Labelled, contexts: Contexts, *, k: int, k_base: int, depth: int = 2
    ) -> tuple[Levels, FloatArray]:
        """Choose contexts and count.

        Parameters
        ----------
        data : Labelled
            Rows with labels.
        contexts : dict of str to Context
            What the labels may depend on.
        k, k_base : int
            How many customers a label needs in a group with and without context.
        depth : int
            The most contexts that may count at once.

        Returns
        -------
        levels : Levels
            The distributions.
        fresh : ndarray of shape (n,)
            How likely each row's label is, judged by all other customers.
        """
        stride = max(1, len(data.label) // MAX_ROWS)
        some = data.person % stride == 0
        near = {name: Context(context.code[some], context.size) for name, context in contexts.items()}
        names = choose(data.take(some), near, k, depth)
        scorer = Scorer.of(data)
        everywhere = scorer.everywhere()
        fresh = scorer.score(data.base, k_base, everywhere, BASE_STRENGTH)[0]
        alone = False
        if names and names[0].startswith(COLUMN) and data.n_bases > 1:
            by_context = scorer.score(contexts[names[0]].code, k, everywhere, BASE_STRENGTH)[0]
            alone = bool(np.log(by_context).sum() > np.log(fresh).sum())
        keys = _keys(data.base, [contexts[name] for name in names], alone=alone)
        parts = [_base_level(data, k_base)]
        for key in keys[1:]:
            fresh, strength = scorer.score(key, k, fresh, STRENGTHS)
            parts.append(Level.fit(data, key, k, strength))
        pooled = plain_table(data, np.zeros_like(data.base), k_base)
        return cls(tuple(names), tuple(contexts[name].size for name in names), tuple(parts), pooled), fresh

    def draw(self, base: IntArray, contexts: Contexts, rng: np.random.Generator) -> IntArray:
        """Draw a label for each row."""
        known = [
            Context(contexts[name].code, size) for name, size in zip(self.names, self.sizes, strict=True)
        ]
        keys = _keys(base, known, alone=len(self.parts) > len(self.names) + 1)
        out = np.full(len(base), -1)
        for number in range(len(keys) - 1, -1, -1):
            like = base if number else np.zeros_like(base)
            drawn = self.parts[number].draw(keys[number], like, rng, whole=number == 0)
            out = np.where(out < 0, drawn, out)
        rest = np.flatnonzero(out < 0)
        out[rest] = self.pooled.draw(np.zeros(len(rest), np.int64), rng.random(len(rest)))
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {
            "names": list(self.names),
            "sizes": list(self.sizes),
            "parts": [part.to_dict() for part in self.parts],
            "pooled": self.pooled.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Levels:
        """Inverse of :meth:`to_dict`."""
        parts = tuple(Level.from_dict(part) for part in values["parts"])
        return cls(tuple(values["names"]), tuple(values["sizes"]), parts, Table.from_dict(values["pooled"]))


def _keys(base: IntArray, contexts: Sequence[Context], *, alone: bool) -> list[IntArray]:
    """Return the rows' keys at each level; ``alone`` is whether the first context has one to itself."""
    keys, key = [base], base
    for context in contexts:
        if alone and len(keys) == 1:
            keys.append(context.code)
        key = key * context.size + context.code
        keys.append(key)
    return keys


def _base_level(data: Labelled, k: int) -> Level:
    """Count by base group; what falls may come back only as labels that most base groups have.

    A flag that is rare in every kind of transaction comes back in each of them, a merchant does not come
    back in kinds that are none of his.
    """
    pairs, groups = Counted.of(data.person, data.base, data.label), Counted.of(data.person, data.base)
    row, size = pairs.first(), groups.size()
    label, group = data.label[row], groups.group[row]
    kept = (pairs.holders() >= k) & (label < data.n_kept)
    common = np.bincount(label, size[group], data.n_labels) >= COMMON * len(data.label)
    rare = ~kept & (label < data.n_kept) & common[label]
    rest = data.take(rare[pairs.group])
    table = Table.fit(pairs, groups, data.base, data.label, kept, np.zeros(groups.n))
    lost = np.bincount(group[rare], pairs.size()[rare], groups.n) / size
    fall = lost[np.searchsorted(data.base[groups.first()], table.key)]
    return Level(replace(table, stay=1 - fall, fall=fall), plain_table(rest, np.zeros_like(rest.base), k))
