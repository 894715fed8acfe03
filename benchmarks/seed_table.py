"""Print the README's table: this library beside the published output of the original run, on one table.

    python benchmarks/seed_table.py [--seed 7]

Both synthetic tables were learned from all customers of the stand-in table of the original run. The same
functions measure both. A starting amount is what the column of that name says, and where a table lacks it,
the balance of a customer's first row less its amount.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table
from gretel_fin_synth.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

DATA = Path(__file__).parents[2] / "shared" / "data" / "seed"
SIX = list(COLUMNS)
SQS, REPLAYED = (
    "SQS without ids, 0 to 100",
    "rows that a real customer has too (date, amount, type, category)",
)
KNOWN = "customers with a real customer's id"
COUNTS = {
    "known_customers": KNOWN,
    "out_of_order": "rows dated before the customer's row above",
    "empty_cells": "rows with an empty cell",
    "unseen_categories": "rows with a category that no real row has",
    "balance_breaks": "rows whose balance does not follow from the row before, by date",
    "two_starting_amounts": "customers with two starting amounts",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print this library beside the original run.")
    parser.add_argument("--seed", type=int, default=7)
    seed = parser.parse_args(arguments).seed
    if not DATA.exists():
        print("Skipped: the tables of the original run (../shared/data/seed) are not here.")
        return
    real, published = (read_table(DATA / name) for name in ("transactions_merged.csv", "synthetic_data.csv"))
    began = time.perf_counter()
    synthesizer = fs.TransactionSynthesizer().fit(real, seed=seed)
    ours = synthesizer.sample(n_customers=real["customer_id"].nunique(), seed=seed)
    seconds = time.perf_counter() - began
    columns = {
        "real table": alone(measured(real, real, seed)),
        "original run": measured(real, published, seed),
        "this library": {**measured(real, ours, seed), "seconds to train and generate": f"{seconds:.0f}"},
    }
    print_markdown(columns)


def measured(real: pd.DataFrame, table: pd.DataFrame, seed: int) -> dict[str, str]:
    """Measure one table, giving each figure as text under its name."""
    judged = fs.evaluate(real[SIX], table[SIX], measures=["sqs", "replay"], seed=seed)
    sound = fs.evaluate(real, with_starting_amounts(table), measures=["integrity"], seed=seed)["integrity"]
    replayed = judged["replay"].breakdown["rows"]
    return {
        "rows": f"{len(table):,}",
        SQS: f"{judged['sqs'].score:.0f}",
        REPLAYED: f"{replayed.count:,}",
        **{
            title: f"{sound.breakdown[name].count:,}"
            for name, title in COUNTS.items()
            if name in sound.breakdown
        },
        "mean balance": f"{table['account_balance'].mean():,.0f}",
    }


def alone(figures: dict[str, str]) -> dict[str, str]:
    """Keep of a real table's figures those that compare it with nothing."""
    return {title: figure for title, figure in figures.items() if title not in (SQS, REPLAYED, KNOWN)}


def with_starting_amounts(table: pd.DataFrame) -> pd.DataFrame:
    if "starting_amount" in table.columns:
        return table[[*SIX, "starting_amount"]]
    return table[SIX].merge(fs.starting_amounts(table), on="customer_id", how="left")


def print_markdown(columns: dict[str, dict[str, str]]) -> None:
    titles = max(columns.values(), key=len)
    print(f"| | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    for title in titles:
        print(f"| {title} | {' | '.join(figures.get(title, '') for figures in columns.values())} |")


if __name__ == "__main__":
    main()
