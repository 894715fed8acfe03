"""The notebooks run from the first cell to the last, as a reader runs them, with a service and without."""

from __future__ import annotations

import ast
import functools
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import gretel_fin_synth as fs
from gretel_fin_synth.testing import FakeGretel

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install '.[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install '.[notebooks]'")
pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install '.[notebooks]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install '.[notebooks]'")

EXAMPLES = Path(__file__).parents[1] / "examples"
REAL, SYNTHETIC = "00_make_real_data.ipynb", "01_generate_synthetic_data.ipynb"
SECTIONS = {
    REAL: ["Transactions", "Starting amounts", "Balances", "Verification by customer"],
    SYNTHETIC: ["Prepare", "Train", "Sample", "Rebuild the balances", "Compare", "Report"],
}


def run(name: str, folder: Path) -> Any:
    """Run a notebook in a folder where nothing is but what the ones before it left."""
    shutil.copy(EXAMPLES / name, folder)
    notebook = nbformat.read(folder / name, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def shown(notebook: Any) -> dict[str, list[str]]:
    """Return what the cells put out, by MIME type; plain printing is "stdout", the rest of it "stderr"."""
    found: dict[str, list[str]] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            if output.output_type == "stream":
                found.setdefault(output.name, []).append(output.text)
            for kind, text in output.get("data", {}).items():
                found.setdefault(kind, []).append(text)
    return found


def test_both_notebooks_run_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install '.[local]'")
    for name in ("GRETEL_ENDPOINT", "GRETEL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    first = shown(run(REAL, tmp_path))
    assert any("No endpoint is configured" in text for text in first["stdout"])
    assert len(first["image/png"]) == 2
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "starting_amounts.csv",
        "transactions_merged.csv",
        "transactions_only.csv",
    ]
    second = shown(run(SYNTHETIC, tmp_path))
    assert any("May go to" in text for text in second["stdout"])
    assert any("<iframe" in text for text in second["text/html"])
    assert any("TransactionSynthesizer" in text and "Days" in text for text in second["text/html"])
    assert len(second["image/png"]) == 2
    assert (tmp_path / "output" / "report.html").exists()
    assert (tmp_path / "data" / "synthetic_data.csv").exists()


@pytest.mark.parametrize("name", [REAL, SYNTHETIC])
def test_the_lines_for_gretel_run_where_there_is_a_service(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gretel_client", reason="gretel-client is not installed")
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    (guarded,) = [source for source in cells if "GRETEL_ENDPOINT" in source]
    quick = functools.partial(fs.TransactionSynthesizer, poll_interval=0.01)
    monkeypatch.setattr(fs, "TransactionSynthesizer", quick)
    displayed: list[Any] = []
    train = fs.make_transactions(20, start="2024-01-01", end="2024-02-29", seed=1)
    with FakeGretel() as service:
        monkeypatch.setenv("GRETEL_ENDPOINT", service.endpoint)
        monkeypatch.setenv("GRETEL_API_KEY", service.key)
        exec(guarded, {"fs": fs, "os": os, "train": train, "SEED": 7, "display": displayed.append})
    (head,) = displayed
    assert len(head) == 5


@pytest.mark.parametrize("name", [REAL, SYNTHETIC])
def test_a_notebook_tells_the_story_in_order_and_is_kept_without_outputs(name: str) -> None:
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    nbformat.validate(notebook)
    headings = [
        line[3:]
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    assert [heading for heading in headings if heading in SECTIONS[name]] == SECTIONS[name]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            assert not cell.outputs
            assert cell.execution_count is None
