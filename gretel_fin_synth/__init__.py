"""Synthetic bank transactions that balance to the cent, keep the money's rhythm and give no customer away.

Data flow one way: schema -> stand-in -> balance -> training -> evaluation -> report. Names are loaded on
first use, so that ``import gretel_fin_synth`` is quick and loads no backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers see; ``_HOMES`` is the same list for Python, and a test compares them
    from gretel_fin_synth.balance import BalanceCheck as BalanceCheck
    from gretel_fin_synth.balance import check_balance as check_balance
    from gretel_fin_synth.balance import order_transactions as order_transactions
    from gretel_fin_synth.balance import reconstruct_balance as reconstruct_balance
    from gretel_fin_synth.balance import starting_amounts as starting_amounts
    from gretel_fin_synth.balance.files import FileSummary as FileSummary
    from gretel_fin_synth.balance.files import balance_files as balance_files
    from gretel_fin_synth.balance.files import check_files as check_files
    from gretel_fin_synth.balance.files import validate_files as validate_files
    from gretel_fin_synth.errors import AccessDeniedError as AccessDeniedError
    from gretel_fin_synth.errors import AuthenticationError as AuthenticationError
    from gretel_fin_synth.errors import BackendError as BackendError
    from gretel_fin_synth.errors import BackendNotInstalledError as BackendNotInstalledError
    from gretel_fin_synth.errors import FinSynthError as FinSynthError
    from gretel_fin_synth.errors import JobCancelledError as JobCancelledError
    from gretel_fin_synth.errors import JobFailedError as JobFailedError
    from gretel_fin_synth.errors import JobLostError as JobLostError
    from gretel_fin_synth.errors import JobTimeoutError as JobTimeoutError
    from gretel_fin_synth.errors import ModelDiscontinuedError as ModelDiscontinuedError
    from gretel_fin_synth.errors import NotFittedError as NotFittedError
    from gretel_fin_synth.errors import NotFoundError as NotFoundError
    from gretel_fin_synth.errors import ParameterError as ParameterError
    from gretel_fin_synth.errors import PartialResultError as PartialResultError
    from gretel_fin_synth.errors import PrivacyFilterError as PrivacyFilterError
    from gretel_fin_synth.errors import QuotaExceededError as QuotaExceededError
    from gretel_fin_synth.errors import RateLimitedError as RateLimitedError
    from gretel_fin_synth.errors import RequestRefusedError as RequestRefusedError
    from gretel_fin_synth.errors import SchemaViolation as SchemaViolation
    from gretel_fin_synth.errors import ServiceError as ServiceError
    from gretel_fin_synth.errors import ServiceReplyError as ServiceReplyError
    from gretel_fin_synth.errors import ServiceTimeoutError as ServiceTimeoutError
    from gretel_fin_synth.errors import ServiceUnavailableError as ServiceUnavailableError
    from gretel_fin_synth.errors import StartingAmountError as StartingAmountError
    from gretel_fin_synth.errors import TrainingInterrupted as TrainingInterrupted
    from gretel_fin_synth.evaluation import Comparison as Comparison
    from gretel_fin_synth.evaluation import Evaluation as Evaluation
    from gretel_fin_synth.evaluation import compare_evaluations as compare_evaluations
    from gretel_fin_synth.evaluation import evaluate as evaluate
    from gretel_fin_synth.schema import ExtraColumn as ExtraColumn
    from gretel_fin_synth.schema import Transactions as Transactions
    from gretel_fin_synth.schema import register_column_kind as register_column_kind
    from gretel_fin_synth.schema import validate_transactions as validate_transactions
    from gretel_fin_synth.standin import make_transactions as make_transactions
    from gretel_fin_synth.standin import navigate_transactions as navigate_transactions
    from gretel_fin_synth.training import Backend as Backend
    from gretel_fin_synth.training import DifferentialPrivacy as DifferentialPrivacy
    from gretel_fin_synth.training import PrivacyStatement as PrivacyStatement
    from gretel_fin_synth.training import TransactionSynthesizer as TransactionSynthesizer
    from gretel_fin_synth.training import available_backends as available_backends
    from gretel_fin_synth.training import register_backend as register_backend
    from gretel_fin_synth.training import split_customers as split_customers
    from gretel_fin_synth.training.gretel import GretelJob as GretelJob
    from gretel_fin_synth.training.gretel import GretelJobs as GretelJobs
    from gretel_fin_synth.training.gretel import GretelReport as GretelReport

__version__ = "0.1.0"

_HOMES = {  # in the order of the data flow, which is the order of the reference
    "schema": ("Transactions", "ExtraColumn", "register_column_kind", "validate_transactions"),
    "standin": ("make_transactions", "navigate_transactions"),
    "balance": (
        "reconstruct_balance",
        "check_balance",
        "BalanceCheck",
        "starting_amounts",
        "order_transactions",
    ),
    "balance.files": ("balance_files", "check_files", "validate_files", "FileSummary"),
    "training": (
        "TransactionSynthesizer",
        "DifferentialPrivacy",
        "PrivacyStatement",
        "Backend",
        "register_backend",
        "available_backends",
        "split_customers",
    ),
    "training.gretel": ("GretelJobs", "GretelJob", "GretelReport"),
    "evaluation": ("evaluate", "Evaluation", "compare_evaluations", "Comparison"),
    "errors": (
        "FinSynthError",
        "ParameterError",
        "SchemaViolation",
        "StartingAmountError",
        "NotFittedError",
        "BackendError",
        "TrainingInterrupted",
        "BackendNotInstalledError",
        "ServiceError",
        "AuthenticationError",
        "AccessDeniedError",
        "NotFoundError",
        "RequestRefusedError",
        "QuotaExceededError",
        "ModelDiscontinuedError",
        "RateLimitedError",
        "ServiceUnavailableError",
        "ServiceTimeoutError",
        "ServiceReplyError",
        "JobFailedError",
        "JobCancelledError",
        "JobLostError",
        "JobTimeoutError",
        "PrivacyFilterError",
        "PartialResultError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
