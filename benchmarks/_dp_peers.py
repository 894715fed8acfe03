"""Let a peer learn one table with differential privacy per row and draw as many rows; see dp_utility.py.

    python _dp_peers.py mst|aim|mostlyai train.parquet drawn.parquet EPSILON DELTA

Runs in an environment in which this library is not installed. The peers know no customers: the customer is a
column like the others, and dates are days since the first.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

DAY = pd.Timedelta(days=1)


def main() -> None:
    model, source, target, epsilon, delta = sys.argv[1:]
    train = pd.read_parquet(source)
    first = train["transaction_date"].min()
    plain = train.assign(transaction_date=((train["transaction_date"] - first) / DAY).astype(int))
    make = mostlyai if model == "mostlyai" else marginals
    drawn = make(model, plain, float(epsilon), float(delta))
    days = drawn["transaction_date"].astype(float).round().astype(int)
    drawn = drawn.assign(transaction_date=first + days * DAY).sort_values(["customer_id", "transaction_date"])
    drawn["transaction_amount"] = drawn["transaction_amount"].astype(float).round(2).clip(lower=0.01)
    drawn["account_balance"] = drawn["account_balance"].astype(float).round(2)
    for name in ("customer_id", "transaction_type", "transaction_category"):
        drawn[name] = drawn[name].astype(str)
    drawn[list(train.columns)].to_parquet(target)


def marginals(model: str, table: pd.DataFrame, epsilon: float, delta: float) -> pd.DataFrame:
    """Select and measure marginals with dpmm, fit a graphical model, sample."""
    from dpmm.pipelines import AIMPipeline, MSTPipeline

    pipeline = {"mst": MSTPipeline, "aim": AIMPipeline}[model]
    names = ["customer_id", "transaction_type", "transaction_category"]
    typed = table.assign(**{name: table[name].astype("category") for name in names})
    made = pipeline(epsilon=epsilon, delta=delta, proc_epsilon=0.1 * epsilon, n_bins=32)
    made.fit(typed)
    return made.generate(n_records=len(table))


def mostlyai(model: str, table: pd.DataFrame, epsilon: float, delta: float) -> pd.DataFrame:
    """Train the flat model of mostlyai-engine with DP-SGD until the budget is spent, at most 10 minutes."""
    del model
    from mostlyai import engine
    from mostlyai.engine.domain import DifferentialPrivacyConfig

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        kinds = dict.fromkeys(table.columns, "TABULAR_NUMERIC_AUTO")
        for name in ("customer_id", "transaction_type", "transaction_category"):
            kinds[name] = "TABULAR_CATEGORICAL"
        engine.split(workspace_dir=place, tgt_data=table, tgt_encoding_types=kinds)
        engine.analyze(
            workspace_dir=place,
            differential_privacy=DifferentialPrivacyConfig(max_epsilon=epsilon, delta=delta),
        )
        engine.encode(workspace_dir=place)
        engine.train(
            workspace_dir=place,
            max_training_time=10,
            differential_privacy=DifferentialPrivacyConfig(max_epsilon=epsilon, delta=delta),
        )
        engine.generate(workspace_dir=place, sample_size=len(table))
        return pd.read_parquet(place / "SyntheticData")


if __name__ == "__main__":
    main()
