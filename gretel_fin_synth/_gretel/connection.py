"""How to reach the service: what a user may set, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from gretel_fin_synth._secrets import Secret

__all__ = ["Connection", "check_endpoint", "check_link", "check_number", "is_loopback"]

DEFAULT_ENDPOINT = "https://api.gretel.ai"
PROJECT_NAME = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{5,38}(?<!-)")  # and a user's ending
GRETEL_HOSTS = (".gretel.ai", ".gretel.cloud")


@dataclass(frozen=True)
class Connection:
    """How to reach the service.

    Parameters
    ----------
    api_key : Secret or None
        The key; None looks in ``GRETEL_API_KEY``, then in the client's configuration file, then asks on a
        terminal.
    endpoint : str or None
        Where the service is; ``https``, or ``http`` on this machine only. None looks in ``GRETEL_ENDPOINT``,
        then, if the key comes from there, in the client's configuration file.
    project : str
        Name of the project, 5 to 38 letters, digits and dashes; the service gets it with an ending of the
        user's own, as the client has always done.
    connect_timeout, read_timeout : float
        Seconds to wait for a connection, and for the next bytes of a reply.
    max_retries : int
        How often a request is sent again after a failure that may pass.
    backoff : float
        Seconds before the first retry; each further one waits twice as long.
    longest_wait : float
        Longest single pause in seconds, also where the service asks for a longer one: then an error says so.
    """

    api_key: Secret | None = None
    endpoint: str | None = None
    project: str = "gretel-fin-synth"
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    max_retries: int = 5
    backoff: float = 1.0
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        if self.api_key is not None and self.api_key.reveal() is not None:  # else it was lost in a pickle
            check_key(self.api_key)
        if self.endpoint is not None:
            check_endpoint(self.endpoint)
        if not isinstance(self.project, str) or not PROJECT_NAME.fullmatch(self.project):
            msg = (
                f"project={self.project!r} cannot be used: it must be 5 to 38 letters, digits and dashes, "
                "not digits alone, without a dash at either end.\n\nHint: project='bank-transactions'"
            )
            raise ParameterError(msg)
        for name in ("connect_timeout", "read_timeout", "longest_wait"):
            check_number(name, getattr(self, name), above=0)
        check_number("backoff", self.backoff, least=0)
        check_number("max_retries", self.max_retries, least=0, most=20, whole=True)


def check_key(key: Secret) -> Secret:
    """Refuse what cannot be a key, without showing it."""
    value = key.reveal()
    if value is None or not re.fullmatch(r"grt[!-~]+", value):
        msg = (
            "api_key is no Gretel key: those begin with 'grt' and have no spaces (it is not shown here)."
            "\n\nHint: leave api_key out and set the environment variable GRETEL_API_KEY"
        )
        raise ParameterError(msg)
    return key


def check_endpoint(endpoint: Any) -> str:
    """Return the endpoint without a slash at the end; refuse all but https, and http on this machine."""
    hint = "\n\nHint: endpoint='https://api.gretel.ai'"
    try:
        parts = urlsplit(endpoint if isinstance(endpoint, str) else "")
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        shown = type(endpoint).__name__ if "@" in str(endpoint) else repr(endpoint)
        msg = f"endpoint={shown} cannot be used: it must be like https://host, without a query or a user."
        raise ParameterError(msg + hint)
    if parts.scheme == "http" and not is_loopback(host):
        msg = (
            f"endpoint={endpoint!r} cannot be used: over http the key would travel in the clear, so that is "
            "allowed for this machine only (127.0.0.1, ::1, localhost)."
        )
        raise ParameterError(msg + hint)
    return str(endpoint).rstrip("/")


def check_link(link: Any) -> bool:
    """Whether a link that the service gave may be followed: https, or http on this machine."""
    try:
        parts = urlsplit(link if isinstance(link, str) else "")
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_gretels(endpoint: str) -> bool:
    """Whether an endpoint is one of Gretel's own, or this machine."""
    host = urlsplit(endpoint).hostname or ""
    return is_loopback(host) or f".{host}".endswith(GRETEL_HOSTS)


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    whole: bool = False,
) -> None:
    """Refuse what is no number in the range."""
    kinds = int if whole else (int, float)
    if (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and isfinite(value)
        and (above is None or value > above)
        and (least is None or value >= least)
        and (most is None or value <= most)
    ):
        return
    bounds = [
        f"above {above}" if above is not None else "",
        f"{least} or more" if least is not None else "",
        f"{most} or less" if most is not None else "",
    ]
    what = "a whole number" if whole else "a number"
    msg = f"{name}={value!r} cannot be used: it must be {what}, {' and '.join(filter(None, bounds))}."
    good = least if least is not None and least > 0 else 1
    raise ParameterError(f"{msg}\n\nHint: {name}={good:g}")
