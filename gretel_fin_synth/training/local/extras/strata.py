"""Groups of transactions whose numbers are alike: kinds, or kinds split by what their numbers differ by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.cells import least_customers
from gretel_fin_synth.training.local.extras.counting import Counted
from gretel_fin_synth.training.local.extras.rows import Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gretel_fin_synth.training.local.extras.rows import Contexts, Rows

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

DEPTH = 2
MIN_GAIN = 0.02
MIN_ROWS = 10


@dataclass(frozen=True)
class Strata:
    """Which stratum a row belongs to: the finest one with enough customers.

    Parameters
    ----------
    names, sizes : tuple
        The contexts that count, and how many codes each has.
    alone : bool
        Whether the first context tells more than the kind, so that where both together are rare it is asked
        first.
    keys, numbers : tuple of ndarray
        Of each level (kinds; the first context alone; kinds and one context; ...) the sorted keys and the
        numbers of their strata.
    n : int
        Number of strata; the last one holds all rows.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    alone: bool
    keys: tuple[IntArray, ...]
    numbers: tuple[IntArray, ...]
    n: int

    @classmethod
    def fit(cls, score: FloatArray, left: FloatArray, rows: Rows, contexts: Contexts, k: int) -> Strata:
        """Split kinds by the contexts that foretell the numbers of a customer from those of all others.

        Parameters
        ----------
        score, left : ndarray of shape (n,)
            The numbers as scores, and what kind and amount leave of them.
        rows : Rows
            The transactions.
        contexts : dict of str to Context
            What may split them.
        k : int
            How many customers a guess needs; a stratum needs those of which k reach a common number.
        """
        names: list[str] = []
        key, (error, guess) = rows.kind, _error(left, rows.kind, rows.person, np.zeros(len(left)), k)
        while len(names) < DEPTH:
            best, chosen = error * (1 - MIN_GAIN), None
            for name in sorted(set(contexts) - set(names)):
                finer = key * contexts[name].size + contexts[name].code
                value, guesses = _error(left, finer, rows.person, guess, k)
                if value < best:
                    best, chosen = value, (name, finer, guesses)
            if chosen is None:
                break
            names.append(chosen[0])
            key, error, guess = chosen[1], best, chosen[2]
        zero = np.zeros(len(score))
        by_kind = _error(score, rows.kind, rows.person, zero, k)[0]
        alone = bool(names) and _error(score, contexts[names[0]].code, rows.person, zero, k)[0] < by_kind
        keys: list[IntArray] = []
        for level, found in enumerate(_keys(rows, [contexts[name] for name in names], alone=alone)):
            groups = Counted.of(rows.person, found)
            large = (groups.holders() >= least_customers(k)) & (groups.size() >= (MIN_ROWS if level else 1))
            keys.append(found[groups.first()][large])
        ends = np.cumsum([0, *(len(found) for found in keys)])
        numbers = tuple(np.arange(a, b) for a, b in pairwise(ends))
        sizes = tuple(contexts[name].size for name in names)
        return cls(tuple(names), sizes, alone, tuple(keys), numbers, int(ends[-1]) + 1)

    def of(self, rows: Rows, contexts: Contexts) -> IntArray:
        """Return the stratum of each row."""
        out = np.full(len(rows), self.n - 1)
        for number in self._levels(rows, contexts):
            out = np.where(number >= 0, number, out)
        return out

    def members(self, rows: Rows, contexts: Contexts) -> Iterator[IntArray]:
        """Return the rows of each stratum in turn, those of finer strata included."""
        for number, mine in zip(self._levels(rows, contexts), self.numbers, strict=True):
            order = np.argsort(number, kind="stable")
            begin = np.searchsorted(number[order], mine)
            end = np.searchsorted(number[order], mine, side="right")
            yield from (order[a:b] for a, b in zip(begin, end, strict=True))
        yield np.arange(len(rows))

    def _levels(self, rows: Rows, contexts: Contexts) -> Iterator[IntArray]:
        """Return each row's stratum at each level in turn, -1 for none."""
        known = [Context(contexts[n].code, size) for n, size in zip(self.names, self.sizes, strict=True)]
        found = _keys(rows, known, alone=self.alone)
        for key, keys, numbers in zip(found, self.keys, self.numbers, strict=True):
            if not len(keys):
                yield np.full(len(rows), -1)
                continue
            place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            yield np.where(keys[place] == key, numbers[place], -1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {
            "names": list(self.names),
            "sizes": list(self.sizes),
            "alone": self.alone,
            "keys": [keys.tolist() for keys in self.keys],
            "numbers": [numbers.tolist() for numbers in self.numbers],
            "n": self.n,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Strata:
        """Inverse of :meth:`to_dict`."""
        keys = tuple(np.array(keys, np.int64) for keys in values["keys"])
        numbers = tuple(np.array(numbers, np.int64) for numbers in values["numbers"])
        names, sizes = tuple(values["names"]), tuple(values["sizes"])
        return cls(names, sizes, values["alone"], keys, numbers, values["n"])


def _keys(rows: Rows, contexts: Sequence[Context], *, alone: bool) -> list[IntArray]:
    keys, key = [rows.kind], rows.kind
    for context in contexts:
        if alone and len(keys) == 1:
            keys.append(context.code)
        key = key * context.size + context.code
        keys.append(key)
    return keys


def _error(
    score: FloatArray, key: IntArray, person: IntArray, guess: FloatArray, k: int
) -> tuple[float, FloatArray]:
    """Return the squared error of guessing scores by the other customers' mean in a group, and the guesses.

    Groups of too few customers keep the guess from before.
    """
    groups = Counted.of(person, key)
    count, total = groups.elsewhere(), groups.elsewhere(score)
    large = (groups.holders() >= k)[groups.group] & (count > 0)
    guesses = np.where(large, (total + guess) / (count + 1), guess)
    return float(((score - guesses) ** 2).sum()), guesses
