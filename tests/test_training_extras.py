"""Extra columns of the embedded backend: what they follow, what customers keep, what is never generated."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth.schema import ExtraColumn

pytest.importorskip("torch")

from gretel_fin_synth.training.local.extras import ExtraModels, Rows
from gretel_fin_synth.training.local.extras.cells import Cells, Grid, reach
from gretel_fin_synth.training.local.extras.counting import Counted, Runs, dense, follow
from gretel_fin_synth.training.local.extras.curves import Curve, Ranks, normal_scores
from gretel_fin_synth.training.local.extras.habits import SOURCES, Habit
from gretel_fin_synth.training.local.extras.levels import Levels
from gretel_fin_synth.training.local.extras.rates import find_rate
from gretel_fin_synth.training.local.extras.rows import Context
from gretel_fin_synth.training.local.extras.tables import Labelled
from gretel_fin_synth.training.local.extras.values import Values, code_values

FIRST = np.datetime64("2024-01-01")  # a Monday
CUSTOMER, DATE, AMOUNT = "customer_id", "transaction_date", "transaction_amount"
K = 4
FEW = settings(max_examples=30)


def made(n_customers: int = 60, each: int = 40, n_kinds: int = 4, seed: int = 0) -> Rows:
    """Return rows of customers: kind 0 is a standing order of one amount per customer, the others vary."""
    rng = np.random.default_rng(seed)
    n = n_customers * each
    customer = np.repeat(np.arange(n_customers), each)
    kind = rng.integers(0, n_kinds, n)
    own = rng.integers(300, 900, n_customers) * 100
    cents = np.where(kind == 0, own[customer], np.exp(rng.normal(8 + kind / 2, 0.8)).astype(np.int64) + 1)
    day = np.sort(rng.integers(0, 180, (n_customers, each)), axis=1).ravel()
    return Rows(kind, customer, day, cents, np.zeros(n, np.int64), FIRST, n_kinds)


def learned(rows: Rows, kind: str, column: Any, k: int = K) -> tuple[ExtraModels, list[str]]:
    return ExtraModels.fit({"x": pd.Series(column)}, {"x": kind}, rows, k)


def drawn(rows: Rows, kind: str, column: Any, k: int = K, seed: int = 1) -> Any:
    """Learn a column and draw it anew for the same transactions."""
    return learned(rows, kind, column, k)[0].draw(rows, np.random.default_rng(seed))["x"]


# Counting


@FEW
@given(st.lists(st.tuples(st.integers(-3, 5), st.integers(0, 10**17), st.integers(0, 2)), min_size=1))
def test_combinations_are_numbered_in_sorted_order(cells):
    columns = [np.array(column) for column in zip(*cells, strict=True)]
    ordered = sorted(set(cells))
    code, n = dense(*columns)
    assert n == len(ordered)
    assert code.tolist() == [ordered.index(cell) for cell in cells]


@FEW
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_rows_of_others_are_counted_as_a_loop_counts_them(cells):
    code, person = (np.array(column) for column in zip(*cells, strict=True))
    groups = Counted.of(person, code)
    others = [sum(c == code[i] and p != person[i] for c, p in cells) for i in range(len(cells))]
    assert groups.elsewhere().tolist() == others
    assert groups.holders().tolist() == [len({p for c, p in cells if c == v}) for v in np.unique(code)]
    assert code[groups.first()].tolist() == np.unique(code).tolist()


@FEW
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 99))
def test_runs_look_back_at_rows_of_the_same_code(codes, seed):
    code = np.array(codes, np.int64)
    runs = Runs.of(code)
    before = [[j for j in range(i) if codes[j] == codes[i]] for i in range(len(codes))]
    assert runs.rank.tolist() == [len(rows) for rows in before]
    assert runs.previous.tolist() == [rows[-1] if rows else i for i, rows in enumerate(before)]
    picked = runs.pick(np.random.default_rng(seed).random(len(code))).tolist()
    assert all(row in (rows or [i]) for i, (row, rows) in enumerate(zip(picked, before, strict=True)))


def test_chains_are_followed_to_their_end():
    chain = np.r_[0, np.arange(999)]
    assert follow(chain).tolist() == [0] * 1000


# Values and numbers


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series(["b", None, "a"], dtype=object), ["b", None, "a"]),
        (pd.Series([True, False, True]), [True, False, True]),
        (pd.Series([7, 3, 7], dtype="uint8"), [7, 3, 7]),
        (pd.Series([7, None, 3], dtype="Int64"), [7, None, 3]),
        (pd.Series([True, None, False], dtype="boolean"), [True, None, False]),
        (pd.Series([1.5, None, 2.0]), [1.5, None, 2.0]),
        (pd.Series(pd.Categorical(["b", "a", None], categories=["b", "a", "c"])), ["b", "a", None]),
        (pd.Series(pd.Categorical(["b", 4, None])), ["b", 4, None]),
        (
            pd.Series(pd.to_datetime(["2024-01-02", None, "2024-01-01"])),
            [pd.Timestamp("2024-01-02"), None, FIRST],
        ),
        (pd.Series(pd.period_range("2024-01", periods=3, freq="M")), ["2024-01", "2024-02", "2024-03"]),
    ],
)
def test_values_come_back_as_they_were(column, expected):
    code, items = code_values(column)
    values = Values(items, nullable=bool(column.isna().any()))
    again = Values.from_dict(json.loads(json.dumps(values.to_dict())))
    for one in (values, again):
        back = pd.Series(one.make(code))
        assert [None if pd.isna(value) else value for value in back] == expected
        if column.dtype.kind in "bui" and not isinstance(column.dtype, pd.CategoricalDtype):
            assert back.dtype == column.dtype


@pytest.mark.parametrize(
    ("numbers", "decimals", "step"),
    [
        ([1.5, 2.25, 0.05], 2, 5),
        ([100, 250, 0], 0, 50),
        ([0.0, 0.0], 0, 1),
        ([-3.0, 12.0], 0, 3),
        ([0.1 + 0.2, 1e9], 6, 1),
        ([1e17, 3e17], -11, 1),
        (np.array([0.1, 3.7], np.float32).astype(float), 1, 1),
    ],
)
def test_numbers_keep_their_decimals(numbers, decimals, step):
    values = np.array(numbers, dtype=float)
    grid = Grid.fit(values)
    if decimals != 6:
        assert (grid.decimals, grid.step) == (decimals, step)
        assert grid.decode(grid.encode(values)).tolist() == values.tolist()
    np.testing.assert_allclose(grid.decode(grid.encode(values)), values, rtol=1e-5)


def test_numbers_without_an_end_keep_their_digits():
    values = np.random.default_rng(0).normal(20, 5, 50)
    grid = Grid.fit(values)
    np.testing.assert_allclose(grid.decode(grid.encode(values)), values, rtol=1e-5)


def test_whole_numbers_stay_whole():
    grid = Grid.fit(np.array([10.0, 30.0, 60.0]), whole=True)
    assert grid.decode(np.array([1, 2])).tolist() == [10, 20]
    assert grid.decode(np.array([1, 2])).dtype == np.int64


def test_cells_by_hand():
    # Customers 0 to 3 have 5 each; 100 and 200 are of one customer alone.
    steps, person = np.array([5, 5, 5, 5, 1, 2, 8, 9, 100, 200]), np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 0])
    cells = Cells.fit(steps, person, 2)
    assert reach(steps, person, 2) == (2, 9)
    assert (cells.low.min(), cells.high.max()) == (2, 9)
    assert 5 in cells.low[cells.low == cells.high]
    mass = np.diff(np.r_[0, cells.upto])
    assert mass[(cells.low == 5) & (cells.high == 5)] == pytest.approx(0.4)
    assert cells.upto[-1] == 1


@FEW
@given(
    st.lists(st.tuples(st.integers(-50, 400), st.integers(0, 9)), min_size=12, max_size=120),
    st.integers(1, 3),
)
def test_cells_stay_in_what_k_customers_reach(pairs, k):
    steps, person = (np.array(column) for column in zip(*pairs, strict=True))
    if len(np.unique(person)) < k:
        return
    cells = Cells.fit(steps, person, k)
    low, high = reach(steps, person, k)
    values = cells.at(np.linspace(0, 1, 200))
    assert low <= values.min()
    assert values.max() <= high
    inside = np.clip(steps, low, high)[:, None]
    held = (cells.low <= inside) & (inside <= cells.high)
    assert all(len(np.unique(person[held[:, cell]])) >= k for cell in range(len(cells.low)))


@pytest.mark.parametrize(
    ("rate", "noise", "found"),
    [(1.0, 0, 1.0), (0.015, 0, 0.015), (-1.0, 0, -1.0), (1.0837, 0, 1.0837), (0.5, 40, None), (0.0, 0, None)],
)
def test_rates_are_found_up_to_rounding(rate, noise, found):
    rng = np.random.default_rng(0)
    cents = rng.integers(100, 500_000, 300)
    steps = np.rint(rate * cents + noise * rng.normal(size=300)).astype(np.int64)
    assert find_rate(steps, cents, np.arange(300) % 30, K) == found


def test_a_few_exceptions_do_not_hide_a_rate():
    cents = np.arange(1000, 2000)
    steps = 2 * cents
    steps[:10] = 7
    assert find_rate(steps, cents, np.arange(1000), K) == 2.0
    steps[:100] = 7
    assert find_rate(steps, cents, np.arange(1000), K) is None


def test_normal_scores_share_ties():
    assert normal_scores(np.array([1, 1, 1])).tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert (np.diff(normal_scores(np.arange(9))) > 0).all()


@pytest.mark.parametrize("shape", [lambda u: u, lambda u: -u, lambda u: np.abs(u - 0.5), lambda u: 0 * u])
def test_curves_follow_amounts_and_keep_shares(shape):
    rng = np.random.default_rng(0)
    cents, person = rng.integers(100, 90_000, 3000), np.arange(3000) % 100
    ranks = Ranks.fit(cents, person, K)
    share = ranks.share(cents)
    steps = np.rint(1000 * shape(share) + rng.normal(0, 30, 3000)).astype(np.int64)
    curve = Curve.fit(share, normal_scores(steps), person, K)
    at = curve.at(share, rng.standard_normal(3000))
    counts = np.histogram(at, bins=10, range=(0, 1))[0] / 3000
    assert counts == pytest.approx(np.full(10, 0.1), abs=0.03)
    again = np.quantile(steps, at)
    bands = np.minimum((share * 5).astype(int), 4)
    for band in range(5):
        here = bands == band
        assert again[here].mean() == pytest.approx(steps[here].mean(), abs=25)


# Habits


def test_habits_find_who_stays_and_who_does_not():
    rows = made(80, 40, 3)
    own = dense(rows.person, rows.kind)[0]
    rng = np.random.default_rng(0)
    favourite = rng.integers(0, 30, (80, 3))[rows.person, rows.kind]
    value = np.where(rows.kind == 1, rng.integers(0, 30, len(rows)), favourite)
    habit = Habit.fit(rows.kind, 3, own, rows.cents, value, np.full(len(rows), 1 / 30))
    np.testing.assert_allclose(habit.weights.sum(axis=2), 1)
    new = habit.weights[:, :, SOURCES.index("new")]
    assert new[1, :3].min() > 0.8
    assert new[2, :3].max() < 0.1
    assert new[0, 3:].max() < 0.1


@FEW
@given(st.integers(0, 10_000))
def test_sources_are_earlier_rows_of_the_same_customer(seed):
    rows = made(6, 12, 2, seed)
    own = dense(rows.person, rows.kind)[0]
    habit = Habit(np.random.default_rng(seed).dirichlet([1] * 4, (2, 6)))
    source = habit.sources(rows.kind, own, rows.cents, np.random.default_rng(seed))
    assert (source <= np.arange(len(rows))).all()
    assert (own[source] == own).all()
    assert (source[source] == source).all()


# Levels


@FEW
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_a_label_is_drawn_only_where_k_customers_have_it(seed, k):
    rng = np.random.default_rng(seed)
    n = 200
    base, person, context = rng.integers(0, 3, n), rng.integers(0, 12, n), rng.integers(0, 4, n)
    label = (base * 2 + rng.geometric(0.5, n)) % 9
    held = {v: len(np.unique(person[label == v])) for v in range(9)}
    ranked = sorted(range(9), key=lambda v: held[v] < k)
    label = np.array([ranked.index(v) for v in label])
    n_kept = sum(count >= k for count in held.values())
    if not n_kept:
        return
    data = Labelled(label, 9, n_kept, base, 3, person)
    levels, fresh = Levels.fit(data, {"column:c": Context(context, 4)}, k=k, k_base=k)
    assert (fresh > 0).all()
    assert (fresh <= 1 + 1e-9).all()
    out = levels.draw(np.repeat(base, 5), {"column:c": Context(np.repeat(context, 5), 4)}, rng)
    assert set(out) <= set(range(n_kept))
    common = {v for v in range(n_kept) if n / 2 <= sum((base == b).sum() for b in set(base[label == v]))}
    kept = {
        b: {v for v in range(9) if len(np.unique(person[(base == b) & (label == v)])) >= k} for b in range(3)
    }
    for b, v in set(zip(np.repeat(base, 5).tolist(), out.tolist(), strict=True)):
        assert v in kept[b] | common or not kept[b] or levels.names


def test_the_context_that_foretells_is_chosen():
    rng = np.random.default_rng(0)
    n = 2000
    base, person = rng.integers(0, 3, n), np.arange(n) % 50
    good, bad = rng.integers(0, 5, n), rng.integers(0, 5, n)
    data = Labelled((good + base) % 5, 5, 5, base, 3, person)
    contexts = {"good": Context(good, 5), "bad": Context(bad, 5)}
    levels, fresh = Levels.fit(data, contexts, k=K, k_base=K)
    assert levels.names == ("good",)
    assert fresh.mean() > 0.95
    assert (levels.draw(base, contexts, rng) == data.label).mean() > 0.99
    alone = Levels.fit(data, {"bad": contexts["bad"]}, k=K, k_base=K)[0]
    assert alone.names == ()


# Columns


def test_a_merchant_stays_with_its_standing_order_and_its_kind():
    rows = made()
    rng = np.random.default_rng(0)
    firm = rng.integers(0, 6, rows.n_customers)
    shop = 10 * rows.kind + np.where(rows.kind == 0, firm[rows.person], rng.integers(0, 8, len(rows)))
    out = pd.Series(drawn(rows, "category", [f"m{s}" for s in shop]))
    assert set(out) <= {f"m{s}" for s in shop}
    assert (out.str[1:].astype(int) // 10 == rows.kind).all()
    orders = out[rows.kind == 0].groupby(rows.person[rows.kind == 0]).nunique()
    assert (orders == 1).mean() > 0.85
    assert out[rows.kind == 1].groupby(rows.person[rows.kind == 1]).nunique().mean() > 4


def test_an_exact_amount_tells_the_merchant():
    rows = made()
    price = np.array([999, 1299, 499])[np.random.default_rng(3).integers(0, 3, len(rows))]
    rows = Rows(rows.kind, rows.customer, rows.day, price, rows.seconds, FIRST, rows.n_kinds)
    shop = {999: "music", 1299: "films", 499: "news"}
    out = drawn(rows, "category", [shop[cents] for cents in price.tolist()])
    assert np.mean([shop[c] == value for c, value in zip(price.tolist(), out, strict=True)]) > 0.99


def test_one_column_follows_another():
    rows = made()
    rng = np.random.default_rng(0)
    merchant = rng.integers(0, 12, len(rows))
    columns = {
        "mcc": pd.Series(5000 + merchant % 6),
        "merchant": pd.Series([f"m{m}" for m in merchant]),
        "currency": pd.Series(np.array(["EUR", "USD"])[merchant % 2]),
    }
    columns["rate"] = pd.Series(np.where(merchant % 2 == 0, 1.0, 1.0837))
    columns["foreign"] = pd.Series(np.rint(rows.cents * columns["rate"]) / 100)
    kinds = {name: "number" if name in ("rate", "foreign") else "category" for name in columns}
    models, _ = ExtraModels.fit(columns, kinds, rows, K)
    out = pd.DataFrame(models.draw(rows, np.random.default_rng(1)))
    assert list(out.columns) == list(columns)
    number = out["merchant"].str[1:].astype(int)
    assert (out["mcc"] == 5000 + number % 6).mean() > 0.999
    assert (out["currency"] == np.array(["EUR", "USD"])[number % 2]).mean() > 0.999
    rate = np.where(out["currency"] == "EUR", 1.0, 1.0837)
    assert (out["rate"] == rate).mean() > 0.999
    assert np.isclose(out["foreign"], np.rint(rows.cents * rate) / 100).mean() > 0.95


def test_rare_flags_stay_as_rare_as_they_are():
    rows = made(100, 40, 10)
    flag = np.random.default_rng(0).random(len(rows)) < 0.006
    shares = [drawn(rows, "category", flag, seed=seed).mean() for seed in range(8)]
    assert drawn(rows, "category", flag).dtype == np.bool_
    assert np.mean(shares) == pytest.approx(flag.mean(), rel=0.25)


def test_missing_cells_keep_their_share_in_every_kind():
    rows = made()
    rng = np.random.default_rng(0)
    gone = rng.random(len(rows)) < np.array([0.0, 0.1, 0.5, 1.0])[rows.kind]
    category = np.where(gone, None, np.where(rng.random(len(rows)) < 0.5, "a", "b"))
    number = np.where(gone, np.nan, rng.integers(0, 50, len(rows)))
    date = pd.Series(FIRST + rows.day.astype("timedelta64[D]")).mask(gone)
    for kind, column in (("category", category), ("number", number), ("datetime", date)):
        share = pd.Series(pd.isna(drawn(rows, kind, column))).groupby(rows.kind).mean()
        assert share.tolist() == pytest.approx([0, 0.1, 0.5, 1], abs=0.04)


@pytest.mark.parametrize("kind", ["category", "constant"])
def test_values_of_fewer_than_k_customers_are_never_generated(kind):
    rows = made()
    plain = np.array(["north", "south"])[rows.person % 2].astype(object)
    plain[(rows.person < K - 1)] = "Mr Secret"
    models, warnings = learned(rows, kind, plain)
    out = [models.draw(rows, np.random.default_rng(seed))["x"] for seed in range(3)]
    assert set(np.concatenate(out)) == {"north", "south"}
    assert "Secret" not in json.dumps(models.to_dict()) + "".join(warnings)
    assert "column 'x': 1 of 3 values" in warnings[0]
    assert "Mr Secret" in np.concatenate([drawn(rows, kind, plain, k=K - 1, seed=seed) for seed in range(5)])


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("category", lambda rows: [f"reference {i}" for i in range(len(rows))]),
        ("category", lambda rows: [None] * len(rows)),
        ("constant", lambda rows: [f"name {p}" for p in rows.person]),
        ("number", lambda rows: np.where(rows.person < 2 * K - 2, rows.person, np.nan)),
        ("datetime", lambda rows: pd.Series(pd.NaT, index=range(len(rows)), dtype="datetime64[ns]")),
    ],
)
def test_a_column_that_nobody_shares_comes_out_empty_and_says_so(kind, column):
    rows = made()
    models, warnings = learned(rows, kind, column(rows))
    assert pd.isna(models.draw(rows, np.random.default_rng(0))["x"]).all()
    shared = kind in ("category", "constant")
    reason = f"at least {K if shared else 2 * K - 1} customers must {'share' if shared else 'have'} a value"
    assert warnings == [f"column 'x' is empty in what is generated: {reason}"]
    assert "name 7" not in json.dumps(models.to_dict())


def test_numbers_follow_amounts_and_stay_in_reach():
    rows = made()
    rng = np.random.default_rng(0)
    noisy = np.round(rows.cents / 100 * np.exp(rng.normal(0, 0.3, len(rows))), 2)
    out = pd.Series(drawn(rows, "number", noisy))
    for kind in range(1, rows.n_kinds):
        here = rows.kind == kind
        real = pd.Series(noisy[here]).corr(pd.Series(rows.cents[here]), "spearman")
        again = out[here].corr(pd.Series(rows.cents)[here], "spearman")
        assert again == pytest.approx(real, abs=0.06)
        low, high = reach(np.rint(noisy[here] * 100).astype(np.int64), rows.person[here], K)
        assert out[here].between(low / 100, high / 100).all()
        assert out[here].median() == pytest.approx(np.median(noisy[here]), rel=0.15)
    assert (out * 100 == (out * 100).round()).mean() > 0.5
    assert out.equals(out.round(2))


@pytest.mark.parametrize("rate", [0.015, -1, 1.25])
def test_a_part_of_the_amount_stays_one(rate):
    rows = made()
    out = drawn(rows, "number", np.rint(rate * rows.cents) / 100)
    assert np.isclose(out, np.rint(rate * rows.cents) / 100).mean() > 0.9


def test_customers_keep_their_level():
    rows = made()
    rng = np.random.default_rng(0)
    score = np.rint(rng.normal(600, 50, rows.n_customers)[rows.person] + rng.normal(0, 15, len(rows)))
    out = pd.Series(drawn(rows, "number", score))
    spread = out.groupby(rows.person).mean().std()
    assert spread == pytest.approx(pd.Series(score).groupby(rows.person).mean().std(), rel=0.3)
    assert out.groupby([rows.person, rows.kind]).std().mean() == pytest.approx(15, rel=0.2)
    assert out.groupby(rows.person).std().mean() < 0.6 * out.std()


@pytest.mark.parametrize("dtype", ["int64", "int32", "Int64", "float32", "float64"])
def test_numbers_come_in_a_dtype_that_holds_them(dtype):
    rows = made(20, 20)
    column = pd.Series(np.arange(len(rows)) % 7, dtype=dtype)
    if dtype in ("Int64", "float32"):
        column[::5] = None
    out = pd.Series(drawn(rows, "number", column))
    assert out.dtype.kind == np.dtype(dtype.lower()).kind
    assert set(out.dropna()) <= set(range(7))
    assert out.isna().any() == column.isna().any()


# Dates


def test_booking_dates_are_business_days():
    rows = made(each=80)
    date = FIRST + rows.day.astype("timedelta64[D]")
    weekday = rows.day % 7
    booked = date + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0)).astype("timedelta64[D]")
    out = drawn(rows, "datetime", pd.Series(booked))
    assert (out == booked).mean() > 0.995


@pytest.mark.parametrize("seconds", [0, 86_400, -7 * 86_400, 5_400])
def test_a_constant_distance_stays_exact(seconds):
    rows = made(20, 20)
    times = np.random.default_rng(0).integers(0, 86_000, len(rows))
    rows = Rows(rows.kind, rows.customer, rows.day, rows.cents, times, FIRST, rows.n_kinds)
    moment = FIRST.astype("datetime64[s]") + rows.moment.astype("timedelta64[s]")
    assert (
        drawn(rows, "datetime", pd.Series(moment + np.timedelta64(seconds, "s"))) == moment + seconds
    ).all()


def test_dates_without_a_time_follow_the_day_though_transactions_have_a_time():
    rows = made(20, 20)
    times = np.random.default_rng(0).integers(0, 86_000, len(rows))
    rows = Rows(rows.kind, rows.customer, rows.day, rows.cents, times, FIRST, rows.n_kinds)
    due = FIRST + (rows.day + 2).astype("timedelta64[D]")
    assert (drawn(rows, "datetime", pd.Series(due)) == due).all()


def test_a_date_that_a_customer_keeps_is_kept():
    rows = made()
    opened = FIRST - np.random.default_rng(0).integers(0, 900, rows.n_customers).astype("timedelta64[D]")
    out = pd.Series(drawn(rows, "datetime", pd.Series(opened[rows.person])))
    repeats = out.groupby([rows.person, rows.kind]).agg(lambda x: x.value_counts(normalize=True).iloc[0])
    assert repeats.mean() > 0.9
    low, high = np.sort(opened)[[K - 1, -K]]
    assert out.between(low, high).all()


@pytest.mark.parametrize("make", [lambda d: d.dt.strftime("%Y-%m-%d"), lambda d: d.astype("category")])
def test_dates_as_text_and_as_categories_are_read(make):
    rows = made(20, 20)
    date = pd.Series(FIRST + rows.day.astype("timedelta64[D]"))
    assert (drawn(rows, "datetime", make(date)) == date.to_numpy()).all()


# Constants


def test_constants_are_constant_and_drawn_together():
    rows = made(120, 12)
    branch = np.random.default_rng(0).integers(0, 8, rows.n_customers)
    columns = {
        "region": pd.Series(np.array(["east", "west"])[branch // 4][rows.person]),
        "branch": pd.Series(branch[rows.person]),
        "joint": pd.Series((branch % 2 == 0)[rows.person]),
    }
    models, warnings = ExtraModels.fit(columns, dict.fromkeys(columns, "constant"), rows, K)
    out = pd.DataFrame(models.draw(rows, np.random.default_rng(2)))
    assert warnings == []
    assert out.dtypes.tolist()[1:] == [np.int64, np.bool_]
    assert out.groupby(rows.person).nunique().eq(1).all(axis=None)
    assert (out["region"] == np.array(["east", "west"])[out["branch"] // 4]).mean() > 0.95
    assert (out["joint"] == (out["branch"] % 2 == 0)).mean() > 0.95


def test_a_constant_follows_the_way_of_life():
    rows = made(200, 20, 6)
    kind = np.where((rows.person % 2 == 0) & (rows.kind == 5), 4, rows.kind)
    rows = Rows(kind, rows.customer, rows.day, rows.cents, rows.seconds, FIRST, 6)
    segment = np.array(["student", "firm"])[rows.person % 2]
    out = drawn(rows, "constant", segment)
    assert (out == segment).mean() > 0.9


def test_numbers_of_customers_that_few_share_are_drawn_in_reach():
    rows = made(90, 12)
    rng = np.random.default_rng(0)
    age = rng.integers(18, 95, rows.n_customers)
    since = FIRST - rng.integers(0, 4000, rows.n_customers).astype("timedelta64[D]")
    gone = rng.random(rows.n_customers) < 0.3
    for column in (pd.Series(age), pd.Series(age).astype("Int64").mask(gone), pd.Series(since).mask(gone)):
        full = column.iloc[rows.person].reset_index(drop=True)
        out = pd.Series(drawn(rows, "constant", full))
        assert out.dtype == full.dtype
        assert out.groupby(rows.person).nunique(dropna=False).eq(1).all()
        ordered = np.sort(column.dropna().to_numpy())
        assert out.dropna().between(ordered[K - 1], ordered[-K]).all()
        assert out.isna().mean() == pytest.approx(column.isna().mean(), abs=0.15)
        assert out.nunique() > 20


# All together


def everything(rows: Rows, seed: int = 0) -> tuple[dict[str, pd.Series], dict[str, str]]:
    rng = np.random.default_rng(seed)
    columns = {
        "merchant": pd.Series(
            [f"m{k}{v}" for k, v in zip(rows.kind, rng.integers(0, 4, len(rows)), strict=True)]
        ),
        "flag": pd.Series(rng.random(len(rows)) < 0.1).astype("boolean").mask(rng.random(len(rows)) < 0.1),
        "code": pd.Series(rng.integers(100, 104, len(rows))),
        "fee": pd.Series(np.rint(rows.cents * 0.01) / 100),
        "booked": pd.Series(FIRST + (rows.day + rng.integers(0, 3, len(rows))).astype("timedelta64[D]")),
        "branch": pd.Series([f"b{person % 3}" for person in rows.person]),
    }
    kinds = {"fee": "number", "booked": "datetime", "branch": "constant"}
    return columns, {name: kinds.get(name, "category") for name in columns}


def test_models_come_back_from_json_and_a_generator_decides():
    rows = made()
    columns, kinds = everything(rows)
    before = {name: column.copy() for name, column in columns.items()}
    models, warnings = ExtraModels.fit(columns, kinds, rows, K)
    loaded = ExtraModels.from_dict(json.loads(json.dumps(models.to_dict())))
    again, same_warnings = ExtraModels.fit(columns, kinds, rows, K)
    new = made(25, 30, seed=5)
    frames = [pd.DataFrame(m.draw(new, np.random.default_rng(3))) for m in (models, loaded, again)]
    pd.testing.assert_frame_equal(frames[0], frames[1])
    pd.testing.assert_frame_equal(frames[0], frames[2])
    assert warnings == same_warnings == []
    assert not frames[0].equals(pd.DataFrame(models.draw(new, np.random.default_rng(4))))
    for name, column in columns.items():
        pd.testing.assert_series_equal(column, before[name])


@FEW
@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 99))
def test_any_new_customers_can_be_given_columns(n_customers, each, seed):
    new = made(n_customers, each, seed=seed)
    out = pd.DataFrame(LEARNED.draw(new, np.random.default_rng(seed)))
    assert out.shape == (len(new), 6)
    assert out.drop(columns="flag").notna().all(axis=None)
    assert out.groupby(new.person)["branch"].nunique().eq(1).all()


LEARNED = ExtraModels.fit(*everything(made()), made(), K)[0]


@settings(max_examples=15)
@given(st.integers(4, 12), st.integers(1, 4), st.integers(0, 999), st.integers(1, 5))
def test_any_small_table_can_be_learned(n_customers, each, seed, k):
    rows = made(n_customers, each, seed=seed)
    columns, kinds = everything(rows, seed)
    models, _ = ExtraModels.fit(columns, kinds, rows, k)
    out = pd.DataFrame(models.draw(rows, np.random.default_rng(seed)))
    assert list(out.columns) == list(columns)
    for name in ("merchant", "code", "branch"):
        column = columns[name]
        shared = {v for v in column.unique() if len(np.unique(rows.person[column == v])) >= k}
        assert set(out[name].dropna()) <= shared
        assert shared == set() or out[name].notna().all()


# Through the synthesizer


EXTRAS = [
    ExtraColumn("merchant"),
    ExtraColumn("channel"),
    ExtraColumn("currency"),
    ExtraColumn("fraud"),
    ExtraColumn("points", kind="number"),
    ExtraColumn("booked", kind="datetime"),
    ExtraColumn("age", kind="constant"),
]


def bank() -> pd.DataFrame:
    """Make a bank's table of 40 customers with every kind of extra column."""
    names = ("merchant", "channel", "currency")
    frame: pd.DataFrame = fs.make_transactions(
        40, start="2024-01-01", end="2024-03-31", seed=1, with_time=True, extra_columns=names
    )
    rng = np.random.default_rng(0)
    return frame.assign(
        channel=frame["channel"].mask(rng.random(len(frame)) < 0.2),
        fraud=rng.random(len(frame)) < 0.1,
        points=(frame[AMOUNT] // 10).astype("int64"),
        booked=frame[DATE].dt.normalize() + pd.to_timedelta(rng.integers(0, 3, len(frame)), unit="D"),
        age=20 + 10 * (pd.factorize(frame[CUSTOMER])[0] % 7),
    )


REAL = bank()


def fitted_on(frame: Any) -> fs.TransactionSynthesizer:
    options: dict[str, Any] = {
        "epochs": 2,
        "hidden_size": 8,
        "without": ("matching", "settling", "calibration"),
    }
    return fs.TransactionSynthesizer(extra_columns=EXTRAS, **options).fit(frame, seed=1)


@pytest.fixture(scope="module")
def synthesizer() -> fs.TransactionSynthesizer:
    return fitted_on(REAL)


@pytest.fixture(scope="module")
def synthetic(synthesizer: fs.TransactionSynthesizer) -> pd.DataFrame:
    return synthesizer.sample(60, seed=2)


def test_columns_come_back_with_their_dtypes_and_values(synthetic):
    fs.validate_transactions(synthetic, extra_columns=EXTRAS)
    assert synthetic.dtypes.to_dict() == REAL[synthetic.columns].dtypes.to_dict()
    assert list(synthetic.columns[6:]) == [column.name for column in EXTRAS]
    for name in ("merchant", "channel", "currency", "fraud", "age"):
        assert set(synthetic[name].dropna()) <= set(REAL[name].dropna())
    assert synthetic.groupby(CUSTOMER)["age"].nunique().eq(1).all()
    gap = (synthetic["booked"] - synthetic[DATE].dt.normalize()).dt.days
    assert set(gap) == {0, 1, 2}


def test_what_is_generated_looks_like_what_was_learned(synthetic):
    assert synthetic["channel"].isna().mean() == pytest.approx(0.2, abs=0.06)
    assert synthetic["fraud"].mean() == pytest.approx(REAL["fraud"].mean(), abs=0.04)
    assert synthetic["points"].corr(synthetic[AMOUNT], "spearman") > 0.9
    kinds = ["transaction_type", "transaction_category", "merchant"]
    pairs = set(REAL[kinds].itertuples(index=False, name=None))
    assert np.mean([pair in pairs for pair in synthetic[kinds].itertuples(index=False, name=None)]) > 0.98


def test_merchants_of_one_customer_are_unknown_to_the_model(synthesizer, synthetic):
    holders = REAL.groupby("merchant")[CUSTOMER].nunique()
    assert not set(synthetic["merchant"]) & set(holders.index[holders < 3])
    assert any("column 'merchant'" in warning for warning in synthesizer.warnings_)


def test_saved_and_loaded_it_draws_the_same_rows(synthesizer, synthetic, tmp_path):
    synthesizer.save(tmp_path)
    loaded = fs.TransactionSynthesizer.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.sample(60, seed=2), synthetic)


def test_the_first_customers_of_a_larger_sample_are_those_of_a_smaller_one(synthesizer, synthetic):
    few = synthesizer.sample(7, seed=2)
    pd.testing.assert_frame_equal(few, synthetic.iloc[: len(few)])


def test_polars_in_and_polars_out(synthetic):
    pl = pytest.importorskip("polars")
    frame = pl.from_pandas(REAL)
    out = fitted_on(frame).sample(60, seed=2)
    assert out.schema == frame.select(out.columns).schema
    assert out["merchant"].to_list() == synthetic["merchant"].tolist()
    assert out["channel"].null_count() == synthetic["channel"].isna().sum()
    assert out["booked"].to_list() == [moment.to_pydatetime() for moment in synthetic["booked"]]


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        (
            "merchant",
            "number",
            r"column 'merchant' holds .*numbers are needed, or another kind than 'number'",
        ),
        ("merchant", "datetime", r"column 'merchant', row 0: .* is no date"),
        ("merchant", "constant", r"column 'merchant', row \d+: .* a constant has one value per customer"),
        ("teller", "category", r"column 'teller' is missing"),
    ],
)
def test_wrong_declarations_are_refused(column, kind, message):
    wrong = fs.TransactionSynthesizer(extra_columns=[ExtraColumn(column, kind=kind)])
    with pytest.raises(fs.SchemaViolation, match=message):
        wrong.fit(REAL, seed=1)
