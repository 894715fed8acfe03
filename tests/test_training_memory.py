"""What customers remember of their own amounts: what is kept, what is due, what a payment settles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gretel_fin_synth.training.local.calendar import BACK, END, LONG, MONTHLY, ON, SHORT, Calendar
from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.memory import STATE, Memory
from gretel_fin_synth.training.local.schedules import (
    DUE_EDGES,
    MANY_DAYS,
    N_DUE,
    NEVER,
    come_when_due,
    comes_in_cycles,
    few_a_month,
    slots_needed,
)

IntArray = npt.NDArray[np.int64]
CALENDAR = Calendar(np.datetime64("2024-01-01"), 400)
ONE = np.array([0])


def day_of(text: str) -> int:
    return int((np.datetime64(text) - CALENDAR.first).astype(int))


def memory(n_slots: int = 4, *, few: bool = False, cycles: bool = False) -> Memory:
    """Return the memory of one customer of a bank with a single kind."""
    return Memory(1, 1, n_slots, CALENDAR, np.zeros(1), np.array([few]), np.array([cycles]))


def due(known: Memory) -> IntArray:
    """Return when each amount of the only kind is due by each rule."""
    return known._due(ONE, ONE)[0]


def pay(known: Memory, *payments: tuple[str, int]) -> Memory:
    for date, cents in payments:
        known.add(ONE, ONE, np.array([day_of(date)]), np.array([cents]))
    return known


def state(known: Memory) -> dict[int, tuple[int, int]]:
    """Return for each amount how often it came, and how often in time."""
    used = known.day[0, :, 0] >= 0
    columns = (known.amount[0, :, 0], known.times[0, :, 0], known.in_time[0, :, 0])
    return {int(a): (int(t), int(i)) for a, t, i in zip(*(c[used] for c in columns), strict=True)}


def due_on(known: Memory, date: str) -> bool:
    """Whether an amount is due by one of the rules of a month's distance on a day."""
    return bool((due(known)[:, [MONTHLY, ON, BACK]] == day_of(date)).any())


def test_an_amount_that_comes_when_due_outlives_purchases() -> None:
    known = pay(memory(), ("2024-01-05", 90_000), ("2024-02-05", 90_000))
    pay(known, *((f"2024-02-{day:02d}", 100 + day) for day in range(6, 20)))
    assert state(known)[90_000] == (2, 2)
    assert len(state(known)) == 4


def test_of_purchases_the_oldest_is_forgotten() -> None:
    known = pay(memory(), *((f"2024-01-{day:02d}", 100 * day) for day in (1, 2, 3, 4)))
    pay(known, ("2024-01-05", 100), ("2024-01-06", 900))
    assert sorted(state(known)) == [100, 300, 400, 900]
    assert state(known)[100][0] == 2


def test_a_raised_payment_takes_the_schedule_over() -> None:
    known = pay(memory(), ("2024-01-10", 50_000), ("2024-02-10", 50_000), ("2024-03-10", 52_000))
    assert state(known)[52_000] == (1, 3)
    assert state(known)[50_000] == (2, 0)
    assert due_on(known, "2024-04-10")
    assert known.due_classes(np.array([day_of("2024-04-10")]), np.array([[False]]))[0, 0] > NEVER


@pytest.mark.parametrize(("few", "streak"), [(True, 3), (False, 1)])
def test_a_bill_that_varies_keeps_its_schedule_where_it_comes_few_a_month(few: bool, streak: int) -> None:
    known = pay(memory(few=few), ("2024-01-10", 2_000), ("2024-02-10", 6_000), ("2024-03-10", 1_500))
    assert state(known)[1_500] == (1, streak)


def test_a_purchase_on_the_day_of_a_standing_order_leaves_it_due() -> None:
    known = pay(memory(), ("2024-01-10", 80_000), ("2024-02-10", 80_000), ("2024-03-10", 350))
    assert (due(known) == day_of("2024-03-10")).any()
    pay(known, ("2024-03-10", 80_000))
    assert state(known)[80_000] == (3, 3)
    assert not (due(known) == day_of("2024-03-10")).any()


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.booleans())
@settings(max_examples=40)
def test_paying_what_was_paid_today_ends_what_is_due(choices: list[int], few: bool) -> None:
    """However amounts are confused, as many payments as are due leave nothing due on that day."""
    amounts = (10_000, 33_000, 90_000)
    known = memory(few=few)
    for date in ("2024-01-10", "2024-02-10"):
        pay(known, *((date, cents) for cents in amounts))
    first = amounts[choices[0] - 1]
    pay(known, *[("2024-03-10", first)] * len(amounts))
    assert not (due(known)[:, [MONTHLY, ON, BACK]] == day_of("2024-03-10")).any()


def test_a_payment_that_weekends_move_is_due_on_its_usual_day_again() -> None:
    # 1 June 2024 was a Saturday, 1 September a Sunday
    known = pay(memory(), ("2024-05-01", 70_000), ("2024-06-03", 70_000))
    assert due_on(known, "2024-07-01")
    pay(known, ("2024-07-01", 70_000), ("2024-08-01", 70_000))
    assert state(known)[70_000] == (4, 4)
    assert due_on(known, "2024-09-02")


def test_rules_of_working_days_agree_with_the_calendar() -> None:
    day = np.arange(CALENDAR.n_days)
    usual = CALENDAR.day_of_month[day]
    moved = np.stack(CALENDAR.working_days(day, usual, usual), axis=1)
    np.testing.assert_array_equal(moved, CALENDAR.due[:, [ON, BACK]])
    monthly = CALENDAR.due[:, MONTHLY]
    assert (moved % 7 < 5).all()  # day 0 is a Monday
    away = moved - monthly[:, None]
    assert ((away[:, 0] >= 0) & (away[:, 0] <= 2) & (away[:, 1] <= 0) & (away[:, 1] >= -2)).all()
    on_a_weekend = monthly % 7 >= 5
    assert ((away == 0).all(axis=1) == ~on_a_weekend).all()


def test_keeping_some_customers_keeps_what_they_remember() -> None:
    known = Memory(3, 2, 4, CALENDAR, np.zeros(2), np.zeros(2, bool), np.zeros(2, bool))
    for day in range(40):
        known.add(np.arange(3), np.array([0, 1, 1]), np.full(3, day), np.array([100 + day % 5, 7, day + 1]))
    index = np.array([0, 2])
    before = {name: getattr(known, name)[index].copy() for name in STATE}
    known.keep(index)
    for name, old in before.items():
        np.testing.assert_array_equal(old, getattr(known, name))


def test_every_array_of_the_memory_is_kept_with_its_customers() -> None:
    known = memory()
    arrays = {name for name, value in vars(known).items() if getattr(value, "shape", ()) == (1, 4, 1)}
    assert arrays == set(STATE)


def reasons(known: Memory, customer: int, kind: int, day: int) -> int:
    """Return what :meth:`Memory.due_classes` should say of a kind, by comparing day by day."""
    used = known.day[customer, :, kind] >= 0
    rows = known._due(np.array([customer]), np.array([kind]))[0][used]
    often = known.in_time[customer, :, kind][used] > 1
    hit = rows == day
    wait = rows[:, MONTHLY].astype(int) - day
    close = (np.abs(wait) <= 2) & (rows[:, MONTHLY] >= 0)
    cycle = known.cycle[customer, :, kind][used]
    in_step = hit[:, SHORT] & (cycle[:, None] == np.arange(1, 4)) & often[:, None]
    spoken = [
        *(hit[:, LONG].any(), hit[~often][:, SHORT].any(), in_step.any()),
        *(close.any(), close[often].any(), hit[:, END].any(), hit[often, END].any()),
        *(hit[:, MONTHLY].any(), hit[:, BACK].any(), hit[:, ON].any()),
        *(hit[often, MONTHLY].any(), hit[often, BACK].any(), hit[often, ON].any()),
    ]
    if any(spoken):
        return NEVER + 1 + max(np.flatnonzero(spoken))
    nearest = min(wait.tolist(), key=lambda w: (abs(w), w < 0))
    return int(np.searchsorted(DUE_EDGES, nearest, "right"))


@pytest.mark.parametrize("n_days", [400, MANY_DAYS + 1])
def test_what_is_due_is_looked_up_as_it_would_be_compared(n_days: int) -> None:
    calendar = Calendar(CALENDAR.first, n_days)
    n, n_kinds, rng = 20, 3, np.random.default_rng(4)
    flags = np.array([True, False, False]), np.array([False, True, False])
    known = Memory(n, n_kinds, 4, calendar, np.zeros(n_kinds), *flags)
    day, never = np.full(n, n_days - 400), np.ones((n, n_kinds), bool)
    for _ in range(120):
        day = np.minimum(day + rng.integers(0, 6, n), n_days - 1)
        found = known.due_classes(day, never)
        for customer, kind in zip(*np.nonzero(~never), strict=True):
            assert found[customer, kind] == reasons(known, customer, kind, int(day[customer]))
        assert (found[never] == NEVER).all()
        kind = rng.integers(0, n_kinds, n)
        amount = np.where(rng.random(n) < 0.6, 700 + kind, rng.integers(1, 5, n) * 1000)
        known.add(np.arange(n), kind, day, amount)
        never[np.arange(n), kind] = False


def test_a_new_amount_that_settles_nothing_has_no_streak() -> None:
    """Not even if it comes a week after the one whose place it takes."""
    known = pay(memory(), *((f"2024-01-{day:02d}", 10_000 * day) for day in (1, 2, 3, 4)))
    known.in_time[:] = 5
    pay(known, ("2024-01-08", 123))
    assert 10_000 not in state(known)
    assert state(known)[123] == (1, 1)


def bank(rents: bool, purchases: int) -> Sequences:
    """Return 20 customers for a year, each with a rent on a day of the month and purchases a month."""
    rng = np.random.default_rng(3)
    rows = []
    for customer in range(20):
        usual = int(rng.integers(1, 28))
        for month in range(12):
            begin = day_of(f"2024-{month + 1:02d}-01")
            if rents:
                rows.append((customer, begin + usual - 1, 40_000 + customer))
            rows += [
                (customer, begin + int(rng.integers(0, 28)), int(rng.integers(1, 10**6)))
                for _ in range(purchases)
            ]
    customer, day, cents = np.array(sorted(rows)).T
    offset = np.r_[0, np.cumsum(np.bincount(customer))]
    return Sequences(np.zeros(len(day), np.int64), day, cents, offset)


def test_as_many_amounts_are_remembered_as_a_month_has() -> None:
    assert slots_needed(bank(True, 0), CALENDAR) == 4
    assert slots_needed(bank(True, 12), CALENDAR) == 16
    assert slots_needed(bank(True, 24), CALENDAR) == 32
    assert slots_needed(bank(False, 24), CALENDAR) == 4


def test_which_kinds_come_a_few_times_a_month() -> None:
    assert few_a_month(bank(True, 3), CALENDAR, 1).tolist() == [True]
    assert few_a_month(bank(True, 4), CALENDAR, 1).tolist() == [False]


def paid_every(days: int, n: int, *, cycles: bool) -> Memory:
    """Return what is known of pay that varies by a few per cent and comes every so many days."""
    first = np.datetime64("2024-01-05")
    known = memory(cycles=cycles)
    return pay(known, *((str(first + days * i), 80_000 + 37 * i) for i in range(n)))


@pytest.mark.parametrize(("days", "cycle"), [(7, 1), (14, 2), (28, 3)])
def test_pay_that_varies_keeps_its_cycle_of_weeks(days: int, cycle: int) -> None:
    known = paid_every(days, 6, cycles=True)
    newest = int(known.day[0, :, 0].argmax())
    assert known.in_time[0, newest, 0] == 6
    assert known.cycle[0, newest, 0] == cycle
    last = int(known.day[0, newest, 0])
    classes = {
        wait: int(known.due_classes(np.array([last + wait]), np.array([[False]]))[0, 0])
        for wait in (7, 14, 28)
    }
    assert {wait for wait, found in classes.items() if found == NEVER + 3} == {days}


def test_no_cycle_is_kept_where_a_kind_has_none() -> None:
    known = paid_every(7, 6, cycles=False)
    assert known.in_time.max() <= 1


def test_only_the_own_cycle_is_a_day_on_which_pay_may_come() -> None:
    known = paid_every(14, 6, cycles=True)
    now = known.day.max(keepdims=True)[0, 0]
    used, times, gaps, _ = known.streams(now, 60)
    newest = int((times[0] == times[0].max()).argmax())
    assert used[0, newest] == 0
    assert gaps[0, newest, SHORT].tolist() == [60, 14, 60]


def test_which_kinds_come_in_cycles_of_weeks() -> None:
    weekly = np.arange(0, 210, 7)
    monthly = np.arange(0, 210, 30)
    day, kind = np.r_[weekly, monthly], np.r_[np.zeros(len(weekly)), np.ones(len(monthly))].astype(int)
    order = np.argsort(day, kind="stable")
    data = Sequences(kind[order], day[order], np.arange(1, len(day) + 1), np.array([0, len(day)]))
    assert comes_in_cycles(data, 3).tolist() == [True, False, False]


def test_which_kinds_come_when_they_are_due() -> None:
    due = np.zeros((3, N_DUE))
    due[:, NEVER] = 30  # first times say nothing
    due[0, NEVER + 11], due[0, 2] = 15, 10  # on the day of the month; long before anything is due
    due[1, NEVER + 11], due[1, 2] = 10, 15
    assert come_when_due(due).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("payments", "latest"),
    [
        # 10 March 2024 was a Sunday, 31 March the month's end
        ((("2024-01-10", 700), ("2024-02-10", 700)), "2024-03-11"),
        ((("2024-01-31", 700), ("2024-02-29", 700)), "2024-03-31"),
    ],
)
def test_the_latest_day_on_which_a_rhythm_is_kept(payments: tuple[tuple[str, int], ...], latest: str) -> None:
    known = pay(memory(), payments[0])
    assert not known.latest_today(np.array([day_of(payments[1][0])])).any()  # not before it came again
    pay(known, payments[1])
    days = np.arange(known.day.max(), known.day.max() + 40)
    assert [d for d in days if known.latest_today(np.array([d])).any()] == [day_of(latest)]
    now = known.day.max(keepdims=True)[0, 0]
    gaps = known.streams(now, 60)[3]
    assert sorted(set(gaps[0].tolist())) == sorted({day_of(latest) - int(now[0]), 60})


def test_the_latest_day_of_weekly_pay_is_a_week_later() -> None:
    known = paid_every(7, 5, cycles=True)
    last = int(known.day.max())
    days = np.arange(last + 1, last + 40)
    assert [d for d in days if known.latest_today(np.array([d])).any()] == [last + 7]
