from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame, tables
from hypothesis import given

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation._describe import (
    customer_matrices,
    kind_codes,
    previous_same,
    roundness,
    row_matrices,
    sample_customers,
    signed_log,
)
from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation.discriminator import TITLES, discriminator, tell_apart

TWO = frame(
    ("a", "2024-01-30", 100.0, "credit", "pay", 150.0),
    ("a", "2024-01-30", 30.0, "debit", "food", 120.0),
    ("a", "2024-02-02", 30.0, "debit", "food", 90.0),
    ("b", "2024-02-05", 12.34, "debit", "food", -12.34),
)


def rng(seed=0):
    return np.random.default_rng(seed)


def column(matrix, name):
    return matrix.columns([name])[:, 0].tolist()


# --- features ----------------------------------------------------------------------------------------------


def test_rows_are_described_by_hand():
    matrix = row_matrices([prepare(TWO)])[0][0]
    nan = pytest.approx(np.nan, nan_ok=True)
    assert column(matrix, "date") == [0, 0, 3, 6]
    assert column(matrix, "days_left") == [1, 1, 27, 24]
    assert column(matrix, "position") == [0, 1, 2, 0]
    assert column(matrix, "length") == [3, 3, 3, 1]
    assert column(matrix, "roundness") == [4, 3, 3, 0]
    assert column(matrix, "gap_1") == [nan, 0, 3, nan]
    assert column(matrix, "gap_2") == [nan, nan, 3, nan]
    assert column(matrix, "kind_1") == [nan, 1, 0, nan]  # food is the commonest kind, pay the next
    assert column(matrix, "repeats") == [0, 0, 1, 0]
    assert column(matrix, "days_since_repeat") == [nan, nan, 3, nan]
    assert column(matrix, "first_of_day") == [1, 0, 1, 1]
    assert column(matrix, "balance_before") == pytest.approx(signed_log(np.array([5000, 15000, 12000, 0])))
    assert column(matrix, "balance_cents") == [0, 0, 0, 66]  # of -12.34, modulo 100


def test_customers_are_described_by_hand():
    matrix = customer_matrices([prepare(TWO)])[0]
    assert column(matrix, "when_span") == [3, 0]
    assert column(matrix, "when_same_day") == pytest.approx([0.5, np.nan], nan_ok=True)
    assert column(matrix, "what_credits") == pytest.approx([1 / 3, 0])
    assert column(matrix, "what_kinds") == pytest.approx([2, 1])
    assert column(matrix, "what_share_0") == pytest.approx([2 / 3, 1])
    assert column(matrix, "what_repeats") == pytest.approx([1 / 3, 0])
    assert column(matrix, "amount_largest") == pytest.approx(np.log1p([10000, 1234]))
    assert column(matrix, "amount_in") == pytest.approx(np.log1p([10000 / 33, 0]))
    assert column(matrix, "balance_opening") == pytest.approx([np.log1p(5000), 0])
    assert column(matrix, "balance_negative") == [0, 1]


def test_rare_kinds_share_one_code():
    table = prepare(
        frame(*(("a", "2024-01-01", 1.0, "debit", name) for name in ["x", "x", "y", "y", "y", "z", "w"]))
    )
    assert kind_codes([table], most=2)[0].tolist() == [1, 1, 0, 0, 0, 2, 2]


@given(tables(min_rows=2))
def test_previous_same_is_the_last_equal_row_of_the_customer(table):
    prepared = prepare(table)
    found = previous_same(prepared.customer, prepared.cents % 7)
    for row in range(len(prepared)):
        equal = [
            before
            for before in range(row)
            if prepared.customer[before] == prepared.customer[row]
            and prepared.cents[before] % 7 == prepared.cents[row] % 7
        ]
        assert found[row] == (equal[-1] if equal else -1)


@given(tables(min_rows=1))
def test_descriptions_do_not_depend_on_the_order_of_customers(table):
    prepared = prepare(table)
    mixed = prepare(pd.concat([part for _, part in table.groupby("customer_id")][::-1], ignore_index=True))
    for describe in (customer_matrices, lambda given: row_matrices(given)[0]):
        left, right = (describe([each])[0].cells for each in (prepared, mixed))
        np.testing.assert_allclose(left, right, equal_nan=True)


def test_roundness_of_another_currency():
    assert roundness(np.array([1000, 1001]), 0).tolist() == [3, 0]


def test_sampling_keeps_whole_customers():
    table = prepare(crowd(10, 1))
    few = sample_customers(table, 4, rng())
    assert few.n_customers == 4
    assert len(few) == 4 * 24
    assert sample_customers(table, 10, rng()) is table


# --- the measure -------------------------------------------------------------------------------------------


def split(table):
    codes = pd.factorize(table["customer_id"])[0]
    third = (codes.max() + 1) // 3
    return [prepare(table[codes // third == part].reset_index(drop=True)) for part in range(3)]


@pytest.fixture(scope="module")
def bank():
    """Three samples of one stand-in bank."""
    return split(fs.make_transactions(150, start="2023-01-01", end="2023-06-30", seed=8))


def test_samples_of_one_bank_cannot_be_told_apart(bank):
    found = discriminator(*bank, rng())
    assert set(found.breakdown) == set(TITLES)
    for part in found.breakdown.values():
        assert 0.3 < part.ranking.auc < 0.65
        assert 0.3 < part.holdout_ranking.auc < 0.65
        assert part.score == pytest.approx(min(100.0, 200 * (1 - part.ranking.auc)))
    assert found.score == min(part.score for part in found.breakdown.values())
    assert found.concerns == ()


def test_what_breaks_histories_is_told_apart(bank):
    shuffled = bank[1].source.copy()
    for name in shuffled.columns[1:]:
        shuffled[name] = rng(len(name)).permutation(shuffled[name].to_numpy())
    found = discriminator(bank[0], prepare(shuffled), bank[2], rng())
    for part in found.breakdown.values():
        assert part.ranking.low > 0.8
    assert found.score < 30
    assert len(found.concerns) == 2
    assert all(concern.forbids is None for concern in found.concerns)
    assert "a holdout is told apart with" in found.concerns[0].text


def test_amounts_that_are_never_round_are_told_apart_by_rows(bank):
    odd = bank[1].source.assign(
        transaction_amount=lambda table: (table["transaction_amount"] * 1.0173).round(2), account_balance=None
    )
    plain = [prepare(table.source.drop(columns="account_balance")) for table in bank]
    found = tell_apart(plain[0], prepare(odd.drop(columns="account_balance")), rng())
    assert found["rows_in_context"].auc > 0.8


def test_without_a_holdout_there_is_no_reference(bank):
    found = discriminator(bank[0], bank[1], None, rng())
    assert found.reference is None
    assert all(part.holdout_ranking is None for part in found.breakdown.values())


def test_the_same_seed_gives_the_same_areas(bank):
    small = [sample_customers(table, 12, rng()) for table in bank]
    assert discriminator(*small, rng(3)) == discriminator(*small, rng(3))


def test_few_customers_are_not_measured():
    few = prepare(crowd(5, 1))
    found = discriminator(few, few, few, rng())
    assert found.score is None
    assert "5 customers, of 6 needed" in found.notes[0]


@pytest.mark.parametrize("case", ["constant", "one row each", "many categories"])
def test_poor_tables_are_measured_too(case):
    change = {
        "constant": lambda table: table.assign(
            transaction_amount=1.0, transaction_category="x", transaction_date=pd.Timestamp("2024-01-01")
        ),
        "one row each": lambda table: table.groupby("customer_id").head(1),
        "many categories": lambda table: table.assign(transaction_category=np.arange(len(table)).astype(str)),
    }[case]
    real, synthetic = (prepare(change(crowd(20, seed))) for seed in (1, 2))
    assert 0 <= discriminator(real, synthetic, None, rng()).score <= 100


def test_the_lack_of_all_balances_gives_no_one_away(bank):
    without = prepare(bank[1].source.drop(columns="account_balance"))
    for ranking in tell_apart(bank[0], without, rng()).values():
        assert 0.3 < ranking.auc < 0.65
