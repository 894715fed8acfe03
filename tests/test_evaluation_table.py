from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import COLUMNS, frame, tables
from hypothesis import given
from hypothesis import strategies as st

from gretel_fin_synth import ParameterError
from gretel_fin_synth.evaluation._table import prepare, shared_codes

ROWS = (
    ("b", "2024-02-29", 10.0, "debit", "rent", 5.0),
    ("a", "2024-01-31", 20.25, "credit", "pay", 20.25),
    ("a", "2024-01-01", 1.0, "debit", "rent", 4.0),
    ("a", "2024-01-31", 0.25, "debit", "fee", 20.0),
)


def test_rows_are_by_customer_then_date_then_input_order():
    table = prepare(frame(*ROWS))
    assert table.row.tolist() == [2, 1, 3, 0]
    assert table.customers.tolist() == ["a", "b"]
    assert table.customer.tolist() == [0, 0, 0, 1]
    assert table.starts.tolist() == [0, 3, 4]


def test_arrays_by_hand():
    table = prepare(frame(*ROWS))
    assert table.cents.tolist() == [100, 2025, 25, 1000]
    assert table.signed_cents.tolist() == [-100, 2025, -25, -1000]
    assert table.balance_cents.tolist() == [400, 2025, 2000, 500]
    assert table.day_of_month.tolist() == [1, 31, 31, 29]
    assert table.days_to_month_end.tolist() == [30, 0, 0, 0]
    assert table.weekday.tolist() == [0, 2, 2, 3]  # Monday, Wednesday, Wednesday, Thursday
    assert np.diff(table.month).tolist() == [0, 0, 1]
    assert table.kind.tolist() == ["debit: rent", "credit: pay", "debit: fee", "debit: rent"]


def test_dates_before_1970_keep_their_place_in_the_month():
    table = prepare(frame(("a", "1969-12-31", 1.0, "debit", "x")))
    assert (table.day_of_month[0], table.weekday[0], table.days_to_month_end[0]) == (31, 2, 0)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("customer_id", None, "no customer_id"),
        ("transaction_date", "tomorrow", "no transaction_date"),
        ("transaction_amount", "ten", "no transaction_amount"),
        ("transaction_amount", np.inf, "no transaction_amount"),
        ("transaction_amount", -3.0, "amount not above zero"),
        ("transaction_amount", 1e17, "amount beyond 2**53 minor units"),
        ("transaction_type", "refund", "type neither credit nor debit"),
        ("transaction_category", np.nan, "no transaction_category"),
    ],
)
def test_broken_cells_are_counted_and_left_out(column, value, reason):
    broken = frame(*ROWS).astype({column: object})
    broken.loc[1, column] = value
    table = prepare(broken)
    assert dict(table.unusable) == {reason: 1}
    assert table.row.tolist() == [2, 3, 0]
    assert len(table.source) == 4


def test_a_missing_balance_leaves_the_row_usable():
    broken = frame(*ROWS)
    broken.loc[2, "account_balance"] = np.nan
    table = prepare(broken)
    assert len(table) == 4
    assert table.balance_known.tolist() == [False, True, True, True]


def test_without_balances():
    table = prepare(frame(*ROWS).drop(columns="account_balance"))
    assert not table.has_balance
    assert not table.balance_known.any()
    assert list(table.frame.columns) == COLUMNS


def test_types_of_other_libraries_read_the_same(tmp_path):
    plain = frame(*ROWS)
    decimal = plain.assign(
        transaction_amount=[Decimal(str(value)) for value in plain["transaction_amount"]],
        transaction_date=plain["transaction_date"].dt.strftime("%Y-%m-%d"),
        customer_id=plain["customer_id"].astype("category"),
    )
    other = prepare(decimal)
    assert other.cents.tolist() == prepare(plain).cents.tolist()
    assert other.day.tolist() == prepare(plain).day.tolist()
    assert other.customers.tolist() == ["a", "b"]


def test_ids_that_look_like_numbers_stay_text():
    numbered = frame(*ROWS).assign(customer_id=["007", "NA", "NA", "NA"])
    assert prepare(numbered).customers.tolist() == ["007", "NA"]
    with_gap = frame(*ROWS).assign(customer_id=[7.0, 8.0, np.nan, 8.0])
    assert prepare(with_gap).customers.tolist() == ["7", "8"]


def test_time_of_day_and_zone_keep_the_local_day():
    late = frame(*ROWS[:1]).assign(transaction_date=pd.to_datetime(["2024-02-29T23:30:00+09:00"]))
    assert prepare(late).day_of_month.tolist() == [29]


def test_missing_and_double_columns_are_named():
    with pytest.raises(ParameterError, match="transaction_amount"):
        prepare(frame(*ROWS).drop(columns="transaction_amount"))
    double = frame(*ROWS)
    double.columns = [*COLUMNS[:5], "customer_id"]
    with pytest.raises(ParameterError, match="more than once"):
        prepare(double)
    with pytest.raises(ParameterError, match="list"):
        prepare([1, 2])


def test_select_keeps_whole_customers_and_their_source():
    table = prepare(frame(*ROWS))
    part = table.select([0])
    assert part.customers.tolist() == ["a"]
    assert part.source["transaction_amount"].tolist() == [20.25, 1.0, 0.25]
    in_order = part.source.loc[part.row, "transaction_amount"]
    assert in_order.tolist() == part.frame["transaction_amount"].tolist()


def test_shared_codes_of_nothing_and_something():
    codes, levels = shared_codes(np.array([], dtype=object), np.array(["x"], dtype=object))
    assert [code.tolist() for code in codes] == [[], [0]]
    assert levels.tolist() == ["x"]


@given(tables(), st.randoms(use_true_random=False))
def test_input_is_not_changed_and_customers_may_come_in_any_order(table, random):
    before = table.copy(deep=True)
    first = prepare(table)
    pd.testing.assert_frame_equal(table, before)
    blocks = [block for _, block in table.groupby("customer_id")]
    random.shuffle(blocks)
    again = prepare(pd.concat(blocks))
    pd.testing.assert_frame_equal(first.frame, again.frame)
