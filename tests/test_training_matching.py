"""Matching of frequencies, on a stand-in for a network whose habits feed on themselves."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="the embedded backend needs torch")

import torch

from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.matching import Moments, match
from gretel_fin_synth.training.local.schedules import N_DUE, NEVER

N_KINDS = 4
DAYS = 60
REAL = np.array([0.4, 0.3, 0.2, 0.1])
RAW = np.array([0.3, 0.3, 0.15, 0.25])


def network() -> Any:
    sizes = {"first": N_KINDS, "copy": N_KINDS, "due": (N_KINDS, N_DUE), "same": N_KINDS, "keep": N_KINDS}
    sizes |= {"level": N_KINDS}
    sizes |= {"lift": 1, "pace": 1}
    offsets = {f"{name}_offset": torch.zeros(size) for name, size in sizes.items()}
    return SimpleNamespace(sizes=SimpleNamespace(n_kinds=N_KINDS), **offsets)


def customers(shares: npt.NDArray[np.float64], pace: float, seed: int) -> Sequences:
    """Draw 400 customers who pay on so many days; no amount comes twice."""
    rng = np.random.default_rng(seed)
    length = np.maximum(rng.poisson(pace * DAYS, 400), 2)
    offset = np.r_[0, np.cumsum(length)]
    day = np.concatenate([np.sort(np.r_[0, DAYS - 1, rng.integers(0, DAYS, n - 2)]) for n in length])
    kind = rng.choice(N_KINDS, offset[-1], p=shares)
    return Sequences(kind, day, np.arange(1, offset[-1] + 1), offset, np.zeros(offset[-1], np.int64))


def distance_after(gain: float) -> tuple[float, float]:
    """Match where an offset moves log odds `gain` times as far; return the distance before and after."""
    made, real = network(), customers(REAL, 0.5, seed=1)

    def draw(number: int) -> tuple[Sequences, None]:
        odds = RAW * np.exp(gain * made.due_offset[:, 0].numpy().astype(float))
        return customers(odds / odds.sum(), 0.8 * exp(gain * float(made.pace_offset)), 10 + number), None

    wanted = Moments.of(real, N_KINDS)
    before = wanted.distance(Moments.of(draw(0)[0], N_KINDS))
    match(made, real, draw)
    return before, wanted.distance(Moments.of(draw(99)[0], N_KINDS))


@pytest.mark.parametrize("gain", [0.7, 1.0, 2.0, 4.0])
def test_frequencies_are_met_however_far_an_offset_moves_them(gain: float) -> None:
    before, after = distance_after(gain)
    assert before > 0.5
    assert after < 0.25 * before


def test_offsets_that_only_make_it_worse_are_not_kept() -> None:
    made, real = network(), customers(REAL, 0.5, seed=1)

    def draw(number: int) -> tuple[Sequences, None]:
        odds = RAW * np.exp(-made.due_offset[:, 0].numpy().astype(float))
        return customers(odds / odds.sum(), 0.8 * exp(-float(made.pace_offset)), 10 + number), None

    match(made, real, draw)
    assert not any(offset.any() for name, offset in vars(made).items() if name.endswith("_offset"))


def test_customers_who_run_away_count_no_more_than_others() -> None:
    usual = customers(REAL, 0.5, seed=1)
    size = 20_000
    more = Sequences(
        np.r_[usual.kind, np.full(size, N_KINDS - 1)],
        np.r_[usual.day, np.full(size, DAYS - 1)],
        np.r_[usual.cents, np.arange(1, size + 1)],
        np.r_[usual.offset, usual.offset[-1] + size],
        np.zeros(len(usual.kind) + size, np.int64),
    )
    assert Moments.of(usual, N_KINDS).distance(Moments.of(more, N_KINDS)) < 0.1


def test_a_distance_is_zero_to_itself_alone() -> None:
    own, other = (Moments.of(customers(shares, 0.5, seed=1), N_KINDS) for shares in (REAL, RAW))
    assert own.distance(own) == 0
    assert not own.beyond(own).any()
    assert own.distance(other) == pytest.approx(other.distance(own), rel=0.2)
    assert own.distance(other) > 0.1


def test_what_comes_at_the_wrong_time_becomes_less_likely() -> None:
    """A kind that comes too often when nothing is due is held back there, and there alone."""
    made, real = network(), customers(REAL, 0.5, seed=1)
    early, late = 3, 7

    def timed(data: Sequences, share: float) -> Sequences:
        odd = (np.arange(len(data.kind)) % 100 < 100 * share) & (data.kind == 0)
        return replace(data, due=np.where(odd, early, late))

    def draw(number: int) -> tuple[Sequences, None]:
        share = 0.4 * exp(float(made.due_offset[0, early]))
        return timed(customers(REAL, 0.5, 10 + number), min(share, 1.0)), None

    match(made, timed(real, 0.05), draw)
    assert made.due_offset[0, early] < -1
    assert abs(float(made.due_offset[1, late])) < 0.3
    assert not made.due_offset[:, NEVER].any()


@pytest.mark.parametrize("wander", [0.8, 2.0, 5.0])
def test_balances_are_pulled_until_they_stray_as_far_as_real_ones(wander: float) -> None:
    """Frequencies are met in the same rounds; where balances stray no farther, there is no pull."""
    made, real = network(), customers(REAL, 0.5, seed=1)
    made.pull = torch.zeros(1)
    swing = np.random.default_rng(0).lognormal(10, 1, 400)

    def draw(number: int) -> tuple[Sequences, npt.NDArray[np.float64]]:
        odds = RAW * np.exp(made.due_offset[:, 0].numpy().astype(float))
        drawn = customers(odds / odds.sum(), 0.5, 10 + number)
        luck = np.random.default_rng(number).lognormal(10, 1, 400)
        return drawn, wander * luck / (1 + 20 * float(made.pull))

    kept = match(made, real, draw, swing=swing)
    ratio = np.median(draw(99)[1]) / np.median(swing)
    assert (ratio == pytest.approx(1, abs=0.25)) if wander > 1 else float(made.pull) == 0
    wanted = Moments.of(real, N_KINDS)
    assert wanted.distance(Moments.of(kept, N_KINDS)) < 0.3


def test_without_frequencies_only_the_pull_moves() -> None:
    made, real = network(), customers(REAL, 0.5, seed=1)
    made.pull = torch.zeros(1)

    def draw(number: int) -> tuple[Sequences, npt.NDArray[np.float64]]:
        return customers(RAW, 0.8, 10 + number), np.full(400, 3000 / (1 + 20 * float(made.pull)))

    match(made, real, draw, swing=np.full(400, 1000.0), frequencies=False)
    assert float(made.pull) == pytest.approx(0.1, rel=0.5)
    assert not any(offset.any() for name, offset in vars(made).items() if name.endswith("_offset"))


def monthly(missed: int, seed: int) -> Sequences:
    """Return 50 customers who pay on one day of 24 months; some of them stop early."""
    rng = np.random.default_rng(seed)
    months = np.where(np.arange(50) < missed, rng.integers(4, 20, 50), 24)
    day = np.concatenate([np.r_[30 * np.arange(n), 720 + np.arange(5)] for n in months])
    kind = np.concatenate([np.r_[np.zeros(n, int), np.ones(5, int)] for n in months])
    due = np.full(len(day), NEVER + 11)  # each on its day of the month
    return Sequences(kind, day, np.arange(1, len(day) + 1), np.r_[0, np.cumsum(months + 5)], due)


def test_payments_that_die_out_are_kept_more_often() -> None:
    """A rhythm that real customers keep for life is raised where drawn ones lose it, and there alone."""
    wanted, found = Moments.of(monthly(0, 1), N_KINDS), Moments.of(monthly(25, 2), N_KINDS)
    assert wanted.kept[0, 1] == 0
    assert found.kept[0, 1] == 25
    assert not wanted.kept[1:].any()  # other kinds have no rhythm
    beyond = wanted._beyond_kept(found)
    assert beyond[0] > 2
    assert not beyond[1:].any()
    assert not wanted._beyond_kept(wanted).any()


def test_a_kind_that_comes_twice_in_a_row_too_often_is_held_back_after_itself() -> None:
    real = customers(REAL, 0.5, seed=1)
    order = np.lexsort((real.kind, real.customer))  # all of a kind, then all of the next
    sorted_kinds = Sequences(real.kind[order], real.day, real.cents, real.offset, real.due)
    wanted, found = (Moments.of(data, N_KINDS) for data in (real, sorted_kinds))
    assert (wanted._beyond_same(found) < -0.2).all()
    assert found.same[0] > 0.7


def test_customers_who_differ_too_much_have_their_habits_weakened() -> None:
    real = customers(REAL, 0.5, seed=1)
    one_each = Sequences(np.repeat(np.arange(400) % N_KINDS, real.length), real.day, real.cents, real.offset)
    wanted, found = (Moments.of(data, N_KINDS) for data in (real, one_each))
    assert found.alike > 1
    assert wanted.alike < 0.1
    assert wanted.beyond(found)[-2] < -1


@pytest.mark.parametrize("gain", [1.0, 3.0])
def test_amounts_of_a_kind_come_to_their_level(gain: float) -> None:
    """One kind's amounts are drawn too small; its offset alone moves, as far as needed."""
    made, real = network(), customers(REAL, 0.5, seed=1)

    def sized(data: Sequences, level: float, seed: int) -> Sequences:
        rng = np.random.default_rng(seed)
        of_customer = rng.normal(0, 0.5, len(data.length))[data.customer]
        logs = 8 + of_customer + rng.normal(0, 1, len(data.kind)) + level * (data.kind == 2)
        return replace(data, cents=np.exp(logs).astype(np.int64) + 1)

    def draw(number: int) -> tuple[Sequences, None]:
        level = gain * 0.2 * float(made.level_offset[2]) - 0.6
        return sized(customers(REAL, 0.5, 10 + number), level, number), None

    match(made, sized(real, 0.0, 99), draw)
    assert gain * 0.2 * float(made.level_offset[2]) == pytest.approx(0.6, abs=0.15)
    assert made.level_offset[[0, 1, 3]].abs().max() < 1.0


def test_levels_of_kinds_that_few_have_hardly_move_anything() -> None:
    own, other = (Moments.of(customers(REAL, 0.5, seed=1), N_KINDS) for _ in range(2))
    few = own.levels.copy()
    few[:, 1] += few[:, 2]
    many = replace(own, levels=few).beyond(other)[-N_KINDS - 2 : -2]
    few[:, 0] = 1
    assert (np.abs(replace(own, levels=few).beyond(other)[-N_KINDS - 2 : -2]) < 0.2 * np.abs(many)).all()
