"""Balances of rows that come in batches: what is remembered of each customer between them.

If the rows of every customer come in order, one pass is enough, and memory holds a batch and one balance per
customer. Rows that do not are found out and spooled (``_spool``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth import _money
from gretel_fin_synth._ledger import Ledger, find_breaks, keys_increase, make_ledger
from gretel_fin_synth.balance import _opening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Customers", "NotInOrder", "Rows", "Running", "Starts"]


class NotInOrder(Exception):
    """The rows of a customer do not come in the order that they are to be added up in."""


@dataclass(frozen=True)
class Rows:
    """What balances need of a batch, in the order of the batch.

    Attributes
    ----------
    codes : ndarray of int64, shape (n,)
        Numbers of the customers.
    signed : ndarray of int64, shape (n,)
        Signed amounts in minor units.
    keys : tuple of ndarray, shape (n,)
        What the rows of a customer are ordered by.
    """

    codes: NDArray[np.int64]
    signed: NDArray[np.int64]
    keys: tuple[NDArray[Any], ...]


class Customers:
    """Gives customers numbers in order of first appearance, and remembers their ids."""

    def __init__(self) -> None:
        self._codes: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def ids(self) -> list[Any]:
        """All ids, in order of their numbers."""
        return list(self._codes)

    def number(self, ids: pd.Series[Any]) -> tuple[NDArray[np.int64], list[Any]]:
        """Return the number of each row's customer, and the ids of those who are new."""
        local, distinct = pd.factorize(ids)
        known, new = self._codes, []
        codes = np.empty(len(distinct), dtype=np.int64)
        for place, value in enumerate(distinct.tolist()):
            code = known.get(value)
            if code is None:
                code = known[value] = len(known)
                new.append(value)
            codes[place] = code
        return codes[local], new


@dataclass
class Starts:
    """Starting amounts in a form that can be asked for customers as they come.

    Attributes
    ----------
    amount : int
        Minor units for all, if there is no table.
    table : dict or None
        Minor units of each customer.
    column : str or None
        Column of the rows that has them.
    """

    amount: int = 0
    table: dict[Any, int] | None = None
    column: str | None = None

    @classmethod
    def read(cls, starting_amounts: Any, names: Sequence[str], minor_units: int) -> Starts:
        """Read starting amounts of any form; see :func:`gretel_fin_synth.reconstruct_balance`."""
        if starting_amounts is None:
            return cls()
        if _opening.is_amount(starting_amounts):
            return cls(_opening.one_amount(starting_amounts, minor_units))
        if isinstance(starting_amounts, str):
            _opening.check_column(starting_amounts, list(names))
            return cls(column=starting_amounts)
        ids, codes = _opening.one_per_customer(_opening.amount_table(starting_amounts), minor_units)
        return cls(table=dict(zip(ids.tolist(), codes.tolist(), strict=True)))

    def of(self, new: Sequence[Any], n_customers: int) -> NDArray[np.int64]:
        """Return the starting amounts of customers that come for the first time."""
        if self.table is None:
            return np.full(len(new), self.amount, dtype=np.int64)
        missing = sorted(value for value in new if value not in self.table)
        if missing:
            raise _opening.without_amount(missing, n_customers, list(self.table)[:1])
        return np.array([self.table[value] for value in new], dtype=np.int64)


class Running:
    """The last balance and the last keys of every customer so far."""

    def __init__(self, n_keys: int) -> None:
        self.balance = np.zeros(0, dtype=np.int64)
        self.seen = np.zeros(0, dtype=bool)
        self._keys: list[NDArray[Any] | None] = [None] * n_keys

    def admit(self, opening: NDArray[np.int64]) -> None:
        """Add new customers with what they start with."""
        self.balance = np.concatenate([self.balance, opening])
        self.seen = np.concatenate([self.seen, np.zeros(len(opening), dtype=bool)])

    def arrange(self, rows: Rows) -> Ledger:
        """Put the rows of a batch together by customer.

        Raises
        ------
        NotInOrder
            If a row comes after a later one of its customer, in this batch or an earlier one.
        """
        ledger = make_ledger(pd.Series(rows.codes))
        keys = [ledger.arrange(key) for key in rows.keys]
        if rows.codes.size and not (keys_increase(keys, ledger.starts) and self._continue(keys, ledger)):
            raise NotInOrder
        return ledger

    def add(self, rows: Rows, ledger: Ledger) -> NDArray[np.int64]:
        """Balances after each row of a batch, in its order, in minor units."""
        who = ledger.customers.to_numpy(dtype=np.int64)
        codes = _money.running_balance(ledger.arrange(rows.signed), ledger.starts, self.balance[who])
        self.keep(rows, ledger, codes)
        return ledger.restore(codes)

    def breaks(
        self, rows: Rows, ledger: Ledger, balances: Any, tolerance: float, minor_units: int, *, known: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions in a batch whose balance does not follow, and the expected ones in minor units."""
        who = ledger.customers.to_numpy(dtype=np.int64)
        signed = ledger.arrange(rows.signed)
        found = ledger.arrange(_money.parse_minor(balances, minor_units)[0])
        new = ~self.seen[who] & (not known)
        opening = np.where(new, found[ledger.starts] - signed[ledger.starts], self.balance[who])
        broken = find_breaks(
            balances, signed, ledger, tolerance=tolerance, minor_units=minor_units, opening=opening
        )
        free = np.isin(
            broken.where, ledger.starts[new]
        )  # a first balance from an unknown start may be anything
        self.keep(rows, ledger, found)
        return ledger.positions(broken.where[~free]), broken.expected[~free]

    def keep(self, rows: Rows, ledger: Ledger, codes: NDArray[np.int64]) -> None:
        """Remember where the customers of a batch have arrived."""
        who = ledger.customers.to_numpy(dtype=np.int64)
        last = ledger.starts + ledger.lengths - 1
        self.balance[who] = codes[last]
        for place, key in enumerate(rows.keys):
            kept = self._kept(place, key.dtype)
            kept[who] = ledger.arrange(key)[last]
        self.seen[who] = True

    def _continue(self, keys: Sequence[NDArray[Any]], ledger: Ledger) -> bool:
        """Say whether no customer's first row here comes before the last one there."""
        who = ledger.customers.to_numpy(dtype=np.int64)
        undecided = self.seen[who].copy()
        for place, key in enumerate(keys):
            before, now = self._kept(place, key.dtype)[who], key[ledger.starts]
            if (undecided & (now < before)).any():
                return False
            undecided &= now == before
        return True

    def _kept(self, place: int, dtype: Any) -> NDArray[Any]:
        kept = self._keys[place]
        kept = np.zeros(0, dtype=dtype) if kept is None else kept
        if kept.size < self.balance.size:
            grown = np.zeros(max(self.balance.size, 2 * kept.size), dtype=kept.dtype)
            grown[: kept.size] = kept
            kept = grown
        self._keys[place] = kept
        return kept
