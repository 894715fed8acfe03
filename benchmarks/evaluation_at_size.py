"""Print how long an evaluation takes, and how much memory, as the real table grows beyond it.

    python benchmarks/evaluation_at_size.py             # 1, 4 and 16 million rows in Parquet
    python benchmarks/evaluation_at_size.py --quick     # 1 and 2 million

The same rows are judged as a table in memory (up to 1 million rows), as a polars query, a duckdb relation and
as files, each in a process of its own, by the measures that count over all rows and those of one sample
(integrity, replay, fidelity), which is `max_rows=200_000` for what is not in memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from balance_speed import make

WAYS = ("pandas, in memory", "polars query", "duckdb relation", "files")
MOST_IN_MEMORY = 1_000_000


def opened(way: str, folder: Path) -> Any:
    if way == WAYS[0]:
        return pq.read_table(folder).to_pandas()
    if way == WAYS[1]:
        import polars as pl

        return pl.scan_parquet(folder / "*.parquet")
    if way == WAYS[2]:
        import duckdb

        duckdb.execute("SET memory_limit = '2GB'")
        return duckdb.read_parquet(str(folder / "*.parquet"))
    return folder


def measure(way: str, folder: Path) -> dict[str, float]:
    """Evaluate a table by itself; its own copy is its worst holdout, and as much work as any."""
    import gretel_fin_synth as fs

    began = time.perf_counter()
    real, synthetic = opened(way, folder), opened(way, folder)
    found = fs.evaluate(real, synthetic, measures=["integrity", "replay", "fidelity"], max_rows=200_000)
    copied = found.replay.breakdown["rows"]
    if copied.count != copied.of:
        raise SystemExit(f"{copied.count} of {copied.of} rows were found; all are copies")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": time.perf_counter() - began, "peak": peak, "rows": copied.of}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.source)))
        return
    print("| million rows, twice | as | seconds | peak memory | of the tables in memory |", flush=True)
    print("| ---: | --- | ---: | ---: | ---: |", flush=True)
    for n in (1_000_000, 2_000_000) if given.quick else (1_000_000, 4_000_000, 16_000_000):
        with tempfile.TemporaryDirectory() as work:
            folder = make(Path(work), n, "by time", part=1_000_000)
            size = 2 * sum(pq.read_table(path).nbytes for path in folder.glob("*.parquet"))
            for way in WAYS:
                if way == WAYS[0] and n > MOST_IN_MEMORY:
                    continue
                command = [sys.executable, __file__, "--one", way, "--source", str(folder)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                one = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"| {n / 1e6:g} | {way} | {one['seconds']:.0f} | {one['peak'] / 2**30:.1f} GiB "
                    f"| {size / 2**30:.1f} GiB |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
