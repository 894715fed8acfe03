"""From the training table to the file that is sent, and from the records that come back to customers.

The file has no balances, which can be computed, and no real ids: customers go under numbers. Records come
back under these numbers, in no order, and each is drawn by itself; here they become customers again.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth._money import from_minor
from gretel_fin_synth.schema import AMOUNT, CATEGORY, CUSTOMER, DATE, TYPE
from gretel_fin_synth.training._prepare import STARTING
from gretel_fin_synth.training.gretel.fields import Field, encode

if TYPE_CHECKING:
    from gretel_fin_synth.training.backend import TrainingTable
    from gretel_fin_synth.training.gretel.fields import Role

__all__ = ["Customers", "Layout", "parse_csv"]

ROLES: dict[str, Role] = {
    DATE: "datetime",
    AMOUNT: "money",
    TYPE: "text",
    CATEGORY: "text",
    STARTING: "money",
}
EXTRA_ROLES: dict[str, Role] = {
    "category": "text",
    "constant": "text",
    "number": "number",
    "datetime": "datetime",
}


@dataclass(frozen=True)
class Customers:
    """Customers made of records.

    Parameters
    ----------
    frame : pandas.DataFrame
        As a backend returns it; ids are text, customers in the order in which they first came.
    n_customers : int
        How many.
    n_dropped : int
        Records that were no transactions.
    n_mixed : int
        Customers whose records had more than one starting amount.
    """

    frame: pd.DataFrame
    n_customers: int
    n_dropped: int
    n_mixed: int


@dataclass(frozen=True)
class Layout:
    """What the file that is sent looks like.

    Parameters
    ----------
    fields : tuple of Field
        The columns after the customer's.
    kinds : tuple of (str, str)
        The pairs of type and category that the table has.
    constants : tuple of str
        Columns with one value per customer.
    minor_units : int
        Decimals of the currency.
    """

    fields: tuple[Field, ...]
    kinds: tuple[tuple[str, str], ...]
    constants: tuple[str, ...]
    minor_units: int

    @classmethod
    def of(cls, table: TrainingTable) -> Layout:
        """Describe a table."""
        roles = {**ROLES, **{extra.name: EXTRA_ROLES[extra.kind] for extra in table.extra_columns}}
        fields = tuple(Field.of(table.frame[name], role) for name, role in roles.items())
        pairs = table.frame[[TYPE, CATEGORY]].drop_duplicates()
        kinds = tuple(sorted(zip(pairs[TYPE].tolist(), pairs[CATEGORY].tolist(), strict=True)))
        constants = tuple(extra.name for extra in table.extra_columns if extra.kind == "constant")
        return cls(fields, kinds, constants, table.minor_units)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "fields": [field.to_dict() for field in self.fields],
            "kinds": [list(kind) for kind in self.kinds],
            "constants": list(self.constants),
            "minor_units": self.minor_units,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Layout:
        """Inverse of :meth:`to_dict`."""
        fields = tuple(Field.from_dict(field) for field in plain["fields"])
        kinds = tuple((str(kind), str(category)) for kind, category in plain["kinds"])
        return cls(fields, kinds, tuple(plain["constants"]), int(plain["minor_units"]))

    def to_csv(self, frame: pd.DataFrame, seed: int) -> bytes:
        """Write a table; customers get numbers that say nothing of the order of their ids."""
        codes, ids = pd.factorize(frame[CUSTOMER])
        numbers = np.random.default_rng(seed).permutation(len(ids)) + 1
        width = len(str(len(ids)))
        columns = {CUSTOMER: pd.Series([f"C{number:0{width}d}" for number in numbers[codes]], dtype=object)}
        for field in self.fields:
            columns[field.name] = encode(frame[field.name], field.role, self.minor_units).reset_index(
                drop=True
            )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")  # or a lone return in a cell would not be quoted
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        return text.getvalue().encode("utf-8")

    def customers(self, records: pd.DataFrame) -> Customers:
        """Make customers of records; those that are no transactions are left out and counted."""
        owner = records[CUSTOMER].str.strip()
        sound = (owner != "").to_numpy(dtype=bool, copy=True)
        values: dict[str, Any] = {}
        starts = np.zeros(len(records), dtype=bool)
        for field in self.fields:
            decoded = field.decode(records[field.name], self.minor_units)
            values[field.name] = decoded.cells
            if field.name == STARTING:
                starts = decoded.sound
            else:
                sound = sound & decoded.sound
        sound &= np.asarray(values[AMOUNT]) > 0
        pairs = list(zip(values[TYPE], values[CATEGORY], strict=True))
        seen = set(self.kinds)
        sound &= np.array([pair in seen for pair in pairs], dtype=bool)
        frame = pd.DataFrame({CUSTOMER: owner.to_numpy(), **values})
        frame[STARTING] = frame[STARTING].where(starts)
        return self._in_order(frame[sound], len(records))

    def _in_order(self, frame: pd.DataFrame, n_records: int) -> Customers:
        """Give each customer one starting amount and put the rows in order."""
        own = _most_common(frame[CUSTOMER], frame[STARTING])
        frame = frame[frame[CUSTOMER].isin(own)]
        pairs = frame[[CUSTOMER, STARTING]].dropna().drop_duplicates()
        n_mixed = int((pairs.groupby(CUSTOMER).size() > 1).sum())
        codes, ids = pd.factorize(frame[CUSTOMER])
        chosen = np.array([own[name] for name in ids], dtype=np.int64)[codes] if len(ids) else codes
        frame = frame.assign(
            **{
                CUSTOMER: codes,
                STARTING: from_minor(chosen.astype(np.int64), self.minor_units),
                AMOUNT: from_minor(frame[AMOUNT].to_numpy(dtype=np.int64), self.minor_units),
            }
        )
        for name in self.constants:
            frame[name] = _constant(frame[CUSTOMER], frame[name])
        frame = frame.sort_values([CUSTOMER, DATE], kind="stable", ignore_index=True)
        frame[CUSTOMER] = frame[CUSTOMER].astype(str)
        names = [CUSTOMER, *(field.name for field in self.fields)]
        return Customers(frame[names], len(ids), n_records - len(frame), n_mixed)


def parse_csv(data: bytes, layout: Layout) -> pd.DataFrame:
    """Read records as text, every cell as it stands.

    Raises
    ------
    ValueError
        If a column is missing or a line has another number of cells.
    """
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    rows = [row for row in rows if row]
    header = rows[0] if rows else []
    missing = [name for name in (CUSTOMER, *(field.name for field in layout.fields)) if name not in header]
    if missing:
        msg = f"the records have no column {missing[0]!r}"
        raise ValueError(msg)
    odd = next((number for number, row in enumerate(rows) if len(row) != len(header)), None)
    if odd is not None:
        msg = f"line {odd + 1} of the records has {len(rows[odd])} cells instead of {len(header)}"
        raise ValueError(msg)
    return pd.DataFrame(rows[1:], columns=header, dtype=object)


def warnings_of(found: Customers) -> list[str]:
    """Say what a user must know of how customers were made."""
    said = []
    if found.n_dropped:
        total = found.n_dropped + len(found.frame)
        said.append(
            f"{found.n_dropped:,} of {total:,} records from the service were no transactions and left out"
        )
    if found.n_mixed:
        said.append(
            f"{found.n_mixed:,} of {found.n_customers:,} customers came with more than one starting amount; "
            "each got the one that most of its records had"
        )
    return said


def _most_common(owner: pd.Series[Any], values: pd.Series[Any]) -> dict[Any, int]:
    """Find the value that most rows of a customer have; of several, the first that came."""
    counts: dict[Any, Counter[Any]] = {}
    for name, value in zip(owner, values, strict=True):
        if not pd.isna(value):
            counts.setdefault(name, Counter())[int(value)] += 1
    return {name: counter.most_common(1)[0][0] for name, counter in counts.items()}


def _constant(owner: pd.Series[Any], column: pd.Series[Any]) -> pd.Series[Any]:
    """Give all rows of a customer the value that most of them have."""
    codes, values = pd.factorize(column)
    chosen = _most_common(owner, pd.Series(np.where(codes < 0, -1, codes), index=owner.index))
    picked = np.array([chosen[name] for name in owner], dtype=np.int64)
    taken = pd.Series(values).reindex(picked) if (picked < 0).any() else pd.Series(values).take(picked)
    return taken.set_axis(column.index)
