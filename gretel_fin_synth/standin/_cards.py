"""A card-heavy bank: weekly and fortnightly pay, small purchases many times a day, in dollars."""

from __future__ import annotations

from gretel_fin_synth.standin._spec import (
    WORKDAYS,
    Contract,
    Habit,
    Income,
    Label,
    Posting,
    Reaction,
    Trips,
    World,
)

_CARD = ("card",)
_TAP = ("card", "card", "phone")
_WEB = ("online",)
_ACH = ("direct debit",)

#           Mon   Tue   Wed   Thu   Fri   Sat   Sun
_ERRANDS = (0.90, 0.85, 0.90, 0.95, 1.05, 1.30, 1.05)
_WORKING = (1.25, 1.25, 1.20, 1.20, 1.20, 0.55, 0.35)
_NIGHTS = (0.50, 0.60, 0.75, 0.95, 1.60, 1.65, 0.95)

#              Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec
_HOLIDAYS = (0.80, 0.85, 0.92, 0.95, 0.98, 0.98, 1.05, 1.02, 0.92, 0.95, 1.25, 1.40)
_ROADS = (0.88, 0.88, 0.95, 1.00, 1.08, 1.12, 1.15, 1.12, 1.00, 0.98, 0.95, 0.92)

_PAY = Label("salary", "credit", "payroll", ("direct deposit",))
_GAP = Label("unemployment benefit", "credit", "payroll", ("direct deposit",))

_INCOMES = (
    Income(
        "paid weekly",
        _PAY,
        share=0.44,
        monthly=3100,
        spread=0.30,
        cycle="weekly",
        hourly=0.7,
        swing=0.09,
        moves=0.14,
        gap=_GAP,
    ),
    Income(
        "paid fortnightly",
        _PAY,
        share=0.44,
        monthly=4300,
        spread=0.38,
        cycle="fortnightly",
        hourly=0.3,
        swing=0.05,
        moves=0.09,
        gap=_GAP,
    ),
    Income(
        "retired",
        Label("pension", "credit", "payroll", ("direct deposit",)),
        share=0.12,
        monthly=2100,
        spread=0.3,
        days=(3, 8, 15, 22),
        style="units",
    ),
)

_CONTRACTS = (
    Contract(
        Label("rent", "debit", "office", ("check", "online")),
        owned=0.52,
        amount=0.30,
        spread=0.18,
        of_income=True,
        style="tens",
        days=(1, 1, 3),
        reprice=0.6,
        growth=0.04,
        group="housing",
    ),
    Contract(
        Label("mortgage", "debit", "night", _ACH),
        owned=0.28,
        amount=0.29,
        spread=0.2,
        of_income=True,
        days=(1, 15),
        group="housing",
    ),
    Contract(
        Label("car loan", "debit", "night", _ACH), owned=0.36, amount=395, spread=0.3, days=(5, 10, 18, 25)
    ),
    Contract(
        Label("insurance", "debit", "night", _ACH),
        owned=0.7,
        amount=124,
        spread=0.35,
        days=(2, 9, 14, 20, 27),
        reprice=1.0,
        growth=0.06,
    ),
    Contract(
        Label("phone", "debit", "night", _CARD),
        owned=0.85,
        amount=64,
        spread=0.35,
        days=tuple(range(3, 28, 3)),
        noise=0.03,
    ),
    Contract(
        Label("internet", "debit", "night", _CARD),
        owned=0.62,
        prices=(39.99, 49.99, 59.99, 69.99, 79.99),
        style="nines",
        days=(4, 11, 17, 23),
        reprice=0.35,
    ),
    Contract(
        Label("utilities", "debit", "night", _ACH),
        owned=0.66,
        amount=116,
        spread=0.35,
        days=(7, 13, 19, 26),
        season=-0.25,
        noise=0.12,
    ),
    Contract(
        Label("subscription", "debit", "night", _CARD),
        owned=0.3,
        prices=(4.99, 7.99, 9.99, 10.99, 11.99, 14.99, 15.49, 17.99, 22.99),
        style="nines",
        days=tuple(range(1, 29)),
        reprice=0.35,
        growth=0.12,
        churn=0.5,
        copies=5,
    ),
    Contract(
        Label("student loan", "debit", "night", _ACH), owned=0.22, amount=235, spread=0.4, days=(6, 15, 21)
    ),
    Contract(
        Label("gym", "debit", "night", _CARD), owned=0.2, prices=(10, 24.99, 39.99), style="nines", churn=0.6
    ),
)

_HABITS = (
    Habit(
        Label("groceries", "debit", "shop", _TAP),
        per_month=3.6,
        amount=44,
        spread=0.7,
        weekdays=_ERRANDS,
        months=_HOLIDAYS,
        payday=0.5,
        essential=0.75,
        stretch=0.5,
        away=0.3,
    ),
    Habit(
        Label("coffee", "debit", "meal", _TAP),
        per_month=4.5,
        amount=5.4,
        spread=0.3,
        users=0.6,
        taste=0.8,
        weekdays=_WORKING,
        essential=0.3,
        stretch=0.0,
        usual=0.65,
    ),
    Habit(
        Label("fast food", "debit", "meal", _TAP),
        per_month=4.0,
        amount=11.8,
        spread=0.4,
        users=0.9,
        taste=0.6,
        weekdays=(0.9, 0.9, 0.95, 1.0, 1.3, 1.15, 0.9),
        payday=0.5,
        essential=0.4,
        stretch=0.1,
        usual=0.15,
    ),
    Habit(
        Label("restaurants", "debit", "leisure", _CARD),
        per_month=1.7,
        amount=38,
        spread=0.55,
        users=0.85,
        taste=0.6,
        weekdays=_NIGHTS,
        payday=1.0,
        essential=0.05,
        stretch=0.6,
        away=2.5,
    ),
    Habit(
        Label("fuel", "debit", "any", _CARD),
        per_month=2.9,
        amount=37,
        spread=0.3,
        style="pump",
        users=0.8,
        weekdays=_ERRANDS,
        months=_ROADS,
        essential=0.7,
        stretch=0.1,
        away=1.5,
    ),
    Habit(
        Label("shopping", "debit", "leisure", ("online", "online", "card")),
        per_month=2.8,
        amount=33,
        spread=0.85,
        style="shelf",
        users=0.96,
        taste=0.5,
        months=_HOLIDAYS,
        payday=0.8,
        essential=0.1,
        stretch=1.0,
        refunds=0.08,
    ),
    Habit(
        Label("transport", "debit", "any", ("phone",)),
        per_month=1.6,
        amount=14,
        spread=0.5,
        users=0.45,
        taste=0.8,
        weekdays=_NIGHTS,
        payday=0.5,
        stretch=0.2,
    ),
    Habit(
        Label("health", "debit", "shop", _CARD),
        per_month=0.7,
        amount=22,
        spread=0.9,
        weekdays=WORKDAYS,
        essential=0.7,
        stretch=0.3,
    ),
    Habit(
        Label("entertainment", "debit", "leisure", ("card", "online")),
        per_month=0.8,
        amount=24,
        spread=0.7,
        users=0.8,
        weekdays=_NIGHTS,
        payday=0.9,
        essential=0.05,
        stretch=0.7,
    ),
    Habit(
        Label("home", "debit", "shop", ("card", "online")),
        per_month=0.4,
        amount=66,
        spread=0.9,
        style="shelf",
        weekdays=_ERRANDS,
        months=_ROADS,
        essential=0.1,
        refunds=0.06,
    ),
    Habit(
        Label("cash withdrawal", "debit", "any", ("atm",)),
        per_month=0.8,
        amount=62,
        spread=0.5,
        style="notes",
        users=0.6,
        weekdays=_NIGHTS,
        payday=1.0,
        usual=0.5,
        stretch=0.9,
    ),
    Habit(
        Label("transfer", "debit", "leisure", ("phone",)),
        per_month=1.2,
        amount=38,
        spread=1.0,
        style="gift",
        payday=0.6,
        stretch=1.3,
    ),
    Habit(
        Label("transfer", "credit", "leisure", ("phone",)), per_month=0.9, amount=32, spread=1.0, style="gift"
    ),
    Habit(
        Label("travel", "debit", "any", ("card", "online")),
        per_month=0.07,
        amount=118,
        spread=0.7,
        essential=0.05,
        away=20.0,
    ),
)

CARDS = World(
    name="cards",
    currency="USD",
    incomes=_INCOMES,
    contracts=_CONTRACTS,
    habits=_HABITS,
    reactions=(
        Reaction(Label("savings", "debit", "office", _WEB), "above", 0.10, 0.7, users=0.75, savings=True),
        Reaction(Label("transfer", "debit", "leisure", ("phone",)), "above", 0.03, 0.6, style="gift"),
        Reaction(
            Label("savings", "credit", "office", _WEB), "below", 0.25, 0.6, savings=True, bank_days=False
        ),
        Reaction(
            Label("transfer", "credit", "leisure", ("phone",)), "below", 0.03, 0.4, style="gift", users=0.5
        ),
    ),
    postings=(
        Posting(Label("account fee", "debit", "close", ("bank",)), "flat", (5, 10, 12), users=0.25),
        Posting(Label("interest", "credit", "close", ("bank",)), "credit", (0.0005, 0.001), users=0.5),
        Posting(Label("overdraft interest", "debit", "close", ("bank",)), "overdrawn", (0.18,)),
    ),
    refund=Label("refund", "credit", "shop", ("card",)),
    opening=Label("transfer", "credit", "office"),
    closing=Label("transfer", "debit", "close"),
    trips=Trips(Label("travel", "debit", "leisure", _WEB), per_year=0.9, amount=0.22),
    opening_amount=250,
    buffer=0.6,
    overdraft=0.35,
    activity=0.45,
    saved=0.05,
    bursts=0.6,
)
