"""What tables have in common, counted by customer, so that parts of the rows can be compared one by one.

Equal rows have equal codes and so are in the same part, whichever table they are in. All counts here are sums
over parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from gretel_fin_synth.evaluation._coding import among, distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["Hits", "Overlap", "Pairs", "Things", "most_of_one", "overlaps", "single_pairs", "twosomes"]

Things: TypeAlias = "Mapping[str, tuple[list[Ints], list[Ints]]]"
"""Codes and customers of each table, by what is compared."""


@dataclass(frozen=True, eq=False)
class Hits:
    """How many things each customer has, and how many of them are hits; arrays with an entry per customer."""

    counts: Ints
    found: Ints

    @classmethod
    def of(cls, hits: Bools, owner: Ints, n_customers: int) -> Hits:
        """Count the things and hits of customers with the numbers 0 to ``n_customers`` - 1."""
        counts, found = (np.bincount(who, minlength=n_customers) for who in (owner, owner[hits]))
        return cls(counts.astype(np.int64), found.astype(np.int64))

    def __add__(self, other: Hits) -> Hits:
        return Hits(self.counts + other.counts, self.found + other.found)

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def total(self) -> int:
        """Number of hits."""
        return int(self.found.sum())


@dataclass(frozen=True, eq=False)
class Overlap:
    """What real customers have too.

    Attributes
    ----------
    others : tuple of Hits
        Of the synthetic table, and of the holdout if there is one, what some real customer has.
    elsewhere : Hits
        Of the real table, what another real customer has.
    """

    others: tuple[Hits, ...]
    elsewhere: Hits

    def __add__(self, other: Overlap) -> Overlap:
        pairs = zip(self.others, other.others, strict=True)
        return Overlap(tuple(a + b for a, b in pairs), self.elsewhere + other.elsewhere)


@dataclass(frozen=True, eq=False)
class Pairs:
    """How often a customer shares a thing with one real customer; arrays with an entry per pair that does."""

    first: Ints
    second: Ints
    counts: Ints

    @classmethod
    def of(cls, first: Ints, second: Ints, counts: Ints | None = None) -> Pairs:
        """Count pairs."""
        if len(first) == 0:
            return cls(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
        width = int(second.max()) + 1
        keys, place = np.unique(first * width + second, return_inverse=True)
        counted = np.bincount(place.reshape(-1), counts).astype(np.int64)
        return cls(keys // width, keys % width, counted)

    def __add__(self, other: Pairs) -> Pairs:
        both = ((mine, its) for mine, its in zip(self._arrays, other._arrays, strict=True))
        return Pairs.of(*(np.concatenate(arrays) for arrays in both))

    @property
    def _arrays(self) -> tuple[Ints, Ints, Ints]:
        return self.first, self.second, self.counts


def overlaps(things: Things, sizes: Sequence[int]) -> dict[str, Overlap]:
    """Count what the customers of a part have that real ones have; `sizes` are the numbers of customers."""
    return {name: _overlap(codes, owners, sizes) for name, (codes, owners) in things.items()}


def _overlap(codes: Sequence[Ints], owners: Sequence[Ints], sizes: Sequence[int]) -> Overlap:
    others = zip(codes[1:], owners[1:], sizes[1:], strict=True)
    return Overlap(
        others=tuple(Hits.of(among(part, codes[0]), owner, size) for part, owner, size in others),
        elsewhere=Hits.of(_elsewhere(codes[0], owners[0]), owners[0], sizes[0]),
    )


def _elsewhere(codes: Ints, customer: Ints) -> Bools:
    """Return for each row whether another customer of the same table has an equal one."""
    if len(codes) == 0:
        return np.zeros(0, dtype=np.bool_)
    held, _ = _holdings(codes, customer)
    holders = np.bincount(held, minlength=int(codes.max()) + 1)
    shared: Bools = holders[codes] > 1
    return shared


def single_pairs(codes: Sequence[Ints], owners: Sequence[Ints]) -> list[Pairs]:
    """Pair the customers of all tables but the first with the only real customer who has a thing too."""
    holders = _single_holder(codes[0], owners[0])
    return [_shared(part, owner, holders) for part, owner in zip(codes[1:], owners[1:], strict=True)]


def _single_holder(codes: Ints, owner: Ints) -> Ints:
    """Return for each code the only customer who has it, -1 where there are more or none."""
    counts, sums, _ = _holders(codes, owner)
    return np.where(counts == 1, sums, -1)


def _holders(codes: Ints, owner: Ints) -> tuple[Ints, Ints, tuple[Ints, Ints]]:
    """Return for each code the number of customers who have it and the sum of theirs; and who has what."""
    held, who = _holdings(codes, owner)
    counts = np.bincount(held, minlength=int(codes.max(initial=-1)) + 1)
    sums = np.bincount(held, who, minlength=len(counts)).astype(np.int64)
    return counts, sums, (held, who)


def twosomes(codes: Ints, owner: Ints) -> Pairs:
    """Count what pairs of customers of one table share, and no third one has."""
    counts, sums, (held, who) = _holders(codes, owner)
    two = np.flatnonzero(counts[held] == 2)
    return Pairs.of(who[two], sums[held[two]] - who[two])


def _shared(codes: Ints, owner: Ints, holders: Ints) -> Pairs:
    held, who = _holdings(codes, owner)
    known = np.append(holders, -1)[np.minimum(held, len(holders))]
    found = np.flatnonzero(known >= 0)
    return Pairs.of(who[found], known[found])


def most_of_one(pairs: Iterable[Pairs]) -> Ints:
    """Return for each customer the count with the commonest partner; only those who have one."""
    parts = list(pairs)
    whole = Pairs.of(
        *(np.concatenate(arrays) for arrays in zip(*(part._arrays for part in parts), strict=True))
    )
    most = np.zeros(int(whole.first.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(most, whole.first, whole.counts)
    return most[most > 0]


def _holdings(codes: Ints, owner: Ints) -> tuple[Ints, Ints]:
    """Return every pair of a code and a customer who has it, once."""
    width = int(owner.max(initial=0)) + 1
    pairs = distinct(codes * width + owner)
    return pairs // width, pairs % width
