"""Samples come back in the library, the dtypes and the time zone of the table that was fitted."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
import training_backends  # noqa: F401 - registers "bootstrap"

import gretel_fin_synth as fs
from gretel_fin_synth._frames import to_pandas

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Engine

REAL = fs.make_transactions(12, start="2024-01-01", end="2024-02-15", seed=1)
CUSTOMER, DATE = "customer_id", "transaction_date"


def fitted(frame: Any, **arguments: Any) -> fs.TransactionSynthesizer:
    return fs.TransactionSynthesizer("bootstrap", **arguments).fit(frame, seed=1)


def schema(frame: Any) -> dict[str, Any]:
    if isinstance(frame, pd.DataFrame):
        return frame.dtypes.to_dict()
    return dict(nw.from_native(frame).collect_schema())


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    """Give the sample of the plain pandas table, which all others must equal."""
    return fitted(REAL).sample(5, seed=2)


def test_every_library_gets_its_own_type_back(engine: Engine, expected: pd.DataFrame, tmp_path: Path) -> None:
    frame = engine.make(REAL)
    synthesizer = fitted(frame)
    synthesizer.save(tmp_path)
    loaded = fs.TransactionSynthesizer.load(tmp_path)
    for drawn in (synthesizer.sample(5, seed=2), loaded.sample(5, seed=2)):
        assert type(drawn) is type(frame)
        assert schema(drawn) == schema(frame)
        pd.testing.assert_frame_equal(
            engine.rows(drawn, "customer_id", DATE, "account_balance"),
            expected.sort_values(["customer_id", DATE, "account_balance"], ignore_index=True),
            check_dtype=False,
        )


def test_narwhals_frames_are_read_as_what_is_in_them(expected: pd.DataFrame) -> None:
    drawn = fitted(nw.from_native(REAL)).sample(5, seed=2)
    pd.testing.assert_frame_equal(drawn, expected)


@pytest.mark.parametrize(
    "dtypes",
    [
        {CUSTOMER: "category", "transaction_type": "category", "transaction_category": "category"},
        {CUSTOMER: object, "transaction_category": object},
        {CUSTOMER: "string", "transaction_amount": "Float64", "account_balance": "float64[pyarrow]"},
        {"transaction_category": "string[pyarrow]", "transaction_amount": "float32"},
        {DATE: "datetime64[ns]"},
        {DATE: "datetime64[s]"},
        {DATE: "timestamp[ms][pyarrow]"},
        {DATE: "datetime64[ns, Europe/Berlin]"},
        {DATE: "timestamp[us, tz=America/New_York][pyarrow]"},
    ],
)
def test_pandas_dtypes_come_back(dtypes: dict[str, Any], expected: pd.DataFrame, tmp_path: Path) -> None:
    frame = REAL.copy()
    for name, dtype in dtypes.items():
        if "tz=" in str(dtype) or ", " in str(dtype):
            zone = "Europe/Berlin" if "Berlin" in str(dtype) else "America/New_York"
            frame[name] = frame[name].dt.tz_localize(zone)
        frame[name] = frame[name].astype(dtype)
    synthesizer = fitted(frame)
    synthesizer.save(tmp_path)
    for source in (synthesizer, fs.TransactionSynthesizer.load(tmp_path)):
        drawn = source.sample(5, seed=2)
        for name, dtype in frame.dtypes.items():
            if isinstance(dtype, pd.CategoricalDtype):
                assert isinstance(drawn[name].dtype, pd.CategoricalDtype)
            elif str(dtype) != "float32":
                assert drawn[name].dtype == dtype, name
        plain = drawn.assign(**{DATE: pd.to_datetime(drawn[DATE].astype(str).str[:19])})
        assert plain[DATE].tolist() == expected[DATE].tolist()
        assert drawn["transaction_category"].tolist() == expected["transaction_category"].tolist()


def test_floats_keep_cents_that_float32_would_lose() -> None:
    frame = REAL.assign(transaction_amount=REAL["transaction_amount"] + 100_000)
    frame = fs.reconstruct_balance(frame).astype({"transaction_amount": "float64"})
    narrow = frame.astype({"transaction_amount": "float32"}).astype({"transaction_amount": "float64"})
    assert (narrow["transaction_amount"] != frame["transaction_amount"]).any()
    assert fs.check_balance(fitted(frame).sample(5, seed=2)).ok


def test_polars_types_come_back(expected: pd.DataFrame, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    types = {
        CUSTOMER: pl.Categorical,
        DATE: pl.Date,
        "transaction_type": pl.Categorical,
        "transaction_category": pl.Categorical,
    }
    frame = pl.from_pandas(REAL).with_columns(pl.col(name).cast(dtype) for name, dtype in types.items())
    synthesizer = fitted(frame)
    synthesizer.save(tmp_path)
    for source in (synthesizer, fs.TransactionSynthesizer.load(tmp_path)):
        drawn = source.sample(5, seed=2)
        assert drawn.schema == frame.schema
        assert drawn["transaction_category"].cast(pl.String).to_list() == list(
            expected["transaction_category"]
        )


def test_the_time_zone_keeps_local_times_where_clocks_change() -> None:
    pl = pytest.importorskip("polars")
    minutes = np.arange(len(REAL)) * 7 % (24 * 60)
    local = pd.Timestamp("2024-03-31") + pd.to_timedelta(np.sort(minutes), unit="min")
    spring = REAL.assign(**{DATE: local})
    frame = pl.from_pandas(spring).with_columns(
        pl.col(DATE).dt.replace_time_zone("Europe/Berlin", non_existent="null")
    )
    frame = frame.filter(pl.col(DATE).is_not_null())
    drawn = fitted(frame).sample(20, seed=3)
    assert drawn.schema[DATE] == frame.schema[DATE]
    seen = set(frame[DATE].to_list())
    assert set(drawn[DATE].to_list()) <= seen


def test_lists_of_categories_and_of_ids_are_not_kept(tmp_path: Path) -> None:
    """A category that one customer has must not be given away by the dtype of the others' rows."""
    pl = pytest.importorskip("polars")
    text = [CUSTOMER, "transaction_category"]
    rare = REAL.assign(transaction_category=REAL["transaction_category"].where(REAL.index > 0, "ransom"))
    by_pandas = rare.astype(dict.fromkeys(text, "category"))
    by_polars = pl.from_pandas(rare).with_columns(
        pl.col(name).cast(pl.Enum(rare[name].unique().tolist())) for name in text
    )
    for number, frame in enumerate((by_pandas, by_polars)):
        synthesizer = fitted(frame)
        assert "ransom" not in repr(synthesizer.template_.empty.to_dict())
        drawn = to_pandas(synthesizer.sample(5, seed=1))
        assert "ransom" not in drawn["transaction_category"].cat.categories
        assert not set(drawn[CUSTOMER].cat.categories) & set(REAL[CUSTOMER])
        synthesizer.save(tmp_path / str(number))
        content = (tmp_path / str(number) / "template.arrow").read_bytes()
        assert b"ransom" not in content
        assert REAL[CUSTOMER][0].encode() not in content


def test_a_query_is_not_needed_again_for_samples(tmp_path: Path, expected: pd.DataFrame) -> None:
    pl = pytest.importorskip("polars")
    file = tmp_path / "table.parquet"
    REAL.to_parquet(file)
    synthesizer = fitted(pl.scan_parquet(file))
    file.unlink()
    drawn = synthesizer.sample(5, seed=2).collect()
    assert drawn["account_balance"].to_list() == expected["account_balance"].tolist()


def test_a_relation_comes_back_on_its_connection(expected: pd.DataFrame) -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.register("source", REAL)
    connection.execute("CREATE TABLE bank AS SELECT * FROM source")
    drawn = fitted(connection.table("bank")).sample(5, seed=2)
    drawn.create("drawn")
    assert connection.sql("SELECT count(*) FROM drawn").fetchall() == [(len(expected),)]


@pytest.mark.parametrize("without", [["account_balance"], ["account_balance", "note"]])
def test_columns_that_the_table_lacks_are_added(engine: Engine, without: list[str]) -> None:
    table = REAL.assign(note="x").drop(columns=without)
    drawn = fitted(engine.make(table)).sample(3, seed=2)
    names = list(nw.from_native(drawn).collect_schema().names())
    assert names == list(REAL.columns)
    assert fs.check_balance(engine.rows(drawn)).ok


def test_dates_as_text_and_amounts_as_decimals_become_dates_and_numbers(expected: pd.DataFrame) -> None:
    frame = REAL.assign(
        **{DATE: REAL[DATE].dt.strftime("%Y-%m-%d")},
        transaction_amount=[Decimal(str(amount)) for amount in REAL["transaction_amount"]],
    )
    drawn = fitted(frame).sample(5, seed=2)
    assert pd.to_datetime(drawn[DATE]).tolist() == expected[DATE].tolist()
    assert drawn["transaction_amount"].astype(float).tolist() == expected["transaction_amount"].tolist()


def test_the_input_is_never_changed(engine: Engine) -> None:
    frame = engine.make(REAL)
    before = to_pandas(frame).copy(deep=True)
    fitted(frame).sample(2, seed=1)
    pd.testing.assert_frame_equal(to_pandas(frame), before)


def test_a_library_that_cannot_be_given_back_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(template: Any, table: Any) -> Any:
        raise fs.ParameterError("frames of dask can be read, but not given back yet.")

    pl = pytest.importorskip("polars")
    monkeypatch.setattr("gretel_fin_synth._given_back.from_arrow", refuse)
    monkeypatch.setattr(
        "training_backends.BootstrapBackend.fit", lambda *args, **named: pytest.fail("trained")
    )
    with pytest.raises(fs.ParameterError, match="not given back"):
        fitted(pl.from_pandas(REAL))
