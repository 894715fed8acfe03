"""What tells rows and runs of rows of several tables from each other: codes, or hashes of large tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._coding import combined, dense
from gretel_fin_synth.evaluation._features import runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._overlap import Things
    from gretel_fin_synth.evaluation._table import Table

    Ints = NDArray[np.int64]
    Owners = NDArray[np.int32]

__all__ = ["Part", "Traces", "all_traces", "in_part", "part_of", "row_codes", "run_codes", "traces_of"]

_RUN = 3


@dataclass(frozen=True, eq=False)
class Part:
    """What tells rows and runs of rows from others: hashes of 64 bits.

    Attributes
    ----------
    rows : numpy.ndarray of int64
        For each usable row a hash of date, amount, type and category.
    row_owner : numpy.ndarray of int32
        Place of its customer among all.
    runs, run_owner : numpy.ndarray
        The same for runs of three rows.
    """

    rows: Ints
    row_owner: Owners
    runs: Ints
    run_owner: Owners


@dataclass(frozen=True, eq=False)
class Traces:
    """The hashes of a table, or of a group of its customers, in memory.

    Attributes
    ----------
    customers : numpy.ndarray of object
        Ids of the customers, sorted.
    all : Part
        All of them.
    """

    customers: NDArray[np.object_]
    all: Part

    @property
    def n_parts(self) -> int:
        """In how many parts the hashes are."""
        return 1

    def part(self, number: int, n_parts: int) -> Part:
        """Return the hashes of one of `n_parts` parts."""
        rows, runs = (in_part(hashes, number, n_parts) for hashes in (self.all.rows, self.all.runs))
        return Part(
            self.all.rows[rows], self.all.row_owner[rows], self.all.runs[runs], self.all.run_owner[runs]
        )


def part_of(hashes: Ints, n_parts: int) -> Ints:
    """Return the part that each hash belongs to: the first digits of the hash, `n_parts` a power of two."""
    digits = np.uint64(64 - (n_parts.bit_length() - 1))
    if n_parts == 1:
        return np.zeros(len(hashes), dtype=np.int64)
    return (hashes.view(np.uint64) >> digits).astype(np.int64)


def in_part(hashes: Ints, number: int, n_parts: int) -> NDArray[np.bool_] | slice:
    """Return which hashes belong to a part."""
    return slice(None) if n_parts == 1 else part_of(hashes, n_parts) == number


def all_traces(tables: Sequence[Table]) -> tuple[Iterable[Things], list[int]]:
    """Return codes and customers of rows and runs of the whole tables, in parts, and numbers of customers."""
    if all(table.whole is None for table in tables):
        owners = [table.customer for table in tables]
        plain, with_ids = (row_codes(tables, ids=ids) for ids in (False, True))
        things = {"rows": (plain, owners), "rows_with_ids": (with_ids, owners), "runs": run_codes(tables)}
        return [things], [table.n_customers for table in tables]
    keys = [traces_of(table) if table.whole is None else table.whole.traces for table in tables]
    ids = _split(dense(np.concatenate([key.customers for key in keys])), [len(key.customers) for key in keys])
    n_parts = max(key.n_parts for key in keys)
    parts = (_compared([key.part(number, n_parts) for key in keys], ids) for number in range(n_parts))
    return parts, [len(key.customers) for key in keys]


def _compared(keys: Sequence[Part], ids: Sequence[Ints]) -> Things:
    """Give equal rows and equal runs in one part of several tables equal codes."""
    sizes = [len(key.rows) for key in keys]
    owners = [key.row_owner.astype(np.int64) for key in keys]
    rows = dense(np.concatenate([key.rows for key in keys]))
    who = np.concatenate([part[owner] for part, owner in zip(ids, owners, strict=True)])
    return {
        "rows": (_split(rows, sizes), owners),
        "rows_with_ids": (_split(combined([rows, who]), sizes), owners),
        "runs": (
            _split(dense(np.concatenate([key.runs for key in keys])), [len(key.runs) for key in keys]),
            [key.run_owner.astype(np.int64) for key in keys],
        ),
    }


def traces_of(table: Table) -> Traces:
    """Return what tells rows and runs of a table from others, as :class:`Traces`."""
    cells = {"cents": table.cents, "credit": table.is_credit, "category": table.category}
    tokens = _hashed({"day": table.day, **cells}), _hashed(cells)
    windows = runs(tokens[1], table.customer, _RUN)
    between = np.diff(runs(table.day, table.customer, _RUN))
    columns = {str(place): column for place, column in enumerate([*windows.T, *between.T])}
    owner = runs(table.customer, table.customer, _RUN)[:, 0]
    rows, of_runs = tokens[0], _hashed(columns)
    return Traces(
        table.customers, Part(rows, table.customer.astype(np.int32), of_runs, owner.astype(np.int32))
    )


def _hashed(columns: Mapping[str, NDArray[Any]]) -> Ints:
    """Return 64 bits for each line: of a hundred million, two that differ agree with odds of 1 in 4,000."""
    hashes: Ints = pd.util.hash_pandas_object(pd.DataFrame(columns), index=False).to_numpy().view(np.int64)
    return hashes


def row_codes(tables: Sequence[Table], *, ids: bool) -> list[Ints]:
    """Give equal rows of several tables equal codes.

    Parameters
    ----------
    tables : sequence of Table
        The tables.
    ids : bool
        Whether rows must agree in the customer's id besides date, amount, type and category.
    """
    parts = [_joined(tables, "day"), _joined(tables, "cents"), _named(tables, "transaction_category")]
    parts.append(np.concatenate([table.is_credit.astype(np.int64) for table in tables]))
    if ids:
        parts.append(_named(tables, "customer_id"))
    return _split(combined(parts), [len(table) for table in tables])


def run_codes(tables: Sequence[Table], length: int = _RUN) -> tuple[list[Ints], list[Ints]]:
    """Give equal runs of consecutive transactions of a customer equal codes.

    Two runs are equal if amounts, types and categories are, and the days between the transactions. The day on
    which they begin does not matter.

    Returns
    -------
    codes, customers : list of numpy.ndarray of int64
        For each table the codes of its runs, and the customers to which they belong.
    """
    rows = combined(
        [
            _joined(tables, "cents"),
            _named(tables, "transaction_category"),
            np.concatenate([table.is_credit.astype(np.int64) for table in tables]),
        ]
    )
    tokens = _split(rows, [len(table) for table in tables])
    windows = [
        np.column_stack(
            [runs(token, table.customer, length), np.diff(runs(table.day, table.customer, length))]
        )
        for token, table in zip(tokens, tables, strict=True)
    ]
    owners = [runs(table.customer, table.customer, length)[:, 0] for table in tables]
    stacked = np.concatenate(windows)
    return _split(combined(list(stacked.T)), [len(window) for window in windows]), owners


def _joined(tables: Sequence[Table], name: str) -> Ints:
    return np.concatenate([getattr(table, name) for table in tables])


def _named(tables: Sequence[Table], column: str) -> Ints:
    return dense(np.concatenate([table.texts(column) for table in tables]))


def _split(codes: Ints, sizes: Sequence[int]) -> list[Ints]:
    return np.split(codes, np.cumsum(sizes)[:-1])
