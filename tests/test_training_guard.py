"""Rare rows of the training table: met no more often than chance brings them about."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="the embedded backend needs torch")

from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.guard import RowGuard


def table(seed: int, n: int = 60, length: int = 20, n_amounts: int = 5_000) -> Sequences:
    rng = np.random.default_rng(seed)
    rows = n * length
    day = np.sort(rng.integers(0, 30, (n, length)), axis=1).ravel()
    offset = np.arange(n + 1) * length
    return Sequences(rng.integers(0, 3, rows), day, rng.integers(1, n_amounts, rows), offset)


def test_a_copy_is_refused_and_strangers_are_not() -> None:
    real = table(1)
    guard = RowGuard.fit(real, real, 3)
    assert guard.meets(real.kind, real.day, real.cents).all()
    assert guard.keep < 0.05
    assert guard.refuses(real.kind, real.day, real.cents, np.full(len(real.kind), 0.5)).all()
    other = table(2)
    assert guard.meets(other.kind, other.day, other.cents).mean() < 0.01


def test_rows_that_chance_brings_about_stay() -> None:
    real, alike = (table(seed, n_amounts=60) for seed in (1, 2))
    guard = RowGuard.fit(real, alike, 40)
    assert guard.keep > 0.75


def test_rows_that_many_customers_share_are_no_rare_rows() -> None:
    real = table(1, n_amounts=2)
    assert not RowGuard.fit(real, real, 3).meets(real.kind, real.day, real.cents).any()


def test_the_window_may_begin_on_another_day() -> None:
    real = table(1)
    guard = RowGuard.fit(real, real, 3)
    moved = RowGuard(guard.keys, guard.keep, first_day=7)
    assert moved.meets(real.kind, real.day - 7, real.cents).all()
    assert moved.meets(real.kind, real.day, real.cents).mean() < 0.01


def test_customers_with_rare_rows_are_less_welcome() -> None:
    real = table(1, n=4, length=3)
    guard = RowGuard(RowGuard.fit(real, real, 3).keys, 0.0)
    assert guard.weight(real).max() <= 0.1**3 + 1e-12
    assert guard.weight(table(2, n=4, length=3)).min() == 1


def test_json_gives_the_guard_back() -> None:
    guard = RowGuard.fit(table(1), table(2), 3)
    again = RowGuard.from_dict(json.loads(json.dumps(guard.to_dict())))
    np.testing.assert_array_equal(again.keys, guard.keys)
    assert again.keep == guard.keep
