"""Tables in files: nothing is lost in reading, nothing varies in writing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gretel_fin_synth._io import locate, read_table, write_table
from gretel_fin_synth.errors import ParameterError, SchemaViolation

HEADER = (
    "customer_id,transaction_date,transaction_amount,transaction_type,transaction_category,account_balance"
)


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_text_stays_as_it_stands_and_money_becomes_numbers(csv_file: Path) -> None:
    csv_file.write_text(
        f"{HEADER},branch\n007,2022-01-01,1.10,credit,NA,5,0042\nNA,2022-01-02,3,debit,,2,nan\n"
    )
    table = read_table(csv_file)
    assert table["customer_id"].tolist() == ["007", "NA"]
    assert table["transaction_category"][0] == "NA"
    assert pd.isna(table["transaction_category"][1])
    assert table["branch"].tolist() == ["0042", "nan"]
    assert table["transaction_amount"].tolist() == [1.10, 3.0]
    assert table["account_balance"].dtype == "float64"


def test_a_column_can_be_asked_for_as_a_number(csv_file: Path) -> None:
    csv_file.write_text("customer_id,distance\n1,2.5\n")
    assert read_table(csv_file, numbers=["distance"])["distance"].tolist() == [2.5]


def test_a_byte_order_mark_is_no_part_of_the_first_name(csv_file: Path) -> None:
    csv_file.write_bytes(b"\xef\xbb\xbfcustomer_id\n1\n")
    assert list(read_table(csv_file)) == ["customer_id"]


def test_an_amount_that_is_no_number_stays_for_the_schema_to_name(csv_file: Path) -> None:
    csv_file.write_text(f"{HEADER}\n1,2022-01-01,1.1O,credit,rent,5\n1,2022-01-02,2.5,credit,rent,7.5\n")
    table = read_table(csv_file)
    assert table["transaction_amount"].tolist() == ["1.1O", 2.5]
    assert table["account_balance"].dtype == "float64"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: the first line must name the columns"),
        (b"a,b,a\n1,2,3\n", "has the column 'a' more than once"),
        (b"a;b\n1;2\n", "does not separate its columns by commas; its first line is 'a;b'"),
        (b"a,b\n1,2,3\n", "has more cells on line 2 (3) than its first line has columns (2)"),
        (b"a,b\n1,2\n3,4,5\n", "Expected 2 fields in line 3, saw 3"),
        (b'a,b\n1,"2\n', "cannot be read as a CSV file"),
        (b"a,b\xe9\n1,2\n", "is not UTF-8 text"),
        (b"a,b\n" + b"1,2\n" * 70_000 + b"1,\xe9\n", "is not UTF-8 text"),
    ],
)
def test_what_pandas_would_misread_is_refused(csv_file: Path, content: bytes, message: str) -> None:
    csv_file.write_bytes(content)
    with pytest.raises(ParameterError) as caught:
        read_table(csv_file)
    assert message in str(caught.value)
    assert repr(str(csv_file)) in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_the_hint_brings_a_file_into_the_form_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, separator: str
) -> None:
    if (encoding, separator) == ("utf-8", ","):
        pytest.skip("is read as it is")
    monkeypatch.chdir(tmp_path)
    cells = [["Ürsprung", "Betrag"], ["NA", "-1,50" if separator != "," else "-1.50"], ["", "007"]]
    Path("old.csv").write_text("".join(separator.join(line) + "\n" for line in cells), encoding=encoding)
    with pytest.raises(ParameterError) as caught:
        read_table(Path("old.csv"))
    exec(str(caught.value).rpartition("Hint: ")[2], {"pandas": pd})
    made = read_table(Path("new.csv"))
    assert made.columns.tolist() == cells[0]
    assert made.fillna("").to_numpy().tolist() == cells[1:]


def test_only_csv_and_parquet_are_read_and_written(tmp_path: Path) -> None:
    with pytest.raises(
        ParameterError, match=r"neither a CSV nor a Parquet file.*\n\nHint: name it '.*table\.csv'"
    ):
        read_table(tmp_path / "table.txt")
    with pytest.raises(
        ParameterError, match=r"Hint: pandas\.read_excel\(.*table\.xlsx'.*table\.csv', index=False"
    ):
        read_table(tmp_path / "table.xlsx")
    with pytest.raises(ParameterError, match="neither a CSV nor a Parquet file"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "table")
    (tmp_path / "table.parquet").write_text("customer_id\n1\n")
    with pytest.raises(ParameterError, match="cannot be read as a Parquet file"):
        read_table(tmp_path / "table.parquet")


def test_parquet_round_trips(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"customer_id": ["007"], "transaction_date": pd.to_datetime(["2022-01-01"])}, index=[9]
    )
    write_table(table, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), table.reset_index(drop=True))


def test_the_bytes_of_a_csv_file(csv_file: Path) -> None:
    table = pd.DataFrame(
        {
            "customer_id": ["007", "Ø,1"],
            "transaction_date": pd.to_datetime(["2022-01-31", "2022-02-01"]),
            "transaction_amount": [0.1 + 0.2, 1e6],
            "account_balance": [-0.001, np.nan],
            "share": [0.125, 1 / 3],
        }
    )
    write_table(table, csv_file)
    assert csv_file.read_bytes().decode() == (
        "customer_id,transaction_date,transaction_amount,account_balance,share\n"
        "007,2022-01-31,0.30,0.00,0.125\n"
        '"Ø,1",2022-02-01,1000000.00,,0.3333333333333333\n'
    )


@pytest.mark.parametrize(
    ("moments", "text"),
    [
        (["2022-01-31 00:00", "2022-02-01 12:30"], ["2022-01-31T00:00:00", "2022-02-01T12:30:00"]),
        (["2022-01-31T00:00+01:00"], ["2022-01-31T00:00:00+01:00"]),
        (["2022-01-31", None], ["2022-01-31", ""]),
    ],
)
def test_dates_are_written_in_iso_form(csv_file: Path, moments: list[str | None], text: list[str]) -> None:
    write_table(pd.DataFrame({"transaction_date": pd.to_datetime(moments), "n": 1}), csv_file)
    assert [line.split(",")[0] for line in csv_file.read_text().splitlines()[1:]] == text


@settings(max_examples=40, deadline=None)
@given(cents=st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=20), word=st.text(max_size=5))
def test_cents_survive_the_file(cents: list[int], word: str) -> None:
    table = pd.DataFrame({"account_balance": np.array(cents) / 100})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        write_table(table, path)
        assert (read_table(path)["account_balance"] == table["account_balance"]).all()


def test_the_input_is_not_changed_by_writing(csv_file: Path) -> None:
    table = pd.DataFrame({"account_balance": [1.0], "transaction_date": pd.to_datetime(["2022-01-31"])})
    before = table.copy(deep=True)
    write_table(table, csv_file)
    pd.testing.assert_frame_equal(table, before)


def cases(*rows: int | None, value: object = -3.0) -> SchemaViolation:
    frame = pd.DataFrame({"column": "transaction_amount", "row": rows, "value": [value] * len(rows)})
    return SchemaViolation("message", frame)


def test_a_failing_row_is_found_in_the_file(csv_file: Path) -> None:
    csv_file.write_text('\ncustomer_id,note\n1,"two\nlines"\n\n2,x\n3,y\n')
    assert locate(cases(0, 1, 2), csv_file) == [
        "  line 3, transaction_amount: -3.0",
        "  line 6, transaction_amount: -3.0",
        "  line 7, transaction_amount: -3.0",
    ]


def test_only_the_first_failing_rows_are_shown(csv_file: Path) -> None:
    csv_file.write_text("customer_id\n" + "1\n" * 20)
    said = locate(cases(*range(20)), csv_file)
    assert len(said) == 6
    assert said[-1] == "  and 15 more"


def test_a_parquet_file_has_rows_and_a_missing_column_has_none(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    assert locate(cases(4), path) == ["  row 5, transaction_amount: -3.0"]
    assert locate(cases(None), path) == []


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_value_is_called_empty(tmp_path: Path, value: object) -> None:
    assert locate(cases(0, value=value), tmp_path / "t.parquet") == ["  row 1, transaction_amount: empty"]
