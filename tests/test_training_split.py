"""Splitting by customer: laws, every library, and what cannot be split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth._frames import to_pandas

if TYPE_CHECKING:
    from conftest import Engine

IDS = st.one_of(
    st.lists(st.text("ab0N é", min_size=1, max_size=3), min_size=2, max_size=40),
    st.lists(st.integers(-5, 5), min_size=2, max_size=40),
).filter(lambda ids: len(set(ids)) > 1)
FRACTIONS = st.floats(0.01, 0.99)
SEEDS = st.integers(0, 2**63 - 1)


def table(ids: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ids, "place": np.arange(len(ids))})


@given(IDS, FRACTIONS, SEEDS)
def test_a_partition_by_customer_that_keeps_the_order(ids: list[Any], fraction: float, seed: int) -> None:
    frame = table(ids)
    first, second = fs.split_customers(frame, fraction, seed=seed)
    assert sorted([*first["place"], *second["place"]]) == frame["place"].tolist()
    assert not set(first["customer_id"]) & set(second["customer_id"])
    for part in (first, second):
        assert part["place"].is_monotonic_increasing
        assert part["place"].tolist() == part.index.tolist()
        assert len(part)
    n = len(set(ids))
    assert first["customer_id"].nunique() == min(max(round(fraction * n), 1), n - 1)
    pd.testing.assert_frame_equal(frame, table(ids))


@given(IDS, FRACTIONS, SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_rows_plays_no_part(ids: list[Any], fraction: float, seed: int, random: Any) -> None:
    shuffled = random.sample(ids, len(ids))
    chosen = fs.split_customers(table(ids), fraction, seed=seed)[0]
    again = fs.split_customers(table(shuffled), fraction, seed=seed)[0]
    assert set(chosen["customer_id"]) == set(again["customer_id"])


def test_the_seed_decides() -> None:
    frame = table(list("abcdefghijkl"))
    parts = [tuple(fs.split_customers(frame, seed=seed)[0]["customer_id"]) for seed in (1, 1, 2)]
    assert parts[0] == parts[1]
    assert parts[0] != parts[2]
    assert len({tuple(fs.split_customers(frame)[0]["customer_id"]) for _ in range(8)}) > 1


def test_every_library_splits_alike_and_gives_back_its_own_type(engine: Engine) -> None:
    real = fs.make_transactions(9, start="2024-01-01", end="2024-01-31", seed=1)
    wanted = fs.split_customers(real, 0.3, seed=5)
    frame = engine.make(real)
    parts = fs.split_customers(frame, 0.3, seed=5)
    for part, expected in zip(parts, wanted, strict=True):
        assert type(part) is type(frame)
        order = () if engine.ordered else ("customer_id", "transaction_date", "account_balance")
        rows = engine.rows(part, *order)
        assert rows["account_balance"].sum() == pytest.approx(expected["account_balance"].sum())
        assert sorted(rows["customer_id"]) == sorted(expected["customer_id"])


def test_categorical_ids() -> None:
    pl = pytest.importorskip("polars")
    ids = ["b", "a", "c", "a", "b"]
    wanted = set(fs.split_customers(table(ids), seed=3)[0]["customer_id"])
    lazy = pl.DataFrame({"customer_id": ids}).with_columns(pl.col("customer_id").cast(pl.Categorical)).lazy()
    for frame in (table(ids).astype({"customer_id": "category"}), lazy, lazy.collect().to_arrow()):
        assert set(to_pandas(fs.split_customers(frame, seed=3)[0])["customer_id"]) == wanted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fraction": 0}, r"fraction=0 cannot be used: it must be a number between 0 and 1"),
        ({"fraction": 1.0}, r"fraction=1.0 cannot"),
        ({"fraction": float("nan")}, r"fraction=nan cannot"),
        ({"fraction": "half"}, r"fraction='half' cannot"),
        ({"fraction": None}, r"fraction=None cannot"),
        ({"fraction": True}, r"fraction=True cannot"),
        ({"seed": -1}, r"seed=-1 cannot be used: it must be None or a whole number from 0"),
        ({"seed": 1.0}, r"seed=1.0 cannot"),
        ({"seed": True}, r"seed=True cannot"),
        ({"seed": 2**63}, r"seed=9223372036854775808 cannot"),
        ({"frame": table(["a", "a"])}, r"at least 2 customers, and the table has 1"),
        ({"frame": table([])}, r"the table has 0"),
        ({"frame": [1, 2]}, r"a dataframe is needed"),
    ],
)
def test_what_cannot_be_split(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(fs.ParameterError, match=message):
        fs.split_customers(**{"frame": table(["a", "b"]), **arguments})


@pytest.mark.parametrize(
    ("frame", "message", "rows"),
    [
        (
            pd.DataFrame({"customer": ["a", "b"]}),
            r"'customer_id' is missing; did you mean 'customer'",
            [pd.NA],
        ),
        (table(["a", None, "b"]), r"column 'customer_id', row 1: None is no customer", [1]),
        (table(["a", float("nan"), "b", None]), r"row 3: None is no customer", [1, 3]),
    ],
)
def test_tables_without_customers(frame: pd.DataFrame, message: str, rows: list[Any]) -> None:
    with pytest.raises(fs.SchemaViolation, match=message) as caught:
        fs.split_customers(frame)
    assert caught.value.failure_cases["row"].tolist() == rows


def test_missing_customers_in_a_query_are_found_too() -> None:
    pl = pytest.importorskip("polars")
    with pytest.raises(fs.SchemaViolation, match="column 'customer_id': None is no customer"):
        fs.split_customers(pl.LazyFrame({"customer_id": ["a", None, "b"]}))
