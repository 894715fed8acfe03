"""The stand-in simulator: from a world, a window and a seed to a table of transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._contracts import contract_events, draw_terms
from gretel_fin_synth.standin._dice import Dice
from gretel_fin_synth.standin._extras import extra_column
from gretel_fin_synth.standin._habits import (
    draw_rhythm,
    draw_tastes,
    fit_budget,
    habit_events,
    refund_events,
)
from gretel_fin_synth.standin._income import days_since_pay, income_events
from gretel_fin_synth.standin._ledger import Ledger
from gretel_fin_synth.standin._pace import set_pace
from gretel_fin_synth.standin._people import draw_people
from gretel_fin_synth.standin._prices import price
from gretel_fin_synth.standin._scene import (
    CENTS,
    RECEIVE,
    Scene,
    join_events,
    make_catalogue,
    make_events,
)
from gretel_fin_synth.standin._table import Rows, join_rows, make_table, order_rows
from gretel_fin_synth.standin._trips import trip_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from gretel_fin_synth.standin._calendar import Window
    from gretel_fin_synth.standin._contracts import Terms
    from gretel_fin_synth.standin._habits import Tastes
    from gretel_fin_synth.standin._scene import Catalogue, Events
    from gretel_fin_synth.standin._spec import World

_CELLS = 1_000_000  # customers times days that are simulated at once


@dataclass(frozen=True)
class Request:
    """Everything that decides a table.

    Attributes
    ----------
    world : World
        The bank and its customers.
    window : Window
        The days covered.
    seed : int
        Same seed, same rows.
    n_customers : int
        How many customers; the first ones do not depend on it.
    rows_per_customer : float or None
        Rows to aim at; None for the world's own pace.
    """

    world: World
    window: Window
    seed: int
    n_customers: int
    rows_per_customer: float | None = None

    @property
    def block(self) -> int:
        """Customers simulated at once: given by the window, so that no life depends on `n_customers`."""
        return int(np.clip(_CELLS // self.window.n_days, 1, 1000))


def simulate(request: Request) -> tuple[Rows, Catalogue]:
    """Live the lives of all customers and return what their bank booked."""
    catalogue = make_catalogue(request.world)
    offsets = range(0, request.n_customers, request.block)
    blocks = []
    for number, offset in enumerate(offsets):
        size = min(request.block, request.n_customers - offset)
        blocks.append(_simulate_block(request, catalogue, number, size))
    return join_rows(blocks, offsets), catalogue


def simulate_table(
    request: Request, *, with_time: bool = False, extra_columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a simulated table: the six columns, then the extra ones in the order asked for."""
    rows, catalogue = simulate(request)
    table = make_table(rows, catalogue, request.window, n_customers=request.n_customers, with_time=with_time)
    for name in extra_columns:
        table[name] = extra_column(name, rows, catalogue, request.world, Dice([request.seed]))
    return table


def _simulate_block(request: Request, catalogue: Catalogue, number: int, size: int) -> Rows:
    ledger, scene = open_ledger(request, catalogue, number, size)
    return order_rows(ledger.run(), catalogue, scene.dice, scene.people.starts)


def open_ledger(request: Request, catalogue: Catalogue, number: int, size: int) -> tuple[Ledger, Scene]:
    """Draw the customers of one block, with all that they intend, on the eve of the first day."""
    dice = Dice([request.seed, number])
    scene = Scene(request.world, request.window, draw_people(request.world, request.window, dice, size), dice)
    terms = draw_terms(scene, catalogue)
    tastes = draw_tastes(scene)
    if request.rows_per_customer is not None:
        scene, tastes = set_pace(scene, terms, tastes, request.rows_per_customer)
    tastes = fit_budget(scene, tastes, sum((term.monthly_cost for term in terms), np.zeros(size)))
    return Ledger(scene, catalogue, _plan(scene, catalogue, terms, tastes)), scene


def _plan(scene: Scene, catalogue: Catalogue, terms: list[Terms], tastes: Tastes) -> Events:
    """Put together what customers intend to do."""
    pays = income_events(scene, catalogue)
    parts = [_openings(scene, catalogue), pays, contract_events(scene, terms)]
    away = np.zeros((scene.people.size, scene.window.n_days), dtype=bool)
    if scene.world.trips is not None:
        bookings, away = trip_events(scene, catalogue, scene.world.trips)
        parts.append(bookings)
    rhythm = draw_rhythm(scene, days_since_pay(scene, pays), away)
    parts.extend(habit_events(at, scene, catalogue, tastes, rhythm) for at in range(len(scene.world.habits)))
    plan = join_events(parts)
    return join_events([plan, refund_events(scene, catalogue, plan)])


def _openings(scene: Scene, catalogue: Catalogue) -> Events:
    """First deposits of the accounts that open inside the window."""
    people = scene.people
    size, ending = scene.dice.of("openings: choice").random((people.size, 2)).T
    typical = scene.world.opening_amount * CENTS * np.sqrt(people.income / scene.world.mean_income / CENTS)
    cents = price(typical * np.exp(1.2 * (size - 0.5)), "notes", ending)
    who = np.flatnonzero(people.opens)
    return make_events(who, people.first[who], catalogue.code("opening"), RECEIVE, cents[who])
