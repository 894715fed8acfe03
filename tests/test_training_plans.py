"""How plans describe a customer's window and balance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the embedded backend needs torch")

from gretel_fin_synth.training.local.plan_parts import Description
from gretel_fin_synth.training.local.plans import PlanModel

N_DAYS = 400


def _lives(n: int, *, steady: bool, rng: np.random.Generator) -> np.ndarray:
    """Accounts that gain or lose a few swings, from amounts that differ more; or that all end alike."""
    start = np.rint(rng.lognormal(12, 1, n))
    swing = rng.lognormal(9, 0.8, n)
    end = np.rint(start + rng.normal(1, 2, n) * swing if steady else rng.lognormal(12, 1, n))
    floor = np.rint(np.minimum(start, end) - rng.lognormal(0, 0.5, n) * swing)
    return np.column_stack([np.zeros(n), np.zeros(n), start, end, swing, floor])


def _apart(real: np.ndarray, drawn: np.ndarray) -> float:
    """Return the largest difference of the distribution functions."""
    values = np.sort(np.r_[real, drawn])
    below = [np.searchsorted(np.sort(part), values, "right") / len(part) for part in (real, drawn)]
    return float(np.abs(below[0] - below[1]).max())


@pytest.mark.parametrize("steady", [True, False])
def test_what_an_account_gains_and_how_low_it_falls_go_with_its_swing(steady: bool) -> None:
    rng = np.random.default_rng(6)
    exact = _lives(60, steady=steady, rng=rng)
    plans = PlanModel.fit(exact, rng.normal(size=(60, 5)), neighbours=20.0, n_days=N_DAYS, k=3, rng=rng)
    assert plans.description.by_change is steady
    drawn = plans.draw(3000, rng)
    start, end, swing, floor = exact[:, 2:].T
    assert _apart(end - start, drawn.end - drawn.start) < (0.06 if steady else 0.12)
    assert _apart(np.minimum(start, end) - floor, np.minimum(drawn.start, drawn.end) - drawn.floor) < 0.06
    assert _apart((end - start) / swing, (drawn.end - drawn.start) / drawn.swing) < (0.1 if steady else 0.2)
    assert _apart(end, drawn.end) < 0.12


def test_noise_alone_does_not_make_accounts_gain_or_lose_more() -> None:
    rng = np.random.default_rng(7)
    exact = _lives(60, steady=True, rng=rng)
    scores = PlanModel.fit(
        exact, rng.normal(size=(60, 5)), neighbours=20.0, n_days=N_DAYS, k=3, rng=rng
    ).scores
    assert np.abs(np.corrcoef(scores.T)[2, 3]) < 0.35  # what is drawn apart hardly depends on each other
    ranks = np.argsort(np.argsort(exact[:, 2:4], axis=0), axis=0)
    assert np.corrcoef(ranks.T)[0, 1] > 0.8  # as first and last balances do


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_change_of_fewer_than_k_customers_is_not_in_the_plans(k: int) -> None:
    exact = _lives(60, steady=True, rng=np.random.default_rng(8))
    known = Description.fit(exact, N_DAYS, k)
    start, end, _, floor = exact[:, 2:].T
    for column, kept in ((end - start, known.change), (np.minimum(start, end) - floor, known.depth)):
        values, counts = np.unique(column, return_counts=True)
        assert not set(values[counts < k].tolist()) & set(kept.tolist())


@pytest.mark.parametrize("by_span", [False, True])
@pytest.mark.parametrize("by_change", [False, True])
def test_a_description_says_what_it_describes(by_span: bool, by_change: bool) -> None:
    rng = np.random.default_rng(9)
    exact = _lives(40, steady=by_change, rng=rng)
    exact[:, 0], exact[:, 1] = rng.integers(0, 99, 40), rng.integers(0, 99, 40)
    known = replace(Description.fit(exact, N_DAYS, 1), by_span=by_span, by_change=by_change)
    again = known.exact(known.parts(exact), _Middle())
    np.testing.assert_allclose(again, exact, atol=1.0, rtol=1e-9)


class _Middle:
    """Random numbers that are all one half: every quantile is then that of its rank."""

    def random(self, n: int) -> np.ndarray:
        return np.full(n, 0.5)
