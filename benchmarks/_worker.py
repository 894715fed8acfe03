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
    """Wall and CPU seconds since it was made; a CPU second is one of any thread, or of a process it ended."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), processor_seconds()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, processor_seconds() - self.processor


def processor_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


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


def fit_mostlyai(train: pd.DataFrame, request: dict[str, Any]) -> Callable[[int], pd.DataFrame]:
    """MOSTLY AI's engine: a customer is a sequence, or every row stands alone."""
    from mostlyai.engine import TabularARGN

    options = dict(request["options"])
    sequential = options.pop("sequential")
    key = {"tgt_context_key": "customer_id"} if sequential else {}
    model = TabularARGN(random_state=request["seed"], verbose=0, device="cpu", **key, **options)
    model.fit(train)
    return lambda customers: model.sample(n_samples=customers if sequential else len(train))


def fit_sdv(train: pd.DataFrame, request: dict[str, Any]) -> Callable[[int], pd.DataFrame]:
    """The Synthetic Data Vault: PAR learns customers as sequences, the others rows with an id in each."""
    import numpy as np
    import torch
    from sdv.metadata import Metadata
    from sdv.sequential import PARSynthesizer
    from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer

    np.random.seed(request["seed"])  # noqa: NPY002
    torch.manual_seed(request["seed"])
    options = dict(request["options"])
    name = options.pop("model")
    table = {
        "columns": {
            "customer_id": {"sdtype": "id" if name == "PAR" else "categorical"},
            "transaction_date": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
            "transaction_amount": {"sdtype": "numerical"},
            "transaction_type": {"sdtype": "categorical"},
            "transaction_category": {"sdtype": "categorical"},
            "account_balance": {"sdtype": "numerical"},
        }
    }
    if name == "PAR":
        table |= {"sequence_key": "customer_id", "sequence_index": "transaction_date"}
    metadata = Metadata.load_from_dict({"tables": {"transactions": table}, "relationships": []})
    kinds = {
        "PAR": PARSynthesizer,
        "CTGAN": CTGANSynthesizer,
        "TVAE": TVAESynthesizer,
        "GaussianCopula": GaussianCopulaSynthesizer,
    }
    model = kinds[name](metadata, **options)
    model.fit({"transactions": train})
    if name == "PAR":
        return lambda customers: only(model.sample_sequences(num_sequences=customers))
    return lambda customers: only(model.sample(num_rows=len(train)))


def only(tables: pd.DataFrame | dict[str, pd.DataFrame]) -> pd.DataFrame:
    return next(iter(tables.values())) if isinstance(tables, dict) else tables


def fit_gretel_lstm(train: pd.DataFrame, request: dict[str, Any]) -> Callable[[int], pd.DataFrame]:
    """The open LSTM of gretel-synthetics: every row is a line of text."""
    from gretel_synthetics.config import TensorFlowConfig
    from gretel_synthetics.generate import generate_text
    from gretel_synthetics.train import train_rnn

    folder = Path(request["folder"])
    lines = train.assign(transaction_date=train["transaction_date"].dt.strftime("%Y-%m-%d"))
    lines.to_csv(folder / "lines.txt", index=False, header=False)
    config = TensorFlowConfig(
        input_data_path=str(folder / "lines.txt"),
        checkpoint_dir=str(folder / "checkpoints"),
        field_delimiter=",",
        gen_lines=len(train),
        **request["options"],
    )

    def read(line: str) -> list[Any]:
        cells = line.split(",")
        if len(cells) != len(train.columns):
            msg = "not as many cells as columns"
            raise ValueError(msg)
        cells[1] = pd.to_datetime(cells[1], format="%Y-%m-%d")
        return [*cells[:2], float(cells[2]), *cells[3:5], float(cells[5])]

    def sample(customers: int) -> pd.DataFrame:
        del customers
        made = generate_text(config, line_validator=read, max_invalid=10 * len(train), parallelism=1)
        rows = [read(each.text) for each in made if each.valid]
        return pd.DataFrame(rows, columns=list(train.columns))

    train_rnn(config)
    return sample


GENERATORS = {
    "local": fit_local,
    "mostlyai": fit_mostlyai,
    "sdv": fit_sdv,
    "gretel": fit_gretel_lstm,
}


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
