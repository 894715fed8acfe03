"""Public knowledge in private models: invented banks, what is asked at which signal, how noise decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_tables import CATEGORIES, PUBLIC, SeededNoise, customers
from scipy.stats import norm

from gretel_fin_synth import DifferentialPrivacy
from gretel_fin_synth.training.private import plan, queries
from gretel_fin_synth.training.private.accounting import rho_of
from gretel_fin_synth.training.private.beliefs import believe, leaning
from gretel_fin_synth.training.private.curves import along, at_the_end, bell_like, even, near_banks, tied
from gretel_fin_synth.training.private.estimates import around, beyond
from gretel_fin_synth.training.private.gateway import Release
from gretel_fin_synth.training.private.grids import FLOW_SHAPE, N_MONEY, THRIFT_SHAPE, thrift_cell
from gretel_fin_synth.training.private.prior import BY_KIND, WORLDS, Prior, _prior, prior_for

MONTH = (2024 - 1970) * 12


@pytest.fixture(scope="module")
def prior() -> Prior:
    return prior_for(MONTH, 3)


def test_public_kinds_are_distributions_and_do_not_change(prior: Prior) -> None:
    assert set(prior.tables) == set(BY_KIND)
    for table in (*prior.tables.values(), *prior.banks.values()):
        np.testing.assert_allclose(table.sum(axis=1), 1.0)
    assert len(prior.sign) == len(prior.hold) == len(prior.tables["days"])
    assert set(np.unique(prior.sign)) == {-1, 1}
    again = _prior.__wrapped__(MONTH, 3, WORLDS)
    np.testing.assert_array_equal(again.tables["days"], prior.tables["days"])
    np.testing.assert_array_equal(again.banks["starts"], prior.banks["starts"])


def _measured(epsilon: float, size: float, n: int = 60) -> plan.Figures:
    privacy = DifferentialPrivacy(epsilon, public=PUBLIC)
    return plan.measure(customers(n), privacy, (), SeededNoise(3, size))[0]


def _believed(prior: Prior, figures: plan.Figures, noise: float) -> tuple[np.ndarray, np.ndarray]:
    values = {name: release.sums for name, release in figures.releases.items()}
    sigma = {name: noise * release.sigma for name, release in figures.releases.items()}
    kinds = believe(prior, values, sigma, figures.known.sign, figures.n_customers)
    np.testing.assert_allclose(kinds.weight.sum(axis=1), 1.0)
    assert (kinds.weight[figures.known.sign[:, None] != prior.sign] == 0).all()
    return kinds.hold, kinds.rows


def test_without_noise_holders_and_rows_are_the_table_s_own(prior: Prior) -> None:
    table = customers(60)
    figures = _measured(50.0, 0.0)
    hold, rows = _believed(prior, figures, 1e-6)
    kept = table.inside(figures.first, figures.last).with_kinds(CATEGORIES)
    known = queries.kind_holders(kept, figures.known)
    own = np.bincount(known.cell, minlength=len(CATEGORIES)) / 60
    np.testing.assert_allclose(hold, np.clip(own, 0.25 / 60, 1 - 0.25 / 60), atol=0.1)  # 0.1: the bound
    found = figures.releases["kind_rows"].sums
    np.testing.assert_allclose(rows, found / found.sum(), atol=1e-3)


def test_where_noise_is_all_kinds_are_those_of_the_invented_banks(prior: Prior) -> None:
    figures = _measured(50.0, 0.0)
    nothing = {name: Release(0 * r.sums, 1e6 * 60) for name, r in figures.releases.items()}
    hold, _ = _believed(prior, replace(figures, releases=nothing), 1.0)
    for code, sign in enumerate(figures.known.sign):
        assert hold[code] == pytest.approx(prior.hold[prior.sign == sign].mean(), rel=0.15)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), noise=st.floats(1e-3, 1e7))
def test_estimates_are_distributions_whatever_the_noise(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    banks = rng.dirichlet(np.ones(30), 3)
    values = 200 * rng.dirichlet(np.ones(30)) + noise * rng.standard_normal(30)
    made = [
        along(values, noise, 200.0, banks),
        near_banks(values, noise, 200.0, banks),
        even(values, noise),
        at_the_end(values, noise, 200.0),
        bell_like(values, noise, 200.0),
        around(values, noise, 200 * banks[0]),
        beyond(values, noise, 200 * banks[0]),
        *leaning(values.reshape(3, 10), noise, np.full(3, 60.0), banks[:, :10] / banks[:, :10].sum()),
    ]
    for shares in made:
        assert (shares >= 0).all()
        assert shares.sum() == pytest.approx(1.0)


def test_noise_decides_between_the_table_and_the_banks() -> None:
    values, bank = np.array([10.0, 80.0, 10.0]), np.array([[0.2, 0.2, 0.6]])
    np.testing.assert_allclose(near_banks(values, 1e-6, 100.0, bank), values / 100, atol=1e-6)
    np.testing.assert_allclose(near_banks(values, 1e6, 100.0, bank), bank[0])
    np.testing.assert_allclose(around(values, 1e6, 100 * bank[0]), bank[0])
    np.testing.assert_allclose(around(values, 1e-6, 100 * bank[0]), values / 100)
    np.testing.assert_allclose(even(values, 1e6), np.full(3, 1 / 3))
    np.testing.assert_allclose(leaning(values[None], 1e6, np.array([100.0]), bank), bank)


def test_shapes_move_to_the_table_and_leave_zero_where_it_is() -> None:
    middle = N_MONEY // 2
    bank, wanted = np.zeros((1, N_MONEY)), np.zeros(N_MONEY)
    bank[0, [middle, middle + 10, middle + 11]] = 0.2, 0.5, 0.3
    wanted[[middle, middle + 22, middle + 23]] = 0.2, 0.5, 0.3
    found = along(1000 * wanted, 5.0, 1000.0, bank, middle)
    np.testing.assert_allclose(found, wanted, atol=0.02)


@pytest.mark.parametrize("tie", [-0.6, 0.0, 0.6])
def test_income_and_spending_are_tied_as_the_table_says(tie: float) -> None:
    rng = np.random.default_rng(0)
    income, ratio = np.zeros(FLOW_SHAPE[0]), np.zeros(FLOW_SHAPE[1])
    income[18:26], ratio[14:48] = 1 / 8, 1 / 34
    scores = rng.multivariate_normal([0, 0], [[1, tie], [tie, 1]], 5000)
    first = np.searchsorted(np.cumsum(income), norm.cdf(scores[:, 0]))
    second = np.searchsorted(np.cumsum(ratio), norm.cdf(scores[:, 1]))
    seen = np.bincount(thrift_cell(first, second), minlength=int(np.prod(THRIFT_SHAPE)))
    values = seen.reshape(THRIFT_SHAPE).astype(float)
    table = tied(income, ratio, values, 2.0, 5000.0)
    np.testing.assert_allclose(table.sum(axis=1), income, atol=1e-9)
    np.testing.assert_allclose(table.sum(axis=0), ratio, atol=0.01)
    rows, columns = (cells.ravel() for cells in np.indices(table.shape))
    spread = np.cov(rows, columns, aweights=table.ravel())
    found = spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])
    assert found == pytest.approx(np.corrcoef(first, second)[0, 1], abs=0.06)
    unknown = tied(income, ratio, 0 * values, 1e9, 5000.0)
    np.testing.assert_allclose(unknown, np.outer(income, ratio), atol=2e-3)


def test_at_low_signal_less_is_asked_and_the_budget_is_the_same() -> None:
    asked = {}
    for epsilon in (0.8, 20.0):
        privacy = DifferentialPrivacy(epsilon, public=PUBLIC)
        figures, gateway = plan.measure(customers(60), privacy, (), SeededNoise(1))
        asked[epsilon] = {charge.name for charge in gateway.charges}
        assert gateway.spent == pytest.approx(rho_of(epsilon, privacy.delta_for(60)), rel=1e-6)
        for part in plan.PARTS:
            if part.name not in asked[epsilon]:
                release = figures.releases[part.name]
                assert not release.sums.any()
                assert release.sigma == 60 * plan.NOISE_ALONE
    assert asked[0.8] < asked[20.0]
    assert {part.name for part in plan.PARTS} <= asked[20.0]
    assert "cents" not in asked[0.8]


def test_what_is_asked_hangs_on_public_numbers_alone() -> None:
    names = []
    for seed in (1, 2):
        gateway = plan.measure(customers(60, seed), DifferentialPrivacy(1.0), (), SeededNoise(seed))[1]
        names.append([(charge.name, charge.rho) for charge in gateway.charges])
    assert names[0] == names[1]


def test_shares_go_from_one_plan_to_the_other() -> None:
    rows = next(part for part in plan.PARTS if part.name == "kind_rows")
    cents = next(part for part in plan.PARTS if part.name == "cents")
    assert plan.Plan(10.0).share(rows) == rows.low
    assert plan.Plan(5000.0).share(rows) == pytest.approx(rows.share)
    assert plan.Plan(10.0).share(cents) == 0.0
    assert plan.Plan(5000.0).share(cents) == pytest.approx(cents.share)
    middle = plan.Plan((plan.LOW * plan.HIGH) ** 0.5)
    assert middle.share(rows) == pytest.approx((rows.low * rows.share) ** 0.5)


def test_the_fullest_slice() -> None:
    assert plan._fullest(np.array([-1.0, 3.0, -1.0, 2.0, -5.0, 1.0])) == (1, 4)
