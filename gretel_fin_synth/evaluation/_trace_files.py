"""Hashes of the rows of a table too large for memory: on disk, in parts that are compared one by one."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._traces import Part, Traces, in_part, part_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Owners = NDArray[np.int32]

__all__ = ["TraceFiles"]

_PART_ROWS = 1 << 18
_RECORD = np.dtype([("hash", "i8"), ("owner", "i4")])


class TraceFiles:
    """Hashes in files of a folder of its own, which goes when nothing refers to it any more.

    Parameters
    ----------
    n_rows : int
        Rows of the table; 24 bytes of each go to disk.
    """

    def __init__(self, n_rows: int) -> None:
        self.n_parts = 1 << (n_rows // _PART_ROWS).bit_length()
        self._folder = Path(tempfile.mkdtemp(prefix="gretel-fin-synth-"))
        self._gone = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._ids: list[NDArray[np.object_]] = []
        self._n_customers = 0
        self._order: NDArray[np.int64] | None = None
        self._place: Owners | None = None

    def add(self, traces: Traces) -> None:
        """Write the hashes of a group of customers that no other group has."""
        found = traces.all
        self._write("rows", found.rows, found.row_owner)
        self._write("runs", found.runs, found.run_owner)
        self._ids.append(traces.customers)
        self._n_customers += len(traces.customers)
        self._order = self._place = None

    @property
    def customers(self) -> NDArray[np.object_]:
        """Ids of the customers, sorted."""
        ids: NDArray[np.object_] = np.concatenate(self._ids)
        return ids[self._sorted()]

    def part(self, number: int, n_parts: int) -> Part:
        """Return the hashes of one of `n_parts` parts: a power of two, and no fewer than there are here."""
        place = self._places()
        rows, row_owner = self._read("rows", number, n_parts)
        runs, run_owner = self._read("runs", number, n_parts)
        return Part(rows, place[row_owner], runs, place[run_owner])

    def _places(self) -> Owners:
        """Return where each customer, in the order of the groups, is among the sorted ids."""
        if self._place is None:
            order = self._sorted()
            self._place = np.empty(len(order), dtype=np.int32)
            self._place[order] = np.arange(len(order), dtype=np.int32)
        return self._place

    def _sorted(self) -> NDArray[np.int64]:
        if self._order is None:
            self._order = np.argsort(np.concatenate(self._ids), kind="stable")
        return self._order

    def _write(self, what: str, hashes: Ints, owner: Owners) -> None:
        records = np.empty(len(hashes), dtype=_RECORD)
        records["hash"], records["owner"] = hashes, owner + self._n_customers
        part = part_of(hashes, self.n_parts)
        records = records[np.argsort(part, kind="stable")]
        bounds = np.cumsum(np.bincount(part, minlength=self.n_parts))
        for number, some in enumerate(np.split(records, bounds[:-1])):
            if len(some):
                with self._path(what, number).open("ab") as file:
                    some.tofile(file)

    def _read(self, what: str, number: int, n_parts: int) -> tuple[Ints, Owners]:
        path = self._path(what, number // (n_parts // self.n_parts))
        records = np.fromfile(path, dtype=_RECORD) if path.exists() else np.empty(0, dtype=_RECORD)
        hashes = np.ascontiguousarray(records["hash"])
        mine = in_part(hashes, number, n_parts)
        return hashes[mine], records["owner"][mine]

    def _path(self, what: str, number: int) -> Path:
        return self._folder / f"{what}-{number:06d}"
