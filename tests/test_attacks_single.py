"""One leaked customer among hundreds: no average sees it, and it must be seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import frame
from test_attacks_controls import BANK, CONTROLS

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import prepare
from gretel_fin_synth.evaluation.attacks._single import exposed
from gretel_fin_synth.evaluation.replay import copied_histories, run_codes


def test_the_limit_by_hand():
    others = np.arange(100.0)
    # The upper fifth begins at 79.2; its 20 excesses sum to 206. By chance 0.01, one of three members passes
    # 79.2 + 206 ((0.2 * 3 / 0.01) ** (1 / 20) - 1).
    limit = 79.2 + 206.0 * (60.0 ** (1 / 20) - 1.0)
    members = np.array([10.0, limit - 0.01, limit + 0.01])
    found = exposed(members, others, chance=0.01)
    assert (found.count, found.of, found.reference) == (1, 3, 0.0)
    assert found.examples == ()  # no one is named


def test_no_one_is_counted_below_the_highest_of_the_control():
    others = np.append(np.zeros(60), np.full(15, 3.0))  # a tail without spread
    assert exposed(np.full(30, 3.0), others, chance=0.5).count == 0


def test_a_control_too_small_to_have_a_tail_answers_nothing():
    assert exposed(np.ones(10), np.arange(49.0), chance=0.01) is None
    assert exposed(np.zeros(0), np.arange(100.0), chance=0.01) is None


@pytest.mark.parametrize("seed", range(20))
def test_members_like_the_others_are_not_counted(seed):
    rng = np.random.default_rng(seed)
    assert exposed(rng.exponential(size=200), rng.exponential(size=100), chance=0.01).count == 0


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
    one = train[train["customer_id"] == sizes.index[(sizes > 100).to_numpy().nonzero()[0][0]]]
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
    assert [finding.measure for finding in found.verdict.findings] == ["evaluation"]  # DPS was not asked for
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
    assert found.attacks.breakdown["single_customers"]["rows_stick_out"].count == 1
    assert found.attacks.grade == "Poor"
    assert found.attacks.score < 100
    assert found.verdict.audiences == ("same team",)
