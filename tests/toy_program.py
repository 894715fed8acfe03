"""The program with one more backend, ``toy``, which draws real customers again, and with quick measures only.

Quick enough to try everything around a backend. With TOY_STOP_AT=fit, sample or save it makes the file
TOY_REACHED there, half-way through its work, and waits to be interrupted.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth import register_backend
from gretel_fin_synth.cli import main
from gretel_fin_synth.evaluation import available_measures, unregister_measure

if TYPE_CHECKING:
    from gretel_fin_synth.training import SampleRequest, TrainingTable


QUICK = ("integrity", "replay", "sqs")


class ToyBackend:
    """Draws training customers again, moved by some days."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        self.frame = table.frame.copy()
        self.warnings = ["this backend repeats real customers"]
        stop_at("fit")

    def sample(self, request: SampleRequest) -> pd.DataFrame:
        stop_at("sample")
        lives = [life for _, life in self.frame.groupby("customer_id")]
        drawn = []
        for number in range(request.first_customer, request.first_customer + request.n_customers):
            rng = np.random.default_rng([request.seed, number])
            life = lives[rng.integers(len(lives))]
            moved = life["transaction_date"] + pd.Timedelta(days=int(rng.integers(1, 20)))
            drawn.append(life.assign(customer_id=str(number), transaction_date=moved))
        return pd.concat(drawn, ignore_index=True)

    def save(self, directory: Path) -> None:
        (directory / "half.csv").write_text("half")
        stop_at("save")
        (directory / "half.csv").unlink()
        self.frame.to_parquet(directory / "frame.parquet")

    def load(self, directory: Path) -> None:
        self.frame = pd.read_parquet(directory / "frame.parquet")


def stop_at(stage: str) -> None:
    if os.environ.get("TOY_STOP_AT") == stage:
        Path(os.environ["TOY_REACHED"]).touch()
        time.sleep(60)


if __name__ == "__main__":
    register_backend("toy", ToyBackend)
    for measure in set(available_measures()) - set(QUICK):
        unregister_measure(measure)
    main()
