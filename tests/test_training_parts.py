"""Parts of the embedded backend without a network: plans, clock, choice among candidates, history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the embedded backend needs torch")

import torch

from gretel_fin_synth.training.local.calendar import N_RULES, Calendar
from gretel_fin_synth.training.local.calibration import Calibration
from gretel_fin_synth.training.local.clock import SECONDS, Clock, in_order
from gretel_fin_synth.training.local.encoding import build_world
from gretel_fin_synth.training.local.examples import Sequences, record
from gretel_fin_synth.training.local.history import COPY_FEATURES, History
from gretel_fin_synth.training.local.plans import EXACT, PlanModel, Plans, normal_scores
from gretel_fin_synth.training.local.profiles import last_balances
from gretel_fin_synth.training.local.sampling import MOST_LEAN, above, leaned
from gretel_fin_synth.training.local.shares import BASES, OWN, PLUS, SCALE, ShareTable, bases_of

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]

SEEDS = st.integers(0, 2**32)
N_DAYS = 400


def model(
    seed: int = 0, n: int = 60, k: int = 3, neighbours: float = 5.0
) -> tuple[PlanModel, npt.NDArray[Any]]:
    """Fit plans of n customers: most begin on day 0 and end on the last day, many start with nothing."""
    rng = np.random.default_rng(seed)
    first = np.where(rng.random(n) < 0.7, 0, rng.integers(0, 200, n))
    tail = np.where(rng.random(n) < 0.7, 0, rng.integers(0, 150, n))
    start = np.where(rng.random(n) < 0.3, 0, np.rint(rng.normal(50_000, 80_000, n)))
    more = rng.normal(20_000, 9_000, (n, len(EXACT) - 3))
    exact = np.column_stack([first, tail, start, more]).astype(float)
    codes = rng.normal(size=(n, 4)) + exact[:, [2]] / 100_000
    return PlanModel.fit(exact, codes, neighbours=neighbours, n_days=N_DAYS, k=k, rng=rng), exact


@given(SEEDS, SEEDS, st.integers(1, 200))
@settings(max_examples=25)
def test_plans_lie_inside_the_window_and_the_seed_decides(seed: int, draw: int, n: int) -> None:
    plans, exact = model(seed % 5)
    drawn = plans.draw(n, np.random.default_rng(draw))
    assert len(drawn) == n
    assert ((drawn.first_day >= 0) & (drawn.first_day <= drawn.last_day)).all()
    assert (drawn.last_day < N_DAYS).all()
    assert exact[:, 2].min() <= drawn.start.min()
    assert drawn.start.max() <= exact[:, 2].max()
    again = plans.draw(n, np.random.default_rng(draw))
    for name, value in vars(drawn).items():
        np.testing.assert_array_equal(value, getattr(again, name))
    loaded = PlanModel.from_dict(json.loads(json.dumps(plans.to_dict())))
    np.testing.assert_array_equal(loaded.draw(n, np.random.default_rng(draw)).first_day, drawn.first_day)


def test_plans_keep_the_distributions_of_days_and_of_starting_amounts() -> None:
    plans, exact = model(n=200)
    drawn = plans.draw(2000, np.random.default_rng(1))
    for real, got in zip(
        exact.T[:3], (drawn.first_day, N_DAYS - 1 - drawn.last_day, drawn.start), strict=True
    ):
        values = np.sort(np.r_[real, got])
        below = [np.searchsorted(np.sort(column), values, "right") / len(column) for column in (real, got)]
        assert np.abs(below[0] - below[1]).max() < 0.03
    assert (drawn.first_day == 0).mean() == pytest.approx((exact[:, 0] == 0).mean(), abs=0.02)
    assert (drawn.start == 0).mean() == pytest.approx((exact[:, 2] == 0).mean(), abs=0.02)


def test_plans_keep_what_goes_with_what_though_blurred() -> None:
    drawn = model(n=200)[0].draw(2000, np.random.default_rng(1))
    assert np.corrcoef(drawn.start, drawn.code[:, 0])[0, 1] > 0.2
    assert abs(np.corrcoef(drawn.start, drawn.first_day)[0, 1]) < 0.25


def test_noise_keeps_what_goes_with_what() -> None:
    rng = np.random.default_rng(3)
    level = rng.normal(size=400)
    codes = level[:, None] + 0.3 * rng.normal(size=(400, 3))
    exact = np.column_stack([rng.integers(0, 99, 400), rng.integers(0, 99, 400), rng.normal(size=(400, 4))])
    plans = PlanModel.fit(exact, codes, neighbours=100.0, n_days=N_DAYS, k=3, rng=rng)
    drawn = plans.draw(4000, rng).code
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(
        np.corrcoef(plans.codes[:, 0], plans.codes[:, 1])[0, 1], abs=0.12
    )


@pytest.mark.parametrize("by_span", [False, True])
def test_customers_who_stay_briefly_stay_briefly(by_span: bool) -> None:
    rng = np.random.default_rng(4)
    n = 300
    if by_span:  # short lives anywhere in the window
        span = np.where(rng.random(n) < 0.9, rng.integers(1, 40, n), N_DAYS)
        first = np.rint(rng.random(n) * (N_DAYS - span))
    else:  # all leave on the last day, whenever they came
        first = rng.integers(0, N_DAYS - 1, n).astype(float)
        span = N_DAYS - first
    exact = np.column_stack([first, N_DAYS - first - span, rng.normal(size=(n, 4))])
    plans = PlanModel.fit(exact, rng.normal(size=(n, 3)), neighbours=12.0, n_days=N_DAYS, k=3, rng=rng)
    assert plans.description.by_span is by_span
    drawn = plans.draw(3000, rng)
    got = drawn.last_day - drawn.first_day + 1
    for share in (0.1, 0.5, 0.8):
        assert np.quantile(got, share) == pytest.approx(np.quantile(span, share), rel=0.15, abs=3)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_starting_amount_of_fewer_than_k_customers_is_not_in_the_plans(k: int) -> None:
    plans, exact = model(n=100, k=k)
    values, counts = np.unique(exact[:, 2], return_counts=True)
    rare = set(values[counts < k].tolist())
    assert len(rare) > 50
    assert not rare & set(plans.quantiles[2].tolist())
    assert (np.diff(plans.quantiles[2]) >= 0).all()


@pytest.mark.parametrize("neighbours", [3.0, 10.0, 30.0])
def test_noise_gives_every_plan_as_many_neighbours_as_asked_for(neighbours: float) -> None:
    noises = [model(n=100, neighbours=wanted)[0].noise for wanted in (neighbours, 1.5 * neighbours)]
    assert np.linalg.norm(noises[0]) < np.linalg.norm(noises[1])
    plans = model(n=100, neighbours=neighbours)[0]
    rng = np.random.default_rng(9)
    moved = plans.scores[rng.integers(0, 100, 400)] + rng.normal(size=(400, len(plans.noise))) @ plans.noise.T
    away = np.linalg.solve(plans.noise, (moved[:, None] - plans.scores[None]).reshape(-1, len(plans.noise)).T)
    square = (away**2).sum(axis=0).reshape(400, 100) / 2
    weight = np.exp(square.min(axis=1, keepdims=True) - square)
    weight /= weight.sum(axis=1, keepdims=True)
    entropy = -(weight * np.log(np.maximum(weight, 1e-300))).sum(axis=1)
    assert np.exp(entropy).mean() == pytest.approx(neighbours, rel=0.2)


def test_normal_scores_are_symmetric_and_keep_the_order() -> None:
    scores = normal_scores(np.array([5.0, 1.0, 3.0, 2.0, 4.0]), np.random.default_rng(0))
    assert scores[[1, 3, 2, 4, 0]].tolist() == sorted(scores)
    np.testing.assert_allclose(sorted(scores), [-1.2815516, -0.5244005, 0, 0.5244005, 1.2815516], atol=1e-6)
    tied = normal_scores(np.zeros(5), np.random.default_rng(0))
    np.testing.assert_allclose(sorted(tied), sorted(scores))


@given(SEEDS, st.integers(1, 60))
def test_times_of_a_day_rise_with_its_rows(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    customer = np.sort(rng.integers(0, 4, n))
    day = np.zeros(n, np.int64)
    for number in range(4):
        mine = customer == number
        day[mine] = np.sort(rng.integers(0, 5, mine.sum()))
    seconds = rng.integers(0, 30, n)
    ordered = in_order(customer, day, seconds)
    for number in range(4):
        for date in range(5):
            rows = (customer == number) & (day == date)
            assert (np.diff(ordered[rows]) >= 0).all()
            assert sorted(ordered[rows]) == sorted(seconds[rows])


def day_times(seed: int, n: int = 600, step: int = 900) -> tuple[IntArray, IntArray, IntArray]:
    """Draw kinds, seconds of the day and customers: kind 0 at midnight, kind 1 in the daytime."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)
    seconds = np.where(kind == 0, 0, rng.integers(8 * 3600 // step, 20 * 3600 // step, n) * step)
    return kind, seconds, rng.integers(0, 20, n)


@given(SEEDS, st.sampled_from([1, 60, 300, 900, 1800, 3600]))
@settings(max_examples=20)
def test_times_that_are_drawn_are_of_the_kind_and_as_round_as_real_ones(seed: int, step: int) -> None:
    kind, seconds, customer = day_times(seed, step=step)
    clock = Clock.fit(kind, seconds, customer, 2, 3)
    assert clock is not None
    drawn = clock.draw(np.repeat([0, 1], 500), np.random.default_rng(seed))
    assert ((drawn >= 0) & (drawn < SECONDS)).all()
    assert (drawn % step == 0).all()
    assert (drawn[:500] == 0).mean() > 0.9
    daytime = (drawn[500:] >= 8 * 3600) & (drawn[500:] < 20 * 3600)
    assert daytime.mean() > 0.9
    real_hours = set((seconds // 1800).tolist())
    assert set((drawn // 1800).tolist()) <= real_hours
    again = Clock.from_dict(json.loads(json.dumps(clock.to_dict())))
    np.testing.assert_array_equal(
        again.draw(kind, np.random.default_rng(1)), clock.draw(kind, np.random.default_rng(1))
    )


def test_a_second_that_few_customers_share_is_not_kept() -> None:
    kind, seconds, customer = day_times(1)
    seconds[:40], customer[:40] = 12_345, 7
    clock = Clock.fit(kind, seconds, customer, 2, 2)
    assert clock is not None
    assert 12_345 not in clock.times
    assert 0 in clock.times


def test_dates_without_times_need_no_clock() -> None:
    assert Clock.fit(np.zeros(5, np.int64), np.zeros(5, np.int64), np.arange(5), 1, 2) is None


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    """Learn that real customers have a first trait around 1, and candidates one around 0."""
    rng = np.random.default_rng(2)
    return Calibration.fit(rng.normal([1, 0, 0], size=(200, 3)), rng.normal(size=(400, 3)))


@given(SEEDS, st.integers(1, 60), st.integers(1, 4))
@settings(max_examples=25)
def test_as_many_candidates_are_chosen_as_wanted_and_none_twice(
    calibration: Calibration, seed: int, n: int, times: int
) -> None:
    traits = np.random.default_rng(seed).normal(size=(n * times, 3))
    chosen = calibration.choose(traits, n, np.random.default_rng(seed))
    assert len(np.unique(chosen)) == len(chosen) == n
    assert ((chosen >= 0) & (chosen < n * times)).all()
    np.testing.assert_array_equal(chosen, calibration.choose(traits, n, np.random.default_rng(seed)))


def test_candidates_with_high_odds_are_preferred(calibration: Calibration) -> None:
    rng = np.random.default_rng(4)
    traits = rng.normal(size=(3000, 3))
    odds = calibration.odds(traits)
    assert np.corrcoef(odds, traits[:, 0])[0, 1] > 0.5
    chosen = calibration.choose(traits, 1000, rng)
    assert traits[chosen, 0].mean() > traits[:, 0].mean() + 0.4
    assert traits[chosen, 1].mean() == pytest.approx(traits[:, 1].mean(), abs=0.1)
    assert (odds > 0).all()
    assert odds.max() / odds.min() <= 12.0**2 * (1 + 1e-9)


def test_json_gives_the_calibration_back(calibration: Calibration) -> None:
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    traits = np.random.default_rng(4).normal(size=(50, 3))
    np.testing.assert_array_equal(again.odds(traits), calibration.odds(traits))


def life(seed: int, lengths: list[int]) -> tuple[World, Sequences, Plans]:
    """Draw sequences of customers, longest first, on 90 days with 3 kinds, and their plans."""
    rng = np.random.default_rng(seed)
    lengths = sorted(lengths, reverse=True)
    n = sum(lengths)
    kind = rng.integers(0, 3, n)
    kind[:3] = [0, 1, 2]
    cents = rng.choice([500, 999, 1_460, 20_000, 123_456], n) + rng.integers(0, 3, n)
    offset = np.r_[0, np.cumsum(lengths)]
    day = np.concatenate([np.sort(rng.integers(0, 90, length)) for length in lengths])
    data = Sequences(kind, day, cents, offset)
    start = rng.integers(-10_000, 50_000, len(lengths))
    kinds = pd.DataFrame({"type": ["credit", "debit", "debit"], "category": ["salary", "food", "rent"]})
    world = build_world(data, start, kinds, Calendar(np.datetime64("2024-01-15"), 90), 1)
    codes = np.zeros((len(lengths), 2), np.float32)
    last, swing = np.full(len(lengths), 89), np.full(len(lengths), 100.0)
    return world, data, Plans(day[offset[:-1]], last, start, start, swing, start - 20_000, codes)


def first_rows(data: Sequences, n: int) -> Sequences:
    length = np.minimum(data.length, n)
    rows = np.concatenate([np.arange(at, at + m) for at, m in zip(data.offset[:-1], length, strict=True)])
    return Sequences(data.kind[rows], data.day[rows], data.cents[rows], np.r_[0, np.cumsum(length)])


LIVES = st.lists(st.integers(1, 30), min_size=1, max_size=6)


@given(SEEDS, LIVES, st.integers(1, 20))
@settings(max_examples=30)
def test_what_is_known_at_a_step_does_not_depend_on_what_comes_later(
    seed: int, lengths: list[int], n: int
) -> None:
    world, data, plans = life(seed, [3, *lengths])
    beginning = first_rows(data, n)
    whole = record(world, plans, data, np.zeros(len(data.kind), bool), 60)
    part = record(world, plans, beginning, np.zeros(len(beginning.kind), bool), 60)
    rows = np.concatenate(
        [np.arange(at, at + m) for at, m in zip(data.offset[:-1], beginning.length, strict=True)]
    )
    for name, value in vars(part).items():
        np.testing.assert_array_equal(value, getattr(whole, name)[rows], err_msg=name)


@given(SEEDS, LIVES)
@settings(max_examples=20)
def test_customers_do_not_know_of_one_another(seed: int, lengths: list[int]) -> None:
    world, data, plans = life(seed, [3, *lengths])
    together = record(world, plans, data, np.zeros(len(data.kind), bool), 60)
    for customer in range(len(data.length)):
        alone = data.take(np.array([customer]))
        single = record(world, plans.take(np.array([customer])), alone, np.zeros(len(alone.kind), bool), 60)
        rows = np.arange(data.offset[customer], data.offset[customer + 1])
        for name, value in vars(single).items():
            if name != "customer":
                np.testing.assert_array_equal(value, getattr(together, name)[rows], err_msg=name)


def test_forgetting_customers_leaves_the_others_as_they_were() -> None:
    world, data, plans = life(5, [12, 12, 12, 12])
    index = np.array([1, 3])
    with_all, with_two = History(world, plans), History(world, plans)
    steps = data.offset[:-1]
    for step in range(12):
        if step == 6:
            with_two.keep(index)
        rows = steps + step
        with_all.advance(4, data.kind[rows], data.day[rows], data.cents[rows])
        mine = rows if step < 6 else rows[index]
        with_two.advance(len(mine), data.kind[mine], data.day[mine], data.cents[mine])
    np.testing.assert_array_equal(with_two.context(2), with_all.context(4)[index])
    np.testing.assert_array_equal(with_two.balance, with_all.balance[index])


def test_balances_of_the_history_are_the_starting_amount_and_all_amounts() -> None:
    world, data, plans = life(7, [20, 9])
    history = History(world, plans)
    signed = data.cents * world.sign[data.kind]
    for step in range(9):
        rows = data.offset[:-1] + step
        history.advance(2, data.kind[rows], data.day[rows], data.cents[rows])
        expected = [plans.start[c] + signed[data.offset[c] : rows[c] + 1].sum() for c in range(2)]
        assert history.balance.tolist() == expected


@given(SEEDS, LIVES)
@settings(max_examples=30)
def test_the_history_knows_the_same_bases_as_the_whole_table(seed: int, lengths: list[int]) -> None:
    world, data, plans = life(seed, [3, *lengths])
    expected = bases_of(data, plans.start, world.sign)
    for base in range(len(BASES)):
        world.shares.base[:] = base
        history = History(world, plans)
        for step in range(int(data.length.max())):
            a = int((data.length > step).sum())
            rows = data.offset[:-1][:a] + step
            kind, day = data.kind[rows], data.day[rows]
            np.testing.assert_allclose(history.base(a, kind, day), expected[rows, base])
            history.advance(a, kind, day, data.cents[rows])


def test_the_whole_balance_can_be_copied() -> None:
    world, data, plans = life(11, [12, 9, 5])
    history = History(world, plans)
    for step in range(5):
        rows = data.offset[:-1] + step
        history.advance(3, data.kind[rows], data.day[rows], data.cents[rows])
    kind = np.array([0, 1, 2])
    amounts, features = history.copies(3, kind, history.day)
    assert amounts.shape == (3, world.n_copies)
    assert features.shape == (3, world.n_copies, COPY_FEATURES)
    after = history.balance + amounts[:, -1] * world.sign[kind]
    away = np.sign(history.balance) == world.sign[kind]
    np.testing.assert_array_equal(after[~away], 0)
    np.testing.assert_array_equal(amounts[away, -1], 0)
    np.testing.assert_array_equal(features[:, -1, N_RULES] > 0, amounts[:, -1] > 0)


def test_below_the_floor_means_lower_than_now_and_than_the_plan() -> None:
    world, _, plans = life(5, [4, 3])
    history = History(world, plans)
    floor, now = plans.floor, np.array([plans.floor[0] + 500, plans.floor[1] - 700])
    history.balance[:] = now
    after = np.stack([floor - 1, floor, now - 1, now], axis=1)
    assert history.below(2, after).tolist() == [[True, False, False, False], [False, False, True, False]]


def test_new_amounts_below_the_floor_are_rare_and_copies_as_likely_as_before() -> None:
    logits = torch.zeros(2, 6)
    tilted = above(logits, np.array([[True, True, False, False], [True] * 4]), n_copies=2)
    chance = tilted.softmax(dim=1)
    assert chance[:, :2].sum(dim=1).tolist() == pytest.approx([2 / 6, 2 / 6])
    assert float(chance[0, 2:4].sum()) < 0.01
    assert chance[1].tolist() == pytest.approx([1 / 6] * 6)  # where all would, it is as it was


def test_the_last_balance_is_the_one_before_an_account_is_emptied() -> None:
    data = Sequences(np.zeros(9, np.int64), np.arange(9), np.ones(9, np.int64), np.array([0, 3, 6, 8, 9]))
    balance = np.array([500, 900, 20, 500, 900, 400, -300, 0, 70])
    assert last_balances(data, balance).tolist() == [900, 400, 0, 70]


def interest(seed: int = 3) -> tuple[IntArray, IntArray, npt.NDArray[np.float64]]:
    """Return customers, amounts and bases of a kind that pays about 2 % a year."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(40), 10)
    area = np.exp(rng.normal(20, 1, 400))
    cents = np.maximum(np.rint(area * np.exp(rng.normal(np.log(0.02 / 365), 0.05, 400)) / 10) * 10, 10)
    bases = np.column_stack([area, np.zeros(400), np.exp(rng.normal(10, 1, 400)), np.zeros((400, 2))])
    return customer, cents.astype(np.int64), bases


def shares_of(customer: IntArray, cents: IntArray, bases: npt.NDArray[np.float64]) -> ShareTable:
    limits = (np.array([10]), np.array([10**12]))
    return ShareTable.fit(np.zeros(len(cents), np.int64), cents, customer, bases, limits, 5)


def test_interest_is_found_to_be_a_share_of_balance_and_time() -> None:
    customer, cents, bases = interest()
    table = shares_of(customer, cents, bases)
    assert table.base.tolist() == [PLUS]
    assert table.step.tolist() == [10]
    rate = np.sqrt(table.low[0, 0] * table.high[0, table.mass[0] > 0][-1]) / SCALE * 365
    assert rate == pytest.approx(0.02, rel=0.1)
    cell, log_share = table.encode(np.zeros(400, np.int64), cents, bases[:, PLUS])
    assert (cell >= 0).mean() > 0.95
    assert (log_share <= 0).all()


def test_amounts_that_follow_no_base_have_none() -> None:
    customer, cents, bases = interest()
    shuffled = np.random.default_rng(1).permutation(cents)
    assert shares_of(customer, shuffled, bases).base.tolist() == [-1]


def test_salaries_that_differ_a_little_are_shares_of_the_own_mean() -> None:
    rng = np.random.default_rng(4)
    customer = np.repeat(np.arange(40), 10)
    usual = np.exp(rng.normal(11, 0.6, 40))[customer]
    cents = np.rint(usual * np.exp(rng.normal(0, 0.04, 400))).astype(np.int64)
    own = np.where(np.arange(400) % 10 > 0, usual, 0.0)
    bases = np.column_stack([np.zeros((400, OWN)), own])
    table = shares_of(customer, cents, bases)
    assert table.base.tolist() == [OWN]
    ends = table.low[0, 0] / SCALE, table.high[0, table.mass[0] > 0][-1] / SCALE
    assert 0.85 < ends[0] < 0.97 < 1.03 < ends[1] < 1.15
    assert shares_of(customer, rng.permutation(cents), bases).base.tolist() == [-1]


@given(st.floats(1e6, 1e11), st.floats(0, 1, exclude_max=True), st.integers(0, 15))
@settings(max_examples=30)
def test_a_drawn_share_lies_in_its_cell_up_to_rounding(base: float, luck: float, cell: int) -> None:
    table = shares_of(*interest())
    kind, chosen, amount = np.array([0]), np.array([cell % int((table.mass[0] > 0).sum())]), np.array([base])
    cents = table.draw(kind, chosen, amount, np.array([luck]))[0]
    low, high = (float(ends[0, chosen[0]]) * base / SCALE for ends in (table.low, table.high))
    assert cents % 10 == 0
    assert max(low - 5, 10) <= cents + 1e-6
    assert cents <= max(high + 5, 10) + 1e-6


def test_a_kind_that_is_awaited_comes_no_more_often_because_the_balance_is_low() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0]]).repeat(2, 1)
    strain = torch.tensor([[0.0, 0.5, 5.0, 9.0]]).repeat(2, 1)  # the first kind is pay
    had = torch.tensor([[True, False, False, True], [False, False, False, True]])
    chance = torch.softmax(leaned(logits, strain, had), dim=1)
    torch.testing.assert_close(chance[0, [0, 3]], torch.tensor([0.25, 0.25]))
    assert chance[0, 1] > chance[0, 2]
    assert chance[1, 0] > chance[1, 1] > chance[1, 2]  # who never had pay finds some
    assert float(chance[1, 0] / chance[1, 2]) == pytest.approx(float(np.exp(MOST_LEAN)), rel=1e-4)
    torch.testing.assert_close(chance.sum(dim=1), torch.ones(2))
