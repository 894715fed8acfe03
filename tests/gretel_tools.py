"""What the tests of the Gretel backend share: a fake service, quick options, a small table."""

from __future__ import annotations

import importlib.util
import pickle
import re
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from gretel_fin_synth import make_transactions
from gretel_fin_synth.testing import FakeGretel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

needs_gretel = pytest.mark.skipif(
    importlib.util.find_spec("gretel_client") is None,
    reason="gretel-client is not installed: pip install 'gretel-fin-synth[gretel]'",
)


def quick(service: FakeGretel, **more: Any) -> dict[str, Any]:
    """Options with which the backend talks to the fake service, quickly."""
    return {
        "endpoint": service.endpoint,
        "api_key": service.key,
        "poll_interval": 0.001,
        "backoff": 0.001,
        "connect_timeout": 2.0,
        "read_timeout": 5.0,
        **more,
    }


def table(n: int = 30) -> pd.DataFrame:
    """Make a table of some customers."""
    return make_transactions(n, start="2024-01-01", end="2024-02-29", seed=3)


@pytest.fixture
def service() -> Iterator[FakeGretel]:
    """Give a fake service."""
    with FakeGretel() as fake:
        yield fake


@pytest.fixture
def nobodys_key(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let no key, endpoint or file of the machine reach a test, nor a test the home folder."""
    for name in ("GRETEL_API_KEY", "GRETEL_ENDPOINT", "GRETEL_PROJECT", "GRETEL_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


SIGNED = re.compile(r"X-Amz-Signature=[0-9a-f]{8}")


def leaks(service: FakeGretel, *texts: object) -> list[str]:
    """Return what of the key or of a signature stands in texts or bytes."""
    found = []
    for text in texts:
        whole = text.decode("latin-1") if isinstance(text, bytes) else str(text)
        found += [secret for secret in (service.key, *service.signatures()) if secret in whole]
        found += SIGNED.findall(whole)
    return found


def everything_about(error: BaseException) -> list[object]:
    """Return all forms in which an exception may be shown or stored."""
    shown: list[object] = [repr(error), str(error), vars(error), getattr(error, "__notes__", [])]
    shown.append("".join(traceback.format_exception(error)))
    shown.append(pickle.dumps(error))
    chain = [error.__cause__, error.__context__]
    return [*shown, *(part for other in chain if other is not None for part in everything_about(other))]


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of all files under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
