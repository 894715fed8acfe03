"""Privacy as a user meets it: the request, the refusals, the statement, and everything else as without it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from privacy_tables import CATEGORIES, SeededNoise, transactions

from gretel_fin_synth import (
    DifferentialPrivacy,
    ExtraColumn,
    ParameterError,
    TransactionSynthesizer,
    check_balance,
    evaluate,
    make_transactions,
    validate_transactions,
)
from gretel_fin_synth.testing import BackendContract
from gretel_fin_synth.training import Backend
from gretel_fin_synth.training.private import backend as backend_module
from gretel_fin_synth.training.private.accounting import Charge, epsilon_of
from gretel_fin_synth.training.private.backend import PrivateBackend
from gretel_fin_synth.training.private.guarantee import PrivacyStatement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("opendp")


class TestContract(BackendContract):
    """A private synthesizer keeps every promise of a backend, but one: the seed does not decide the noise."""

    backend = "local"

    @pytest.fixture
    def real(self) -> pd.DataFrame:
        def table() -> pd.DataFrame:
            made = make_transactions(150, start="2024-01-01", end="2024-03-31", seed=1)
            return made.assign(customer_id=made["customer_id"].str.replace("CUST_", "IBAN-DE89-3704-"))

        return self._once("real", table).copy(deep=True)

    @pytest.fixture
    def backend_options(self) -> dict[str, Any]:
        return {"privacy": DifferentialPrivacy(20.0, public={"categories": _pairs()})}

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [{"epochs": 3}, {"privacy": 3.0}, {"privacy": "much"}]

    @pytest.fixture
    def bad_sample_options(self) -> list[dict[str, Any]]:
        return [{"temperature": -1.0}, {"like": "CUST_001"}]

    def test_is_registered_and_a_backend(self, backend_options: dict[str, Any]) -> None:
        assert isinstance(PrivateBackend(backend_options["privacy"]), Backend)

    def test_fit_starts_anew_and_leaves_its_input_alone(
        self, make_synthesizer: Callable[..., TransactionSynthesizer], real: pd.DataFrame
    ) -> None:
        before = real.copy(deep=True)
        synthesizer = make_synthesizer().fit(real, seed=1)
        first = synthesizer.sample(8, seed=3)
        pd.testing.assert_frame_equal(real, before)
        second = synthesizer.fit(real, seed=1).sample(8, seed=3)
        assert not first.equals(second)


def _pairs() -> list[tuple[str, str]]:
    made = make_transactions(150, start="2024-01-01", end="2024-03-31", seed=1)
    return sorted(set(zip(made["transaction_type"], made["transaction_category"], strict=True)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"epsilon": 0}, "epsilon"),
        ({"epsilon": -1.0}, "epsilon"),
        ({"epsilon": float("inf")}, "epsilon"),
        ({"epsilon": 100.0}, "at most 50"),
        ({"epsilon": "strong"}, "epsilon"),
        ({"epsilon": True}, "epsilon"),
        ({"epsilon": 1.0, "delta": 0.0}, "delta"),
        ({"epsilon": 1.0, "delta": 0.01}, "delta"),
        ({"epsilon": 1.0, "max_transactions": 0}, "max_transactions"),
        ({"epsilon": 1.0, "max_transactions": 2.5}, "max_transactions"),
        ({"epsilon": 1.0, "public": {"names": ["Smith"]}}, "public"),
        ({"epsilon": 1.0, "public": {"categories": ["rent"]}}, "credit"),
        ({"epsilon": 1.0, "public": {"categories": []}}, "categories"),
        ({"epsilon": 1.0, "public": {"window": ("2024-12-31", "2024-01-01")}}, "window"),
        ({"epsilon": 1.0, "public": {"window": "2024"}}, "window"),
        ({"epsilon": 1.0, "public": {"amounts": [("debit", "fee", -1)]}}, "amounts"),
        ({"epsilon": 1.0, "public": {"amounts": [("fee", 1.5)]}}, "amounts"),
        ({"epsilon": 1.0, "public": {"values": {"channel": "card"}}}, "values"),
    ],
)
def test_refuses_requests_that_promise_nothing(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words) as error:
        DifferentialPrivacy(**arguments)
    assert "Hint:" in str(error.value)


def test_delta_is_below_one_over_customers() -> None:
    assert DifferentialPrivacy(3.0).delta_for(250) == 1e-5
    assert DifferentialPrivacy(3.0).delta_for(4_000) == 1e-5
    assert DifferentialPrivacy(3.0).delta_for(40_000) == pytest.approx(1e-6)
    with pytest.raises(ParameterError, match=r"below 1 / customers = 0\.001"):
        DifferentialPrivacy(3.0, delta=1e-3).delta_for(1_000)


def test_refuses_what_could_not_be_learned_before_anything_is_measured() -> None:
    with pytest.raises(ParameterError, match="too few"):
        TransactionSynthesizer(privacy=DifferentialPrivacy(3.0)).fit(transactions(30))
    with pytest.raises(ParameterError, match="more noise than there is to learn"):
        TransactionSynthesizer(privacy=DifferentialPrivacy(0.05)).fit(transactions(60))


def test_refuses_other_backends_and_options_of_the_network() -> None:
    with pytest.raises(ParameterError, match="no guarantee"):
        TransactionSynthesizer("gretel", privacy=DifferentialPrivacy(3.0))
    with pytest.raises(ParameterError, match="epochs"):
        TransactionSynthesizer(privacy=DifferentialPrivacy(3.0), epochs=5)


def test_refuses_starting_amounts_that_one_customer_makes_unusable() -> None:
    frame = transactions(60)
    frame["starting_amount"] = 100.0
    frame.loc[0, "starting_amount"] = 50.0
    with pytest.raises(ParameterError, match="single customers"):
        TransactionSynthesizer(privacy=DifferentialPrivacy(3.0)).fit(frame)


@pytest.fixture(scope="module")
def fitted() -> TransactionSynthesizer:
    privacy = DifferentialPrivacy(4.0, max_transactions=500, public={"window": ("2024-01-01", "2024-03-31")})
    return TransactionSynthesizer(privacy=privacy).fit(transactions(200), seed=1)


def test_the_statement_adds_up_and_says_so(fitted: TransactionSynthesizer) -> None:
    said = fitted.privacy_
    assert said is not None
    assert said.secure_noise
    table = pd.DataFrame(said.table())
    assert table["share"].sum() == pytest.approx(1.0)
    assert table["rho"].sum() == pytest.approx(said.rho)
    assert said.epsilon <= 4.0
    assert said.epsilon == pytest.approx(4.0, rel=1e-3)
    assert epsilon_of(said.rho, said.delta - table["delta"].sum()) == pytest.approx(said.epsilon)
    words = str(said)
    for part in ("per customer", "epsilon 4", "delta 1e-05", "500 transactions", "window", "200", "55"):
        assert part in words
    assert words in repr(fitted)
    assert "active_months" not in set(table["part"])


def test_the_noise_of_tests_is_called_no_guarantee() -> None:
    charge = Charge("rows", 0.1, 2.0, 1.0, 5)
    assert "NOT PRIVATE" in str(PrivacyStatement(1.0, 1e-5, (charge,), 100, 10, secure_noise=False))


def test_a_saved_model_keeps_statement_and_request(fitted: TransactionSynthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    loaded = TransactionSynthesizer.load(tmp_path)
    assert loaded.privacy_ == fitted.privacy_
    assert loaded.privacy == fitted.privacy
    pd.testing.assert_frame_equal(loaded.sample(5, seed=2), fitted.sample(5, seed=2))


def test_without_privacy_there_is_no_statement() -> None:
    pytest.importorskip("torch")
    synthesizer = TransactionSynthesizer(
        epochs=1, hidden_size=8, without=["matching", "settling", "calibration"]
    )
    assert synthesizer.fit(transactions(20)).privacy_ is None


@pytest.fixture
def same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise that is the same every time, so that a test is not lost by chance."""
    monkeypatch.setattr(backend_module, "SecureNoise", lambda: SeededNoise(5))


@pytest.mark.usefixtures("same_noise")
def test_customers_are_like_those_measured() -> None:
    real = transactions(200)
    made = TransactionSynthesizer(privacy=DifferentialPrivacy(20.0)).fit(real, seed=1)
    drawn = made.sample(200, seed=4)
    validate_transactions(drawn)
    assert check_balance(drawn).ok
    assert len(drawn) == pytest.approx(len(real), rel=0.3)
    assert drawn["transaction_date"].between("2024-01-01", "2024-03-31").all()
    assert drawn["transaction_amount"].median() == pytest.approx(real["transaction_amount"].median(), rel=0.5)
    share = (drawn["transaction_type"] == "credit").mean()
    assert share == pytest.approx((real["transaction_type"] == "credit").mean(), abs=0.08)


@pytest.mark.usefixtures("same_noise")
def test_extra_columns_hold_values_that_many_customers_have() -> None:
    frame = transactions(200)
    rng = np.random.default_rng(0)
    frame["channel"] = rng.choice(["card", "online"], len(frame), p=[0.8, 0.2])
    frame.loc[3, "channel"] = "by pigeon"
    frame["segment"] = np.where(pd.factorize(frame["customer_id"])[0] % 4 == 0, "gold", "basic")
    frame["fee"] = rng.integers(100, 300, len(frame)) / 100
    frame["booked"] = frame["transaction_date"] + pd.Timedelta(days=1)
    columns = [
        ExtraColumn("channel"),
        ExtraColumn("segment", "constant"),
        ExtraColumn("fee", "number"),
        ExtraColumn("booked", "datetime"),
    ]
    made = TransactionSynthesizer(privacy=DifferentialPrivacy(20.0), extra_columns=columns).fit(frame, seed=1)
    drawn = made.sample(200, seed=1)
    assert set(drawn["channel"].dropna()) == {"card", "online"}
    assert (drawn["channel"] == "card").mean() == pytest.approx(0.8, abs=0.1)
    assert drawn.groupby("customer_id")["segment"].nunique().max() == 1
    assert drawn.groupby("customer_id")["segment"].first().eq("gold").mean() == pytest.approx(0.25, abs=0.12)
    assert drawn["fee"].median() == pytest.approx(2.0, rel=0.3)
    assert (drawn["booked"] - drawn["transaction_date"]).dt.days.mode()[0] == 1


@pytest.mark.usefixtures("same_noise")
def test_categories_that_few_customers_have_come_as_other() -> None:
    frame = transactions(100)
    frame.loc[frame.index[:3], "transaction_category"] = "rare thing"
    made = TransactionSynthesizer(privacy=DifferentialPrivacy(2.0)).fit(frame, seed=1)
    drawn = made.sample(100, seed=1)
    assert "rare thing" not in set(drawn["transaction_category"])
    assert "other" in set(drawn["transaction_category"])
    assert any("categories" in warning for warning in made.warnings_)


def test_public_categories_are_the_only_ones() -> None:
    privacy = DifferentialPrivacy(5.0, public={"categories": CATEGORIES})
    made = TransactionSynthesizer(privacy=privacy).fit(transactions(100), seed=1)
    drawn = made.sample(100, seed=1)
    pairs = set(zip(drawn["transaction_type"], drawn["transaction_category"], strict=True))
    assert pairs <= set(CATEGORIES)
    copied = copy.deepcopy(privacy.to_dict())
    assert DifferentialPrivacy.from_dict(copied) == privacy


def test_the_verdict_and_the_report_repeat_the_statement(fitted: TransactionSynthesizer) -> None:
    real, drawn = transactions(60), fitted.sample(60, seed=1)
    said = str(fitted.privacy_)
    judged = evaluate(real, drawn, measures=["integrity"], privacy=fitted.privacy_)
    assert judged.verdict.guarantee == said
    assert said in str(judged.verdict)
    assert judged.to_dict()["verdict"]["guarantee"] == said
    assert "epsilon 4" in judged._repr_html_()
    plain = evaluate(real, drawn, measures=["integrity"])
    assert plain.verdict.audiences == judged.verdict.audiences
    assert plain.verdict.guarantee == ""
    assert any("a formal guarantee" in item for item in plain.verdict.untested)
    assert not any("a formal guarantee" in item for item in judged.verdict.untested)
