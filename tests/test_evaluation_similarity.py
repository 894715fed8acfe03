from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gretel_fin_synth.evaluation._similarity import (
    js_distance,
    js_similarity,
    ks_similarity,
    ratio_similarity,
    tv_similarity,
)

EMPTY = np.zeros(0, dtype=np.int64)
codes = st.lists(st.integers(0, 6), min_size=1, max_size=30).map(np.array)


def test_jensen_shannon_by_hand():
    # Shares (.5, .5, 0) and (0, .5, .5): each is half a bit from the mean, so the divergence is .5.
    assert js_distance(np.array([1, 1, 0]), np.array([0, 2, 2])) == pytest.approx(math.sqrt(0.5))
    # Shares (1, 0) and (.5, .5), mean (.75, .25): (log2(4/3) + (log2(2/3) + log2(2)) / 2) / 2.
    divergence = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5) / 2
    assert js_distance(np.array([4, 0]), np.array([3, 3])) == pytest.approx(math.sqrt(divergence))


@pytest.mark.parametrize(
    ("real", "other", "expected"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2, 3, 4], [11, 12], 0.0),
        ([1, 2, 3, 4], [2, 2, 2, 2], 0.5),  # at 2: all of the one, half of the other
        ([0, 0, 0, 1], [0, 1, 1, 1], 0.5),
        ([1, 2, np.nan], [1, 2], 1.0),
    ],
)
def test_kolmogorov_smirnov_by_hand(real, other, expected):
    assert ks_similarity(np.array(real), np.array(other)) == pytest.approx(expected)


def test_total_variation_by_hand():
    assert tv_similarity(np.array([0, 0, 1, 1]), np.array([1, 1, 1, 2])) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("real", "other", "expected"),
    [(0.4, 0.4, 1.0), (0.4, 0.0, 0.0), (0.01, 0.02, 0.8), (-0.2, 0.2, 0.0), (0.0, 0.0, 1.0)],
)
def test_relative_error_by_hand(real, other, expected):
    assert ratio_similarity(real, other, least=0.05) == pytest.approx(expected)


@pytest.mark.parametrize("similarity", [ks_similarity, js_similarity, tv_similarity])
def test_what_is_lacking_is_lost_and_what_never_was_is_unknown(similarity):
    some = np.array([1, 2])
    assert similarity(some, EMPTY) == 0.0
    assert math.isnan(similarity(EMPTY, some))
    assert math.isnan(similarity(EMPTY, EMPTY))


def test_relative_error_with_unknowns():
    assert ratio_similarity(0.5, float("nan"), least=0.1) == 0.0
    assert math.isnan(ratio_similarity(float("nan"), 0.5, least=0.1))


@pytest.mark.parametrize("similarity", [ks_similarity, js_similarity, tv_similarity])
@given(left=codes, right=codes)
def test_symmetric_within_bounds_and_one_for_the_same(similarity, left, right):
    value = similarity(left, right)
    assert -1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(similarity(right, left))
    assert similarity(left, left) == pytest.approx(1.0)
    assert similarity(left, np.tile(left, 3)) == pytest.approx(1.0)


@given(left=codes, right=codes, start=st.integers(0, 5))
def test_names_of_categories_do_not_matter(left, right, start):
    renamed = np.roll(np.arange(7), start)
    assert js_similarity(renamed[left], renamed[right]) == pytest.approx(js_similarity(left, right))
    assert tv_similarity(renamed[left], renamed[right]) == pytest.approx(tv_similarity(left, right))
