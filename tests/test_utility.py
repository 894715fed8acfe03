from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame
from hypothesis import given
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import utility as utility_module
from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation._tasks import Examples, next_category, next_net_flow, overdraft
from gretel_fin_synth.evaluation.utility import (
    TITLES,
    _error_saved,
    _surprise_saved,
    share_of_skill,
    utility,
)


def rng(seed=0):
    return np.random.default_rng(seed)


# --- examples ----------------------------------------------------------------------------------------------


def test_the_next_category_by_hand():
    table = frame(
        ("a", "2024-01-01", 1.0, "debit", "x"),
        ("a", "2024-01-02", 1.0, "debit", "z"),
        ("b", "2024-01-01", 1.0, "debit", "y"),
        ("b", "2024-01-03", 1.0, "debit", "x"),
        ("b", "2024-01-04", 1.0, "debit", "y"),
    )
    examples = next_category([prepare(table)])[0]
    assert examples.label.tolist() == [2, 0, 1]  # z; x, y; never from one customer to the next
    assert len(examples.features) == 3


def test_examples_look_back_only():
    """What comes after a row changes nothing that is known at it."""
    table = crowd(3, 1)
    changed = table.copy()
    last = table.groupby("customer_id").tail(1).index
    changed.loc[last, ["transaction_amount", "account_balance"]] += 777.0
    changed.loc[last, "transaction_date"] += pd.Timedelta(days=1)
    for make in (next_category, next_net_flow, overdraft):
        whole, other = make([prepare(table)])[0], make([prepare(changed)])[0]
        known = len(whole) // 3 - 1  # examples of the first customer, less the last
        assert known > 2
        np.testing.assert_array_equal(whole.features[:known], other.features[:known])


def test_the_next_net_flow_by_hand():
    table = frame(
        ("a", "2024-01-05", 100.0, "credit", "pay"),
        ("a", "2024-02-05", 40.0, "debit", "rent"),
        ("a", "2024-04-05", 70.0, "credit", "pay"),
        ("a", "2024-04-09", 20.0, "debit", "rent"),
        ("b", "2024-01-01", 10.0, "credit", "pay"),  # one month: nothing to foresee
    )
    examples = next_net_flow([prepare(table)])[0]
    assert examples.label.tolist() == [0, 5000]  # after February comes an empty March, after it 70 - 20
    months, calendar, mean, net, net_before = examples.features[:, :5].T.tolist()
    assert months == [1, 2]
    assert calendar == [1, 2]  # February and March, from 0
    assert mean == [3000, 2000]
    assert (net, net_before) == ([-4000, 0], [10000, -4000])


def test_overdrafts_by_hand():
    table = frame(
        ("a", "2024-01-05", 100.0, "credit", "pay", 100.0),
        ("a", "2024-01-31", 10.0, "debit", "x", 90.0),  # asked: below zero 20 days later
        ("a", "2024-02-20", 95.0, "debit", "x", -5.0),  # below zero now: not asked
        ("a", "2024-03-05", 50.0, "credit", "pay", 45.0),  # asked: not below zero within 30 days
        ("a", "2024-05-20", 50.0, "debit", "x", -5.0),  # the table ends too soon
        ("b", "2024-03-31", 1.0, "credit", "pay", 1.0),  # asked; the overdraft is of another customer
        ("b", "2024-05-21", 1.0, "credit", "pay", 2.0),
    )
    examples = overdraft([prepare(table)])[0]
    assert examples.label.tolist() == [1, 0, 0]
    came, went, before, lowest = examples.features[:, -4:].T
    assert came == pytest.approx(np.log1p([10000, 5000, 100]))
    assert went == pytest.approx(np.log1p([1000, 9500, 0]))
    assert before.tolist() == [0, 1, 0]
    assert lowest == pytest.approx([np.log1p(9000), -np.log1p(500), np.log1p(100)])


def test_without_balances_there_is_no_overdraft():
    table = prepare(crowd(3, 1).drop(columns="account_balance"))
    assert len(overdraft([table])[0]) == 0


# --- skills ------------------------------------------------------------------------------------------------


def test_skills_by_hand():
    numbers = Examples(np.zeros((4, 1)), np.array([0, 10, 10, 100]), np.arange(4))
    assert _error_saved(numbers.label.astype(float), numbers) == 1.0
    assert _error_saved(np.full(4, 10.0), numbers) == 0.0
    assert _error_saved(np.array([0.0, 10.0, 10.0, 50.0]), numbers) == 0.5  # 50 wrong, of 100 by the median
    names = Examples(np.zeros((2, 1)), np.array([0, 1]), np.arange(2))
    assert _surprise_saved(np.log([0.5, 0.5]), names) == pytest.approx(0.0)
    assert _surprise_saved(np.zeros(2), names) == 1.0
    assert _surprise_saved(np.log([0.25, 0.25]), names) == pytest.approx(-1.0)


@given(st.floats(0.1, 1.0), st.floats(0.0, 0.05), st.floats(-1.0, 1.5))
def test_the_share_of_skill_runs_from_a_guess_to_the_real_model(real, naive, synthetic):
    share = share_of_skill(synthetic=synthetic, real=real, naive=naive)
    assert 0.0 <= share <= 1.0
    assert share_of_skill(synthetic=real, real=real, naive=naive) == 1.0
    assert share_of_skill(synthetic=naive, real=real, naive=naive) == 0.0
    if synthetic >= real:
        assert share == 1.0


# --- the measure -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank():
    """Three samples of one stand-in bank, whose overdrafts are not too rare."""
    table = fs.make_transactions(240, start="2023-01-01", end="2023-12-31", world="passbook", seed=8)
    codes = pd.factorize(table["customer_id"])[0]
    return [prepare(table[codes // 80 == part].reset_index(drop=True)) for part in range(3)]


def test_another_sample_of_the_bank_is_as_good_as_the_real_one(bank):
    found = utility(*bank, rng())
    assert set(found.breakdown) == set(TITLES)
    task = found.breakdown["next_category"]
    assert task.real > task.naive + 0.05
    assert task.score > 75
    assert task.examples > 1000
    assert found.score == min(part.score for part in found.breakdown.values() if part.score is not None)


def test_shuffled_columns_teach_nothing(bank):
    shuffled = bank[1].source.copy()
    for name in shuffled.columns:
        shuffled[name] = rng(len(name)).permutation(shuffled[name].to_numpy())
    found = utility(bank[0], prepare(shuffled), bank[2], rng())
    assert found.breakdown["next_category"].score < 30
    assert any("next transaction" in concern.text for concern in found.concerns)
    assert all(concern.forbids is None for concern in found.concerns)


def test_training_on_the_real_table_itself_reaches_the_real_skill(bank):
    small = [table.select(np.arange(40)) for table in (bank[0], bank[2])]
    task = utility(small[0], small[0], small[1], rng()).breakdown["next_category"]
    assert task.synthetic == pytest.approx(task.real, abs=0.05)


def test_a_task_whose_answer_never_varies_is_left_out_with_a_reason():
    rich = [prepare(crowd(30, seed)) for seed in (1, 2, 3)]
    found = utility(*rich, rng())
    task = found.breakdown["overdraft"]
    assert task.score is None
    assert "Not measured" in task.notes[0]
    assert (task.synthetic, task.real, task.examples) == (None, None, 0)
    one = [prepare(crowd(30, seed).assign(transaction_category="x")) for seed in (1, 2, 3)]
    assert (
        "the answer is the same in all examples" in utility(*one, rng()).breakdown["next_category"].notes[0]
    )


def test_a_synthetic_table_without_examples_is_worth_nothing(bank):
    single = bank[1].source.groupby("customer_id").head(1)
    task = utility(bank[0], prepare(single), bank[2], rng()).breakdown["next_category"]
    assert task.score == 0.0
    assert task.synthetic == task.naive
    assert "no examples" in task.notes[0]


def test_without_a_holdout_half_of_the_real_customers_are_tested_on():
    real, synthetic = prepare(crowd(40, 1)), prepare(crowd(20, 2))
    found = utility(real, synthetic, None, rng())
    assert "half of the real customers" in found.notes[0]
    assert found.breakdown["next_category"].tested == 20 * 23
    few = utility(prepare(crowd(7, 1)), synthetic, None, rng())
    assert few.score is None
    assert few.grade is None


def test_the_same_seed_gives_the_same_skills():
    tables = [prepare(crowd(15, seed)) for seed in (1, 2, 3)]
    assert utility(*tables, rng(5)) == utility(*tables, rng(5))


def test_a_skill_that_few_customers_could_show_by_chance_is_no_skill(monkeypatch):
    """Guesses that fit one customer of six by luck differ from none by less than two standard errors."""
    rng = np.random.default_rng(4)
    customer = np.repeat(np.arange(6), 20)
    label = rng.integers(-1000, 1000, 120)
    lucky = np.where(customer == 0, label, 0)
    plan = utility_module._PLANS["next_net_flow"]
    test = Examples(np.zeros((120, 1)), label, customer)
    skill = plan.measure(lucky, test)
    error = utility_module._standard_error(plan, lucky, test)
    assert skill > 0.1
    assert skill < 2 * error
    monkeypatch.setattr(utility_module, "_boosted", lambda *_, **__: lucky)
    alone = replace(plan, examples=lambda _: [test, test, test])
    found = utility_module._run(alone, [], rng)
    assert found.score is None
    assert "that chance explains" in found.notes[0]
    everyone = np.where(rng.random(120) < 0.2, label, 0)
    assert plan.measure(everyone, test) > 2 * utility_module._standard_error(plan, everyone, test)
