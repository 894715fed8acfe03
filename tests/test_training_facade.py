"""The synthesizer around any backend: ids, counts, errors, and what a careless backend cannot get past it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_backends import BootstrapBackend

import gretel_fin_synth as fs
from gretel_fin_synth.training import SampleRequest, TrainingTable
from gretel_fin_synth.training import backend as registry
from gretel_fin_synth.training._finish import new_prefix

if TYPE_CHECKING:
    from pathlib import Path

REAL = fs.make_transactions(12, start="2024-01-01", end="2024-02-15", seed=1)
CUSTOMER, DATE = "customer_id", "transaction_date"


def synthesizer(**arguments: Any) -> fs.TransactionSynthesizer:
    return fs.TransactionSynthesizer("bootstrap", **arguments)


@pytest.fixture(scope="module")
def fitted() -> fs.TransactionSynthesizer:
    return synthesizer().fit(REAL, seed=1)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Register backends for one test only."""
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))
    return fs.register_backend


TABLES = st.builds(
    fs.make_transactions,
    st.integers(2, 8),
    start=st.sampled_from(["2023-12-20", "2024-02-01", "2024-02-28"]),
    end=st.sampled_from(["2024-03-01", "2024-03-31"]),
    seed=st.integers(0, 2**32),
)


@given(TABLES, st.integers(0, 2**63 - 1), st.integers(1, 9), st.integers(1, 200))
@settings(max_examples=15)
def test_whatever_the_table_samples_are_valid(table: pd.DataFrame, seed: int, n: int, n_rows: int) -> None:
    fitted = synthesizer(min_customers=1).fit(table, seed=seed)
    drawn, rows = fitted.sample(n, seed=seed), fitted.sample(n_rows=n_rows, seed=seed)
    for frame in (drawn, rows):
        fs.validate_transactions(frame)
        assert not set(frame[CUSTOMER]) & set(table[CUSTOMER])
    assert (drawn[CUSTOMER].nunique(), len(rows)) == (n, n_rows)
    shared = min(len(drawn), n_rows)
    pd.testing.assert_frame_equal(drawn.head(shared), rows.head(shared))


@pytest.mark.parametrize(
    ("real", "wanted"),
    [
        (["007", "NA", "nan"], "SYN_"),
        (["SYN_000001", "b"], "SYN2_"),
        (["syn_x", "Syn2_"], "SYN3_"),
        (["SYN"], "SYN_"),
        ([], "SYN_"),
    ],
)
def test_new_ids_begin_as_no_real_one_does(real: list[str], wanted: str) -> None:
    assert new_prefix(real) == wanted


def test_ids_that_look_like_numbers_or_like_nothing_are_text() -> None:
    names = dict(zip(REAL[CUSTOMER].unique(), ["007", "NA", "", " ", "nan", "0", "1e5"], strict=False))
    frame = REAL.assign(**{CUSTOMER: REAL[CUSTOMER].map(names)}).dropna(subset=[CUSTOMER])
    kept = frame[frame[CUSTOMER].str.strip() != ""].reset_index(drop=True)
    fitted = synthesizer().fit(kept, seed=1)
    assert fitted.n_customers_ == 5
    drawn = fitted.sample(3, seed=1)
    assert drawn[CUSTOMER].unique().tolist() == ["SYN_000001", "SYN_000002", "SYN_000003"]


def test_synthetic_data_can_be_learned_from_again(fitted: fs.TransactionSynthesizer) -> None:
    once = fitted.sample(6, seed=1)
    twice = synthesizer().fit(once, seed=1).sample(6, seed=1)
    assert twice[CUSTOMER].str.startswith("SYN2_").all()
    number = synthesizer().fit(REAL.assign(**{CUSTOMER: REAL[CUSTOMER].str[-2:].astype(int)}), seed=1)
    assert number.sample(2, seed=1)[CUSTOMER].unique().tolist() == ["SYN_000001", "SYN_000002"]


def test_what_the_backend_warns_of_comes_after_what_the_table_gave_rise_to() -> None:
    frame = REAL.assign(note="x", account_balance=REAL["account_balance"] + np.arange(len(REAL)))
    frame.loc[3, "transaction_category"] = "ransom"
    fitted = synthesizer().fit(frame, seed=1)
    assert len(fitted.warnings_) == 3
    assert fitted.warnings_[0].startswith("columns that are not described were not learned: note;")
    assert f"of {len(REAL)} balances do not follow" in fitted.warnings_[1]
    assert "rows of rare kinds were left out" in fitted.warnings_[2]
    drawn = fitted.sample(30, seed=1)
    assert "ransom" not in set(drawn["transaction_category"])
    assert list(drawn.columns) == list(REAL.columns)


def test_extra_columns_of_every_kind_come_back(tmp_path: Path) -> None:
    frame = REAL.assign(
        channel=np.where(np.arange(len(REAL)) % 3 == 0, None, "app"),
        fee=np.where(np.arange(len(REAL)) % 2 == 0, np.nan, 1.5),
        value_date=REAL[DATE] + pd.Timedelta(days=1),
        _row=1,
        branch=REAL[CUSTOMER].str[-1],
    )
    kinds = {"channel": "category", "fee": "number", "value_date": "datetime", "_row": "number"}
    extras = [fs.ExtraColumn(name, kind=kind) for name, kind in {**kinds, "branch": "constant"}.items()]
    fitted = synthesizer(extra_columns=iter(extras)).fit(frame, seed=1)
    assert fitted.warnings_ == synthesizer().fit(REAL, seed=1).warnings_
    fitted.save(tmp_path)
    loaded = fs.TransactionSynthesizer.load(tmp_path)
    assert loaded.extra_columns == tuple(extras)
    for source in (fitted, loaded):
        drawn = source.sample(4, seed=2)
        assert drawn.dtypes.to_dict() == frame[drawn.columns].dtypes.to_dict()
        assert list(drawn.columns) == [*REAL.columns, *kinds, "branch"]
        assert drawn.groupby(CUSTOMER)["branch"].nunique().eq(1).all()
        assert set(drawn["fee"].dropna()) == {1.5}


@pytest.mark.parametrize("minor_units", [0, 3])
def test_other_currencies(minor_units: int) -> None:
    scale = 10.0 ** (2 - minor_units)
    money = ["transaction_amount", "account_balance"]
    cents = (REAL[money] * 100).round()
    frame = REAL.assign(**{name: (cents[name] * scale / 100).round(minor_units) for name in money})
    fitted = synthesizer(minor_units=minor_units).fit(frame, seed=1)
    drawn = fitted.sample(4, seed=2)
    assert fs.check_balance(drawn, minor_units=minor_units).ok
    assert set(drawn["transaction_amount"]) <= set(frame["transaction_amount"])


def test_without_a_seed_every_sample_is_another(fitted: fs.TransactionSynthesizer) -> None:
    assert not fitted.sample(3).equals(fitted.sample(3))
    first, second = (synthesizer().fit(REAL).sample(3, seed=1) for _ in range(2))
    assert not first.equals(second)


def test_numbers_of_numpy_are_numbers(
    fitted: fs.TransactionSynthesizer, registered: Any, tmp_path: Path
) -> None:
    drawn = fitted.sample(np.int64(2), seed=np.uint8(3))
    pd.testing.assert_frame_equal(drawn, fitted.sample(2, seed=3))
    registered("weighted", lambda *, weights: BootstrapBackend())
    made = fs.TransactionSynthesizer("weighted", weights=(np.int64(2), np.float32(0.25)))
    made.fit(REAL, seed=1).save(tmp_path)
    assert fs.TransactionSynthesizer.load(tmp_path).options == {"weights": [2, 0.25]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backend": "bootstap"}, r"unknown backend 'bootstap'; the known ones are 'bootstrap', "),
        ({"backend": "bootstap"}, r"Hint: TransactionSynthesizer\('bootstrap'\)"),
        ({"backend": "xyz"}, r"Hint: register_backend\('xyz', factory\)"),
        ({"backend": None}, r"unknown backend None"),
        ({"backend": ["local"]}, r"unknown backend \['local'\]"),
        ({"epochs": 3}, r"cannot be made with the options {'epochs': 3}: got an unexpected keyword"),
        ({"epochs": 3}, r"Hint: it takes bootstrap\(\*, min_customers: 'int' = 2\)"),
        ({"min_customers": 0}, r"min_customers=0 cannot be used"),
        ({"minor_units": -1}, r"minor_units is -1; it is the number of decimals of the currency"),
        ({"extra_columns": "merchant"}, r"extra_columns is 'merchant'; a list of ExtraColumn is needed"),
        ({"extra_columns": [fs.ExtraColumn("starting_amount")]}, r"'starting_amount' needs no description"),
    ],
)
def test_a_constructor_that_cannot_work(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(fs.ParameterError, match=message):
        fs.TransactionSynthesizer(**{"backend": "bootstrap", **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_customers": 0}, r"n_customers=0 cannot be used: it must be a whole number of at least 1"),
        ({"n_customers": -3}, r"n_customers=-3 cannot"),
        ({"n_customers": 2.0}, r"n_customers=2.0 cannot"),
        ({"n_customers": True}, r"n_customers=True cannot"),
        ({"n_customers": "5"}, r"n_customers='5' cannot"),
        ({"n_rows": 0}, r"n_rows=0 cannot"),
        ({"n_rows": 1e3}, r"n_rows=1000.0 cannot"),
        ({"n_customers": 1, "n_rows": 1}, r"n_customers=1 and n_rows=1 were both given"),
        ({"seed": -1}, r"seed=-1 cannot"),
        ({"seed": "1"}, r"seed='1' cannot"),
        ({"seed": 2**63}, r"seed=9223372036854775808 cannot"),
        ({"temperature": 2}, r"'temperature'"),
    ],
)
def test_a_sample_that_cannot_be_drawn(
    fitted: fs.TransactionSynthesizer, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(fs.ParameterError, match=message):
        fitted.sample(**arguments)


def test_a_wrong_seed_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BootstrapBackend, "fit", lambda *args, **named: pytest.fail("trained"))
    with pytest.raises(fs.ParameterError, match=r"seed=1.5 cannot be used"):
        synthesizer().fit(REAL, seed=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "factory", "message"),
    [
        ("", BootstrapBackend, r"must be text that is not empty, not ''"),
        (" ", BootstrapBackend, r"not ' '"),
        (3, BootstrapBackend, r"not 3"),
        ("mine", "bootstrap", r"the factory of backend 'mine' must be callable, not 'bootstrap'"),
    ],
)
def test_a_backend_that_cannot_be_registered(name: Any, factory: Any, message: str) -> None:
    known = fs.available_backends()
    with pytest.raises(fs.ParameterError, match=message):
        fs.register_backend(name, factory)
    assert fs.available_backends() == known == sorted(known)


def test_a_factory_that_makes_no_backend(registered: Any) -> None:
    registered("empty", lambda: None)
    with pytest.raises(fs.BackendError, match="made a NoneType without fit, sample, save, load, warnings"):
        fs.TransactionSynthesizer("empty")


def test_a_backend_may_be_replaced(registered: Any) -> None:
    registered("bootstrap", lambda *, size: BootstrapBackend(min_customers=size))
    assert fs.TransactionSynthesizer("bootstrap", size=3).options == {"size": 3}


def test_without_torch_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(fs.BackendNotInstalledError, match=r"pip install 'gretel-fin-synth\[local\]'"):
        fs.TransactionSynthesizer()
    assert "local" in fs.available_backends()


def test_what_is_shown_of_a_synthesizer(fitted: fs.TransactionSynthesizer) -> None:
    assert repr(synthesizer()) == "TransactionSynthesizer(backend='bootstrap')"
    assert (
        repr(fitted) == f"TransactionSynthesizer(backend='bootstrap', 12 customers, {len(REAL)} transactions)"
    )


def test_interrupted_before_there_is_anything_to_sample_the_earlier_model_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(self: BootstrapBackend, table: TrainingTable, **options: Any) -> None:
        raise KeyboardInterrupt

    fitted = synthesizer().fit(REAL, seed=1)
    before = fitted.sample(2, seed=1)
    fresh = synthesizer()
    monkeypatch.setattr(BootstrapBackend, "fit", interrupt)
    for one in (fitted, fresh):
        with pytest.raises(KeyboardInterrupt):
            one.fit(REAL.head(300), seed=2)
    pd.testing.assert_frame_equal(fitted.sample(2, seed=1), before)
    with pytest.raises(fs.NotFittedError, match="cannot sample before fit"):
        fresh.sample(1)


def swap(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[[*range(1, len(frame)), 0]]


MISTAKES = {
    "a dict": (lambda f: f.to_dict(), "a dict instead of a pandas.DataFrame"),
    "no dates": (lambda f: f.drop(columns=DATE), "no column 'transaction_date'"),
    "no starts": (lambda f: f.drop(columns="starting_amount"), "no column 'starting_amount'"),
    "no customer": (lambda f: f.assign(**{CUSTOMER: f[CUSTOMER].where(f.index > 0)}), "without customer"),
    "nobody": (lambda f: f.iloc[:0], "0 customers instead of 3"),
    "too few": (lambda f: f[f[CUSTOMER] != f[CUSTOMER].iloc[0]], "2 customers instead of 3"),
    "scattered": (swap, "rows of one customer that do not stand together"),
    "backwards": (lambda f: f.iloc[::-1], "dates out of order"),
    "text dates": (lambda f: f.assign(**{DATE: f[DATE].astype(str)}), "dates of dtype"),
    "half cents": (lambda f: f.assign(transaction_amount=f["transaction_amount"] + 0.005), "decimals"),
    "no amount": (lambda f: f.assign(transaction_amount=np.nan), "transaction_amount"),
    "negative": (lambda f: f.assign(transaction_amount=-1.0), "transaction_amount"),
    "other type": (lambda f: f.assign(transaction_type="transfer"), "transaction_type"),
    "no category": (lambda f: f.assign(transaction_category=None), "transaction_category"),
    "two starts": (lambda f: f.assign(starting_amount=np.arange(len(f)) * 1.0), "starting"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_backend_that_breaks_a_promise_is_named(registered: Any, mistake: str) -> None:
    change, message = MISTAKES[mistake]

    class Careless(BootstrapBackend):
        def sample(self, request: SampleRequest) -> pd.DataFrame:
            return change(super().sample(request))

    registered("careless", Careless)
    fitted = fs.TransactionSynthesizer("careless").fit(REAL, seed=1)
    with pytest.raises(fs.BackendError, match=message) as caught:
        fitted.sample(3, seed=1)
    assert "backend 'careless' returned" in str(caught.value)


def test_a_backend_without_an_extra_column_is_named(registered: Any) -> None:
    class Forgetful(BootstrapBackend):
        def sample(self, request: SampleRequest) -> pd.DataFrame:
            return super().sample(request).drop(columns="note")

    registered("forgetful", Forgetful)
    extras = [fs.ExtraColumn("note")]
    fitted = fs.TransactionSynthesizer("forgetful", extra_columns=extras).fit(REAL.assign(note="x"), seed=1)
    with pytest.raises(fs.BackendError, match="no column 'note'"):
        fitted.sample(1)


def test_ids_and_options_of_a_backend_are_its_own_affair(registered: Any) -> None:
    """A backend may use any labels, and may take options out of the dict that it is given."""

    class Greedy(BootstrapBackend):
        def sample(self, request: SampleRequest) -> pd.DataFrame:
            assert request.options.pop("warmth") == 1
            drawn = super().sample(request)
            return drawn.assign(**{CUSTOMER: pd.factorize(drawn[CUSTOMER])[0] - 3.5})

    registered("greedy", Greedy)
    fitted = fs.TransactionSynthesizer("greedy").fit(REAL, seed=1)
    drawn = fitted.sample(n_rows=120, seed=1, warmth=1)
    expected = synthesizer().fit(REAL, seed=1).sample(n_rows=120, seed=1)
    pd.testing.assert_frame_equal(drawn, expected)


@pytest.fixture
def saved(fitted: fs.TransactionSynthesizer, tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "model"
    fitted.save(folder)
    return folder


def load(folder: Path) -> fs.TransactionSynthesizer:
    return fs.TransactionSynthesizer.load(folder)


def test_a_saved_model_is_a_folder_of_a_few_files(saved: Path) -> None:
    names = sorted(path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file())
    backend = ["backend/people.parquet", "backend/rows.parquet", "backend/state.json"]
    assert names == [*backend, "synthesizer.json", "template.arrow"]
    assert load(str(saved)).sample(2, seed=1).equals(load(saved).sample(2, seed=1))


def test_saving_replaces_an_earlier_model_and_nothing_else(saved: Path) -> None:
    (saved / "notes.txt").write_text("mine")
    (saved / "backend" / "old.bin").write_text("of the earlier model")
    load(saved).save(saved)
    assert (saved / "notes.txt").read_text() == "mine"
    assert not (saved / "backend" / "old.bin").exists()


def test_what_cannot_be_saved_leaves_no_folder(registered: Any, tmp_path: Path) -> None:
    registered("any", lambda *, key: BootstrapBackend())
    fitted = fs.TransactionSynthesizer("any", key=object).fit(REAL, seed=1)
    with pytest.raises(fs.ParameterError, match="option key=<class 'object'> cannot be saved"):
        fitted.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(fs.ParameterError, match="is a file"):
        synthesizer().fit(REAL, seed=1).save(tmp_path / "file")


def replace_state(folder: Path, **values: Any) -> None:
    state = json.loads((folder / "synthesizer.json").read_text())
    (folder / "synthesizer.json").write_text(json.dumps({**state, **values}))


def test_folders_without_a_model(tmp_path: Path, saved: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent", saved / "synthesizer.json"):
        with pytest.raises(fs.ParameterError, match="holds no saved synthesizer"):
            load(folder)
    for content in ("", "{", "\x00"):
        (saved / "synthesizer.json").write_text(content)
        with pytest.raises(fs.ParameterError, match="holds no saved synthesizer"):
            load(saved)
    (saved / "synthesizer.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(fs.ParameterError, match="holds no saved synthesizer"):
        load(saved)


def test_models_of_another_format(saved: Path) -> None:
    replace_state(saved, format=1)
    with pytest.raises(fs.ParameterError, match="a model of format 1, and this version reads format 3"):
        load(saved)
    (saved / "synthesizer.json").write_text("[1]")
    with pytest.raises(fs.ParameterError, match="a model of format None"):
        load(saved)


def test_models_of_a_backend_that_is_not_known_here(saved: Path) -> None:
    replace_state(saved, backend="theirs")
    with pytest.raises(fs.ParameterError, match="unknown backend 'theirs'"):
        load(saved)


@pytest.mark.parametrize("missing", ["backend/state.json", "backend/rows.parquet", "template.arrow"])
def test_a_damaged_model_says_so(saved: Path, missing: str) -> None:
    (saved / missing).unlink()
    with pytest.raises(fs.BackendError, match="is damaged: FileNotFoundError"):
        load(saved)
    (saved / missing).write_bytes(b"not what it was")
    with pytest.raises(fs.BackendError, match="is damaged"):
        load(saved)


def test_a_state_without_its_parts_is_damaged(saved: Path) -> None:
    state = json.loads((saved / "synthesizer.json").read_text())
    del state["prefix"]
    (saved / "synthesizer.json").write_text(json.dumps(state))
    with pytest.raises(fs.BackendError, match="is damaged: KeyError: 'prefix'"):
        load(saved)
