"""Balanced sampling: the chosen do on average what real customers do, and no more is known of anyone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from gretel_fin_synth.training.local.balancing import Averages, exchange
from gretel_fin_synth.training.local.calendar import Calendar
from gretel_fin_synth.training.local.encoding import build_world
from gretel_fin_synth.training.local.examples import Sequences

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.world import World

SEEDS = st.integers(0, 2**31)
DAYS = 90


def table(seed: int, n: int = 20, shares: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Sequences:
    """Draw customers of 4 to 12 rows, with kinds in these shares."""
    rng = np.random.default_rng(seed)
    length = rng.integers(4, 13, n)
    offset = np.r_[0, np.cumsum(length)]
    day = np.concatenate([np.sort(rng.integers(0, DAYS, size)) for size in length])
    kind = rng.choice(3, size=offset[-1], p=shares)
    kind[:3] = [0, 1, 2]
    return Sequences(kind, day, rng.integers(100, 9_000, offset[-1]), offset)


def world_of(data: Sequences) -> World:
    kinds = pd.DataFrame({"type": ["credit", "debit", "debit"], "category": ["salary", "food", "rent"]})
    start = np.zeros(len(data.length), np.int64)
    return build_world(data, start, kinds, Calendar(np.datetime64("2024-01-15"), DAYS), 1)


def traits_of(data: Sequences) -> npt.NDArray[np.float64]:
    return np.column_stack([np.log(data.length), np.sin(data.length)])


@given(SEEDS, st.integers(1, 12), st.integers(1, 4))
@settings(max_examples=40)
def test_an_exchange_never_leads_away_and_keeps_the_number(seed: int, n: int, times: int) -> None:
    rng = np.random.default_rng(seed)
    away = rng.normal(size=(n * times, 5))
    chosen = rng.permutation(n * times)[:n]
    welcome = rng.integers(0, 3, n * times).astype(float)
    before = chosen.copy()
    after = exchange(away, chosen, welcome, np.random.default_rng(seed))
    np.testing.assert_array_equal(chosen, before)  # the input stays as it is
    assert len(np.unique(after)) == n
    assert set(after.tolist()) <= set(range(n * times))
    assert np.square(away[after].sum(axis=0)).sum() <= np.square(away[chosen].sum(axis=0)).sum() + 1e-9
    assert welcome[after].sum() >= welcome[chosen].sum()
    np.testing.assert_array_equal(after, exchange(away, chosen, welcome, np.random.default_rng(seed)))


def test_an_exchange_finds_the_balanced_pair() -> None:
    away = np.array([[3.0], [2.0], [-2.0], [9.0]])
    np.testing.assert_array_equal(
        exchange(away, np.array([0, 1]), np.ones(4), np.random.default_rng(0)), [1, 2]
    )


def test_less_welcome_candidates_do_not_come_in() -> None:
    away, welcome = np.array([[3.0], [2.0], [-2.5], [-3.0]]), np.array([1.0, 1.0, 0.5, 0.5])
    np.testing.assert_array_equal(exchange(away, np.array([0, 1]), welcome, np.random.default_rng(0)), [0, 1])


@pytest.mark.parametrize("seed", range(3))
def test_chosen_customers_get_the_real_mix_though_candidates_have_another(seed: int) -> None:
    real = table(seed, n=60)
    world = world_of(real)
    averages = Averages.fit(real, traits_of(real), world, 3)
    others = table(seed + 100, n=180, shares=(0.3, 0.5, 0.2))
    away = averages.away(others, traits_of(others), world)
    first = np.random.default_rng(seed).permutation(180)[:60]
    chosen = exchange(away, first, np.ones(180), np.random.default_rng(seed))

    def mix(data: Sequences) -> npt.NDArray[np.float64]:
        return np.bincount(data.kind, minlength=3) / len(data.kind)

    distance = [np.abs(mix(others.take(some)) - mix(real)).sum() for some in (first, chosen)]
    assert distance[1] < 0.5 * distance[0]


def test_the_real_customers_are_at_no_distance_and_whole_numbers_of_them_as_well() -> None:
    real = table(5, n=30)
    world = world_of(real)
    averages = Averages.fit(real, traits_of(real), world, 3)
    away = averages.away(real, traits_of(real), world)
    np.testing.assert_allclose(away.mean(axis=0), 0.0, atol=1e-9)
    assert (np.abs(away).max(axis=0) > 0).any()


def test_pairs_that_fewer_than_k_customers_have_are_not_looked_at() -> None:
    real = table(7, n=30)
    world = world_of(real)
    codes = [
        real.kind[a : b - 1] * 3 + real.kind[a + 1 : b]
        for a, b in zip(real.offset, real.offset[1:], strict=False)
    ]
    holders = np.bincount(np.concatenate([np.unique(code) for code in codes]), minlength=9)
    k = int(np.median(holders))
    found = set(Averages.fit(real, traits_of(real), world, k).pairs.tolist())
    assert found == set(np.flatnonzero(holders >= k).tolist())
    assert Averages.fit(real, traits_of(real), world, 31).pairs.tolist() == []


def test_json_gives_the_averages_back() -> None:
    real = table(9)
    world = world_of(real)
    averages = Averages.fit(real, traits_of(real), world, 3)
    again = Averages.from_dict(json.loads(json.dumps(averages.to_dict())))
    np.testing.assert_array_equal(
        again.away(real, traits_of(real), world), averages.away(real, traits_of(real), world)
    )
