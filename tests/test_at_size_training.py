"""Tables in files are learned from, whole or a stated sample of whole customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gretel_fin_synth import ParameterError, SchemaViolation, TransactionSynthesizer, make_transactions
from gretel_fin_synth.training._shards import read_customers

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch")


@pytest.fixture
def real(tmp_path: Path) -> pd.DataFrame:
    real = make_transactions(60, start="2024-01-01", end="2024-02-29", seed=1)
    journal = real.sort_values("transaction_date", kind="stable", ignore_index=True)
    (tmp_path / "parts").mkdir()
    journal.iloc[:900].to_parquet(tmp_path / "parts" / "a.parquet")
    journal.iloc[900:].to_parquet(tmp_path / "parts" / "b.parquet")
    return journal


def test_files_that_fit_are_learned_like_the_table(tmp_path: Path, real: pd.DataFrame) -> None:
    from_files = TransactionSynthesizer(epochs=1).fit(tmp_path / "parts", seed=1, progress=False)
    from_memory = TransactionSynthesizer(epochs=1).fit(real, seed=1, progress=False)
    assert (from_files.n_rows_, from_files.n_customers_) == (len(real), 60)
    assert from_files.warnings_ == from_memory.warnings_
    drawn = from_files.sample(3, seed=2)
    pd.testing.assert_frame_equal(drawn, from_memory.sample(3, seed=2), check_dtype=False)


def test_a_sample_holds_whole_customers_and_is_told(tmp_path: Path, real: pd.DataFrame) -> None:
    most = len(real) // 2
    frame, notes = read_customers(tmp_path / "parts", most, 7, [])
    assert 0.8 * most < len(frame) <= most
    chosen = frame["customer_id"].unique()
    assert len(frame) == real["customer_id"].isin(chosen).sum()
    assert notes[0].startswith(f"learned from {len(chosen)} of 60 customers ({len(frame):,} of {len(real):,}")
    again, _ = read_customers(tmp_path / "parts", most, 7, [])
    other, _ = read_customers(tmp_path / "parts", most, 8, [])
    pd.testing.assert_frame_equal(frame, again)
    assert set(other["customer_id"]) != set(chosen)
    real.sample(frac=1, random_state=0).to_csv(tmp_path / "t.csv", index=False)
    from_csv, _ = read_customers(tmp_path / "t.csv", most, 7, [])
    assert set(from_csv["customer_id"]) == set(chosen)


def test_what_was_left_out_is_among_the_warnings(tmp_path: Path, real: pd.DataFrame) -> None:
    most = 3 * len(real) // 4
    fitted = TransactionSynthesizer(epochs=1).fit(tmp_path / "parts", seed=1, progress=False, max_rows=most)
    assert fitted.n_customers_ < 60
    assert fitted.warnings_[0].startswith(f"learned from {fitted.n_customers_} of 60 customers")


def test_bad_files(tmp_path: Path, real: pd.DataFrame) -> None:
    with pytest.raises(ParameterError, match="max_rows=0"):
        TransactionSynthesizer().fit(tmp_path / "parts", max_rows=0)
    with pytest.raises(ParameterError, match="with privacy= nobody may be left out"):
        read_customers(tmp_path / "parts", 10, 1, [], private=True)
    with pytest.raises(ParameterError, match="there is no CSV or Parquet file"):
        TransactionSynthesizer().fit(tmp_path / "nowhere")
    real.assign(customer_id=real["customer_id"].where(real.index != 5)).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SchemaViolation, match="'customer_id', row 5"):
        TransactionSynthesizer().fit(tmp_path / "t.parquet")
