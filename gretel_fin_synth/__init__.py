"""Synthetic bank transactions that balance to the cent, keep the money's rhythm and give no customer away.

Data flow one way: schema -> stand-in -> balance -> training -> evaluation -> report. Names are loaded on first
use, so that ``import gretel_fin_synth`` is quick and loads no backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gretel_fin_synth.balance import (
        BalanceCheck,
        check_balance,
        reconstruct_balance,
        starting_amounts,
    )
    from gretel_fin_synth.errors import (
        BackendError,
        BackendNotInstalledError,
        FinSynthError,
        NotFittedError,
        ParameterError,
        SchemaViolation,
        StartingAmountError,
        TrainingInterrupted,
    )
    from gretel_fin_synth.evaluation import Evaluation, evaluate
    from gretel_fin_synth.schema import ExtraColumn, Transactions, validate_transactions
    from gretel_fin_synth.standin import make_transactions
    from gretel_fin_synth.training import (
        Backend,
        TransactionSynthesizer,
        available_backends,
        register_backend,
        split_customers,
    )

_HOMES = {
    "balance": ["BalanceCheck", "check_balance", "reconstruct_balance", "starting_amounts"],
    "errors": [
        "BackendError",
        "BackendNotInstalledError",
        "FinSynthError",
        "NotFittedError",
        "ParameterError",
        "SchemaViolation",
        "StartingAmountError",
        "TrainingInterrupted",
    ],
    "evaluation": ["Evaluation", "evaluate"],
    "schema": ["ExtraColumn", "Transactions", "validate_transactions"],
    "standin": ["make_transactions"],
    "training": [
        "Backend",
        "TransactionSynthesizer",
        "available_backends",
        "register_backend",
        "split_customers",
    ],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - in the order of the data flow
    "Transactions",
    "ExtraColumn",
    "validate_transactions",
    "make_transactions",
    "reconstruct_balance",
    "check_balance",
    "BalanceCheck",
    "starting_amounts",
    "TransactionSynthesizer",
    "Backend",
    "register_backend",
    "available_backends",
    "split_customers",
    "evaluate",
    "Evaluation",
    "FinSynthError",
    "ParameterError",
    "SchemaViolation",
    "StartingAmountError",
    "NotFittedError",
    "BackendError",
    "TrainingInterrupted",
    "BackendNotInstalledError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
