"""Habits: what the count so far says of a customer's next transactions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.habits import LEAST_WEIGHT, MOST_WEIGHT, Habits

SHARE = np.array([0.5, 0.3, 0.2])


def bank(weight: float, seed: int = 1) -> Sequences:
    """Return 400 customers of 60 rows whose shares are Dirichlet distributed around SHARE."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(weight * SHARE, 400) if np.isfinite(weight) else np.tile(SHARE, (400, 1))
    kind = np.concatenate([rng.choice(3, 60, p=own) for own in shares])
    return Sequences(kind, np.tile(np.arange(60), 400), np.ones(24_000, int), np.arange(401) * 60)


@pytest.mark.parametrize("weight", [4.0, 20.0, 80.0])
def test_the_weight_of_what_all_have_is_found(weight: float) -> None:
    habits = Habits.fit(bank(weight), 3)
    assert habits.share == pytest.approx(SHARE, abs=0.03)
    assert habits.weight == pytest.approx(np.full(3, weight), rel=0.3)


def test_alike_customers_say_nothing_of_each_other_and_opposite_ones_everything() -> None:
    assert Habits.fit(bank(np.inf), 3).weight.min() > 0.5 * MOST_WEIGHT
    assert Habits.fit(bank(0.1), 3).weight.max() == LEAST_WEIGHT


def test_odds_are_those_of_a_dirichlet() -> None:
    """The chance of a kind after so many rows is (count + weight * share) / (rows + weight)."""
    habits = Habits(SHARE, np.full(3, 10.0))
    counts: npt.NDArray[np.int64] = np.array([[0, 0, 0], [30, 0, 0], [5, 3, 2]])
    found = SHARE * np.exp(habits.lift(counts, 30)[1:])
    assert found[0].tolist() == pytest.approx([(30 + 5) / 40, 3 / 40, 2 / 40], rel=1e-5)
    assert habits.lift(counts[:1], 0)[0] == pytest.approx(np.zeros(3), abs=1e-6)
    assert habits.lift(counts[2:], 10)[0] == pytest.approx(np.zeros(3), abs=1e-6)


def test_habits_survive_a_file() -> None:
    habits = Habits.fit(bank(20.0), 3)
    again = Habits.from_dict(habits.to_dict())
    np.testing.assert_array_equal(habits.share, again.share)
    np.testing.assert_array_equal(habits.weight, again.weight)
