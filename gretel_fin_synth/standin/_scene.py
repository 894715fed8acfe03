"""What every stream of money shares: the world, its window, its people, and the events they cause."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.standin._calendar import Window
    from gretel_fin_synth.standin._dice import Dice
    from gretel_fin_synth.standin._spec import Label, World

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

CENTS = 100
DAYS_PER_MONTH = 365.25 / 12

# In which order the events of one day reach an account.
RECEIVE, OBLIGED, CHOSEN = 0, 1, 2


@dataclass(frozen=True)
class People:
    """Customers as arrays, one entry each; money in cents.

    Attributes
    ----------
    stage : array of int
        Position in the world's incomes.
    income : array of float
        Monthly pay, or the scale of the business.
    activity : array of float
        How busy the account is, about 1.
    cash : array of float
        Love of cash, about 0.
    saved : array of float
        Share of income that is not planned to be spent.
    habitual, ceiling, floor, comfort : array of float
        Balance at which the customer feels at ease; above and below which the customer reacts; under which
        the customer spends less.
    limit : array of int
        Arranged overdraft.
    starts : array of int
        Balance before the first transaction.
    first, last : array of int
        First and last day of the account in the window.
    opens, closes : array of bool
        Whether `first` is the day of opening and `last` that of closing.
    """

    stage: Ints
    income: Floats
    activity: Floats
    cash: Floats
    saved: Floats
    habitual: Floats
    ceiling: Floats
    floor: Floats
    comfort: Floats
    limit: Ints
    starts: Ints
    first: Ints
    last: Ints
    opens: Bools
    closes: Bools

    @property
    def size(self) -> int:
        """Number of customers."""
        return len(self.stage)

    @property
    def active(self) -> Ints:
        """First day on which the account is used: the day after its opening, or the first day seen."""
        return self.first + self.opens

    @property
    def months(self) -> Floats:
        """Months that each account is seen."""
        return (self.last - self.first + 1) / DAYS_PER_MONTH


@dataclass(frozen=True)
class Scene:
    """One block of customers in one world and window, with the dice that decide their lives."""

    world: World
    window: Window
    people: People
    dice: Dice

    def in_stages(self, stages: tuple[str, ...]) -> Bools:
        """Tell which customers are in one of the stages of life; all of them when none is named."""
        if not stages:
            return np.ones(self.people.size, dtype=bool)
        wanted = [at for at, income in enumerate(self.world.incomes) if income.stage in stages]
        return np.isin(self.people.stage, wanted)

    @cached_property
    def present(self) -> Bools:
        """Whether each account is open on each day, shape (customers, days)."""
        days = np.arange(self.window.n_days)
        return (days >= self.people.active[:, None]) & (days <= self.people.last[:, None])


@dataclass(frozen=True)
class Events:
    """Planned transactions, one entry each.

    Attributes
    ----------
    customer, day, code : array of int
        Who, when, and which entry of the catalogue.
    rank : array of int
        `RECEIVE`, `OBLIGED` or `CHOSEN`: the order within a day, and how low balances are met.
    full, lean : array of int
        Amount in cents, and the amount when money is short.
    urge, restraint : array of float
        Uniform numbers that decide whether a chosen purchase is skipped, or made smaller, at a low balance.
    parent : array of int
        Position of the purchase that a refund pays back, counted in the same table; -1 for none.
    """

    customer: Ints
    day: Ints
    code: Ints
    rank: Ints
    full: Ints
    lean: Ints
    urge: Floats
    restraint: Floats
    parent: Ints

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.customer)

    def pick(self, which: Ints | Bools) -> Events:
        """Return the events at the positions or where the mask holds; parents are kept as they are."""
        return Events(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


def make_events(customer: Ints, day: Ints, code: int | Ints, rank: int, full: Ints) -> Events:
    """Build events that do not react to the balance."""
    size = len(customer)
    return Events(
        customer=customer.astype(np.int64),
        day=day.astype(np.int64),
        code=np.broadcast_to(np.asarray(code, dtype=np.int64), size),
        rank=np.full(size, rank, dtype=np.int64),
        full=full.astype(np.int64),
        lean=full.astype(np.int64),
        urge=np.zeros(size),
        restraint=np.ones(size),
        parent=np.full(size, -1, dtype=np.int64),
    )


def join_events(parts: Sequence[Events]) -> Events:
    """Put tables of events, none of them with parents, one under the other."""
    return Events(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Events)
        }
    )


@dataclass(frozen=True)
class Catalogue:
    """Numbers for everything that a world can book.

    Attributes
    ----------
    labels : tuple of Label
        What each number is called.
    codes : dict
        Number of each origin, such as ``("contract", 3, 0)``: the first copy of the fourth contract.
    """

    labels: tuple[Label, ...]
    codes: dict[tuple[str, int, int], int]

    def code(self, origin: str, position: int = 0, copy: int = 0) -> int:
        """Return the number of one origin."""
        return self.codes[origin, position, copy]

    def is_habit(self, code: int) -> bool:
        """Tell whether a number stands for a habit, which goes to many shops."""
        return code in {number for (origin, _, _), number in self.codes.items() if origin == "habit"}

    @cached_property
    def credit(self) -> Bools:
        """Whether each number is money that comes in."""
        return np.array([label.kind == "credit" for label in self.labels])


def make_catalogue(world: World) -> Catalogue:
    """Give a number to everything that a world can book."""
    entries: list[tuple[tuple[str, int, int], Label]] = []
    for at, income in enumerate(world.incomes):
        entries.append((("pay", at, 0), income.label))
        entries.append((("gap", at, 0), income.gap or income.label))
        entries.append((("bonus", at, 0), income.bonus or income.label))
    for at, contract in enumerate(world.contracts):
        entries.extend((("contract", at, copy), contract.label) for copy in range(contract.copies))
    entries.extend((("habit", at, 0), habit.label) for at, habit in enumerate(world.habits))
    entries.extend((("reaction", at, 0), reaction.label) for at, reaction in enumerate(world.reactions))
    entries.extend((("posting", at, 0), posting.label) for at, posting in enumerate(world.postings))
    if world.trips is not None:
        entries.append((("trip", 0, 0), world.trips.label))
    entries.append((("refund", 0, 0), world.refund))
    entries.append((("opening", 0, 0), world.opening))
    entries.append((("closing", 0, 0), world.closing))
    return Catalogue(
        labels=tuple(label for _, label in entries),
        codes={origin: number for number, (origin, _) in enumerate(entries)},
    )
