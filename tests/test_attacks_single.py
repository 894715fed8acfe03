"""One leaked customer among hundreds: no average sees it, and it must be seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import frame
from test_attacks_controls import BANK, CONTROLS

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import prepare
from gretel_fin_synth.evaluation._traces import run_codes
from gretel_fin_synth.evaluation.attacks._single import exposed, single_customers
from gretel_fin_synth.evaluation.replay import copied_histories


def test_a_share_and_a_score_are_both_needed():
    others = np.linspace(0.0, 5.0, 40)
    control = others, others / 10
    scores, shares = np.array([5.01, 5.01, 5.0, 9.0]), np.array([0.8, 0.79, 1.0, 1.0])
    found = exposed((scores, control[0]), (shares, control[1]))
    assert (found.count, found.of, found.reference) == (2, 4, 0.0)
    assert found.examples == ()  # no one is named


def test_a_control_that_has_both_too_is_the_reference():
    scores = np.append(np.zeros(49), 7.0)
    found = exposed((np.full(10, 8.0), scores), (np.ones(10), scores / 7.0))
    assert found.reference == pytest.approx(1 / 50)


def test_a_control_too_small_answers_nothing():
    few = np.ones(19)
    assert single_customers((np.ones(30), few), (np.ones(30), few)) == {}


def history(customer, shift=0):
    """Seven payments that no one else makes, as five runs of three."""
    days = pd.date_range("2024-01-01", periods=7, freq="5D") + pd.Timedelta(days=shift)
    return [(customer, day, 10.0 + number**2, "debit", "food") for number, day in enumerate(days)]


def other(customer, base):
    days = pd.date_range("2024-01-02", periods=8, freq="3D")
    return [(customer, day, base + number, "debit", "food") for number, day in enumerate(days)]


def test_a_history_played_back_by_hand():
    real = prepare(frame(*history("R1"), *other("R2", 900.0), *other("R3", 900.0)))
    copied = prepare(frame(*history("S1", shift=40), *other("S2", 500.0)))
    control = prepare(frame(*other("H1", 700.0), *other("H2", 900.0)))
    found = copied_histories(*run_codes([real, copied, control]), [3, 2, 2])
    # H2 has a history of R2 and R3, which is therefore no one's own; S1 has one that is R1's alone.
    assert (found.count, found.of, found.reference) == (1, 2, 0.0)
    alone = copied_histories(*run_codes([real, copied]), [3, 2])
    assert alone.reference == pytest.approx(2 / 3)  # R2 and R3 share theirs
    short = prepare(frame(*history("S1")[:6], *other("S2", 500.0)))
    assert copied_histories(*run_codes([real, short, control]), [3, 2, 2]).count == 0


def test_histories_too_short_for_a_run_share_nothing():
    table = prepare(frame(*history("R1")[:2]))
    assert copied_histories(*run_codes([table, table]), [1, 1]).count == 0


@pytest.fixture(scope="module", params=["stand-in", "real bank"])
def leaks(request):
    """Verdicts on unseen customers, and on the same with one training customer, exact or with noise."""
    if request.param == "real bank":
        if not BANK.exists():
            pytest.skip("the real bank (../shared/data/berka_early) is not here")
        train, holdout = (pd.read_parquet(BANK / f"{part}.parquet") for part in ("train", "holdout"))
    else:
        table = fs.make_transactions(260, start="2023-01-01", end="2023-06-30", seed=41)
        train, holdout = fs.split_customers(table, 0.5, seed=1)
    made = CONTROLS.make_controls(train, holdout, 0)
    sizes = train.groupby("customer_id").size()
    one = train[train["customer_id"] == sizes.index[(sizes > 20).to_numpy().nonzero()[0][0]]]
    exact, noisy = CONTROLS.renamed(one, "L"), CONTROLS.noisy(one, np.random.default_rng(1))
    tables = {
        "none": made["unseen"],
        "exact": pd.concat([made["unseen"], exact], ignore_index=True),
        "noisy": pd.concat([made["unseen"], noisy], ignore_index=True),
    }
    return {
        name: fs.evaluate(train, each, holdout=made["control"], measures=["replay", "attacks"])
        for name, each in tables.items()
    }


def test_unseen_customers_are_not_accused(leaks):
    found = leaks["none"]
    # DPS was not asked for, and nobody stated a guarantee
    assert [finding.measure for finding in found.verdict.findings] == ["evaluation", "evaluation"]
    assert found.attacks.breakdown["single_customers"]["rows_stick_out"].count == 0
    assert found.replay.breakdown["histories"].count == 0
    assert found.attacks.reference == 100


def test_one_copied_customer_is_seen(leaks):
    found = leaks["exact"]
    assert found.replay.breakdown["histories"].count == 1
    assert found.replay.grade == "Poor"
    assert found.verdict.audiences == ("same team",)
    assert found.replay.breakdown["runs"].share < 0.03  # which is why an average is not enough


def test_one_customer_copied_with_noise_is_seen(leaks):
    found = leaks["noisy"]
    # A bank's table may hold a customer twice, as a joint account: then both stick out.
    assert 1 <= found.attacks.breakdown["single_customers"]["rows_stick_out"].count <= 2
    assert found.attacks.grade == "Poor"
    assert found.attacks.score < 100
    assert found.verdict.audiences == ("same team",)
