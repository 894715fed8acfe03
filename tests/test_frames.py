"""Any dataframe comes in as pandas, and goes back as what it was."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd
import pytest

from gretel_fin_synth import ParameterError, _frames, _given_back

if TYPE_CHECKING:
    from conftest import Engine


@pytest.fixture
def sample() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["007", "NA", "ü"],
            "transaction_date": pd.to_datetime(
                ["2024-02-29 00:00:00", "2024-03-01 00:00:00", "2024-03-31 23:59:59"]
            ),
            "transaction_amount": [0.1, 12.5, 1e9],
            "n": [1, 2, 3],
        }
    )


def test_every_engine_comes_in_and_goes_back(engine: Engine, sample: pd.DataFrame) -> None:
    frame = engine.make(sample)
    table = _frames.to_pandas(frame)
    assert table["customer_id"].tolist() == ["007", "NA", "ü"]
    assert pd.to_datetime(table["transaction_date"]).tolist() == sample["transaction_date"].tolist()
    assert table["transaction_amount"].tolist() == [0.1, 12.5, 1e9]
    back = _given_back.like(frame, table.iloc[::-1])
    assert type(back) is type(frame)
    assert engine.rows(back)["n"].tolist() == [3, 2, 1]
    assert _frames.is_lazy(frame) == engine.lazy
    assert _frames.column_names(frame) == list(sample.columns)


def test_a_wrapped_frame_counts_as_what_it_wraps(engine: Engine, sample: pd.DataFrame) -> None:
    frame = engine.make(sample)
    assert type(_frames.native(nw.from_native(frame))) is type(frame)
    assert _frames.to_pandas(nw.from_native(frame))["n"].tolist() == [1, 2, 3]


def test_columns_are_set_without_touching_the_frame(eager_engine: Engine, sample: pd.DataFrame) -> None:
    frame = eager_engine.make(sample)
    shifted = pd.Series([7, 8, 9], index=[2, 1, 0])
    changed = _frames.set_columns(frame, {"n": shifted, "m": shifted.to_numpy()})
    table = eager_engine.rows(changed)
    assert table["n"].tolist() == table["m"].tolist() == [7, 8, 9]
    assert eager_engine.rows(frame)["n"].tolist() == [1, 2, 3]
    assert _frames.column_names(frame) == list(sample.columns)


def test_rows_are_taken_by_position(eager_engine: Engine, sample: pd.DataFrame) -> None:
    frame = eager_engine.make(sample.set_axis([5, 5, 5]))
    taken = _frames.take(frame, pd.array([2, 0, 2]).to_numpy(dtype="int64"), ["n", "customer_id"])
    assert eager_engine.rows(taken)["n"].tolist() == [3, 1, 3]
    assert _frames.column_names(taken) == ["n", "customer_id"]


@pytest.mark.parametrize(
    "dtypes",
    [
        {"customer_id": "object", "transaction_date": "datetime64[ns]"},
        {"customer_id": "string", "transaction_date": "datetime64[s]", "transaction_amount": "Float64"},
        {"customer_id": "category", "n": "int32"},
        {
            "customer_id": "string[pyarrow]",
            "transaction_date": "timestamp[us][pyarrow]",
            "transaction_amount": "double[pyarrow]",
            "n": "int64[pyarrow]",
        },
    ],
)
def test_pandas_keeps_the_dtypes_of_the_template(sample: pd.DataFrame, dtypes: dict[str, str]) -> None:
    template = sample.iloc[:2].astype(dtypes)
    back = _given_back.like(template, sample.iloc[:2])
    assert {name: str(back[name].dtype) for name in dtypes} == {n: str(template[n].dtype) for n in dtypes}
    assert back["customer_id"].tolist() == ["007", "NA"]


def test_no_value_changes_for_the_sake_of_a_dtype(sample: pd.DataFrame) -> None:
    template = pd.DataFrame({"transaction_amount": [1], "n": pd.Series([1], dtype="int8")})
    back = _given_back.like(template, sample.assign(n=[1, 2, 300]))
    assert back["transaction_amount"].tolist() == [0.1, 12.5, 1e9]
    assert back["n"].tolist() == [1, 2, 300]


def test_new_columns_are_arrow_backed_where_all_others_are(sample: pd.DataFrame) -> None:
    template = sample.convert_dtypes(dtype_backend="pyarrow")
    back = _given_back.like(template, sample.assign(account_balance=[1.0, 2.5, 3.25]))
    assert back["account_balance"].dtype == "double[pyarrow]"


def test_polars_dates_and_categories_come_back() -> None:
    pl = pytest.importorskip("polars")
    template = pl.DataFrame(
        {
            "d": [datetime.date(2024, 1, 1)],
            "c": pl.Series(["x"], dtype=pl.Categorical),
            "m": [Decimal("1.50")],
        }
    )
    table = _frames.to_pandas(template)
    assert str(table["d"].dtype).startswith("datetime64")
    back = _given_back.like(template, table)
    assert back.schema == template.schema
    assert back.equals(template)


def test_polars_timestamps_with_a_time_are_not_cut_to_dates() -> None:
    pl = pytest.importorskip("polars")
    template = pl.DataFrame({"d": [datetime.date(2024, 1, 1)]})
    back = _given_back.like(template, pd.DataFrame({"d": pd.to_datetime(["2024-01-01 12:00"])}))
    assert back["d"].to_list() == [datetime.datetime(2024, 1, 1, 12)]


def test_duckdb_relations_come_back_on_their_own_connection() -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT 'a' AS customer_id, 1 AS n")
    back = _given_back.like(connection.table("t"), pd.DataFrame({"customer_id": ["a"], "n": [5]}))
    joined = back.set_alias("l").join(connection.table("t").set_alias("r"), "customer_id")
    assert joined.fetchall() == [("a", 5, 1)]
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)


@pytest.mark.parametrize("thing", [None, 5, "transactions.csv", [1, 2], {"a": [1]}, pd.Series([1])])
def test_what_is_no_frame_is_refused(thing: Any) -> None:
    with pytest.raises(ParameterError, match="a dataframe is needed") as caught:
        _frames.to_pandas(thing)
    assert type(thing).__name__ in str(caught.value)
    assert "Hint: pandas." in str(caught.value)


def test_a_shallow_copy_protects_the_original(sample: pd.DataFrame) -> None:
    table = _frames.to_pandas(sample)
    table["new"] = 1
    assert "new" not in sample.columns
