"""Rows that come in no order, put into buckets of whole customers on disk that each fit into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth._ledger import Ledger, make_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from gretel_fin_synth.balance._stream import Rows

__all__ = ["Spool"]

#: Bytes of a bucket; sorting it takes about four times as much memory.
BUCKET_BYTES = 96 << 20


class Spool:
    """Appends rows to buckets by customer, and gives the buckets back one by one.

    Parameters
    ----------
    folder : Path
        An empty folder for the buckets.
    n_rows : int
        About how many rows there will be.
    n_keys : int
        Keys of each row.
    """

    def __init__(self, folder: Path, n_rows: int, n_keys: int) -> None:
        width = 8 * (4 + n_keys)
        self.n_buckets = max(1, -(-n_rows * width // BUCKET_BYTES))
        self.n_rows = 0
        self._folder = folder
        self._kinds: np.dtype[Any] | None = None

    def add(self, rows: Rows, found: NDArray[np.float64] | None = None) -> None:
        """Append the rows of a batch, with the balances found there if they are to be checked."""
        record = self._record(rows)
        table = np.empty(rows.codes.size, dtype=record)
        table["row"] = np.arange(self.n_rows, self.n_rows + rows.codes.size)
        table["code"], table["signed"] = rows.codes, rows.signed
        table["found"] = 0.0 if found is None else found
        for place, key in enumerate(rows.keys):
            table[f"key{place}"] = key
        bucket = rows.codes % self.n_buckets
        for number in np.unique(bucket).tolist():
            with self._path(number).open("ab") as file:
                table[bucket == number].tofile(file)
        self.n_rows += rows.codes.size

    def buckets(self) -> Iterator[tuple[NDArray[Any], Ledger]]:
        """Give the rows of each bucket, and their order: by customer, by keys, as they came."""
        for number in range(self.n_buckets):
            path = self._path(number)
            if self._kinds is None or not path.exists():
                continue
            table = np.fromfile(path, dtype=self._kinds)
            path.unlink()
            keys = [
                np.ascontiguousarray(table[name]) for name in self._kinds.names or () if name[:3] == "key"
            ]
            yield table, make_ledger(pd.Series(np.ascontiguousarray(table["code"])), keys)

    def _record(self, rows: Rows) -> np.dtype[Any]:
        if self._kinds is None:
            keys = [(f"key{place}", key.dtype) for place, key in enumerate(rows.keys)]
            fields: list[Any] = [("row", "i8"), ("code", "i8"), ("signed", "i8"), ("found", "f8"), *keys]
            self._kinds = np.dtype(fields)
        return self._kinds

    def _path(self, number: int) -> Path:
        return self._folder / f"bucket-{number:05d}"
