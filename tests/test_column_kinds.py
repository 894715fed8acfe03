"""Kinds of extra columns that users add: read before a backend sees them, written when it is done."""

from __future__ import annotations

import pandas as pd
import pytest
from training_backends import BootstrapBackend

import gretel_fin_synth as fs
from gretel_fin_synth.schema import _kinds

pl = pytest.importorskip("polars", reason="polars is not installed")


def to_minutes(column: pd.Series) -> pd.Series:
    parts = column.astype("str").str.extract(r"^(\d+):([0-5]\d)$").astype("float64")
    return parts[0] * 60 + parts[1]


def to_text(minutes: pd.Series) -> pd.Series:
    return minutes.map(lambda m: f"{int(m) // 60:02d}:{int(m) % 60:02d}", na_action="ignore").astype("str")


def _lazy(frame: pd.DataFrame) -> object:
    return pl.from_pandas(frame).lazy()


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds, "_KINDS", {})
    fs.register_column_kind("duration", base="number", read=to_minutes, write=to_text)
    fs.register_column_kind("branch", base="constant", read=lambda c: c.str[2:], write=lambda c: "B-" + c)
    fs.register_backend("bootstrap", BootstrapBackend)


@pytest.fixture
def table() -> pd.DataFrame:
    table = fs.make_transactions(12, start="2024-01-01", end="2024-02-29", seed=1)
    numbers = pd.Series(range(len(table)), dtype="float64")
    table["took"] = to_text(numbers.where(numbers % 7 != 0))
    return table.assign(branch="B-" + table["customer_id"].str[-1])


def test_a_backend_sees_the_base_and_the_user_his_own(table, monkeypatch, tmp_path) -> None:
    seen = []
    fit = BootstrapBackend.fit
    monkeypatch.setattr(
        BootstrapBackend, "fit", lambda self, given, **how: seen.append(given) or fit(self, given, **how)
    )
    extras = [fs.ExtraColumn("took", kind="duration"), fs.ExtraColumn("branch", kind="branch")]
    before = table.copy()
    synthesizer = fs.TransactionSynthesizer("bootstrap", extra_columns=extras).fit(table, seed=1)
    pd.testing.assert_frame_equal(table, before)
    (given,) = seen
    assert given.extra_columns == (
        fs.ExtraColumn("took", kind="number"),
        fs.ExtraColumn("branch", kind="constant"),
    )
    assert given.frame["took"].dtype == "float64"
    assert set(given.frame["branch"].str.len()) == {1}
    drawn = synthesizer.sample(6, seed=1)
    assert drawn["took"].dropna().str.fullmatch(r"\d\d+:[0-5]\d").all()
    assert drawn["took"].isna().any()
    assert set(drawn["took"].dropna()) <= set(table["took"].dropna())
    assert drawn["branch"].str.startswith("B-").all()
    assert drawn.groupby("customer_id")["branch"].nunique().eq(1).all()
    synthesizer.save(tmp_path / "model")
    again = fs.TransactionSynthesizer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.sample(6, seed=1), drawn)
    _kinds._KINDS.clear()
    with pytest.raises(fs.ParameterError, match="register_column_kind"):
        fs.TransactionSynthesizer.load(tmp_path / "model")


@pytest.mark.parametrize("make", [lambda frame: frame, pl.from_pandas, _lazy])
def test_a_cell_that_cannot_be_read_is_named_with_its_row(table, make) -> None:
    table.loc[4, "took"] = "an hour"
    table.loc[5, "took"] = None
    with pytest.raises(fs.SchemaViolation, match="'an hour' can't be read as 'duration'") as caught:
        fs.validate_transactions(make(table), extra_columns=[fs.ExtraColumn("took", kind="duration")])
    assert caught.value.failure_cases["value"].tolist() == ["an hour"]
    assert caught.value.failure_cases["row"].tolist() == [4]


@pytest.mark.parametrize("make", [lambda frame: frame, _lazy])
def test_the_rules_of_the_base_hold(table, make) -> None:
    table.loc[0, "branch"] = "B-other"
    with pytest.raises(fs.SchemaViolation, match="one value per customer"):
        fs.validate_transactions(make(table), extra_columns=[fs.ExtraColumn("branch", kind="branch")])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "number"}, "can't be the name of a kind"),
        ({"name": " "}, "can't be the name of a kind"),
        ({"name": 3}, "can't be the name of a kind"),
        ({"base": "duration"}, "has the base 'duration'; allowed are category, number"),
        ({"read": None}, "has read=None, which can't be called"),
        ({"write": "text"}, "has write='text', which can't be called"),
    ],
)
def test_bad_kinds_are_refused(changed: dict, message: str) -> None:
    sound = {"name": "duration", "base": "number", "read": to_minutes, "write": to_text}
    given = {**sound, **changed}
    with pytest.raises(fs.ParameterError, match=message):
        fs.register_column_kind(given.pop("name"), **given)


@pytest.mark.parametrize("read", [lambda column: column.tolist(), lambda column: column.iloc[1:]])
def test_a_reader_that_loses_rows_is_named(table, read) -> None:
    fs.register_column_kind("lost", base="category", read=read, write=lambda column: column)
    with pytest.raises(fs.ParameterError, match=r"kind 'lost' read column 'took' as a .* other rows"):
        fs.validate_transactions(table, extra_columns=[fs.ExtraColumn("took", kind="lost")])


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(fs.ParameterError, match=r"allowed are category, .*duration"):
        fs.ExtraColumn("took", kind="durations")
