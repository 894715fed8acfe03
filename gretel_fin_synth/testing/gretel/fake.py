"""The fake service as tests use it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.testing.gretel.api import Api
from gretel_fin_synth.testing.gretel.jobs import Script
from gretel_fin_synth.testing.gretel.server import Fault, Request, Server

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FakeGretel"]


class FakeGretel:
    """A service on a free port of this machine that speaks Gretel's protocol as far as the client does.

    Parameters
    ----------
    seed : int, default 0
        Decides every record that it gives.

    Attributes
    ----------
    key : str
        The one key that is let in; a dummy.
    endpoint : str
        Where it is.
    requests : list of Request
        What was asked, in order; the key is masked and signatures are left out.

    Examples
    --------
    >>> from gretel_fin_synth.testing import FakeGretel
    >>> with FakeGretel() as service:
    ...     service.fail("GET", "/users/me", status=503)
    ...     service.endpoint.startswith("http://127.0.0.1:")
    True
    """

    key = "grtu" + "0" * 60

    def __init__(self, *, seed: int = 0) -> None:
        self._api = Api(self.key, seed)
        self._server = Server(self._api.answer)
        self.endpoint = self._api.base = f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> FakeGretel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    @property
    def requests(self) -> list[Request]:
        """What was asked until now."""
        return [_masked(request) for request in list(self._server.requests)]

    def forget(self) -> None:
        """Empty the list of requests, and end all faults."""
        self._server.requests.clear()
        self._server.faults.clear()

    def script(self, kind: str, *, always: bool = False, **what: Any) -> None:
        """Say what shall become of the next job of a kind.

        Parameters
        ----------
        kind : {"model", "handler"}
            Training or sampling.
        always : bool
            Whether it is so for all further jobs instead of the next one.
        **what
            See :class:`gretel_fin_synth.testing.gretel.jobs.Script`.
        """
        script = dataclasses.replace(Script(), **what)
        if always:
            self._api.usual[kind] = script
        else:
            self._api.scripts[kind].append(script)

    def fail(self, method: str, path: str, **how: Any) -> None:
        """Disturb requests.

        Parameters
        ----------
        method : str
            ``"GET"``, ``"POST"``, ``"PATCH"``, ``"PUT"``, or ``""`` for any.
        path : str
            A regular expression, searched for in the path.
        **how
            See :class:`gretel_fin_synth.testing.gretel.server.Fault`; earlier ones come first.
        """
        self._server.faults.append(Fault(method, path, **how))

    def shape_stream(self, shape: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Let the next stream of Navigator give what a function makes of its records."""
        self._api.navigator.shapes.append(shape)

    def table(self, number: int = -1) -> bytes:
        """Return a table that was uploaded, by default the last one."""
        tables = [data for path, data in self._api.blobs.items() if path.startswith("tables/")]
        return tables[number]

    def signatures(self) -> list[str]:
        """Return the signatures of all links that may have been given."""
        return [self._api._signature(path) for path in self._api.blobs]


def _masked(request: Request) -> Request:
    headers = {**request.headers}
    if "authorization" in headers:
        headers["authorization"] = "***"
    query = {name: value for name, value in request.query.items() if name != "X-Amz-Signature"}
    return dataclasses.replace(request, headers=headers, query=query)
