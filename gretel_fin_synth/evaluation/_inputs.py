"""The tables of an evaluation: read, validated, and described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth._source import Source
from gretel_fin_synth.balance.files import validate_files
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._at_size import MOST_ROWS, is_large_kind, read_table, unread
from gretel_fin_synth.evaluation._table import Table, prepare
from gretel_fin_synth.schema import validate_transactions

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALL_ROWS", "TableFacts", "checked_rows", "coverage", "facts_of", "read_any"]

ALL_ROWS = (
    "integrity",
    "replay",
    "fidelity.amounts",
    *(f"fidelity.calendar.{name}" for name in ("day_of_month", "month_end", "weekday", "month")),
    *(f"fidelity.categories_and_sequences.{name}" for name in ("category", "type_and_category")),
)
"""What is counted over all rows of tables of any size."""


@dataclass(frozen=True)
class TableFacts:
    """Size of a table that took part.

    Attributes
    ----------
    rows, customers : int
        Rows of the table, and customers with at least one usable row.
    first_date, last_date : str
        ISO dates of the first and last usable transaction.
    columns : tuple of str
        Names of the columns.
    unusable : mapping of str to int
        Rows that only the integrity counts look at, by reason.
    sampled_rows, sampled_customers : int or None
        What was brought into memory of a query or of files with more than ``max_rows`` rows, whole customers
        drawn at random; None if that was everything.
    """

    rows: int
    customers: int
    first_date: str
    last_date: str
    columns: tuple[str, ...]
    unusable: Mapping[str, int]
    sampled_rows: int | None = None
    sampled_customers: int | None = None


def read_any(frame: Any, name: str, *, minor_units: int, max_rows: int, seed: int) -> Table:
    """Read a table; a real one is validated first, but its balances need not add up."""
    large = is_large_kind(frame)
    try:
        given: Any = unread(frame) if large else frame
        if name != "synthetic" and isinstance(given, Source):
            if not isinstance(frame, Source):  # whoever gives a Source has validated it
                validate_files(frame, balance=False, minor_units=minor_units, progress=False)
        elif name != "synthetic":
            given = validate_transactions(given, balance=False, minor_units=minor_units)
        if large:
            table = read_table(given, minor_units=minor_units, max_rows=max_rows, seed=seed)
        else:
            table = prepare(given, minor_units=minor_units)
    except (ParameterError, ValueError) as exc:
        exc.add_note(f"In the {name} table.")
        raise
    _check_rows(name, table)
    return table


def coverage(tables: Mapping[str, TableFacts]) -> list[str]:
    """Say in words what was looked at of tables that were not read whole; nothing if all were."""
    sampled = [
        f"{name}: {facts.sampled_customers:,} of {facts.customers:,} customers "
        f"({facts.sampled_rows:,} of {facts.rows:,} rows)"
        for name, facts in tables.items()
        if facts.sampled_rows is not None
    ]
    if not sampled:
        return []
    return [
        "Integrity, replay, amounts, days and months, categories: counted over all rows.",
        f"Everything else: measured on whole customers drawn at random; {'; '.join(sampled)}.",
        "Attacks find a copied customer only if the copy and the original were both drawn; replay sees all.",
    ]


def checked_rows(max_rows: int) -> int:
    """Raise ``ParameterError`` unless `max_rows` is a positive integer."""
    if isinstance(max_rows, bool) or not isinstance(max_rows, int | np.integer) or max_rows < 1:
        msg = f"max_rows must be an integer, 1 or above, got {max_rows!r}.\n\nHint: max_rows={MOST_ROWS}"
        raise ParameterError(msg)
    return int(max_rows)


def _check_rows(name: str, table: Table) -> None:
    if len(table):
        return
    reasons = ", ".join(f"{count} with {reason}" for reason, count in table.unusable.items())
    msg = (
        f"The {name} table has no row that can be measured; it has {len(table.source)} rows"
        f"{f' ({reasons})' if reasons else ''}, and at least 1 is needed.\n\n"
        "Hint: validate_transactions(frame, balance=False) names the cells that are wrong"
    )
    raise ParameterError(msg)


def facts_of(table: Table) -> TableFacts:
    """Describe a table, or the larger one that it is a sample of."""
    dates = table.frame["transaction_date"]
    facts = TableFacts(
        rows=len(table.source),
        customers=table.n_customers,
        first_date=str(dates.min().date()),
        last_date=str(dates.max().date()),
        columns=tuple(map(str, table.source.columns)),
        unusable=table.unusable,
    )
    if table.whole is None:
        return facts
    return TableFacts(
        rows=table.whole.n_rows,
        customers=len(table.whole.traces.customers),
        first_date=table.whole.span[0],
        last_date=table.whole.span[1],
        columns=facts.columns,
        unusable=table.whole.unusable,
        sampled_rows=facts.rows,
        sampled_customers=facts.customers,
    )
