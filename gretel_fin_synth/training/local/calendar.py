"""Days as numbers, and where a payment made on a day falls due again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
AnyInts = npt.NDArray[np.signedinteger[Any]]

#: When a payment may come again, seen from its last day: the same day next month and up to two days around
#: it, the end of next month, the usual day moved on to Monday or back to Friday from a weekend, after 7, 14
#: and 28 days, after a quarter, after a year.
RULES = (
    "month-2",
    "month-1",
    "month",
    "month+1",
    "month+2",
    "month end",
    "moved on",
    "moved back",
    "week",
    "fortnight",
    "28 days",
    "quarter",
    "year",
)
MONTHLY = RULES.index("month")
END = RULES.index("month end")
ON, BACK = RULES.index("moved on"), RULES.index("moved back")
SHORT = slice(RULES.index("week"), RULES.index("quarter"))
LONG = slice(RULES.index("quarter"), len(RULES))
N_RULES = len(RULES)


@dataclass(frozen=True)
class Calendar:
    """The days 0, 1, ... from a first date on.

    Parameters
    ----------
    first : numpy.datetime64
        Date of day 0.
    n_days : int
        Number of days in the window.
    """

    first: np.datetime64
    n_days: int

    @cached_property
    def dates(self) -> npt.NDArray[np.datetime64]:
        """Date of each day, shape (n_days,), unit days."""
        return self.first.astype("datetime64[D]") + np.arange(self.n_days)

    @cached_property
    def month(self) -> IntArray:
        """Months since 1970-01, shape (n_days,)."""
        return self.dates.astype("datetime64[M]").astype(np.int64)

    @cached_property
    def day_of_month(self) -> IntArray:
        """Day of the month from 1, shape (n_days,)."""
        return (self.dates - self.dates.astype("datetime64[M]")).astype(np.int64) + 1

    @cached_property
    def days_left(self) -> IntArray:
        """Days left in the month, 0 on its last day, shape (n_days,)."""
        ends = (self.dates.astype("datetime64[M]") + 1).astype("datetime64[D]")
        return (ends - self.dates).astype(np.int64) - 1

    @cached_property
    def weekday(self) -> IntArray:
        """0 on Monday, shape (n_days,)."""
        return (self.dates.astype(np.int64) + 3) % 7

    @cached_property
    def basis(self) -> npt.NDArray[np.float32]:
        """Day of month, days left, weekday and month of the year as columns; (n_days, 31+5+7+12)."""
        out = np.zeros((self.n_days, 31 + 5 + 7 + 12), np.float32)
        rows = np.arange(self.n_days)
        out[rows, self.day_of_month - 1] = 1
        near_end = self.days_left < 5
        out[rows[near_end], 31 + self.days_left[near_end]] = 1
        out[rows, 36 + self.weekday] = 1
        out[rows, 43 + self.month % 12] = 1
        return out

    @cached_property
    def basis_places(self) -> IntArray:
        """Return which columns of ``basis`` are 1 on each day, (n_days, 4); its width where there is none."""
        first = np.cumsum([0, 31, 5, 7])
        left = np.where(self.days_left < 5, self.days_left + first[1], first[3] + 12)
        columns = [self.day_of_month - 1, left, self.weekday + first[2], self.month % 12 + first[3]]
        return np.stack(columns, axis=1)

    @cached_property
    def due(self) -> IntArray:
        """Day on which a payment of each day is due again by each rule, shape (n_days, len(RULES))."""
        days = np.arange(self.n_days)
        month = self._months_later(1)
        end = self._month_end(1)
        on, back = self.moved[self.month - self.month[0] + 1, self.day_of_month - 1].T
        columns = [
            month - 2,
            month - 1,
            month,
            month + 1,
            month + 2,
            end,
            on,
            back,
            days + 7,
            days + 14,
            days + 28,
            self._months_later(3),
            self._months_later(12),
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def moved(self) -> IntArray:
        """Return working days for a day of each month, (months + 1, 31, 2): the next one, and the one before.

        Months count from that of day 0, days of the month from 0; in a shorter month its last day is meant.
        """
        n_months = int(self.month[-1] - self.month[0]) + 2
        begins = self.first.astype("datetime64[M]") + np.arange(n_months + 1)
        begins = begins.astype("datetime64[D]")
        length = np.diff(begins).astype(np.int64)[:, None]
        dates = begins[:-1, None] + np.minimum(np.arange(31), length - 1)
        on, back = (
            np.busday_offset(dates, 0, roll=roll) - self.first.astype("datetime64[D]")
            for roll in ("forward", "backward")
        )
        return np.stack([on, back], axis=2).astype(np.int64)

    def working_days(self, day: AnyInts, earliest: AnyInts, latest: AnyInts) -> tuple[IntArray, IntArray]:
        """Return when payments of these days are due next month if weekends move them on, and back.

        ``earliest`` and ``latest`` (a,) are the days of the month, from 1, between which they came so far.
        """
        next_month = self.month[day] - self.month[0] + 1
        return self.moved[next_month, earliest - 1, 0], self.moved[next_month, latest - 1, 1]

    def _months_later(self, n: int) -> IntArray:
        """Return the same day n months later, or that month's last day where it is shorter."""
        first = (self.dates.astype("datetime64[M]") + n).astype("datetime64[D]")
        same = (first - self.first.astype("datetime64[D]")).astype(np.int64) + self.day_of_month - 1
        return np.minimum(same, self._month_end(n))

    def _month_end(self, n: int) -> IntArray:
        last = (self.dates.astype("datetime64[M]") + n + 1).astype("datetime64[D]") - 1
        return (last - self.first.astype("datetime64[D]")).astype(np.int64)
