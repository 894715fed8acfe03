"""Every byte to and from the service: time-outs, bounded retries, deadlines, nothing secret in logs.

The requests of ``gretel_client`` come through :meth:`Transport.send`, which the session puts around the
client's own; links to stored files, which the client reads without any time-out, through
:meth:`Transport.get` and :meth:`Transport.put`.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gretel_fin_synth._gretel import faults
from gretel_fin_synth._gretel.client import LOGGERS
from gretel_fin_synth._gretel.connection import check_link, is_loopback
from gretel_fin_synth._secrets import redacted_logs
from gretel_fin_synth.errors import (
    ServiceError,
    ServiceReplyError,
    ServiceTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gretel_fin_synth._gretel.connection import Connection
    from gretel_fin_synth._gretel.keys import Access

__all__ = ["LostReplyError", "Transport"]

CHUNK = 1 << 16

#: Requests that start a job: sent twice, they start two.
_STARTS_JOB = re.compile(r"/(models|record_handlers)$")
_PROJECT = re.compile(r"/projects/[^/]+$")


class LostReplyError(Exception):
    """A request that starts a job may or may not have been heard; ``error`` is what to raise if not."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class _Attempt:
    """What came of sending a request once."""

    reply: Any = None
    error: BaseException | None = None  # what to raise if there is no further attempt
    may_pass: bool = False  # whether a further attempt makes sense
    heard: bool = True  # whether the service may have acted on it
    pause: float | None = None  # seconds that the service asks to wait


class Transport:
    """Sends requests, again if that may help, and never for longer than allowed.

    Parameters
    ----------
    connection : Connection
        Time-outs and retries.
    access : Access
        The key, which is cut out of logs, and the endpoint.

    Attributes
    ----------
    n_sent : int
        Requests that were sent, each attempt counted.
    """

    def __init__(self, connection: Connection, access: Access) -> None:
        self._connection, self._access = connection, access
        self._deadlines: list[float] = []
        self.n_sent = 0

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """Let no request or pause inside the block go beyond so many seconds from now; None for no limit."""
        if seconds is None:
            yield
            return
        self._deadlines.append(time.monotonic() + seconds)
        try:
            yield
        finally:
            self._deadlines.pop()

    def pause(self, seconds: float, request: str) -> None:
        """Wait, but not beyond the deadline.

        Raises
        ------
        ServiceTimeoutError
            If the deadline comes before the end of the pause.
        """
        left = self.left()
        if left is not None and seconds >= left:
            time.sleep(max(left, 0.0))
            raise _too_late(request)
        time.sleep(seconds)

    def left(self) -> float | None:
        """Seconds until the next deadline; None if there is none."""
        return min(self._deadlines) - time.monotonic() if self._deadlines else None

    def send(self, original: Callable[..., Any], method: str, url: str, **options: Any) -> Any:
        """Send a request of the client's.

        Replies that the client itself acts on (404, and for a project also 401 and 403) raise its own
        exceptions; all others raise ours.
        """
        path = urlsplit(url).path
        request = f"{method} {path}"
        starts_job = method == "POST" and bool(_STARTS_JOB.search(path))

        def once() -> _Attempt:
            return self._once(original, method, url, request, options)

        return self._again(once, request, starts_job=starts_job)

    def get(self, link: str, what: str) -> bytes:
        """Read a stored file."""
        return bytes(self._again(lambda: self._blob("GET", link, what, None), what))

    def put(self, link: str, data: bytes, what: str) -> None:
        """Write a stored file."""
        self._again(lambda: self._blob("PUT", link, what, data), what)

    def _again(self, once: Callable[[], _Attempt], request: str, *, starts_job: bool = False) -> Any:
        """Repeat what may pass; raise outside of all handlers, so that nothing foreign hangs on the error."""
        for number in range(self._connection.max_retries + 1):
            attempt = once()
            if attempt.error is None:
                return attempt.reply
            if starts_job and attempt.heard and isinstance(attempt.error, ServiceError):
                raise LostReplyError(attempt.error)
            last = number == self._connection.max_retries
            pause = attempt.pause if attempt.pause is not None else self._connection.backoff * 2**number
            if last or not attempt.may_pass or pause > self._connection.longest_wait:
                raise attempt.error
            self.pause(pause, request)
        raise AssertionError(request)  # pragma: no cover - the last attempt returned or raised

    def _timeouts(self, request: str) -> tuple[float, float]:
        connect, read = self._connection.connect_timeout, self._connection.read_timeout
        left = self.left()
        if left is None:
            return connect, read
        if left <= 0:
            raise _too_late(request)
        return min(connect, left), min(read, left)

    def _once(
        self, original: Callable[..., Any], method: str, url: str, request: str, options: dict[str, Any]
    ) -> _Attempt:
        import urllib3.exceptions as broken
        from gretel_client.rest.exceptions import ApiException

        limits = self._timeouts(request)
        self.n_sent += 1
        try:
            with redacted_logs(LOGGERS, [self._access.key]):
                reply = original(method, url, **{**options, "_request_timeout": limits})
        except ApiException as failure:
            return self._refused(failure, method, request)
        except (broken.HTTPError, OSError) as failure:
            error, heard = faults.of_failure(failure, request)
            return _Attempt(error=self._late(error, request), may_pass=True, heard=heard)
        if _is_object(reply.data):
            return _Attempt(reply)
        msg = f"{request} was answered with {reply.status}, but not in JSON."
        hint = "is the endpoint really one of Gretel's service?"
        error = ServiceReplyError(f"{msg}\n\nHint: {hint}", status=reply.status, request=request)
        return _Attempt(error=error, may_pass=method == "GET")

    def _refused(self, failure: Any, method: str, request: str) -> _Attempt:
        """Make of a reply that is no success what the client or the user shall get."""
        if failure.status in (0, None):  # broken TLS
            error, _ = faults.of_failure(ConnectionError(), request)
            return _Attempt(error=error, heard=False)
        reply = faults.Reply.of(failure.status, failure.body, failure.headers)
        project = method == "GET" and _PROJECT.search(request)
        if not reply.is_throttled and (reply.status == 404 or (project and reply.status in (401, 403))):
            return _Attempt(error=failure)
        may_pass = reply.may_pass or (reply.status == 500 and method == "GET")
        heard = reply.status in (500, 502, 504)
        return _Attempt(
            error=faults.of_reply(reply, request), may_pass=may_pass, heard=heard, pause=reply.retry_after
        )

    def _blob(self, method: str, link: str, what: str, data: bytes | None) -> _Attempt:
        """Read or write a stored file once, through its signed link."""
        import requests

        limits = self._timeouts(what)
        if not check_link(link):
            msg = f"{what}: the service gave a link that is neither https nor of this machine."
            return _Attempt(
                error=ServiceReplyError(f"{msg}\n\nHint: is the endpoint Gretel's?", request=what)
            )
        self.n_sent += 1
        try:
            with redacted_logs(LOGGERS, [self._access.key]), requests.Session() as session:
                session.auth = _unsigned  # or a .netrc of the user's would be looked at
                if is_loopback(urlsplit(link).hostname or ""):
                    session.trust_env = False
                with session.request(
                    method, link, data=data, timeout=limits, stream=True, allow_redirects=False
                ) as reply:
                    body = self._body(reply, what)
                    status, headers = reply.status_code, reply.headers
        except (requests.RequestException, OSError) as failure:
            error, _ = faults.of_failure(failure, what)
            return _Attempt(error=self._late(error, what), may_pass=True)
        if 200 <= status < 300:
            return _Attempt(body)
        found = faults.Reply.of(status, b"", headers)
        error = faults.of_reply(found, what)
        return _Attempt(error=error, may_pass=found.may_pass or status == 500, pause=found.retry_after)

    def _body(self, reply: Any, what: str) -> bytes:
        """Read a body as it is stored, looking at the deadline now and then."""
        parts = []
        for part in reply.raw.stream(CHUNK, decode_content=False):
            parts.append(part)
            self._timeouts(what)
        return b"".join(parts)

    def _late(self, error: ServiceError, request: str) -> ServiceError:
        left = self.left()
        return _too_late(request) if left is not None and left <= 0 else error


def _too_late(request: str) -> ServiceTimeoutError:
    msg = f"the time that was allowed ended before {request} did."
    return ServiceTimeoutError(f"{msg}\n\nHint: allow more time", request=request)


def _is_object(data: Any) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, TypeError):
        return False


def _unsigned(request: Any) -> Any:
    return request
