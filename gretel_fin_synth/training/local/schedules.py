"""When payments are due again, as tables; and which kinds of payment have a rhythm."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.calendar import END, LONG, MONTHLY, N_RULES, SHORT

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.calendar import Calendar
    from gretel_fin_synth.training.local.examples import Sequences

IntArray = npt.NDArray[np.signedinteger[Any]]

SLOT_CHOICES = (4, 8, 16, 32)
WELL_RECALLED = 0.9
SAME_DAY = (MONTHLY, END)
MANY_DAYS = 32_000  # from here on, due days do not fit 16 bits
DUE_EDGES = np.array([-10, -3, -1, 0, 1, 2, 4, 8, 16])
N_DUE = len(DUE_EDGES) + 2 + 13
NEVER = len(DUE_EDGES) + 1  # the class of a kind that the customer has not had yet
A_FEW = 4.0
CYCLES = (7, 14, 28)  # days, in the order of the rules SHORT
IN_CYCLES = 0.3
STRONG_REASONS = (3, *range(6, 14))  # in its cycle; at the end, on the day, or on a working day of the month
MOSTLY = 0.5
CLOSE = 2  # days around the day of the month that still speak for a payment
SETTLED, UNUSED = -1, -2  # instead of the day of a payment: another took its schedule over; none yet


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


def comes_in_cycles(data: Sequences, n_kinds: int) -> npt.NDArray[np.bool_]:
    """Return which kinds come a week, a fortnight or 28 days after the one before, often enough, (kinds,)."""
    _, kind, day, again = data.by_kind()
    gaps, kinds = np.diff(day)[again], kind[1:][again]
    number = np.bincount(kinds, minlength=n_kinds)
    return np.bincount(kinds, np.isin(gaps, CYCLES), minlength=n_kinds) > IN_CYCLES * np.maximum(number, 1)


def come_when_due(due: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which kinds mostly come on a day on which they are due again, (kinds,).

    ``due`` (kinds, N_DUE) counts the rows of each kind by what spoke for them on their day.
    """
    on_time = due[:, NEVER + np.array(STRONG_REASONS)].sum(axis=1)
    again = due.sum(axis=1) - due[:, NEVER]
    return np.asarray(on_time > MOSTLY * np.maximum(again, 1))


@dataclass(frozen=True)
class Schedules:
    """When payments of each day are due again, looked up instead of compared; see :meth:`Memory.due_classes`.

    Parameters
    ----------
    due : ndarray of shape (n_days + 2, N_RULES)
        Days on which a payment is due again; the last two rows, for SETTLED and UNUSED, say never.
    monthly : ndarray of shape (n_days + 2,)
        The same by the rule of the same day next month; for UNUSED a day far ahead.
    reasons : ndarray of shape ((2 + len(CYCLES)) * (n_days + 2) * (width + 1),)
        The strongest reason, 0 for none, for each number of days since a payment; ``width`` days later there
        is none. First of payments that came in time once, then of those that did so more often: by the month,
        and by each of the CYCLES.
    width : int
        Days.
    """

    due: IntArray
    monthly: IntArray
    reasons: npt.NDArray[np.uint8]
    width: int

    def line(self, paid: IntArray, in_time: IntArray, cycle: IntArray) -> IntArray:
        """Return where in ``reasons`` day 0 of the calendar stands for payments of these days."""
        n_rows, part = len(self.monthly), np.where(in_time > 1, 1 + cycle.astype(np.int64), 0)
        return (paid % n_rows + n_rows * part) * (self.width + 1) - paid


@functools.lru_cache(maxsize=8)
def schedules_of(calendar: Calendar) -> Schedules:
    """Return the tables of a calendar."""
    days: type[np.signedinteger[Any]] = np.int16 if calendar.n_days < MANY_DAYS else np.int32
    never = np.full((2, N_RULES), -1)
    due = np.concatenate([calendar.due, never]).astype(days)
    monthly = due[:, MONTHLY].copy()
    monthly[UNUSED] = np.iinfo(days).max
    later = calendar.due - np.arange(calendar.n_days)[:, None]
    width = int(later.max()) + CLOSE + 1
    since = np.arange(width + 1)
    hit = later[:, None] == since[:, None]
    close = np.abs(later[:, MONTHLY, None] - since) <= CLOSE
    tables = []
    for part in range(2 + len(CYCLES)):
        again = part > 0
        reason = np.zeros((calendar.n_days + 2, width + 1), np.uint8)
        known = reason[:-2]
        known[any_of(hit[..., LONG], 2)] = 1
        if not again:
            known[any_of(hit[..., SHORT], 2)] = 2
        elif part > 1:
            known[hit[..., SHORT.start + part - 2]] = 3
        known[close] = 4 + again
        known[hit[..., END]] = 6 + again
        known[hit[..., MONTHLY]] = 8 if not again else 11
        tables.append(reason.ravel())
    return Schedules(due, monthly, np.concatenate(tables), width)


def any_of(flags: npt.NDArray[np.bool_], axis: int) -> npt.NDArray[np.bool_]:
    """Do what ``flags.any(axis)`` does, faster where the axis is short."""
    return functools.reduce(np.logical_or, np.moveaxis(flags, axis, 0))
