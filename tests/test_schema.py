"""What a table of transactions is: everything sound passes on every engine, everything else is named."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pandera.errors
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gretel_fin_synth import (
    ExtraColumn,
    FinSynthError,
    ParameterError,
    SchemaViolation,
    Transactions,
    reconstruct_balance,
    validate_transactions,
)
from gretel_fin_synth.schema import canonical_transactions, inspect_transactions

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Engine


def sound(**columns: Any) -> pd.DataFrame:
    """Four rows of two customers that add up; `columns` replace some."""
    return pd.DataFrame(
        {
            "customer_id": ["007", "007", "NA", "007"],
            "transaction_date": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02"]),
            "transaction_amount": [100.0, 0.1, 20.0, 0.2],
            "transaction_type": ["credit", "debit", "debit", "debit"],
            "transaction_category": ["salary", "fee", "cash", "fee"],
            "account_balance": [100.0, 99.9, -20.0, 99.7],
            **columns,
        }
    )


def test_a_sound_table_passes_on_every_engine(engine: Engine) -> None:
    frame = engine.make(sound(balance_note=["x", None, "y", "z"]))
    valid = validate_transactions(frame)
    assert type(valid) is type(frame)
    table = engine.rows(valid)
    assert list(table.columns) == [*sound().columns, "balance_note"]
    assert table["customer_id"].tolist() == ["007", "007", "NA", "007"]
    assert table["account_balance"].tolist() == [100.0, 99.9, -20.0, 99.7]


def test_one_bad_cell_is_named_on_every_engine(engine: Engine) -> None:
    frame = engine.make(sound(transaction_type=["credit", "debit", "DEBIT ", "debit"]))
    with pytest.raises(SchemaViolation, match=r"'DEBIT ' is not a type; write 'debit'") as caught:
        validate_transactions(frame)
    cases = caught.value.failure_cases
    place = 2 if engine.ordered else pd.NA
    assert cases[["column", "row", "value"]].to_numpy().tolist() == [["transaction_type", place, "DEBIT "]]
    assert cases["customer_id"].tolist() == ["NA"]


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(engine: Engine, n_rows: int) -> None:
    frame = engine.make(sound().iloc[:n_rows])
    assert len(engine.rows(validate_transactions(frame))) == n_rows


def test_a_frame_without_any_dtype_may_be_empty() -> None:
    empty = pd.DataFrame(columns=list(sound().columns))
    assert canonical_transactions(empty).dtypes.astype(str).to_dict() == (
        canonical_transactions(sound().iloc[:0], balance=True).dtypes.astype(str).to_dict()
    )


COERCED = {
    "ISO dates": {"transaction_date": ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02"]},
    "ISO timestamps": {
        "transaction_date": ["2024-01-01T08:00:00", "2024-01-02 09:30", "2024-01-02", "2024-01-02 10:00:00.5"]
    },
    "ISO with one time zone": {
        "transaction_date": [f"2024-01-0{day}T08:00:00+01:00" for day in (1, 2, 2, 2)]
    },
    "dates as category": {
        "transaction_date": pd.Categorical(["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02"])
    },
    "datetime.date": {"transaction_date": [datetime.date(2024, 1, day) for day in (1, 2, 2, 2)]},
    "datetime.datetime": {
        "transaction_date": pd.Series([datetime.datetime(2024, 1, d) for d in (1, 2, 2, 2)], dtype=object)
    },
    "integer amounts": {"transaction_amount": [100, 1, 20, 2], "account_balance": [100, 99, -20, 97]},
    "Decimal amounts": {"transaction_amount": [Decimal(a) for a in ("100.00", "0.10", "20", "0.2")]},
    "Decimal balances": {"account_balance": [Decimal(a) for a in ("100.00", "99.90", "-20", "99.7")]},
    "float32 amounts": {"transaction_amount": np.array([100, 0.1, 20, 0.2], dtype="f4")},
    "noise of float sums": {"transaction_amount": [100.0, 0.1, 20.0, 0.3 - 0.1]},
    "integer ids": {"customer_id": [7, 7, 8, 7]},
    "integer ids as objects": {"customer_id": pd.Series([7, 7, 8, 7], dtype=object)},
    "ids as category": {"customer_id": pd.Categorical([7, 7, 8, 7])},
    "category dtypes": {
        "transaction_type": pd.Categorical(["credit", "debit", "debit", "debit"]),
        "transaction_category": pd.Categorical(["salary", "fee", "cash", "fee"]),
    },
    "merchant codes": {"transaction_category": [5411, 5812, 6011, 5812]},
}


@pytest.mark.parametrize("columns", COERCED.values(), ids=COERCED.keys())
def test_what_is_safe_is_coerced(columns: dict[str, Any]) -> None:
    frame = sound(**columns)
    before = frame.copy(deep=True)
    valid = validate_transactions(frame)
    pdt.assert_frame_equal(frame, before)
    assert valid["transaction_date"].dtype.kind == "M"
    assert valid["transaction_amount"].dtype == "float64"
    assert valid["account_balance"].dtype == "float64"
    for name in ("customer_id", "transaction_type", "transaction_category"):
        assert all(type(value) is str for value in valid[name])
    Transactions.validate(valid)
    assert validate_transactions(valid).equals(valid)


def test_coerced_values_are_the_ones_that_were_meant() -> None:
    valid = validate_transactions(
        sound(**COERCED["ISO timestamps"], **COERCED["noise of float sums"], **COERCED["integer ids"])
    )
    assert valid["transaction_date"].iloc[3] == pd.Timestamp("2024-01-02 10:00:00.500")
    assert valid["transaction_amount"].tolist() == [100.0, 0.1, 20.0, 0.2]
    assert valid["customer_id"].tolist() == ["7", "7", "8", "7"]


@pytest.mark.parametrize(
    "dtypes",
    [
        {"transaction_date": "datetime64[ns]"},
        {"transaction_date": "datetime64[us]"},
        {"customer_id": "object", "transaction_type": "object"},
        {"customer_id": "string", "transaction_type": "string[pyarrow]"},
        {"transaction_amount": "Float64", "account_balance": "double[pyarrow]"},
        {"transaction_date": "timestamp[ns][pyarrow]", "customer_id": pd.ArrowDtype(pa.large_string())},
        {"transaction_date": "date32[pyarrow]"},
    ],
)
def test_sound_dtypes_are_left_alone(dtypes: dict[str, Any]) -> None:
    frame = sound().astype(dtypes)
    pdt.assert_frame_equal(validate_transactions(frame), frame)


def test_a_time_zone_is_kept() -> None:
    frame = sound()
    frame["transaction_date"] = frame["transaction_date"].dt.tz_localize("Europe/Prague")
    pdt.assert_frame_equal(validate_transactions(frame), frame)


def test_pyarrow_backed_columns_stay_so_when_coerced() -> None:
    frame = sound(**COERCED["ISO dates"], **COERCED["integer amounts"], **COERCED["integer ids"])
    valid = validate_transactions(frame.convert_dtypes(dtype_backend="pyarrow"))
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in valid.dtypes)
    assert pa.types.is_timestamp(valid["transaction_date"].dtype.pyarrow_dtype)
    assert valid["customer_id"].tolist() == ["7", "7", "8", "7"]


def test_index_order_and_extra_columns_are_kept() -> None:
    frame = sound(note=[[1], {"a": 2}, None, "x"], **COERCED["ISO dates"]).set_axis(list("dbca"))
    valid = validate_transactions(frame)
    assert valid.index.tolist() == list("dbca")
    assert valid["note"].tolist() == frame["note"].tolist()
    assert list(valid.columns) == list(frame.columns)


def test_polars_keeps_what_pandas_cannot_hold() -> None:
    pl = pytest.importorskip("polars")
    tags = pl.Series([["a"], [], None, ["b"]])
    frame = pl.from_pandas(sound(**COERCED["ISO dates"])).with_columns(tags=tags)
    for given_frame in (frame, frame.lazy()):
        valid = validate_transactions(given_frame).lazy().collect()
        assert valid.schema["transaction_date"].is_temporal()
        assert valid["tags"].to_list() == [["a"], [], None, ["b"]]


def test_a_query_in_which_nothing_changes_stays_that_query(engine: Engine) -> None:
    if not engine.lazy:
        pytest.skip("only queries")
    frame = engine.make(sound())
    assert validate_transactions(frame, balance=False) is frame


NAN = float("nan")
FEBRUARY_30 = ["2024-01-01", "2024-02-30", "2024-01-02", "2024-01-02"]
BAD_CELLS: dict[str, tuple[dict[str, Any], str, list[int], str]] = {
    "missing amount": ({"transaction_amount": [1, NAN, 2, 3]}, "transaction_amount", [1], r"nan is missing"),
    "infinite amount": (
        {"transaction_amount": [1, np.inf, -np.inf, 3]},
        "transaction_amount",
        [1, 2],
        r"row 1: inf is not finite; write a number",
    ),
    "negative amount": (
        {"transaction_amount": [1, -3.5, 2, 3]},
        "transaction_amount",
        [1],
        r"row 1: -3.5 is negative; write 3.5 and put the sign into 'transaction_type'",
    ),
    "zero amount": ({"transaction_amount": [1, 2, 3, 0]}, "transaction_amount", [3], r"row 3: 0 is zero"),
    "three decimals": (
        {"transaction_amount": [1, 2.345, 3, 4]},
        "transaction_amount",
        [1],
        r"row 1: 2.345 has too many decimals; write at most 2 decimals",
    ),
    "three decimals in a Decimal": (
        {"transaction_amount": [Decimal("1.001"), Decimal(1), Decimal(2), Decimal(3)]},
        "transaction_amount",
        [0],
        r"row 0: Decimal\('1.001'\) has too many decimals",
    ),
    "huge amount": (
        {"transaction_amount": [1e15, 1, 2, 3]},
        "transaction_amount",
        [0],
        r"is beyond 11,258,999,068,426.24",
    ),
    "text among amounts": (
        {"transaction_amount": pd.Series([1, "2", 3, 4], dtype=object)},
        "transaction_amount",
        [1],
        r"row 1: '2' is not a number",
    ),
    "truth value among amounts": (
        {"transaction_amount": pd.Series([1, True, 3, 4], dtype=object)},
        "transaction_amount",
        [1],
        r"row 1: True is not a number",
    ),
    "type in capitals with a space": (
        {"transaction_type": ["credit", "debit", "DEBIT ", "debit"]},
        "transaction_type",
        [2],
        r"row 2: 'DEBIT ' is not a type; write 'debit'\n",
    ),
    "type in short": (
        {"transaction_type": ["Cr", "dr", "debit", "debet"]},
        "transaction_type",
        [0, 1, 3],
        r"'Cr' is not a type; write 'credit'\n(.*\n)*.*'debet' is not a type; write 'debit'\n",
    ),
    "unknown type": (
        {"transaction_type": ["credit", "refund?", "debit", "debit"]},
        "transaction_type",
        [1],
        r"'refund\?' is not a type; write 'credit' or 'debit'",
    ),
    "missing type": (
        {"transaction_type": ["credit", None, "debit", "debit"]},
        "transaction_type",
        [1],
        r"row 1: \S+ is missing; every row needs one",
    ),
    "date that does not exist": (
        {"transaction_date": FEBRUARY_30},
        "transaction_date",
        [1],
        r"row 1: '2024-02-30' is no date; write ISO 8601, e.g. '2024-03-31'",
    ),
    "date in another notation": (
        {"transaction_date": ["01/02/2024", "2024-01-02", "3.1.2024", "2024-1-5"]},
        "transaction_date",
        [0, 2, 3],
        r"row 0: '01/02/2024' is no date",
    ),
    "year alone": (
        {"transaction_date": ["2024", "2024-01-02", "2024-01-02", "20240102"]},
        "transaction_date",
        [0, 3],
        r"row 0: '2024' is no date",
    ),
    "number among dates": (
        {"transaction_date": pd.Series([pd.Timestamp("2024-01-01"), 5, "2024-01-02", 6.5], dtype=object)},
        "transaction_date",
        [1, 3],
        r"row 1: 5 is an int, no date; write a date",
    ),
    "missing date": (
        {"transaction_date": pd.to_datetime(["2024-01-01", None, None, "2024-01-02"])},
        "transaction_date",
        [1, 2],
        r"row 1: NaT is missing",
    ),
    "missing date in text": (
        {"transaction_date": ["2024-01-01", None, "2024-01-02", "2024-01-02"]},
        "transaction_date",
        [1],
        r"row 1: \S+ is missing",
    ),
    "mixed offsets in text": (
        {"transaction_date": [f"2024-01-0{d}T08:00:00+0{d}:00" for d in (1, 1, 2, 1)]},
        "transaction_date",
        [2],
        r"row 2: '2024-01-02T08:00:00\+02:00' has \+0200, other rows \+0100; write all in one time zone",
    ),
    "with and without a time zone": (
        {
            "transaction_date": pd.Series(
                [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02", tz="UTC"), *["2024-01-02"] * 2],
                dtype=object,
            )
        },
        "transaction_date",
        [1],
        r"other rows no time zone",
    ),
    "missing id": (
        {"customer_id": ["a", None, NAN, pd.NA]},
        "customer_id",
        [1, 2, 3],
        r"row 1: \S+ is missing; every row needs one",
    ),
    "blank id": ({"customer_id": ["a", "", " ", "b"]}, "customer_id", [1, 2], r"row 2: ' ' is blank"),
    "number among ids": (
        {"customer_id": pd.Series(["1", 1, 1.5, "b"], dtype=object)},
        "customer_id",
        [1, 2],
        r"row 1: 1 is an int; write text, e.g. '1'",
    ),
    "truth values as ids": (
        {"customer_id": pd.Series([1, True, 2, 3], dtype=object)},
        "customer_id",
        [0, 1, 2, 3],
        r"row 1: True is a bool; write text",
    ),
    "list as id": (
        {"customer_id": pd.Series(["a", ["b"], "c", "d"], dtype=object)},
        "customer_id",
        [1],
        r"row 1: \['b'\] is a list; write text",
    ),
    "missing category": (
        {"transaction_category": ["a", "b", None, "c"]},
        "transaction_category",
        [2],
        r"row 2: \S+ is missing",
    ),
    "blank category": (
        {"transaction_category": ["a", "b", "\t", "c"]},
        "transaction_category",
        [2],
        r"row 2: '\\t' is blank",
    ),
    "missing balance": ({"account_balance": [1, NAN, 2, 3]}, "account_balance", [1], r"nan is missing"),
    "infinite balance": ({"account_balance": [1, np.inf, 2, 3]}, "account_balance", [1], r"is not finite"),
    "balance that does not add up": (
        {"account_balance": [100.0, 99.9, -20.0, 99.75]},
        "account_balance",
        [3],
        r"row 3: 99.75 does not add up: the balance before and the signed amount make 99.70",
    ),
}


@pytest.mark.parametrize(("columns", "column", "rows", "message"), BAD_CELLS.values(), ids=BAD_CELLS.keys())
def test_bad_cells_are_named(columns: dict[str, Any], column: str, rows: list[int], message: str) -> None:
    frame = sound(**columns)
    with pytest.raises(SchemaViolation, match=message) as caught:
        validate_transactions(frame)
    cases = caught.value.failure_cases
    assert set(cases["column"]) == {column}
    assert sorted(cases["row"]) == rows
    assert cases["index"].tolist() == cases["row"].tolist()
    assert f"column {column!r}, row {cases['row'].iloc[0]}: " in str(caught.value)
    assert "\n\nHint: " in str(caught.value)


BAD_COLUMNS: dict[str, tuple[Callable[[], Any], str, str, str]] = {
    "amount under another name": (
        lambda: sound().rename(columns={"transaction_amount": "amount"}),
        "transaction_amount",
        r"is missing; did you mean 'amount'\?",
        "frame = frame.rename(columns={'amount': 'transaction_amount'})",
    ),
    "id in other letters": (
        lambda: sound().rename(columns={"customer_id": "Customer ID"}),
        "customer_id",
        r"did you mean 'Customer ID'\?",
        "rename(columns={'Customer ID': 'customer_id'})",
    ),
    "misspelt date": (
        lambda: sound().rename(columns={"transaction_date": "transaction_dat"}),
        "transaction_date",
        r"did you mean 'transaction_dat'\?",
        "rename(columns={'transaction_dat': 'transaction_date'})",
    ),
    "category that is not there": (
        lambda: sound().drop(columns="transaction_category"),
        "transaction_category",
        r"is missing\. The table has 'customer_id', ",
        "rename(columns={'your categories': 'transaction_category'})",
    ),
    "balance that is not there": (
        lambda: sound().drop(columns="account_balance"),
        "account_balance",
        r"is missing",
        "balance=False",
    ),
    "no column at all": (
        lambda: pd.DataFrame(index=[1, 2]),
        "customer_id",
        r"The table has no columns",
        "rename(columns={'your ids': 'customer_id', 'your dates': 'transaction_date',",
    ),
    "column that occurs twice": (
        lambda: pd.concat([sound(), sound()[["customer_id"]]], axis=1),
        "customer_id",
        r"occurs 2 times; names must be unique",
        "frame.columns.duplicated()",
    ),
    "extra column that occurs twice": (
        lambda: pd.concat([sound(x=1), sound(x=1)[["x"]]], axis=1),
        "x",
        r"occurs 2 times",
        "frame.columns.duplicated()",
    ),
    "ids that became floats": (
        lambda: sound(customer_id=[7.0, 7.0, NAN, 7.0]),
        "customer_id",
        r"holds float64; text is needed",
        "dtype={'customer_id': str}",
    ),
    "amounts as text": (
        lambda: sound(transaction_amount=["1", "2", "3", "4"]),
        "transaction_amount",
        r"holds text, e.g. '1'; numbers are needed",
        'frame["transaction_amount"] = pandas.to_numeric(frame["transaction_amount"])',
    ),
    "amounts with a letter in one of them": (
        lambda: sound(transaction_amount=["1", "2", "3O", "4"]),
        "transaction_amount",
        r"holds text, e.g. '3O'; numbers are needed",
        'errors="coerce").isna()] shows the rows',
    ),
    "amounts as truth values": (
        lambda: sound(transaction_amount=[True] * 4),
        "transaction_amount",
        r"holds bool; numbers are needed",
        "pandas.to_numeric",
    ),
    "dates as numbers": (
        lambda: sound(transaction_date=[1, 2, 3, 4]),
        "transaction_date",
        r"holds int64; dates, timestamps or ISO 8601 text are needed",
        'unit="s"',
    ),
    "types as numbers": (
        lambda: sound(transaction_type=[1, -1, 1, 1]),
        "transaction_type",
        r"holds int64; write 'credit' or 'debit'",
        'map({1: "credit", -1: "debit"})',
    ),
    "balances as text": (
        lambda: sound(account_balance=["1", "2", "3", "4"]),
        "account_balance",
        r"holds text, e.g. '1'; numbers are needed",
        "pandas.to_numeric",
    ),
}


@pytest.mark.parametrize(("make", "column", "message", "hint"), BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_bad_columns_are_named(make: Callable[[], Any], column: str, message: str, hint: str) -> None:
    with pytest.raises(SchemaViolation, match=message) as caught:
        validate_transactions(make())
    cases = caught.value.failure_cases
    assert column in cases["column"].tolist()
    assert cases["row"].isna().all()
    assert f"column {column!r} " in str(caught.value)
    assert hint in str(caught.value).split("Hint: ", 1)[1]


@pytest.mark.parametrize("thing", [None, [1, 2], "x.csv", {"customer_id": ["a"]}, pd.Series([1])])
def test_what_is_no_frame_is_refused(thing: Any) -> None:
    with pytest.raises(ParameterError, match=f"a dataframe is needed.* not {type(thing).__name__}"):
        validate_transactions(thing)


def test_all_mistakes_are_told_at_once() -> None:
    frame = sound(
        transaction_amount=[0.0, -1.0, NAN, 1.234], transaction_type=["Debit", None, "debit", "x"]
    ).set_axis(list("wxyz"))
    with pytest.raises(SchemaViolation) as caught:
        validate_transactions(frame)
    cases = caught.value.failure_cases
    assert list(cases.columns) == ["column", "row", "index", "value", "problem", "customer_id"]
    assert cases["row"].dtype == "Int64"
    found = sorted(zip(cases["column"], cases["row"], cases["index"], strict=True))
    amount, kind = "transaction_amount", "transaction_type"
    assert found == [
        *[(amount, row, "wxyz"[row]) for row in (0, 1, 2, 3)],
        *[(kind, row, "wxyz"[row]) for row in (0, 1, 3)],
    ]
    assert "because of 7 cells" in str(caught.value)
    assert "row 2 (index 'y'): nan" in str(caught.value)


def test_a_thousand_mistakes_make_a_short_message() -> None:
    frame = pd.concat([sound(transaction_amount=-1.0)] * 250, ignore_index=True)
    with pytest.raises(SchemaViolation) as caught:
        validate_transactions(frame)
    assert len(caught.value.failure_cases) == 1000
    assert "... and 997 more rows like these in 'transaction_amount'" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 12


def test_the_error_is_a_value_error_and_can_be_pickled() -> None:
    with pytest.raises(ValueError, match="negative") as caught:
        validate_transactions(sound(transaction_amount=-1.0))
    assert isinstance(caught.value, FinSynthError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    pdt.assert_frame_equal(again.failure_cases, caught.value.failure_cases)


def test_real_tables_need_not_add_up() -> None:
    frame = sound(account_balance=[1.0, 2.345, 3.0, 4.0])
    pdt.assert_frame_equal(validate_transactions(frame, balance=False), frame)
    without = frame.drop(columns="account_balance")
    pdt.assert_frame_equal(validate_transactions(without, balance=False), without)
    with pytest.raises(SchemaViolation, match="nan is missing"):
        validate_transactions(sound(account_balance=[1.0, NAN, 3.0, 4.0]), balance=False)


def test_rows_out_of_order_are_checked_in_chronological_order() -> None:
    frame = sound().iloc[[3, 2, 0, 1]]
    with pytest.raises(SchemaViolation, match="does not add up"):  # the tie of day two is the other way round
        validate_transactions(frame)
    assert validate_transactions(sound().iloc[[2, 1, 3, 0]]).index.tolist() == [2, 1, 3, 0]


def test_minor_units_decide_how_many_decimals_there_may_be() -> None:
    thousandths = sound(
        transaction_amount=[100.0, 0.125, 20.0, 0.2], account_balance=[100.0, 99.875, -20.0, 99.675]
    )
    assert validate_transactions(thousandths, minor_units=3).equals(thousandths)
    with pytest.raises(SchemaViolation, match="write a whole number"):
        validate_transactions(sound(), minor_units=0)
    with pytest.raises(ParameterError, match=r"minor_units is 2\.5"):
        validate_transactions(sound(), minor_units=2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("category", ["a", None, "b", "a"]),
        ("category", [1, 2, 3, 4]),
        ("category", [True, False, None, True]),
        ("number", [1.5, NAN, -3, 0]),
        ("number", [Decimal("1.5"), None, Decimal(2), Decimal(3)]),
        ("datetime", ["2024-01-01", None, "2024-01-02", "2024-01-03"]),
        ("datetime", pd.to_datetime(["2024-01-01", None, "2024-01-02", "2024-01-03"])),
        ("constant", ["x", "x", "y", "x"]),
        ("constant", [None, None, 5.0, None]),
    ],
)
def test_described_extra_columns_are_kept_as_they_are(kind: Any, values: Any) -> None:
    frame = sound(extra=values)
    valid = validate_transactions(frame, extra_columns=[ExtraColumn("extra", kind)])
    pdt.assert_series_equal(valid["extra"], frame["extra"])


@pytest.mark.parametrize(
    ("kind", "values", "rows", "message"),
    [
        ("category", ["a", ["b"], "c", "d"], [1], r"\['b'\] can't be a category"),
        ("number", [1.0, np.inf, 2.0, 3.0], [1], "inf is not finite"),
        ("number", ["a", "b", "c", "d"], None, "numbers are needed, or another kind than 'number'"),
        ("datetime", ["2024-01-01", None, "soon", "2024-01-03"], [2], "'soon' is no date"),
        ("datetime", [1, 2, 3, 4], None, "dates, timestamps or ISO 8601 text are needed"),
        ("constant", ["x", "x", "y", "z"], [3], r"'z' differs from 'x' in row 0 of customer '007'"),
        ("constant", ["x", None, "y", "x"], [1], "differs from 'x' in row 0 of customer '007'"),
    ],
)
def test_described_extra_columns_are_checked(
    kind: Any, values: list[Any], rows: list[int] | None, message: str
) -> None:
    with pytest.raises(SchemaViolation, match=message) as caught:
        validate_transactions(sound(extra=values), extra_columns=[ExtraColumn("extra", kind)])
    cases = caught.value.failure_cases
    assert set(cases["column"]) == {"extra"}
    assert cases["row"].dropna().tolist() == (rows or [])


def test_a_described_extra_column_must_be_there() -> None:
    with pytest.raises(SchemaViolation, match=r"column 'merchants' is missing; did you mean 'merchant'\?"):
        validate_transactions(sound(merchant="x"), extra_columns=[ExtraColumn("merchants")])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExtraColumn(""), "the name of an extra column is ''"),
        (lambda: ExtraColumn(5), "the name of an extra column is 5"),  # type: ignore[arg-type]
        (lambda: ExtraColumn("customer_id"), "'customer_id' is one of the six columns"),
        (lambda: ExtraColumn("x", "categorical"), r"kind 'categorical'.*\n\nHint: .*kind='category'"),  # type: ignore[arg-type]
        (lambda: validate_transactions(sound(), extra_columns="merchant"), "extra_columns is 'merchant'"),  # type: ignore[arg-type]
        (lambda: validate_transactions(sound(), extra_columns=["m"]), "extra_columns holds 'm'"),  # type: ignore[list-item]
        (lambda: validate_transactions(sound(), extra_columns=[ExtraColumn("m")] * 2), "'m' more than once"),
    ],
)
def test_bad_descriptions_of_extra_columns(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_inspection_reports_instead_of_raising() -> None:
    found = inspect_transactions(sound(transaction_amount=[1, NAN, -1, 1]))
    assert not found.ok
    assert sorted(found.failure_cases["row"]) == [1, 2]
    assert inspect_transactions(sound()).ok
    assert inspect_transactions(pd.DataFrame()).failure_cases["column"].tolist() == list(sound().columns[:5])


def test_the_canonical_table_is_the_same_from_every_engine(engine: Engine) -> None:
    frame = engine.make(sound(merchant=["x", "y", "x", "x"]).set_axis([9, 9, 9, 9]))
    table = canonical_transactions(frame, extra_columns=[ExtraColumn("merchant")])
    assert list(table.columns) == [*sound().columns, "merchant"]
    assert table.index.tolist() == [0, 1, 2, 3]
    text = str(pd.Series(["x"], dtype="str").dtype)
    assert table.dtypes.astype(str).replace({"datetime64[ns]": "M", "datetime64[us]": "M"}).tolist() == (
        [text, "M", "float64", text, text, "float64", text]
    )
    assert table["account_balance"].tolist() == sound()["account_balance"].tolist()


def test_the_canonical_table_keeps_local_times() -> None:
    hours = pd.date_range("2024-03-31", periods=4, freq="h", tz="Europe/Prague")
    frame = sound().assign(transaction_date=hours)
    dates = canonical_transactions(frame)["transaction_date"]
    assert dates.dt.tz is None
    assert dates.iloc[0] == pd.Timestamp("2024-03-31")


rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "NA", "", " ", None]),
        st.sampled_from([pd.Timestamp("2024-01-01"), pd.NaT]),
        st.sampled_from([1.0, 0.3, 0.0, -1.0, 1.234, NAN, np.inf]),
        st.sampled_from(["credit", "debit", "Debit", None]),
        st.sampled_from(["x", "", None]),
        st.sampled_from([0.0, -1.5, NAN, np.inf]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.filterwarnings("ignore:The behavior of DataFrame concatenation:FutureWarning")  # by pandera
@given(rows)
def test_the_model_and_the_validation_agree(values: list[Any]) -> None:
    names = list(sound().columns)
    columns = [pd.Series([row[i] for row in values], dtype=object) for i in range(len(names))]
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    frame["transaction_date"] = pd.to_datetime(frame["transaction_date"])
    frame = frame.astype({"transaction_amount": float, "account_balance": float})
    accepted = True
    try:
        Transactions.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors:
        accepted = False
    assert inspect_transactions(frame).ok == accepted


def test_the_model_wants_exactly_the_six_columns() -> None:
    Transactions.validate(sound())
    with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors), match="extra"):
        Transactions.validate(sound(extra=1))


def test_what_is_reconstructed_is_valid(engine: Engine) -> None:
    frame = reconstruct_balance(engine.make(sound().drop(columns="account_balance")), starting_amounts=5.5)
    table = engine.rows(validate_transactions(frame))
    assert sorted(table["account_balance"]) == [-14.5, 105.2, 105.4, 105.5] or not engine.ordered


@pytest.mark.parametrize("values", [["a", None, "nan"], [True, None, False], [1, None, 2]])
def test_missing_values_of_extra_columns_stay_missing(values: list[object]) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a"],
            "transaction_date": pd.to_datetime(["2024-03-01", "2024-03-02", "2024-03-03"]),
            "transaction_amount": [1.0, 2.0, 3.0],
            "transaction_type": ["credit", "debit", "debit"],
            "transaction_category": ["pay", "food", "food"],
            "extra": pd.Series(values, dtype=object),
        }
    )
    found = canonical_transactions(frame, extra_columns=[ExtraColumn("extra", kind="category")])["extra"]
    assert found.isna().tolist() == [False, True, False]
    assert [found[0], found[2]] == [values[0], values[2]]
