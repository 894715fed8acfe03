"""The order in which balances run: customers one after the other, each in chronological order.

Everything here works on arrays of one eager table and knows nothing of schemas or engines. Rows that are in
order already are recognised and never sorted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gretel_fin_synth._chunks import whole_numpy
from gretel_fin_synth._cores import BLOCK_ROWS, blocks, in_halves, side_by_side
from gretel_fin_synth._money import DECIMALS, parse_minor
from gretel_fin_synth._numbering import numbered
from gretel_fin_synth._sorting import stable_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Breaks",
    "Customers",
    "Ledger",
    "datetime_ticks",
    "find_breaks",
    "keys_increase",
    "make_ledger",
    "number_customers",
    "runs_of",
    "text_is",
]

_GLANCE = 10_000


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

        in_halves(order.size, fill)
        return arranged

    def some_arranged(self, values: NDArray[Any], places: slice) -> NDArray[Any]:
        """Return those of `values`, in the order of the frame, that belong to some places of the ledger."""
        if self.order is None:
            return values[places]
        return np.take(values, self.order[places], mode="clip")

    def put_back(self, values: NDArray[Any], places: slice, target: NDArray[Any]) -> None:
        """Write values of some places of the ledger into `target`, which is in the order of the frame."""
        target[places if self.order is None else self.order[places]] = values

    def restore(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring `values` from the order of the ledger back into the order of the frame."""
        if self.order is None:
            return values
        restored = np.empty_like(values)
        in_halves(values.size, lambda places: self.put_back(values[places], places, restored))
        return restored

    def positions(self, where: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the frame of the places `where` of the ledger."""
        return where if self.order is None else self.order[where]

    def in_groups(self, function: Callable[[slice, slice], None]) -> None:
        """Call a function for groups of customers and their places, of both halves at the same time.

        A group has as many rows as a core's memory holds, or one customer who has more.
        """
        bounds = np.append(self.starts, self.n_rows)

        def run(customers: slice) -> None:
            first = customers.start
            while first < customers.stop:
                last = int(np.searchsorted(bounds, bounds[first] + BLOCK_ROWS, side="right")) - 1
                last = min(max(last, first + 1), customers.stop)
                function(slice(first, last), slice(int(bounds[first]), int(bounds[last])))
                first = last

        half, end = int(np.searchsorted(self.starts, self.n_rows // 2)), self.starts.size
        side_by_side(self.n_rows, partial(run, slice(0, half)), partial(run, slice(half, end)))


@dataclass(frozen=True)
class Customers:
    """Who the rows of a frame belong to.

    Attributes
    ----------
    distinct : pandas.Series, shape (m,)
        Ids in order of first appearance.
    codes : ndarray of int, shape (n,) or as `firsts`
        Places in `distinct`, of the rows, or of the runs of rows if they were found.
    firsts : ndarray of int64, or None
        Where runs of rows of one customer begin; None if rows are scattered and the codes are of rows.
    by_run : bool
        Whether the codes are those of the runs.
    """

    distinct: pd.Series[Any]
    codes: NDArray[np.integer[Any]]
    firsts: NDArray[np.int64] | None
    by_run: bool


def number_customers(ids: pd.Series[Any]) -> Customers:
    """Give the customers of rows numbers."""
    glance = ids.iloc[:_GLANCE]
    firsts = None
    if by_run := 2 * runs_of(glance).size <= len(glance):
        firsts = runs_of(ids)
        codes, distinct = numbered(ids.iloc[firsts])
    else:
        codes, distinct = numbered(ids)
        if _n_runs(codes) == len(distinct):
            firsts = runs_of(pd.Series(codes))
    return Customers(pd.Series(distinct, name=ids.name), codes, firsts, by_run)


def make_ledger(
    ids: pd.Series[Any], keys: Sequence[NDArray[Any]] = (), customers: Customers | None = None
) -> Ledger:
    """Order rows by customer, then by `keys`, then by their position in the frame.

    Parameters
    ----------
    ids : pandas.Series, shape (n,)
        Customers, none missing.
    keys : sequence of ndarray, shape (n,)
        Integers or floats without NaN, the most significant first.
    customers : Customers, optional
        What :func:`number_customers` says of the ids.

    Returns
    -------
    Ledger
        Customers in order of first appearance.
    """
    if not len(ids):
        return Ledger(None, np.zeros(0, dtype=np.int64), ids, 0)
    n_rows, who = len(ids), customers or number_customers(ids)
    firsts, codes, n_customers = who.firsts, who.codes, len(who.distinct)
    if firsts is not None and firsts.size == n_customers and keys_increase(keys, firsts):
        return Ledger(None, firsts, who.distinct, n_rows)
    if firsts is not None and who.by_run:
        codes = np.repeat(codes, np.diff(firsts, append=n_rows))
    counts = _counts(codes, n_customers)
    starts = np.cumsum(counts) - counts
    needed = () if keys_increase(keys, np.zeros(1, dtype=np.int64)) else keys
    return Ledger(stable_order([codes, *needed]), starts, who.distinct, n_rows)


def runs_of(ids: pd.Series[Any]) -> NDArray[np.int64]:
    """Positions at which another customer than in the row before begins."""
    if len(ids) < 2:
        return np.zeros(len(ids), dtype=np.int64)
    changed = np.empty(len(ids), dtype=bool)
    changed[0] = True
    changed[1:] = _differs_from_previous(ids)
    return np.flatnonzero(changed).astype(np.int64, copy=False)


def _n_runs(codes: NDArray[Any]) -> int:
    """Count how often another customer than in the row before begins, the first row included."""
    later = in_halves(codes.size - 1, lambda rows: _n_changes(codes[rows.start : rows.stop + 1]))
    return int(sum(later)) + 1


def _n_changes(codes: NDArray[Any]) -> int:
    return int(np.count_nonzero(codes[1:] != codes[:-1]))


def _counts(codes: NDArray[Any], n_customers: int) -> NDArray[np.int64]:
    """Count the rows of each customer."""

    def count(half: slice) -> NDArray[np.int64]:
        counts = np.zeros(n_customers, dtype=np.int64)
        for block in blocks(half, max(BLOCK_ROWS, n_customers)):
            counts += np.bincount(codes[block], minlength=n_customers)
        return counts

    first, second = in_halves(codes.size, count)
    counts: NDArray[np.int64] = first + second
    return counts


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
        return np.asarray(whole_numpy(pa.array(series).cast(whole)), dtype=np.int64)
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


def _differs_from_previous(ids: pd.Series[Any]) -> NDArray[np.bool_]:
    if isinstance(ids.dtype, (pd.StringDtype, pd.ArrowDtype)):
        array = pa.array(ids)
        if pa.types.is_dictionary(array.type):
            array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            array = array.indices
        changed = pc.not_equal(array.slice(1), array.slice(0, len(array) - 1))
        if isinstance(changed, pa.ChunkedArray):
            changed = changed.combine_chunks()
        return np.asarray(changed.to_numpy(zero_copy_only=False), dtype=np.bool_)
    values = ids.cat.codes.to_numpy() if isinstance(ids.dtype, pd.CategoricalDtype) else ids.to_numpy()
    return np.asarray(values[1:] != values[:-1], dtype=np.bool_)


def keys_increase(keys: Sequence[NDArray[Any]], starts: NDArray[np.int64]) -> bool:
    """Say whether the keys never decrease inside the runs that begin at `starts`."""
    if not keys:
        return True
    size = keys[0].size
    if size > 2 * _GLANCE:  # what is out of order mostly shows at once
        few = slice(0, _GLANCE)
        if not keys_increase([key[few] for key in keys], starts[: np.searchsorted(starts, _GLANCE)]):
            return False
    fine = np.zeros(size, dtype=bool)
    fine[starts] = True
    undecided = ~fine
    for key in keys:
        less, same = key[:-1] < key[1:], key[:-1] == key[1:]
        fine[1:] |= undecided[1:] & less
        undecided[1:] &= same
        undecided[0] = False
    return bool((fine | undecided).all())
