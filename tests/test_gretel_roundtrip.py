"""The table to a file and records back: nothing is lost on the way, nothing let in that is no transaction."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from gretel_tools import needs_gretel, quick, table
from hypothesis import given
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth.testing import FakeGretel
from gretel_fin_synth.training._prepare import prepare
from gretel_fin_synth.training.gretel.config import TEMPLATES, training_config
from gretel_fin_synth.training.gretel.fields import Field, encode
from gretel_fin_synth.training.gretel.report import GretelReport
from gretel_fin_synth.training.gretel.roundtrip import Layout, parse_csv

ROWS = pd.DataFrame(
    {
        "customer_id": ["007", "007", "NA", "NA", "null"],
        "transaction_date": pd.to_datetime(
            ["2024-02-29", "2024-03-01", "2024-01-01", "2024-01-02", "2024-12-31"]
        ),
        "transaction_amount": [0.1, 1234567.89, 0.01, 100.0, 19.99],
        "transaction_type": ["credit", "debit", "credit", "debit", "credit"],
        "transaction_category": ["NA", "007", 'with "quotes", commas', "line\nbreak", "grün"],
        "account_balance": [10.1, -1234557.79, 0.01, -99.99, 19.99],
    }
)
EXTRAS = [
    fs.ExtraColumn("branch", kind="constant"),
    fs.ExtraColumn("channel"),
    fs.ExtraColumn("distance", kind="number"),
    fs.ExtraColumn("booked", kind="datetime"),
]


def with_extras(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        branch=["0042", "0042", "NA", "NA", "x"],
        channel=[1, 2, 1, 2, 1],
        distance=[0.5, np.nan, 3.25, 1e-7, -2.0],
        booked=pd.to_datetime(
            ["2024-02-29 12:30:00.5", None, "2024-01-01", "2024-01-02 23:59:59", "2024-12-31"],
            format="ISO8601",
        ),
    )


def layout(frame: pd.DataFrame, extras: list[fs.ExtraColumn] | None = None) -> tuple[Layout, pd.DataFrame]:
    prepared = prepare(frame, extras or [], 2)
    return Layout.of(prepared.table), prepared.table.frame


def there_and_back(found: Layout, frame: pd.DataFrame, change: Any = lambda data: data) -> pd.DataFrame:
    return found.customers(parse_csv(change(found.to_csv(frame, 1)), found)).frame


def test_texts_dates_and_cents_survive_the_way() -> None:
    found, frame = layout(with_extras(ROWS), EXTRAS)
    back = there_and_back(found, frame)
    ids = pd.factorize(frame["customer_id"])[0]
    assert (pd.factorize(back["customer_id"])[0] == ids).all()
    pd.testing.assert_frame_equal(
        back.drop(columns="customer_id"), frame.drop(columns="customer_id"), check_exact=True
    )


def test_forms_that_other_programs_give_to_texts_are_known_again() -> None:
    found, frame = layout(ROWS)
    mangled = found.to_csv(frame, 1).replace(b",007,", b",7.0,").replace(b",NA,", b",,")
    assert mangled.count(b",7.0,") == mangled.count(b",,") == 1
    assert set(found.customers(parse_csv(mangled, found)).frame["transaction_category"]) == set(
        ROWS["transaction_category"]
    )


def test_a_form_that_could_be_of_two_texts_is_of_none() -> None:
    column = pd.Series(["007", "07", "x"], name="c")
    decoded = Field.of(column, "text").decode(pd.Series(["007", "07", "7", "x"]), 2)
    assert decoded.sound.tolist() == [True, True, False, True]


def test_missing_cells_stay_missing_where_there_were_some_and_are_refused_elsewhere() -> None:
    some = Field.of(pd.Series(["a", None], dtype=object, name="c"), "text").decode(pd.Series(["a", ""]), 2)
    assert some.sound.tolist() == [True, True]
    assert pd.isna(some.cells).tolist() == [False, True]
    none = Field.of(pd.Series(["a", "b"], name="c"), "text").decode(pd.Series(["a", ""]), 2)
    assert none.sound.tolist() == [True, False]


@given(
    values=st.lists(
        st.one_of(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_survives_a_csv_file(values: list[str]) -> None:
    column = pd.Series(values, dtype=object, name="c")
    field = Field.of(column, "text")
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([["x", value] for value in encode(column, "text", 2)])
    read = [row[1] for row in csv.reader(io.StringIO(text.getvalue()))]
    decoded = field.decode(pd.Series(read, dtype=object), 2)
    assert decoded.sound.all()
    assert list(decoded.cells) == values


@given(
    cents=st.lists(st.integers(1, 10**13), min_size=1, max_size=6),
    days=st.integers(0, 20_000),
    units=st.sampled_from([0, 2, 3]),
)
def test_any_amount_and_date_survives(cents: list[int], days: int, units: int) -> None:
    amounts = pd.Series([value / 10**units for value in cents], name="a")
    decoded = Field.of(amounts, "money").decode(encode(amounts, "money", units), units)
    assert decoded.sound.all()
    assert decoded.cells.tolist() == cents
    dates = pd.Series(pd.Timestamp("1970-01-01") + pd.to_timedelta([days], unit="D"), name="d")
    for moved in (dates, dates + pd.Timedelta("12:34:56.789")):
        back = Field.of(moved, "datetime").decode(encode(moved, "datetime", 2), 2)
        assert (back.cells == moved).all()


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("customer_id", ""),
        ("transaction_date", "2024-02-30"),
        ("transaction_date", ""),
        ("transaction_amount", "12.345"),
        ("transaction_amount", "0.00"),
        ("transaction_amount", "-3"),
        ("transaction_amount", "inf"),
        ("transaction_amount", "many"),
        ("transaction_type", "transfer"),
        ("transaction_category", "unheard of"),
        ("transaction_category", "007"),  # known, but not with this type
    ],
)
def test_a_record_that_is_no_transaction_is_left_out_and_counted(column: str, cell: str) -> None:
    found, frame = layout(ROWS)
    records = parse_csv(found.to_csv(frame, 1), found)
    at = records.index[records["transaction_category"] == "NA"][0]
    records.loc[at, column] = cell
    made = found.customers(records)
    assert (made.n_dropped, len(made.frame)) == (1, 4)


def test_records_of_one_id_become_one_customer_in_order_with_the_commonest_start() -> None:
    found, frame = layout(ROWS.assign(customer_id="one"))
    records = parse_csv(found.to_csv(frame, 1), found).iloc[::-1].reset_index(drop=True)
    records["starting_amount"] = ["1.00", "2.50", "2.50", "", "7.00"]
    made = found.customers(records)
    assert (made.n_customers, made.n_mixed, made.n_dropped) == (1, 1, 0)
    assert made.frame["starting_amount"].unique().tolist() == [2.5]
    assert made.frame["transaction_date"].is_monotonic_increasing


def test_a_customer_without_any_starting_amount_is_left_out() -> None:
    found, frame = layout(ROWS)
    records = parse_csv(found.to_csv(frame, 1), found)
    records.loc[records["customer_id"] == records["customer_id"].iloc[0], "starting_amount"] = ""
    made = found.customers(records)
    assert (made.n_customers, made.n_dropped) == (2, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column 'customer_id'"),
        (b"customer_id,transaction_date\n", "no column 'transaction_amount'"),
        (b"not a table", "no column 'customer_id'"),
    ],
)
def test_a_file_that_is_no_table_of_records_is_an_error(data: bytes, message: str) -> None:
    found, _ = layout(ROWS)
    with pytest.raises(ValueError, match=message):
        parse_csv(data, found)


def test_a_line_that_is_too_short_is_an_error() -> None:
    found, frame = layout(ROWS)
    data = found.to_csv(frame, 1)
    with pytest.raises(ValueError, match="line 7 of the records has 2 cells instead of 6"):
        parse_csv(data + b"C1,2024-01-01\r\n", found)


def test_a_layout_survives_json() -> None:
    found, _ = layout(with_extras(ROWS), EXTRAS)
    assert Layout.from_dict(found.to_dict()) == found


@pytest.mark.usefixtures("nobodys_key")
@needs_gretel
def test_the_whole_way_keeps_texts_dates_and_cents(service: FakeGretel) -> None:
    """Through the facade, the client and the service: ids with zeros, "NA", leap days, single cents."""
    real = table(30)
    real["customer_id"] = "00" + real["customer_id"].str.removeprefix("CUST_")
    names = {"groceries": "NA", "rent": "007", "dining": "null"}
    real["transaction_category"] = real["transaction_category"].replace(names)
    real["branch"] = "00" + real["customer_id"].str[-1]
    options = quick(service, extra_columns=[fs.ExtraColumn("branch", kind="constant")])
    drawn = fs.TransactionSynthesizer("gretel", **options).fit(real, seed=1).sample(60, seed=1)
    assert {"NA", "007"} <= set(drawn["transaction_category"]) <= set(real["transaction_category"])
    assert set(drawn["branch"]) <= set(real["branch"])
    assert set(drawn["transaction_date"]) <= set(real["transaction_date"])
    assert set(drawn["transaction_amount"]) <= set(real["transaction_amount"])
    assert drawn["customer_id"].nunique() == 60


@pytest.mark.usefixtures("nobodys_key")
@needs_gretel
def test_spoilt_records_are_left_out_and_told_of(service: FakeGretel) -> None:
    service.script("handler", spoiled=12)
    fitted = fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(), seed=1)
    drawn = fitted.sample(5, seed=1)
    assert fs.check_balance(drawn).ok
    assert any(warning.startswith("12 of ") and "left out" in warning for warning in fitted.warnings_)


@pytest.mark.usefixtures("nobodys_key")
@needs_gretel
def test_a_service_that_gives_nothing_usable_is_not_asked_for_ever(service: FakeGretel) -> None:
    service.script("handler", always=True, records=0)
    fitted = fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(), seed=1)
    with pytest.raises(fs.BackendError, match="2 sampling jobs in a row"):
        fitted.sample(5, seed=1)


def test_overrides_are_merged_into_a_copy_of_the_template() -> None:
    before = {name: {**template} for name, template in TEMPLATES.items()}
    given = {
        "params": {"epochs": 5, "dropout_rate": 0.3},
        "generate": {"max_invalid": 10},
        "evaluate": {"skip": True},
    }
    config = training_config("synthetics/tabular-lstm", given)
    assert config["params"] == {
        "epochs": 5,
        "vocab_size": "auto",
        "learning_rate": "auto",
        "batch_size": "auto",
        "rnn_units": "auto",
        "dropout_rate": 0.3,
    }
    assert config["generate"] == {"num_records": 5000, "max_invalid": 10}
    assert config["privacy_filters"] == {"outliers": "auto", "similarity": "auto"}
    assert config["evaluate"] == {"skip": True}
    config["params"]["epochs"] = 99
    assert TEMPLATES == before
    assert given["params"] == {"epochs": 5, "dropout_rate": 0.3}


NEW = {
    "synthetic_data_quality_score": {"raw_score": 86.1, "grade": "Excellent", "score": 86},
    "data_privacy_score": {"raw_score": 79.5, "grade": "Good", "score": 80},
    "column_correlation_stability": {"raw_score": 0.02, "grade": "Excellent", "score": 95},
    "membership_inference_attack_score": {"score": 88.85, "grade": "Very Good"},
}
OLD = {
    "synthetic_data_quality_score": {"raw_score": 86.1, "grade": "Excellent", "score": 86},
    "field_correlation_stability": {"raw_score": 0.02, "grade": "Excellent", "score": 95},
    "privacy_protection_level": None,
    "memorized_lines": 2,
    "fatal_error": False,
}
SUMMARY = {"summary": [{"field": "synthetic_data_quality_score", "value": 86}, {"field": "x", "value": None}]}


@pytest.mark.parametrize(
    ("raw", "sqs", "dps", "parts"),
    [
        (NEW, 86, 80, {"column_correlation_stability": 95, "membership_inference_attack_score": 88.85}),
        (OLD, 86, None, {"column_correlation_stability": 95}),
        (SUMMARY, 86, None, {}),
        ({}, None, None, {}),
        ({"summary": None, "data_privacy_score": "high"}, None, None, {}),
    ],
)
def test_reports_of_all_forms_are_read(
    raw: dict[str, Any], sqs: Any, dps: Any, parts: dict[str, float]
) -> None:
    report = GretelReport.of(raw)
    assert (report.sqs.score if report.sqs else None) == sqs
    assert (report.dps.score if report.dps else None) == dps
    assert {name: score.score for name, score in report.parts.items()} == parts
    assert "SQS" in str(report)
    assert "<table>" in report._repr_html_()
    assert set(report.to_dict()) == {"sqs", "dps", *parts}


@pytest.mark.usefixtures("nobodys_key")
@needs_gretel
@pytest.mark.parametrize(
    ("script", "options", "warning"),
    [
        ({"report": "legacy"}, {}, None),
        ({"report": "none"}, {}, "no report on this model"),
        ({}, {"evaluate": {"skip": True}}, "because evaluate="),
    ],
)
def test_a_report_of_the_old_form_is_read_and_one_that_is_missing_is_told_of(
    script: dict[str, Any], options: dict[str, Any], warning: str | None
) -> None:
    with FakeGretel() as service:
        service.script("model", **script)
        fitted = fs.TransactionSynthesizer("gretel", **quick(service, **options)).fit(table(), seed=1)
        assert len(fitted.sample(2, seed=1))
    if warning is None:
        assert fitted.report_.sqs.score == 86
        assert fitted.report_.dps is None
    else:
        assert fitted.report_ is None
        assert any(warning in told for told in fitted.warnings_)
