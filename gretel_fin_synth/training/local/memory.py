"""The amounts that customers had before, kind by kind: what can be copied, and when it is due again.

Of each kind a customer remembers a few distinct amounts. A new one takes the place of the one that came
longest ago; but what came again when it was due counts as two months younger: a rent outlives the purchases
of the weeks between two payments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.calendar import BACK, END, MONTHLY, N_RULES, ON, SHORT
from gretel_fin_synth.training.local.schedules import (
    DUE_EDGES,
    NEVER,
    SETTLED,
    UNUSED,
    any_of,
    schedules_of,
)

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.calendar import Calendar

IntArray = npt.NDArray[np.signedinteger[Any]]
Float32Array = npt.NDArray[np.float32]

EXACT = (MONTHLY, END, ON, BACK)
REPEATED_DAYS = 62  # how much younger an amount counts that came again when due
ABOUT_AS_LARGE = 1.4
SPREAD_DAYS = 5  # a payment that comes farther from its usual day of the month has a new one
N_STREAMS = 32
N_TIMES = 3
SLOT_FEATURES = N_RULES + 10  # of a remembered amount
WAITS = np.arange(DUE_EDGES[0] - 1, DUE_EDGES[-1] + 1)
WAIT_CLASS = np.searchsorted(DUE_EDGES, WAITS, side="right")
MOVED_ON = np.array([10, 13], np.uint8)  # reason that the usual day moved to Monday: once, more often
CYCLE_OF_HITS = np.array([0, 1, 2, 2, 3, 3, 3, 3], np.int8)  # by which of SHORT there is, as binary digits
IN_STEP = np.vstack([np.ones(3, bool), np.zeros(3, bool), np.eye(3, dtype=bool)])
STATE = (
    *("amount", "day", "times", "in_time", "cycle", "earliest", "latest", "paid"),
    *("monthly", "on", "back", "moved", "latest_day", "line", "until", "score"),
)


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
    in_cycles : ndarray of shape (kinds,)
        Which kinds come in cycles of weeks, as weekly pay does; see :func:`comes_in_cycles`.
    """

    def __init__(
        self,
        n: int,
        n_kinds: int,
        n_slots: int,
        calendar: Calendar,
        repeat_share: npt.NDArray[np.float64],
        few_a_month: npt.NDArray[np.bool_],
        in_cycles: npt.NDArray[np.bool_],
    ) -> None:
        self.calendar, self.few_a_month, self.in_cycles = calendar, few_a_month, in_cycles
        self.bonus = np.float32(REPEATED_DAYS) * repeat_share.astype(np.float32)
        self.n_kinds, self.n_slots = n_kinds, n_slots
        self.schedules = schedules_of(calendar)
        shape = n, n_slots, n_kinds
        self.amount = np.zeros(shape, np.int64)
        self.day = np.full(shape, -1, np.int32)
        self.times = np.zeros(shape, np.int32)  # that this amount came
        self.in_time = np.zeros(shape, np.int32)  # that it, or those before it, came when due
        self.cycle = np.zeros(shape, np.int8)  # 1 and on: the one of the CYCLES in which it came last
        self.earliest = np.ones(shape, np.int8)
        self.latest = np.ones(shape, np.int8)
        self.paid = np.full(shape, UNUSED, np.int32)  # day from which it is due again
        # what follows from these, kept so that every kind can be asked for on every day
        days = self.schedules.due.dtype
        self.monthly = np.full(shape, self.schedules.monthly[UNUSED], days)
        self.on = np.full(shape, -1, days)
        self.back = np.full(shape, -1, days)
        self.moved = np.zeros(shape, np.uint8)
        self.latest_day = np.full(shape, -1, days)  # on which a rhythm that was kept before is kept again
        self.line = np.full(shape, self.schedules.line(*np.array([UNUSED, 0, 0])), np.int32)
        self.until = np.full(shape, UNUSED + self.schedules.width, np.int32)
        self.score = np.full(shape, -1, np.float32)

    def keep(self, index: IntArray) -> None:
        """Forget all customers but these."""
        for name in STATE:
            setattr(self, name, getattr(self, name)[index])

    def add(self, rows: IntArray, kind: IntArray, day: IntArray, amount: IntArray) -> None:
        """Take in one amount of each of these customers.

        It settles one payment that is due: its own, or else another of its kind: one that is about as large,
        or any where the kind comes but a few times a month or the same amount came on that day already, so
        that nobody pays for ever. A known amount then leaves the other's schedule as it is; a new one takes
        the schedule over, as a raised rent does.
        """
        each = np.arange(len(rows))
        days, in_time, amounts = (part[rows, :, kind] for part in (self.day, self.in_time, self.amount))
        same = (amounts == amount[:, None]) & (days >= 0)
        known = same.any(axis=1)
        worth = days + REPEATED_DAYS * (in_time > 1)
        slot = np.where(known, same.argmax(axis=1), worth.argmin(axis=1))
        hits = self._due(rows, kind) == day[:, None, None]
        larger, smaller = np.maximum(amounts, amount[:, None]), np.minimum(amounts, amount[:, None])
        again = (same & (days == day[:, None])).any(axis=1)
        near = (larger <= ABOUT_AS_LARGE * smaller) | (again | self.few_a_month[kind])[:, None]
        exact = any_of(hits[..., EXACT], 2)
        short = any_of(hits[..., SHORT], 2) & self.in_cycles[kind][:, None]
        due = (exact | short) & near
        is_due = due.any(axis=1)
        settled = np.where(is_due, np.where(due, in_time + 1 + 1000 * same, 0).argmax(axis=1), slot)
        followed = ~known & (settled != slot)

        on_time = hits[each, settled].any(axis=1) & (known | is_due)
        regular = np.where(on_time, in_time[each, settled] + 1, 1)
        in_cycle = on_time & ~exact[each, settled]
        cycle = np.where(in_cycle, CYCLE_OF_HITS[_code(hits[each, settled][:, SHORT])], 0)
        earliest, latest = self._usual_days((rows, settled, kind), day, on_time)
        old = rows[followed], settled[followed], kind[followed]
        self.paid[old], self.in_time[old] = SETTLED, 0
        self.times[rows, slot, kind] = np.where(known, self.times[rows, slot, kind] + 1, 1)
        self.amount[rows, slot, kind] = amount
        self.day[rows, slot, kind] = day

        place = rows, np.where(known, settled, slot), kind
        self.day[place], self.in_time[place], self.paid[place] = day, regular, day
        self.earliest[place], self.latest[place], self.cycle[place] = earliest, latest, cycle
        self._refresh((rows, slot, kind))
        other = settled != slot
        self._refresh((rows[other], settled[other], kind[other]))

    def _due(self, rows: IntArray, kind: IntArray) -> IntArray:
        """Return when each amount of a kind is due by each rule, (rows, S, N_RULES), -1 where never."""
        out = self.schedules.due[self.paid[rows, :, kind]]
        out[..., ON], out[..., BACK] = self.on[rows, :, kind], self.back[rows, :, kind]
        return out

    def _refresh(self, place: tuple[IntArray, IntArray, IntArray]) -> None:
        """Bring up to date what follows from days, times in time and usual days, at these slots."""
        paid, in_time = self.paid[place], self.in_time[place]
        on, back = self.calendar.working_days(paid, self.earliest[place], self.latest[place])
        self.on[place], self.back[place] = np.where(paid < 0, -1, on), np.where(paid < 0, -1, back)
        self.moved[place] = MOVED_ON[(in_time > 1).astype(np.int64)]
        self.latest_day[place] = self._latest(paid, in_time, self.cycle[place], on)
        self.monthly[place] = self.schedules.monthly[paid]
        self.line[place] = self.schedules.line(paid, in_time, self.cycle[place])
        self.until[place] = paid + self.schedules.width
        bonus = REPEATED_DAYS * (in_time > 1) + self.bonus[place[2]]
        self.score[place] = np.where(self.day[place] < 0, -1, self.day[place] + bonus)

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
        amounts, days, times = (part[rows, :, kind] for part in (self.amount, self.day, self.times))
        calendar = self.calendar
        used = days >= 0
        since = day[:, None] - days
        features = np.empty((*days.shape, SLOT_FEATURES), np.float32)
        features[..., :N_RULES] = self._due(rows, kind) == day[:, None, None]
        columns = (
            used,
            np.log1p(times),
            times / np.maximum(count, 1)[:, None],
            np.log1p(np.maximum(since, 0)) / 3,
            (since == 0) & used,
            (since < 25) & used,
            (since > 35) & used,
            used & (days == days.max(axis=1, keepdims=True)),
            (calendar.day_of_month[np.maximum(days, 0)] == calendar.day_of_month[day][:, None]) & used,
            used.sum(axis=1, keepdims=True) / self.n_slots,
        )
        for number, column in enumerate(columns):
            features[..., N_RULES + number] = column
        return np.where(used, amounts, 0), features

    def _latest(self, paid: IntArray, in_time: IntArray, cycle: IntArray, on: IntArray) -> IntArray:
        """Return the last day on which payments that came in time before are in time again, -1 for others.

        It is the end of a cycle of weeks, the month's end for what was paid there, or else the working day
        from the usual day of the month on.
        """
        due = self.schedules.due[paid]
        in_cycle = due[np.arange(len(due)), SHORT.start + np.maximum(cycle, 1) - 1]
        monthly = np.where(self.calendar.days_left[paid] == 0, due[:, END], on)
        return np.where((paid < 0) | (in_time < 2), -1, np.where(cycle > 0, in_cycle, monthly))

    def latest_today(self, day: IntArray) -> npt.NDArray[np.bool_]:
        """Return for which kinds a day is the last on which a rhythm is kept, (a, K)."""
        today = day[:, None, None].astype(self.latest_day.dtype)
        return np.asarray((self.latest_day[: len(day)] == today).any(axis=1))

    def streams(
        self, now: IntArray, n_gaps: int
    ) -> tuple[IntArray, IntArray, npt.NDArray[np.int16], npt.NDArray[np.int16]]:
        """Return what may fall due: kind, times in time so far, gaps in days by rule, gap to the latest day.

        Their shapes are (a, M), (a, M), (a, M, R) and (a, M).

        ``now`` (a,) is the customer's present day. The M = N_STREAMS most recent amounts over all kinds;
        amounts that came when due stay longer. A gap that is not in 0..n_gaps-1 is given as n_gaps.
        """
        a, shape = len(now), (len(now), -1)
        score = self.score[:a].reshape(shape)
        if score.shape[1] > N_STREAMS:
            top = np.argpartition(score, score.shape[1] - N_STREAMS, axis=1)[:, -N_STREAMS:]
        else:
            top = np.broadcast_to(np.arange(score.shape[1]), score.shape)
        flat = top + np.arange(a)[:, None] * score.shape[1]
        parts = (self.day, self.in_time, self.cycle, self.paid, self.on, self.back, self.latest_day)
        day, times, cycle, paid, on, back, latest = (part[:a].reshape(-1)[flat] for part in parts)
        gaps = self.schedules.due[paid]
        gaps[..., ON], gaps[..., BACK] = on, back
        gaps[..., SHORT][~IN_STEP[np.where(times > 1, 1 + cycle, 0)]] = -1
        gaps -= now[:, None, None].astype(gaps.dtype)
        gaps[(gaps < 0) | (gaps >= n_gaps)] = n_gaps
        used = np.where(day >= 0, top % self.n_kinds, self.n_kinds)
        latest = latest - now[:, None].astype(latest.dtype)
        latest[(latest < 0) | (latest >= n_gaps)] = n_gaps
        return used, np.minimum(times, N_TIMES), gaps.astype(np.int16, copy=False), latest.astype(np.int16)

    def due_classes(self, day: IntArray, never: npt.NDArray[np.bool_]) -> IntArray:
        """Return for every kind the strongest reason for it to come on a day, (a, K).

        ``never`` (a, K) says which kinds the customer has not had yet.
        """
        a = len(day)
        now = day[:, None, None].astype(np.int32)
        reason = self.schedules.reasons.take(self.line[:a] + np.minimum(now, self.until[:a]))
        today = now.astype(self.on.dtype)
        np.maximum(reason, (self.on[:a] == today) * self.moved[:a], out=reason)
        np.maximum(reason, (self.back[:a] == today) * (self.moved[:a] - 1), out=reason)
        strongest = reason.max(axis=1).astype(np.int64)
        nearest = _nearest(self.monthly[:a] - today)
        return np.where(
            strongest > 0,
            NEVER + strongest,
            np.where(never, NEVER, WAIT_CLASS[np.clip(nearest - WAITS[0], 0, len(WAITS) - 1)]),
        )


def _code(hits: npt.NDArray[np.bool_]) -> IntArray:
    """Return the flags of each row as a binary number, the first as its last digit."""
    return hits @ (1 << np.arange(hits.shape[1]))


def _nearest(wait: IntArray) -> IntArray:
    """Return the number nearest to zero along axis 1; of two as near, the positive one."""
    unsigned = np.dtype(f"u{wait.itemsize}")
    ahead = wait.view(unsigned).min(axis=1).astype(np.int64)  # negative numbers are the largest
    behind = (-wait).view(unsigned).min(axis=1).astype(np.int64)
    return np.where(ahead <= behind, ahead, -behind)
