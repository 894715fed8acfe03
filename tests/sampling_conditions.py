"""What conditions of sampling do and refuse, whoever draws: tests that the backends' files take over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from types import ModuleType

BAD: list[tuple[dict[str, Any], str]] = [
    ({"start": "2024-13-45"}, "no date"),
    ({"start": 5}, "no date"),
    ({"start": "2025-01-01"}, "before it starts"),
    ({"end": "2023-01-01"}, "before it starts"),
    ({"where": ["rent"]}, "no dict"),
    ({"where": {"merchant": {"a": 1}}}, "no column 'merchant'"),
    ({"where": {"transaction_category": {"grocery": 0.5}}}, "did you mean 'groceries'"),
    ({"where": {"transaction_category": {"groceries": 1.5}}}, "share 1.5"),
    ({"where": {"transaction_category": {"groceries": float("nan")}}}, "share nan"),
    ({"where": {"transaction_type": {"credit": 0.5, "debit": 0.1}}}, "add up to 0.6"),
    ({"where": {"transaction_type": {}}}, "gives no shares"),
    ({"where": {"starting_amount": "much"}}, "cannot be used"),
    ({"where": {"starting_amount": (5, 1)}}, "cannot be used"),
    ({"temperature": 0}, "positive number"),
    ({"temprature": 1}, "Unknown sampling option 'temprature'"),
    ({"like": "CUST_001"}, "Unknown sampling option 'like'"),
]


def share(frame: pd.DataFrame, column: str, value: str) -> float:
    return float((frame[column] == value).mean())


def entropy(frame: pd.DataFrame) -> float:
    shares = frame["transaction_category"].value_counts(normalize=True)
    return float(-(shares * np.log(shares)).sum())


class ConditionsContract:
    """Tests of a fixture ``synthesizer``, fitted on a stand-in of the first three months of 2024.

    Attributes
    ----------
    conditions : module
        The backend's module of conditions, whose ``ROUNDS`` say how often shares are corrected.
    """

    conditions: ModuleType

    def test_customers_start_with_the_amount_that_was_asked_for(
        self, synthesizer: fs.TransactionSynthesizer
    ) -> None:
        one = synthesizer.sample(n_customers=30, seed=4, where={"starting_amount": 1234.56})
        assert set(fs.starting_amounts(one)["starting_amount"]) == {1234.56}
        some = synthesizer.sample(n_customers=30, seed=4, where={"starting_amount": (500, 2500)})
        amounts = fs.starting_amounts(some)["starting_amount"]
        assert amounts.between(500, 2500).all()
        assert amounts.nunique() > 10

    def test_customers_under_conditions_are_the_same_in_parts(
        self, synthesizer: fs.TransactionSynthesizer
    ) -> None:
        where = {"transaction_type": {"credit": 0.2}}
        few = synthesizer.sample(n_customers=5, seed=6, where=where)
        many = synthesizer.sample(n_customers=70, seed=6, where=where)
        pd.testing.assert_frame_equal(few, many[many["customer_id"].isin(few["customer_id"])])

    @pytest.mark.parametrize(
        ("category", "wanted", "further"), [("gym", "90.0%", "more"), ("groceries", "0.1%", "less")]
    )
    def test_a_share_that_is_not_reached_is_said(
        self,
        synthesizer: fs.TransactionSynthesizer,
        monkeypatch: pytest.MonkeyPatch,
        category: str,
        wanted: str,
        further: str,
    ) -> None:
        monkeypatch.setattr(self.conditions, "ROUNDS", 0)
        told = (
            f"'{category}' was asked to have {wanted} of the rows and reaches about .*: {further} would not"
        )
        where = {"transaction_category": {category: float(wanted[:-1]) / 100}}
        with pytest.warns(UserWarning, match=told):
            synthesizer.sample(n_customers=5, seed=7, where=where)

    @pytest.mark.parametrize(("options", "message"), BAD)
    def test_bad_conditions_are_refused_with_a_hint(
        self, synthesizer: fs.TransactionSynthesizer, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(fs.ParameterError, match=message) as caught:
            synthesizer.sample(n_customers=2, seed=1, **options)
        assert "Hint:" in str(caught.value)
