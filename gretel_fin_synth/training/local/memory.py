"""The amounts that customers had before, kind by kind: what can be copied, and when it is due again.

Of each kind a customer remembers a few distinct amounts. A new one takes the place of the one that came
longest ago; but what came again when it was due counts as two months younger: a rent outlives the purchases
of the weeks between two payments.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.calendar import BACK, END, LONG, MONTHLY, N_RULES, ON, SHORT

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.calendar import Calendar
    from gretel_fin_synth.training.local.examples import Sequences

IntArray = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]

SLOT_CHOICES = (4, 8, 16, 32)
WELL_RECALLED = 0.9
EXACT = (MONTHLY, END, ON, BACK)
SAME_DAY = (MONTHLY, END)
REPEATED_DAYS = 62  # how much younger an amount counts that came again when due
MANY_DAYS = 32_000  # from here on, due days do not fit 16 bits
DUE_EDGES = np.array([-10, -3, -1, 0, 1, 2, 4, 8, 16])
N_DUE = len(DUE_EDGES) + 2 + 13
NEVER = len(DUE_EDGES) + 1  # the class of a kind that the customer has not had yet
ABOUT_AS_LARGE = 1.4
A_FEW = 4.0
SPREAD_DAYS = 5  # a payment that comes farther from its usual day of the month has a new one
N_STREAMS = 32
N_TIMES = 3
SLOT_FEATURES = N_RULES + 10  # of a remembered amount


def slots_needed(data: Sequences, calendar: Calendar) -> int:
    """Return how many amounts a kind to remember, so that nearly all that come again when due are known.

    An amount is surely known if the customer had no more rows of that kind since than there are slots. Only
    those count that come again on the day of the month, or on its last day: other repeated amounts are round
    sums that many customers have.
    """
    customer = data.customer
    in_kind = np.lexsort((np.arange(len(customer)), data.kind, customer))
    number = np.empty(len(customer), np.int64)
    number[in_kind] = np.arange(len(customer))
    order = np.lexsort((number, data.cents, data.kind, customer))
    keys = np.stack([customer, data.kind, data.cents])[:, order]
    again = (keys[:, 1:] == keys[:, :-1]).all(axis=0)
    day = data.day[order]
    on_time = (calendar.due[day[:-1]][:, SAME_DAY] == day[1:, None]).any(axis=1)
    since = np.diff(number[order])[again & on_time]
    if not len(since):
        return SLOT_CHOICES[0]
    return next((n for n in SLOT_CHOICES if (since <= n).mean() >= WELL_RECALLED), SLOT_CHOICES[-1])


def few_a_month(data: Sequences, calendar: Calendar, n_kinds: int) -> npt.NDArray[np.bool_]:
    """Return which kinds come at most A_FEW times in a month in which a customer has them, (kinds,)."""
    held = np.unique(np.stack([data.kind, data.customer, calendar.month[data.day]]), axis=1)
    months = np.bincount(held[0], minlength=n_kinds)
    return np.bincount(data.kind, minlength=n_kinds) <= A_FEW * np.maximum(months, 1)


class Memory:
    """Remembered amounts of a batch of customers.

    Parameters
    ----------
    n, n_kinds, n_slots : int
        Customers, kinds, and distinct amounts remembered of each kind.
    calendar : Calendar
        Says when a payment is due again.
    repeat_share : ndarray of shape (kinds,)
        How much of a kind repeats an earlier amount.
    few_a_month : ndarray of shape (kinds,)
        Which kinds come a few times, at most, in a month in which a customer has them.
    """

    def __init__(
        self,
        n: int,
        n_kinds: int,
        n_slots: int,
        calendar: Calendar,
        repeat_share: npt.NDArray[np.float64],
        few_a_month: npt.NDArray[np.bool_],
    ) -> None:
        self.calendar, self.repeat_share, self.few_a_month = calendar, repeat_share, few_a_month
        self.n_kinds, self.n_slots = n_kinds, n_slots
        self.amount = np.zeros((n, n_kinds, n_slots), np.int64)
        self.day = np.full((n, n_kinds, n_slots), -1, np.int32)
        self.times = np.zeros((n, n_kinds, n_slots), np.int64)  # that this amount came
        self.in_time = np.zeros((n, n_kinds, n_slots), np.int64)  # that it, or those before it, came when due
        self.earliest = np.zeros((n, n_kinds, n_slots), np.int64)
        self.latest = np.zeros((n, n_kinds, n_slots), np.int64)
        days = np.int16 if calendar.n_days < MANY_DAYS else np.int32
        self.due = np.full((n, n_kinds, n_slots, N_RULES), -1, days)

    def keep(self, index: IntArray) -> None:
        """Forget all customers but these."""
        for name in ("amount", "day", "times", "in_time", "earliest", "latest", "due"):
            setattr(self, name, getattr(self, name)[index])

    def add(self, rows: IntArray, kind: IntArray, day: IntArray, amount: IntArray) -> None:
        """Take in one amount of each of these customers.

        It settles one payment that is due: its own, or else another of its kind: one that is about as large,
        or any where the kind comes but a few times a month or the same amount came on that day already, so
        that nobody pays for ever. A known amount then leaves the other's schedule as it is; a new one takes
        the schedule over, as a raised rent does.
        """
        each = np.arange(len(rows))
        days, in_time, amounts = self.day[rows, kind], self.in_time[rows, kind], self.amount[rows, kind]
        same = (amounts == amount[:, None]) & (days >= 0)
        known = same.any(axis=1)
        worth = days + REPEATED_DAYS * (in_time > 1)
        slot = np.where(known, same.argmax(axis=1), worth.argmin(axis=1))
        hits = (self.due[rows, kind] == day[:, None, None]) & (days >= 0)[..., None]
        larger, smaller = np.maximum(amounts, amount[:, None]), np.minimum(amounts, amount[:, None])
        again = (same & (days == day[:, None])).any(axis=1)
        near = (larger <= ABOUT_AS_LARGE * smaller) | (again | self.few_a_month[kind])[:, None]
        due = _any(hits[..., EXACT], 2) & near
        settled = np.where(due, in_time + 1 + 1000 * same, 0).argmax(axis=1)
        settled = np.where(due.any(axis=1), settled, slot)
        followed = ~known & (settled != slot)

        on_time = hits[each, settled].any(axis=1)
        regular = np.where(on_time, in_time[each, settled] + 1, 1)
        earliest, latest = self._usual_days((rows, kind, settled), day, on_time)
        old = rows[followed], kind[followed], settled[followed]
        self.due[old], self.in_time[old] = -1, 0
        self.times[rows, kind, slot] = np.where(known, self.times[rows, kind, slot] + 1, 1)
        self.amount[rows, kind, slot] = amount
        self.day[rows, kind, slot] = day

        place = rows, kind, np.where(known, settled, slot)
        self.day[place], self.in_time[place] = day, regular
        self.earliest[place], self.latest[place] = earliest, latest
        self.due[place] = self.calendar.due_from(day, earliest, latest)

    def _usual_days(
        self, place: tuple[IntArray, IntArray, IntArray], day: IntArray, on_time: npt.NDArray[np.bool_]
    ) -> tuple[IntArray, IntArray]:
        """Return between which days of the month payments come, now that one came on a day."""
        now = self.calendar.day_of_month[day]
        earliest, latest = self.earliest[place], self.latest[place]
        near = on_time & (now >= latest - SPREAD_DAYS) & (now <= earliest + SPREAD_DAYS)
        return np.where(near, np.minimum(earliest, now), now), np.where(near, np.maximum(latest, now), now)

    def slots(
        self, rows: IntArray, kind: IntArray, day: IntArray, count: IntArray
    ) -> tuple[IntArray, Float32Array]:
        """Return the kind's amounts (a, S), minor units or 0, and what speaks for each (a, S, F).

        ``count`` (a,) is how often the customer had the kind.
        """
        amounts, days, times = self.amount[rows, kind], self.day[rows, kind], self.times[rows, kind]
        calendar = self.calendar
        used = days >= 0
        hits = self.due[rows, kind] == day[:, None, None]
        since = day[:, None] - days
        latest = used & (days == days.max(axis=1, keepdims=True))
        filled = used.sum(axis=1, keepdims=True) / self.n_slots
        features = np.concatenate(
            [
                hits,
                np.stack(
                    [
                        used,
                        np.log1p(times),
                        times / np.maximum(count, 1)[:, None],
                        np.log1p(np.maximum(since, 0)) / 3,
                        (since == 0) & used,
                        (since < 25) & used,
                        (since > 35) & used,
                        latest,
                        (calendar.day_of_month[np.maximum(days, 0)] == calendar.day_of_month[day][:, None])
                        & used,
                        np.repeat(filled, self.n_slots, axis=1),
                    ],
                    axis=2,
                ),
            ],
            axis=2,
            dtype=np.float32,
        )
        return np.where(used, amounts, 0), features

    def streams(self, now: IntArray, n_gaps: int) -> tuple[IntArray, IntArray, npt.NDArray[np.int16]]:
        """Return what may fall due: kind (a, M), times in time so far (a, M), gaps in days by rule (a, M, R).

        ``now`` (a,) is the customer's present day. The M = N_STREAMS most recent amounts over all kinds;
        amounts that came when due stay longer. A gap that is not in 0..n_gaps-1 is given as n_gaps.
        """
        a = len(now)
        days = self.day[:a].reshape(a, -1)
        times = self.in_time[:a].reshape(a, -1)
        due = self.due[:a].reshape(a, -1, N_RULES)
        kinds = np.broadcast_to(np.repeat(np.arange(self.n_kinds), self.n_slots), days.shape)
        if days.shape[1] > N_STREAMS:
            often = np.repeat(self.repeat_share, self.n_slots)
            score = np.where(days >= 0, days + REPEATED_DAYS * (times > 1) + REPEATED_DAYS * often, -1)
            top = np.argpartition(-score, N_STREAMS - 1, axis=1)[:, :N_STREAMS]
            rows = np.arange(a)[:, None]
            days, times, kinds, due = days[rows, top], times[rows, top], kinds[rows, top], due[rows, top]
        gaps = due - now[:, None, None].astype(due.dtype)
        gaps[(gaps < 0) | (gaps >= n_gaps)] = n_gaps
        used = np.where(days >= 0, kinds, self.n_kinds)
        return used, np.minimum(times, N_TIMES), gaps.astype(np.int16, copy=False)

    def due_classes(self, day: IntArray, never: npt.NDArray[np.bool_]) -> IntArray:
        """Return for every kind the strongest reason for it to come on a day, (a, K).

        ``never`` (a, K) says which kinds the customer has not had yet.
        """
        a = len(day)
        due, again = self.due[:a], self.in_time[:a] > 1
        wait = due[..., MONTHLY] - day[:, None, None].astype(due.dtype)
        wait[self.day[:a] < 0] = 10_000
        nearest = np.take_along_axis(wait, np.abs(wait).argmin(axis=2)[..., None], axis=2)[..., 0]
        out = np.where(never, NEVER, np.searchsorted(DUE_EDGES, nearest, "right"))
        hit = due == day[:, None, None, None].astype(due.dtype)
        once, twice = _any(hit, 2), _any(hit & again[..., None], 2)
        close = np.abs(wait) <= 2
        reasons = (
            _any(once[..., LONG], 2),
            _any(once[..., SHORT], 2),
            _any(twice[..., SHORT], 2),
            _any(close, 2),
            _any(close & again, 2),
            once[..., END],
            twice[..., END],
            once[..., MONTHLY],
            once[..., BACK],
            once[..., ON],
            twice[..., MONTHLY],
            twice[..., BACK],
            twice[..., ON],
        )
        for number, reason in enumerate(reasons):
            out[reason] = NEVER + 1 + number
        return out


def _any(flags: npt.NDArray[np.bool_], axis: int) -> npt.NDArray[np.bool_]:
    """Do what ``flags.any(axis)`` does, faster where the axis is short."""
    return functools.reduce(np.logical_or, np.moveaxis(flags, axis, 0))
