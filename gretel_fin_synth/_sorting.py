"""Stable order of rows by several numbers, the most significant first.

Where the numbers fit beside each other into one integer, its first bits divide the rows into parts that fit
into a core's memory. There the other bits are put in front of the row's place in the part, and these integers
are sorted: as fast as numbers can be sorted, and stable because no two are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth._cores import in_blocks, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["stable_order"]

_DIGIT_BITS = 16
_DIGIT_MASK = (1 << _DIGIT_BITS) - 1
_BITS = 63
_MOST_CUT = 12
_PART_BITS = 12  # rows of a part, about
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

    def write(self, rows: slice, out: Ints) -> None:
        """Put the numbers of some rows into `out`."""
        values = self.values[rows]
        if self.lowest:
            np.subtract(values, values.dtype.type(self.lowest), out=out, casting="unsafe")
        else:
            out[...] = values


def stable_order(keys: Sequence[NDArray[Any]], carried: Ints | None = None) -> tuple[Ints, Ints | None]:
    """Return the positions of the rows in order; rows that agree in all keys stay in theirs.

    Parameters
    ----------
    keys : sequence of ndarray, shape (n,)
        Integers or floats without NaN, the most significant first; n is at least 1.
    carried : ndarray of int64, shape (n,), optional
        What is brought into that order as well.

    Returns
    -------
    ndarray of int64, shape (n,)
        The positions.
    ndarray of int64, shape (n,), or None
        `carried` in order.

    Examples
    --------
    >>> order, _ = stable_order([np.array([1, 0, 1, 0]), np.array([5.0, 7.0, 4.0, 7.0])])
    >>> order.tolist()
    [1, 3, 2, 0]
    """
    packed = _packed([_rank(key) for key in keys])
    values, bits, size = packed[0].values, packed[0].bits, packed[0].values.size
    cut = min((size >> _PART_BITS).bit_length(), bits, _MOST_CUT)
    if len(packed) == 1 and cut:
        order, arranged = _order_in_parts(values, bits, cut, values if carried is None else carried)
        return order, None if carried is None else arranged
    if len(packed) == 1 and bits > _DIGIT_BITS:
        order = _short_order(values, bits)
    else:
        order = _radix_order([rank.values for rank in packed])
    return order, None if carried is None else carried[order]


def _order_in_parts(values: Ints, bits: int, cut: int, carried: Ints) -> tuple[Ints, Ints]:
    """Order rows part by part; half of the parts at a time."""
    rest = bits - cut
    bounds, rows, pairs = _divided(values, rest, 1 << cut, carried)
    mask = (1 << rest) - 1
    order, arranged = np.empty(values.size, dtype=np.int64), np.empty(values.size, dtype=np.int64)

    def sort(first: int, last: int) -> None:
        for start, end in pairwise(bounds[first : last + 1].tolist()):
            if start < end:
                place = _short_order(pairs[start:end, 0] & mask, rest)
                order[start:end] = rows[start:end][place]
                arranged[start:end] = pairs[start:end, 1][place]

    middle = int(np.searchsorted(bounds, values.size // 2))
    side_by_side(values.size, partial(sort, 0, middle), partial(sort, middle, 1 << cut))
    return order, arranged


def _divided(values: Ints, rest: int, n_parts: int, carried: Ints) -> tuple[Any, Any, Ints]:
    """Put rows together by the bits of their values before the last `rest` ones, in one pass.

    What turns the coordinates of a sparse matrix into compressed rows is a stable counting sort. It takes
    along a column number, here the position, and a complex number, here two integers, bit by bit.

    Returns
    -------
    ndarray of integers, shape (n_parts + 1,)
        Where each part begins, and the end.
    ndarray of integers, shape (n,)
        Positions of the rows.
    ndarray of int64, shape (n, 2)
        Values and what is carried along.
    """
    from scipy.sparse import coo_matrix

    size = values.size
    kind = np.int32 if size < np.iinfo(np.int32).max else np.int64
    pairs, part = np.empty((size, 2), dtype=np.int64), np.empty(size, dtype=kind)

    def fill(block: slice) -> None:
        pairs[block, 0], pairs[block, 1] = values[block], carried[block]
        part[block] = values[block] >> rest

    in_blocks(size, fill)
    shape = (n_parts, size)
    matrix = coo_matrix((pairs.view(np.complex128).ravel(), (part, np.arange(size, dtype=kind))), shape=shape)
    matrix.has_canonical_format = True  # no two rows have one position
    divided = matrix.tocsr()
    return divided.indptr, divided.indices, divided.data.view(np.int64).reshape(size, 2)


def _short_order(values: Ints, bits: int) -> Ints:
    """Sort integers of at most `bits` digits with their places behind them.

    Where there is no room for all digits the last are left out, which rarely matters; if it does, that shows.
    """
    place_bits = (values.size - 1).bit_length()
    left_out = max(0, bits + place_bits - _BITS)
    mixed = values >> left_out
    mixed <<= place_bits
    mixed |= np.arange(values.size)
    mixed.sort()
    mixed &= (1 << place_bits) - 1
    if left_out:
        arranged = values[mixed]
        if (arranged[1:] < arranged[:-1]).any():
            return _radix_order([values])
    return mixed


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


def _packed(ranks: Sequence[_Rank]) -> list[_Rank]:
    """Put ranks beside each other in as few integers as they fit in, the least significant integer first."""
    if sum(rank.bits for rank in ranks) > _BITS:
        ranks = [_without_common_factor(rank) for rank in ranks]
    packed: list[_Rank] = []
    beside: list[_Rank] = []
    for rank in reversed(ranks):
        if beside and sum(other.bits for other in beside) + rank.bits > _BITS:
            packed.append(_joined(beside))
            beside = []
        beside.append(rank)
    return [*packed, _joined(beside)]


def _joined(ranks: Sequence[_Rank]) -> _Rank:
    """Put ranks, the least significant first, into one integer."""
    joined = np.empty(ranks[0].values.size, dtype=np.int64)

    def fill(rows: slice) -> None:
        target, shift = joined[rows], ranks[0].bits
        ranks[0].write(rows, target)
        for rank in ranks[1:]:
            more = np.empty(target.size, dtype=np.int64)
            rank.write(rows, more)
            more <<= shift
            target |= more
            shift += rank.bits

    in_blocks(joined.size, fill)
    return _Rank(joined, 0, sum(rank.bits for rank in ranks))


def _rank(key: NDArray[Any]) -> _Rank:
    if key.dtype.kind != "f":
        lowest, highest = int(key.min()), int(key.max())
        if highest - lowest < 2**_BITS:
            return _Rank(key, lowest, max((highest - lowest).bit_length(), 1))
    places = np.unique(key, return_inverse=True)[1].reshape(-1)
    return _Rank(places, 0, max(int(places.max()).bit_length(), 1))


def _without_common_factor(rank: _Rank) -> _Rank:
    """Divide by what all numbers are multiples of (days in nanoseconds become days)."""
    if rank.bits <= _DIGIT_BITS:
        return rank
    numbers = _joined([rank]).values
    factor = int(np.gcd.reduce(numbers[:1_000]))
    for unit in (factor, *(unit for unit in _UNITS if factor and factor % unit == 0)):
        if unit > 1 and bool(((fewer := numbers // unit) * unit == numbers).all()):
            return _Rank(fewer, 0, max(int(fewer.max()).bit_length(), 1))
    return _Rank(numbers, 0, rank.bits)
