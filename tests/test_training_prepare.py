"""From real tables to what a backend learns from: order, starting amounts, and what users are told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth.training._prepare import prepare

if TYPE_CHECKING:
    from conftest import Engine

    from gretel_fin_synth.training._prepare import Prepared

COLUMNS = [
    "customer_id",
    "transaction_date",
    "transaction_amount",
    "transaction_type",
    "transaction_category",
]
PARTS = [*COLUMNS, "starting_amount"]

Row = tuple[str, str, float, str, float]


def bank(*rows: Row) -> pd.DataFrame:
    """Make a table of rows (customer, date, signed amount, category, balance)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "signed", "transaction_category", "balance"])
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "transaction_date": pd.to_datetime(frame["date"]),
            "transaction_amount": frame["signed"].abs(),
            "transaction_type": np.where(frame["signed"] > 0, "credit", "debit"),
            "transaction_category": frame["transaction_category"],
            "account_balance": frame["balance"],
        }
    )


CHAINED = bank(
    ("b", "2024-01-05", 100.0, "salary", 150.0),
    ("b", "2024-01-06", -20.5, "food", 129.5),
    ("b", "2024-01-06", -9.5, "fun", 120.0),
    ("a", "2024-01-01", -30.0, "food", -10.0),
    ("a", "2024-02-01", 60.0, "salary", 50.0),
)
STARTS = {"a": 20.0, "b": 50.0}


def ready(frame: Any, **arguments: Any) -> Prepared:
    return prepare(frame, arguments.get("extra_columns", ()), arguments.get("minor_units", 2))


def starts(prepared: Prepared) -> dict[str, float]:
    per_customer = prepared.table.frame.groupby("customer_id")["starting_amount"].agg(["min", "max"])
    assert (per_customer["min"] == per_customer["max"]).all()
    return per_customer["min"].to_dict()


def warned(frame: pd.DataFrame) -> list[str]:
    return ready(frame).warnings


def test_balances_that_add_up_become_starting_amounts_without_a_word() -> None:
    prepared = ready(CHAINED)
    assert list(prepared.table.frame.columns) == PARTS
    assert starts(prepared) == STARTS
    assert prepared.warnings == []
    pd.testing.assert_frame_equal(prepared.table.frame[COLUMNS], CHAINED[COLUMNS])


def test_customers_stand_together_in_the_order_of_time_and_of_balances() -> None:
    prepared = ready(CHAINED.iloc[[2, 4, 0, 3, 1]])
    pd.testing.assert_frame_equal(prepared.table.frame[COLUMNS], CHAINED[COLUMNS])
    assert starts(prepared) == STARTS
    assert prepared.table.frame.index.equals(pd.RangeIndex(5))


@given(st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_the_order_of_rows_plays_no_part_where_balances_tell_it(random: Any) -> None:
    real = fs.make_transactions(4, start="2024-01-01", end="2024-02-15", seed=3)
    order = random.sample(range(len(real)), len(real))
    by_customer = ready(real).table.frame.sort_values("customer_id", kind="stable", ignore_index=True)
    again = ready(real.iloc[order])
    assert again.warnings == []
    shuffled = again.table.frame.sort_values("customer_id", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(
        shuffled[["customer_id", "transaction_date", "starting_amount"]],
        by_customer[["customer_id", "transaction_date", "starting_amount"]],
    )
    checked = fs.reconstruct_balance(shuffled, starting_amounts="starting_amount")
    assert sorted(checked["account_balance"]) == sorted(real["account_balance"])


def test_broken_balances_are_counted() -> None:
    broken = CHAINED.assign(account_balance=[150.0, 129.5, 120.01, -10.0, 50.0])
    assert warned(broken) == [
        "1 of 5 balances do not follow from the amounts in the order of time (20.0%); they were learned from "
        "all the same, and what is generated adds up"
    ]
    assert starts(ready(broken)) == STARTS


def test_balances_that_chain_in_the_order_of_the_file_tell_the_start() -> None:
    frame = bank(
        ("a", "2024-01-09", 10.0, "salary", 110.0),
        ("a", "2024-01-03", -5.0, "food", 105.0),
        ("a", "2024-01-06", -1.0, "food", 104.0),
        ("a", "2024-01-01", -4.0, "food", 100.0),
    )
    prepared = ready(frame)
    assert starts(prepared) == {"a": 100.0}
    assert "balances do not follow from the amounts in the order of time" in prepared.warnings[0]
    assert prepared.table.frame["transaction_date"].is_monotonic_increasing


def test_a_starting_amount_is_believed_and_balances_are_counted_all_the_same() -> None:
    frame = CHAINED.assign(
        starting_amount=[50.0, 50.0, 50.0, 21.0, 21.0], account_balance=[150.0, 129.5, 121.0, -10.0, 50.0]
    )
    prepared = ready(frame)
    assert starts(prepared) == {"a": 21.0, "b": 50.0}
    assert [warning[:20] for warning in prepared.warnings] == ["1 of 5 balances do n", "starting_amount is n"]
    assert "for 1 of 2 customers" in prepared.warnings[1]


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ([50.0, 50.0, None, 20.0, 20.0], "it is not a number in every row"),
        ([50.0, 50.0, np.inf, 20.0, 20.0], "it is not a number in every row"),
        ([50.0, 50.0, 1e300, 20.0, 20.0], "it is not a number in every row"),
        (["much"] * 5, "it is not a number in every row"),
        ([50.0, 51.0, 50.0, 20.0, 20.0], "it is not the same in all rows of a customer"),
    ],
)
def test_a_column_that_holds_no_starting_amounts_is_not_used(column: list[Any], why: str) -> None:
    prepared = ready(CHAINED.assign(starting_amount=column))
    assert prepared.warnings == [f"the column starting_amount was not used, because {why}"]
    assert starts(prepared) == STARTS


def test_without_balances() -> None:
    bare = CHAINED.drop(columns="account_balance")
    alone = ready(bare)
    assert alone.warnings == [
        "there is no account_balance and no starting_amount, so every customer starts with 0"
    ]
    assert starts(alone) == {"a": 0.0, "b": 0.0}
    assert alone.table.frame["customer_id"].tolist() == ["a", "a", "b", "b", "b"]
    given = ready(bare.assign(starting_amount=["1.5", "1.5", "1.5", "-2", "-2"]))
    assert given.warnings == []
    assert starts(given) == {"a": -2.0, "b": 1.5}


def test_what_is_not_described_is_left_out_and_named() -> None:
    frame = CHAINED.assign(branch="x", note=range(5))
    prepared = ready(frame, extra_columns=(fs.ExtraColumn("branch", kind="constant"),))
    assert list(prepared.table.frame.columns) == [*PARTS, "branch"]
    assert prepared.warnings == [
        "columns that are not described were not learned: note; describe them with "
        "extra_columns=[ExtraColumn('note', kind=\"category\")], or --extra note=category"
    ]


@pytest.mark.parametrize(("minor_units", "scale"), [(0, 1.0), (3, 0.125)])
def test_other_currencies(minor_units: int, scale: float) -> None:
    money = ["transaction_amount", "account_balance"]
    frame = CHAINED.assign(**{name: (CHAINED[name] * 2).round() * scale for name in money})
    prepared = ready(frame, minor_units=minor_units)
    assert prepared.warnings == []
    assert starts(prepared) == {"a": 40.0 * scale, "b": 100.0 * scale}


def test_every_library_prepares_alike(engine: Engine) -> None:
    frame = CHAINED.assign(starting_amount=[50.0, 50.0, 50.0, 20.0, 20.0])
    prepared = ready(engine.make(frame))
    assert prepared.warnings == []
    assert starts(prepared) == STARTS
    together = prepared.table.frame.sort_values("customer_id", kind="stable", ignore_index=True)
    expected = CHAINED[COLUMNS].sort_values("customer_id", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(together[COLUMNS], expected, check_dtype=False)


def test_a_query_is_run_once_for_its_rows() -> None:
    pl = pytest.importorskip("polars")
    runs = []

    def seen(frame: Any) -> Any:
        runs.append(len(frame))
        return frame

    lazy = pl.from_pandas(CHAINED).lazy().map_batches(seen, slice_pushdown=False)
    ready(lazy)
    assert [rows for rows in runs if rows] == [5]


def test_the_frame_is_not_changed() -> None:
    frame = CHAINED.assign(starting_amount=1.0, note="x").iloc[::-1]
    before = frame.copy(deep=True)
    ready(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (
            CHAINED.iloc[:0],
            fs.ParameterError,
            "there are no transactions to learn from: the table has 0 rows",
        ),
        (CHAINED.drop(columns="customer_id"), fs.SchemaViolation, "'customer_id' is missing"),
        (CHAINED.assign(transaction_type="DEBIT "), fs.SchemaViolation, "write 'debit'"),
        (CHAINED.assign(transaction_amount=-1.0), fs.SchemaViolation, "transaction_amount"),
        (CHAINED.assign(account_balance=np.nan), fs.SchemaViolation, "account_balance"),
        (pd.concat([CHAINED, CHAINED[["customer_id"]]], axis=1), fs.SchemaViolation, "occurs 2 times"),
        ("table.csv", fs.ParameterError, "a dataframe is needed"),
    ],
)
def test_tables_that_cannot_be_learned(frame: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ready(frame)


def test_the_seed_table_is_normal_input() -> None:
    """Dates out of order, balances in the order of the file, a starting amount per customer."""
    file = Path(__file__).parents[2] / "shared" / "data" / "seed" / "transactions_merged.csv"
    if not file.exists():
        pytest.skip("../shared/data/seed is not here")
    table = pd.read_csv(file, dtype={"customer_id": str})
    prepared = ready(table)
    frame = prepared.table.frame
    assert len(frame) == len(table)
    assert [warning.split(" balances do not follow")[-1][:5] for warning in prepared.warnings] == [" from"]
    same = frame["customer_id"].eq(frame["customer_id"].shift())
    assert (frame["transaction_date"].diff()[same] >= pd.Timedelta(0)).all()
    given = table.groupby("customer_id")["starting_amount"].first()
    assert starts(prepared) == given.to_dict()
