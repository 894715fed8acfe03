"""What a customer has done so far: the one state machine behind training features and sampling.

Training replays the real rows through :class:`History` and records what it says before each row; sampling
lets it run on the rows that the network draws. So the network never meets a feature in sampling that was
computed otherwise in training. Everything is vectorised over customers, who are ordered by their number of
rows, longest first, so that those still active are always the first ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.calendar import N_RULES
from gretel_fin_synth.training.local.memory import SLOT_FEATURES, Memory

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.plans import Plans
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]

SINCE_EDGES = np.array([0, 1, 2, 4, 7, 8, 14, 15, 21, 27, 29, 32, 45, 60, 90])
SINCE_CLASS = np.searchsorted(SINCE_EDGES, np.arange(SINCE_EDGES[-1] + 1), side="right")
N_SINCE = len(SINCE_EDGES) + 2
USED_EDGES = (0.02, 0.05, 0.12, 0.25, 0.5)
AGE_EDGES = np.array([1, 7, 16, 32, 63, 190])
N_AGES = len(AGE_EDGES) + 1  # classes of how long a customer has not had a kind yet
N_USED = N_AGES + len(USED_EDGES) + 1
N_THIS_MONTH = 4
GAP_EDGES = np.array([*range(1, 16), 18, 21, 25, 28, 29, 30, 31, 32, 35, 42, 60, 90, 180, 365])
N_GAP = len(GAP_EDGES) + 1
COVER_EDGES = np.array([-1, 0, 0.5, 1, 1.5, 2.5, 5, 10, 25])
N_COVER = len(COVER_EDGES) + 1
SINCE, DUE, USED, THIS_MONTH, ORDER, COVER = range(6)  # classes of kinds
RELATIVE_EDGES = np.array([-2, -1, -0.5, -0.25, -0.1, -0.03, 0.03, 0.1, 0.25, 0.5, 1, 2])
N_RELATIVE = len(RELATIVE_EDGES) + 2
PLAN_EDGES = np.array([-3, -2, -1.4, -0.9, -0.5, -0.2, 0.2, 0.5, 0.9, 1.4, 2, 3])
N_PLAN = len(PLAN_EDGES) + 2
LEAST_SWING = 0.02
WINDOW_ENDS = 32  # days in which a last transaction may be that of the window, not of the account
N_RBF = 10
COPY_FEATURES = SLOT_FEATURES + 1


def bumps(position: npt.NDArray[np.floating[Any]]) -> Float32Array:
    """Return soft one-hot codes of positions in 0..1; a last axis of N_RBF is added."""
    centres = np.linspace(0, 1, N_RBF, dtype=np.float32)
    return np.exp(-(((position[..., None] - centres) * (N_RBF - 1)) ** 2)).astype(np.float32)


class History:
    """Running state of a batch of customers.

    Parameters
    ----------
    world : World
        The table's fixed parts.
    plans : Plans
        One plan a customer.
    fold : ndarray of shape (customers,) or None
        Fold whose customers each customer is not told of; None for customers who are new.
    """

    def __init__(self, world: World, plans: Plans, fold: IntArray | None = None) -> None:
        n, k = len(plans), world.n_kinds
        self.world, self.plans = world, plans
        self.fold = np.zeros(n, np.int64) if fold is None else fold
        self.step = 0
        self.day = plans.first_day.copy()
        self.gap = np.zeros(n, np.int64)
        self.balance = plans.start.copy()
        self.average = plans.start.astype(float)
        self.low = plans.start.astype(float)
        self.peak = plans.start.copy()
        self.recent = np.zeros((n, 2))
        self.area = np.zeros((n, 2))
        self.area_at = np.zeros((n, k, 2))
        self.income = np.zeros(n, np.int64)
        self.sum_amount = np.zeros((n, k))
        self.usual = np.tile(
            world.usual, (n, 1)
        )  # the own mean amount, before the first all customers' median
        self.n_flow = np.zeros((n, 2))
        self.kind = np.full(n, k)
        self.position = np.zeros(n, np.float32)
        self.last_day = np.full((n, k), -1)
        self.count = np.zeros((n, k), np.int64)
        self.month_count = np.zeros((n, k), np.int64)
        self.month_net = np.zeros(n)
        self.month_rows = np.zeros(n, np.int64)
        self.sum_position = np.zeros((n, k), np.float32)
        self.flow = np.zeros((n, 2))
        self.round_share = np.zeros(n, np.float32)
        self.memory = Memory(
            n, k, world.n_slots, world.calendar, world.repeat_share, world.few_a_month, world.in_cycles
        )

    def keep(self, index: IntArray) -> None:
        """Forget all customers but these."""
        self.plans = self.plans.take(index)
        self.memory.keep(index)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[index])

    def context(self, a: int) -> Float32Array:
        """Describe the situation of the first a customers, before the kind is chosen; (a, n_context)."""
        world, plans, calendar = self.world, self.plans, self.world.calendar
        day, balance = self.day[:a], self.balance[:a]
        left_days = plans.last_day[:a] - day
        elapsed = day - plans.first_day[:a] + 1
        so_far = (self.step + 1) / (elapsed + 1)
        months = elapsed / 30.4 + 1
        columns = [
            bumps(world.scales.rank(balance)),
            bumps(self.position[:a]) * (self.kind[:a] < world.n_kinds)[:, None],
            _one_hot(calendar.days_left[day], 6),
            _one_hot(calendar.weekday[day], 7),
            _one_hot(self.month_rows[:a], 4),
            np.stack(
                [
                    world.scales.signed_log(balance),
                    world.scales.signed_log(self.average[:a]),
                    world.scales.signed_log(balance - self.average[:a]),
                    world.scales.signed_log(balance - plans.start[:a]),
                    world.scales.signed_log(self.month_net[:a]),
                    world.scales.signed_log(self.flow[:a, 0] / months),
                    world.scales.signed_log(self.flow[:a, 1] / months),
                    world.scales.signed_log(self.low[:a]),
                    world.scales.signed_log(balance - self.low[:a]),
                    world.scales.signed_log(self.peak[:a] - balance),
                    np.log1p(self.recent[:a, 1] / world.scales.typical),
                    np.log1p(self.recent[:a, 0] / world.scales.typical),
                    np.clip((self.recent[:a, 1] - self.recent[:a, 0]) / self.habit(a), -3, 3),
                    np.clip((balance - self.low[:a]) / self.habit(a), -3, 3),
                    np.clip((balance - self.average[:a]) / self.habit(a), -3, 3),
                    np.clip(self.off_plan(day, balance[:, None])[:, 0], -4, 4),
                    np.clip(30 * (plans.end[:a] - balance) / (left_days + 10) / self.habit(a), -3, 3),
                    np.log1p(left_days),
                    np.log(elapsed) / 2,
                    np.log(so_far),
                    np.full(a, self.step == 0),
                    left_days == 0,
                    calendar.day_of_month[day] / 31,
                    day / calendar.n_days,
                    np.sin(2 * np.pi * calendar.month[day] / 12),
                    np.cos(2 * np.pi * calendar.month[day] / 12),
                    self.round_share[:a],
                    np.log1p((self.count[:a] > 0).sum(axis=1)),
                ],
                axis=1,
            ),
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def habit(self, a: int) -> npt.NDArray[np.float64]:
        """Return the mean credit of each customer so far, or the typical balance before the first; (a,)."""
        credits = self.n_flow[:a, 1]
        mean = self.flow[:a, 1] / np.maximum(credits, 1)
        return np.where(credits > 0, np.maximum(mean, 1), self.world.scales.typical)

    def relative_classes(self, a: int, balance_after: IntArray) -> IntArray:
        """Return the class of balances, (a, n), seen from the customer's own usual level after a debit."""
        away = (balance_after - self.low[:a, None]) / self.habit(a)[:, None]
        return np.where(self.n_flow[:a, :1] > 0, 1 + np.searchsorted(RELATIVE_EDGES, away), 0)

    def after(self, a: int, kind: IntArray, amounts: IntArray) -> IntArray:
        """Return the balance that each amount, (a, n), would leave, minor units."""
        return self.balance[:a, None] + amounts * self.world.sign[kind][:, None]

    def after_classes(self, day: IntArray, balance_after: IntArray) -> npt.NDArray[np.uint8]:
        """Return classes of balances on a day: own, relative to the usual level, to the plan; (a, n, 3)."""
        out = np.empty((*balance_after.shape, 3), np.uint8)
        out[..., 0] = self.world.scales.after_class(balance_after)
        out[..., 1] = self.relative_classes(len(day), balance_after)
        away = 1 + np.searchsorted(PLAN_EDGES, self.off_plan(day, balance_after))
        out[..., 2] = np.where((day < self.plans.last_day[: len(day)])[:, None], away, 0)
        return out

    def off_plan(self, day: IntArray, balance: IntArray) -> npt.NDArray[np.float64]:
        """Return how far balances, (a, n), are from the plan's line on a day, in swings of the plan."""
        a = len(day)
        first, last = self.plans.first_day[:a], self.plans.last_day[:a]
        start, end = self.plans.start[:a], self.plans.end[:a]
        line = start + (end - start) * (day - first) / np.maximum(last - first, 1)
        unit = np.maximum(self.plans.swing[:a], LEAST_SWING * self.world.scales.typical)
        return np.asarray((balance - line[:, None]) / unit[:, None])

    def strain(self, day: IntArray, balance_after: IntArray) -> Float32Array:
        """Return half the squared distance of balances, (a, n), from the plan's line on a day, in swings.

        On the last day, on which an account may be emptied, it is 0.
        """
        open_still = (day < self.plans.last_day)[:, None]
        away = np.clip(self.off_plan(day, balance_after), -50, 50)
        return (0.5 * open_still * np.square(away)).astype(np.float32)

    def below(self, a: int, balance_after: IntArray) -> npt.NDArray[np.bool_]:
        """Return which balances, (a, n), are lower than now and below the plan's floor."""
        limit = np.minimum(self.balance[:a], self.plans.floor[:a])[:, None]
        return balance_after < limit

    def expected_balance(self, a: int) -> IntArray:
        """Return the balance after a usual amount of each kind, (a, K)."""
        after = self.balance[:a, None] + self.usual[:a] * self.world.sign
        return np.rint(after).astype(np.int64)

    def gap_class(self, a: int) -> IntArray:
        """Return the class of days between the last two transactions."""
        return np.searchsorted(GAP_EDGES, self.gap[:a], side="right")

    def streams(
        self, a: int, n_gaps: int
    ) -> tuple[IntArray, IntArray, npt.NDArray[np.int16], npt.NDArray[np.int16]]:
        """Return what may fall due: kinds, times and gaps; see :meth:`.Memory.streams`."""
        return self.memory.streams(self.day[:a], n_gaps)

    def kind_classes(self, a: int, day: IntArray) -> npt.NDArray[np.uint8]:
        """Describe every kind on a day: days since, due, times used, this month, order, cover; (a, K, 6)."""
        now = day[:, None]
        last = self.last_day[:a]
        since = np.where(last < 0, N_SINCE - 1, SINCE_CLASS[np.minimum(now - last, SINCE_EDGES[-1])])
        share = self.count[:a] / max(self.step, 1)
        age = np.searchsorted(AGE_EDGES, day - self.plans.first_day[:a], side="right")[:, None]
        used = np.where(self.count[:a] == 0, age, N_AGES + np.searchsorted(USED_EDGES, share))
        same_month = self.world.calendar.month[day] == self.world.calendar.month[self.day[:a]]
        month = np.minimum(self.month_count[:a] * same_month[:, None], N_THIS_MONTH - 1)
        order = self.world.order.classes[self.fold[:a], self.kind[:a]]
        due = self.memory.due_classes(day, last < 0)
        cover = np.searchsorted(COVER_EDGES, self.balance[:a, None] / self.usual[:a])
        return np.stack([since, due, used, month, order, cover], axis=2).astype(np.uint8)

    def closing(self, day: IntArray) -> Float32Array:
        """Return whether a day is the plan's last, (a, 2): and the window's, and an earlier one."""
        last = self.plans.last_day[: len(day)]
        early = last < self.world.calendar.n_days - WINDOW_ENDS
        return ((day == last)[:, None] & np.stack([~early, early], axis=1)).astype(np.float32)

    def lift(self, a: int) -> Float32Array:
        """Return how much likelier each kind is than for other customers; (a, K), see :mod:`.habits`."""
        return self.world.habits.lift(self.count[:a], self.step)

    def kind_context(self, a: int, kind: IntArray) -> Float32Array:
        """Describe the customer's past in the chosen kind; (a, n_kind_context)."""
        world, rows = self.world, np.arange(a)
        amounts, days = self.memory.amount[rows, :, kind], self.memory.day[rows, :, kind]
        count = self.count[rows, kind]
        last = np.where(count > 0, days.argmax(axis=1), 0)
        positions = world.amounts.locate(
            np.repeat(kind[:, None], 2, axis=1),
            np.stack([amounts[rows, last], np.maximum(self.balance[:a], 0)], 1),
        )
        known = (count > 0).astype(np.float32)
        mean = self.sum_position[rows, kind] / np.maximum(count, 1)
        columns = [
            bumps(positions[:, 0]) * known[:, None],
            bumps(mean) * known[:, None],
            bumps(positions[:, 1]),
            np.stack(
                [
                    known,
                    np.log1p(count),
                    (days >= 0).sum(axis=1) / np.maximum(np.minimum(count, world.n_slots), 1),
                    np.log1p(self.memory.times[rows, :, kind].max(axis=1)),
                    np.log1p(self.month_count[rows, kind]),
                ],
                axis=1,
            ),
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def copies(self, a: int, kind: IntArray, day: IntArray) -> tuple[IntArray, Float32Array]:
        """Return the amounts that can be copied (a, S + 1), 0 where none, and what speaks for each (.., F).

        They are those that :meth:`.Memory.slots` returns, and last the one that brings the balance to zero:
        accounts are emptied when they are closed, cards paid in full.
        """
        rows = np.arange(a)
        amounts, features = self.memory.slots(rows, kind, day, self.count[rows, kind])
        whole = np.maximum(-self.balance[:a] * self.world.sign[kind], 0)
        out = np.zeros((a, self.world.n_copies, COPY_FEATURES), np.float32)
        out[:, :-1, :SLOT_FEATURES] = features
        out[:, -1, N_RULES] = whole > 0
        out[:, -1, SLOT_FEATURES] = 1
        return np.column_stack([amounts, whole]), out

    def base(self, a: int, kind: IntArray, day: IntArray) -> npt.NDArray[np.float64]:
        """Return what the kind's amount may be a share of, (a,), 0 where nothing; see :mod:`.shares`."""
        rows, code, balance = np.arange(a), self.world.shares.base[kind], self.balance[:a]
        area = self._area(a, day) - self.area_at[rows, kind]
        own = self.sum_amount[rows, kind] / np.maximum(self.count[rows, kind], 1)
        choices = np.column_stack([area, np.maximum(balance, 0), self.income[:a], own])
        return np.where(code < 0, 0.0, choices[rows, code])

    def _area(self, a: int, day: IntArray) -> npt.NDArray[np.float64]:
        """Return the balance above and below zero times days since the beginning, (a, 2)."""
        balance = self.balance[:a]
        sides = np.stack([np.maximum(balance, 0), np.maximum(-balance, 0)], axis=1)
        return self.area[:a] + sides * (day - self.day[:a])[:, None]

    def advance(self, a: int, kind: IntArray, day: IntArray, amount: IntArray) -> None:
        """Take in one transaction of each of the first a customers; amounts in minor units."""
        world, rows = self.world, np.arange(a)
        signed = amount * world.sign[kind]
        new_month = world.calendar.month[day] != world.calendar.month[self.day[:a]]
        self.month_count[:a][new_month] = 0
        self.month_net[:a][new_month] = 0
        self.month_rows[:a][new_month] = 0
        self.area[:a] = self._area(a, day)
        self.area_at[rows, kind] = self.area[:a]
        self.income[:a] = np.where(signed > 0, amount, self.income[:a])
        self.gap[:a] = day - self.day[:a]
        keep = np.exp(-self.gap[:a] / 30.0)
        self.average[:a] = keep * self.average[:a] + (1 - keep) * self.balance[:a]
        self.balance[:a] += signed
        debit = signed < 0
        weight = np.where(self.n_flow[:a, 0] == 0, 1.0, 0.25)
        self.low[:a] += np.where(debit, weight * (self.balance[:a] - self.low[:a]), 0.0)
        self.peak[:a] = np.maximum(self.peak[:a], self.balance[:a])
        self.recent[:a] *= keep[:, None]
        self.recent[rows, 1 - debit] += amount
        self.n_flow[rows, 1 - debit] += 1
        self.day[:a], self.kind[:a] = day, kind
        self.position[:a] = world.amounts.locate(kind, amount)
        self.last_day[rows, kind] = day
        self.count[rows, kind] += 1
        self.month_count[rows, kind] += 1
        self.month_net[:a] += signed
        self.month_rows[:a] += 1
        self.sum_position[rows, kind] += self.position[:a]
        self.sum_amount[rows, kind] += amount
        self.usual[rows, kind] = self.sum_amount[rows, kind] / self.count[rows, kind]
        self.flow[rows, (signed > 0).astype(np.int64)] += amount
        self.round_share[:a] += ((amount % 1000 == 0) - self.round_share[:a]) / (self.step + 1)
        self.memory.add(rows, kind, day, amount)
        self.step += 1


def _one_hot(values: IntArray, size: int) -> Float32Array:
    return np.eye(size, dtype=np.float32)[np.minimum(values, size - 1)]
