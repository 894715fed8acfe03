"""Every error the library raises on purpose.

Each leaf inherits :class:`FinSynthError` and the built-in exception that a caller would catch anyway, so both
``except FinSynthError`` and ``except ValueError`` work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BackendError",
    "BackendNotInstalledError",
    "FinSynthError",
    "NotFittedError",
    "ParameterError",
    "SchemaViolation",
    "StartingAmountError",
    "TrainingInterrupted",
]


class FinSynthError(Exception):
    """Base of every error that this library raises on purpose."""


class ParameterError(FinSynthError, ValueError):
    """An argument has a value that cannot work; the message says which are allowed."""


class SchemaViolation(FinSynthError, ValueError):
    """A table is not a table of transactions.

    Parameters
    ----------
    message : str
        What is wrong, where, and what to write instead.
    failure_cases : pandas.DataFrame
        One line per failing cell, with columns ``column``, ``row`` (position in the frame, from 0), ``index``
        (label of the row), ``value`` and ``problem``.
    """

    def __init__(self, message: str, failure_cases: pd.DataFrame) -> None:
        super().__init__(message)
        self.failure_cases = failure_cases

    def __reduce__(self) -> tuple[type[SchemaViolation], tuple[str, pd.DataFrame]]:
        return (type(self), (str(self), self.failure_cases))


class StartingAmountError(FinSynthError, ValueError):
    """A customer has no starting amount, or more than one."""


class NotFittedError(FinSynthError, RuntimeError):
    """A synthesizer was asked to sample or save before ``fit``."""


class BackendError(FinSynthError, RuntimeError):
    """A backend could not do what it was asked to do."""


class TrainingInterrupted(FinSynthError, RuntimeError):
    """Training was interrupted before a first usable state existed."""


class BackendNotInstalledError(FinSynthError, ImportError):
    """The extra that a backend needs is not installed; the message has the line to type."""
