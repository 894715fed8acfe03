"""Noise must not run away with a fit: bounds of rows, cells far from all others, kinds that few have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from privacy_tables import PUBLIC, SeededNoise, customers

from gretel_fin_synth import DifferentialPrivacy
from gretel_fin_synth.training.private import plan, queries
from gretel_fin_synth.training.private.beliefs import Kinds, believe
from gretel_fin_synth.training.private.calibration import MOST_RATE, calibrate
from gretel_fin_synth.training.private.curves import amounts_of
from gretel_fin_synth.training.private.draw import draw
from gretel_fin_synth.training.private.estimates import around
from gretel_fin_synth.training.private.following import Following
from gretel_fin_synth.training.private.gateway import Release
from gretel_fin_synth.training.private.grids import AMOUNT_BINS, COUNT_EDGES, PACE_EDGES, PER_DECADE
from gretel_fin_synth.training.private.prior import Prior, prior_for
from gretel_fin_synth.training.private.profile import Profile

BUSY = 84  # rows that a fifth of the customers below exceed


def _figures(epsilon: float, size: float, n: int = 60) -> plan.Figures:
    privacy = DifferentialPrivacy(epsilon, public=PUBLIC)
    return plan.measure(customers(n), privacy, (), SeededNoise(3, size))[0]


def _bounds(sigma: float, n: int = 250) -> np.ndarray:
    rows = np.exp(np.log(60) + 0.4 * np.random.default_rng(0).standard_normal(n)).astype(int)
    counts = np.bincount(np.searchsorted(COUNT_EDGES, rows, side="right"), minlength=len(COUNT_EDGES) + 1)
    noise = [sigma * np.random.default_rng(seed).standard_normal(len(counts)) for seed in range(40)]
    return np.array([plan._busy(Release(counts + own, sigma), n) for own in noise])


def test_the_bound_of_rows_is_that_of_the_table_without_noise() -> None:
    assert _bounds(1e-6)[0] == pytest.approx(BUSY, rel=0.15)


def test_the_bound_of_rows_stays_near_under_the_noise_of_a_small_budget() -> None:
    found = _bounds(26.0)  # a fiftieth of epsilon 1
    assert found.max() < 3 * BUSY
    assert found.min() > BUSY / 3
    assert np.median(found) == pytest.approx(BUSY, rel=0.2)


def test_where_noise_is_all_the_bound_is_the_usual_one() -> None:
    found = _bounds(1e6)
    assert (found > plan.ROWS_USUAL / 2).all()
    assert (found < 8 * plan.ROWS_USUAL).all()


def test_a_cell_far_from_all_others_is_not_believed_at_three_deviations() -> None:
    usual = np.zeros(40)
    usual[:5] = 40.0
    seen = usual.copy()
    seen[2] += 20.0
    seen[30] = 6.0
    found = around(seen, 2.0, usual)
    assert found[30] == 0
    assert found[2] > 1.2 * found[1]
    seen[30] = 20.0
    assert around(seen, 2.0, usual)[30] > 0


def test_where_noise_takes_all_away_what_is_usual_is_left() -> None:
    usual = np.array([1.0, 2.0, 1.0])
    np.testing.assert_allclose(around(np.full(3, -90.0), 5.0, usual), usual / 4)


def test_amounts_have_coarse_cells_where_the_budget_is_small() -> None:
    few, many = _figures(2.0, 1.0), _figures(50.0, 1.0, 100)
    size = few.known.n_kinds
    assert few.releases["kind_amounts"].sums.shape == (size, AMOUNT_BINS // plan.COARSE)
    assert many.releases["kind_amounts"].sums.shape == (size, AMOUNT_BINS)


def test_coarse_cells_say_the_same_of_amounts() -> None:
    figures = _figures(50.0, 0.0, 100)
    fine = figures.releases["kind_amounts"].sums
    coarse = fine.reshape(len(fine), -1, 3).sum(axis=2)
    kept = customers(100).inside(figures.first, figures.last).with_kinds(figures.kinds)
    found = queries.kind_amounts(kept, replace(figures.known, fold=3))
    counts = np.bincount(found.cell, found.weight, minlength=coarse.size).reshape(found.shape)
    np.testing.assert_allclose(counts / counts.sum(), coarse / coarse.sum(), atol=0.02)  # 0.02: the bound
    prior, kinds = _beliefs(figures)
    logs = (np.arange(AMOUNT_BINS) + 0.5) / PER_DECADE
    means = [amounts_of(prior, kinds, table, 1e-3) @ logs for table in (fine, coarse)]
    np.testing.assert_allclose(means[1], means[0], atol=0.1)
    np.testing.assert_allclose(amounts_of(prior, kinds, coarse, 1e-3).sum(axis=1), 1.0)


def _beliefs(figures: plan.Figures) -> tuple[Prior, Kinds]:
    prior = prior_for(figures.known.first_month, figures.known.n_months)
    values = {name: release.sums for name, release in figures.releases.items()}
    sigma = {name: release.sigma for name, release in figures.releases.items()}
    return prior, believe(prior, values, sigma, figures.known.sign, figures.n_customers)


def test_no_kind_comes_more_often_than_a_customer_pays() -> None:
    profile = Profile.of(_figures(50.0, 0.0))
    profile.rate[0] = 1e4
    drawn = draw(profile, 200, np.random.default_rng(0))
    most = PACE_EDGES[np.flatnonzero(profile.pace).max()] * profile.n_months
    assert np.bincount(drawn.who).max() < 2 * most


def test_kinds_that_hardly_anybody_has_do_not_run_away() -> None:
    figures = _figures(50.0, 0.0)
    profile = Profile.of(figures)
    profile.hold[1], profile.kind_rows[1] = 1e-3, 0.3  # figures that noise has made contradict each other
    follow = Following(figures.releases["successions"], asked=False)
    calibrate(profile, follow, 60, np.random.default_rng(0))
    assert profile.rate.max() <= MOST_RATE
    assert profile.rate.min() >= 1 / MOST_RATE
