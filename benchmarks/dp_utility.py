"""Measure what privacy costs: fidelity at epsilon 1, 3 and 10, beside no privacy and beside private peers.

    python benchmarks/dp_utility.py [--tables berka standin_1000 standin_4000 business_300]
        [--epsilon 1 3 10] [--runs 3] [--network] [--peers PYTHON] [--mostlyai PYTHON] [--samples FOLDER]
        [--docs]

Fidelity is put on the scale where 0 is the table with every column shuffled and 100 other customers of the
same bank; figures are means of `--runs` fits, whose noise is fresh each time, so they change by some
points. Two rows are this library's: `private`, nothing public, and `private, public lists`, categories and
window given as public knowledge, as a bank's list of products may be. `--network` adds the embedded engine
without privacy. Peers are private per row, not per customer: with 50 rows a customer their epsilon promises
a customer about fifty times as much, that is, nothing. `--peers` names a Python in which dpmm is installed,
`--mostlyai` one with mostlyai-engine. `--samples` keeps synthetic tables and takes those that are there
already. Tables that the stand-in makes are `standin_N` (its retail bank) and `business_N`, `cards_N`,
`passbook_N`; the invented bank that a table comes from is left out of what private models know of invented
banks, or else they would know the answer. `--docs` renews the table in the documentation.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from _docs import GUARANTEE, renew

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table
from gretel_fin_synth.evaluation import prepare
from gretel_fin_synth.evaluation.fidelity import fidelity_groups, group_scores, overall, shuffle_floor
from gretel_fin_synth.training.private import prior

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gretel_fin_synth.evaluation import Table

DATA = Path(__file__).parents[2] / "shared" / "data" / "berka_early"
PEERS = Path(__file__).parent / "_dp_peers.py"
DELTA = 1e-5
TABLES = ("berka", "standin_1000", "standin_4000", "business_300")
WINDOWS = {"berka": ("1993-01-01", "1994-03-31")}
WINDOW = ("2024-01-01", "2024-06-30")
KNOWN_BANKS = prior.WORLDS
TITLES = {
    "berka": "customers of a real bank",
    "standin": "customers of the stand-in",
    "business": "business accounts",
    "cards": "customers who pay by card",
    "passbook": "owners of passbooks",
}
NAMES = {"mst": "dpmm MST", "aim": "dpmm AIM", "mostlyai": "mostlyai-engine, flat"}


@dataclass(frozen=True, eq=False)
class Scale:
    """A table, its floor and its ceiling."""

    name: str
    train: pd.DataFrame
    real: Table
    floor: float
    ceiling: float

    @classmethod
    def of(cls, name: str, train: pd.DataFrame, holdout: pd.DataFrame) -> Scale:
        """Measure the floor and other customers."""
        real = prepare(train)
        floor = overall(group_scores(fidelity_groups(real, shuffle_floor(real, 0))))
        return cls(name, train, real, floor, overall(group_scores(fidelity_groups(real, prepare(holdout)))))

    def place(self, synthetic: pd.DataFrame) -> tuple[float, dict[str, float]]:
        """Return where a table lies between floor (0) and other customers (100), and its groups."""
        groups = group_scores(fidelity_groups(self.real, prepare(synthetic)))
        return 100 * (overall(groups) - self.floor) / (self.ceiling - self.floor), groups


def load(name: str) -> Scale | None:
    """Return a table to learn from; None, and a line on standard output, if it is not here."""
    if name == "berka":
        if not DATA.exists():
            print(f"Skipped: {DATA} is not here.")
            return None
        return Scale.of(name, *(read_table(DATA / f"{part}.parquet") for part in ("train", "holdout")))
    world, n = world_of(name), int(name.split("_")[1])
    made = (
        fs.make_transactions(n, start=WINDOW[0], end=WINDOW[1], seed=s, world=world or "retail")
        for s in (1, 2)
    )
    return Scale.of(name, *made)


def world_of(name: str) -> Literal["retail", "cards", "business", "passbook"] | None:
    """Return the invented bank of a table; None for a real one."""
    names: dict[str, Literal["retail", "cards", "business", "passbook"]] = {
        "standin": "retail",
        "cards": "cards",
        "business": "business",
        "passbook": "passbook",
    }
    return names.get(name.split("_")[0])


def leave_out(name: str) -> None:
    """Let private models know nothing of the invented bank that a table comes from."""
    prior.WORLDS = tuple(world for world in KNOWN_BANKS if world != world_of(name))


def private(scale: Scale, epsilon: float, seed: int, *, lists: bool) -> pd.DataFrame:
    """Fit this library with privacy and sample as many customers."""
    leave_out(scale.name)
    public = {}
    if lists:
        pairs = zip(scale.train["transaction_type"], scale.train["transaction_category"], strict=True)
        public = {"categories": sorted(set(pairs)), "window": WINDOWS.get(scale.name, WINDOW)}
    request = fs.DifferentialPrivacy(epsilon, DELTA, public=public)
    return fs.TransactionSynthesizer(privacy=request).fit(scale.train, seed=seed).sample(seed=seed)


def network(scale: Scale, seed: int) -> pd.DataFrame:
    """Fit the embedded engine without privacy."""
    return fs.TransactionSynthesizer().fit(scale.train, seed=seed).sample(seed=seed)


def peer(python: str, model: str, scale: Scale, epsilon: float, seed: int) -> pd.DataFrame:
    """Let another library make a table, in a Python of its own; its seeds are its own, too."""
    del seed
    with tempfile.TemporaryDirectory() as folder:
        train, drawn = Path(folder) / "train.parquet", Path(folder) / "drawn.parquet"
        scale.train.to_parquet(train)
        command = [python, str(PEERS), model, str(train), str(drawn), str(epsilon), str(DELTA)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return pd.read_parquet(drawn)


def report(
    scale: Scale, label: str, make: Callable[[int], pd.DataFrame], runs: int, folder: Path | None
) -> str:
    """Print one row: mean and range over runs, and the groups; return mean and range."""
    places, groups = [], []
    for seed in range(1, runs + 1):
        kept = None if folder is None else folder / f"{scale.name} {label} {seed}.parquet".replace(" ", "_")
        try:
            if kept is not None and kept.exists():
                drawn = pd.read_parquet(kept)
            else:
                drawn = make(seed)
        except (subprocess.CalledProcessError, fs.FinSynthError) as error:
            said = getattr(error, "stderr", None) or str(error)
            print(f"| {label} | failed: {said.strip().splitlines()[-1][:80]} |", flush=True)
            return "failed"
        if kept is not None:
            drawn.to_parquet(kept)
        place, group = scale.place(drawn)
        places.append(place)
        groups.append(group)
    ends = f" ({min(places):.0f} to {max(places):.0f})" if runs > 1 else ""
    means = [np.mean([group[name] for group in groups]) for name in groups[0]]
    found = f"{np.mean(places):.0f}{ends}"
    print(f"| {label} | {found} | " + " | ".join(f"{m:.0f}" for m in means) + " |", flush=True)
    return found


def lines_of(tables: dict[str, dict[str, str]]) -> list[str]:
    """Return all tables side by side, as Markdown: a row for each way, a column for each table."""
    labels = list(dict.fromkeys(label for rows in tables.values() for label in rows))
    head = [f"| | {' | '.join(tables)} |", "|---|" + "---|" * len(tables)]
    return head + [
        f"| {label} | " + " | ".join(rows.get(label, "") for rows in tables.values()) + " |"
        for label in labels
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure what privacy costs.")
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--peers", default="", help="a Python with dpmm")
    parser.add_argument("--mostlyai", default="", help="a Python with mostlyai-engine")
    parser.add_argument("--samples", type=Path)
    parser.add_argument(
        "--docs", type=Path, nargs="?", const=GUARANTEE, metavar="FILE", help="renew its table"
    )
    options = parser.parse_args(arguments)
    if options.samples is not None:
        options.samples.mkdir(parents=True, exist_ok=True)
    others = [(options.peers, m) for m in ("mst", "aim")] + [(options.mostlyai, "mostlyai")]
    tables: dict[str, dict[str, str]] = {}
    for scale in filter(None, map(load, options.tables)):
        print(
            f"\n{scale.name}: {scale.real.n_customers:,} customers, {len(scale.train):,} rows; floor ", end=""
        )
        print(f"{scale.floor:.1f}, other customers {scale.ceiling:.1f}; delta {DELTA:g}\n")
        print("| | 0 to 100 | amounts | calendar | categories, sequences | customers | balance | dynamics |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        rows = tables.setdefault(f"{scale.real.n_customers:,} {TITLES[scale.name.split('_')[0]]}", {})
        ways: list[tuple[str, Callable[[int], pd.DataFrame], int]] = []
        if options.network:
            ways.append(("network, no privacy", partial(network, scale), 1))
        for epsilon in options.epsilon:
            for lists, words in ((False, "private"), (True, "private, public lists")):
                make = partial(private, scale, epsilon, lists=lists)
                ways.append((f"{words}, epsilon {epsilon:g}", make, options.runs))
            ways += [
                (
                    f"{NAMES[model]}, epsilon {epsilon:g} per row",
                    partial(peer, python, model, scale, epsilon),
                    1,
                )
                for python, model in others
                if python
            ]
        for label, make, runs in ways:
            rows[label] = report(scale, label, make, runs, options.samples)
    if options.docs is not None:
        renew(options.docs, "utility", lines_of(tables))


if __name__ == "__main__":
    sys.exit(main())
