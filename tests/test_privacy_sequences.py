"""What private models keep of sequences: who follows whom, how balances swing, how accounts open, habits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from privacy_tables import CATEGORIES, SeededNoise, training_table, transactions

from gretel_fin_synth import DifferentialPrivacy, TransactionSynthesizer
from gretel_fin_synth.training.private import backend as backend_module
from gretel_fin_synth.training.private import plan, queries, rhythms
from gretel_fin_synth.training.private.arrange import arranged
from gretel_fin_synth.training.private.calibration import MOST_OF, _moved
from gretel_fin_synth.training.private.courses import on_course
from gretel_fin_synth.training.private.customers import Customers, bounded
from gretel_fin_synth.training.private.estimates import standing_out
from gretel_fin_synth.training.private.gateway import Gateway
from gretel_fin_synth.training.private.grids import (
    BELOW_EDGES,
    DAY_SORTS,
    FLOW_SHAPE,
    N_SORTS,
    SWING_EDGES,
    left_cell,
    left_of,
)

FIRST_MONTH = (2024 - 1970) * 12


def _place(pull: np.ndarray) -> Any:
    return SimpleNamespace(
        days=np.full((2, 32), 1 / 32),
        weekdays=np.ones((2, 7)),
        first_month=FIRST_MONTH,
        n_months=1,
        pull=pull,
    )


def _month(n: int = 400) -> tuple[np.ndarray, ...]:
    """Return customers with two payments of kind 0 and two of kind 1 on four days, in random order."""
    rng = np.random.default_rng(3)
    begin = int(np.datetime64("2024-01-01", "D").astype(int))
    who, kind = np.repeat(np.arange(n), 4), np.concatenate([rng.permutation([0, 0, 1, 1]) for _ in range(n)])
    return who, kind, np.zeros(4 * n, dtype=np.int64), begin + np.tile([3, 8, 15, 21], n)


def _alternations(who: np.ndarray, kind: np.ndarray) -> float:
    return float((np.diff(kind)[np.diff(who) == 0] != 0).mean())


def test_kinds_follow_each_other_as_the_pull_says() -> None:
    who, kind, month, day = _month()
    free, bound = np.ones(len(who), dtype=bool), np.zeros(len(who), dtype=bool)
    shares = {}
    for strength in (0.0, 3.0):
        pull = np.zeros((3, 2, 2))
        pull[1] = strength * (1 - np.eye(2))  # unlike kinds on different days
        at = arranged(_place(pull), who, kind, month, day, free, bound, np.random.default_rng(0))
        np.testing.assert_array_equal(np.sort(at), np.arange(len(who)))
        np.testing.assert_array_equal(who[at], who)
        shares[strength] = _alternations(who, kind[at])
    assert shares[0.0] == pytest.approx(2 / 3, abs=0.04)
    assert shares[3.0] > 0.9


def test_payments_with_one_between_follow_as_the_pull_says() -> None:
    who, kind, month, day = _month()
    free, bound = np.ones(len(who), dtype=bool), np.zeros(len(who), dtype=bool)
    pull = np.zeros((3, 2, 2))
    pull[2] = 3 * np.eye(2)  # like kinds with one between: they alternate
    at = arranged(_place(pull), who, kind, month, day, free, bound, np.random.default_rng(0))
    assert _alternations(who, kind[at]) > 0.9


def test_standing_orders_stay_on_their_days_and_openings_where_they_are() -> None:
    who, kind, month, day = _month()
    pull = np.zeros((3, 2, 2))
    pull[1] = 4 * (1 - np.eye(2))
    free, bound = np.arange(len(who)) % 4 != 1, np.arange(len(who)) % 4 == 0
    at = arranged(_place(pull), who, kind, month, day, free, bound, np.random.default_rng(0))
    np.testing.assert_array_equal(at[~free], np.flatnonzero(~free))
    np.testing.assert_array_equal(at[bound], np.flatnonzero(bound))
    assert (at != np.arange(len(who))).any()


def test_what_is_wanted_of_successions_is_usual_unless_counts_exceed_noise() -> None:
    counts, usual = np.array([70.0, 20.0, 10.0]), np.array([0.4, 0.3, 0.3])
    np.testing.assert_allclose(standing_out(counts, 1e-3, usual, 1.5), counts / 100, atol=1e-4)
    np.testing.assert_allclose(standing_out(counts, 40.0, usual, 1.5), usual)


def _swings(who: np.ndarray, signed: np.ndarray) -> np.ndarray:
    table = pd.Series(signed).groupby(who)
    return (table.cumsum().groupby(who).std(ddof=0) / table.apply(lambda x: x.abs().mean())).to_numpy()


@pytest.mark.parametrize("cell", [10, 15])
def test_balances_swing_as_far_as_they_should(cell: int) -> None:
    rng = np.random.default_rng(1)
    n, length = 60, 40
    who = np.repeat(np.arange(n), length)
    kind = rng.integers(0, 2, n * length)
    cents = np.rint(np.exp(rng.normal(8, 1.2, n * length))).astype(np.int64)
    fixed = rng.random(n * length) < 0.1
    sign, swing, below = np.array([1, -1]), np.zeros(len(SWING_EDGES) + 1), np.zeros(len(BELOW_EDGES) + 1)
    swing[cell], below[-1] = 1.0, 1.0
    profile: Any = SimpleNamespace(sign=sign, swing=swing, below=below)
    start = np.zeros(n, dtype=np.int64)
    made = on_course(profile, (who, kind, cents), fixed, start, np.random.default_rng(0))
    np.testing.assert_array_equal(made[fixed], cents[fixed])
    for column in (cents, made):  # what is paid of each kind is the same
        assert sorted(zip(who, kind, column, strict=True)) == sorted(zip(who, kind, cents, strict=True))
    aim = np.log(np.sqrt(SWING_EDGES[cell - 1] * SWING_EDGES[cell]))
    before, after = (np.abs(np.log(_swings(who, sign[kind] * c)) - aim).mean() for c in (cents, made))
    assert after < 0.7 * before


def test_categories_that_few_have_are_found_when_the_others_are_known() -> None:
    frame = transactions(100)
    begin = frame.groupby("customer_id").head(1)
    rest = [begin.assign(transaction_type=kind, transaction_category=name) for kind, name in CATEGORIES]
    rare = begin.iloc[:30].assign(transaction_type="debit", transaction_category="rare")
    whole = pd.concat([*rest, rare]).sort_values(["customer_id", "transaction_date"], ignore_index=True)
    table = bounded(training_table(whole), 2000)
    rho, privacy = 0.052, DifferentialPrivacy(1.0)
    alone = Gateway(table, rho, SeededNoise(0, 0.0))
    once = alone.select("categories", queries.held_kinds, rho=rho, delta=1e-6, most=8)
    assert ("debit", "rare") not in once
    assert ("debit", "rent") in once
    gateway = Gateway(table, rho, SeededNoise(0, 0.0))
    kinds = plan._kinds(gateway, privacy, rho, 1e-6, 8)
    assert ("debit", "rare") in kinds
    assert set(once) <= set(kinds)
    assert gateway.spent == pytest.approx(rho)
    assert [charge.delta for charge in gateway.charges] == [1e-6, 1e-6]


def test_what_is_left_lies_in_its_cell() -> None:
    cells = np.arange(1, FLOW_SHAPE[1] - 1)
    np.testing.assert_array_equal(left_cell(left_of(cells, np.random.default_rng(0))), cells)


def _paid_on(days: list[np.datetime64]) -> Customers:
    day = np.array(days, dtype="datetime64[D]").astype(np.int64)
    words = np.full(len(day), "x", dtype=object)
    none = np.zeros(len(day), dtype=np.int64)
    return Customers(
        words, words, day, none, none + 500, np.array([0, len(day)]), np.zeros(1, dtype=np.int64), {}, none
    )


def _sort_of(days: list[np.datetime64]) -> int:
    known = queries.Known(np.array([-1]), FIRST_MONTH, 12)
    cells = rhythms.habits(_paid_on(days), known).cell
    return int(cells[cells < N_SORTS][0])


def test_days_moved_off_weekends_are_told_from_days_that_only_lie_near() -> None:
    months = np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
    due = [day + 9 for day in months]
    moved = [day + (7 - (day.astype(int) + 3) % 7 if (day.astype(int) + 3) % 7 > 4 else 0) for day in due]
    assert any(a != b for a, b in zip(due, moved, strict=True))
    near = [day + away for day, away in zip(due, [0, 2, -1, 1, -2, 3, 0, 1, -1, 2, -2, 1], strict=True)]
    far = [day + away for day, away in zip(months, [0, 20, 5, 27, 11, 2, 19, 8, 25, 14, 1, 22], strict=True)]
    assert [_sort_of(days) - DAY_SORTS for days in (due, moved, near, far)] == [2, 2, 1, 0]


def test_what_cannot_be_reached_is_not_chased() -> None:
    aim = np.array([[0.001, 0.5, 0.499]])
    now = aim.copy()
    for _ in range(30):
        now = _moved(now, aim, np.array([[0.0, 50.0, 50.0]]))
    assert now[0, 0] <= 1.2 * MOST_OF * aim[0, 0]
    np.testing.assert_allclose(now.sum(), 1.0)


def test_new_customers_begin_as_new_customers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_module, "SecureNoise", lambda: SeededNoise(5))
    frame = transactions(200)
    odd = pd.factorize(frame["customer_id"])[0] % 2 == 1
    kept = frame[~odd | (frame["transaction_date"] >= "2024-02-01")]
    begin = kept.groupby("customer_id").head(1)
    opening = begin.assign(
        transaction_date=begin["transaction_date"].dt.normalize(),
        transaction_type="credit",
        transaction_category="opening deposit",
        transaction_amount=500.0,
    )
    last = kept.groupby("customer_id").tail(1)
    later = last.assign(  # more of the kind, so that the first ones have amounts of their own
        transaction_type="credit", transaction_category="opening deposit", transaction_amount=20.0
    )
    real = pd.concat([opening, kept, later]).sort_values(
        ["customer_id", "transaction_date"], kind="stable", ignore_index=True
    )
    made = TransactionSynthesizer(privacy=DifferentialPrivacy(20.0)).fit(real, seed=1).sample(200, seed=2)
    first = made.groupby("customer_id").first()
    later = first[first["transaction_date"] >= "2024-02-01"]
    assert 50 < len(later) < 150
    opens = later["transaction_category"] == "opening deposit"
    assert opens.mean() > 0.85
    assert (later.loc[opens, "transaction_amount"] > 200.0).mean() > 0.8
