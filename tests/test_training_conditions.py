"""Conditions of sampling: another window, other shares, a given starting amount."""

from __future__ import annotations

import pandas as pd
import pytest
from sampling_conditions import ConditionsContract, entropy, share

pytest.importorskip("torch", reason="the embedded backend needs torch")

import gretel_fin_synth as fs
from gretel_fin_synth.training.local import conditions

pytestmark = pytest.mark.filterwarnings("ignore:.*was asked to have:UserWarning")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "TRIAL_ROWS", 5_000)


@pytest.fixture(scope="module")
def synthesizer() -> fs.TransactionSynthesizer:
    real = fs.make_transactions(40, start="2024-01-01", end="2024-03-31", seed=3)
    return fs.TransactionSynthesizer(epochs=6, hidden_size=32).fit(real, seed=3, progress=False)


class TestConditions(ConditionsContract):
    conditions = conditions


def test_a_window_of_one_s_own_is_kept_and_filled(synthesizer: fs.TransactionSynthesizer) -> None:
    frame = synthesizer.sample(n_customers=40, seed=1, start="2026-03-01", end="2027-02-28")
    assert frame["transaction_date"].min() >= pd.Timestamp("2026-03-01")
    assert frame["transaction_date"].max() < pd.Timestamp("2027-03-01")
    months = frame["transaction_date"].dt.to_period("M").value_counts()
    assert len(months) == 12
    assert months.min() > 0.2 * months.max()
    assert fs.check_balance(frame).ok


def test_a_longer_window_has_more_rows(synthesizer: fs.TransactionSynthesizer) -> None:
    short = synthesizer.sample(n_customers=40, seed=1)
    long = synthesizer.sample(n_customers=40, seed=1, end="2024-09-30")
    assert 2 < len(long) / len(short) < 4.5


@pytest.mark.parametrize("factor", [0.4, 2.0])
def test_shares_are_lowered_and_raised(synthesizer: fs.TransactionSynthesizer, factor: float) -> None:
    usual = share(synthesizer.sample(n_customers=100, seed=2), "transaction_category", "groceries")
    where = {"transaction_category": {"groceries": factor * usual}}
    frame = synthesizer.sample(n_customers=100, seed=2, where=where)
    assert share(frame, "transaction_category", "groceries") == pytest.approx(factor * usual, rel=0.35)
    assert fs.check_balance(frame).ok


def test_a_share_of_zero_leaves_none(synthesizer: fs.TransactionSynthesizer) -> None:
    frame = synthesizer.sample(n_customers=80, seed=2, where={"transaction_category": {"groceries": 0}})
    assert share(frame, "transaction_category", "groceries") == 0


def test_conditions_do_not_change_the_model(synthesizer: fs.TransactionSynthesizer) -> None:
    before = synthesizer.sample(n_customers=10, seed=5)
    where = {"transaction_category": {"groceries": 0.2}, "starting_amount": 10.0}
    synthesizer.sample(n_customers=10, seed=5, start="2023-12-01", where=where)
    pd.testing.assert_frame_equal(synthesizer.sample(n_customers=10, seed=5), before)
    assert where == {"transaction_category": {"groceries": 0.2}, "starting_amount": 10.0}


def test_a_temperature_below_one_is_more_typical(synthesizer: fs.TransactionSynthesizer) -> None:
    cold, usual = (synthesizer.sample(n_customers=80, seed=1, temperature=t) for t in (0.5, 1.0))
    assert entropy(cold) < entropy(usual)
