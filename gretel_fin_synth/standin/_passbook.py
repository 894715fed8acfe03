"""A Central European bank of the 1990s: cash over the counter, whole amounts, month-end interest."""

from __future__ import annotations

from gretel_fin_synth.standin._spec import Contract, Habit, Income, Label, Posting, Reaction, World

_COUNTER = ("branch",)
_STANDING = ("standing order",)
_DEPOSIT = Label("cash deposit", "credit", "office", _COUNTER)
_WITHDRAWAL = Label("cash withdrawal", "debit", "office", _COUNTER)

_INCOMES = (
    Income(
        "paid in cash",
        _DEPOSIT,
        share=0.42,
        monthly=16500,
        spread=0.55,
        days=tuple(range(4, 15)),
        style="units",
        raises=0.0,
        bonus=_DEPOSIT,
        bonus_share=0.5,
        bonus_months=(12, 12, 12, 6),
    ),
    Income(
        "paid by transfer",
        Label("incoming transfer", "credit", "payroll"),
        share=0.18,
        monthly=19000,
        spread=0.5,
        days=tuple(range(5, 15)),
        style="units",
        raises=0.0,
    ),
    Income(
        "pensioner",
        Label("pension", "credit", "payroll"),
        share=0.18,
        monthly=5600,
        spread=0.18,
        days=tuple(range(4, 14)),
        style="units",
        raises=0.02,
    ),
    Income("trader", _DEPOSIT, share=0.22, monthly=21000, spread=0.6, cycle="none"),
)

_CONTRACTS = (
    Contract(
        Label("household", "debit", "night", _STANDING),
        owned=0.34,
        amount=0.24,
        spread=0.55,
        of_income=True,
        style="units",
        days=tuple(range(4, 16)),
        churn=0.45,
    ),
    Contract(
        Label("household", "debit", "night", _STANDING),
        owned=0.16,
        amount=420,
        spread=0.9,
        style="units",
        days=tuple(range(4, 16)),
        churn=0.3,
    ),
    Contract(
        Label("outgoing transfer", "debit", "night", _STANDING),
        owned=0.24,
        amount=1250,
        spread=0.9,
        style="units",
        days=tuple(range(5, 15)),
        churn=0.35,
    ),
    Contract(
        Label("insurance", "debit", "night", _STANDING),
        owned=0.12,
        amount=640,
        spread=1.1,
        style="units",
        days=tuple(range(6, 14)),
        churn=0.25,
    ),
    Contract(
        Label("loan payment", "debit", "night", _STANDING),
        owned=0.07,
        amount=0.16,
        spread=0.4,
        of_income=True,
        style="units",
        days=(8, 11, 12, 13),
        churn=0.2,
    ),
)

_HABITS = (
    Habit(
        _WITHDRAWAL,
        per_month=1.5,
        amount=2600,
        spread=0.95,
        style="passbook",
        taste=0.45,
        payday=0.5,
        essential=0.5,
        stretch=1.2,
    ),
    Habit(
        Label("card withdrawal", "debit", "any", ("atm",)),
        per_month=0.6,
        amount=1400,
        spread=0.5,
        style="notes",
        users=0.06,
        essential=0.5,
        stretch=0.6,
    ),
    Habit(
        _DEPOSIT,
        per_month=1.7,
        amount=0.45,
        spread=0.7,
        of_income=True,
        style="passbook",
        stages=("trader",),
    ),
    Habit(_DEPOSIT, per_month=0.12, amount=0.4, spread=0.7, of_income=True, style="passbook", users=0.5),
)

PASSBOOK = World(
    name="passbook",
    currency="CZK",
    incomes=_INCOMES,
    contracts=_CONTRACTS,
    habits=_HABITS,
    reactions=(
        Reaction(_WITHDRAWAL, "above", 0.10, 0.55, style="passbook", bank_days=False),
        Reaction(_DEPOSIT, "below", 0.10, 0.4, style="passbook", bank_days=False),
    ),
    postings=(
        Posting(Label("interest", "credit", "close", ("bank",)), "credit", (0.04, 0.045, 0.05)),
        Posting(Label("statement fee", "debit", "close", ("bank",)), "flat", (12, 12, 12, 12, 30), users=0.7),
        Posting(Label("sanction interest", "debit", "close", ("bank",)), "overdrawn", (0.18,)),
    ),
    refund=_DEPOSIT,
    opening=_DEPOSIT,
    closing=_WITHDRAWAL,
    opening_amount=550,
    opens=float("inf"),
    closes=0.015,
    buffer=1.7,
    buffer_spread=0.45,
    overdraft=0.05,
    saved=0.05,
    bursts=0.6,
    inflation=0.06,
    bank_days=False,
)
