"""The script of a user who checks types runs as well; ``make types`` checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import consumer
import pytest

from gretel_fin_synth.evaluation import registry
from gretel_fin_synth.schema import _kinds

if TYPE_CHECKING:
    from pathlib import Path


def test_the_script_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setattr(registry, "_MEASURES", dict(registry._MEASURES))
    monkeypatch.setattr(_kinds, "_KINDS", {})
    assert isinstance(consumer.main(tmp_path), tuple)
    assert (tmp_path / "report.html").exists()
