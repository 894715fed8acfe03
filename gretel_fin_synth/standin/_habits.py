"""What customers do when life brings it: groceries, meals, cash, presents, journeys, invoices.

Purchases are a Poisson process by customer and day. Its rate follows the customer's own taste and weekly
routine, the weekday, the season, the days since pay, holidays away, and bursts that put several purchases on
one day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._prices import price
from gretel_fin_synth.standin._scene import CENTS, CHOSEN, DAYS_PER_MONTH, RECEIVE, Events, make_events

if TYPE_CHECKING:
    from gretel_fin_synth.standin._scene import Bools, Catalogue, Floats, Ints, Scene
    from gretel_fin_synth.standin._spec import Habit

_LEAN = 0.55
_FACTORS = (0.2, 2.5)  # how far a budget may stretch amounts
_REFUND_DAYS = (3, 21)

# Rate of purchases against the share of the pay cycle that has passed.
_PHASE = (0.0, 0.15, 0.5, 0.9, 1.3)
_SPENDING = (1.55, 1.3, 0.95, 0.65, 0.6)


@dataclass(frozen=True)
class Tastes:
    """How often and how dearly each customer indulges each habit, arrays of shape (customers, habits).

    Attributes
    ----------
    rate : array of float
        Purchases per month.
    amount : array of float
        Median cents per purchase.
    """

    rate: Floats
    amount: Floats


def draw_tastes(scene: Scene) -> Tastes:
    """Draw the customers' tastes, before their budgets."""
    rates, amounts = [], []
    people = scene.people
    for at, habit in enumerate(scene.world.habits):
        name = f"habit {at} {habit.label.category}"
        uses = scene.dice.of(f"{name}: users").random(people.size) < habit.users
        often, dear = scene.dice.of(f"{name}: taste").standard_normal((people.size, 2)).T
        centred = habit.taste**2 / 2
        rate = habit.per_month * people.activity * np.exp(habit.taste * often - centred)
        rate *= np.exp(habit.cash * people.cash - (0.7 * habit.cash) ** 2 / 2)
        rates.append(np.where(uses & scene.in_stages(habit.stages), rate, 0.0))
        scale = people.income if habit.of_income else CENTS
        amounts.append(habit.amount * scale * np.exp(0.7 * habit.taste * dear))
    return Tastes(np.stack(rates, axis=1), np.stack(amounts, axis=1))


def fit_budget(scene: Scene, tastes: Tastes, fixed_cost: Floats) -> Tastes:
    """Scale the amounts of spending habits to what income leaves after contracts and saving.

    Each amount is multiplied by the customer's factor to the power of the habit's `stretch`; the factor is
    the one at which expected spending meets the budget.

    Parameters
    ----------
    scene, tastes
        The block and its tastes.
    fixed_cost : array of float, shape (customers,)
        Cents per month that contracts cost.
    """
    habits, people = scene.world.habits, scene.people
    skew = np.exp(np.array([habit.spread for habit in habits]) ** 2 / 2)
    debit = np.array([habit.label.kind == "debit" for habit in habits])
    flows = tastes.rate * tastes.amount * skew
    pay = np.array([income.cycle != "none" for income in scene.world.incomes])[people.stage]
    earned = flows[:, ~debit].sum(axis=1) + np.where(pay, people.income, 0.0)
    budget = earned * (1 - people.saved) - fixed_cost
    stretch = np.where(debit, [habit.stretch for habit in habits], 0.0)
    low, high = (np.full(people.size, np.log(bound)) for bound in _FACTORS)
    for _ in range(20):
        middle = (low + high) / 2
        spent = (flows * debit * np.exp(middle[:, None] * stretch)).sum(axis=1)
        low, high = np.where(spent < budget, middle, low), np.where(spent < budget, high, middle)
    return replace(tastes, amount=tastes.amount * np.exp(low[:, None] * stretch))


@dataclass(frozen=True)
class Rhythm:
    """What shapes the days of all habits, arrays of shape (customers, days)."""

    shared: Floats
    since_pay: Floats
    away: Bools


def draw_rhythm(scene: Scene, since_pay: Floats, away: Bools) -> Rhythm:
    """Draw weekly routines and bursts, and join them with the time the account is open."""
    size, window, bursts = scene.people.size, scene.window, scene.world.bursts
    routine = np.exp(0.45 * scene.dice.of("rhythm: routine").standard_normal((size, 7)) - 0.1)
    shared = routine[:, window.weekday] * scene.present
    if bursts > 0:
        shared *= scene.dice.of("rhythm: bursts").gamma(1 / bursts, bursts, (size, window.n_days))
    return Rhythm(shared, since_pay, away)


def habit_events(at: int, scene: Scene, catalogue: Catalogue, tastes: Tastes, rhythm: Rhythm) -> Events:
    """Return what one habit would buy if money were no object, smaller for when it is short."""
    habit = scene.world.habits[at]
    name = f"habit {at} {habit.label.category}"
    counts = _counts(habit, name, scene, tastes.rate[:, at], rhythm)
    who, day = np.nonzero(counts)
    times = counts[who, day]
    who, day = np.repeat(who, times), np.repeat(day, times)
    ending, usual, urge, restraint = scene.dice.of(f"{name}: choices").random((len(who), 4)).T
    full, lean = _cents(habit, name, scene, tastes.amount[:, at], (who, day), ending, usual)
    if habit.label.kind == "credit":
        return make_events(who, day, catalogue.code("habit", at), RECEIVE, full)
    size = len(who)
    return Events(
        customer=who,
        day=day,
        code=np.full(size, catalogue.code("habit", at)),
        rank=np.full(size, CHOSEN),
        full=full,
        lean=lean,
        urge=np.where(urge < habit.essential, 0.0, (urge - habit.essential) / (1 - habit.essential)),
        restraint=restraint,
        parent=np.full(size, -1),
    )


def _counts(habit: Habit, name: str, scene: Scene, rate: Floats, rhythm: Rhythm) -> Ints:
    """Purchases of each customer on each day."""
    window = scene.window
    weekdays = np.array(habit.weekdays) / np.mean(habit.weekdays)
    months = np.array(habit.months) ** scene.world.season
    kind_of_day = window.weekday
    if scene.world.bank_days:  # a bank holiday is a Sunday for shops and offices too
        kind_of_day = np.where(window.holiday, 6, window.weekday)
    weight = weekdays[kind_of_day] * (months / months.mean())[window.month] / DAYS_PER_MONTH
    expected = rate[:, None] * weight
    expected *= rhythm.shared
    if habit.payday:
        expected *= np.interp(rhythm.since_pay, _PHASE, _SPENDING) ** habit.payday
    if habit.away != 1.0:
        expected *= np.where(rhythm.away, habit.away, 1.0)
    counts: Ints = scene.dice.of(f"{name}: counts").poisson(expected)
    return counts


def _cents(
    habit: Habit,
    name: str,
    scene: Scene,
    median: Floats,
    when: tuple[Ints, Ints],
    ending: Floats,
    usual: Floats,
) -> tuple[Ints, Ints]:
    """Amounts in cents, and the smaller amounts for lean days."""
    who, day = when
    variation = scene.dice.of(f"{name}: amounts").standard_normal(len(who))
    growth = (1 + scene.world.inflation) ** (day / 365.25)
    raw = median[who] * np.exp(habit.spread * variation) * growth
    full = price(raw, habit.style, ending)
    lean = price(_LEAN * raw, habit.style, ending)
    if habit.usual:
        choice = scene.dice.of(f"{name}: usual").random(len(median))
        own = price(median, habit.style, choice)[who]
        repeats = usual < habit.usual
        full, lean = np.where(repeats, own, full), np.where(repeats, own, lean)
    return full, lean


def refund_events(scene: Scene, catalogue: Catalogue, purchases: Events) -> Events:
    """Return the refunds of some purchases, with the purchases' positions as their parents."""
    share = np.zeros(len(catalogue.labels))
    for at, habit in enumerate(scene.world.habits):
        share[catalogue.code("habit", at)] = habit.refunds
    candidates = np.flatnonzero(share[purchases.code] > 0)
    candidates = candidates[np.argsort(purchases.customer[candidates], kind="stable")]
    chance, wait = scene.dice.of("refunds").random((len(candidates), 2)).T
    parent = candidates[chance < share[purchases.code[candidates]]]
    wait = wait[chance < share[purchases.code[candidates]]]
    low, high = _REFUND_DAYS
    day = purchases.day[parent] + low + (wait * (high - low)).astype(np.int64)
    day = scene.window.bank_day(day, "following" if scene.world.bank_days else "none")
    seen = day <= scene.people.last[purchases.customer[parent]]
    parent, day = parent[seen], day[seen]
    code = catalogue.code("refund")
    refunds = make_events(purchases.customer[parent], day, code, RECEIVE, purchases.full[parent])
    return replace(refunds, parent=parent)
