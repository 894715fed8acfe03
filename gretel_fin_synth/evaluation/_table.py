"""One canonical form of a transaction table, from which every measure reads.

A table that is judged may be broken: empty cells, dates that are none, balances that do not add up. Nothing
of this is refused here. Rows that a measure can use are put in order in ``Table.frame``; what was left out
and why is counted in ``Table.unusable``; every row of the input, in its own order, stays in ``Table.source``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth._frames import to_pandas
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._cells import read_column
from gretel_fin_synth.evaluation._tally import Tally, tally_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._whole import Whole
    from gretel_fin_synth.evaluation.integrity import Soundness

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Texts = NDArray[np.object_]

__all__ = ["COLUMNS", "Table", "check_columns", "prepare", "shared_codes"]

COLUMNS = (
    "customer_id",
    "transaction_date",
    "transaction_amount",
    "transaction_type",
    "transaction_category",
    "account_balance",
)
_VALUES = ("transaction_amount", "transaction_category")
_TYPES = ("credit", "debit")
_LARGEST = 2.0**53  # beyond it a float no longer holds every integer of minor units


@dataclass(frozen=True, eq=False)
class Table:
    """A transaction table ready to be measured.

    Arrays have one entry per row of ``frame`` unless their description says otherwise. They are computed
    once, on first use, and must not be written to.

    Attributes
    ----------
    source : pandas.DataFrame
        Every row of the input in its own order, every column, with the types of ``frame`` where a cell could
        be read and missing where it could not.
    frame : pandas.DataFrame
        The usable rows: customers contiguous and sorted by id, chronological inside a customer, ties in the
        order of the input, a fresh index from 0. ``account_balance`` may hold missing values, or be missing.
    row : numpy.ndarray of int64
        For each row of ``frame`` its position in ``source``.
    has_balance : bool
        Whether the input has the column ``account_balance``.
    minor_units : int
        Decimals of the currency, 2 for cents.
    unusable : mapping of str to int
        Rows of ``source`` that are not in ``frame``, by reason; a row with two reasons counts once.
    ordered : bool
        Whether the rows of the input have an order.
    whole : Whole or None
        If the table is a sample of the customers of a larger one, what was counted over all rows of that.
    """

    source: pd.DataFrame
    frame: pd.DataFrame
    row: Ints
    has_balance: bool
    minor_units: int
    unusable: Mapping[str, int]
    ordered: bool = True
    whole: Whole | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def customer(self) -> Ints:
        """Code of the customer, 0 to ``n_customers - 1``, rising along the rows."""
        return _codes(self.frame["customer_id"])

    @cached_property
    def starts(self) -> Ints:
        """First row of each customer, and the number of rows at the end; ``n_customers + 1`` entries."""
        counts = np.bincount(self.customer) if len(self) else np.zeros(0, dtype=np.int64)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @property
    def n_customers(self) -> int:
        """Number of customers with at least one usable row."""
        return len(self.starts) - 1

    @cached_property
    def customers(self) -> Texts:
        """Ids of the customers, in the order of their codes; ``n_customers`` entries."""
        return self.texts("customer_id")[self.starts[:-1]]

    @cached_property
    def tally(self) -> Tally:
        """Counts of usable rows by day, and by kind and amount, of the whole table."""
        return tally_of(self) if self.whole is None else self.whole.tally

    @cached_property
    def soundness(self) -> Soundness:
        """Counts of broken rows of the whole table."""
        from gretel_fin_synth.evaluation.integrity import soundness_of

        return soundness_of(self) if self.whole is None else self.whole.soundness

    @property
    def left_out(self) -> Mapping[str, int]:
        """Rows of the whole table that cannot be used, by reason."""
        return self.unusable if self.whole is None else self.whole.unusable

    @cached_property
    def cents(self) -> Ints:
        """Amount in minor units, above 0 (an amount below half a minor unit is 0)."""
        return self._minor("transaction_amount")

    @cached_property
    def signed_cents(self) -> Ints:
        """Amount in minor units, + for a credit and - for a debit."""
        return np.where(self.is_credit, self.cents, -self.cents)

    @cached_property
    def balance_cents(self) -> Ints:
        """Balance after the row in minor units, 0 where ``balance_known`` is false."""
        return self._minor("account_balance")

    @cached_property
    def balance_known(self) -> Bools:
        """Whether the row has a balance."""
        known: Bools = np.isfinite(self.frame["account_balance"].to_numpy(dtype=np.float64))
        return known

    @cached_property
    def day(self) -> Ints:
        """Day of the transaction, counted from 1970-01-01."""
        return self._dates("D")

    @cached_property
    def month(self) -> Ints:
        """Month of the transaction, counted from January 1970."""
        return self._dates("M")

    @cached_property
    def day_of_month(self) -> Ints:
        """Day in the month, 1 to 31."""
        first = self.month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        days: Ints = self.day - first + 1
        return days

    @cached_property
    def days_to_month_end(self) -> Ints:
        """Days left in the month, 0 on its last day."""
        following = (self.month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        days: Ints = following - 1 - self.day
        return days

    @cached_property
    def weekday(self) -> Ints:
        """Day in the week, 0 is Monday."""
        return (self.day + 3) % 7

    @cached_property
    def is_credit(self) -> Bools:
        """Whether money comes in."""
        return np.asarray(self.texts("transaction_type") == "credit", dtype=np.bool_)

    @cached_property
    def category(self) -> Texts:
        """Category as text."""
        return self.texts("transaction_category")

    @cached_property
    def kind(self) -> Texts:
        """Type and category as one text, such as ``"debit: groceries"``."""
        codes, levels = pd.factorize(self.category)
        pairs = codes * 2 + self.is_credit
        names = [f"{side}: {level}" for level in levels for side in ("debit", "credit")]
        return np.array(names, dtype=object)[pairs] if len(self) else np.zeros(0, dtype=object)

    def texts(self, column: str) -> Texts:
        """Return one of the text columns as an array of ``str`` objects."""
        return self.frame[column].to_numpy(dtype=object)

    def select(self, customers: Sequence[int] | Ints) -> Table:
        """Return the table of the customers with these codes, with their usable rows only.

        Each customer is kept once, whatever the order and number of times that the code is given.
        """
        chosen = np.zeros(self.n_customers, dtype=np.bool_)
        chosen[np.asarray(customers, dtype=np.int64)] = True
        rows = np.flatnonzero(chosen[self.customer])
        positions = np.sort(self.row[rows])
        return Table(
            source=self.source.iloc[positions].reset_index(drop=True),
            frame=self.frame.iloc[rows].reset_index(drop=True),
            row=np.searchsorted(positions, self.row[rows]).astype(np.int64),
            has_balance=self.has_balance,
            minor_units=self.minor_units,
            unusable={},
            ordered=self.ordered,
        )

    def alone(self) -> Table:
        """Return the table without what is known of a larger one that it is a sample of."""
        return self if self.whole is None else replace(self, whole=None)

    def _minor(self, column: str) -> Ints:
        values = self.frame[column].to_numpy(dtype=np.float64) * 10.0**self.minor_units
        return np.rint(np.where(np.isfinite(values), values, 0.0)).astype(np.int64)

    def _dates(self, unit: str) -> Ints:
        values = self.frame["transaction_date"].to_numpy()
        numbers: Ints = values.astype(f"datetime64[{unit}]").astype(np.int64)
        return numbers


def prepare(frame: Any, *, minor_units: int = 2, ordered: bool = True) -> Table:
    """Put a transaction table in the form that measures read.

    Cells that cannot be read (dates that are none, amounts that are no numbers) become missing, rows that
    lack one of customer, date, amount, type or category are left out of ``Table.frame`` and counted. The
    input is not changed.

    Parameters
    ----------
    frame : dataframe
        pandas, polars, pyarrow, or any other frame that narwhals can collect; ``account_balance`` and any
        extra columns may be absent or present.
    minor_units : int
        Decimals of the currency.
    ordered : bool
        Whether the rows have an order that means something. Without one, ties in date are put in order by
        their content, so that the table does not depend on how an engine hands over its rows.

    Returns
    -------
    Table
        The table in canonical form.

    Raises
    ------
    ParameterError
        The input is not a dataframe, has two columns of one name, or lacks one of the five columns that no
        measure can do without.

    Examples
    --------
    >>> import pandas as pd
    >>> table = prepare(
    ...     pd.DataFrame(
    ...         {
    ...             "customer_id": ["B", "A", "A"],
    ...             "transaction_date": ["2024-01-31", "2024-01-03", "2024-01-02"],
    ...             "transaction_amount": [20.0, 4.99, 1000.0],
    ...             "transaction_type": ["credit", "debit", "credit"],
    ...             "transaction_category": ["gift", "video", "salary"],
    ...         }
    ...     )
    ... )
    >>> table.customers.tolist(), table.signed_cents.tolist(), table.kind.tolist()
    (['A', 'B'], [100000, -499, 2000], ['credit: salary', 'debit: video', 'credit: gift'])
    >>> table.has_balance
    False
    """
    native = to_pandas(frame)
    check_columns(native.columns)
    source = pd.DataFrame({name: read_column(str(name), native[name]) for name in native.columns})
    source = source if ordered else _by_content(source)
    has_balance = "account_balance" in source.columns
    usable, unusable = _usable(source, minor_units)
    rows = np.flatnonzero(usable)
    kept = source.iloc[rows]
    if not has_balance:
        kept = kept.assign(account_balance=np.nan)
    order = np.lexsort((kept["transaction_date"].to_numpy().astype(np.int64), _codes(kept["customer_id"])))
    return Table(
        source=source,
        frame=kept[list(COLUMNS)].iloc[order].reset_index(drop=True),
        row=rows[order].astype(np.int64),
        has_balance=has_balance,
        minor_units=minor_units,
        unusable=unusable,
        ordered=ordered,
    )


def shared_codes(*columns: Texts | Ints) -> tuple[list[Ints], Texts]:
    """Give equal values of several arrays equal integer codes.

    Parameters
    ----------
    *columns : numpy.ndarray
        Arrays without missing values, of any lengths.

    Returns
    -------
    codes : list of numpy.ndarray of int64
        One array of codes for each of the inputs; codes follow the sorted order of the values.
    levels : numpy.ndarray
        The values, in the order of their codes.

    Examples
    --------
    >>> import numpy as np
    >>> codes, levels = shared_codes(np.array(["b", "a"], dtype=object), np.array(["c", "b"], dtype=object))
    >>> [code.tolist() for code in codes], levels.tolist()
    ([[1, 0], [2, 1]], ['a', 'b', 'c'])
    """
    stacked = np.concatenate(columns)
    codes, levels = pd.factorize(stacked, sort=True)
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return [part.astype(np.int64) for part in np.split(codes, ends)], np.asarray(levels)


def _by_content(source: pd.DataFrame) -> pd.DataFrame:
    """Sort by customer and date, ties as balances of queries do: credits first, amount, category, balance."""
    keys = source[["customer_id", "transaction_date", "transaction_type", *_VALUES]]
    if "account_balance" in source.columns:
        rising = source["account_balance"].where(
            source["transaction_type"] == "credit", -source["account_balance"]
        )
        keys = keys.assign(account_balance=rising)
    order = keys.sort_values(list(keys.columns), kind="stable", na_position="first").index
    return source.loc[order].reset_index(drop=True)


def check_columns(columns: Iterable[Any]) -> None:
    """Raise ``ParameterError`` if names repeat, or one of the five that are needed is missing."""
    names = [str(name) for name in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"Columns {twice!r} occur more than once.\n\nHint: frame.loc[:, ~frame.columns.duplicated()]"
        raise ParameterError(msg)
    missing = [name for name in COLUMNS[:5] if name not in names]
    if missing:
        msg = (
            f"Columns {missing!r} are missing; the table has {names!r}, and needs {list(COLUMNS[:5])!r} "
            f"(account_balance is wanted too, but may be absent).\n\n"
            f"Hint: frame.rename(columns={{'...': {missing[0]!r}}})"
        )
        raise ParameterError(msg)


def _usable(source: pd.DataFrame, minor_units: int) -> tuple[Bools, dict[str, int]]:
    """Return which rows can be measured, and how many cannot for which reason."""
    amount = source["transaction_amount"].to_numpy(dtype=np.float64)
    reasons: dict[str, Bools] = {
        f"no {name}": source[name].isna().to_numpy(dtype=np.bool_) for name in COLUMNS[:5]
    }
    reasons["amount not above zero"] = amount <= 0
    reasons["amount beyond 2**53 minor units"] = amount * 10.0**minor_units >= _LARGEST
    reasons["type neither credit nor debit"] = ~source["transaction_type"].isin(_TYPES).to_numpy(
        dtype=np.bool_
    )
    usable = np.ones(len(source), dtype=np.bool_)
    counts: dict[str, int] = {}
    for reason, failing in reasons.items():
        counts[reason] = int((usable & failing).sum())
        usable &= ~failing
    return usable, {reason: count for reason, count in counts.items() if count}


def _codes(column: pd.Series[Any]) -> Ints:
    return pd.factorize(column, sort=True)[0].astype(np.int64)
