"""Days and money as choices: due days by the calendar, cells of amounts that many customers share."""

from __future__ import annotations

import calendar as python_calendar
import datetime as dt
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the embedded backend needs torch")

from gretel_fin_synth.training.local.amounts import AmountTable, Rounding
from gretel_fin_synth.training.local.calendar import N_RULES, RULES, Calendar
from gretel_fin_synth.training.local.endings import LEAST_WIDTH, STEPS

IntArray = npt.NDArray[np.int64]

DATES = st.dates(dt.date(1999, 1, 1), dt.date(2032, 12, 31))


def later(date: dt.date, months: int) -> dt.date:
    """Give the same day some months later, or that month's last day if it is shorter."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return dt.date(year, month + 1, min(date.day, python_calendar.monthrange(year, month + 1)[1]))


@given(DATES, st.integers(1, 800))
def test_what_a_day_is(first: dt.date, n_days: int) -> None:
    days = Calendar(np.datetime64(first), n_days)
    for number in {0, n_days // 2, n_days - 1}:
        date = first + dt.timedelta(days=number)
        last = python_calendar.monthrange(date.year, date.month)[1]
        assert days.dates[number] == np.datetime64(date)
        assert days.day_of_month[number] == date.day
        assert days.days_left[number] == last - date.day
        assert days.weekday[number] == date.weekday()
        assert days.month[number] == (date.year - 1970) * 12 + date.month - 1
        basis = np.flatnonzero(days.basis[number])
        near_end = [31 + last - date.day] if last - date.day < 5 else []
        assert basis.tolist() == [date.day - 1, *near_end, 36 + date.weekday(), 43 + date.month - 1]


@given(DATES, st.integers(1, 800))
def test_when_a_payment_falls_due_again(first: dt.date, n_days: int) -> None:
    days = Calendar(np.datetime64(first), n_days)
    assert days.due.shape == (n_days, N_RULES)
    for number in {0, n_days // 3, n_days - 1}:
        date = first + dt.timedelta(days=number)
        month = later(date, 1)
        end = month.replace(day=python_calendar.monthrange(month.year, month.month)[1])
        wanted = {
            "month": month,
            "month end": end,
            "moved on": month + dt.timedelta(days=max(7 - month.weekday(), 0) if month.weekday() > 4 else 0),
            "moved back": month - dt.timedelta(days=max(month.weekday() - 4, 0)),
            "quarter": later(date, 3),
            "year": later(date, 12),
            **{f"month{shift:+d}": month + dt.timedelta(days=shift) for shift in (-2, -1, 1, 2)},
            **{
                name: date + dt.timedelta(days=n)
                for name, n in (("week", 7), ("fortnight", 14), ("28 days", 28))
            },
        }
        assert dict(zip(RULES, days.due[number].tolist(), strict=True)) == {
            name: (due - first).days for name, due in wanted.items()
        }


@pytest.mark.parametrize(
    ("paid", "month", "end", "year"),
    [
        ("2024-01-31", "2024-02-29", "2024-02-29", "2025-01-31"),
        ("2023-01-31", "2023-02-28", "2023-02-28", "2024-01-31"),
        ("2024-02-29", "2024-03-29", "2024-03-31", "2025-02-28"),
        ("2023-12-30", "2024-01-30", "2024-01-31", "2024-12-30"),
        ("2024-04-30", "2024-05-30", "2024-05-31", "2025-04-30"),
    ],
)
def test_month_ends_and_leap_years(paid: str, month: str, end: str, year: str) -> None:
    first = np.datetime64(paid)
    due = dict(zip(RULES, first + Calendar(first, 1).due[0], strict=True))
    assert [str(due[name]) for name in ("month", "month end", "year")] == [month, end, year]


def bank(seed: int, n_customers: int, n_rows: int) -> tuple[IntArray, IntArray, IntArray]:
    """Draw kinds, amounts and customers: fees that all pay, round sums, prices in .99, and anything."""
    rng = np.random.default_rng(seed)
    n = n_customers * n_rows
    kind = rng.permutation(np.arange(n) % 4)
    whatever = np.exp(rng.normal(8, 1.5, n)).astype(np.int64) + 100
    cents = np.select(
        [kind == 0, kind == 1, kind == 2],
        [rng.choice([500, 1460, 3000], n), rng.integers(1, 40, n) * 2500, rng.integers(0, 60, n) * 100 + 99],
        whatever,
    )
    return kind, cents, np.repeat(np.arange(n_customers), n_rows)


TABLES = st.tuples(st.integers(0, 10_000), st.integers(5, 30), st.integers(4, 40), st.integers(2, 5))


def fit(table: tuple[int, int, int, int]) -> tuple[AmountTable, IntArray, IntArray, IntArray, int]:
    seed, n_customers, n_rows, k = table
    kind, cents, customer = bank(seed, n_customers, n_rows)
    return AmountTable.fit(kind, cents, customer, 4, k), kind, cents, customer, k


def used(amounts: AmountTable) -> tuple[IntArray, IntArray]:
    """Return kind and cell of every cell that is no padding."""
    rows, cells = np.nonzero(amounts.mass > 0)
    return rows, cells


@given(TABLES)
def test_every_drawn_amount_belongs_to_its_cell(table: tuple[int, int, int, int]) -> None:
    amounts, *_ = fit(table)
    kinds, cells = used(amounts)
    rng = np.random.default_rng(table[0])
    for uniform in (np.zeros(len(kinds)), rng.random(len(kinds)), np.full(len(kinds), 1 - 1e-12)):
        drawn = amounts.draw(kinds, cells, uniform)
        assert (drawn >= 1).all()
        assert (amounts.low[kinds, cells] <= drawn).all()
        assert (drawn <= amounts.high[kinds, cells]).all()
        step, residue = amounts.step[kinds, cells], amounts.residue[kinds, cells]
        assert (drawn % step == residue).all(), "of another roundness than its cell"


@given(TABLES)
def test_what_is_drawn_is_encoded_as_a_cell_that_holds_it(table: tuple[int, int, int, int]) -> None:
    amounts, *_ = fit(table)
    kinds, cells = used(amounts)
    drawn = amounts.draw(kinds, cells, np.random.default_rng(table[0]).random(len(kinds)))
    found, log_inside = amounts.encode(kinds, drawn)
    assert (amounts.mass[kinds, found] > 0).all()
    assert (amounts.low[kinds, found] <= drawn).all()
    assert (drawn <= amounts.high[kinds, found]).all()
    assert (drawn % amounts.step[kinds, found] == amounts.residue[kinds, found]).all()
    width = amounts.high[kinds, found] - amounts.low[kinds, found]
    even = -np.log(width // amounts.step[kinds, found] + 1.0)
    plain = (width < LEAST_WIDTH) | ~np.isin(amounts.step[kinds, found], STEPS)
    np.testing.assert_allclose(log_inside[plain], even[plain], atol=1e-9)
    atoms = amounts.atom[kinds, cells]
    assert (found[atoms] == cells[atoms]).all()


@given(TABLES)
def test_no_exact_value_of_few_customers_is_an_atom(table: tuple[int, int, int, int]) -> None:
    amounts, kind, cents, customer, k = fit(table)
    kinds, cells = np.nonzero(amounts.atom)
    for number, cell in zip(kinds, cells, strict=True):
        value = amounts.low[number, cell]
        assert amounts.high[number, cell] == value
        holders = np.unique(customer[(kind == number) & (cents == value)])
        assert len(holders) >= k


@given(TABLES)
def test_shares_of_cells_add_up(table: tuple[int, int, int, int]) -> None:
    amounts, *_ = fit(table)
    np.testing.assert_allclose(amounts.mass.sum(axis=1), 1.0)
    used_cells = amounts.mass > 0
    assert (amounts.position[used_cells] >= 0).all()
    assert (amounts.position[used_cells] <= 1).all()
    assert (amounts.low[used_cells] >= 1).all()
    assert (amounts.low <= amounts.high).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kinds_of_one_roundness_keep_it(seed: int) -> None:
    """Multiples of 25.00 stay multiples of at least 1.00, and prices that end in .99 end so."""
    amounts, *_ = fit((seed, 30, 40, 3))
    rng = np.random.default_rng(seed)
    for number, (step, residue) in {1: (100, 0), 2: (100, 99)}.items():
        cells = np.flatnonzero(amounts.mass[number] > 0)
        drawn = amounts.draw(np.full(len(cells), number), cells, rng.random(len(cells)))
        share = ((drawn % step) == residue).mean()
        assert share == 1.0


@given(TABLES)
def test_the_place_of_an_amount_rises_from_0_to_1(table: tuple[int, int, int, int]) -> None:
    amounts, *_ = fit(table)
    values = np.array([1, 100, 3_000, 50_000, 10**9])
    places = amounts.locate(np.full(len(values), 3), values)
    assert (np.diff(places) >= 0).all()
    assert places[-1] == 1.0
    assert ((places >= 0) & (places <= 1)).all()


def test_json_gives_the_table_back() -> None:
    amounts, kind, cents, *_ = fit((3, 12, 20, 3))
    again = AmountTable.from_dict(json.loads(json.dumps(amounts.to_dict())))
    uniform = np.random.default_rng(1).random(len(kind))
    cells, inside = amounts.encode(kind, cents)
    again_cells, again_inside = again.encode(kind, cents)
    np.testing.assert_array_equal(cells, again_cells)
    np.testing.assert_array_equal(inside, again_inside)
    np.testing.assert_array_equal(amounts.draw(kind, cells, uniform), again.draw(kind, cells, uniform))
    assert (again.n_cells, again.n_groups, again.n_clipped) == (
        amounts.n_cells,
        amounts.n_groups,
        amounts.n_clipped,
    )


def test_a_fee_that_all_pay_is_an_atom_and_a_salary_that_one_has_is_not() -> None:
    customer = np.repeat(np.arange(10), 12)
    fee, salaries = np.full(120, 1460), (np.arange(10) * 12_345 + 200_000).repeat(12)
    kind = np.repeat([0, 1], 120)
    amounts = AmountTable.fit(kind, np.r_[fee, salaries], np.r_[customer, customer], 2, 3)
    assert amounts.low[0][amounts.mass[0] > 0].tolist() == [1460]
    assert amounts.atom[0][amounts.mass[0] > 0].tolist() == [True]
    assert not amounts.atom[1].any()
    assert (amounts.high[1] - amounts.low[1])[amounts.mass[1] > 0].min() > 0


@pytest.mark.parametrize("ending", [5, 49, 95])
def test_endings_of_small_amounts_are_drawn_as_they_are(ending: int) -> None:
    """Prices such as 0.05, of which a whole unit cannot be taken away."""
    cents = np.arange(200) % 20 * 100 + ending
    customer = np.arange(200) % 10
    amounts = AmountTable.fit(np.zeros(200, np.int64), cents, customer, 1, 2)
    cells = np.flatnonzero(amounts.mass[0] > 0).repeat(40)
    drawn = amounts.draw(np.zeros(len(cells), np.int64), cells, np.random.default_rng(1).random(len(cells)))
    assert (drawn % 100 == ending).all()
    assert drawn.min() >= ending


def test_a_range_of_whole_sums_that_two_customers_have_holds_whole_sums() -> None:
    """One customer pays 100.00, another 200.00: nobody pays 150.00, but 100.00 and 200.00 are both round."""
    cents = np.array([10_000] * 6 + [20_000] * 6 + [1_234, 5_678, 3_210, 4_321] * 3)
    customer = np.array([0] * 6 + [1] * 6 + [0, 1, 2, 3] * 3)
    amounts = AmountTable.fit(np.zeros(24, np.int64), cents, customer, 1, 2)
    kinds, cells = used(amounts)
    drawn = amounts.draw(kinds, cells, np.full(len(kinds), 0.5))
    assert (drawn % amounts.step[kinds, cells] == amounts.residue[kinds, cells]).all()


def test_classes_of_roundness_by_hand() -> None:
    cents = np.array([1_000_000, 100_000, 70_000, 4_500, 120, 1_999, 99, 1_234, 7])
    odd = np.array([1_999] * 60 + [1_234] * 20)
    rounding = Rounding.fit(np.r_[odd, np.arange(1, 30) * 10])
    ends = list(zip(rounding.step.tolist(), rounding.residue.tolist(), strict=True))
    assert ends == [*((10**power, 0) for power in range(6, 0, -1)), (100, 99), (100, 34), (1, 0)]
    assert [ends[index] for index in rounding.classify(cents)] == [
        (1_000_000, 0),
        (100_000, 0),
        (10_000, 0),
        (100, 0),
        (10, 0),
        (100, 99),
        (100, 99),
        (100, 34),
        (1, 0),
    ]


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=60))
def test_every_amount_has_the_roundness_of_its_class(cents: list[int]) -> None:
    values = np.array(cents)
    rounding = Rounding.fit(values)
    classes = rounding.classify(values)
    assert (values % rounding.step[classes] == rounding.residue[classes]).all()


def test_the_ends_of_a_long_thin_distribution_are_not_drawn_too_often() -> None:
    rng = np.random.default_rng(2)
    customer = np.repeat(np.arange(100), 100)
    cents = np.rint(np.exp(10 + rng.standard_t(6, len(customer)))).astype(np.int64) + 1
    kind = np.zeros(len(customer), np.int64)
    table = AmountTable.fit(kind, cents, customer, 1, k=5)
    cell = rng.choice(table.n_cells, 50_000, p=table.mass[0])
    drawn = table.draw(np.zeros(50_000, np.int64), cell, rng.random(50_000))
    for share in (0.01, 0.99):
        real, got = (np.quantile(np.log(values), share) for values in (cents, drawn))
        assert got == pytest.approx(real, abs=0.15)  # 1.4 and 2.0 where last ranges are as wide as they get
