"""The vocabulary in which a world is written: incomes, contracts, habits, reactions, month-end postings.

A world is data, tuples of these values; the streams in the modules beside this one make transactions of it.
All money here is in major units of the world's currency (euros, not cents), all rates are per customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gretel_fin_synth.standin._prices import Style

Kind = Literal["credit", "debit"]
Cycle = Literal["monthly", "fortnightly", "weekly", "none"]
Clock = Literal["payroll", "night", "office", "shop", "meal", "leisure", "any", "close"]

EVEN_WEEK = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
WORKDAYS = (1.1, 1.0, 1.0, 1.0, 1.05, 0.0, 0.0)
EVEN_YEAR = (1.0,) * 12


@dataclass(frozen=True)
class Label:
    """How a transaction is called in the table.

    Attributes
    ----------
    category : str
        `transaction_category`.
    kind : {"credit", "debit"}
        `transaction_type`.
    clock : str
        Profile of the time of day at which it is booked.
    channels : tuple of str
        Ways by which it is paid, equally common; for the extra column ``channel``.
    """

    category: str
    kind: Kind
    clock: Clock = "office"
    channels: tuple[str, ...] = ("transfer",)


@dataclass(frozen=True)
class Income:
    """A stage of life and the pay that goes with it.

    Attributes
    ----------
    stage : str
        Name that contracts and habits refer to.
    label : Label
        Of the regular pay.
    share : float
        Share of customers in this stage; the shares of a world add up to 1.
    monthly : float
        Median pay per month across customers.
    spread : float
        Standard deviation of its logarithm across customers.
    cycle : str
        How often pay comes; ``"none"`` leaves `monthly` as a scale for the habits that bring the money in.
    days : tuple of int
        Nominal days of the month on which employers pay, equally common, 31 for the last.
    style : str
        How pay ends.
    hourly : float
        Share of customers whose pay differs each time (hours, shifts), by `swing`.
    swing : float
        Standard deviation of the logarithm of such pay.
    raises : float
        Mean yearly raise.
    moves : float
        Job changes per year, some after months on `gap`.
    gap : Label, optional
        What is paid between two jobs, 60% of the pay; nothing when None.
    bonus : Label, optional
        An extra payment with the regular one, once a year in `bonus_months`.
    bonus_share : float
        Share of customers who get one.
    bonus_months : tuple of int
        Months of the year, January is 1, equally common.
    """

    stage: str
    label: Label
    share: float
    monthly: float
    spread: float
    cycle: Cycle = "monthly"
    days: tuple[int, ...] = (31,)
    style: Style = "cents"
    hourly: float = 0.0
    swing: float = 0.06
    raises: float = 0.03
    moves: float = 0.0
    gap: Label | None = None
    bonus: Label | None = None
    bonus_share: float = 0.0
    bonus_months: tuple[int, ...] = (12,)


@dataclass(frozen=True)
class Contract:
    """A payment that repeats on its day: standing orders, direct debits, benefits.

    Attributes
    ----------
    label : Label
        How it is called.
    owned : float
        Share of customers who have it when the window opens. Contracts with the same `group` exclude each
        other.
    amount : float
        Median amount, or share of the customer's monthly income with `of_income`.
    spread : float
        Standard deviation of its logarithm across customers.
    prices : tuple of float
        The price list, instead of `amount` and `spread`.
    every : int
        Months from one payment to the next.
    days : tuple of int
        Nominal days of the month, equally common.
    season : float
        Swing of the bill over the year, 0.3 for 30% more in January and less in July.
    noise : float
        Standard deviation of the logarithm from bill to bill; 0 repeats the amount to the cent.
    reprice, growth : float
        Probability per year that the price changes, and by how much on average.
    churn : float
        Contracts that end per year and owner; as many begin.
    copies : int
        How many a customer may have.
    stages : tuple of str
        Stages of life that may have it, all when empty.
    """

    label: Label
    owned: float
    amount: float = 0.0
    spread: float = 0.25
    of_income: bool = False
    prices: tuple[float, ...] = ()
    style: Style = "cents"
    every: int = 1
    days: tuple[int, ...] = (1,)
    season: float = 0.0
    noise: float = 0.0
    reprice: float = 0.0
    growth: float = 0.04
    churn: float = 0.0
    copies: int = 1
    group: str | None = None
    stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Habit:
    """Payments that come when life brings them: groceries, cash, a meal, an invoice.

    Attributes
    ----------
    label : Label
        How it is called.
    per_month : float
        Mean number per month of a customer who has the habit.
    amount : float
        Median amount, or share of monthly income with `of_income`.
    spread : float
        Standard deviation of the logarithm of the amount within a customer.
    style : str
        How amounts end.
    users : float
        Share of customers who have the habit.
    taste : float
        Standard deviation of the logarithm of rate and of amount across customers.
    weekdays, months : tuple of float
        Weights of the weekdays (Monday first) and months (January first).
    payday : float
        How strongly it follows the pay: 1 doubles down in the days after it and saves before the next.
    essential : float
        Share that is bought however low the balance is.
    stretch : float
        How amounts follow what the customer has left to spend: 0 for a fixed price, 1 in proportion.
    usual : float
        Probability of the customer's usual price (a ticket, a coffee) instead of a new amount.
    cash : float
        Exponent of the customer's love of cash: above 0 for cash, below for cards.
    away : float
        Factor on holidays.
    refunds : float
        Share of the purchases that the shop later pays back.
    """

    label: Label
    per_month: float
    amount: float
    spread: float = 0.5
    of_income: bool = False
    style: Style = "cents"
    users: float = 1.0
    taste: float = 0.35
    weekdays: tuple[float, ...] = EVEN_WEEK
    months: tuple[float, ...] = EVEN_YEAR
    payday: float = 0.0
    essential: float = 0.3
    stretch: float = 1.0
    usual: float = 0.0
    cash: float = 0.0
    away: float = 1.0
    refunds: float = 0.0
    stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reaction:
    """A payment that the balance itself provokes.

    Attributes
    ----------
    label : Label
        How it is called.
    side : {"above", "below"}
        Whether it answers a balance above the customer's ceiling or below the customer's floor.
    per_day : float
        Probability on a day on which that holds.
    share : float
        Share of the way back to the customer's habitual balance.
    style : str
        How the amount ends.
    users : float
        Share of customers who react so.
    savings : bool
        Whether the money goes to, or comes from, the customer's savings, which can run dry.
    bank_days : bool
        Whether it happens on bank days only.
    """

    label: Label
    side: Literal["above", "below"]
    per_day: float
    share: float
    style: Style = "notes"
    users: float = 1.0
    savings: bool = False
    bank_days: bool = True


@dataclass(frozen=True)
class Posting:
    """What the bank books by itself on the month's last day.

    Attributes
    ----------
    label : Label
        How it is called.
    basis : {"flat", "credit", "overdrawn"}
        A price list of account plans, or interest on the month's mean balance above or below zero.
    plans : tuple of float
        For ``"flat"``: monthly prices; for interest: yearly rates. Each customer has one of them.
    users : float
        Share of customers it applies to.
    """

    label: Label
    basis: Literal["flat", "credit", "overdrawn"]
    plans: tuple[float, ...]
    users: float = 1.0


@dataclass(frozen=True)
class Trips:
    """Holidays away from home, booked ahead.

    Attributes
    ----------
    label : Label
        Of the booking.
    per_year : float
        Mean number of trips a year.
    amount : float
        Median booking as a share of monthly income.
    """

    label: Label
    per_year: float
    amount: float


@dataclass(frozen=True)
class World:
    """A bank, its customers and their country.

    Attributes
    ----------
    name, currency : str
        How the world is called, and its ISO 4217 currency.
    incomes, contracts, habits, reactions, postings, trips
        What moves money.
    refund : Label
        How a refund is called.
    opening, closing : Label
        First deposit of an account opened inside the window, and the payout of one that closes.
    opening_amount : float
        Median first deposit.
    opens, closes : float
        Openings and closings per account and year; infinite `opens` for a bank that starts with the window.
    buffer, buffer_spread : float
        Median and logarithmic spread of the balance at which a customer feels at ease, in monthly incomes.
    overdraft : float
        Share of customers with an arranged overdraft.
    activity : float
        Logarithmic spread of how busy accounts are.
    saved : float
        Mean share of income that is not planned to be spent.
    bursts : float
        How unevenly purchases fall on days: 0 for evenly, 1 and more for several on some days.
    season : float
        Exponent on the months' weights: 1 as written, 3 for strong seasons.
    inflation : float
        Yearly growth of the prices behind habits.
    bank_days : bool
        Whether pay and contracts move to bank days.
    """

    name: str
    currency: str
    incomes: tuple[Income, ...]
    contracts: tuple[Contract, ...]
    habits: tuple[Habit, ...]
    reactions: tuple[Reaction, ...]
    postings: tuple[Posting, ...]
    refund: Label
    opening: Label
    closing: Label
    trips: Trips | None = None
    opening_amount: float = 300.0
    opens: float = 0.07
    closes: float = 0.025
    buffer: float = 0.9
    buffer_spread: float = 0.8
    overdraft: float = 0.5
    activity: float = 0.4
    saved: float = 0.08
    bursts: float = 0.8
    season: float = 1.0
    inflation: float = 0.025
    bank_days: bool = True

    @property
    def mean_income(self) -> float:
        """Mean of the stages' median monthly incomes."""
        return sum(income.share * income.monthly for income in self.incomes)
