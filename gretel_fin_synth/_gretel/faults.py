"""From replies and broken connections to errors of ours, without a key or a signature in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gretel_fin_synth import errors
from gretel_fin_synth._secrets import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reply", "of_failure", "of_reply"]

LONGEST_MESSAGE = 500

_PASSING = {413, 429, 502, 503, 504}

_DISCONTINUED = "has been discontinued"
_CREDITS = "credits exhausted"
_TOO_MANY = "maximum number of"
_THROTTLED = "user is not authorized to access this resource"  # what a 403 says that means "too fast"


@dataclass(frozen=True)
class Reply:
    """A reply that is no success.

    Parameters
    ----------
    status : int
        Its status.
    message : str
        What the service said, redacted and of bounded length.
    retry_after : float or None
        Seconds that it asks to wait.
    """

    status: int
    message: str
    retry_after: float | None = None

    @classmethod
    def of(cls, status: int, body: Any, headers: Mapping[str, Any] | None) -> Reply:
        """Read a reply."""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, dict):
            text = str(found.get("message") or found.get("error") or found.get("detail") or text)
        return cls(status, redact(text)[:LONGEST_MESSAGE].strip(), _seconds(headers))

    @property
    def is_throttled(self) -> bool:
        """Whether it asks for fewer requests; the service says so with a 403 at times."""
        return self.status == 429 or (self.status == 403 and _THROTTLED in self.message.lower())

    @property
    def may_pass(self) -> bool:
        """Whether the same request may well succeed later."""
        return self.status in _PASSING or self.is_throttled


def of_reply(reply: Reply, request: str) -> errors.ServiceError:
    """Make the error that a reply means."""
    said = f" It said: {reply.message}" if reply.message else ""
    about = f"{request} was answered with {reply.status}.{said}"
    lower = reply.message.lower()
    kind, hint = _kind(reply, lower)
    error = kind(f"{about}\n\nHint: {hint}", status=reply.status, request=request)
    if isinstance(error, errors.RateLimitedError):
        error.retry_after = reply.retry_after
    return error


def _kind(reply: Reply, lower: str) -> tuple[type[errors.ServiceError], str]:
    if _DISCONTINUED in lower:
        return errors.ModelDiscontinuedError, (
            "TransactionSynthesizer(backend='local') trains the same kind of model on this machine"
        )
    if _CREDITS in lower or _TOO_MANY in lower or reply.status == 402:
        return errors.QuotaExceededError, "wait for running jobs, or see the account of this key"
    if reply.is_throttled:
        return errors.RateLimitedError, "wait, then try again; a larger poll_interval asks less often"
    known: dict[int, tuple[type[errors.ServiceError], str]] = {
        401: (
            errors.AuthenticationError,
            "the service does not know this key; is it one of this endpoint's?",
        ),
        403: (errors.AccessDeniedError, "this key may not do that; is the project another user's?"),
        404: (errors.NotFoundError, "is the id right, and is it of this project and endpoint?"),
    }
    if reply.status in known:
        return known[reply.status]
    if reply.status >= 500:
        return errors.ServiceUnavailableError, (
            "try later; a job that was already submitted goes on running and can be resumed"
        )
    return errors.RequestRefusedError, "the message above says what the service did not accept"


def of_failure(failure: BaseException, request: str) -> tuple[errors.ServiceError, bool]:
    """Make the error of a request without a reply, and say whether it may have reached the service."""
    import urllib3.exceptions as broken

    reason: Any = failure
    while isinstance(reason, broken.MaxRetryError) and reason.reason is not None:
        reason = reason.reason
    while getattr(reason, "args", None) and isinstance(reason.args[0], broken.MaxRetryError):
        reason = reason.args[0].reason  # as requests wraps it
    unsent = isinstance(reason, (broken.NewConnectionError, broken.ConnectTimeoutError, broken.ProxyError))
    kind = type(reason).__name__
    if isinstance(reason, (broken.TimeoutError, TimeoutError)) or "Timeout" in kind:
        msg = f"{request} was not answered in time ({kind})."
        hint = "read_timeout=... waits longer for each reply"
        return errors.ServiceTimeoutError(f"{msg}\n\nHint: {hint}", request=request), not unsent
    msg = f"{request} got no reply: the connection failed ({kind})."
    hint = "is the endpoint right, and can this machine reach it?"
    return errors.ServiceUnavailableError(f"{msg}\n\nHint: {hint}", request=request), not unsent


def _seconds(headers: Mapping[str, Any] | None) -> float | None:
    """Read ``Retry-After`` in seconds; dates in it are not used by the service."""
    for name, value in (headers or {}).items():
        if str(name).lower() == "retry-after":
            try:
                return max(float(value), 0.0)
            except (TypeError, ValueError):
                return None
    return None
