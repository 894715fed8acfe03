"""Last digits of amounts and the order of kinds: as customers have them, as far as enough of them do."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from gretel_fin_synth.training.local.amounts import AmountTable
from gretel_fin_synth.training.local.endings import Endings
from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.order import EDGES, FOLDS, OrderTable, fold_of

IntArray = npt.NDArray[np.int64]


def prices(seed: int, n: int = 3000) -> tuple[IntArray, IntArray, IntArray]:
    """Draw amounts of two kinds: half of the first end in .90 or .47, those of the second in anything."""
    rng = np.random.default_rng(seed)
    kind, customer = rng.integers(0, 2, n), rng.integers(0, 60, n)
    cents = rng.integers(1_000, 90_000, n)
    fixed = (kind == 0) & (rng.random(n) < 0.5)
    cents[fixed] = cents[fixed] // 100 * 100 + rng.choice([90, 47], fixed.sum())
    return kind, cents, customer


@pytest.mark.parametrize("seed", range(3))
def test_amounts_end_as_they_do_in_the_data(seed: int) -> None:
    kind, cents, customer = prices(seed)
    table = AmountTable.fit(kind, cents, customer, 2, 3)
    rng = np.random.default_rng(seed)
    many = np.repeat(kind, 10)
    drawn = table.draw(many, np.repeat(table.encode(kind, cents)[0], 10), rng.random(len(many)))
    for which in (0, 1):
        real, got = (
            np.bincount(x[k == which] % 100, minlength=100) for x, k in ((cents, kind), (drawn, many))
        )
        away = np.abs(real / real.sum() - got / got.sum()).sum() / 2
        assert away < 0.12, which
    ends = np.isin(drawn[many == 0] % 100, [90, 47]).mean()
    assert ends == pytest.approx(np.isin(cents[kind == 0] % 100, [90, 47]).mean(), abs=0.04)


def test_an_ending_that_few_customers_have_is_no_likelier_than_any_other() -> None:
    rng = np.random.default_rng(1)
    cents = rng.integers(1_000, 90_000, 2_000)
    cents = cents - cents % 100 + rng.choice([11, 23, 37, 51], 2_000)
    customer = rng.integers(0, 50, 2_000)
    secret = customer < 2
    cents[secret] = cents[secret] // 100 * 100 + 77
    found = Endings.fit(np.zeros(2_000, np.int64), cents, customer, np.ones(2_000, np.int64), 1, 3)
    chance = found.chance[1, 0]
    assert chance[77] == pytest.approx(chance[78])
    assert chance[[11, 23, 37, 51]].sum() > 0.85


@given(st.integers(0, 2**31), st.integers(0, 100_000), st.integers(200, 50_000), st.sampled_from([1, 10]))
@settings(max_examples=50)
def test_endings_are_put_within_the_range_and_keep_the_step(
    seed: int, low: int, width: int, step: int
) -> None:
    rng = np.random.default_rng(seed)
    low += step - low % step
    high = low + width - width % step + 200
    kind, cents, customer = (
        np.zeros(400, np.int64),
        rng.integers(1, 9_999, 400) * step,
        rng.integers(0, 9, 400),
    )
    found = Endings.fit(kind, cents, customer, np.full(400, step), 1, 2)
    raw = low + rng.integers(0, (high - low) // step + 1, 400) * step
    ends = np.full(400, low), np.full(400, high)
    put = found.put(kind, raw, *ends, np.full(400, step), rng.random(400))
    assert ((put >= low) & (put <= high) & (put % step == 0)).all()
    assert (np.abs(put - raw) <= 150).all()
    gain = found.log_gain(kind, put, np.full(400, step))
    assert np.isfinite(gain).all()


def test_endings_and_order_come_back_from_json() -> None:
    kind, cents, customer = prices(5, 500)
    table = AmountTable.fit(kind, cents, customer, 2, 3)
    again = AmountTable.from_dict(json.loads(json.dumps(table.to_dict())))
    np.testing.assert_array_equal(again.endings.chance, table.endings.chance)
    order = OrderTable.fit(in_order(), 3, 2)
    np.testing.assert_array_equal(
        OrderTable.from_list(json.loads(json.dumps(order.to_list()))).classes, order.classes
    )


def in_order(n: int = 30) -> Sequences:
    """Return customers with 0, 1, 2 one after the other, but one who has 2, 0, 0."""
    kind = np.tile([0, 1, 2], n)
    kind[-3:] = [2, 0, 0]
    return Sequences(kind, np.tile([1, 2, 3], n), np.full(3 * n, 100), np.arange(0, 3 * n + 1, 3))


def test_what_usually_follows_is_in_a_high_class_and_what_few_have_is_as_what_none_has() -> None:
    classes = OrderTable.fit(in_order(), 3, 2).classes
    assert classes.shape == (FOLDS + 1, 4, 3)
    everyone = classes[0]
    usual = np.searchsorted(EDGES, 0.0)
    assert everyone[3, 0] > usual > everyone[3, 2]  # first rows
    assert everyone[0, 1] > usual > everyone[0, 0]  # after 0
    assert everyone[1, 2] > usual
    assert everyone[0, 0] == everyone[0, 2]  # had by one customer, and by none


def test_a_customer_is_not_told_of_the_own_sequence() -> None:
    data = in_order(10)
    rare = np.array([0, 0, 0, 0, 5, 5])  # customers 0 and 5 are in one fold
    assert fold_of(np.array([0]))[0] == fold_of(np.array([5]))[0] == 1
    kind = data.kind.copy()
    for customer in set(rare.tolist()):
        kind[3 * customer : 3 * customer + 3] = [2, 1, 1]
    classes = OrderTable.fit(Sequences(kind, data.day, data.cents, data.offset), 3, 1).classes
    assert classes[1][2, 1] < classes[2][2, 1] == classes[0][2, 1]
