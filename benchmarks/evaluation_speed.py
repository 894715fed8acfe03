"""Print how long an evaluation of large tables takes, measure by measure, and how much memory.

    python benchmarks/evaluation_speed.py [--rows 15000 1000000]

The real, the synthetic and the holdout table have that many rows each, all from the stand-in simulator.
Processor seconds do not depend on what else runs on the machine, so they are printed beside the time on the
clock. Each size runs in a process of its own, so that the memory is its own: the largest resident set, tables
included.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import available_measures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

SHAPE = {"start": "2023-01-01", "end": "2023-12-31"}
TABLES = ("real", "synthetic", "holdout")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Time an evaluation.")
    parser.add_argument("--rows", type=int, nargs="+", default=[15_000, 1_000_000])
    parser.add_argument("--each", action="store_true", help="every measure on its own as well")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.here:
        print("| rows of each table | measures | seconds | processor seconds | GiB | report, MB |")
        print("|---:|---|---:|---:|---:|---:|", flush=True)
        for rows in options.rows:
            each = ["--each"] if options.each else []
            subprocess.run([sys.executable, __file__, "--here", "--rows", str(rows), *each], check=True)
        return
    (rows,) = options.rows
    tables = made(rows)
    measured(tables, rows, None)
    if options.each:
        for name in available_measures():
            measured(tables, rows, name)


def made(rows: int) -> dict[str, pd.DataFrame]:
    """Make tables of so many rows, whole customers but for the last."""
    sample = fs.make_transactions(200, seed=0, **SHAPE)
    customers = round(1.05 * 200 * rows / len(sample)) + 5
    tables = {}
    for seed, name in enumerate(TABLES, start=1):
        table = fs.make_transactions(customers, seed=seed, **SHAPE).iloc[:rows]
        tables[name] = table.assign(customer_id=name[0].upper() + table["customer_id"])
    return tables


def measured(tables: dict[str, pd.DataFrame], rows: int, name: str | None) -> None:
    began, spent = time.perf_counter(), time.process_time()
    found = fs.evaluate(
        tables["real"],
        tables["synthetic"],
        holdout=tables["holdout"],
        measures=None if name is None else [name],
    )
    page = found.to_html()
    clock, processor = time.perf_counter() - began, time.process_time() - spent
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = f"{clock:.0f} | {processor:.0f} | {memory:.2f} | {len(page) / 1e6:.2f}"
    print(f"| {rows:,} | {name or 'all'} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
