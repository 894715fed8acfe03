from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame
from hypothesis import given
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation import dps as module
from gretel_fin_synth.evaluation._binary import binary_digits, is_number, points, to_quantiles
from gretel_fin_synth.evaluation._dps_attributes import _decimals, _weights
from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation.dps import (
    LABELS,
    attribute_inference,
    dps,
    grade_attack,
    membership_inference,
)

DATA = Path(__file__).parents[1] / "../shared/data"
FIELDS = [
    "transaction_date",
    "transaction_amount",
    "transaction_type",
    "transaction_category",
    "account_balance",
]


def rng(seed=0):
    return np.random.default_rng(seed)


def numbers_frame(values):
    return pd.DataFrame(
        {"amount": np.asarray(values, dtype=float), "tax": np.asarray(values, dtype=float) / 10}
    )


# --- rows as points ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 500), min_size=1))
def test_binary_digits_spell_the_number(codes):
    digits = binary_digits(np.array(codes))
    assert digits.shape[1] == max(codes).bit_length()
    assert (digits @ 2.0 ** np.arange(digits.shape[1])[::-1]).tolist() == codes


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=40))
def test_quantiles_of_few_rows_are_the_middle_ranks_of_equal_values(values):
    ordered = sorted(values)
    last = len(values) - 1
    expected = [
        0.0
        if value == ordered[0]
        else 1.0
        if value == ordered[-1]
        else (ordered.index(value) + last - ordered[::-1].index(value)) / (2 * last)
        for value in values
    ]
    assert to_quantiles(np.array(values, dtype=float)[:, None])[:, 0] == pytest.approx(expected)


def test_quantiles_of_many_rows_are_scikit_learns():
    from sklearn.preprocessing import QuantileTransformer

    values = np.column_stack([rng(1).normal(size=3000), rng(2).integers(0, 4, 3000)])
    expected = QuantileTransformer(n_quantiles=1000, subsample=None).fit_transform(values)
    assert to_quantiles(values) == pytest.approx(expected, abs=1e-3)


def test_values_are_numbered_by_first_appearance_over_all_frames():
    first, second = pd.DataFrame({"x": ["b", "a"]}), pd.DataFrame({"x": ["a", "c"]})
    placed = np.concatenate(points([first, second], ["x"]))
    # b, a, c are 1, 2, 3: the high digits are 0, 1, 1, 1, the low ones 1, 0, 0, 1
    assert placed.tolist() == [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]


def test_truth_values_and_dates_are_no_numbers():
    table = pd.DataFrame({"flag": [True], "day": [pd.Timestamp("2024-01-01")], "n": [1], "x": [0.5]})
    assert [is_number(name, [table]) for name in table] == [False, False, True, True]
    assert not is_number("n", [table, table.assign(n="one")])


# --- membership --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "accuracy", "grade"),
    [
        (0.0, 0.5, "Excellent"),
        (0.549, 0.549, "Excellent"),  # both round to 0.5
        (0.5, 0.6, "Very Good"),
        (0.84, 0.5, "Very Good"),
        (0.6, 0.8, "Good"),
        (0.9, 0.8, "Moderate"),
        (0.9, 0.4, "Moderate"),
        (0.9, 0.9, "Poor"),
    ],
)
def test_an_attack_is_graded_on_rounded_rates(precision, accuracy, grade):
    assert grade_attack(precision, accuracy) == grade


def test_membership_by_hand_when_all_training_rows_are_copies():
    """Members lie at distance 0 and all others at the same one: every guess is right, at every threshold."""
    train, holdout = numbers_frame([1.0] * 40), numbers_frame([9.0] * 40)
    found = membership_inference(train, train, holdout, ["amount", "tax"])
    assert found.grades == {"Excellent": 0.0, "Very Good": 0.0, "Good": 0.0, "Moderate": 0.0, "Poor": 1.0}
    assert (found.score, found.auc, found.rows) == (0.0, 1.0, 40)


def test_membership_by_hand_when_all_rows_are_equally_far():
    """Every scaled distance is 1, above all thresholds: nobody is held for a member."""
    same = numbers_frame([1.0, 1.0, 1.0, 1.0])
    found = membership_inference(same, numbers_frame([5.0]), same, ["amount", "tax"])
    # in the first 2, 3, ... of 8 shuffled rows the share of others is the accuracy; the precision is 0
    assert found.grades["Moderate"] + found.grades["Poor"] <= 0.2
    assert found.auc == 0.5
    assert found.score > 75


def test_membership_counts_360_attacks_on_new_rows_in_each_run():
    train, holdout = crowd(30, 1), crowd(3, 2, prefix="H").head(20)
    found = membership_inference(train, crowd(30, 3), holdout, FIELDS)
    assert list(found.grades) == list(reversed(LABELS))
    assert sum(found.grades.values()) == pytest.approx(1.0)
    assert found.rows == 20
    counts = np.array(list(found.grades.values())) * 360
    assert counts == pytest.approx(np.rint(counts))


# --- attributes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "decimals"), [(500.0, 0), (0.5, 1), (0.25, 2), (12.75, 2)])
def test_decimals_are_those_of_the_binary_number(value, decimals):
    assert _decimals(value, np.dtype(float)) == decimals


def test_cents_have_dozens_of_decimals_as_a_computer_holds_them():
    assert _decimals(12.34, np.dtype(float)) > 40
    assert _decimals(12.0, np.dtype(int)) == 0


def test_weights_rise_with_entropy_and_sum_to_one():
    table = pd.DataFrame({"same": list("aaaa"), "two": list("aabb"), "four": list("abcd")})
    weights = _weights(table, list(table))
    # entropies 0, 0.69 and 1.39 nats
    assert weights == pytest.approx({"same": 0.0, "two": 0.69 / 2.08, "four": 1.39 / 2.08})
    assert _weights(table[["two"]].assign(other=list("xxyy")), ["two", "other"]) == {"two": 0.5, "other": 0.5}


def test_attributes_by_hand():
    """With two columns one is known at a time; a copy gives the other away, unless it has cents."""
    table = pd.DataFrame({"kind": list("abcd") * 10, "amount": [100.0, 200.0, 300.0, 400.0] * 10})
    copied = attribute_inference(table, table, ["kind", "amount"])
    assert copied.attacks == 2
    assert copied.accuracy == {"kind": 1.0, "amount": 1.0}
    # equal entropies: weights 1/2, so n a w = 2 * 1 * 0.5 = 1, above the full risk of 0.7
    assert copied.columns == {"kind": 0.0, "amount": 0.0}
    assert copied.score == 0.0


def test_amounts_with_cents_are_held_to_dozens_of_decimals():
    table = pd.DataFrame({"kind": list("abcd") * 10, "amount": [1000.0, 2000.0, 3000.0, 4000.0] * 10})
    table.loc[::8, "amount"] += 1  # the mean of the five nearest is off by less than 1 %
    whole = attribute_inference(table, table, ["kind", "amount"])
    cents = table.assign(amount=table["amount"] + 0.34)
    assert whole.accuracy["amount"] == 1.0
    assert attribute_inference(cents, cents, ["kind", "amount"]).accuracy["amount"] == 0.0


@pytest.mark.parametrize(("columns", "attacks"), [(5, 10), (6, 20), (7, 35)])
def test_one_attack_for_each_combination_of_three_columns(columns, attacks):
    table = pd.DataFrame({f"x{number}": rng(number).integers(0, 9, 50) for number in range(columns)})
    assert attribute_inference(table, table, list(table)).attacks == attacks


def test_numbers_that_are_called_codes_must_be_met_exactly():
    table = pd.DataFrame({"branch_code": [10, 11, 12, 13] * 5, "kind": list("abcd") * 5})
    near = table.assign(branch_code=table["branch_code"] + rng().integers(0, 2, 20) * 0.05)
    found = attribute_inference(table.astype({"branch_code": float}), near, ["branch_code", "kind"])
    assert found.accuracy["branch_code"] in (0.0, 1.0)


# --- the score ---------------------------------------------------------------------------------------------


def test_score_is_the_mean_of_both_parts_beside_the_holdouts():
    real, synthetic, holdout = (prepare(crowd(30, seed)) for seed in (1, 2, 3))
    found = dps(real, synthetic, holdout, rng())
    parts = [found.breakdown[f"{name}_inference_protection"] for name in ("membership", "attribute")]
    assert found.score == pytest.approx(np.mean([part.score for part in parts]))
    assert found.reference == pytest.approx(np.mean([part.reference for part in parts]))
    assert found.grade in LABELS
    assert set(parts[1].breakdown) == set(FIELDS)
    assert "other orders of the columns" in parts[1].notes[0]


def test_without_a_holdout_it_is_attribute_inference_alone():
    real, synthetic = prepare(crowd(10, 1)), prepare(crowd(10, 2))
    found = dps(real, synthetic, None, rng())
    assert list(found.breakdown) == ["attribute_inference_protection"]
    assert found.score == found.breakdown["attribute_inference_protection"].score
    assert found.reference is None
    assert any("no membership inference" in note for note in found.notes)


def test_a_part_of_zero_counts(monkeypatch):
    nothing = module.MembershipInference(0.0, dict.fromkeys(LABELS, 0.2), 1.0, 10)
    monkeypatch.setattr(module, "membership_inference", lambda *_: nothing)
    real, holdout = prepare(crowd(10, 1)), prepare(crowd(10, 2))
    found = dps(real, real, holdout, rng())
    assert found.score == found.breakdown["attribute_inference_protection"].score / 2
    assert any("would leave it out" in note for note in found.notes)


def test_identifiers_count_only_when_asked_for():
    table = prepare(crowd(10, 1))
    plain, all_columns = (
        dps(table, table, None, rng(), identifiers=choice).breakdown["attribute_inference_protection"]
        for choice in ("exclude", "include")
    )
    assert "customer_id" not in plain.breakdown
    assert "customer_id" in all_columns.breakdown
    with pytest.raises(ParameterError, match="identifiers must be"):
        dps(table, table, None, rng(), identifiers="maybe")
    evaluation = fs.evaluate(crowd(10, 1), crowd(10, 2), identifiers="include", measures=["dps"])
    assert "customer_id" in evaluation.dps.breakdown["attribute_inference_protection"].breakdown


def test_the_same_seed_gives_the_same_score_and_the_input_stays():
    real, synthetic, holdout = (prepare(crowd(12, seed)) for seed in (1, 2, 3))
    before = real.source.copy()
    assert dps(real, synthetic, holdout, rng(4)) == dps(real, synthetic, holdout, rng(4))
    pd.testing.assert_frame_equal(real.source, before)


def test_missing_cells_and_single_rows_are_measured():
    holes = crowd(6, 1)
    holes.loc[::3, "transaction_category"] = None
    holes.loc[1::3, "account_balance"] = None
    one = prepare(frame(("a", "2024-01-01", 1.0, "debit", "x", 1.0)))
    for other in (prepare(holes), one):
        found = dps(prepare(crowd(6, 2)), other, prepare(crowd(6, 3)), rng())
        assert 0 <= found.score <= 100


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
def test_on_a_real_bank_it_agrees_with_the_published_implementation():
    """Membership is 63 for a copy and 100 for honest rows, attribute inference over orders 70 and 90."""
    train, holdout = (
        pd.read_parquet(DATA / "berka_early" / f"{part}.parquet") for part in ("train", "holdout")
    )
    codes = pd.factorize(holdout["customer_id"])[0]
    unseen, control = holdout[codes < 125], holdout[codes >= 125]
    copy = dps(prepare(train), prepare(train), prepare(control), rng(1))
    honest = dps(prepare(train), prepare(unseen), prepare(control), rng(1))
    membership = [each.breakdown["membership_inference_protection"] for each in (copy, honest)]
    assert membership[0].score == pytest.approx(63, abs=3)
    assert membership[0].breakdown["auc_of_the_distances"] == pytest.approx(1.0, abs=0.001)
    assert membership[1].score == pytest.approx(100, abs=2)
    assert membership[1].breakdown["auc_of_the_distances"] == pytest.approx(0.515, abs=0.04)
    orders = [list(rng(seed).permutation(FIELDS)) for seed in range(5)]
    means = [
        np.mean([attribute_inference(train.head(5000), table, order).score for order in orders])
        for table in (train.head(5000), unseen.head(5000))
    ]
    assert means[0] == pytest.approx(70.0, abs=5.5)
    assert means[1] == pytest.approx(90.0, abs=5.5)


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
def test_on_the_original_pair_it_agrees_with_the_published_implementation():
    """Over orders of the columns the published code gives 74.8 on average, with a spread of 5.2."""
    real, synthetic = (
        read_table(DATA / "seed" / f"{name}.csv") for name in ("transactions_merged", "synthetic_data")
    )
    columns = [name for name in real.columns if name != "account_balance" and name in synthetic.columns]
    assert len(columns) == 6
    scores = [
        attribute_inference(real, synthetic, list(rng(seed).permutation(columns))).score for seed in range(16)
    ]
    assert np.mean(scores) == pytest.approx(74.8, abs=5.2)
