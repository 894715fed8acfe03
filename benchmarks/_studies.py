"""What each mechanism of the engine buys, and how its costs grow with the table."""

from __future__ import annotations

import math
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from _data import Case
from _lines import AREA, COUNT, MISS, PASS, POINTS, SECONDS, SHARE
from _measure import WORST
from _run import run

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES = (10_000, 30_000, 100_000, 300_000)
ROWS_A_CUSTOMER = 161  # of a year of the stand-in
STEEPEST = 1.1  # exponent of the rows in the training time that still counts as linear

ABLATED = {
    "Q": ("Q", POINTS),
    "amounts": ("amounts", POINTS),
    "calendar": ("calendar", POINTS),
    "categories_and_sequences": ("categories, sequences", POINTS),
    "customers": ("customers", POINTS),
    "balance": ("balance", POINTS),
    "dynamics": ("dynamics", POINTS),
    "sqs": ("SQS", POINTS),
    "replayed.rows": ("rows replayed", SHARE),
    WORST: ("membership", AREA),
    "classifier.whole_customers": ("classifier, customers", AREA),
    "classifier.rows_in_context": ("classifier, windows", AREA),
    "train CPU seconds": ("CPU s", SECONDS),
    "rows/s, large": ("rows/s", COUNT),
}


def ablation(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return a table of the whole engine, and of what is lost where one mechanism is off.

    Parameters
    ----------
    results : mapping
        For each mechanism that was off (and ``""`` for none) the results of the seeds.
    """
    titles = [title for title, _ in ABLATED.values()]
    lines = [f"| | {' | '.join(titles)} |", f"|---|{'---:|' * len(titles)}"]
    whole = {result["seed"]: everything(result) for result in results[""]}
    for mechanism, each in results.items():
        cells = []
        for key, (_, form) in ABLATED.items():
            values = {result["seed"]: everything(result)[key] for result in each}
            if mechanism:
                values = {seed: value - whole[seed][key] for seed, value in values.items() if seed in whole}
                form = form.replace("{:", "{:+")
            cells.append(form.format(median(values.values())) if values else "")
        name = f"without `{mechanism}`" if mechanism else "**all of it**"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def everything(result: Mapping[str, Any]) -> dict[str, float]:
    return {**result["engine"], **result["costs"]}


def scaling(sizes: Sequence[int], seed: int, options: Mapping[str, Any]) -> list[dict[str, float]]:
    """Train on tables of the stand-in of several sizes; return rows, seconds and memory of each."""
    found = []
    for size in sizes:
        customers = max(2, round(size / ROWS_A_CUSTOMER))
        table = fs.make_transactions(customers, start="2023-01-01", end="2023-12-31", seed=seed)
        outcome = run(Case("stand-in", "", table, table), seed, options=options, large=True)
        if outcome.table is None:
            print(f"{size:,} rows: {outcome.failure}", flush=True)
            continue
        found.append({"customers": customers, "rows": len(table), **outcome.costs})
        print(f"{len(table):,} rows: {outcome.costs['train CPU seconds']:.0f} CPU s", file=sys.stderr)
    return found


def scaling_table(found: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the costs by size, and whether training time grows no faster than the rows do."""
    lines = [
        "| customers | rows | training, CPU s | CPU s per 1,000 rows | rows sampled a second | peak MiB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        seconds = each["train CPU seconds"]
        lines.append(
            f"| {each['customers']:,} | {each['rows']:,} | {seconds:.1f} | "
            f"{1000 * seconds / each['rows']:.2f} | {each['rows/s, large']:,.0f} | {each['peak MiB']:,.0f} |"
        )
    if len(found) > 1:
        first, last = found[0], found[-1]
        exponent = math.log(last["train CPU seconds"] / first["train CPU seconds"]) / math.log(
            last["rows"] / first["rows"]
        )
        verdict = PASS if exponent <= STEEPEST else MISS
        lines.append(f"\nTraining time grows with the rows to the power of {exponent:.2f}: {verdict}.")
    return lines
