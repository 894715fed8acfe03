"""Measure the embedded engine beside other generators: same table, same seed, same measures, in one run.

    python benchmarks/peers.py                          # the real bank, every peer; an hour and more
    python benchmarks/peers.py --peers mostlyai mostlyai-flat
    python benchmarks/peers.py --data month_end --limit 900
    python benchmarks/peers.py --reuse                  # the engine, and what has not been run before
    python benchmarks/peers.py --reuse --fresh mostlyai # that peer again too, so that times compare

Each peer has a virtual environment of its own under `benchmarks/out/`, which the first run makes. Peers run
with their own defaults. Generators of single rows learn the customer's id as one more category, as the
original run did. A peer that is not done within the limit is stopped, and its line says so.

No peer keeps balances that follow from the amounts. So each of their tables is measured twice: as it came,
and with its rows sorted by customer and date and its balances rebuilt by this library from each customer's
first.

What the peers sample is kept under `benchmarks/out/peers/`; with `--reuse` those tables and their times are
taken from there, and the lines that compare times say so.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from _data import ALL_WORLDS, NAMES, load
from _docs import PAGE, renew
from _environments import OUT, PEERS, Peer, interpreter
from _lines import AREA, COUNT, MISS, PASS, POINTS, SECONDS, SHARE
from _measure import WORST, measure, references, with_norm
from _run import Outcome, end_cleanly, run

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _data import Case
    from _measure import Figures

ENGINE = "**this library**"
RIVAL = "mostlyai"  # whose times the engine's are held against
FASTER = {"train seconds": 2.0, "train CPU seconds": 2.0, "rows/s": 10.0, "rows/CPU s": 10.0}
GROUPS = ("amounts", "calendar", "categories_and_sequences", "customers", "balance", "dynamics")
COLUMNS = {
    "Q": ("Q", POINTS),
    "norm": ("norm", POINTS),
    "amounts": ("amounts", POINTS),
    "calendar": ("calendar", POINTS),
    "categories_and_sequences": ("categories, sequences", POINTS),
    "customers": ("customers", POINTS),
    "balance": ("balance", POINTS),
    "dynamics": ("dynamics", POINTS),
    "integrity": ("integrity", POINTS),
    "sqs": ("SQS", POINTS),
    "replayed.rows": ("rows replayed", SHARE),
    WORST: ("membership", AREA),
    "classifier.whole_customers": ("classifier, customers", AREA),
    "classifier.rows_in_context": ("classifier, windows", AREA),
    "train seconds": ("train s", SECONDS),
    "train CPU seconds": ("train CPU s", SECONDS),
    "rows/s": ("rows/s", COUNT),
    "rows/CPU s": ("rows/CPU s", COUNT),
    "peak MiB": ("peak MiB", COUNT),
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    case = load(options.data, options.seed)
    if case is None:
        return
    holdout, floor = references(case)
    lines: dict[str, Figures] = {"other real customers": holdout, "shuffled columns": floor}
    lines[ENGINE] = judged(case, run(case, options.seed), holdout, floor)
    failures = {}
    for name in options.peers:
        peer = PEERS[name]
        outcome = sampled(case, peer, options)
        if outcome.table is None:
            failures[peer.title] = outcome.failure
            continue
        lines[peer.title] = judged(case, outcome, holdout, floor)
        again = replace(outcome, table=with_balances(outcome.table), costs={})
        lines[f"{peer.title}, balances rebuilt"] = judged(case, again, holdout, floor)
    print(f"\n## {case.name}: {case.about}; seed {options.seed}\n")
    text = [*table(lines), "", *[f"- {title}: {why}" for title, why in failures.items()], ""]
    text += claims(lines, reused=reuses(options, RIVAL))
    print("\n".join(text), flush=True)
    if options.docs is not None:
        renew(options.docs, "peers", text)
    if options.json is not None:
        options.json.write_text(json.dumps({"lines": lines, "failures": failures}, indent=1) + "\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name in NAMES if name != ALL_WORLDS]
    parser.add_argument("--data", default="berka", choices=names, metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS), metavar="NAME")
    parser.add_argument("--limit", type=float, default=3600.0, metavar="SECONDS", help="for each peer")
    parser.add_argument("--reuse", action="store_true", help="take the peers' tables of an earlier run")
    parser.add_argument(
        "--fresh", nargs="*", default=[], choices=list(PEERS), metavar="NAME", help="run these in any case"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--docs", type=Path, nargs="?", const=PAGE, metavar="FILE", help="renew its table")
    return parser.parse_args(arguments)


def sampled(case: Case, peer: Peer, options: argparse.Namespace) -> Outcome:
    """Run a peer and keep what it samples, or take what an earlier run has kept."""
    folder = OUT / "peers" / case.name / str(options.seed) / peer.name
    kept, costs = folder / "synthetic.parquet", folder / "costs.json"
    if reuses(options, peer.name) and kept.exists():
        return Outcome(pd.read_parquet(kept), json.loads(costs.read_text(encoding="utf-8")))
    print(f"{peer.title} ...", file=sys.stderr, flush=True)
    try:
        python = interpreter(peer.environment)
    except RuntimeError as error:
        return Outcome(None, failure=f"cannot be installed here: {error}")
    outcome = run(
        case,
        options.seed,
        generator=peer.generator,
        options=peer.options,
        python=python,
        limit=options.limit,
    )
    if outcome.table is not None:
        folder.mkdir(parents=True, exist_ok=True)
        outcome.table.to_parquet(kept)
        costs.write_text(json.dumps(outcome.costs), encoding="utf-8")
    return outcome


def reuses(options: argparse.Namespace, name: str) -> bool:
    return options.reuse and name not in options.fresh


def judged(case: Case, outcome: Outcome, holdout: Figures, floor: Figures) -> Figures:
    if outcome.table is None:
        msg = f"the engine failed: {outcome.failure}"
        raise RuntimeError(msg)
    return with_norm(measure(case, outcome.table), holdout, floor) | outcome.costs


def with_balances(table: pd.DataFrame) -> pd.DataFrame:
    """Sort a table by customer and date, and rebuild its balances from each customer's first.

    Rows without a date, amount or type are dropped; amounts are rounded to cents, of which there is at least
    one.
    """
    usable = table.dropna(
        subset=["customer_id", "transaction_date", "transaction_amount", "transaction_type"]
    )
    ordered = usable.sort_values(["customer_id", "transaction_date"], kind="stable", ignore_index=True)
    ordered = ordered.assign(
        customer_id=ordered["customer_id"].astype(str),
        transaction_amount=ordered["transaction_amount"].astype(float).round(2).clip(lower=0.01),
        account_balance=ordered["account_balance"].astype(float).round(2).fillna(0.0),
    )
    return fs.reconstruct_balance(ordered, starting_amounts=fs.starting_amounts(ordered))


def table(lines: dict[str, Figures]) -> list[str]:
    titles = [title for title, _ in COLUMNS.values()]
    text = [f"| | {' | '.join(titles)} |", f"|---|{'---:|' * len(titles)}"]
    for name, figures in lines.items():
        cells = [
            "" if figures.get(key) is None else form.format(figures[key])
            for key, (_, form) in COLUMNS.items()
        ]
        text.append(f"| {name} | {' | '.join(cells)} |")
    return text


def claims(lines: dict[str, Figures], *, reused: bool) -> list[str]:
    """Return whether the engine beats the best peer in each group, and how much faster it is."""
    own = lines[ENGINE]
    peers = {
        name: figures
        for name, figures in lines.items()
        if name not in (ENGINE, "other real customers", "shuffled columns")
    }
    text = []
    for group in ("Q", *GROUPS) if peers else ():
        known = {name: figures[group] for name, figures in peers.items() if figures.get(group) is not None}
        best = max(known, key=known.__getitem__)
        verdict = PASS if own[group] > known[best] else MISS
        text.append(
            f"- {COLUMNS[group][0]}: {own[group]:.1f}, best peer {known[best]:.1f} ({best}): {verdict}"
        )
    rival = peers.get(PEERS[RIVAL].title)
    for cost, times in FASTER.items() if rival is not None else ():
        ratio = own[cost] / rival[cost] if cost.startswith("rows") else rival[cost] / own[cost]
        verdict = PASS if ratio >= times else MISS
        when = "; the peer's time is of an earlier run" if reused else ""
        text.append(
            f"- {COLUMNS[cost][0]}: {ratio:.1f} times as fast as {PEERS[RIVAL].title} "
            f"(at least {times:.0f}): {verdict}{when}"
        )
    return text


if __name__ == "__main__":
    end_cleanly()
    main()
