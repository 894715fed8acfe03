from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame, tables, with_balances
from hypothesis import given

from gretel_fin_synth.evaluation._features import (
    amount_autocorrelation,
    balance_features,
    customer_features,
    gaps,
    mix_changes,
    repeat_shares,
    runs,
)
from gretel_fin_synth.evaluation._table import prepare, shared_codes
from gretel_fin_synth.evaluation.fidelity import (
    WEIGHTS,
    fidelity,
    fidelity_groups,
    group_scores,
    overall,
    shuffle_floor,
)

DATA = Path(__file__).parents[1] / "../shared/data/berka_early"


def kinds(table):
    return shared_codes(table.kind)[0][0]


def test_customer_features_by_hand():
    table = prepare(
        frame(
            ("a", "2024-01-05", 100.0, "credit", "pay"),
            ("a", "2024-01-20", 40.0, "debit", "food"),
            ("a", "2024-03-05", 10.0, "debit", "food"),
            ("b", "2024-01-05", 7.0, "debit", "rent"),
        )
    )
    features = customer_features(table)
    assert features.transactions.tolist() == [3, 1]
    assert features.span.tolist() == [60, 0]
    assert features.per_month.tolist() == [1.5, 1]
    assert features.net_flow.tolist() == [2500, -700]
    assert features.categories.tolist() == [2, 1]
    logs = np.log1p([10000, 4000, 1000])
    assert features.mean_log_amount.tolist() == pytest.approx([logs.mean(), math.log1p(700)])
    assert gaps(table).tolist() == [15, 45]


def test_balance_features_by_hand():
    table = prepare(
        frame(
            ("a", "2024-01-01", 1.0, "credit", "x", 10.0),
            ("a", "2024-01-31", 1.0, "credit", "x", 20.0),
            ("a", "2024-03-01", 1.0, "credit", "x", 30.0),
            ("b", "2024-01-01", 1.0, "credit", "x", 5.0),
            ("b", "2024-01-01", 1.0, "credit", "x", 7.0),
        )
    )
    change, drift, volatility = balance_features(table)
    assert change.tolist() == [2000, 200]
    assert drift.tolist() == pytest.approx([1000.0])  # 10 units in 30 days; b has no time to drift
    assert volatility.tolist() == pytest.approx([np.std([1000, 2000, 3000]), 100.0])


def test_balance_features_pass_over_missing_balances():
    table = prepare(
        frame(
            ("a", "2024-01-01", 1.0, "credit", "x", np.nan),
            ("b", "2024-01-01", 1.0, "credit", "x", 1.0),
            ("b", "2024-01-31", 1.0, "credit", "x", 3.0),
        )
    )
    change, drift, _ = balance_features(table)
    assert change.tolist() == [200]
    assert drift.tolist() == pytest.approx([200.0])


def test_autocorrelation_by_hand():
    # Logs of 1 + cents are 1, 2, 1, 2 about a mean of 1.5: neighbours are opposite, every second one equal.
    amounts = [np.expm1(power) / 100 for power in (1, 2, 1, 2)]
    rows = [("a", f"2024-01-0{day}", amount, "debit", "x") for day, amount in enumerate(amounts, 1)]
    table = prepare(frame(*rows), minor_units=2)
    own = np.log1p(table.cents)
    own = own - own.mean()
    assert amount_autocorrelation(table, 1) == pytest.approx((own[1:] * own[:-1]).mean() / (own**2).mean())
    assert amount_autocorrelation(table, 1) < -0.9 < 0.9 < amount_autocorrelation(table, 2)


def test_autocorrelation_needs_pairs_and_variety():
    single = prepare(frame(("a", "2024-01-01", 1.0, "debit", "x"), ("b", "2024-01-01", 2.0, "debit", "x")))
    assert math.isnan(amount_autocorrelation(single, 1))
    same = prepare(frame(("a", "2024-01-01", 1.0, "debit", "x"), ("a", "2024-01-02", 1.0, "debit", "x")))
    assert math.isnan(amount_autocorrelation(same, 1))


def test_repeats_by_hand():
    table = prepare(
        frame(
            ("a", "2024-01-31", 9.99, "debit", "video"),
            ("a", "2024-02-29", 9.99, "debit", "video"),  # repeats, both on the last day
            ("a", "2024-03-05", 9.99, "debit", "video"),  # repeats, another day
            ("a", "2024-03-06", 9.99, "debit", "music"),  # another kind
            ("b", "2024-01-10", 9.99, "debit", "video"),
            ("b", "2024-03-10", 9.99, "debit", "video"),  # a month is missing
            ("c", "2024-01-10", 5.0, "debit", "video"),
            ("c", "2024-02-10", 5.0, "debit", "video"),  # repeats on the same day
        )
    )
    repeats, same_day = repeat_shares(table, kinds(table))
    assert repeats == pytest.approx(3 / 5)
    assert same_day == pytest.approx(2 / 5)


def test_repeats_are_unknown_within_one_month():
    table = prepare(frame(("a", "2024-01-31", 9.99, "debit", "video")))
    assert all(math.isnan(share) for share in repeat_shares(table, kinds(table)))


def test_mix_changes_by_hand():
    table = prepare(
        frame(
            ("a", "2024-01-01", 1.0, "debit", "food"),
            ("a", "2024-01-02", 1.0, "debit", "rent"),
            ("a", "2024-02-01", 1.0, "debit", "food"),
            ("a", "2024-04-01", 1.0, "debit", "food"),  # no month before
            ("b", "2024-01-02", 1.0, "debit", "rent"),
            ("b", "2024-02-02", 1.0, "debit", "food"),
        )
    )
    assert mix_changes(table, kinds(table)).tolist() == pytest.approx([0.5, 1.0])


def test_runs_stay_inside_customers():
    found = runs(np.array([1, 2, 3, 4, 5]), np.array([0, 0, 0, 1, 1]), 2)
    assert found.tolist() == [[1, 2], [2, 3], [4, 5]]
    assert runs(np.array([1]), np.array([0]), 2).shape == (0, 2)


def test_amounts_by_hand():
    real = prepare(
        frame(*[("a", "2024-01-01", amount, "debit", "x") for amount in (1000.0, 10.0, 9.99, 0.5)])
    )
    other = prepare(frame(*[("a", "2024-01-01", amount, "debit", "x") for amount in (10.0, 9.99)]))
    members = fidelity_groups(real, other)["amounts"]
    assert members["amount"] == pytest.approx(0.75)
    assert members["amount_given_kind"] == pytest.approx(0.75)
    assert members["cents"] == pytest.approx(0.75)  # 00: .5/.5, 99: .25/.5, 50: .25/0
    # Multiples of 1: .5/.5, of 10: .5/.5, of 100: .25/0, of 1000: .25/0, .99: .25/.5.
    assert members["roundness"] == pytest.approx(np.mean([1, 1, 0.75, 0.75, 0.75]))


def test_a_kind_that_is_lacking_counts_as_lost():
    real = prepare(frame(("a", "2024-01-01", 1.0, "debit", "x"), ("a", "2024-01-01", 1.0, "debit", "y")))
    other = prepare(frame(("a", "2024-01-01", 1.0, "debit", "x"), ("a", "2024-01-01", 1.0, "credit", "y")))
    assert fidelity_groups(real, other)["amounts"]["amount_given_kind"] == pytest.approx(0.5)


def test_calendar_by_hand():
    real = prepare(frame(("a", "2024-01-30", 1.0, "debit", "x"), ("a", "2024-01-31", 1.0, "debit", "x")))
    other = prepare(frame(("a", "2024-02-29", 1.0, "debit", "x"), ("a", "2024-02-29", 1.0, "debit", "x")))
    members = fidelity_groups(real, other)["calendar"]
    assert members["day_of_month"] == 0.0
    assert members["month_end"] == pytest.approx(0.5)
    assert members["weekday"] == 0.0  # Tuesday and Wednesday against Thursday
    assert members["month"] == 0.0
    assert members["days_between"] == 0.0


def test_group_scores_leave_out_what_is_unknown():
    scores = group_scores(
        {"amounts": {"x": 1.0, "y": float("nan"), "z": 0.5}, "balance": {"x": float("nan")}}
    )
    assert scores["amounts"] == pytest.approx(75.0)
    assert math.isnan(scores["balance"])
    assert overall(scores) == pytest.approx(75.0)
    assert math.isnan(overall({"balance": float("nan")}))


def test_weights_make_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    weighted = overall(dict.fromkeys(WEIGHTS, 0.0) | {"dynamics": 100.0})
    assert weighted == pytest.approx(10.0)


@given(tables())
def test_a_table_is_most_like_itself(table):
    groups = fidelity_groups(prepare(table), prepare(table))
    values = [value for members in groups.values() for value in members.values()]
    assert all(math.isnan(value) or value == pytest.approx(1.0) for value in values)


@given(tables(), tables())
def test_members_lie_between_0_and_1(left, right):
    groups = fidelity_groups(prepare(left), prepare(right))
    values = [value for members in groups.values() for value in members.values()]
    assert all(math.isnan(value) or -1e-9 <= value <= 1 + 1e-9 for value in values)


@given(tables(min_rows=2), tables(min_rows=2))
def test_ids_and_names_of_categories_do_not_matter(left, right):
    renaming = {"salary": "1", "rent": "pay", "food": "zz", "<b>": "salary"}
    before = fidelity_groups(prepare(left), prepare(right))
    renamed = [
        table.assign(
            customer_id="x" + table["customer_id"],
            transaction_category=table["transaction_category"].map(renaming),
        )
        for table in (left, right)
    ]
    after = fidelity_groups(prepare(renamed[0]), prepare(renamed[1]))
    for group, members in before.items():
        assert after[group] == pytest.approx(members, nan_ok=True)


def test_the_floor_keeps_columns_and_breaks_rows():
    real = prepare(crowd(30, 0))
    floor = shuffle_floor(real, 1)
    for column in real.frame.columns:
        assert sorted(real.frame[column].tolist()) == sorted(floor.frame[column].tolist())
    scores = group_scores(fidelity_groups(real, floor))
    best = group_scores(fidelity_groups(real, prepare(crowd(30, 1, prefix="H"))))
    assert overall(scores) + 15 < overall(best)
    pd.testing.assert_frame_equal(floor.frame, shuffle_floor(real, 1).frame)


def test_more_noise_never_raises_fidelity():
    table = crowd(40, 0)
    real = prepare(table)
    scores = []
    for noise in (0.0, 0.05, 0.5, 2.0):
        rng = np.random.default_rng(3)
        factor = np.exp(rng.normal(scale=noise, size=len(table)))
        noisy = table.assign(transaction_amount=(table["transaction_amount"] * factor).round(2).clip(0.01))
        scores.append(overall(group_scores(fidelity_groups(real, prepare(with_balances(noisy, 500.0))))))
    assert scores[0] == pytest.approx(100.0)
    assert all(left > right for left, right in pairwise(scores))


def test_the_scale_runs_from_the_floor_to_the_holdout():
    real, holdout = prepare(crowd(40, 0)), prepare(crowd(40, 1, prefix="H"))
    rng = np.random.default_rng(0)
    as_holdout = fidelity(real, holdout, holdout, rng)
    assert as_holdout.normalised == pytest.approx(100.0)
    assert as_holdout.score == as_holdout.reference == 100.0
    assert as_holdout.similarity == as_holdout.holdout_similarity
    shuffled = fidelity(real, shuffle_floor(real, 5), holdout, rng)
    assert abs(shuffled.normalised) < 15
    assert shuffled.score == pytest.approx(max(0.0, shuffled.normalised))
    assert shuffled.similarity == pytest.approx(shuffled.floor_similarity, abs=5.0)
    assert shuffled.grade == "Very Poor"
    assert any("Dynamics" in concern.text for concern in shuffled.concerns)


def test_without_a_holdout_the_reference_is_unknown():
    real = prepare(crowd(20, 0))
    result = fidelity(real, real, None, np.random.default_rng(0))
    assert (result.score, result.reference, result.normalised) == (pytest.approx(100.0), None, None)
    assert (result.floor, result.holdout_similarity) == (0.0, None)
    assert result.grade == "Excellent"
    assert any("Without a holdout the scale runs" in note for note in result.notes)


def test_tables_without_balance_say_so():
    real = prepare(crowd(20, 0))
    other = prepare(crowd(20, 1).drop(columns="account_balance"))
    result = fidelity(real, other, None, np.random.default_rng(0))
    assert result.breakdown["balance"].score is None
    assert any("Balance" in note for note in result.notes)


def test_a_smaller_holdout_is_compared_at_equal_size():
    real, synthetic = prepare(crowd(60, 0)), prepare(crowd(60, 1, prefix="S"))
    small = prepare(crowd(12, 2, prefix="H"))
    result = fidelity(real, synthetic, small, np.random.default_rng(0))
    assert result.similarity > result.holdout_similarity  # more customers, all else equal
    assert 70 < result.normalised < 130
    assert any("equal numbers" in note for note in result.notes)


@pytest.mark.skipif(not DATA.exists(), reason="the bank's data are not there")
def test_levels_on_a_real_bank():
    real = prepare(pd.read_parquet(DATA / "train.parquet"))
    holdout = prepare(pd.read_parquet(DATA / "holdout.parquet"))
    scores = group_scores(fidelity_groups(real, holdout))
    assert overall(scores) == pytest.approx(94.1, abs=1.0)
    published = {"amounts": 94.9, "calendar": 97.8, "categories_and_sequences": 90.0, "customers": 94.5}
    assert {name: scores[name] for name in published} == pytest.approx(published, abs=1.5)
    floor = group_scores(fidelity_groups(real, shuffle_floor(real, 0)))
    assert overall(floor) == pytest.approx(69.3, abs=2.0)
