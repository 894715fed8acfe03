"""Starting amounts in any form, resolved to one number per customer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth import _frames, _money
from gretel_fin_synth.errors import ParameterError, StartingAmountError
from gretel_fin_synth.schema import CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.balance._entries import Entries

__all__ = [
    "STARTING",
    "amount_table",
    "check_column",
    "conflicting",
    "is_amount",
    "no_amount",
    "no_column",
    "one_amount",
    "one_per_customer",
    "openings",
    "without_amount",
]

STARTING = "starting_amount"

_FORMS = (
    "a mapping or Series customer_id -> amount, a frame with the columns 'customer_id' and "
    "'starting_amount', the name of a column that is constant per customer, one number for all, or None for 0"
)


def openings(starting_amounts: Any, frame: Any, entries: Entries, minor_units: int) -> NDArray[np.int64]:
    """Resolve starting amounts to minor units, one per customer of the ledger.

    Parameters
    ----------
    starting_amounts : mapping, Series, frame, str, number or None
        See :func:`gretel_fin_synth.reconstruct_balance`.
    frame : pandas, polars or pyarrow frame
        The table, for a column named by `starting_amounts`.
    entries : Entries
        What was read from it.
    minor_units : int
        Decimals of the currency.

    Returns
    -------
    ndarray of int64, shape (m,)

    Raises
    ------
    StartingAmountError
        If a customer has no starting amount, two of them, or one that is no amount.
    ParameterError
        If `starting_amounts` has none of the forms.
    """
    customers = entries.ledger.customers
    if starting_amounts is None:
        return np.zeros(len(customers), dtype=np.int64)
    if is_amount(starting_amounts):
        return np.full(len(customers), one_amount(starting_amounts, minor_units), dtype=np.int64)
    if isinstance(starting_amounts, str):
        return _from_column(starting_amounts, frame, entries, minor_units)
    table = amount_table(starting_amounts)
    ids, codes = one_per_customer(table, minor_units, set(customers.tolist()))
    places = pd.Index(ids, dtype=object).get_indexer(pd.Index(customers.to_numpy(dtype=object), dtype=object))
    if (places < 0).any():
        missing = sorted(customers[places < 0].tolist())
        raise without_amount(missing, len(customers), table[CUSTOMER].tolist())
    opening: NDArray[np.int64] = codes[places]
    return opening


def is_amount(value: Any) -> bool:
    """Say whether `value` is one number."""
    is_number = isinstance(value, (int, float, Decimal, np.integer, np.floating))
    return is_number and not isinstance(value, bool)


def one_amount(value: Any, minor_units: int) -> int:
    """Convert the starting amount of everybody to minor units."""
    codes, faults = _money.parse_minor([value], minor_units)
    if faults[0]:
        msg = (
            f"starting_amounts is {value!r}, which {_money.problem_text(int(faults[0]), minor_units)}."
            "\n\nHint: starting_amounts=1000.0 for everybody"
        )
        raise StartingAmountError(msg)
    return int(codes[0])


def amount_table(starting_amounts: Any) -> pd.DataFrame:
    """Bring a mapping, Series or frame into the form of a frame with two columns."""
    if isinstance(starting_amounts, Mapping):
        starting_amounts = pd.Series(
            list(starting_amounts.values()),
            index=pd.Index(list(starting_amounts), dtype=object),
            dtype=object,
        )
    if isinstance(starting_amounts, pd.Series):
        ids = starting_amounts.index.to_numpy(dtype=object)
        return pd.DataFrame({CUSTOMER: pd.Series(ids, dtype=object), STARTING: starting_amounts.array})
    try:
        names = _frames.column_names(starting_amounts)
    except ParameterError as exc:
        msg = (
            f"starting_amounts is {type(starting_amounts).__name__} {starting_amounts!r}; it may be {_FORMS}."
            "\n\nHint: starting_amounts={'CUST_001': 1000.0, 'CUST_002': 250.0}"
        )
        raise ParameterError(msg) from exc
    for name in (CUSTOMER, STARTING):
        if names.count(name) != 1:
            raise no_column(name, names)
    return _frames.sub_frame(starting_amounts, [CUSTOMER, STARTING])


def no_column(name: str, names: Sequence[Any]) -> ParameterError:
    """Make the error of a frame of starting amounts that lacks a column."""
    return ParameterError(
        f"the frame of starting amounts needs one column {name!r}; it has {', '.join(map(repr, names))}.\n\n"
        f"Hint: starting_amounts=table.rename(columns={{{names[-1] if names else 'x'!r}: {name!r}}})"
    )


def one_per_customer(
    table: pd.DataFrame, minor_units: int, needed: set[Any] | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Read a table of amounts, of the needed customers or of all; the same amount twice counts once."""
    ids = table[CUSTOMER].to_numpy(dtype=object)
    mine = np.array([needed is None or value in needed for value in ids], dtype=bool)
    codes, faults = _money.parse_minor(table[STARTING], minor_units)
    bad = np.flatnonzero(mine & (faults != _money.OK))
    if bad.size:
        first = int(bad[np.argsort(ids[bad], kind="stable")[0]])
        raise no_amount(ids[first], table[STARTING].iloc[first], minor_units)
    pairs = pd.DataFrame({"customer": ids[mine], "code": codes[mine]}).drop_duplicates()
    twice = pairs[pairs["customer"].duplicated(keep=False)]
    if len(twice):
        customer = sorted(twice["customer"].tolist())[0]
        theirs = np.sort(twice.loc[twice["customer"] == customer, "code"].to_numpy())
        amounts = _money.from_minor(theirs, minor_units)
        raise conflicting(customer, amounts.tolist())
    return pairs["customer"].to_numpy(dtype=object), pairs["code"].to_numpy(dtype=np.int64)


def _from_column(name: str, frame: Any, entries: Entries, minor_units: int) -> NDArray[np.int64]:
    """Read a column that must be constant per customer."""
    check_column(name, _frames.column_names(frame))
    ledger = entries.ledger
    column = _frames.sub_frame(frame, [name])[name]
    codes, faults = _money.parse_minor(column, minor_units)
    if faults.any():
        faulty = np.flatnonzero(faults)
        row = int(faulty[_smallest(entries.frame[CUSTOMER].iloc[faulty])])
        customer = entries.frame[CUSTOMER].iloc[row]
        raise no_amount(customer, column.iloc[row], minor_units, row)
    in_order = ledger.arrange(codes)
    opening = in_order[ledger.starts]
    differs = np.flatnonzero(in_order != np.repeat(opening, ledger.lengths))
    if differs.size:
        owners = np.searchsorted(ledger.starts, differs, side="right") - 1
        which = int(
            owners[np.argsort(ledger.customers.iloc[owners].to_numpy(dtype=object), kind="stable")[0]]
        )
        theirs = in_order[ledger.starts[which] : ledger.starts[which] + ledger.lengths[which]]
        amounts = _money.from_minor(np.array([theirs.min(), theirs.max()]), minor_units)
        raise conflicting(ledger.customers.iloc[which], amounts.tolist())
    return np.asarray(opening, dtype=np.int64)


def _smallest(ids: pd.Series[Any]) -> int:
    """Position of the smallest id: the one that every engine names first."""
    return int(np.argsort(ids.to_numpy(dtype=object), kind="stable")[0])


def check_column(name: str, names: Sequence[Any]) -> None:
    """Refuse a column of starting amounts that the table does not have exactly once."""
    if names.count(name) != 1:
        msg = (
            f"starting_amounts names the column {name!r}, which the table has {names.count(name)} times; "
            f"it has {', '.join(map(repr, names))}.\n\n"
            "Hint: starting_amounts={'CUST_001': 1000.0} needs no column"
        )
        raise ParameterError(msg)


def no_amount(customer: Any, value: Any, minor_units: int, row: int | None = None) -> StartingAmountError:
    """Make the error of a starting amount that is none."""
    where = "" if row is None else f" in row {row}"
    value = value.item() if isinstance(value, np.generic) else value
    fault = int(_money.parse_minor([value], minor_units)[1][0])
    return StartingAmountError(
        f"the starting amount of customer {customer!r}{where} is {value!r}, which "
        f"{_money.problem_text(fault, minor_units)}.\n\nHint: starting_amounts={{{customer!r}: 0.0}}"
    )


def without_amount(missing: Sequence[Any], n_customers: int, known: Sequence[Any]) -> StartingAmountError:
    """Make the error of customers that have no starting amount."""
    shown = ", ".join(map(repr, missing[:5])) + (", ..." if len(missing) > 5 else "")
    kinds = sorted(
        {type(value).__name__ for value in missing[:1]} | {type(value).__name__ for value in known[:1]}
    )
    types = (
        f" The table's ids are {type(missing[0]).__name__}, those given {type(known[0]).__name__}."
        if (len(kinds) > 1)
        else ""
    )
    return StartingAmountError(
        f"{len(missing)} of {n_customers} customers have no starting amount: {shown}.{types}\n\n"
        f"Hint: starting_amounts={{..., {missing[0]!r}: 0.0}}, or starting_amounts=None if all start with 0"
    )


def conflicting(customer: Any, amounts: Sequence[float]) -> StartingAmountError:
    """Make the error of a customer that has several starting amounts."""
    return StartingAmountError(
        f"customer {customer!r} has more than one starting amount: {', '.join(map(repr, amounts[:5]))}.\n\n"
        'Hint: table.drop_duplicates("customer_id") keeps the first of each customer'
    )
