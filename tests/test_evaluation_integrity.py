from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame, tables, with_balances
from hypothesis import given

from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation.integrity import TITLES, balance_breaks, integrity
from gretel_fin_synth.evaluation.results import Count

DATA = Path(__file__).parents[1] / "../shared/data"

REAL = frame(
    ("a", "2024-01-01", 10.0, "credit", "pay", 110.0),
    ("a", "2024-01-02", 5.0, "debit", "food", 105.0),
    ("b", "2024-01-01", 10.0, "credit", "pay", 10.0),
    ("b", "2024-01-02", 5.0, "debit", "food", 5.0),
)


def counts(result):
    return {name: count.count for name, count in result.breakdown.items()}


def check(synthetic, **changes):
    return integrity(prepare(REAL), prepare(synthetic), **changes)


def fresh(**changes):
    return REAL.assign(customer_id=["x", "x", "y", "y"], **changes)


def test_a_sound_table_breaks_nothing():
    result = check(fresh())
    assert set(result.breakdown) == set(TITLES) - {"two_starting_amounts"}
    assert not any(counts(result).values())
    assert (result.score, result.concerns) == (100.0, ())


def test_balance_breaks_by_hand():
    result = check(fresh(account_balance=[110.0, 105.01, 10.0, 4.0]))
    assert counts(result)["balance_breaks"] == 2
    assert result.score == pytest.approx(50.0)
    assert result.concerns[0].hard


def test_a_missing_balance_is_an_empty_cell_not_a_break():
    found = counts(check(fresh(account_balance=[110.0, np.nan, 10.0, 5.0])))
    assert (found["balance_breaks"], found["empty_cells"]) == (0, 1)


def test_the_first_row_is_checked_where_the_starting_amount_is_known():
    table = prepare(REAL.assign(starting_amount=[100.0, 100.0, 1.0, 1.0]))
    assert balance_breaks(table).tolist() == [False, False, True, False]


def test_order_is_that_of_the_rows_given():
    result = check(fresh().iloc[[1, 0, 2, 3]])
    assert counts(result)["out_of_order"] == 1
    assert counts(result)["balance_breaks"] == 0


@pytest.mark.parametrize(
    ("column", "values", "name"),
    [
        ("transaction_amount", [10.0, 5.005, 10.0, 5.0], "invalid_amounts"),
        ("transaction_amount", [10.0, -5.0, 10.0, 5.0], "invalid_amounts"),
        ("transaction_type", ["credit", "DEBIT ", "credit", "debit"], "unknown_types"),
        ("transaction_category", ["pay", "fod", "pay", "food"], "unseen_categories"),
        ("transaction_category", ["food", "food", "pay", "food"], "unseen_kinds"),
        ("customer_id", ["x", "x", "a", "a"], "known_customers"),
        ("transaction_date", [pd.NaT, *REAL["transaction_date"][1:]], "empty_cells"),
        ("transaction_category", [None, "food", "pay", "food"], "empty_cells"),
    ],
)
def test_each_check_finds_its_one_case(column, values, name):
    result = check(fresh().assign(**{column: values}))
    assert counts(result)[name] == 1
    assert any(TITLES[name] in concern.text for concern in result.concerns)


def test_cells_that_cannot_be_read_count_as_empty():
    broken = fresh().astype({"transaction_amount": object})
    broken.loc[0, "transaction_amount"] = "ten"
    result = check(broken)
    assert counts(result)["empty_cells"] == 1
    assert any("1 with no transaction_amount" in note for note in result.notes)


def test_amounts_of_cents_are_whole_whatever_their_size():
    amounts = [0.01, 0.07, 1.1, 4.35, 1e6 + 0.29, 123_456_789.01]
    table = with_balances(frame(*[("x", "2024-01-01", amount, "debit", "food") for amount in amounts]))
    assert counts(check(table))["invalid_amounts"] == 0


def test_unseen_values_are_shown():
    result = check(fresh(transaction_category=["pay", "fod", "pay", "fod"]))
    assert result.breakdown["unseen_categories"].examples == ("fod",)
    assert any("'fod'" in concern.text for concern in result.concerns)


def test_duplicates_and_starting_amounts():
    table = pd.concat([fresh(), fresh().iloc[[3]]]).assign(starting_amount=[1.0, 2.0, 3.0, 3.0, 3.0])
    result = integrity(prepare(REAL), prepare(table))
    assert counts(result)["duplicate_rows"] == 1
    assert result.breakdown["two_starting_amounts"] == Count(count=1, of=2, reference=None, hard=True)


def test_what_the_real_table_does_too_is_not_held_against_the_synthetic():
    broken = crowd(40, 0)
    broken.loc[::20, "account_balance"] += 0.01
    other = crowd(40, 1, prefix="S")
    other.loc[::20, "account_balance"] += 0.01
    result = integrity(prepare(broken), prepare(other))
    assert result.breakdown["balance_breaks"].share > 0.05
    assert not result.concerns
    assert result.score == pytest.approx(100.0, abs=1.0)
    sound = integrity(prepare(crowd(40, 0)), prepare(other))
    assert sound.concerns[0].hard


def test_the_holdout_says_how_many_unseen_categories_are_normal():
    holdout = fresh(transaction_category=["pay", "taxi", "pay", "food"])
    result = integrity(
        prepare(REAL), prepare(fresh(transaction_category=["pay", "x", "pay", "food"])), prepare(holdout)
    )
    assert result.breakdown["unseen_categories"].reference == 0.25
    assert not any("category" in concern.text for concern in result.concerns)


def test_a_lost_column_is_named():
    result = check(fresh().drop(columns="account_balance"))
    assert "balance_breaks" not in result.breakdown
    assert any("account_balance" in concern.text for concern in result.concerns)


@given(tables())
def test_a_table_is_as_sound_as_itself(table):
    result = integrity(prepare(table), prepare(table))
    assert result.score == 100.0
    for name, count in result.breakdown.items():
        assert 0 <= count.count <= count.of
        if count.reference is not None:
            assert count.share == count.reference, name


@pytest.mark.skipif(not DATA.exists(), reason="the original pair is not there")
def test_the_original_pair():
    result = integrity(
        prepare(pd.read_csv(DATA / "seed/transactions_merged.csv")),
        prepare(pd.read_csv(DATA / "seed/synthetic_data.csv")),
    )
    found = counts(result)
    assert found["out_of_order"] == 383
    assert found["empty_cells"] == 10
    assert found["unseen_categories"] == 2
    assert found["two_starting_amounts"] == 3
    assert found["known_customers"] == 63
    assert result.breakdown["out_of_order"].reference == pytest.approx(0.197)
    assert result.breakdown["balance_breaks"].reference == pytest.approx(0.450)
