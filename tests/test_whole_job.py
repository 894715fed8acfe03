"""The whole job with the embedded backend: on a small stand-in always, on real tables where they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table, write_table
from gretel_fin_synth.schema import COLUMNS

pytest.importorskip("torch")

SHARED = Path(__file__).parents[2] / "shared" / "data"
SEED = SHARED / "seed" / "transactions_merged.csv"
BERKA = SHARED / "berka_early"


def run(*arguments: object) -> None:
    command = [sys.executable, "-m", "gretel_fin_synth", "run", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check_promises(real: Path, output: Path) -> None:
    """Check what the README promises of every synthetic table."""
    synthetic = read_table(output / "data" / "synthetic_data.csv")
    assert list(synthetic) == list(COLUMNS)
    assert not synthetic.isna().any(axis=None)
    dated = fs.validate_transactions(synthetic, balance=True)
    assert dated.groupby("customer_id")["transaction_date"].is_monotonic_increasing.all()
    learned = read_table(real)
    assert set(synthetic["transaction_category"]) <= set(learned["transaction_category"])
    assert not set(synthetic["customer_id"]) & set(learned["customer_id"].astype(str))


def test_a_small_stand_in(tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    write_table(fs.make_transactions(30, start="2024-01-01", end="2024-03-31", seed=3), real)
    run("--input", real, "--output", tmp_path / "out", "--seed", 3, "--customers", 12)
    check_promises(real, tmp_path / "out")
    assert (tmp_path / "out" / "report" / "tabular-lstm-report.html").stat().st_size > 50_000
    again = fs.TransactionSynthesizer.load(tmp_path / "out" / "model").sample(n_customers=12, seed=3)
    write_table(again, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out/data/synthetic_data.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not SEED.exists(), reason="the table of the original run is not here")
def test_the_untidy_table_of_the_original_run(tmp_path: Path) -> None:
    run("--input", SEED, "--output", tmp_path, "--seed", 7)
    check_promises(SEED, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not BERKA.exists(), reason="the bank's tables are not here")
def test_a_real_bank(tmp_path: Path) -> None:
    real = BERKA / "train.parquet"
    run("--input", real, "--holdout-file", BERKA / "holdout.parquet", "--output", tmp_path, "--seed", 7)
    check_promises(real, tmp_path)
    results = json.loads((tmp_path / "report" / "tabular-lstm-report.json").read_text())["results"]
    assert abs(results["sqs"]["score"] - results["sqs"]["reference"]) <= 5
    rows = results["replay"]["breakdown"]["rows"]
    assert rows["share"] <= rows["reference_high"]
