from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame, tables
from hypothesis import given

from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation._traces import row_codes, run_codes
from gretel_fin_synth.evaluation.replay import bootstrap_interval, replay

DATA = Path(__file__).parents[1] / "../shared/data"

REAL = frame(
    ("a", "2024-01-01", 10.0, "credit", "pay"),
    ("a", "2024-01-02", 5.0, "debit", "food"),
    ("a", "2024-01-05", 7.0, "debit", "rent"),
    ("b", "2024-01-02", 5.0, "debit", "food"),
)


def rates(synthetic, holdout=None, real=REAL):
    outside = None if holdout is None else prepare(holdout)
    return replay(prepare(real), prepare(synthetic), outside, np.random.default_rng(0))


def renamed(table, prefix="S"):
    return table.assign(customer_id=prefix + table["customer_id"])


def test_rows_by_hand():
    synthetic = frame(
        ("x", "2024-01-01", 10.0, "credit", "pay"),  # a real row
        ("x", "2024-01-01", 10.0, "debit", "pay"),  # another type
        ("x", "2024-01-03", 5.0, "debit", "food"),  # another day
        ("b", "2024-01-02", 5.0, "debit", "food"),  # a real row of the same id
    )
    result = rates(synthetic).breakdown
    assert (result["rows"].count, result["rows"].of) == (2, 4)
    assert result["rows_with_ids"].count == 1
    assert result["rows"].within_real == 0.5  # the food of a and b


def test_runs_by_hand():
    shifted = REAL.assign(
        transaction_date=REAL["transaction_date"] + pd.Timedelta(days=40), customer_id=["x"] * 3 + ["y"]
    )
    result = rates(shifted).breakdown
    assert result["rows"].count == 0
    assert (result["runs"].count, result["runs"].of) == (1, 1)  # the days between are the same
    wider = shifted.copy()
    wider.loc[2, "transaction_date"] += pd.Timedelta(days=1)
    assert rates(wider).breakdown["runs"].count == 0


def test_runs_do_not_cross_customers():
    codes, owners = run_codes([prepare(REAL)])
    assert len(codes[0]) == 1
    assert owners[0].tolist() == [0]


def test_times_of_day_do_not_hide_a_replay():
    late = REAL.assign(transaction_date=REAL["transaction_date"] + pd.Timedelta(hours=3))
    assert rates(renamed(late)).breakdown["rows"].share == 1.0


def test_intervals_by_hand():
    rng = np.random.default_rng(0)
    hits = np.array([True, True, False, False])
    assert bootstrap_interval(hits, np.array([0, 0, 1, 1]), rng)[0] == 0.0  # whole customers are drawn
    low, high = bootstrap_interval(np.zeros(100, dtype=bool), np.arange(100), rng)
    assert low == 0.0
    assert high == pytest.approx(3.8416 / 103.8416, rel=1e-3)  # Wilson's upper end for 0 of 100


def test_an_interval_holds_the_share():
    rng = np.random.default_rng(1)
    customer = np.repeat(np.arange(50), 10)
    hits = rng.random(500) < np.repeat(rng.random(50), 10)
    low, high = bootstrap_interval(hits, customer, rng)
    assert low < hits.mean() < high
    by_rows = 1.96 * np.sqrt(hits.mean() * (1 - hits.mean()) / 500)
    assert high - low > 2 * by_rows  # rows of one customer are no independent draws


def test_a_copy_is_refused_and_an_honest_sample_is_not():
    real, holdout, honest = crowd(60, 0), crowd(60, 1, prefix="H"), crowd(60, 2, prefix="S")
    copied = rates(renamed(real), holdout, real)
    assert copied.score < 10
    assert copied.breakdown["runs"].flagged
    assert copied.concerns[0].forbids == "same team"
    for outside in (holdout, None):
        fair = rates(honest, outside, real)
        assert not fair.concerns
        assert fair.score > 95


def test_a_leak_of_a_fifth_of_the_customers_is_caught():
    real, holdout = crowd(60, 0), crowd(60, 1, prefix="H")
    leak = pd.concat([renamed(real[real["customer_id"] < "C012"]), crowd(48, 3, prefix="T")])
    for outside in (holdout, None):
        result = rates(leak, outside, real)
        assert result.breakdown["runs"].share == pytest.approx(0.2, abs=0.02)
        assert any(concern.forbids == "other teams" for concern in result.concerns)


def test_a_holdout_that_is_not_unseen_is_named():
    real = crowd(30, 0)
    result = rates(renamed(real), renamed(real, "H"), real)
    assert any("not unseen" in concern.text for concern in result.concerns)


def test_too_short_histories_have_no_runs():
    result = rates(REAL.iloc[[3]])
    assert result.breakdown["runs"].share is None
    assert result.breakdown["runs"].flagged is None


@given(tables(), tables())
def test_codes_are_equal_exactly_for_equal_rows(left, right):
    first, second = prepare(left), prepare(right)
    codes = row_codes([first, second], ids=True)

    def keys(table):
        names = [
            "customer_id",
            "transaction_date",
            "transaction_amount",
            "transaction_type",
            "transaction_category",
        ]
        return list(table.frame[names].itertuples(index=False, name=None))

    known = dict(zip(keys(first), codes[0].tolist(), strict=True))
    for key, code in zip(keys(second), codes[1].tolist(), strict=True):
        assert known.get(key, code) == code
        assert (key in known) == (code in set(codes[0].tolist()))


@given(tables())
def test_the_same_table_is_replayed_wholly(table):
    result = rates(table, real=table)
    assert result.breakdown["rows"].share == result.breakdown["rows_with_ids"].share == 1.0


@pytest.mark.skipif(not DATA.exists(), reason="the data are not there")
def test_shares_on_real_data():
    train = pd.read_parquet(DATA / "berka_early/train.parquet")
    holdout = pd.read_parquet(DATA / "berka_early/holdout.parquet")
    honest = rates(holdout, None, train)
    assert honest.breakdown["rows"].share == pytest.approx(0.172, abs=0.001)
    assert not honest.concerns
    published = rates(
        pd.read_csv(DATA / "seed/synthetic_data.csv"),
        None,
        pd.read_csv(DATA / "seed/transactions_merged.csv"),
    )
    assert published.breakdown["rows"].share == pytest.approx(0.634, abs=0.002)
    assert published.breakdown["rows_with_ids"].share == pytest.approx(0.555, abs=0.004)
    assert published.concerns[0].hard
