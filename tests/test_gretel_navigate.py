"""Navigator: exact counts, no customer lost, doubled or invented, no endless loop, no silent zero."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gretel_tools import everything_about, files_in, leaks, needs_gretel
from hypothesis import given, settings
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth.standin._answers import Answers, minor, starting_amounts
from gretel_fin_synth.testing import FakeGretel

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

pytestmark = pytest.mark.usefixtures("nobodys_key")

Records = list[dict[str, Any]]
STREAM = r"/stream$"


def navigate(service: FakeGretel, n_rows: int = 60, **more: Any) -> pd.DataFrame:
    how = {"poll_interval": 0, "backoff": 0.001, "read_timeout": 5.0}
    return fs.navigate_transactions(
        n_rows=n_rows, endpoint=service.endpoint, api_key=service.key, **{**how, **more}
    )


def streams(service: FakeGretel) -> list[dict[str, Any]]:
    return [request.json for request in service.requests if request.path.endswith("/stream")]


def rows_of(records: Records) -> Records:
    return [row for r in records if r["data_type"] == "TabularResponse" for row in r["data"]["table_data"]]


def giving(change: Callable[[Records], Records]) -> Callable[[Records], Records]:
    """Let a stream give other rows."""
    return lambda records: [
        {
            "data_type": "TabularResponse",
            "data": {"table_headers": [], "table_data": change(rows_of(records))},
        }
    ]


def first(n: int) -> Callable[[Records], Records]:
    return giving(lambda rows: rows[:n])


@needs_gretel
def test_a_thousand_rows_come_in_ten_streams_with_balances_to_the_cent(service: FakeGretel) -> None:
    seen: list[tuple[int, int]] = []
    made = navigate(service, 1000, progress=lambda have, of: seen.append((have, of)))
    assert len(made) == 1000
    assert list(made.columns) == list(fs.make_transactions(1, seed=1).columns)
    assert [str(kind) for kind in made.dtypes] == [str(k) for k in fs.make_transactions(1, seed=1).dtypes]
    fs.validate_transactions(made)
    assert fs.check_balance(made).ok
    asked = streams(service)
    generated = [body for body in asked if "data" not in body["ref_data"]]
    assert [body["num_rows"] for body in generated] == [100] * 10
    assert generated[0]["model_id"] == "gretelai/auto"
    assert generated[0]["params"] == {"temperature": 0.7, "top_k": 40, "top_p": 0.95}
    edits = [body["ref_data"]["data"]["table_data"] for body in asked if "data" in body["ref_data"]]
    assert [len(rows) for rows in edits] == [25, 25, 23]
    assert edits[0][0] == {"customer_id": "CUST_001"}
    assert seen == [(100 * n, 1000) for n in range(1, 11)]


@needs_gretel
def test_streams_that_come_short_are_made_up_for(service: FakeGretel) -> None:
    for n in (30, 0, 1, 99):
        service.shape_stream(first(n))
    assert len(navigate(service, 230)) == 230
    assert [b["num_rows"] for b in streams(service) if "data" not in b["ref_data"]] == [
        100,
        100,
        100,
        100,
        100,
    ]


@needs_gretel
def test_more_rows_than_asked_for_are_cut(service: FakeGretel) -> None:
    service.shape_stream(giving(lambda rows: rows * 3))
    assert len(navigate(service, 50)) == 50


@needs_gretel
@settings(max_examples=15)
@given(shorts=st.lists(st.integers(0, 25), max_size=6), n=st.integers(1, 80))
def test_no_customer_is_lost_doubled_or_invented_whatever_edits_leave_out(shorts: list[int], n: int) -> None:
    with FakeGretel(seed=n) as service:
        for short in (100, *shorts):
            service.shape_stream(first(short))
        made, reason = None, ""
        try:
            made = navigate(service, n)
        except fs.PartialResultError as error:
            made, reason = error.rows, str(error)
    assert len(made) == n
    if reason:
        assert "came without a usable starting_amount" in reason
    else:
        assert not made["account_balance"].isna().any()


def doubled(rows: Records) -> Records:
    return [*rows, *({**row, "starting_amount": row["starting_amount"] + 1} for row in rows[:5])]


def invented(rows: Records) -> Records:
    return [*rows, {"customer_id": "CUST_999", "starting_amount": 5.0}]


def without(rows: Records) -> Records:
    return [{**row, "starting_amount": None} if i % 2 else row for i, row in enumerate(rows)]


@needs_gretel
@pytest.mark.parametrize("change", [doubled, invented, without])
def test_starting_amounts_that_are_not_clear_are_asked_for_again(service: FakeGretel, change: Any) -> None:
    service.shape_stream(first(100))
    service.shape_stream(giving(change))
    made = navigate(service, 60, chunk_size=100)
    starts = fs.starting_amounts(made)
    assert len(starts) == made["customer_id"].nunique()
    asked = [b["ref_data"]["data"]["table_data"] for b in streams(service) if "data" in b["ref_data"]]
    expected = {doubled: [5], invented: [], without: [len(asked[0]) // 2]}[change]
    assert [len(rows) for rows in asked[1:]] == expected


@needs_gretel
def test_starting_amounts_that_never_come_are_no_zeros(service: FakeGretel) -> None:
    service.shape_stream(first(100))
    for _ in range(20):
        service.shape_stream(giving(lambda rows: [{"customer_id": row["customer_id"]} for row in rows]))
    with pytest.raises(fs.PartialResultError, match=r"\(CUST_") as caught:
        navigate(service, 10)
    assert len(caught.value.rows) == 10
    assert "account_balance" not in caught.value.rows


BAD_ROWS = {
    "transaction_date": ["2024-02-30", "yesterday", None, 5.5],
    "transaction_amount": [-5, 0, "12,50", "1.005", None, True, float("inf")],
    "transaction_type": ["transfer", None, ""],
    "transaction_category": ["", None, " "],
    "customer_id": ["", None, 1.5],
}


@pytest.mark.parametrize(("column", "value"), [(c, v) for c, values in BAD_ROWS.items() for v in values])
def test_a_row_that_is_no_transaction_is_not_used_and_the_reason_names_it(column: str, value: Any) -> None:
    good = {
        "customer_id": "C1",
        "transaction_date": "2024-01-31",
        "transaction_amount": "12.50",
        "transaction_type": " Debit",
        "transaction_category": "rent",
        "note": "x",
    }
    found = Answers(2).sort([good, {**good, column: value}])
    assert len(found.sound) == 1
    assert found.sound["transaction_type"].tolist() == ["debit"]
    assert found.sound["transaction_amount"].tolist() == [12.5]
    assert column in found.reason


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        ("12.50", 1250),
        (12.5, 1250),
        (7, 700),
        ("-3.10", -310),
        ("x", None),
        (None, None),
        (True, None),
        ("nan", None),
    ],
)
def test_amounts_are_read_exactly_or_not_at_all(value: Any, cents: int | None) -> None:
    assert minor(value, 2) == cents


def test_amounts_of_customers_who_were_not_asked_for_do_not_count() -> None:
    rows = [{"customer_id": "a", "starting_amount": 1}, {"customer_id": "b", "starting_amount": 2}]
    assert starting_amounts([*rows, rows[0]], {"a"}, 2) == {"a": 100}


@needs_gretel
def test_bad_rows_are_replaced_by_asking_again(service: FakeGretel) -> None:
    service.shape_stream(giving(lambda rows: [{**row, "transaction_type": "transfer"} for row in rows]))
    service.shape_stream(giving(lambda rows: [*rows[:-1], {**rows[-1], "transaction_amount": -1}]))
    made = navigate(service, 60)
    assert len(made) == 60
    assert (made["transaction_amount"] > 0).all()


ENDLESS = {
    "streams that close empty": lambda records: [],
    "streams without data": lambda records: [{"data_type": "no data"}],
    "another table": giving(lambda rows: [{"id": 1, "colour": "red"}] * len(rows)),
}


@needs_gretel
@pytest.mark.parametrize("name", ENDLESS)
def test_streams_that_never_bring_a_row_end_in_an_error(service: FakeGretel, name: str) -> None:
    service.shape_stream(first(20))
    for _ in range(10):
        service.shape_stream(ENDLESS[name])
    began = time.monotonic()
    with pytest.raises(fs.PartialResultError, match="3 streams in a row") as caught:
        navigate(service, 60)
    assert time.monotonic() - began < 10
    assert len(caught.value.rows) == 20
    assert len(service.requests) < 40
    if name == "another table":
        assert "no column 'customer_id'" in str(caught.value)


def errors(n: int) -> Callable[[Records], Records]:
    return lambda records: [{"data_type": "logger.error", "data": "model overloaded"}] * n + records


@needs_gretel
def test_two_errors_of_a_stream_pass_and_three_do_not(service: FakeGretel) -> None:
    service.shape_stream(errors(2))
    assert len(navigate(service, 20)) == 20
    service.shape_stream(errors(3))
    with pytest.raises(fs.ServiceError, match="model overloaded"):
        navigate(service, 20)


@needs_gretel
def test_the_deadline_ends_everything_and_keeps_the_rows(service: FakeGretel) -> None:
    service.shape_stream(first(10))
    service.fail("POST", "/iterate$", delay=0.0, times=0)
    for _ in range(3):
        service.shape_stream(lambda records: [{"data_type": "logger.info", "data": "thinking"}] * 10_000)
    began = time.monotonic()
    with pytest.raises(fs.PartialResultError, match="time that was allowed") as caught:
        navigate(service, 60, timeout=1.0, poll_interval=0.01)
    assert time.monotonic() - began < 10
    assert len(caught.value.rows) == 10


FAULTS: list[tuple[dict[str, Any], type[Exception] | None]] = [
    ({"status": 401, "times": None}, fs.AuthenticationError),
    ({"status": 403, "times": None}, fs.AccessDeniedError),
    ({"status": 404, "times": None}, fs.NotFoundError),
    ({"status": 409, "times": None}, fs.RequestRefusedError),
    ({"status": 429, "times": None, "headers": {"Retry-After": "0"}}, fs.RateLimitedError),
    ({"status": 500, "times": None}, fs.ServiceUnavailableError),
    ({"status": 503, "times": 2}, None),
    ({"delay": 30, "times": None}, fs.ServiceTimeoutError),
    ({"drop": True, "times": None}, fs.ServiceUnavailableError),
    ({"status": 200, "body": "<html>", "times": None}, fs.ServiceReplyError),
    ({"status": 200, "body": "{}", "times": None}, fs.ServiceError),
]
PLACES = [("GET", "/inference/models$"), ("POST", STREAM), ("POST", "/iterate$")]


@needs_gretel
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[1])
@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=lambda x: str(x) if isinstance(x, dict) else "")
def test_a_fault_becomes_the_right_error_and_leaks_nothing(
    service: FakeGretel,
    place: tuple[str, str],
    fault: dict[str, Any],
    error: type[Exception] | None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    service.fail(*place, **fault)
    began, failure = time.monotonic(), None
    try:
        navigate(service, 20, read_timeout=0.15, max_retries=2, timeout=15)
    except fs.FinSynthError as raised:
        failure = raised
    assert time.monotonic() - began < 20
    assert len(service.requests) < 60
    assert failure is None if error is None else isinstance(failure, error), repr(failure)
    said = capfd.readouterr()
    about = [] if failure is None else everything_about(failure)
    assert leaks(service, caplog.text, said.out, said.err, *about) == []
    assert (said.out, said.err) == ("", "")
    assert files_in(Path(os.environ["HOME"])) == {}


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"starting_prompt": " "}, "starting_prompt"),
        ({"n_rows": 0}, "n_rows"),
        ({"n_rows": 2.5}, "n_rows"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"chunk_size": 101}, "chunk_size"),
        ({"timeout": 0}, "timeout"),
        ({"poll_interval": -1}, "poll_interval"),
        ({"temperature": -0.1}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 1.5}, "top_p"),
        ({"minor_units": 1.5}, "minor_units"),
        ({"api_key": "nope"}, "api_key"),
        ({"endpoint": "http://example.com"}, "endpoint"),
        ({"max_retries": 2.5}, "max_retries"),
    ],
)
def test_bad_arguments_are_refused_before_any_request(
    service: FakeGretel, bad: dict[str, Any], what: str
) -> None:
    given = {"endpoint": service.endpoint, "api_key": service.key, **bad}
    with pytest.raises(fs.ParameterError, match=what):
        fs.navigate_transactions(**given)
    assert service.requests == []


@needs_gretel
def test_a_model_that_is_not_offered_is_named_with_the_nearest(service: FakeGretel) -> None:
    with pytest.raises(fs.ParameterError, match="Hint: model='gretelai/auto'"):
        navigate(service, model="gretelai/aut")
    navigate(service, 5, model="gretelai-google/gemini")
    assert streams(service)[0]["model_id"] == "gretelai-google/gemini"
