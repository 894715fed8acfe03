"""The window of time that a table covers: months, weekdays, bank days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

LAST_DAY = 31
"""Nominal day of the month that means its last one."""

Roll = Literal["none", "following", "preceding"]
_MARGIN = 100  # days around the window for which bank days are known


@dataclass(frozen=True)
class Window:
    """Consecutive days, numbered from 0, and the calendar months that they touch.

    Attributes
    ----------
    first : numpy.datetime64
        Day 0.
    n_days : int
        Number of days.
    weekday, month, month_index : array of int, shape (n_days,)
        Weekday (Monday is 0), month of the year (January is 0), number of the month counted from day 0's.
    month_ends : array of bool, shape (n_days,)
        Whether the day is the last of its calendar month.
    month_first, month_length, month_of_year : array of int, shape (n_months,)
        For each month touched: the number of its first day (below 0 when the window opens later), its days,
        and which month of the year it is (January is 0).
    """

    first: np.datetime64
    n_days: int
    weekday: Ints
    month: Ints
    month_index: Ints
    month_ends: Bools
    month_first: Ints
    month_length: Ints
    month_of_year: Ints
    _following: Ints
    _preceding: Ints

    @property
    def n_months(self) -> int:
        """Number of calendar months that the window touches."""
        return len(self.month_first)

    @property
    def holiday(self) -> Bools:
        """Whether banks rest on each day, though it is no weekend."""
        days = np.arange(self.n_days)
        closed: Bools = self.bank_day(days, "following") != days
        return closed & (self.weekday < 5)

    @property
    def years(self) -> float:
        """Length of the window in years."""
        return self.n_days / 365.25

    def dates(self, days: Ints) -> NDArray[np.datetime64]:
        """Return the calendar dates of day numbers."""
        return self.first + days.astype("timedelta64[D]")

    def on_day(self, month_index: Ints, nominal: Ints, roll: Roll) -> Ints:
        """Return the day number of a nominal day of the month, moved to a bank day if asked.

        Parameters
        ----------
        month_index : array of int
            Months, counted from the window's first.
        nominal : array of int
            Days of the month, 1 to 31; a day that the month lacks becomes its last.
        roll : {"none", "following", "preceding"}
            What a bank does with a day on which it is closed.
        """
        day = self.month_first[month_index] + np.minimum(nominal, self.month_length[month_index]) - 1
        return self.bank_day(day, roll)

    def bank_day(self, day: Ints, roll: Roll) -> Ints:
        """Move days on which banks are closed to the bank day before or after."""
        if roll == "none":
            return day
        table = self._following if roll == "following" else self._preceding
        return table[np.clip(day + _MARGIN, 0, len(table) - 1)]


def open_window(first: np.datetime64, last: np.datetime64) -> Window:
    """Build the window from its first to its last day, both included."""
    n_days = int((last - first).astype(int)) + 1
    dates = first + np.arange(n_days)
    months = dates.astype("datetime64[M]").astype(np.int64)
    touched = np.arange(months[0], months[-1] + 1)
    starts = touched.astype("datetime64[M]").astype("datetime64[D]")
    ends = (touched + 1).astype("datetime64[M]").astype("datetime64[D]")
    around = first + np.arange(-_MARGIN, n_days + _MARGIN)
    holidays = bank_holidays(around[0], around[-1])
    rolled = {
        roll: (np.busday_offset(around, 0, roll=roll, holidays=holidays) - first).astype(np.int64)
        for roll in ("following", "preceding")
    }
    return Window(
        first=first,
        n_days=n_days,
        weekday=(dates.astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday
        month=months % 12,
        month_index=months - months[0],
        month_ends=(dates + 1).astype("datetime64[M]").astype(np.int64) != months,
        month_first=(starts - first).astype(np.int64),
        month_length=(ends - starts).astype(np.int64),
        month_of_year=touched % 12,
        _following=rolled["following"],
        _preceding=rolled["preceding"],
    )


def bank_holidays(first: np.datetime64, last: np.datetime64) -> NDArray[np.datetime64]:
    """Return the days on which European payment systems rest (the TARGET calendar) between two days."""
    years = range(first.astype(object).year, last.astype(object).year + 1)
    fixed = [f"{year:04d}-{day}" for year in years for day in ("01-01", "05-01", "12-25", "12-26")]
    easters = np.array([easter_sunday(year) for year in years])
    return np.concatenate([np.array(fixed, dtype="datetime64[D]"), easters - 2, easters + 1])


def easter_sunday(year: int) -> np.datetime64:
    """Return Easter Sunday of a year of the Gregorian calendar (Meeus/Jones/Butcher).

    Examples
    --------
    >>> easter_sunday(2024)
    np.datetime64('2024-03-31')
    """
    golden = year % 19
    century, rest = divmod(year, 100)
    leaps, drift = divmod(century, 4)
    lunar = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * drift + 2 * (rest // 4) - lunar - rest % 4) % 7
    shift = (golden + 11 * lunar + 22 * weekday) // 451
    month, day = divmod(lunar + weekday - 7 * shift + 114, 31)
    return np.datetime64(f"{year:04d}-{month:02d}-{day + 1:02d}")
