"""Numbers that describe each row in its context, and each customer: what classifiers and attackers look at.

Every function takes several tables, so that categories get equal codes in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.evaluation._table import Table, shared_codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "Matrix",
    "customer_matrices",
    "kind_codes",
    "previous_same",
    "roundness",
    "row_matrices",
    "sample_customers",
    "signed_log",
]

_MOST_KINDS = 200  # rarer kinds share one code; a classifier takes 255 at most
_TOP_KINDS = 16  # kinds that a customer is described by one by one


@dataclass(frozen=True, eq=False)
class Matrix:
    """Named columns of numbers; missing values are NaN.

    Attributes
    ----------
    cells : numpy.ndarray of float64, shape (n_entries, n_columns)
        One line per row or per customer of a table, in its order.
    names : tuple of str
        Names of the columns.
    """

    cells: Floats
    names: tuple[str, ...]

    def columns(self, names: Sequence[str]) -> Floats:
        """Return some columns, in the given order."""
        return self.cells[:, [self.names.index(name) for name in names]]

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[np.generic]]) -> Matrix:
        """Make a matrix of named arrays."""
        stacked = np.column_stack([np.asarray(values, dtype=np.float64) for values in columns.values()])
        return cls(stacked, tuple(columns))


def signed_log(cents: Ints) -> Floats:
    """Return ``sign(x) * log(1 + |x|)``.

    Examples
    --------
    >>> signed_log(np.array([0])).tolist()
    [0.0]
    """
    logs: Floats = np.sign(cents) * np.log1p(np.abs(cents))
    return logs


def roundness(cents: Ints, minor_units: int) -> Ints:
    """Return by how many powers of ten each amount can be divided, from 0 to ``minor_units + 3``.

    Examples
    --------
    >>> roundness(np.array([1999, 1990, 5000, 100000, 1000000]), 2).tolist()
    [0, 1, 3, 5, 5]
    """
    steps = 10 ** np.arange(1, minor_units + 4)
    counts: Ints = (cents[:, None] % steps == 0).sum(axis=1)
    return counts


def kind_codes(tables: Sequence[Table], most: int = _MOST_KINDS) -> list[Ints]:
    """Give equal types x categories of several tables equal codes, the commonest 0; rare ones share one."""
    codes, _ = shared_codes(*(table.kind for table in tables))
    counts = np.bincount(np.concatenate(codes))
    place = np.empty(len(counts), dtype=np.int64)
    place[np.argsort(-counts, kind="stable")] = np.minimum(np.arange(len(counts)), most)
    return [place[part] for part in codes]


def previous_same(customer: Ints, *keys: Ints) -> Ints:
    """Return the position of the customer's last earlier row with the same keys, -1 where there is none.

    Examples
    --------
    >>> previous_same(np.array([0, 0, 0, 1]), np.array([7, 8, 7, 7])).tolist()
    [-1, -1, 0, -1]
    """
    code = _same_code(customer, *keys)
    order = np.argsort(code, kind="stable")
    before = np.full(len(code), -1, dtype=np.int64)
    equal = np.diff(code[order]) == 0
    before[order[1:][equal]] = order[:-1][equal]
    return before


def _same_code(customer: Ints, *keys: Ints) -> Ints:
    """Give rows of one customer with equal keys equal codes."""
    code = customer
    for key in keys:
        dense = pd.factorize(key)[0].astype(np.int64)
        code = pd.factorize(code * (int(dense.max(initial=0)) + 1) + dense)[0].astype(np.int64)
    return code


def sample_customers(table: Table, size: int, rng: np.random.Generator) -> Table:
    """Return the table of ``size`` random customers, or all of them if there are no more."""
    if table.n_customers <= size:
        return table
    return table.select(np.sort(rng.choice(table.n_customers, size=size, replace=False)))


def row_matrices(tables: Sequence[Table]) -> tuple[list[Matrix], tuple[str, ...]]:
    """Describe every row: itself, its day, the two rows before it, what it repeats, and the balance.

    Balances are missing in all matrices if a table has none at all.

    Returns
    -------
    matrices : list of Matrix
        One for each table.
    nominal : tuple of str
        Names of the columns that are codes of categories.
    """
    origin = min(int(table.day.min(initial=2**40)) for table in tables)
    balances = _have_balances(tables)
    matrices = [
        Matrix.of(
            {
                **_itself(table, kinds, origin),
                **_before(table, kinds),
                **_repeats(table, kinds),
                **_balance(table, table.balance_known & balances),
            }
        )
        for table, kinds in zip(tables, kind_codes(tables), strict=True)
    ]
    return matrices, ("kind", "kind_1", "kind_2")


def _itself(table: Table, kinds: Ints, origin: int) -> dict[str, NDArray[np.generic]]:
    dates = table.frame["transaction_date"].to_numpy().astype("datetime64[s]").astype(np.int64)
    length = np.diff(table.starts)[table.customer]
    position = np.arange(len(table)) - table.starts[:-1][table.customer]
    unit = 10**table.minor_units
    return {
        "kind": kinds,
        "credit": table.is_credit,
        "log_amount": np.log1p(table.cents),
        "roundness": roundness(table.cents, table.minor_units),
        "cents": table.cents % unit,
        "day_of_month": table.day_of_month,
        "days_left": table.days_to_month_end,
        "weekday": table.weekday,
        "date": table.day - origin,
        "second": dates % 86400,
        "position": position,
        "rows_left": length - position,
        "length": length,
    }


def _before(table: Table, kinds: Ints) -> dict[str, NDArray[np.generic]]:
    columns: dict[str, NDArray[np.generic]] = {}
    position = np.arange(len(table)) - table.starts[:-1][table.customer]
    logs = np.log1p(table.cents)
    for lag in (1, 2):
        there = position >= lag
        back = np.maximum(np.arange(len(table)) - lag, 0)
        columns[f"gap_{lag}"] = np.where(there, table.day - table.day[back], np.nan)
        columns[f"kind_{lag}"] = np.where(there, kinds[back], np.nan)
        columns[f"log_amount_{lag}"] = np.where(there, logs[back], np.nan)
        columns[f"roundness_{lag}"] = np.where(there, roundness(table.cents, table.minor_units)[back], np.nan)
    return columns


def _repeats(table: Table, kinds: Ints) -> dict[str, NDArray[np.generic]]:
    logs = np.log1p(table.cents)
    kind = previous_same(table.customer, kinds)
    same = previous_same(table.customer, kinds, table.cents)
    day = previous_same(table.customer, table.day)
    codes = pd.Series(_same_code(table.customer, kinds, table.cents))
    count = codes.groupby(codes.to_numpy()).cumcount().to_numpy()
    return {
        "repeats": count,
        "days_since_repeat": np.where(same >= 0, table.day - table.day[same], np.nan),
        "days_since_kind": np.where(kind >= 0, table.day - table.day[kind], np.nan),
        "same_day_of_month": np.where(kind >= 0, table.day_of_month - table.day_of_month[kind], np.nan),
        "log_ratio_to_kind": np.where(kind >= 0, logs - logs[kind], np.nan),
        "first_of_day": day < 0,
    }


def _have_balances(tables: Sequence[Table]) -> bool:
    """Whether every table has some: the lack of a whole column is no likeness to measure."""
    return all(bool(table.balance_known.any()) for table in tables)


def _balance(table: Table, known: NDArray[np.bool_]) -> dict[str, NDArray[np.generic]]:
    after = np.where(known, signed_log(table.balance_cents), np.nan)
    before_cents = table.balance_cents - table.signed_cents
    before = np.where(known, signed_log(before_cents), np.nan)
    share = np.log1p(table.cents) - np.log1p(np.abs(before_cents))
    cents = table.balance_cents % 10**table.minor_units
    return {
        "balance": after,
        "balance_before": before,
        "share_of_balance": np.where(known, share, np.nan),
        "balance_cents": np.where(known, cents, np.nan),
    }


def customer_matrices(tables: Sequence[Table]) -> list[Matrix]:
    """Describe every customer: activity, calendar, amounts, kinds, habits and balance.

    Balances are missing in all matrices if a table has none at all.

    Names begin with ``when_`` (activity, calendar), ``what_`` (kinds and habits), ``amount_`` or
    ``balance_``.
    """
    origin = min(int(table.day.min(initial=2**40)) for table in tables)
    balances = _have_balances(tables)
    matrices = []
    for table, kinds in zip(tables, kind_codes(tables, _TOP_KINDS), strict=True):
        columns = {
            **_when(table, origin),
            **_what(table, kinds),
            **_how_much(table, kinds),
            **_how_rich(table, table.balance_known & balances),
        }
        matrices.append(Matrix.of(columns))
    return matrices


def _when(table: Table, origin: int) -> dict[str, NDArray[np.generic]]:
    first, last = table.starts[:-1], table.starts[1:] - 1
    rows = np.diff(table.starts)
    gap = np.diff(table.day, prepend=0).astype(np.float64)
    inside = np.ones(len(table), dtype=np.bool_)
    inside[first] = False
    owner = table.customer[inside]
    mean_gap = _mean(owner, gap[inside], table.n_customers)
    spread = _mean(owner, (gap[inside] - mean_gap[owner]) ** 2, table.n_customers)
    return {
        "when_log_rows": np.log(rows),
        "when_first": table.day[first] - origin,
        "when_span": table.day[last] - table.day[first],
        "when_rows_per_day": rows / (table.day[last] - table.day[first] + 1),
        "when_gap": mean_gap,
        "when_gap_spread": np.sqrt(spread),
        "when_same_day": _mean(owner, gap[inside] == 0, table.n_customers),
        "when_month_end": _per_customer(table, table.days_to_month_end == 0),
        "when_early": _per_customer(table, table.day_of_month <= 10),
        "when_late": _per_customer(table, table.day_of_month > 20),
        "when_weekend": _per_customer(table, table.weekday >= 5),
    }


def _what(table: Table, kinds: Ints) -> dict[str, NDArray[np.generic]]:
    rows = np.diff(table.starts)
    same = previous_same(table.customer, kinds, table.cents) >= 0
    kind_before = previous_same(table.customer, kinds)
    switches = np.diff(kinds, prepend=-1) != 0
    grid = np.zeros((table.n_customers, _TOP_KINDS + 1))
    np.add.at(grid, (table.customer, kinds), 1.0)
    columns: dict[str, NDArray[np.generic]] = {
        "what_credits": _per_customer(table, table.is_credit),
        "what_kinds": _per_customer(table, kind_before < 0) * rows,
        "what_repeats": _per_customer(table, same),
        "what_switches": _per_customer(table, switches),
    }
    return columns | {f"what_share_{kind}": grid[:, kind] / rows for kind in range(_TOP_KINDS + 1)}


def _how_much(table: Table, kinds: Ints) -> dict[str, NDArray[np.generic]]:
    logs = np.log1p(table.cents)
    mean = _per_customer(table, logs)
    days = table.day[table.starts[1:] - 1] - table.day[table.starts[:-1]] + 30.0
    flows = {
        name: np.bincount(table.customer, table.cents * mask, minlength=table.n_customers) / days
        for name, mask in (("in", table.is_credit), ("out", ~table.is_credit))
    }
    columns: dict[str, NDArray[np.generic]] = {
        "amount_mean": mean,
        "amount_spread": np.sqrt(_per_customer(table, (logs - mean[table.customer]) ** 2)),
        "amount_largest": np.maximum.reduceat(logs, table.starts[:-1]),
        "amount_smallest": np.minimum.reduceat(logs, table.starts[:-1]),
        "amount_in": np.log1p(flows["in"]),
        "amount_out": np.log1p(flows["out"]),
        "amount_roundness": _per_customer(table, roundness(table.cents, table.minor_units)),
    }
    for kind in range(_TOP_KINDS):
        mask = kinds == kind
        columns[f"amount_mean_{kind}"] = _mean(table.customer[mask], logs[mask], table.n_customers)
    return columns


def _how_rich(table: Table, known: NDArray[np.bool_]) -> dict[str, NDArray[np.generic]]:
    size = table.n_customers
    owner, logs = table.customer[known], signed_log(table.balance_cents)[known]
    mean = _mean(owner, logs, size)
    opening = table.balance_cents - table.signed_cents
    ends = {"first": table.starts[:-1], "last": table.starts[1:] - 1}
    lowest = np.full(size, np.inf)
    np.minimum.at(lowest, owner, logs)
    return {
        "balance_opening": np.where(known[ends["first"]], signed_log(opening[ends["first"]]), np.nan),
        "balance_last": np.where(known[ends["last"]], signed_log(table.balance_cents[ends["last"]]), np.nan),
        "balance_mean": mean,
        "balance_spread": np.sqrt(_mean(owner, (logs - mean[owner]) ** 2, size)),
        "balance_lowest": np.where(np.isfinite(lowest), lowest, np.nan),
        "balance_negative": _mean(owner, logs < 0, size),
    }


def _per_customer(table: Table, values: NDArray[np.generic]) -> Floats:
    return _mean(table.customer, values, table.n_customers)


def _mean(owner: Ints, values: NDArray[np.generic], size: int) -> Floats:
    """Return the mean of the values of each owner, NaN for one that has none."""
    counts = np.bincount(owner, minlength=size)
    sums = np.bincount(owner, np.asarray(values, dtype=np.float64), minlength=size)
    means: Floats = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    return means
