"""Importing ``gretel_client`` without what importing it does to a program.

On import the package reads its configuration file, fails if that is broken, changes the file's mode, and
makes its loggers write to standard output.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

from gretel_fin_synth._gretel.keys import FILE_VARIABLE, config_file
from gretel_fin_synth.errors import BackendNotInstalledError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOGGERS", "require_client"]

#: Loggers that write whole replies or request lines.
LOGGERS = ("gretel_client.rest.rest", "gretel_client.rest.api_client", "urllib3.connectionpool")

_TALKATIVE = (
    "gretel_client.gretel.interface",
    "gretel_client.gretel.artifact_fetching",
    "gretel_client.factories",
    "gretel_client.inference_api.base",
    "gretel_client.inference_api.tabular",
    "gretel_client.inference_api.natural_language",
)
_LOCK = threading.Lock()


def require_client(what: str = "backend 'gretel'") -> None:
    """Import ``gretel_client``, once, without its side effects.

    Raises
    ------
    BackendNotInstalledError
        If it is not installed.
    """
    with _LOCK:
        if sys.modules.get("gretel_client") is not None:
            return
        path = config_file()
        before = os.environ.get(FILE_VARIABLE)
        harmless = _harmless(path)
        if not harmless:
            os.environ[FILE_VARIABLE] = os.path.join(os.devnull, "none")
        try:
            importlib.import_module("gretel_client")
        except ModuleNotFoundError as error:
            if error.name != "gretel_client":
                raise
            msg = f"{what} needs gretel-client.\n\nHint: pip install 'gretel-fin-synth[gretel]'"
            raise BackendNotInstalledError(msg) from error
        finally:
            if before is None:
                os.environ.pop(FILE_VARIABLE, None)
            else:
                os.environ[FILE_VARIABLE] = before
        _quieten()
        if not harmless:
            _give_session(path)


def _give_session(path: Path) -> None:
    """Give the client's own calls the session that they would have had, without touching the file."""
    from gretel_client.config import ClientConfig, set_session_config

    with contextlib.suppress(Exception):  # a file that the client cannot use either
        set_session_config(ClientConfig.from_dict(json.loads(path.read_text(encoding="utf-8"))))


def _harmless(path: Path) -> bool:
    """Whether the package can read the file without failing over it or changing it."""
    try:
        if not path.exists():
            return True
        found = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(found, dict) and not path.stat().st_mode & 0o077
    except (OSError, ValueError):
        return False


def _quieten() -> None:
    """Let the package's loggers speak to the handlers of the program, as all loggers do."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
