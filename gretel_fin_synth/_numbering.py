"""Numbers for the values of a long column, in the order of their first appearance.

Text of one length, as ids mostly are, and integers are taken as words of eight bytes. A block of rows at
a time looks its words up in a table: a hash of the words says where their number is; where the number of
another value is, the place behind it is looked at, and so on. Words are compared in full, so no two values
share a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth._cores import WORTH_A_THREAD, blocks, in_blocks, in_halves, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Numbers = NDArray[np.int32]
    Rows = NDArray[np.int64]

__all__ = ["numbered"]

_WORD = 8
_LONGEST = 64
_FACTORS = [np.uint64(0x9E3779B97F4A7C15 * (2 * place + 1) % 2**64) for place in range(_LONGEST // _WORD)]
_FEWEST_BITS = 17
_GLANCE = 1 << 17


def numbered(values: pd.Series[Any]) -> tuple[NDArray[np.integer[Any]], Any]:
    """Return a number for each row and the distinct values, as :func:`pandas.factorize` does.

    Parameters
    ----------
    values : pandas.Series, shape (n,)
        None missing.

    Examples
    --------
    >>> codes, distinct = numbered(pd.Series(["b", "a", "b"], dtype=object))
    >>> codes.tolist(), distinct.tolist()
    ([0, 1, 0], ['b', 'a'])
    """
    if len(values) < WORTH_A_THREAD or values.hasnans:
        return pd.factorize(values)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu" and values.dtype.itemsize == _WORD:
        columns = _Columns([[np.ascontiguousarray(values.to_numpy()).view(np.uint64)]])
        return _first_seen(values, columns) if columns.repeat() else pd.factorize(values)
    if not isinstance(values.dtype, (pd.StringDtype, pd.ArrowDtype)):
        return pd.factorize(values)
    array = pa.array(values)
    if pa.types.is_dictionary(array.type):
        return pd.factorize(values)
    array = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    found = [_words_of(chunk) for chunk in array.chunks if len(chunk)]
    if len({len(words) for words in found}) == 1 and found[0]:
        columns = _Columns(found)
        if columns.repeat():
            return _first_seen(values, columns)
    return _encoded(array, values.dtype)


def _encoded(array: pa.ChunkedArray, dtype: Any) -> tuple[NDArray[np.int32], Any]:
    """Let Arrow number text of any length, in two halves at a time."""
    half = len(array) // 2
    first, second = side_by_side(
        len(array),
        lambda: array.slice(0, half).combine_chunks().dictionary_encode(),
        lambda: array.slice(half).combine_chunks().dictionary_encode(),
    )
    parts = [c for part in (first, second) for c in (part.chunks if hasattr(part, "chunks") else [part])]
    whole = pa.chunked_array(parts).unify_dictionaries()
    codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in whole.chunks])
    return codes, pd.Series(whole.chunk(0).dictionary, dtype=dtype).array


def _words_of(chunk: pa.Array) -> list[Words]:
    """Return views of text of one length as words, of which two may overlap; none if lengths differ."""
    if chunk.type not in (pa.string(), pa.large_string()):
        return []
    n_rows, kind = len(chunk), np.int32 if chunk.type == pa.string() else np.int64
    offsets = np.frombuffer(chunk.buffers()[1], dtype=kind)[chunk.offset : chunk.offset + n_rows + 1]
    first, width = int(offsets[0]), int(offsets[1] - offsets[0])
    if not _WORD <= width <= _LONGEST or int(offsets[-1]) - first != n_rows * width:
        return []
    if any((np.diff(offsets[b.start : b.stop + 1]) != width).any() for b in blocks(slice(0, n_rows))):
        return []
    data = np.frombuffer(chunk.buffers()[2], dtype=np.uint8)
    places = [*range(0, width - _WORD, _WORD), width - _WORD]
    return [np.ndarray((n_rows,), "u8", data, first + place, (width,)) for place in places]


class _Columns:
    """A column as one or more arrays of words, in chunks; words that all values share are left out."""

    def __init__(self, chunks: Sequence[Sequence[Words]]) -> None:
        self.starts = np.cumsum([0, *(len(words[0]) for words in chunks)])
        self.size = int(self.starts[-1])
        n_words = len(chunks[0])
        differ = [place for place in range(n_words) if self._differs([words[place] for words in chunks])]
        self.chunks = [[words[place] for place in differ or [0]] for words in chunks]

    @staticmethod
    def _differs(word: Sequence[Words]) -> bool:
        first = word[0][0]
        return any((part[block] != first).any() for part in word for block in blocks(slice(0, len(part))))

    def repeat(self) -> bool:
        """Say whether values come again soon, so that a table of them is small."""
        words = [word[:_GLANCE] for word in self.chunks[0]]
        return 2 * len(pd.unique(_mixed(words))) <= len(words[0])

    def of(self, rows: slice) -> Iterator[tuple[slice, list[Words]]]:
        """Give the words of some rows, block by block."""
        for start, chunk in zip(self.starts.tolist(), self.chunks, strict=False):
            first, last = max(rows.start - start, 0), min(rows.stop - start, len(chunk[0]))
            for block in blocks(slice(first, max(first, last))):
                place = slice(block.start + start, block.stop + start)
                yield place, [np.ascontiguousarray(word[block]) for word in chunk]


def _mixed(words: Sequence[Words]) -> Words:
    mixed = words[0] * _FACTORS[0]
    for word, factor in zip(words[1:], _FACTORS[1:], strict=False):
        mixed += word * factor
    return mixed


class _Table:
    """The numbers of values that were seen, by a hash of their words."""

    def __init__(self, n_words: int) -> None:
        self.words = [np.zeros(1, dtype=np.uint64) for _ in range(n_words)]
        self.first = np.zeros(1, dtype=np.int64)
        self.count = 0
        self._grow(_FEWEST_BITS)

    def _grow(self, bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._places = np.full(1 << bits, -1, dtype=np.int32)
        words = [word[: self.count] for word in self.words]
        place, left = self._hash(words), np.arange(self.count, dtype=np.int32)
        while left.size:
            free = left[self._places[place[left]] < 0]
            self._places[place[free]] = free
            left = left[self._places[place[left]] != left]
            place[left] = (place[left] + 1) & (self._places.size - 1)

    def _hash(self, words: Sequence[Words]) -> Rows:
        mixed = _mixed(words)
        mixed >>= self._shift
        return mixed.view(np.int64)

    def numbers(self, words: Sequence[Words], start: int) -> Numbers:
        """Look the values of rows from `start` on up; new ones get the next numbers, in no certain order."""
        size = self.count + words[0].size
        if 2 * size > self._places.size:
            self._grow((4 * size).bit_length())
        place = self._hash(words)
        found = self._places[place]
        away = np.flatnonzero(~self._agree(words, found))
        if away.size:
            found[away] = self._settled([word[away] for word in words], place[away], away + start)
        return found

    def _agree(self, words: Sequence[Words], found: Numbers) -> NDArray[np.bool_]:
        agree = found >= 0
        for mine, word in zip(self.words, words, strict=True):
            agree &= mine[found] == word
        return agree

    def _settled(self, words: Sequence[Words], place: Rows, rows: Rows) -> Numbers:
        numbers = np.full(rows.size, -1, dtype=np.int32)
        left = np.arange(rows.size)
        while left.size:
            held = self._places[place[left]]
            agree = self._agree([word[left] for word in words], held)
            numbers[left[agree]] = held[agree]
            claims = left[held < 0]
            if claims.size:
                where = place[claims]
                self._places[where[::-1]] = claims[::-1]  # of those with one place the first stays
                new = claims[self._places[where] == claims]
                self._admit([word[new] for word in words], place[new], rows[new])
            moved = left[(held >= 0) & ~agree]
            place[moved] = (place[moved] + 1) & (self._places.size - 1)
            left = left[~agree]
        return numbers

    def _admit(self, words: Sequence[Words], place: Rows, rows: Rows) -> None:
        """Give new values the next numbers, each at a place of its own."""
        count = self.count + rows.size
        if count > self.first.size:
            self.first = np.resize(self.first, 2 * count)
            self.words = [np.resize(mine, 2 * count) for mine in self.words]
        for mine, word in zip(self.words, words, strict=True):
            mine[self.count : count] = word
        self.first[self.count : count] = rows
        self._places[place] = np.arange(self.count, count, dtype=np.int32)
        self.count = count


def _first_seen(values: pd.Series[Any], columns: _Columns) -> tuple[Numbers, Any]:
    codes = np.empty(columns.size, dtype=np.int32)

    def look_up(rows: slice) -> _Table:
        table = _Table(len(columns.chunks[0]))
        for block, words in columns.of(rows):
            codes[block] = table.numbers(words, block.start)
        return table

    table, other = in_halves(columns.size, look_up)
    half = columns.size // 2
    n_own = table.count
    others = [
        table.numbers([word[block] for word in other.words], block.start)
        for block in blocks(slice(0, other.count))
    ]
    first = table.first[: table.count]
    first[n_own:] = other.first[first[n_own:]]
    order = np.argsort(first)
    rank = np.empty(order.size, dtype=np.int32)
    rank[order] = np.arange(order.size, dtype=np.int32)
    ranks = [rank[:n_own], rank[np.concatenate(others)]]

    def renumber(rows: slice) -> None:
        codes[rows] = ranks[int(rows.start >= half)][codes[rows]]

    in_blocks(columns.size, renumber)
    return codes, _picked(values, first[order])


def _picked(values: pd.Series[Any], rows: Rows) -> Any:
    """Values at rows that increase; of Arrow from each chunk by itself, for its own way joins all chunks."""
    array = pa.array(values) if isinstance(values.dtype, (pd.StringDtype, pd.ArrowDtype)) else None
    if not isinstance(array, pa.ChunkedArray):
        return values.iloc[rows].array
    starts = np.cumsum([0, *map(len, array.chunks)])
    bounds = np.searchsorted(rows, starts)
    chunks = [
        chunk.take(pa.array(rows[first:last] - start))
        for chunk, start, first, last in zip(array.chunks, starts, bounds, bounds[1:], strict=False)
    ]
    return pd.Series(pa.concat_arrays(chunks), dtype=values.dtype).array
