"""Going on: after an interrupt, from an earlier model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

pytest.importorskip("torch", reason="the embedded backend needs torch")

import gretel_fin_synth as fs
from gretel_fin_synth.training.local import fitting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return fs.make_transactions(40, start="2024-01-01", end="2024-03-31", seed=3)


def synthesizer(**options: object) -> fs.TransactionSynthesizer:
    return fs.TransactionSynthesizer(**{"epochs": 5, "hidden_size": 16, **options})  # type: ignore[arg-type]


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitting.Trainer._epoch
    seen = []

    def epoch(self: fitting.Trainer, *args: object, **kwargs: object) -> float:
        if len(seen) == epochs:
            raise KeyboardInterrupt
        seen.append(1)
        return whole(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting.Trainer, "_epoch", epoch)


@pytest.mark.parametrize("epochs", [1, 3])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    real: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    whole = synthesizer().fit(real, seed=2).sample(n_customers=8, seed=1)
    path = tmp_path / "training.pt"
    with monkeypatch.context() as patch:
        interrupt_after(epochs, patch)
        with pytest.raises(KeyboardInterrupt):
            synthesizer(checkpoint=str(path)).fit(real, seed=2)
    assert path.exists()
    resumed = synthesizer(checkpoint=str(path)).fit(real, seed=2)
    pd.testing.assert_frame_equal(resumed.sample(n_customers=8, seed=1), whole)
    assert not path.exists()


def test_a_checkpoint_of_another_training_is_refused(
    real: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "training.pt"
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            synthesizer(checkpoint=str(path)).fit(real, seed=2)
    before = path.read_bytes()
    with pytest.raises(fs.ParameterError, match="another table, other options or another seed"):
        synthesizer(checkpoint=str(path)).fit(real, seed=3)
    assert path.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_refused(real: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    path.write_text("notes")
    with pytest.raises(fs.ParameterError, match="cannot be read"):
        synthesizer(checkpoint=str(path)).fit(real, seed=2)
    assert path.read_text() == "notes"


def test_a_warm_start_begins_where_the_earlier_model_ended(real: pd.DataFrame, tmp_path: Path) -> None:
    earlier = synthesizer(epochs=12).fit(real, seed=2)
    earlier.save(tmp_path / "model")
    later = fs.make_transactions(40, start="2024-02-01", end="2024-04-30", seed=4)
    losses: dict[bool, float] = {}
    for warm in (False, True):
        again = fs.TransactionSynthesizer.load(tmp_path / "model")
        again.options["epochs"] = 1
        again.fit(later, seed=5, warm_start=warm)
        losses[warm] = held_out_loss(again)
        frame = again.sample(n_customers=10, seed=1)
        assert fs.check_balance(frame).ok
        assert frame["transaction_date"].max() > pd.Timestamp("2024-04-15")
    assert losses[True] < losses[False]


def held_out_loss(fitted: fs.TransactionSynthesizer) -> float:
    return fitted.backend_.loss  # type: ignore[attr-defined, no-any-return]


def test_a_warm_start_needs_a_model(real: pd.DataFrame) -> None:
    with pytest.raises(fs.NotFittedError, match="before fit"):
        synthesizer().fit(real, warm_start=True)


def test_a_device_that_is_not_there_is_refused(real: pd.DataFrame) -> None:
    with pytest.raises(fs.ParameterError, match="device='cuda:99' cannot be used here"):
        synthesizer(device="cuda:99").fit(real, seed=1)
