"""Accounts of small firms: large irregular invoices, wages and taxes, few round amounts, in euros."""

from __future__ import annotations

from gretel_fin_synth.standin._spec import WORKDAYS, Contract, Habit, Income, Label, Posting, Reaction, World

_DEBITED = ("direct debit",)
_EMPLOYERS = ("workshop", "company")

#              Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec
_ORDERS = (0.80, 0.90, 1.10, 1.00, 1.00, 1.10, 0.95, 0.70, 1.05, 1.10, 1.15, 1.20)

_INCOMES = tuple(
    Income(
        stage,
        Label("customer payment", "credit", "office"),
        share=share,
        monthly=monthly,
        spread=spread,
        cycle="none",
    )
    for stage, share, monthly, spread in (
        ("freelancer", 0.40, 5200, 0.45),
        ("workshop", 0.38, 24000, 0.60),
        ("company", 0.22, 88000, 0.75),
    )
)

_CONTRACTS = (
    Contract(
        Label("wages", "debit", "night"),
        owned=0.95,
        amount=0.27,
        spread=0.25,
        of_income=True,
        days=(31, 31, 28, 25),
        noise=0.03,
        stages=_EMPLOYERS,
    ),
    Contract(
        Label("social security", "debit", "night", _DEBITED),
        owned=0.95,
        amount=0.10,
        spread=0.25,
        of_income=True,
        days=(27, 28),
        noise=0.03,
        stages=_EMPLOYERS,
    ),
    Contract(
        Label("tax", "debit", "night", _DEBITED),
        owned=0.85,
        amount=0.10,
        spread=0.3,
        of_income=True,
        days=(10,),
        season=0.08,
        noise=0.30,
    ),
    Contract(
        Label("tax", "debit", "night", _DEBITED),
        owned=0.6,
        amount=0.09,
        spread=0.5,
        of_income=True,
        style="units",
        every=3,
        days=(10, 15),
        reprice=0.6,
    ),
    Contract(
        Label("rent", "debit", "night", ("standing order",)),
        owned=0.62,
        amount=0.055,
        spread=0.4,
        of_income=True,
        days=(1, 3),
        reprice=0.5,
        growth=0.03,
    ),
    Contract(
        Label("leasing", "debit", "night", _DEBITED),
        owned=0.3,
        amount=490,
        spread=0.5,
        days=(1, 15),
        churn=0.25,
        copies=3,
    ),
    Contract(
        Label("loan", "debit", "night", _DEBITED),
        owned=0.32,
        amount=0.045,
        spread=0.5,
        of_income=True,
        days=(15, 30, 31),
        churn=0.15,
    ),
    Contract(
        Label("insurance", "debit", "night", _DEBITED),
        owned=0.7,
        amount=410,
        spread=0.6,
        every=3,
        days=(1,),
        reprice=0.7,
    ),
    Contract(
        Label("phone", "debit", "night", _DEBITED),
        owned=0.8,
        amount=78,
        spread=0.6,
        days=(8, 14, 22),
        noise=0.10,
    ),
    Contract(
        Label("software", "debit", "night", ("card",)),
        owned=0.4,
        prices=(19, 29, 49.9, 59.5, 89.25, 118.99, 142.8),
        days=tuple(range(1, 29)),
        reprice=0.4,
        growth=0.08,
        churn=0.3,
        copies=3,
    ),
    Contract(
        Label("utilities", "debit", "night", _DEBITED),
        owned=0.55,
        amount=260,
        spread=0.7,
        days=(12, 18),
        season=0.25,
        noise=0.10,
    ),
)

_HABITS = (
    Habit(
        Label("customer payment", "credit", "office"),
        per_month=6.5,
        amount=0.085,
        spread=1.15,
        of_income=True,
        style="invoice",
        taste=0.6,
        weekdays=WORKDAYS,
        months=_ORDERS,
    ),
    Habit(
        Label("supplier", "debit", "office", ("online",)),
        per_month=5.0,
        amount=0.022,
        spread=1.2,
        of_income=True,
        style="invoice",
        taste=0.6,
        weekdays=WORKDAYS,
        months=_ORDERS,
        essential=0.4,
    ),
    Habit(
        Label("fuel", "debit", "any", ("card",)),
        per_month=2.2,
        amount=72,
        spread=0.35,
        style="pump",
        users=0.6,
        weekdays=WORKDAYS,
        essential=0.7,
        stretch=0.1,
    ),
    Habit(
        Label("office supplies", "debit", "office", ("card", "online")),
        per_month=1.4,
        amount=64,
        spread=0.9,
        style="shelf",
        users=0.85,
        weekdays=WORKDAYS,
        stretch=0.3,
        refunds=0.03,
    ),
    Habit(
        Label("travel", "debit", "any", ("card", "online")),
        per_month=0.8,
        amount=175,
        spread=0.8,
        users=0.6,
        months=_ORDERS,
        stretch=0.4,
    ),
    Habit(
        Label("restaurants", "debit", "meal", ("card",)),
        per_month=0.9,
        amount=58,
        spread=0.6,
        style="menu",
        users=0.6,
        weekdays=WORKDAYS,
        stretch=0.2,
    ),
    Habit(
        Label("advertising", "debit", "night", ("card",)),
        per_month=1.0,
        amount=0.012,
        spread=0.7,
        of_income=True,
        users=0.5,
        stretch=0.8,
    ),
    Habit(
        Label("cash deposit", "credit", "office", ("branch",)),
        per_month=3.0,
        amount=0.04,
        spread=0.5,
        of_income=True,
        style="tens",
        users=0.2,
        weekdays=WORKDAYS,
        stages=("workshop",),
    ),
)

BUSINESS = World(
    name="business",
    currency="EUR",
    incomes=_INCOMES,
    contracts=_CONTRACTS,
    habits=_HABITS,
    reactions=(
        Reaction(
            Label("owner drawings", "debit", "office", ("online",)), "above", 0.08, 0.5, style="invoice"
        ),
        Reaction(Label("owner deposit", "credit", "office"), "below", 0.10, 0.4, style="notes"),
    ),
    postings=(
        Posting(Label("bank charges", "debit", "close", ("bank",)), "flat", (14.9, 22.5, 38.0)),
        Posting(Label("overdraft interest", "debit", "close", ("bank",)), "overdrawn", (0.0895, 0.0975)),
    ),
    refund=Label("refund", "credit", "office", ("card",)),
    opening=Label("owner deposit", "credit", "office"),
    closing=Label("owner drawings", "debit", "close", ("branch",)),
    opening_amount=2500,
    buffer=1.2,
    buffer_spread=0.6,
    overdraft=0.7,
    activity=0.5,
    saved=0.10,
    bursts=1.2,
)
