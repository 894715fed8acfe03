"""Tables in files are balanced, checked and validated batch by batch as tables in memory are as a whole."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gretel_fin_synth import (
    ExtraColumn,
    ParameterError,
    SchemaViolation,
    StartingAmountError,
    _source,
    balance_files,
    check_balance,
    check_files,
    make_transactions,
    reconstruct_balance,
    validate_files,
)
from gretel_fin_synth.balance import _spool

if TYPE_CHECKING:
    from collections.abc import Iterator

entries = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "007", "NA"]), st.integers(0, 5), st.integers(1, 9**9), st.booleans()
    ),
    min_size=1,
    max_size=40,
)


def table(rows: list[Any]) -> pd.DataFrame:
    who, day, cents, credit = (list(column) for column in zip(*rows, strict=True))
    return pd.DataFrame(
        {
            "customer_id": pd.Series(who, dtype="str"),
            "transaction_date": (pd.Timestamp("2024-02-28") + pd.to_timedelta(day, unit="D")).as_unit("us"),
            "transaction_amount": np.array(cents) / 100,
            "transaction_type": pd.Series(["credit" if c else "debit" for c in credit], dtype="str"),
            "transaction_category": pd.Series(["x"] * len(who), dtype="str"),
        }
    )


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven rows to a batch, so that customers go over several."""
    read = _source.Source.chunks

    def chunks(self: Any, names: Any = None, batch_rows: int = 7) -> Iterator[Any]:
        return read(self, names, batch_rows)

    monkeypatch.setattr(_source.Source, "chunks", chunks)
    monkeypatch.setattr(_source, "_CSV_BLOCK", 256)
    monkeypatch.setattr(_spool, "BUCKET_BYTES", 400)


@pytest.fixture
def real() -> pd.DataFrame:
    return make_transactions(5, start="2024-01-01", end="2024-01-31", seed=3)


@settings(max_examples=30, deadline=None)
@given(entries, st.booleans(), st.integers(-500, 500))
def test_batches_give_what_the_whole_table_gives(rows: list[Any], in_order: bool, start: int) -> None:
    frame = table(rows)
    if in_order:
        frame = frame.sort_values("transaction_date", kind="stable", ignore_index=True)
    expected = reconstruct_balance(frame, starting_amounts=start)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        frame.iloc[:11].to_parquet(place / "a.parquet")
        frame.iloc[11:].to_parquet(place / "b.parquet")
        found = balance_files(place, place / "out.parquet", starting_amounts=start)
        assert found.n_rows == len(frame)
        assert found.in_order or not in_order
        written = pd.read_parquet(place / "out.parquet")
        pdt.assert_frame_equal(written, expected, check_dtype=False)
        assert check_files(place / "out.parquet", starting_amounts=start).ok
        assert sorted(path.name for path in place.iterdir()) == ["a.parquet", "b.parquet", "out.parquet"]


@settings(max_examples=30, deadline=None)
@given(entries, st.lists(st.integers(0, 39), max_size=4), st.booleans())
def test_breaks_are_those_of_the_whole_table(rows: list[Any], wrong: list[int], known: bool) -> None:
    frame = reconstruct_balance(table(rows))
    for row in wrong:
        if row < len(frame):
            frame.loc[row, "account_balance"] += 0.5
    starts = 0 if known else None
    expected = check_balance(frame, starting_amounts=starts)
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(Path(folder) / "t.parquet")
        found = check_files(Path(folder) / "*.parquet", starting_amounts=starts)
    assert (found.n_breaks, found.n_rows, found.n_customers) == (
        expected.n_breaks,
        expected.n_rows,
        expected.n_customers,
    )
    if expected.n_breaks:
        pdt.assert_frame_equal(
            found.breaks, expected.breaks.reset_index(drop=True), check_dtype=False, check_index_type=False
        )


def test_csv_and_parquet_give_the_same(tmp_path: Path, real: pd.DataFrame) -> None:
    real = real.assign(customer_id="00" + real["customer_id"].str[-1], starting_amount=0.1)
    real.to_csv(tmp_path / "t.csv", index=False)
    real.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        balance_files(tmp_path / name, tmp_path / f"{name}.parquet", starting_amounts="starting_amount")
    from_csv, from_parquet = (pd.read_parquet(tmp_path / f"t.{k}.parquet") for k in ("csv", "parquet"))
    pdt.assert_frame_equal(from_csv, from_parquet, check_dtype=False)
    assert from_csv["transaction_date"].dtype.kind == "M"
    assert from_csv["customer_id"].iloc[0] == "001"


def test_a_journal_in_the_order_of_time_takes_one_pass(tmp_path: Path, real: pd.DataFrame) -> None:
    journal = real.sort_values("transaction_date", kind="stable", ignore_index=True)
    journal.to_parquet(tmp_path / "t.parquet")
    assert balance_files(tmp_path / "t.parquet", tmp_path / "o.parquet").in_order
    shuffled = journal.sample(frac=1, random_state=1, ignore_index=True)
    shuffled.to_parquet(tmp_path / "t.parquet")
    assert not balance_files(tmp_path / "t.parquet", tmp_path / "o.parquet").in_order
    pdt.assert_frame_equal(
        pd.read_parquet(tmp_path / "o.parquet"), reconstruct_balance(shuffled), check_dtype=False
    )


def test_dates_of_several_resolutions_are_one_time(tmp_path: Path, real: pd.DataFrame) -> None:
    half = len(real) // 2
    first, second = real.iloc[:half], real.iloc[half:]
    pq.write_table(pa.Table.from_pandas(first, preserve_index=False), tmp_path / "a.parquet")
    plain = pa.Table.from_pandas(second, preserve_index=False)
    at = plain.column_names.index("transaction_date")
    days = plain.column(at).cast(pa.date32())
    pq.write_table(plain.set_column(at, "transaction_date", days), tmp_path / "b.parquet")
    assert check_files(tmp_path).ok


def test_bad_rows_are_named_with_their_file_and_nothing_is_written(
    tmp_path: Path, real: pd.DataFrame
) -> None:
    real.loc[[8, 20], "transaction_amount"] = [-1.0, 0.0]
    real.iloc[:15].to_parquet(tmp_path / "a.parquet")
    real.iloc[15:].to_parquet(tmp_path / "b.parquet")
    for function in (
        lambda: balance_files(tmp_path, tmp_path / "o.parquet"),
        lambda: validate_files(tmp_path),
    ):
        with pytest.raises(SchemaViolation) as caught:
            function()
        cases = caught.value.failure_cases
        assert cases["row"].tolist() == [8, 20]
        assert cases["customer_id"].tolist() == real["customer_id"].iloc[[8, 20]].tolist()
        assert caught.value.__notes__ == [
            f"  {tmp_path / 'a.parquet'}, row 9",
            f"  {tmp_path / 'b.parquet'}, row 6",
        ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


def test_a_cell_of_csv_that_is_no_number_is_named(tmp_path: Path) -> None:
    lines = [f"a,2024-01-{day:02d},1.50,credit,x" for day in range(1, 20)]
    lines[12] = lines[12].replace("1.50", "1.5O")
    header = "customer_id,transaction_date,transaction_amount,transaction_type,transaction_category"
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]) + "\n")
    with pytest.raises(SchemaViolation, match=r"'1.5O' is not a number") as caught:
        validate_files(tmp_path / "t.csv", balance=False)
    assert caught.value.failure_cases["row"].tolist() == [12]


def test_validation_checks_balances_and_constants(tmp_path: Path, real: pd.DataFrame) -> None:
    real = real.assign(branch="b" + real["customer_id"].str[-1])
    real.to_parquet(tmp_path / "t.parquet")
    found = validate_files(tmp_path, extra_columns=[ExtraColumn("branch", kind="constant")])
    assert (found.n_rows, found.n_customers, found.n_files) == (len(real), 5, 1)
    broken = real.copy()
    broken.loc[4, "account_balance"] += 1
    broken.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SchemaViolation, match="does not add up") as caught:
        validate_files(tmp_path)
    assert caught.value.failure_cases["row"].tolist() == [4, 5]
    real.loc[9, "branch"] = "other"
    real.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SchemaViolation, match="differs from 'b1' in an earlier row"):
        validate_files(tmp_path, extra_columns=[ExtraColumn("branch", kind="constant")])


@pytest.mark.parametrize(
    ("starts", "error", "message"),
    [
        ({"a": 1}, StartingAmountError, "customers have no starting amount: 'CUST_001'"),
        ("start", StartingAmountError, "'CUST_001' has more than one starting amount: 0.0, 1.0"),
        ("nowhere", ParameterError, "names the column 'nowhere'"),
    ],
)
def test_bad_starting_amounts(
    tmp_path: Path, real: pd.DataFrame, starts: Any, error: type[Exception], message: str
) -> None:
    real.assign(start=np.arange(len(real), dtype=float)).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(error, match=message):
        balance_files(tmp_path / "t.parquet", tmp_path / "o.parquet", starting_amounts=starts)
    assert not (tmp_path / "o.parquet").exists()


def test_an_interrupted_run_leaves_what_was_there(
    tmp_path: Path, real: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "o.parquet").write_text("before")
    from gretel_fin_synth.balance._files import Writer

    write, calls = Writer.write, []

    def interrupted(self: Any, *arguments: Any) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        write(self, *arguments)

    monkeypatch.setattr(Writer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        balance_files(tmp_path / "t.parquet", tmp_path / "o.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.parquet", "t.parquet"]
    assert (tmp_path / "o.parquet").read_text() == "before"


@pytest.mark.parametrize(
    ("files", "source", "message"),
    [
        ({}, "*.csv", "there is no CSV or Parquet file at"),
        ({"a.csv": "x", "b.parquet": "x"}, "", "holds CSV and Parquet files, 2 in all"),
        ({"a.csv": "a,b\n", "b.csv": "a,c\n"}, "", "has not the columns of .*'b' is in one of them only"),
        ({"a.txt": "x"}, "a.txt", "neither a CSV nor a Parquet file"),
        ({"a.parquet": "x"}, "", "cannot be read as a Parquet file"),
        ({"_SUCCESS.csv": "x", ".a.csv": "x"}, "", "there is no CSV or Parquet file at"),
    ],
)
def test_bad_sources(tmp_path: Path, files: dict[str, str], source: str, message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ParameterError, match=message):
        check_files(tmp_path / source)


def test_only_parquet_is_written(tmp_path: Path, real: pd.DataFrame) -> None:
    real.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ParameterError, match="no name of a Parquet file"):
        balance_files(tmp_path / "t.parquet", tmp_path / "o.csv")


def test_no_rows(tmp_path: Path, real: pd.DataFrame) -> None:
    real.iloc[:0].to_parquet(tmp_path / "t.parquet")
    assert balance_files(tmp_path / "t.parquet", tmp_path / "o.parquet").n_rows == 0
    assert check_files(tmp_path / "t.parquet").ok
    assert list(pd.read_parquet(tmp_path / "o.parquet").columns) == list(real.columns)


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gretel_fin_synth", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_works_on_folders_and_patterns(tmp_path: Path, real: pd.DataFrame) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    starts = real.assign(starting_amount=0.0).drop(columns="account_balance")
    starts.iloc[:40].to_csv(parts / "1.csv", index=False)
    starts.iloc[40:].to_csv(parts / "2.csv", index=False)
    done = program("balance", parts, "--output", tmp_path / "o.parquet")
    assert done.returncode == 0, done.stderr
    assert f"Wrote 5 customers ({len(real)} transactions)" in done.stderr
    assert program("check", tmp_path / "*.parquet").stdout.startswith("BalanceCheck: ok")
    assert (
        f"Valid: 5 customers ({len(real)} transactions)" in program("validate", tmp_path / "o.parquet").stdout
    )
    bad = program("validate", parts)
    assert bad.returncode == 1
    assert "column 'account_balance' is missing" in bad.stderr
    assert program("validate", parts, "--without-balances").returncode == 0
