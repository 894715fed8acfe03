"""Holidays: booked ahead, then some days away on which other habits rest or grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._prices import price
from gretel_fin_synth.standin._scene import CHOSEN, make_events

if TYPE_CHECKING:
    from gretel_fin_synth.standin._scene import Bools, Catalogue, Events, Scene
    from gretel_fin_synth.standin._spec import Trips

_TRIES = 3  # most trips in one year


def trip_events(scene: Scene, catalogue: Catalogue, trips: Trips) -> tuple[Events, Bools]:
    """Return the bookings, and the days away with shape (customers, days).

    Each year has up to three trips, most of them in summer.
    """
    size, window = scene.people.size, scene.window
    years = int(np.ceil(window.years)) + 1
    chance, season, when, length, ahead, ending = np.moveaxis(
        scene.dice.of("trips: plans").random((size, years, _TRIES, 6)), -1, 0
    )
    spread = scene.dice.of("trips: cost").standard_normal((size, years, _TRIES))
    # Days of the year: seven of ten trips leave from mid-June to mid-September.
    leave = np.where(season < 0.7, 165 + 92 * when, 364 * when) + 365.25 * np.arange(years)[:, None]
    new_year = np.datetime64(f"{window.first.astype('datetime64[Y]')}-01-01")
    leave = leave.astype(np.int64) - int((window.first - new_year).astype(int))
    goes = chance < trips.per_year / _TRIES
    until = leave + 4 + (12 * length).astype(np.int64)
    days = np.arange(window.n_days)
    away = np.zeros((size, window.n_days), dtype=bool)
    for year, attempt in np.ndindex(years, _TRIES):
        out, back = leave[:, year, attempt, None], until[:, year, attempt, None]
        away |= goes[:, year, attempt, None] & (days >= out) & (days < back)
    booked = leave - 14 - (130 * ahead).astype(np.int64)
    booked_open = (booked >= scene.people.active[:, None, None]) & (
        booked <= scene.people.last[:, None, None]
    )
    who, year, attempt = np.nonzero(goes & booked_open)
    pick = (who, year, attempt)
    raw = trips.amount * scene.people.income[who] * np.exp(0.5 * spread[pick])
    cents = price(raw, "shelf", ending[pick])
    return make_events(who, booked[pick], catalogue.code("trip"), CHOSEN, cents), away
