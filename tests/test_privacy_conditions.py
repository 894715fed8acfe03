"""Conditions of sampling with privacy: as without, and free, because the table is not looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from privacy_tables import SeededNoise
from sampling_conditions import ConditionsContract, entropy, share

import gretel_fin_synth as fs
from gretel_fin_synth.training.private import backend as backend_module
from gretel_fin_synth.training.private import conditions

WINDOW = ("2024-01-01", "2024-03-31")
pytestmark = pytest.mark.filterwarnings("ignore:.*was asked to have:UserWarning")


@pytest.fixture(scope="module")
def synthesizer() -> fs.TransactionSynthesizer:
    real = fs.make_transactions(150, start=WINDOW[0], end=WINDOW[1], seed=3)
    real["channel"] = np.where(real["transaction_type"] == "credit", "transfer", "card")
    pairs = sorted(set(zip(real["transaction_type"], real["transaction_category"], strict=True)))
    public = {"categories": pairs, "window": WINDOW, "values": {"channel": ["card", "transfer"]}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend_module, "SecureNoise", SeededNoise)
        request = fs.DifferentialPrivacy(20.0, public=public)
        made = fs.TransactionSynthesizer(privacy=request, extra_columns=[fs.ExtraColumn("channel")])
        return made.fit(real, seed=3)


class TestConditions(ConditionsContract):
    conditions = conditions


def test_a_window_of_one_s_own_is_kept_and_filled(synthesizer: fs.TransactionSynthesizer) -> None:
    frame = synthesizer.sample(n_customers=60, seed=1, start="2026-03-10", end="2027-02-20")
    assert frame["transaction_date"].min() >= pd.Timestamp("2026-03-10")
    assert frame["transaction_date"].max() < pd.Timestamp("2027-02-21")
    months = frame["transaction_date"].dt.to_period("M").value_counts()
    assert len(months) == 12
    assert months.drop(["2026-03", "2027-02"]).min() > 0.5 * months.max()
    assert fs.check_balance(frame).ok


@pytest.mark.parametrize(
    ("end", "longer"), [("2024-09-30", 3.0), ("2024-01-31", 1 / 3), ("2024-01-01", None)]
)
def test_rows_go_with_the_length_of_the_window(
    synthesizer: fs.TransactionSynthesizer, end: str, longer: float | None
) -> None:
    usual = synthesizer.sample(n_customers=60, seed=1)
    other = synthesizer.sample(n_customers=60, seed=1, end=end)
    assert other["customer_id"].nunique() == 60
    assert other["transaction_date"].max() < pd.Timestamp(end) + pd.Timedelta(days=1)
    if longer is not None:
        assert len(other) / len(usual) == pytest.approx(longer, rel=0.35)


@pytest.mark.parametrize("factor", [0.4, 2.0])
def test_shares_are_lowered_and_raised(synthesizer: fs.TransactionSynthesizer, factor: float) -> None:
    usual = share(synthesizer.sample(n_customers=200, seed=2), "transaction_category", "groceries")
    where = {"transaction_category": {"groceries": factor * usual}}
    frame = synthesizer.sample(n_customers=200, seed=2, where=where)
    assert share(frame, "transaction_category", "groceries") == pytest.approx(factor * usual, rel=0.35)
    assert fs.check_balance(frame).ok
    by_type = (frame["channel"] == "transfer").groupby(frame["transaction_type"]).mean()
    assert by_type["credit"] > by_type["debit"] + 0.3


def test_a_share_of_zero_leaves_none(synthesizer: fs.TransactionSynthesizer) -> None:
    frame = synthesizer.sample(n_customers=80, seed=2, where={"transaction_category": {"groceries": 0}})
    assert share(frame, "transaction_category", "groceries") == 0
    assert frame["transaction_category"].nunique() > 3


def test_conditions_do_not_change_the_model(synthesizer: fs.TransactionSynthesizer) -> None:
    before, spent = synthesizer.sample(n_customers=10, seed=5), synthesizer.privacy_
    where = {"transaction_category": {"groceries": 0.2}, "starting_amount": 10.0}
    synthesizer.sample(n_customers=10, seed=5, start="2023-12-01", where=where, temperature=0.7)
    pd.testing.assert_frame_equal(synthesizer.sample(n_customers=10, seed=5), before)
    assert synthesizer.privacy_ == spent


def test_conditions_after_saving_and_loading(synthesizer: fs.TransactionSynthesizer, tmp_path: Any) -> None:
    where = {"transaction_type": {"credit": 0.2}}
    synthesizer.save(tmp_path / "model")
    again = fs.TransactionSynthesizer.load(tmp_path / "model")
    wanted = synthesizer.sample(n_customers=5, seed=6, where=where)
    pd.testing.assert_frame_equal(again.sample(n_customers=5, seed=6, where=where), wanted)


def test_a_temperature_below_one_is_more_typical(synthesizer: fs.TransactionSynthesizer) -> None:
    cold, usual = (synthesizer.sample(n_customers=200, seed=1, temperature=t) for t in (0.4, 1.0))
    assert entropy(cold) < entropy(usual)
    assert fs.check_balance(cold).ok
