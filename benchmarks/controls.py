"""Print what the measures say about tables of which the truth is known: do they catch copies, spare others?

    python benchmarks/controls.py [--engine] [--seed 0]
    python benchmarks/controls.py --quick [--tables TRAIN SYNTHETIC HOLDOUT]
    python benchmarks/controls.py --single

The tables that stand in for synthetic ones are: `unseen`, other real customers, whom no measure may accuse;
`shuffled`, the training rows with every column shuffled on its own; `copy`, the training customers under new
ids; `noisy copy`, the same with dates 1 to 3 days later, amounts up to 3 % off and balances rebuilt; `leak`,
a fifth of the training customers copied, beside unseen ones. The holdout is halved by customer: one half
makes the tables, the other is the control.

`--engine` adds a table of this library's engine, and the published output of the original run on its own
table, for which there is no holdout. `--quick` prints membership attacks and the classifier only; with
`--tables`, three files are measured. `--single` puts one training customer, with noise, among unseen ones,
many times over, and counts how often it is found, and how often someone is accused without it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table
from gretel_fin_synth.evaluation import prepare
from gretel_fin_synth.evaluation.attacks import TITLES, membership_attacks
from gretel_fin_synth.evaluation.discriminator import discriminator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gretel_fin_synth.evaluation import Evaluation, Table

DATA = Path(__file__).parents[2] / "shared" / "data"
LEAKED = 0.2


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure tables of which the truth is known.")
    parser.add_argument(
        "--engine", action="store_true", help="this library's engine and the original run too"
    )
    parser.add_argument("--quick", action="store_true", help="membership attacks and classifier only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tables", nargs=3, type=Path, metavar=("TRAIN", "SYNTHETIC", "HOLDOUT"))
    parser.add_argument("--single", action="store_true", help="one leaked customer, many times")
    options = parser.parse_args(arguments)
    if options.single:
        single_trials()
        return
    if options.tables is not None:
        train, synthetic, holdout = map(read_table, options.tables)
        show({"synthetic": measured(train, synthetic, holdout, options)})
        return
    for name, train, holdout in worlds():
        tables = make_controls(train, holdout, options.seed)
        control = tables.pop("control")
        if options.engine:
            tables["engine"] = generated(train, options.seed)
        print(f"\n{name}: {train['customer_id'].nunique()} customers, {len(train):,} rows\n", flush=True)
        show({kind: measured(train, table, control, options) for kind, table in tables.items()})
    if options.engine and (DATA / "seed").exists():
        real, published = (
            read_table(DATA / "seed" / f"{name}.csv") for name in ("transactions_merged", "synthetic_data")
        )
        print("\nThe original run, without a holdout\n", flush=True)
        tables = {"published": published, "engine": generated(real, options.seed)}
        show({kind: measured(real, table, None, options) for kind, table in tables.items()})


def single_trials() -> None:
    """Print how often one customer copied with noise is found among unseen ones."""
    trials = []
    for name, train, holdout in single_worlds():
        for seed in range(3):
            made = make_controls(train, holdout, seed)
            rng = np.random.default_rng(seed)
            accused = sticking_out(train, made["unseen"], made["control"], seed)
            trials.append({"world": name, "rows": 0, "found": accused > 0})
            for leaked in rng.choice(train["customer_id"].unique(), 3, replace=False):
                one = train[train["customer_id"] == leaked]
                table = pd.concat([made["unseen"], noisy(one, rng)], ignore_index=True)
                found = sticking_out(train, table, made["control"], seed)
                trials.append({"world": name, "rows": len(one), "found": found > 0})
    table = pd.DataFrame(trials)
    table["history"] = pd.cut(
        table["rows"], [-1, 0, 40, 80, 10_000], labels=["none leaked", "1-40", "41-80", "81+"]
    )
    counts = table.groupby(["world", "history"], observed=True)["found"].agg(["sum", "size"])
    for (name, history), line in counts.iterrows():
        print(f"{name}, rows of the leaked history: {history}: found in {line['sum']} of {line['size']}")


def single_worlds() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    for name, train, holdout in worlds():
        yield name, train, holdout
        yield name, holdout, train


def sticking_out(train: pd.DataFrame, table: pd.DataFrame, control: pd.DataFrame, seed: int) -> int:
    """Return how many training customers are counted as sticking out."""
    tables = [prepare(each) for each in (train, table, control)]
    found = membership_attacks(*tables, np.random.default_rng(seed))
    return found.single["rows_stick_out"].count


def measured(
    train: pd.DataFrame, table: pd.DataFrame, control: pd.DataFrame | None, options: argparse.Namespace
) -> dict[str, str]:
    """Measure one table, giving each figure as text under its name."""
    began = time.perf_counter()
    if options.quick:
        figures = quick_figures(prepare(train), prepare(table), prepare(control), options.seed)
    else:
        figures = all_figures(fs.evaluate(train, table, holdout=control, seed=options.seed))
    return figures | {"seconds": f"{time.perf_counter() - began:.0f}"}


def generated(train: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Learn and generate as many customers with this library."""
    synthesizer = fs.TransactionSynthesizer().fit(train, seed=seed)
    return synthesizer.sample(n_customers=train["customer_id"].nunique(), seed=seed)


def worlds() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the name, the training table and the holdout of each world."""
    bank = DATA / "berka_early"
    if bank.exists():
        yield "berka_early", *(read_table(bank / f"{part}.parquet") for part in ("train", "holdout"))
    else:
        print("Skipped: the real bank (../shared/data/berka_early) is not here.")
    table = fs.make_transactions(300, start="2023-01-01", end="2023-12-31", seed=11)
    yield "stand-in", *fs.split_customers(table, 0.5, seed=11)


def make_controls(train: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Make the tables of which the truth is known, and the control: customers that occur in none of them."""
    rng = np.random.default_rng(seed)
    unseen, control = halves(holdout, rng)
    members = train["customer_id"].unique()
    leaked = rng.permutation(members)[: max(1, round(LEAKED * len(members)))]
    return {
        "control": control,
        "unseen": renamed(unseen, "U"),
        "shuffled": shuffled(train, rng),
        "copy": renamed(train, "C"),
        "noisy copy": noisy(train, rng),
        "leak": pd.concat(
            [renamed(unseen, "U"), renamed(train[train["customer_id"].isin(leaked)], "L")], ignore_index=True
        ),
    }


def halves(frame: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a table by customer into two of the same size."""
    customers = rng.permutation(frame["customer_id"].unique())
    first = frame["customer_id"].isin(customers[: len(customers) // 2])
    return frame[first].reset_index(drop=True), frame[~first].reset_index(drop=True)


def renamed(frame: pd.DataFrame, prefix: str) -> pd.DataFrame:
    return frame.assign(customer_id=prefix + frame["customer_id"].astype(str))


def shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Shuffle every column on its own."""
    return pd.DataFrame({name: rng.permutation(frame[name].to_numpy()) for name in frame.columns})


def noisy(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Move dates 1 to 3 days and amounts up to 3 %, and rebuild the balances."""
    days = pd.to_timedelta(rng.integers(1, 4, len(frame)), unit="D")
    amounts = (frame["transaction_amount"] * (1 + rng.uniform(-0.03, 0.03, len(frame)))).round(2)
    moved = frame.assign(
        transaction_date=pd.to_datetime(frame["transaction_date"]) + days,
        transaction_amount=amounts.clip(lower=0.01),
    ).sort_values(["customer_id", "transaction_date"], kind="stable", ignore_index=True)
    return renamed(fs.reconstruct_balance(moved, starting_amounts=fs.starting_amounts(frame)), "N")


def quick_figures(train: Table, synthetic: Table, holdout: Table, seed: int) -> dict[str, str]:
    """Measure membership and the classifier."""
    membership = membership_attacks(train, synthetic, holdout, np.random.default_rng(seed))
    figures = {
        f"membership: {TITLES[name]} (area; hits at 1 % false alarms)": (
            f"{ranking.auc:.3f} [{ranking.low:.2f}, {ranking.high:.2f}]; {ranking.tpr:.2f}"
        )
        for name, ranking in membership.attacks.items()
    }
    figures["membership: worst"] = f"{membership.attacks[membership.worst].auc:.3f} {membership.worst}"
    found = discriminator(train, synthetic, holdout, np.random.default_rng(seed))
    for name, part in found.breakdown.items():
        figures[f"classifier: {name} (area; the holdout's)"] = (
            f"{part.ranking.auc:.3f} [{part.ranking.low:.2f}, {part.ranking.high:.2f}]; "
            f"{part.holdout_ranking.auc:.3f}"
        )
    return figures


def all_figures(found: Evaluation) -> dict[str, str]:
    """Give the figures of an evaluation as text, with the holdout's in brackets."""
    figures = {"**May go to**": ", ".join(found.verdict.audiences) or "nobody"}
    for name in ("sqs", "dps", "fidelity", "integrity", "replay", "attacks", "discriminator", "utility"):
        figures[f"**{found.measures[name].title}**"] = beside(found[name])
        figures |= PARTS[name](found[name])
    return figures


def score_parts(result: object) -> dict[str, str]:
    return {f"{name.replace('_', ' ')}": beside(part) for name, part in result.breakdown.items()}


def fidelity_parts(result: object) -> dict[str, str]:
    floor = f"; floor {result.floor_similarity:.0f}"
    reference = "" if result.holdout_similarity is None else f" ({result.holdout_similarity:.0f}{floor})"
    whole = {
        "fidelity, not cut to 0 to 100": number(result.normalised),
        "similarity to the real table": number(result.similarity) + reference,
    }
    return whole | {
        f"similarity: {name.replace('_', ' ')}": beside(part) for name, part in result.breakdown.items()
    }


def replay_parts(result: object) -> dict[str, str]:
    rates = {name: part for name, part in result.breakdown.items() if name != "histories"}
    copied = result.breakdown["histories"]
    return {
        **{
            f"{name.replace('_', ' ')} replayed": f"{rate.share:.1%} ({rate.expected:.1%})"
            for name, rate in rates.items()
        },
        "customers who share a history": f"{copied.count} of {copied.of}",
    }


def attack_parts(result: object) -> dict[str, str]:
    figures = {}
    for group in result.breakdown.values():
        figures |= {TITLES[name]: in_words(finding) for name, finding in group.items()}
    return figures


def classifier_parts(result: object) -> dict[str, str]:
    figures = {}
    for name, part in result.breakdown.items():
        reference = "" if part.holdout_ranking is None else f" ({part.holdout_ranking.auc:.2f})"
        figures[f"classifier on {name.replace('_', ' ')}, area"] = f"{part.ranking.auc:.2f}{reference}"
    return figures


def task_parts(result: object) -> dict[str, str]:
    figures = {}
    for name, task in result.breakdown.items():
        trained = "" if task.real is None else f" ({task.synthetic:.2f} of {task.real:.2f})"
        figures[name.replace("_", " ")] = number(task.score) + trained
    return figures


def count_parts(result: object) -> dict[str, str]:
    return {
        name.replace("_", " "): f"{part.share:.1%}"
        + ("" if part.reference is None else f" ({part.reference:.1%})")
        for name, part in result.breakdown.items()
        if part.share is not None
    }


PARTS = {
    "sqs": score_parts,
    "dps": score_parts,
    "fidelity": fidelity_parts,
    "integrity": count_parts,
    "replay": replay_parts,
    "attacks": attack_parts,
    "discriminator": classifier_parts,
    "utility": task_parts,
}


def in_words(finding: object) -> str:
    if hasattr(finding, "count"):
        return f"{finding.count} of {finding.of}"
    if hasattr(finding, "auc"):
        return f"area {finding.auc:.3f}, hits {finding.tpr:.0%}"
    if finding.risk is None:
        return "ignored"
    return f"risk {finding.risk:.3f} [{finding.low:.2f}, {finding.high:.2f}]"


def beside(result: object) -> str:
    reference = "" if result.reference is None else f" ({result.reference:.0f})"
    return number(result.score) + reference


def number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


def show(columns: dict[str, dict[str, str]]) -> None:
    """Print a table in Markdown, a column for each table measured."""
    titles = list(dict.fromkeys(title for figures in columns.values() for title in figures))
    print(f"| | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    for title in titles:
        print(f"| {title} | {' | '.join(figures.get(title, '') for figures in columns.values())} |")


if __name__ == "__main__":
    main()
