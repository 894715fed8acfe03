from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame, tables
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._ranking import Ranking, area, hits_at, rank
from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation.attacks import attacks, membership_attacks
from gretel_fin_synth.evaluation.attacks._fuzzy import fuzzy_patterns, fuzzy_rows, near_rows
from gretel_fin_synth.evaluation.attacks._measure import gain, proven
from gretel_fin_synth.evaluation.attacks._nearest import nearest_customer, nearest_distances
from gretel_fin_synth.evaluation.attacks._overlap import category_patterns, rare_rows, relative_runs
from gretel_fin_synth.evaluation.attacks._people import accused
from gretel_fin_synth.evaluation.attacks._risk import Success, risk, success, wilson
from gretel_fin_synth.evaluation.attacks._rows import row_attacks
from gretel_fin_synth.evaluation.attacks.membership import MEMBERSHIP_TITLES, membership_scores

few_levels = st.lists(st.integers(0, 5), min_size=1, max_size=20).map(lambda values: np.array(values, float))


def rng(seed=0):
    return np.random.default_rng(seed)


def rate(value, size=100.0):
    return Success(value, *wilson(value, size, 0.95), guesses=int(size), independent=size)


# --- ranking -----------------------------------------------------------------------------------------------


@given(few_levels, few_levels)
def test_area_is_the_share_of_pairs_in_the_right_order(first, second):
    above = (first[:, None] > second).sum() + 0.5 * (first[:, None] == second).sum()
    assert area(first, second) == pytest.approx(above / (len(first) * len(second)))
    assert area(first, second) + area(second, first) == pytest.approx(1.0)


@given(few_levels, few_levels)
def test_area_depends_on_the_order_only(first, second):
    assert area(np.exp(first), np.exp(second)) == area(first, second)


@given(few_levels, few_levels, st.sampled_from([0.01, 0.1, 0.5]))
def test_hits_are_the_best_of_all_thresholds(first, second, false_alarms):
    best = max(
        (
            (first >= threshold).mean()
            for threshold in range(7)
            if (second >= threshold).mean() <= false_alarms
        ),
        default=0.0,
    )
    assert hits_at(first, second, false_alarms) == pytest.approx(best)


def test_the_interval_of_a_ranking_by_hand():
    certain = rank(np.array([2.0, 3.0]), np.array([0.0, 1.0]), rng())
    assert (certain.auc, certain.high, certain.tpr) == (1.0, 1.0, 1.0)
    assert certain.low == pytest.approx(
        1 - 1.95996 * np.sqrt(5 / 48), abs=1e-4
    )  # what chance does to 2 and 2
    tied = rank(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0]), rng())
    assert tied.auc == 0.75
    # of 6 scores 2 and 4 are equal: variance (7 - (6 + 60) / 30) / (12 * 8)
    assert tied.low == pytest.approx(0.75 - 1.95996 * np.sqrt(4.8 / 96), abs=1e-4)
    owners = np.arange(2)
    alone = rank(
        np.array([2.0, 3.0]), np.array([0.0, 1.0]), rng(), first_customer=owners, second_customer=owners
    )
    assert alone.low == 1.0  # of customers with several scores, the bootstrap alone


def test_scores_of_one_customer_are_drawn_together():
    first, second = rng(1).normal(size=400), rng(2).normal(size=400)
    owners = np.repeat(np.arange(8), 50)
    shifted = first + rng(3).normal(size=8)[owners]
    alone = rank(shifted, second, rng())
    together = rank(shifted, second, rng(), first_customer=owners, second_customer=owners)
    assert together.auc == alone.auc
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert (together.n_first, together.n_second) == (8, 8)


@pytest.mark.parametrize("scores", [np.zeros(0), np.array([1.0, np.nan])], ids=["none", "nan"])
def test_a_group_that_cannot_be_ranked_is_named(scores):
    with pytest.raises(ParameterError, match="The second group has"):
        rank(np.array([1.0]), scores, rng())


# --- risk --------------------------------------------------------------------------------------------------


def test_wilson_by_hand():
    low, high = wilson(0.0, 10, 0.95)
    assert (low, round(high, 4)) == (0.0, 0.2775)  # z^2 / (10 + z^2)
    low, high = wilson(0.5, 4, 0.95)
    assert (round(low, 4), round(high, 4)) == (0.15, 0.85)


def test_risk_by_hand():
    found = risk(rate(0.6), rate(0.2), 0.95)
    assert found.risk == pytest.approx(0.5)
    # centers (0.6 + 0.0192) / 1.0384 = 0.5963 and 0.2111, half widths 0.0943 and 0.0777, carried over:
    # center 0.4883, half width hypot(0.0943 / 0.7889, 0.0777 * 0.4037 / 0.7889^2) = 0.1297
    assert (found.low, found.high) == pytest.approx((0.3586, 0.6179), abs=2e-3)
    assert found.found


@given(st.floats(0, 1), st.floats(0, 0.95), st.integers(5, 500), st.integers(5, 500))
def test_risk_lies_in_its_interval(attack, control, n_attack, n_control):
    found = risk(rate(attack, n_attack), rate(control, n_control), 0.95)
    assert 0.0 <= found.low <= found.risk <= found.high <= 1.0
    if attack <= control:
        assert found.risk == 0.0
        assert not found.found


def test_an_attack_that_always_succeeds_on_the_control_is_ignored():
    found = risk(rate(1.0), rate(0.96), 0.95)
    assert (found.risk, found.low, found.found, gain(found), proven(found)) == (None, None, False, 0.0, 0.0)


def test_guesses_of_one_customer_count_as_few():
    owners = np.repeat(np.arange(10), 20)
    gathered = success(owners < 5, owners, 0.95)
    assert gathered.independent == pytest.approx(9.0)  # (n - 1) customers, all guesses of each alike
    spread = success(np.tile([True, False], 100), owners, 0.95)
    assert spread.independent == 200.0
    assert gathered.high - gathered.low > 2 * (spread.high - spread.low)
    assert success(np.zeros(200, dtype=bool), owners, 0.95).independent == 10.0


def test_success_of_nothing_is_an_error():
    with pytest.raises(ParameterError, match="no guess"):
        success(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64), 0.95)


def test_gain_is_the_worse_of_area_and_hits():
    many = Ranking(0.55, 0.45, 0.65, 0.31, 0.2, 0.4, level=0.95, n_first=200, n_second=200)
    assert gain(many) == pytest.approx(0.30)
    assert proven(many) == pytest.approx(0.19)
    few = Ranking(0.55, 0.45, 0.65, 0.31, 0.2, 0.4, level=0.95, n_first=10, n_second=10)
    assert gain(few) == pytest.approx(0.10)  # three false alarms of ten are 30 %
    assert proven(few) == 0.0


# --- rows --------------------------------------------------------------------------------------------------

TRAIN = frame(
    ("a", "2024-01-01", 10.0, "credit", "pay", 10.0),
    ("a", "2024-01-09", 5.0, "debit", "food", 5.0),
    ("b", "2024-01-01", 10.0, "credit", "pay", 30.0),
)
HOLDOUT = frame(
    ("h", "2024-01-09", 5.1, "debit", "food", 2.0), ("h", "2024-02-20", 9.0, "debit", "rent", 1.0)
)
SYNTHETIC = frame(
    ("x", "2024-01-01", 10.0, "credit", "pay", 10.0),
    ("x", "2024-01-11", 5.0, "debit", "food", 5.0),
    ("x", "2024-02-20", 9.0, "debit", "rent", -4.0),
)


def hits(name, train=TRAIN, synthetic=SYNTHETIC, holdout=HOLDOUT):
    found = row_attacks(prepare(train), prepare(synthetic), prepare(holdout), rng())[name]
    return tuple(part[0].tolist() for part in found)


def test_a_row_is_singled_out_if_no_other_real_row_equals_it():
    # the pay of a and b is in the synthetic table, but fits both; the rent of the holdout fits one
    assert hits("row_singled_out") == ([False, False, False], [False, True])


def test_a_row_is_singled_out_through_noise():
    # the food of x is 2 days and 2 % from both foods, so it names neither of them
    assert hits("row_singled_out_nearly") == ([False, False, False], [False, True])
    alone = HOLDOUT.assign(transaction_amount=[9.0, 9.0])
    assert hits("row_singled_out_nearly", holdout=alone)[0] == [False, True, False]


def test_category_and_amount_are_those_of_the_nearest_row():
    assert hits("category_inferred")[0] == [True, True, True]
    assert hits("amount_inferred")[0] == [True, True, True]
    other = SYNTHETIC.assign(transaction_amount=[10.4, 5.0, 9.0])
    assert hits("amount_inferred", synthetic=other)[0] == [False, True, False]  # 4 % off


@given(tables(), tables())
def test_near_rows_are_all_pairs_that_agree(first, second):
    one, two = prepare(first), prepare(second)
    found = set(zip(*(part.tolist() for part in near_rows(one, [two])), strict=True))
    expected = set()
    for row in range(len(one)):
        for other in range(len(two)):
            close = abs(np.log(one.cents[row]) - np.log(two.cents[other])) <= 0.0305
            if one.kind[row] == two.kind[other] and abs(one.day[row] - two.day[other]) <= 3 and close:
                expected.add((row, other))
    assert found == expected


# --- customers ---------------------------------------------------------------------------------------------


@given(
    arrays.arrays(float, (6, 3), elements=st.floats(-4, 4)),
    arrays.arrays(float, (4, 3), elements=st.floats(-4, 4)),
)
def test_nearest_distances_are_the_smallest(points, among):
    expected = np.sqrt(((points[:, None] - among) ** 2).sum(axis=2)).min(axis=1)
    assert nearest_distances(points, among) == pytest.approx(expected, abs=1e-6)
    assert nearest_distances(among, among).max() < 1e-6


def test_a_copied_customer_is_singled_out_and_no_other():
    people = rng(1).normal(size=(40, 12))
    strangers = rng(2).normal(size=(10, 12))
    named = accused(people, np.concatenate([people[[7]], strangers]), rng())
    assert named[7]
    assert named.sum() <= 2
    assert not accused(people, np.zeros((3, 12)), rng()).any()  # nothing varies, nothing describes


# --- membership --------------------------------------------------------------------------------------------


def test_rare_rows_count_by_rarity():
    reference = prepare(
        frame(("r", "2024-01-01", 10.0, "credit", "pay"), ("s", "2024-01-05", 1.0, "debit", "x"))
    )
    target = prepare(
        frame(
            ("a", "2024-01-01", 10.0, "credit", "pay"),  # of two reference customers one has it: log(3/2)
            ("a", "2024-01-02", 20.0, "debit", "food"),  # none has it: log(3)
            ("b", "2024-01-03", 30.0, "debit", "food"),
        )
    )
    synthetic = prepare(frame(("z", "2024-01-02", 20.0, "debit", "food")))
    scores = rare_rows([target], synthetic, reference)[0]
    assert scores == pytest.approx([np.log(3) / (np.log(3) + np.log(1.5)), 0.0])


def test_runs_and_patterns_of_short_histories_score_nothing():
    target = prepare(frame(("a", "2024-01-01", 1.0, "debit", "x"), ("b", "2024-01-01", 1.0, "debit", "x")))
    for attack in (relative_runs, category_patterns, fuzzy_patterns, fuzzy_rows):
        assert attack([target], target, target)[0].tolist() == [0.0, 0.0]


def moved(table, days, factor, prefix="N"):
    """Every row a number of days later and every amount by a factor, under new ids."""
    return table.assign(
        customer_id=prefix + table["customer_id"],
        transaction_date=table["transaction_date"] + pd.to_timedelta(days, unit="D"),
        transaction_amount=(table["transaction_amount"] * factor).round(2),
    )


def test_fuzzy_rows_see_through_noise_and_fuzzy_patterns_through_a_shift_too():
    members, others, reference = (
        crowd(30, seed, prefix=name) for seed, name in ((1, "M"), (2, "O"), (3, "R"))
    )
    noise = rng(5)
    noisy = moved(members, noise.integers(-3, 4, len(members)), noise.uniform(0.97, 1.03, len(members)))
    late = moved(noisy, 45, 1.0, prefix="L")
    targets = [prepare(members), prepare(others)]

    def separation(attack, synthetic):
        return area(*attack(targets, prepare(synthetic), prepare(reference)))

    assert separation(fuzzy_rows, noisy) > 0.99
    assert separation(fuzzy_patterns, noisy) > 0.99
    assert separation(fuzzy_patterns, late) > 0.99
    assert separation(rare_rows, noisy) < 0.65
    assert separation(nearest_customer, noisy) > 0.6


def test_membership_scores_do_not_depend_on_the_order_of_rows_or_the_names_of_categories():
    train, synthetic, holdout = (crowd(12, seed) for seed in (1, 2, 3))
    names = {"salary": "zz", "rent": "mm", "groceries": "aa", "cash": "qq", "travel": "bb"}

    def changed(table):
        blocks = [part for _, part in table.groupby("customer_id")][::-1]
        mixed = pd.concat(blocks, ignore_index=True)
        return mixed.assign(transaction_category=mixed["transaction_category"].map(names))

    plain = membership_scores(prepare(train), prepare(synthetic), prepare(holdout), rng(4))
    other = membership_scores(
        prepare(changed(train)), prepare(changed(synthetic)), prepare(changed(holdout)), rng(4)
    )
    for name in set(MEMBERSHIP_TITLES) - {"nearest_customer", "density_ratio"}:  # these break ties by name
        for left, right in zip(plain[name], other[name], strict=True):
            assert left == pytest.approx(right)


@pytest.mark.parametrize("seed", range(6))
def test_members_of_an_honest_table_score_like_others(seed):
    train, synthetic, holdout = (prepare(crowd(30, 10 * seed + part)) for part in range(3))
    found = membership_attacks(train, synthetic, holdout, rng(seed))
    assert set(found.attacks) == set(MEMBERSHIP_TITLES)
    assert found.attacks[found.worst].auc == max(ranking.auc for ranking in found.attacks.values())
    assert all(proven(ranking) == 0.0 for ranking in found.attacks.values())


def test_too_few_customers_are_an_error_that_says_how_many():
    three = prepare(crowd(3, 1))
    with pytest.raises(ParameterError, match=r"holdout table has 3 customers; .* at least 4"):
        membership_attacks(prepare(crowd(8, 2)), prepare(crowd(8, 3)), three, rng())


# --- the measure -------------------------------------------------------------------------------------------


def test_without_a_control_nothing_is_claimed():
    table = prepare(crowd(8, 1))
    missing = attacks(table, table, None, rng())
    assert missing.score is None
    assert missing.grade is None
    assert not missing.concerns
    assert "no holdout" in missing.notes[0]
    few = attacks(table, prepare(crowd(2, 3)), prepare(crowd(8, 2)), rng())
    assert (few.score, few.notes) == (
        None,
        ("Not tested: the synthetic table has 2 customers, of 4 needed.",),
    )


def test_a_table_without_balances_can_be_attacked():
    train, holdout = (crowd(10, seed).drop(columns="account_balance") for seed in (1, 2))
    found = attacks(prepare(train), prepare(train), prepare(holdout), rng())
    assert found.score < 50
    assert found.concerns[0].forbids == "same team"


@pytest.mark.parametrize("case", ["one row each", "one amount", "one category", "one day"])
def test_poor_tables_are_measured_too(case):
    train, synthetic, holdout = (crowd(8, seed) for seed in (1, 2, 3))
    change = {
        "one row each": lambda table: table.groupby("customer_id").head(1),
        "one amount": lambda table: table.assign(transaction_amount=1.0, account_balance=0.0),
        "one category": lambda table: table.assign(transaction_category="x"),
        "one day": lambda table: table.assign(transaction_date=pd.Timestamp("2024-01-01")),
    }[case]
    found = attacks(*(prepare(change(table)) for table in (train, synthetic, holdout)), rng())
    assert 0 <= found.score <= 100


def test_attacks_are_the_same_for_the_same_seed():
    tables = [prepare(crowd(20, seed)) for seed in (1, 2, 3)]
    one, same, other = (attacks(*tables, rng(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one.breakdown != other.breakdown
