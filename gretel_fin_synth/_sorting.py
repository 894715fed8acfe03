"""Stable order of rows by several numbers, the most significant first.

Where the numbers fit beside each other into one integer, they are put in front of the row's place, and these
integers are sorted: as fast as numbers can be sorted, and stable because no two are equal. The rows are
divided before by the first number, so that two cores sort half of them each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth._cores import blocks, in_blocks, in_halves, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["stable_order"]

_DIGIT_BITS = 16
_DIGIT_MASK = (1 << _DIGIT_BITS) - 1
_BITS = 63
_SAMPLE = 1_000
_UNITS = (86_400_000_000_000, 86_400_000_000, 86_400_000, 1_000_000_000, 1_000_000, 1_000)


@dataclass(frozen=True)
class _Rank:
    """Numbers in the order of a key: its values less the lowest.

    Attributes
    ----------
    values : ndarray of integers, shape (n,)
        The key.
    lowest : int
        The smallest of them.
    bits : int
        Binary digits of the largest less the lowest, at least 1.
    """

    values: NDArray[Any]
    lowest: int
    bits: int

    def of(self, rows: slice | Ints) -> Ints:
        """Return the numbers of some rows."""
        values = self.values[rows]
        numbers = np.empty(values.size, dtype=np.int64)
        np.subtract(values, values.dtype.type(self.lowest), out=numbers, casting="unsafe")
        return numbers


def stable_order(keys: Sequence[NDArray[Any]]) -> Ints:
    """Return the positions of the rows in order; rows that agree in all keys stay in theirs.

    Parameters
    ----------
    keys : sequence of ndarray, shape (n,)
        Integers or floats without NaN, the most significant first; n is at least 1.

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> stable_order([np.array([1, 0, 1, 0]), np.array([5.0, 7.0, 4.0, 7.0])]).tolist()
    [1, 3, 2, 0]
    """
    ranks = [_rank(key) for key in keys]
    if _bits(ranks) > _BITS:
        ranks = [_without_common_factor(rank) for rank in ranks]
    if _bits(ranks) > _BITS:
        return _radix_order(_packed(ranks))
    return _order_of_one(ranks)


def _bits(ranks: Sequence[_Rank]) -> int:
    return sum(rank.bits for rank in ranks)


def _order_of_one(ranks: Sequence[_Rank]) -> Ints:
    """Order rows by ranks that fit into one integer, by sorting it with the row's place behind it.

    Where there is no room for all digits the last are left out, and rows that differ in these alone are put
    in order afterwards; of times there are few.
    """
    size = ranks[0].values.size
    place_bits = (size - 1).bit_length()
    left_out = max(0, _bits(ranks) + place_bits - _BITS)
    order, middle = _divided(ranks, left_out, place_bits)

    def sort(rows: slice) -> None:
        part = order[rows]
        part.sort()
        tied = _tied(part, place_bits) if left_out else None
        for block in blocks(slice(0, part.size)):
            part[block] &= (1 << place_bits) - 1
        if tied is not None and tied.size:
            theirs = part[tied]
            numbers = _joined(ranks, theirs)
            if (numbers[1:] < numbers[:-1]).any():
                part[tied] = theirs[np.argsort(numbers, kind="stable")]

    side_by_side(size, partial(sort, slice(0, middle)), partial(sort, slice(middle, size)))
    return order


def _divided(ranks: Sequence[_Rank], left_out: int, place_bits: int) -> tuple[Ints, int]:
    """Integers to sort, those of low first ranks before all others, and how many these are."""
    first = ranks[0].values
    sample = np.sort(first[:: first.size // _SAMPLE + 1])
    pivot = sample[sample.size // 2]
    n_low = in_halves(first.size, lambda rows: int(np.count_nonzero(first[rows] < pivot)))
    mixed, middle = np.empty(first.size, dtype=np.int64), sum(n_low)

    def fill(half: slice) -> None:
        low = n_low[0] if half.start else 0
        high = middle + half.start - low
        for block in blocks(half):
            numbers = _joined(ranks, block)
            numbers >>= left_out
            numbers <<= place_bits
            numbers |= np.arange(block.start, block.stop)
            is_low = first[block] < pivot
            low_end = low + np.count_nonzero(is_low)
            high_end = high + numbers.size - (low_end - low)
            np.compress(is_low, numbers, out=mixed[low:low_end])
            np.compress(~is_low, numbers, out=mixed[high:high_end])
            low, high = low_end, high_end

    in_halves(first.size, fill)
    return mixed, middle


def _tied(part: Ints, place_bits: int) -> Ints:
    """Places of sorted integers that agree with a neighbour in all but the place behind them."""
    same = np.zeros(part.size + 1, dtype=bool)
    for block in blocks(slice(1, part.size)):
        before = part[block.start - 1 : block.stop - 1]
        same[block] = (before ^ part[block]) >> place_bits == 0
    return np.flatnonzero(same[1:] | same[:-1])


def _radix_order(packed: Sequence[Ints]) -> Ints:
    """Sort by digits of 16 bits, the least significant first, of integers of which the first counts least."""
    order: Ints | None = None
    for values in packed:
        for shift in range(0, max(int(values.max()).bit_length(), 1), _DIGIT_BITS):
            digit = ((values >> shift) & _DIGIT_MASK).astype(np.uint16)
            step = np.argsort(digit if order is None else digit[order], kind="stable")
            order = step if order is None else order[step]
    if order is None:
        msg = "at least one key is needed to sort by"
        raise AssertionError(msg)
    return order


def _packed(ranks: Sequence[_Rank]) -> list[Ints]:
    """Put ranks beside each other in as few integers as they fit in, the least significant integer first."""
    packed: list[list[_Rank]] = [[]]
    for rank in reversed(ranks):
        if _bits(packed[-1]) + rank.bits > _BITS:
            packed.append([])
        packed[-1].insert(0, rank)
    return [_all_joined(beside) for beside in packed]


def _all_joined(ranks: Sequence[_Rank]) -> Ints:
    joined = np.empty(ranks[0].values.size, dtype=np.int64)

    def fill(rows: slice) -> None:
        joined[rows] = _joined(ranks, rows)

    in_blocks(joined.size, fill)
    return joined


def _joined(ranks: Sequence[_Rank], rows: slice | Ints) -> Ints:
    """Put the ranks of some rows, the most significant first, into one integer each."""
    joined = ranks[0].of(rows)
    for rank in ranks[1:]:
        joined <<= rank.bits
        joined |= rank.of(rows)
    return joined


def _rank(key: NDArray[Any]) -> _Rank:
    if key.dtype.kind != "f":
        ends = in_halves(key.size, lambda rows: _ends(key[rows]))
        lowest, highest = min(end[0] for end in ends if end), max(end[1] for end in ends if end)
        if highest - lowest < 2**_BITS:
            return _Rank(key, lowest, max((highest - lowest).bit_length(), 1))
    places = np.unique(key, return_inverse=True)[1].reshape(-1)
    return _Rank(places, 0, max(int(places.max()).bit_length(), 1))


def _ends(values: NDArray[Any]) -> tuple[int, ...]:
    return (int(values.min()), int(values.max())) if values.size else ()


def _without_common_factor(rank: _Rank) -> _Rank:
    """Divide by what all numbers are multiples of (days in nanoseconds become days)."""
    if rank.bits <= _DIGIT_BITS:
        return rank
    numbers = _all_joined([rank])
    factor = int(np.gcd.reduce(numbers[:1_000]))
    for unit in (factor, *(unit for unit in _UNITS if factor and factor % unit == 0)):
        if unit > 1 and bool(((fewer := numbers // unit) * unit == numbers).all()):
            return _Rank(fewer, 0, max(int(fewer.max()).bit_length(), 1))
    return _Rank(numbers, 0, rank.bits)
