"""For the tests of others: what every backend must pass, and a stand-in for Gretel's service.

A package that brings a backend writes a test file of a few lines (needs the ``testing`` extra, for pytest)::

    from gretel_fin_synth import register_backend
    from gretel_fin_synth.testing import BackendContract

    register_backend("mine", MyBackend)

    class TestMine(BackendContract):
        backend = "mine"

Code that talks to Gretel is tested without network against :class:`FakeGretel`, which needs no extra::

    from gretel_fin_synth.testing import FakeGretel

    with FakeGretel() as service:
        synthesizer = TransactionSynthesizer(
            "gretel", endpoint=service.endpoint, api_key=service.key, poll_interval=0.01
        )
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gretel_fin_synth.testing.contract import BackendContract as BackendContract
    from gretel_fin_synth.testing.gretel import FakeGretel as FakeGretel

__all__ = ["BackendContract", "FakeGretel"]

_HOMES = {"BackendContract": "contract", "FakeGretel": "gretel"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
