"""HTTP on the loopback interface, with faults on demand and a list of what was asked."""

from __future__ import annotations

import json
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Fault", "Reply", "Request", "Server"]


@dataclass(frozen=True)
class Request:
    """What was asked.

    Parameters
    ----------
    method, path : str
        Without the query.
    query : dict of str to str
        The query; the signature of a link is left out.
    headers : dict of str to str
        In lower case; the key is masked.
    body : bytes
        As it was sent.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON, None if there is none."""
        return json.loads(self.body) if self.body else None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Reply:
        """Answer with JSON."""
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


@dataclass
class Fault:
    """A disturbance of requests that match.

    Parameters
    ----------
    method : str
        ``GET``, ``POST``, ``PATCH``, ``PUT``, or ``""`` for any.
    path : str
        A regular expression that is searched for in the path.
    times : int or None
        How often it strikes; None for always.
    status : int or None
        Answered instead of what would be.
    body : bytes or str
        Answered with it.
    headers : dict of str to str
        Answered with it.
    delay : float
        Seconds to wait before anything else.
    drop : bool
        Whether the connection is closed without an answer.
    acts : bool
        Whether the request is carried out all the same, only its answer spoilt.
    cut : bool
        Whether only the first half of the true body is sent.
    """

    method: str
    path: str
    times: int | None = 1
    status: int | None = None
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    acts: bool = False
    cut: bool = False
    struck: int = 0

    def matches(self, request: Request) -> bool:
        """Whether it strikes this request."""
        left = self.times is None or self.struck < self.times
        return left and self.method in ("", request.method) and bool(re.search(self.path, request.path))


class Server:
    """Answers on a free port of 127.0.0.1 until it is closed.

    Parameters
    ----------
    answer : callable
        From a request to a reply.
    is_key : callable
        Whether a header's value is the key, which is not kept.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self._answer = answer
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port."""
        return int(self._http.server_address[1])

    def close(self) -> None:
        """Stop answering; requests that wait are let go."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def respond(self, request: Request) -> Reply | None:
        """Answer a request; None closes the connection."""
        with self._lock:
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.matches(request)), None)
            if fault is not None:
                fault.struck += 1
        if fault is None:
            return self._act(request)
        if fault.delay:
            self._stop.wait(fault.delay)
        spoilt = fault.drop or fault.status is not None
        reply = self._act(request) if fault.acts or fault.cut or not spoilt else Reply()
        if fault.drop:
            return None
        if fault.cut:
            reply.body = reply.body[: len(reply.body) // 2]
        if fault.status is not None:
            body = fault.body.encode() if isinstance(fault.body, str) else fault.body
            reply = Reply(fault.status, body, {"Content-Type": "application/json", **fault.headers})
        return reply

    def _act(self, request: Request) -> Reply:
        with self._lock:
            return self._answer(request)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 30

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command,
                parts.path,
                {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            reply = server.respond(request)
            if reply is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
