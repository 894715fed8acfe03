"""What a table of transactions is: six columns, the rules for each, and the validation of any frame.

The rules stand once, in ``_rules``; the pandera model and the validation both call them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gretel_fin_synth.schema._columns import (
    AMOUNT,
    BALANCE,
    CATEGORY,
    COLUMNS,
    CREDIT,
    CUSTOMER,
    DATE,
    DEBIT,
    TYPE,
    TYPES,
    ExtraColumn,
    check_extra_columns,
)
from gretel_fin_synth.schema._extra import read_kinds, write_kinds
from gretel_fin_synth.schema._inspect import Inspection, inspect_transactions
from gretel_fin_synth.schema._kinds import Kind, register_column_kind
from gretel_fin_synth.schema._validate import canonical_transactions, validate_transactions

if TYPE_CHECKING:
    from gretel_fin_synth.schema._model import Transactions

__all__ = [
    "AMOUNT",
    "BALANCE",
    "CATEGORY",
    "COLUMNS",
    "CREDIT",
    "CUSTOMER",
    "DATE",
    "DEBIT",
    "TYPE",
    "TYPES",
    "ExtraColumn",
    "Inspection",
    "Kind",
    "Transactions",
    "canonical_transactions",
    "check_extra_columns",
    "inspect_transactions",
    "read_kinds",
    "register_column_kind",
    "validate_transactions",
    "write_kinds",
]


def __getattr__(name: str) -> Any:
    # pandera takes longer to import than the rest together, and most users never call the model.
    if name == "Transactions":
        from gretel_fin_synth.schema._model import Transactions

        return Transactions
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
