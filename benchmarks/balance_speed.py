"""Print how many million rows a second get their balances, beside the usual ways to do it by hand.

    python benchmarks/balance_speed.py           # 1 and 10 million rows in memory, 100 million in files
    python benchmarks/balance_speed.py --quick   # 1 million in memory and in files
    python benchmarks/balance_speed.py --only files --large 30000000   # the second table alone

Every way gets the same rows: text ids, 500 rows a customer over three years, timestamps. They come in three
orders: by customer and time, by time (as a journal), and shuffled. Figures are medians of three runs, one
process after the other. A second of both cores is up to two seconds of CPU, which tell more where other
programs run. The memory is what the process needs beside the table. `loop` is the row-by-row function that
this library grew out of: a pandas loop over the rows of each customer that keeps a running balance, run on
100,000 rows and scaled. By hand means floats, unchecked input and ties left to chance; this library checks
every row and adds up in cents.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PER_CUSTOMER = 500
ORDERS = ("by customer", "by time", "shuffled")
BY_HAND = ("loop", "pandas by hand", "polars by hand", "duckdb by hand")
OURS = ("this library, pandas", "this library, polars", "this library, pyarrow")
FILES = ("this library, files", "polars by hand, files", "duckdb by hand, files")
LOOP_ROWS = 100_000
LIMIT = 500  # seconds after which a way to work on files is stopped


def rows(n: int, first: int = 0, seed: int = 0) -> pa.Table:
    """Customers one after the other, each in chronological order."""
    rng = np.random.default_rng([seed, first])
    m = n // PER_CUSTOMER
    who = np.repeat(np.arange(m, dtype=np.int32), PER_CUSTOMER)
    seconds = np.sort(rng.integers(0, 1096 * 86_400, (m, PER_CUSTOMER)), axis=1).ravel()
    ids = pa.array([f"CUST_{first + number:08d}" for number in range(m)])

    def text(codes: Any, words: pa.Array) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words).cast(pa.string())

    return pa.table(
        {
            "customer_id": text(who, ids),
            "transaction_date": (np.datetime64("2022-01-01", "s") + seconds).astype("M8[us]"),
            "transaction_amount": rng.integers(1, 100_000, n) / 100,
            "transaction_type": text(rng.random(n) < 0.3, pa.array(["debit", "credit"])),
            "transaction_category": text(
                rng.integers(0, 12, n), pa.array([f"category {k}" for k in range(12)])
            ),
        }
    )


def ordered(table: pa.Table, order: str) -> pa.Table:
    if order == "by customer":
        return table
    if order == "by time":
        return table.take(np.argsort(table["transaction_date"].to_numpy(), kind="stable"))
    return table.take(np.random.default_rng(1).permutation(len(table)))


def loop(frame: Any) -> Any:
    """For each customer, go through the rows in order and keep a running balance."""
    import pandas as pd

    parts = []
    for _, group in frame.groupby("customer_id"):
        group = group.sort_values("transaction_date").copy()
        balance, balances = 0.0, []
        for _, row in group.iterrows():
            balance += (
                row["transaction_amount"]
                if row["transaction_type"] == "credit"
                else -row["transaction_amount"]
            )
            balances.append(balance)
        group["account_balance"] = balances
        parts.append(group)
    return pd.concat(parts)


def pandas_by_hand(frame: Any) -> Any:
    in_order = frame.sort_values(["customer_id", "transaction_date"], kind="stable")
    amount = in_order["transaction_amount"]
    signed = amount.where(in_order["transaction_type"] == "credit", -amount)
    return frame.assign(account_balance=signed.groupby(in_order["customer_id"]).cumsum())


def polars_balance() -> Any:
    import polars as pl

    amount = pl.col("transaction_amount")
    signed = pl.when(pl.col("transaction_type") == "credit").then(amount).otherwise(-amount)
    return signed.cum_sum().over("customer_id", order_by="transaction_date").alias("account_balance")


DUCKDB = (
    "SELECT *, sum(CASE WHEN transaction_type = 'credit' THEN transaction_amount "
    "ELSE -transaction_amount END) OVER (PARTITION BY customer_id "
    "ORDER BY transaction_date ROWS UNBOUNDED PRECEDING) AS account_balance FROM "
)


def in_memory(way: str, table: pa.Table) -> Any:
    """Return a function that gives `table` its balances in one of the ways; conversions are not timed."""
    from gretel_fin_synth import reconstruct_balance

    if way == "loop":
        frame = table.to_pandas()
        return lambda: loop(frame)
    if way == "pandas by hand":
        frame = table.to_pandas()
        return lambda: pandas_by_hand(frame)
    if way == "polars by hand":
        import polars as pl

        frame = pl.DataFrame(table)
        return lambda: frame.with_columns(polars_balance())
    if way == "duckdb by hand":
        import duckdb

        connection = duckdb.connect()
        connection.register("given", table)
        return lambda: connection.sql(DUCKDB + "given").to_arrow_table()
    if way == "this library, pyarrow":
        return lambda: reconstruct_balance(table)
    import polars as pl

    frame = table.to_pandas() if way.endswith("pandas") else pl.DataFrame(table)
    return lambda: reconstruct_balance(frame)


def on_files(way: str, source: Path, output: Path) -> Any:
    from gretel_fin_synth import balance_files

    if way.startswith("polars"):
        import polars as pl

        return lambda: pl.scan_parquet(source).with_columns(polars_balance()).sink_parquet(output)
    if way.startswith("duckdb"):
        import duckdb

        limit = "SET memory_limit = '4GB'"
        query = f"COPY ({DUCKDB} read_parquet('{source}/*.parquet')) TO '{output}' (FORMAT parquet)"
        return lambda: (connection := duckdb.connect(), connection.execute(limit), connection.execute(query))
    return lambda: balance_files(source, output, progress=False)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(way: str, source: Path, repeats: int) -> dict[str, float]:
    """Time one way, in a process of its own."""
    if way in FILES:
        with tempfile.TemporaryDirectory(dir=source.parent) as work:
            job, n = on_files(way, source, Path(work) / "out.parquet"), count(source)
            repeats, size = 1, 0
            return timed(job, n, repeats, size)
    table = pa.concat_tables([pq.read_table(path) for path in sorted(source.glob("*.parquet"))])
    n, repeats = (LOOP_ROWS, 1) if way == "loop" else (len(table), repeats)
    return timed(in_memory(way, table.slice(0, n)), n, repeats, table.nbytes)


def timed(job: Any, n: int, repeats: int, size: int) -> dict[str, float]:
    before, times, busy = peak(), [], []
    for _ in range(repeats):
        began, began_cpu = time.perf_counter(), time.process_time()
        job()
        times.append(time.perf_counter() - began)
        busy.append(time.process_time() - began_cpu)
    # Pages that the table took are counted before the job; what the job needs on top comes after.
    return {
        "rate": n / statistics.median(times) / 1e6,
        "cpu_rate": n / statistics.median(busy) / 1e6,
        "extra": peak() - before,
        "size": size,
        "peak": peak(),
    }


def count(source: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in source.glob("*.parquet"))


def make(folder: Path, n: int, order: str, part: int = 5_000_000) -> Path:
    """Write `n` rows in one of the orders; large tables in parts, shuffled within the part."""
    source = folder / f"{n}-{order.replace(' ', '-')}"
    source.mkdir(exist_ok=True)
    for number, first in enumerate(range(0, n, part)):
        table = ordered(rows(min(part, n - first), first // PER_CUSTOMER), order)
        pq.write_table(table, source / f"{number:03d}.parquet")
    return source


def in_process(way: str, source: Path, repeats: int, limit: float | None = None) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", way, "--source", str(source), "--repeats", str(repeats)]
    nothing = {"rate": float("nan"), "cpu_rate": float("nan"), "extra": 0, "size": 1, "peak": 0}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        print(f"{way} was stopped after {limit:,.0f} s", file=sys.stderr)
        return nothing
    if done.returncode:
        print(f"{way} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return nothing
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(cells: list[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def report_memory(folder: Path, sizes: list[int], repeats: int) -> None:
    names = [f"{n / 1e6:g} million" for n in sizes]
    line(["million rows a second", "order", *names, f"{names[-1]}, a CPU second", "memory beside the table"])
    line(["---", "---", *["---:"] * (len(sizes) + 2)])
    for order in ORDERS:
        sources = [make(folder, n, order, part=n) for n in sizes]
        if order == ORDERS[0]:
            base = in_process("loop", sources[0], 1)
            cells = [f"{base[rate]:.3f}" for rate in ("rate", "cpu_rate")]
            line(["loop (100,000 rows, scaled)", "any", *cells[:1] * len(sizes), cells[1], ""])
        for way in [*BY_HAND[1:], *OURS]:
            found = [in_process(way, source, repeats) for source in sources]
            memory = f"{found[-1]['extra'] / found[-1]['size']:.1f} x"
            rates = [f"{one['rate']:.1f}" for one in found]
            line([way, order, *rates, f"{found[-1]['cpu_rate']:.1f}", memory])
        for source in sources:
            shutil.rmtree(source)


def report_files(folder: Path, large: int) -> None:
    title = f"{large / 1e6:g} million rows, Parquet to Parquet"
    line([title, "order", "million rows a second", "a CPU second", "peak memory"])
    line(["---", "---", "---:", "---:", "---:"])
    for order in ORDERS:
        source = make(folder, large, order)
        for way in FILES:
            one = in_process(way, source, 1, LIMIT)
            rates = [f"{one[rate]:.2f}" for rate in ("rate", "cpu_rate")]
            line([way, order, *(rates if one["peak"] else ["stopped", ""]), memory_of(one)])
        shutil.rmtree(source)


def memory_of(one: dict[str, float]) -> str:
    return f"{one['peak'] / 2**30:.1f} GiB" if one["peak"] else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--large", type=int, help="rows in files, instead of 100 million (quick: 1)")
    parser.add_argument("--only", choices=["memory", "files"], help="one of the two tables")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.source, given.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        sizes = [1_000_000] if given.quick else [1_000_000, 10_000_000]
        large = given.large or (1_000_000 if given.quick else 100_000_000)
        if given.only != "files":
            report_memory(Path(folder), sizes, given.repeats)
        if given.only is None:
            print()
        if given.only != "memory":
            report_files(Path(folder), large)


if __name__ == "__main__":
    main()
