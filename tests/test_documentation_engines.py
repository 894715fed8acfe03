"""The pages on engines, where Spark and dask are; test_documentation.py runs the rest of them elsewhere."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import documentation
import pytest
from documentation import INSTALLED, ROOT, furnish, run

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from pathlib import Path

PAGES = ("at_size", "use_polars_duckdb_or_spark")


@pytest.mark.skipif({"pyspark", "dask"} - INSTALLED != set(), reason="PySpark or dask is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_engines_does_what_it_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("PySpark needs Java, and there is none")
    monkeypatch.setattr(fs, "TransactionSynthesizer", documentation.Quick)
    furnish(tmp_path, synthetic=False)
    monkeypatch.chdir(tmp_path)
    run(ROOT / "docs" / "how_to" / f"{page}.md", monkeypatch, engines_only=True)
