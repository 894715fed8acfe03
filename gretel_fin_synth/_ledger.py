"""The order in which balances run: customers one after the other, each in chronological order.

Everything here works on arrays of one eager table and knows nothing of schemas or engines. Rows that are in
order already are recognised and never sorted again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gretel_fin_synth._money import DECIMALS, parse_minor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Breaks",
    "Ledger",
    "datetime_ticks",
    "find_breaks",
    "keys_increase",
    "make_ledger",
    "runs_of",
    "side_by_side",
    "text_is",
]

_DIGIT_BITS = 16
_DIGIT_MASK = (1 << _DIGIT_BITS) - 1
_MOST_CUT = 12
_PART_ROWS = 50_000
_FEWEST_ROWS = 2_000
_WORTH_A_THREAD = 200_000


@dataclass(frozen=True)
class Ledger:
    """Where the rows of each customer are, in chronological order.

    Attributes
    ----------
    order : ndarray of int64, shape (n,), or None
        Positions in the frame, customer by customer in order of first appearance; None if the frame lies so.
    starts : ndarray of int64, shape (m,)
        Where in that order each customer begins.
    customers : pandas.Series, shape (m,)
        Ids in that order.
    n_rows : int
        Rows of the frame.
    """

    order: NDArray[np.int64] | None
    starts: NDArray[np.int64]
    customers: pd.Series[Any]
    n_rows: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each customer."""
        return np.diff(self.starts, append=self.n_rows)

    def arrange(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring `values` from the order of the frame into the order of the ledger."""
        if self.order is None:
            return values
        order, arranged = self.order, np.empty_like(values)

        def fill(part: slice) -> None:
            np.take(values, order[part], out=arranged[part], mode="clip")

        _in_halves(order.size, fill)
        return arranged

    def restore(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring `values` from the order of the ledger back into the order of the frame."""
        if self.order is None:
            return values
        order, restored = self.order, np.empty_like(values)

        def fill(part: slice) -> None:
            restored[order[part]] = values[part]

        _in_halves(order.size, fill)
        return restored

    def positions(self, where: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the frame of the places `where` of the ledger."""
        return where if self.order is None else self.order[where]


def make_ledger(ids: pd.Series[Any], keys: Sequence[NDArray[Any]] = ()) -> Ledger:
    """Order rows by customer, then by `keys`, then by their position in the frame.

    Parameters
    ----------
    ids : pandas.Series, shape (n,)
        Customers, none missing.
    keys : sequence of ndarray, shape (n,)
        Integers or floats without NaN, the most significant first.

    Returns
    -------
    Ledger
        Customers in order of first appearance.
    """
    firsts = runs_of(ids)
    if not firsts.size:
        return Ledger(None, firsts, ids.iloc[:0], 0)
    n_rows = len(ids)
    scattered = 2 * firsts.size > n_rows
    codes, distinct = _factorized(ids if scattered else ids.iloc[firsts])
    customers = pd.Series(distinct, name=ids.name)
    together = len(customers) == firsts.size
    if together and keys_increase(keys, firsts):
        return Ledger(None, firsts, customers, n_rows)
    if not scattered:
        codes = np.repeat(codes, np.diff(firsts, append=n_rows))
    counts = np.bincount(codes, minlength=len(customers))
    starts = np.cumsum(counts) - counts
    needed = () if keys_increase(keys, np.zeros(1, dtype=np.int64)) else keys
    return Ledger(_sort_order([codes, *needed]), starts.astype(np.int64), customers, n_rows)


def side_by_side(size: int, *functions: Callable[[], Any]) -> list[Any]:
    """Call functions at the same time if they work on many rows; numpy and Arrow leave other cores free."""
    if size < _WORTH_A_THREAD:
        return [function() for function in functions]
    with ThreadPoolExecutor(len(functions)) as pool:
        return [done.result() for done in [pool.submit(function) for function in functions]]


def _in_halves(size: int, function: Callable[[slice], None]) -> None:
    half = size // 2
    side_by_side(size, partial(function, slice(0, half)), partial(function, slice(half, size)))


def runs_of(ids: pd.Series[Any]) -> NDArray[np.int64]:
    """Positions at which another customer than in the row before begins."""
    if len(ids) < 2:
        return np.zeros(len(ids), dtype=np.int64)
    changed = np.empty(len(ids), dtype=bool)
    changed[0] = True
    changed[1:] = _differs_from_previous(ids)
    return np.flatnonzero(changed).astype(np.int64, copy=False)


def text_is(series: pd.Series[Any], word: str) -> NDArray[np.bool_]:
    """Say where a text column holds exactly `word`."""
    codes, uniques = pd.factorize(series)
    table = np.array([value == word for value in uniques] + [False])
    return np.asarray(table[codes], dtype=np.bool_)


def datetime_ticks(series: pd.Series[Any]) -> NDArray[np.int64]:
    """Return dates and timestamps without NaT as integers that sort chronologically.

    Time zones count: the same instant gets the same number.
    """
    dtype = series.dtype
    if isinstance(dtype, pd.ArrowDtype):
        kind = dtype.pyarrow_dtype
        whole = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        return np.asarray(pa.array(series).cast(whole).to_numpy(zero_copy_only=False), dtype=np.int64)
    if isinstance(dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return series.to_numpy().view(np.int64)


@dataclass(frozen=True)
class Breaks:
    """Rows whose balance does not follow from the row before, in the order of the ledger.

    Attributes
    ----------
    where : ndarray of int64, shape (b,)
        Places in the ledger.
    expected : ndarray of int64, shape (b,)
        Balance before plus signed amount, in minor units.
    """

    where: NDArray[np.int64]
    expected: NDArray[np.int64]


def find_breaks(
    balances: Any,
    signed: NDArray[np.int64],
    ledger: Ledger,
    *,
    tolerance: float = 0.0,
    minor_units: int = 2,
    opening: NDArray[np.int64] | None = None,
) -> Breaks:
    """Compare every balance with the balance before it plus the signed amount.

    Parameters
    ----------
    balances : array-like of shape (n,)
        Finite balances, in the order of the frame.
    signed : ndarray of int64, shape (n,)
        Signed amounts in minor units, in the order of the ledger.
    ledger : Ledger
        Order of the rows.
    tolerance : float, default 0.0
        Largest difference, in major units, that is no break.
    minor_units : int, default 2
        Decimals of the currency.
    opening : ndarray of int64, shape (m,), optional
        Starting amounts in minor units; without them the first row of a customer cannot break.

    Returns
    -------
    Breaks
    """
    codes, problems = parse_minor(balances, minor_units)
    found = ledger.arrange(codes)
    expected = np.empty_like(found)
    expected[1:] = found[:-1] + signed[1:]
    expected[ledger.starts] = found[ledger.starts] if opening is None else opening + signed[ledger.starts]
    off = (found - expected).astype(np.float64)
    ragged = np.flatnonzero(ledger.arrange(problems) == DECIMALS)
    if ragged.size:
        exact = np.asarray(ledger.arrange(np.asarray(balances, dtype=np.float64))[ragged])
        off[ragged] = exact * 10**minor_units - expected[ragged]
    if opening is None:
        off[ledger.starts] = 0.0
    where = np.flatnonzero(np.abs(off) > tolerance * 10**minor_units + 1e-6).astype(np.int64, copy=False)
    return Breaks(where, expected[where])


def _factorized(ids: pd.Series[Any]) -> tuple[NDArray[np.int64], Any]:
    """Codes and distinct values in order of first appearance; long text of Arrow in two halves at a time."""
    if len(ids) < _WORTH_A_THREAD or not isinstance(ids.dtype, (pd.StringDtype, pd.ArrowDtype)):
        return pd.factorize(ids)
    array = pa.array(ids)
    if pa.types.is_dictionary(array.type):
        return pd.factorize(ids)
    array = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    half = len(array) // 2
    first, second = side_by_side(
        len(array),
        lambda: array.slice(0, half).combine_chunks().dictionary_encode(),
        lambda: array.slice(half).combine_chunks().dictionary_encode(),
    )
    parts = [c for part in (first, second) for c in (part.chunks if hasattr(part, "chunks") else [part])]
    whole = pa.chunked_array(parts).unify_dictionaries()
    codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in whole.chunks])
    distinct = pd.Series(whole.chunk(0).dictionary, dtype=ids.dtype).array
    return codes.astype(np.int64), distinct


def _differs_from_previous(ids: pd.Series[Any]) -> NDArray[np.bool_]:
    if isinstance(ids.dtype, (pd.StringDtype, pd.ArrowDtype)):
        array = pa.array(ids)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.indices
        return np.asarray(pc.not_equal(array[1:], array[:-1]).to_numpy(zero_copy_only=False), dtype=np.bool_)
    values = ids.cat.codes.to_numpy() if isinstance(ids.dtype, pd.CategoricalDtype) else ids.to_numpy()
    return np.asarray(values[1:] != values[:-1], dtype=np.bool_)


def keys_increase(keys: Sequence[NDArray[Any]], starts: NDArray[np.int64]) -> bool:
    """Say whether the keys never decrease inside the runs that begin at `starts`."""
    if not keys:
        return True
    size = keys[0].size
    fine = np.zeros(size, dtype=bool)
    fine[starts] = True
    undecided = ~fine
    for key in keys:
        less, same = key[:-1] < key[1:], key[:-1] == key[1:]
        fine[1:] |= undecided[1:] & less
        undecided[1:] &= same
        undecided[0] = False
    return bool((fine | undecided).all())


def _sort_order(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Stable order by several keys, the most significant first: radix sort by digits of 16 bits.

    If the keys fit into one integer, its first few bits divide the rows into parts that fit into a core's
    memory, where the other digits are sorted without waiting for distant rows; half of the parts at a time.
    """
    packed = _packed([_small_ranks(key) for key in keys])
    values, size = packed[0], keys[0].size
    bits = int(values.max()).bit_length()
    cut = _cut(bits, size)
    if len(packed) > 1 or cut < 1:
        return _radix_order(packed)
    part = (values >> (bits - cut)).astype(np.uint16)
    order = np.argsort(part, kind="stable")
    counts = np.bincount(part, minlength=1 << cut)
    ends = np.cumsum(counts)
    starts = ends - counts
    rest = (1 << (bits - cut)) - 1

    def sort(first: int, last: int) -> None:
        for start, end in zip(starts[first:last], ends[first:last], strict=True):
            rows = order[start:end]
            if end - start > 1:
                order[start:end] = rows[_radix_order([values[rows] & rest])]

    middle = int(np.searchsorted(ends, size // 2)) + 1
    side_by_side(size, partial(sort, 0, middle), partial(sort, middle, len(ends)))
    return order


def _cut(bits: int, size: int) -> int:
    """Return by how many bits rows are divided: few digits are left, in parts neither long nor tiny."""
    if bits <= _DIGIT_BITS:
        return 0
    n_digits = -(-max(bits - _MOST_CUT, 0) // _DIGIT_BITS)
    wanted = max(bits - n_digits * _DIGIT_BITS, (size // _PART_ROWS).bit_length())
    return min(wanted, bits, _MOST_CUT, (size // _FEWEST_ROWS).bit_length())


def _radix_order(packed: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Sort by digits of 16 bits, the least significant first, of integers of which the first counts least."""
    order: NDArray[np.int64] | None = None
    for values in packed:
        for shift in range(0, max(int(values.max()).bit_length(), 1), _DIGIT_BITS):
            digit = ((values >> shift) & _DIGIT_MASK).astype(np.uint16)
            step = np.argsort(digit if order is None else digit[order], kind="stable")
            order = step if order is None else order[step]
    if order is None:
        msg = "at least one key is needed to sort by"
        raise AssertionError(msg)
    return order


def _packed(ranks: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Put ranks beside each other in as few integers as they fit in, the least significant integer first."""
    packed: list[NDArray[np.int64]] = []
    room = 0
    for rank in reversed(ranks):
        bits = max(int(rank.max()).bit_length(), 1)
        if bits > room:
            packed.append(rank)
            room = 63 - bits
        else:
            packed[-1] = packed[-1] | (rank << (63 - room))
            room -= bits
    return packed


def _small_ranks(key: NDArray[Any]) -> NDArray[np.int64]:
    """Non-negative integers in the order of `key`, as small as is cheap to make them."""
    if key.dtype.kind == "f":
        return np.unique(key, return_inverse=True)[1]
    lowest, highest = int(key.min()), int(key.max())
    if highest - lowest >= 2**63:
        return np.unique(key, return_inverse=True)[1]
    ranks = (key - key.dtype.type(lowest)).astype(np.int64, copy=False)
    return ranks if highest - lowest <= _DIGIT_MASK else _without_common_factor(ranks)


def _without_common_factor(ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Divide by what all ranks are multiples of (days in nanoseconds become days)."""
    factor = int(np.gcd.reduce(ranks[:1_000]))
    if factor > 1:
        fewer = ranks // factor
        if bool((fewer * factor == ranks).all()):
            return fewer
        for unit in (86_400_000_000_000, 86_400_000_000, 86_400_000, 1_000_000_000, 1_000_000, 1_000):
            if factor % unit == 0 and bool(((fewer := ranks // unit) * unit == ranks).all()):
                return fewer
    return ranks
