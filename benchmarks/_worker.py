"""Fit one generator on one table and sample from it, in a process of its own, so that its costs are its own.

    python _worker.py request.json

Runs in environments in which this library is not installed: it needs pandas and pyarrow besides the
generator. The request names the generator, the table, the seed, how many customers to sample, and a folder,
which receives `synthetic.parquet` and `costs.json`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Wall and CPU seconds since it was made; a CPU second is one of any thread of this process."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, time.process_time() - self.processor


def peak_mib() -> float:
    """Return the most memory that this process has held, in MiB.

    `ru_maxrss` would count what the parent process held when it started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def speed(clock: Clock, rows: int, suffix: str) -> dict[str, float]:
    wall, processor = clock.read()
    return {f"rows/s{suffix}": rows / wall, f"rows/CPU s{suffix}": rows / processor}


def fit_local(train: pd.DataFrame, request: dict[str, Any]) -> Callable[[int], pd.DataFrame]:
    """This library's embedded engine."""
    from gretel_fin_synth import TransactionSynthesizer

    seed = request["seed"]
    options = {
        name: tuple(value) if isinstance(value, list) else value for name, value in request["options"].items()
    }
    synthesizer = TransactionSynthesizer(**options).fit(train, seed=seed, progress=False)
    return lambda customers: synthesizer.sample(n_customers=customers, seed=seed)


GENERATORS = {"local": fit_local}


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(request["folder"])
    train = pd.read_parquet(request["train"])
    clock = Clock()
    sample = GENERATORS[request["generator"]](train, request)
    wall, processor = clock.read()
    costs = {"train seconds": wall, "train CPU seconds": processor}
    clock = Clock()
    table = sample(request["customers"])
    costs |= speed(clock, len(table), "")
    table.to_parquet(folder / "synthetic.parquet")
    if request["large"]:
        clock = Clock()
        costs |= speed(clock, len(sample(request["large"])), ", large")
    costs["peak MiB"] = peak_mib()
    (folder / "costs.json").write_text(json.dumps(costs), encoding="utf-8")


if __name__ == "__main__":
    main()
