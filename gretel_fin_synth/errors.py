"""Every error the library raises on purpose.

Each leaf inherits :class:`FinSynthError` and the built-in exception that a caller would catch anyway, so both
``except FinSynthError`` and ``except ValueError`` work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AccessDeniedError",
    "AuthenticationError",
    "BackendError",
    "BackendNotInstalledError",
    "FinSynthError",
    "JobCancelledError",
    "JobFailedError",
    "JobLostError",
    "JobTimeoutError",
    "ModelDiscontinuedError",
    "NotFittedError",
    "NotFoundError",
    "ParameterError",
    "PartialResultError",
    "PrivacyFilterError",
    "QuotaExceededError",
    "RateLimitedError",
    "RequestRefusedError",
    "SchemaViolation",
    "ServiceError",
    "ServiceReplyError",
    "ServiceTimeoutError",
    "ServiceUnavailableError",
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
        One line per failing cell, with columns ``column``, ``row`` (position in the frame, from 0; missing on
        engines whose rows have no order), ``index`` (label of the row), ``value``, ``problem`` and
        ``customer_id`` (whose row it is).
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


class ServiceError(FinSynthError, RuntimeError):
    """A remote service refused, failed or could not be reached; the leaves below say which.

    Neither the message nor an attribute holds a key or the signature of a link.

    Parameters
    ----------
    message : str
        What happened, and what to do.
    status : int, optional
        The status of the reply, None if there was none.
    request : str, optional
        Method and path, without the query.
    job_id : str, optional
        The job that it is about, if there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request: str | None = None,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.request, self.job_id = status, request, job_id


class AuthenticationError(ServiceError, PermissionError):
    """There is no key, or the service does not know it."""


class AccessDeniedError(ServiceError, PermissionError):
    """The key is known but may not do this."""


class NotFoundError(ServiceError, LookupError):
    """What was asked for does not exist, or not for this key."""


class RequestRefusedError(ServiceError, ValueError):
    """The service did not accept what was sent."""


class QuotaExceededError(ServiceError):
    """Credits are used up, or as many jobs run as may."""


class ModelDiscontinuedError(ServiceError):
    """The service no longer offers the model."""


class RateLimitedError(ServiceError):
    """The service asks for fewer requests; ``retry_after`` has the seconds to wait, None if it said none."""

    retry_after: float | None = None


class ServiceUnavailableError(ServiceError, ConnectionError):
    """The service could not be reached or failed, again after retries."""


class ServiceTimeoutError(ServiceError, TimeoutError):
    """The service did not answer in time."""


class ServiceReplyError(ServiceError, ValueError):
    """The service answered with something that cannot be read."""


class JobFailedError(ServiceError):
    """A job ended in an error; ``traceback`` has what the service told of it, if anything."""

    traceback: str | None = None


class JobCancelledError(ServiceError):
    """A job was cancelled."""


class JobLostError(ServiceError):
    """The service lost a job."""


class JobTimeoutError(ServiceError, TimeoutError):
    """A job did not end in time; it goes on running, and ``job_id`` has its id."""


class PrivacyFilterError(ServiceError):
    """The service switched privacy filters off, and ``strict_privacy`` does not allow that."""


class PartialResultError(ServiceError):
    """Less came back than was asked for; ``rows`` has what did, as a pandas frame."""

    rows: pd.DataFrame | None = None
