"""Worlds that differ from each other as banks do: are the engine's defaults tuned to one of them?

    from worlds import WORLDS, make_split, make_world

    for name in WORLDS:
        train, holdout = make_split(name, seed=1)

    python benchmarks/worlds.py        # prints a line on each

A world is fixed; its seed draws the customers. Tables of two seeds, and the two halves of a split, are
samples of the same bank.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth._money import from_minor, running_balance, to_minor
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.standin._business import BUSINESS
from gretel_fin_synth.standin._calendar import open_window
from gretel_fin_synth.standin._cards import CARDS
from gretel_fin_synth.standin._passbook import PASSBOOK
from gretel_fin_synth.standin._retail import RETAIL
from gretel_fin_synth.standin._simulator import Request, simulate_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gretel_fin_synth.standin._spec import World

# What a language model calls a category when it is asked for a table in several rounds.
SPELLINGS = {
    "account fee": ("Bank Fee", "bank fees", "account fee"),
    "benefit": ("benefit", "child benefit"),
    "bonus": ("bonus", "Bonus"),
    "cash deposit": ("Deposit", "deposit", "cash deposit"),
    "cash withdrawal": ("withdrawal", "Withdrawal", "ATM", "cash"),
    "childcare": ("childcare", "Childcare"),
    "clothing": ("clothing", "Clothing", "fashion", "shoes"),
    "donation": ("donation", "charity"),
    "electricity": ("electricity", "Bill Payment", "bills"),
    "entertainment": ("entertainment", "Entertainment", "movies", "music", "tickets"),
    "family support": ("family support", "allowance"),
    "fuel": ("fuel", "gas", "Gas"),
    "groceries": ("groceries", "Groceries", "food", "Food", "supermarket"),
    "gym": ("gym membership", "fitness"),
    "health": ("health", "medical", "Medical", "pharmacy"),
    "home": ("home improvement", "furniture", "home decor", "garden supplies"),
    "insurance": ("insurance", "Insurance"),
    "interest": ("interest", "Interest"),
    "internet": ("internet", "Internet"),
    "invoice": ("freelance", "Freelance", "payment"),
    "loan": ("loan", "Loan Payment"),
    "mortgage": ("mortgage", "housing"),
    "overdraft interest": ("overdraft interest", "overdraft"),
    "pension": ("pension", "Pension"),
    "phone": ("phone", "Phone Bill"),
    "refund": ("refund", "Refund"),
    "rent": ("rent", "Rent", "Housing"),
    "restaurants": ("dining", "Dining", "restaurant", "food delivery"),
    "salary": ("salary", "Salary"),
    "savings": ("savings", "Savings", "investment"),
    "shopping": ("shopping", "Shopping", "Purchase", "electronics", "gadgets"),
    "student grant": ("scholarship", "grant"),
    "subscription": ("subscription", "Subscription", "streaming"),
    "transfer": ("transfer", "Transfer"),
    "transport": ("transportation", "Transportation", "transport"),
    "travel": ("travel", "Travel", "hotels"),
    "unemployment benefit": ("unemployment", "Unemployment"),
    "utilities": ("utilities", "Utilities"),
}


@dataclass(frozen=True)
class Recipe:
    """How one world's tables are made: the simulator's world and window, and what is done to the table."""

    about: str
    world: World
    n_customers: int
    start: str = "2022-01-01"
    end: str = "2022-12-31"
    rows_per_customer: float | None = None
    with_time: bool = False
    finish: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame] | None = None


def in_and_out(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Keep one category per type."""
    del rng
    return table.assign(transaction_category=table["transaction_type"].map({"credit": "in", "debit": "out"}))


def always_owing(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Start every customer so low that the balance never reaches zero, as on a credit card."""
    balance = to_minor(table["account_balance"])
    codes = pd.factorize(table["customer_id"])[0]
    highest = pd.Series(balance).groupby(codes).max().to_numpy()
    lower = highest + rng.integers(0, 50_000, len(highest))
    return table.assign(account_balance=from_minor(balance - lower[codes]))


def without_rhythm(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Let each customer's payments fall on each other's dates: nothing comes monthly, nothing follows."""
    signed, codes, first, starting = _flows(table)
    order = np.lexsort((rng.random(len(codes)), codes))
    paid = ["transaction_amount", "transaction_type", "transaction_category"]
    moved = table.assign(**{name: table[name].to_numpy()[order] for name in paid})
    return moved.assign(account_balance=from_minor(running_balance(signed[order], first, starting)))


def _flows(
    table: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return signed cents, the customer's code of each row, each customer's first row, starting cents."""
    cents = to_minor(table["transaction_amount"])
    signed = np.where(table["transaction_type"] == "credit", cents, -cents)
    codes = pd.factorize(table["customer_id"])[0]
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    return signed, codes, first, to_minor(table["account_balance"])[first] - signed[first]


def as_written(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Make it look like a table that somebody wrote: many spellings, coarse amounts, rows out of order.

    The balances are those of the order in the file, as the writer added them up.
    """
    signed, codes, first, starting = _flows(table)
    cents = np.abs(signed)
    exact = (cents >= 1000) & (rng.random(len(cents)) < 0.2)
    written_cents = np.where(exact, cents, np.maximum(np.rint(cents / 1000), 1).astype(np.int64) * 1000)
    strays = np.where(rng.random(len(codes)) < 0.35, rng.normal(0, 4, len(codes)), 0.0)
    order = np.lexsort((np.arange(len(codes)) + strays, codes))
    written = table.iloc[order].reset_index(drop=True)
    amounts = written_cents[order]
    hundreds = np.rint(starting / 10_000).astype(np.int64)
    balance = running_balance(np.sign(signed[order]) * amounts, first, hundreds * 10_000)
    return written.assign(
        transaction_amount=from_minor(amounts),
        transaction_category=[_spelling(category, rng) for category in written["transaction_category"]],
        account_balance=from_minor(balance),
    )


def _spelling(category: str, rng: np.random.Generator) -> str:
    known = SPELLINGS[category]
    return known[int(len(known) * rng.random() ** 1.6)]  # the first ones are the common ones


RECIPES = {
    "long_histories": Recipe(
        "50 customers with about 500 rows each, balances far from zero, nothing at the month's end",
        replace(RETAIL, opens=0.0, closes=0.0, buffer=3.5, buffer_spread=0.5, postings=()),
        n_customers=50,
        end="2024-12-31",
        rows_per_customer=500,
    ),
    "cards_weekly": Recipe(
        "card-heavy retail with weekly pay and times of day",
        CARDS,
        n_customers=60,
        end="2022-09-30",
        with_time=True,
    ),
    "business": Recipe(
        "business accounts with large irregular amounts, few of them round",
        BUSINESS,
        n_customers=60,
    ),
    "in_and_out": Recipe("one category per type", RETAIL, n_customers=100, finish=in_and_out),
    "spellings": Recipe(
        "73 customers, about 1,000 rows, 90 and more spellings, dates out of order, balances in file order",
        replace(RETAIL, buffer=0.4),
        n_customers=73,
        end="2023-12-31",
        rows_per_customer=14,
        finish=as_written,
    ),
    "open_and_close": Recipe(
        "accounts that open late and close early",
        replace(RETAIL, opens=0.7, closes=0.7),
        n_customers=120,
        end="2023-06-30",
    ),
    "seasons": Recipe(
        "three years with strong seasons",
        replace(RETAIL, season=3.0),
        n_customers=50,
        end="2024-12-31",
    ),
    "owing": Recipe(
        "balances that never reach zero, as on a credit card",
        replace(CARDS, opens=0.0, closes=0.0),
        n_customers=100,
        end="2022-06-30",
        finish=always_owing,
    ),
    "no_rhythm": Recipe(
        "nothing repeats: each customer's payments on each other's dates",
        RETAIL,
        n_customers=100,
        finish=without_rhythm,
    ),
    "three_weeks": Recipe(
        "300 customers for three weeks, no month to learn from",
        RETAIL,
        n_customers=300,
        start="2024-03-04",
        end="2024-03-24",
    ),
    "month_end": Recipe(
        "opened from zero, standing orders, whole amounts, interest and fees on the month's last day",
        PASSBOOK,
        n_customers=250,
        end="2023-03-31",
    ),
}

WORLDS = tuple(RECIPES)


def make_world(name: str, n_customers: int | None = None, seed: int = 0) -> pd.DataFrame:
    """Make one table of a world.

    Parameters
    ----------
    name : str
        One of `WORLDS`.
    n_customers : int, optional
        How many customers; the recipe's own number when None.
    seed : int, default 0
        Draws the customers; the world stays the same.

    Returns
    -------
    pandas.DataFrame
        The six columns.
    """
    if name not in RECIPES:
        known = ", ".join(map(repr, WORLDS))
        msg = f"name is {name!r}; the worlds are {known}.\n\nHint: make_world({WORLDS[0]!r})"
        raise ParameterError(msg)
    recipe = RECIPES[name]
    request = Request(
        world=recipe.world,
        window=open_window(np.datetime64(recipe.start), np.datetime64(recipe.end)),
        seed=seed,
        n_customers=recipe.n_customers if n_customers is None else n_customers,
        rows_per_customer=recipe.rows_per_customer,
    )
    table = simulate_table(request, with_time=recipe.with_time)
    return table if recipe.finish is None else recipe.finish(table, np.random.default_rng([seed, 1]))


def make_split(name: str, n_customers: int | None = None, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make two samples of a world, `n_customers` each, with no customer in common."""
    train, holdout = make_samples(name, 2, n_customers, seed)
    return train, holdout


def make_samples(
    name: str, parts: int, n_customers: int | None = None, seed: int = 0
) -> tuple[pd.DataFrame, ...]:
    """Make several samples of a world, `n_customers` each, with no customer in common."""
    size = RECIPES[name].n_customers if n_customers is None and name in RECIPES else n_customers
    together = make_world(name, None if size is None else parts * size, seed)
    part = pd.factorize(together["customer_id"])[0] // (size or 1)
    return tuple(together[part == number].reset_index(drop=True) for number in range(parts))


def describe(name: str) -> str:
    """Return a line on one world."""
    table = make_world(name)
    rows = table.groupby("customer_id").size()
    overdrawn = (table["account_balance"] < 0).mean()
    return (
        f"{name:<15} {len(rows):>4} customers {len(table):>6} rows ({rows.min()} to {rows.max()} each)  "
        f"{table['transaction_category'].nunique():>3} categories  median amount "
        f"{table['transaction_amount'].median():>9,.2f}  below zero {overdrawn:6.2%}  "
        f"{RECIPES[name].about}"
    )


if __name__ == "__main__":
    for world_name in WORLDS:
        print(describe(world_name))
