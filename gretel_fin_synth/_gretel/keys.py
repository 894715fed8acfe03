"""Where the key and the endpoint come from.

The order is ours: argument, environment, configuration file, terminal. The client itself lets its file win
over the environment, field by field, so that a forgotten file sends a key to where nobody wanted it. The file
is read, never written.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gretel_fin_synth._gretel.connection import DEFAULT_ENDPOINT, check_endpoint, check_key
from gretel_fin_synth._secrets import Secret
from gretel_fin_synth.errors import AuthenticationError, ParameterError

if TYPE_CHECKING:
    from gretel_fin_synth._gretel.connection import Connection

__all__ = ["Access", "config_file", "find_access"]

KEY_VARIABLE, ENDPOINT_VARIABLE, FILE_VARIABLE = "GRETEL_API_KEY", "GRETEL_ENDPOINT", "GRETEL_CONFIG_FILE"


@dataclass(frozen=True)
class Access:
    """A key, and where it may be sent."""

    key: Secret
    endpoint: str


def find_access(connection: Connection) -> Access:
    """Find the key and the endpoint.

    Raises
    ------
    AuthenticationError
        If there is no key and nobody at a terminal to ask.
    ParameterError
        If what was found cannot be a key or an endpoint, or the configuration file cannot be read.
    """
    endpoint = connection.endpoint or os.environ.get(ENDPOINT_VARIABLE) or None
    if connection.api_key is not None and connection.api_key.reveal():
        key = connection.api_key
    elif os.environ.get(KEY_VARIABLE):
        key = Secret(os.environ[KEY_VARIABLE].strip())
    else:
        in_file = _read_file(config_file())
        if in_file.get("api_key"):
            key = Secret(str(in_file["api_key"]).strip())
            endpoint = endpoint or in_file.get("endpoint") or None
        else:
            key = _asked()
    return Access(check_key(key), check_endpoint(endpoint or DEFAULT_ENDPOINT))


def config_file() -> Path:
    """Return the path of the client's configuration file, which need not exist."""
    given = os.environ.get(FILE_VARIABLE)
    return Path(given) if given else Path.home() / ".gretel" / "config.json"


def _read_file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict):
        return found
    msg = f"the configuration file {str(path)!r} of gretel_client cannot be read as JSON."
    raise ParameterError(f"{msg}\n\nHint: put it right, or set {KEY_VARIABLE} and it is not looked at")


def _asked() -> Secret:
    if sys.stdin is not None and sys.stdin.isatty():
        return Secret(getpass.getpass("Gretel API key: ").strip())
    msg = (
        "there is no Gretel API key: neither api_key, nor the environment variable "
        f"{KEY_VARIABLE}, nor the configuration file {str(config_file())!r} has one."
    )
    raise AuthenticationError(f"{msg}\n\nHint: export {KEY_VARIABLE}=grtu...")
