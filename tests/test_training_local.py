"""The embedded backend on small and odd tables, interrupted, saved, and run twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gretel_fin_synth as fs

torch = pytest.importorskip("torch")

from gretel_fin_synth.training.local import progress  # noqa: E402 - needs torch
from gretel_fin_synth.training.local.fitting import Progress, Trainer  # noqa: E402
from gretel_fin_synth.training.local.options import MECHANISMS  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

REAL = fs.make_transactions(12, start="2024-01-01", end="2024-02-15", seed=1)
ADJUSTMENTS = tuple(name for name in MECHANISMS if name not in ("copy", "due", "balance", "plan_codes"))
TINY: dict[str, Any] = {"epochs": 1, "hidden_size": 8, "without": ADJUSTMENTS}
CUSTOMER, DATE = "customer_id", "transaction_date"
KIND = ["transaction_type", "transaction_category"]


def tiny(**arguments: Any) -> fs.TransactionSynthesizer:
    return fs.TransactionSynthesizer(**{**TINY, **arguments})


def kinds(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(frame[KIND].itertuples(index=False, name=None))


def check(drawn: pd.DataFrame, real: pd.DataFrame, *, minor_units: int = 2) -> None:
    """Check what holds by construction, however little was learned."""
    fs.validate_transactions(drawn, minor_units=minor_units)
    assert kinds(drawn) <= kinds(real)
    days = drawn[DATE].dt.normalize()
    assert days.between(real[DATE].min().normalize(), real[DATE].max()).all()
    same = drawn[CUSTOMER].eq(drawn[CUSTOMER].shift())
    assert (drawn[DATE].diff()[same] >= pd.Timedelta(0)).all()
    assert not set(drawn[CUSTOMER]) & set(real[CUSTOMER])


@pytest.fixture(scope="module")
def whole() -> fs.TransactionSynthesizer:
    """Give a model with all mechanisms on."""
    return fs.TransactionSynthesizer(epochs=2, hidden_size=16).fit(REAL, seed=1)


@pytest.fixture(scope="module")
def fitted() -> fs.TransactionSynthesizer:
    return tiny().fit(REAL, seed=1)


def test_all_mechanisms_together(whole: fs.TransactionSynthesizer) -> None:
    drawn = whole.sample(30, seed=5)
    assert drawn[CUSTOMER].nunique() == 30
    check(drawn, REAL)
    assert (whole.n_customers_, whole.n_rows_) == (12, len(REAL))
    assert whole.backend_._model.calibration is not None
    pd.testing.assert_frame_equal(whole.sample(7, seed=5), drawn[drawn[CUSTOMER] <= "SYN_000007"])


def test_all_mechanisms_off() -> None:
    fitted = tiny(without=MECHANISMS).fit(REAL, seed=1)
    check(fitted.sample(20, seed=5), REAL)


@given(
    st.builds(
        fs.make_transactions,
        st.integers(4, 8),
        start=st.sampled_from(["2023-12-20", "2024-02-01", "2024-02-28"]),
        end=st.sampled_from(["2024-03-01", "2024-03-15"]),
        seed=st.integers(0, 2**32),
    ),
    st.integers(0, 2**63 - 1),
)
@settings(max_examples=5)
def test_whatever_the_table_samples_are_valid(table: pd.DataFrame, seed: int) -> None:
    drawn = tiny(min_customers=1).fit(table, seed=seed).sample(9, seed=seed)
    check(drawn, table)


def test_a_messy_table_is_normal_input() -> None:
    rng = np.random.default_rng(3)
    messy = REAL.assign(note="x", account_balance=REAL["account_balance"] + rng.integers(0, 2, len(REAL)))
    messy = messy.iloc[rng.permutation(len(messy))]
    fitted = tiny().fit(messy, seed=1)
    assert fitted.warnings_[0].startswith("columns that are not described were not learned: note")
    assert "balances do not follow from the amounts in the order of time" in fitted.warnings_[1]
    check(fitted.sample(8, seed=2), REAL)


@pytest.mark.parametrize("minor_units", [0, 3])
def test_other_currencies(minor_units: int) -> None:
    money = ["transaction_amount", "account_balance"]
    cents = (REAL[money] * 100).round().astype("int64")
    frame = REAL.assign(**{name: cents[name] / 10**minor_units for name in money})
    drawn = tiny(minor_units=minor_units).fit(frame, seed=1).sample(8, seed=2)
    check(drawn, frame, minor_units=minor_units)
    assert fs.check_balance(drawn, minor_units=minor_units).ok


def test_without_balances_everybody_starts_with_nothing() -> None:
    fitted = tiny().fit(REAL.drop(columns="account_balance"), seed=1)
    assert "there is no account_balance and no starting_amount" in fitted.warnings_[0]
    drawn = fitted.sample(8, seed=2)
    assert (fs.starting_amounts(drawn)["starting_amount"] == 0).all()


def test_four_customers_are_enough_and_three_are_not() -> None:
    table = fs.make_transactions(4, start="2024-01-01", end="2024-02-15", seed=2)
    fitted = tiny().fit(table, seed=1)
    assert any("there are only 4 customers" in warning for warning in fitted.warnings_)
    check(fitted.sample(10, seed=1), table)
    three = table[table[CUSTOMER].isin(table[CUSTOMER].unique()[:3])]
    with pytest.raises(fs.ParameterError, match=r"3 customers.*; a model of fewer than 4"):
        tiny().fit(three, seed=1)


def test_one_category_per_type() -> None:
    table = REAL.assign(transaction_category=REAL["transaction_type"].map({"credit": "in", "debit": "out"}))
    drawn = tiny().fit(table, seed=1).sample(8, seed=1)
    check(drawn, table)
    assert kinds(drawn) == {("credit", "in"), ("debit", "out")}


def test_one_kind_of_transaction_only() -> None:
    table = REAL.assign(transaction_type="debit", transaction_category="all").drop(columns="account_balance")
    check(tiny().fit(table, seed=1).sample(8, seed=1), table)


def test_one_day_and_one_row_per_customer() -> None:
    table = (
        REAL.groupby(CUSTOMER)
        .head(1)
        .assign(**{DATE: pd.Timestamp("2024-02-29")}, transaction_category="x", transaction_type="credit")
    )
    check(tiny().fit(fs.reconstruct_balance(table), seed=1).sample(8, seed=1), table)


def test_a_category_that_one_customer_has_is_never_drawn() -> None:
    table = REAL.copy()
    table.loc[table[CUSTOMER] == table[CUSTOMER][0], "transaction_category"] = "ransom"
    fitted = tiny(min_customers=2).fit(table, seed=1)
    left_out = [text for text in fitted.warnings_ if "fewer than 2 customers have were left out" in text]
    assert "ransom (debit)" in left_out[0]
    assert "ransom" not in set(fitted.sample(30, seed=1)["transaction_category"])
    alone = table.assign(transaction_category="of " + table[CUSTOMER])
    with pytest.raises(fs.ParameterError, match="No transaction category is shared by at least 2 customers"):
        tiny(min_customers=2).fit(alone, seed=1)


@pytest.mark.parametrize("n_left", [2, 3, 4])
def test_customers_of_whom_nothing_is_left_do_not_count(n_left: int) -> None:
    """Some customers share a category, and the others have one of their own."""
    table = REAL.copy()
    rare = ~table[CUSTOMER].isin(table[CUSTOMER].unique()[:n_left])
    table.loc[rare, "transaction_category"] = "of " + table[CUSTOMER]
    if n_left == 4:
        check(tiny(min_customers=2).fit(table, seed=1).sample(3, seed=1), table)
    else:
        with pytest.raises(fs.ParameterError, match=f"{n_left} customers"):
            tiny(min_customers=2).fit(table, seed=1)


def test_times_of_day_come_back_in_order() -> None:
    rng = np.random.default_rng(5)
    minutes = pd.Series(rng.integers(6 * 4, 22 * 4, len(REAL)) * 15)
    in_order = minutes.groupby([REAL[CUSTOMER], REAL[DATE]]).transform(np.sort)
    table = REAL.assign(**{DATE: REAL[DATE] + pd.to_timedelta(in_order, unit="min")})
    drawn = tiny().fit(table, seed=1).sample(20, seed=1)
    check(drawn, table)
    since_midnight = drawn[DATE] - drawn[DATE].dt.normalize()
    assert (since_midnight % pd.Timedelta(minutes=15) == pd.Timedelta(0)).all()
    assert since_midnight.between(pd.Timedelta(hours=6), pd.Timedelta(hours=22)).all()
    assert since_midnight.nunique() > 10


def test_times_of_a_customer_do_not_depend_on_who_else_is_drawn() -> None:
    minutes = pd.Series(np.arange(len(REAL)) % 1000)
    table = REAL.assign(**{DATE: REAL[DATE] + pd.to_timedelta(minutes, unit="min")})
    fitted = tiny().fit(table, seed=1)
    more, fewer = fitted.sample(8, seed=1), fitted.sample(3, seed=1)
    pd.testing.assert_frame_equal(fewer, more.head(len(fewer)))


def test_dates_without_times_stay_dates(fitted: fs.TransactionSynthesizer) -> None:
    drawn = fitted.sample(8, seed=1)
    assert (drawn[DATE] == drawn[DATE].dt.normalize()).all()


def test_the_same_bytes_of_csv_in_another_process(fitted: fs.TransactionSynthesizer, tmp_path: Path) -> None:
    here = fitted.sample(8, seed=2).to_csv(index=False)
    again = tiny().fit(REAL, seed=1).sample(8, seed=2).to_csv(index=False)
    assert again == here
    code = (
        "import gretel_fin_synth as fs\n"
        "real = fs.make_transactions(12, start='2024-01-01', end='2024-02-15', seed=1)\n"
        f"fitted = fs.TransactionSynthesizer(**{TINY!r}).fit(real, seed=1)\n"
        f"fitted.sample(8, seed=2).to_csv({str(tmp_path / 'there.csv')!r}, index=False)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    assert (tmp_path / "there.csv").read_bytes().decode() == here


def test_the_seed_of_fit_decides_what_is_learned(fitted: fs.TransactionSynthesizer) -> None:
    other = tiny().fit(REAL, seed=2)
    assert not other.sample(4, seed=1).equals(fitted.sample(4, seed=1))


def test_a_lower_temperature_draws_others(fitted: fs.TransactionSynthesizer) -> None:
    warm, cool = fitted.sample(6, seed=1), fitted.sample(6, seed=1, temperature=0.5)
    check(cool, REAL)
    assert not cool.equals(warm)
    pd.testing.assert_frame_equal(fitted.sample(6, seed=1, temperature=1), warm)


def test_a_saved_model_is_json_and_weights(whole: fs.TransactionSynthesizer, tmp_path: Path) -> None:
    whole.save(tmp_path)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["backend/model.json", "backend/weights.pt", "synthesizer.json", "template.arrow"]
    for name in ("backend/model.json", "synthesizer.json"):
        assert json.loads((tmp_path / name).read_text())
    weights = torch.load(tmp_path / "backend" / "weights.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())


def test_a_damaged_model_says_so(fitted: fs.TransactionSynthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    (tmp_path / "backend" / "weights.pt").write_bytes(b"\x80\x04not weights")
    with pytest.raises(fs.BackendError, match="is damaged"):
        fs.TransactionSynthesizer.load(tmp_path)


def state_of(synthesizer: fs.TransactionSynthesizer) -> dict[str, Any]:
    return {
        name: value.clone()
        for name, value in synthesizer.backend_._model.network.state_dict().items()  # type: ignore[attr-defined]
    }


def assert_interrupted(synthesizer: fs.TransactionSynthesizer) -> None:
    with pytest.raises(KeyboardInterrupt):
        synthesizer.fit(REAL, seed=1)
    assert any("interrupted" in warning for warning in synthesizer.warnings_)
    check(synthesizer.sample(5, seed=1), REAL)


def test_interrupted_in_an_epoch_the_best_state_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    trained, epoch, calls = [], Trainer._epoch, []

    def interrupt(self: Trainer, *arguments: Any, **named: Any) -> float:
        calls.append(1)
        if len(calls) == 2:
            trained.append({name: value.clone() for name, value in self.network.state_dict().items()})
        loss = epoch(self, *arguments, **named)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(Trainer, "_epoch", interrupt)
    synthesizer = tiny(epochs=5)
    assert_interrupted(synthesizer)
    kept = state_of(synthesizer)
    assert kept.keys() == trained[0].keys()
    assert all(torch.equal(kept[name], trained[0][name]) for name in kept)


def test_interrupted_after_a_worse_epoch_the_better_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, states = iter([1.0, 2.0, 3.0]), []

    def loss_of(self: Trainer, customers: Any) -> float:
        states.append({name: value.clone() for name, value in self.network.state_dict().items()})
        return next(losses)

    def show(self: progress.ProgressBar, shown: Progress) -> None:
        if shown.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "loss_of", loss_of)
    monkeypatch.setattr(progress.ProgressBar, "show", show)
    synthesizer = tiny(epochs=5)
    assert_interrupted(synthesizer)
    kept = state_of(synthesizer)
    assert all(torch.equal(kept[name], states[0][name]) for name in kept)


def test_interrupted_while_it_is_calibrated_the_model_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gretel_fin_synth.training.local.engine._calibrate", interrupt)
    assert_interrupted(tiny(without=[name for name in ADJUSTMENTS if name != "calibration"]))


def test_interrupted_before_the_first_epoch_ends_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Trainer, *arguments: Any, **named: Any) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_epoch", interrupt)
    synthesizer = tiny()
    with pytest.raises((KeyboardInterrupt, fs.TrainingInterrupted)):
        synthesizer.fit(REAL, seed=1)
    with pytest.raises(fs.NotFittedError):
        synthesizer.sample(1)


def test_training_stops_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []
    monkeypatch.setattr(progress.ProgressBar, "show", lambda self, state: shown.append(state.epoch))
    fitted = tiny(epochs=50, max_seconds=1e-9).fit(REAL, seed=1)
    assert shown == [1]
    check(fitted.sample(3, seed=1), REAL)


def test_progress_is_silent_unless_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    tiny().fit(REAL, seed=1)
    assert capfd.readouterr() == ("", "")
    tiny().fit(REAL, seed=1, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 1 of at most 1: loss " in err


def test_the_process_is_left_as_it_was(fitted: fs.TransactionSynthesizer) -> None:
    """A user's own program with torch is not disturbed: threads, generator, precision."""
    torch.manual_seed(12)
    before = torch.get_num_threads(), torch.get_rng_state().tolist(), torch.get_default_dtype()
    tiny().fit(REAL, seed=1).sample(2, seed=1)
    assert (torch.get_num_threads(), torch.get_rng_state().tolist(), torch.get_default_dtype()) == before


@pytest.mark.parametrize(
    "option",
    [
        {"epochs": "3"},
        {"epochs": 2.5},
        {"epochs": True},
        {"epochs": None},
        {"hidden_size": 64.5},
        {"dropout": "half"},
        {"dropout": float("nan")},
        {"learning_rate": float("inf")},
        {"min_customers": 1.5},
        {"plan_neighbours": "many"},
        {"max_seconds": "60"},
        {"max_seconds": float("nan")},
        {"without": "copy"},
        {"without": 3},
    ],
)
def test_options_of_the_wrong_kind_are_refused(option: dict[str, Any]) -> None:
    name = next(iter(option))
    with pytest.raises(fs.ParameterError, match=f"Option {name}="):
        fs.TransactionSynthesizer(**option)


def test_the_last_epochs_move_log_odds_alone_and_need_no_way_back_through_the_lstm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A GPU has no way back through an LSTM that is not training: this must hold for training there."""
    seen: dict[str, Any] = {}
    polish, epoch = Trainer._polish, Trainer._epoch

    def watch_polish(self: Trainer, *arguments: Any) -> None:
        rest, tables = (group["params"] for group in self.network.parameter_groups(0.0))
        before = [[value.detach().clone() for value in group] for group in (rest, tables)]
        polish(self, *arguments)
        pairs = [zip(was, now, strict=True) for was, now in zip(before, (rest, tables), strict=True)]
        seen["moved"] = [any(not torch.equal(was, now) for was, now in pair) for pair in pairs]
        seen["trainable after"] = all(value.requires_grad for value in self.network.parameters())

    def watch_epoch(self: Trainer, *arguments: Any, dropout: bool = True) -> float:
        if not dropout:
            seen["trainable"] = [value.requires_grad for value in self.network.lstm.parameters()]
        return epoch(self, *arguments, dropout=dropout)

    monkeypatch.setattr(Trainer, "_polish", watch_polish)
    monkeypatch.setattr(Trainer, "_epoch", watch_epoch)
    tiny().fit(REAL, seed=1)
    assert seen["moved"] == [False, True]
    assert seen["trainable"] == [False] * 4
    assert seen["trainable after"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_is_used_and_its_model_samples_anywhere(tmp_path: Path) -> None:
    trained_on = []
    fitted = tiny(device="cuda", epochs=3)
    losses = Trainer._losses

    def watch(self: Trainer, *arguments: Any) -> Any:
        trained_on.append(next(self.network.parameters()).device.type)
        return losses(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_losses", watch)
        fitted.fit(REAL, seed=1)
    assert set(trained_on) == {"cuda"}
    drawn = fitted.sample(20, seed=5)
    check(drawn, REAL)
    fitted.save(tmp_path / "model")
    pd.testing.assert_frame_equal(
        fs.TransactionSynthesizer.load(tmp_path / "model").sample(20, seed=5), drawn
    )
