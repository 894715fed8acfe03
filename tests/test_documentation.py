"""Every page of the documentation does what it shows."""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

import documentation
import pytest
from documentation import ROOT, blocks, furnish, pages, run

import gretel_fin_synth as fs
from gretel_fin_synth import _job
from gretel_fin_synth.evaluation import registry
from gretel_fin_synth.schema import _kinds
from gretel_fin_synth.testing import FakeGretel
from gretel_fin_synth.training import backend

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder as pages take it for granted; what a page registers is forgotten afterwards."""
    for module in ("torch", "polars", "duckdb"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    monkeypatch.setattr(fs, "TransactionSynthesizer", documentation.Quick)
    quick = ("integrity", "replay", "fidelity", "sqs")
    monkeypatch.setattr(registry, "_MEASURES", {name: registry.get_measure(name) for name in quick})
    monkeypatch.setattr(_job, "STAND_IN_CUSTOMERS", 30)
    monkeypatch.setattr(_job, "STAND_IN_END", "2024-02-29")
    monkeypatch.setattr(backend, "_FACTORIES", dict(backend._FACTORIES))
    monkeypatch.setattr(_kinds, "_KINDS", dict(_kinds._KINDS))
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs").with_suffix(""))


@pytest.mark.filterwarnings("ignore:share")  # what conditions say of a model that was cut short
@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_does_what_it_shows(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.stem != "migrate_from_gretel":
        run(page, monkeypatch)
        return
    pytest.importorskip("gretel_client", reason="gretel-client is not installed")
    with FakeGretel() as service:
        monkeypatch.setenv("GRETEL_ENDPOINT", service.endpoint)
        monkeypatch.setenv("GRETEL_API_KEY", service.key)
        monkeypatch.setattr(fs, "GretelJobs", functools.partial(fs.GretelJobs, poll_interval=0.01))
        run(page, monkeypatch)


def test_what_does_not_run_says_why_and_is_python_all_the_same() -> None:
    skipped = [block for page in pages() for block in blocks(page) if block.why is not None]
    for block in skipped:
        assert len(block.why.split()) >= 3
        if block.kind == "python":
            ast.parse(block.code)
