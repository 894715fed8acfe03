"""Print SQS and DPS of this library beside those of NVIDIA's open implementation, on the same tables.

    python benchmarks/nvidia_agreement.py [--environment DIR] [--seeds 5]

NVIDIA's NeMo Safe Synthesizer (Apache-2.0) is the open successor of Gretel's evaluator. It needs other
versions of many packages, so it is installed from PyPI into an environment of its own, `.venv-nvidia` by
default, which takes some minutes and gigabytes the first time. Both read the same text files.

Field distribution, field correlation and deep structure are deterministic: the program ends with exit code 1
if one differs by more than 1 point. Attribute inference depends on an order of columns that NVIDIA's code
takes from a set of names, membership inference on a random sample inside a transformer: these are run under
several seeds, and the exit code is 1 if this library's value lies outside NVIDIA's range widened by 1 point.
For attributes it is the mean over the very orders that NVIDIA's code took.

One difference is known and not counted. Where the synthetic table has an empty cell in a column that the
attacker knows, NVIDIA's code searches the rows without it and then takes rows by position from the table with
it: from the first such row on, the neighbours are other rows than the nearest ones, fewer guesses are right,
and the score is higher. This library takes the nearest rows. The published table of the original run has such
a cell; the comparison is printed for it as it is, and without its rows with empty cells.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from controls import make_controls, worlds

from gretel_fin_synth._io import read_table
from gretel_fin_synth.evaluation import prepare
from gretel_fin_synth.evaluation._columns import cut_rows
from gretel_fin_synth.evaluation.dps import attribute_inference, membership_inference
from gretel_fin_synth.evaluation.sqs import sqs_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
SEED_PAIR = ROOT.parent / "shared" / "data" / "seed"
PACKAGES = (
    "nemo-safe-synthesizer==0.1.16",
    *("category-encoders", "dython", "jinja2", "joblib", "plotly", "scikit-learn", "scipy"),
    *("sentence-transformers", "tenacity", "torch"),
)
DETERMINISTIC = ("field distribution", "field correlation", "deep structure", "SQS")
EMPTY_CELLS = ("original pair, six columns",)
SIMULATED = ("membership inference", "attribute inference")
WORKER = """
import json, sys
from pathlib import Path
import pandas as pd
from importlib import import_module
HERE = "nemo_safe_synthesizer.evaluation"
attributes, distribution, correlation, structure, membership, sqs = (
    getattr(import_module(f"{HERE}.components.{module}"), name)
    for module, name in (
        ("attribute_inference_protection", "AttributeInferenceProtection"),
        ("column_distribution", "ColumnDistribution"),
        ("correlation", "Correlation"),
        ("deep_structure", "DeepStructure"),
        ("membership_inference_protection", "MembershipInferenceProtection"),
        ("sqs_score", "SQSScore"),
    )
)
EvaluationDatasets = import_module(f"{HERE}.data_model.evaluation_datasets").EvaluationDatasets

points = lambda part: None if part.score.score is None else 10 * float(part.score.score)
simulated_only = sys.argv[2] == "simulated"
for folder in sorted(Path(sys.argv[1]).iterdir()):
    paths = [folder / f"{name}.csv" for name in ("train", "other", "holdout")]
    train, other, *outside = (pd.read_csv(path) for path in paths if path.exists())
    data = EvaluationDatasets.from_dataframes(train, other, outside[0] if outside else None)
    found = {"pair": int(folder.name), "order": list(map(str, data.training.columns))}
    found["attribute inference"] = points(attributes.from_evaluation_datasets(data, None))
    if outside:
        found["membership inference"] = points(membership.from_evaluation_datasets(data, None))
    if not simulated_only:
        parts = [kind.from_evaluation_datasets(data) for kind in (distribution, correlation, structure)]
        found |= dict(zip(("field distribution", "field correlation", "deep structure"), map(points, parts)))
        found["SQS"] = points(sqs.from_components(parts))
    print("RESULT" + json.dumps(found), flush=True)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare with NVIDIA's implementation.")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-nvidia")
    parser.add_argument("--seeds", type=int, default=5, help="runs of the simulated attacks")
    options = parser.parse_args(arguments)
    python = environment(options.environment)
    agreed = True
    with tempfile.TemporaryDirectory() as folder:
        made = dict(pairs())
        for number, tables in enumerate(made.values()):
            (Path(folder) / f"{number:02d}").mkdir()
            for part, table in tables.items():
                table.to_csv(Path(folder) / f"{number:02d}" / f"{part}.csv", index=False)
        theirs = [nvidia(python, folder, seed) for seed in range(options.seeds)]
        print(f"| this library / NVIDIA | {' | '.join((*DETERMINISTIC, *SIMULATED))} |")
        print(f"|---|{'---:|' * len((*DETERMINISTIC, *SIMULATED))}", flush=True)
        for number, (name, tables) in enumerate(made.items()):
            read = {part: pd.read_csv(Path(folder) / f"{number:02d}" / f"{part}.csv") for part in tables}
            runs = [each[number] for each in theirs]
            agreed &= show(name, ours(read, [run["order"] for run in runs]), runs)
    print("\nAll agree." if agreed else "\nSome do not agree.")
    return 0 if agreed else 1


def environment(folder: Path) -> Path:
    """Return the Python of NVIDIA's environment, which is made if it is not there."""
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists():
        print(f"Installing {PACKAGES[0]} into {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", *PACKAGES], check=True
        )
        ready.touch()
    return python


def pairs() -> Iterator[tuple[str, dict[str, pd.DataFrame]]]:
    """Yield tables to compare, with and without ids: the original pair, and controls on both worlds."""
    if SEED_PAIR.exists():
        real, published = (
            read_table(SEED_PAIR / f"{name}.csv").drop(columns="account_balance")
            for name in ("transactions_merged", "synthetic_data")
        )
        yield "original pair, six columns", {"train": real, "other": published}
        whole = published.dropna()
        yield "original pair, no empty cells", {"train": real, "other": whole}
        yield (
            "original pair, no empty cells, no ids",
            {"train": without_ids(real), "other": without_ids(whole)},
        )
    else:
        print("Skipped: the original pair (../shared/data/seed) is not here.", file=sys.stderr)
    for name, train, holdout in worlds():
        made = make_controls(train, holdout, seed=0)
        outside = made["control"].sample(n=max(10, len(train) // 20), random_state=0)
        for kind in ("unseen", "shuffled", "copy", "noisy copy", "leak"):
            tables = {"train": train, "other": made[kind], "holdout": outside}
            if kind == "unseen":
                yield f"{name}, {kind}, with ids", tables
            yield f"{name}, {kind}", {part: without_ids(table) for part, table in tables.items()}


def without_ids(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="customer_id")


def ours(tables: dict[str, pd.DataFrame], orders: list[list[str]]) -> dict[str, list[float | None]]:
    """Measure with this library: one value each, for attributes one for each order of the columns."""
    ids = "customer_id" in tables["train"].columns
    made = {
        name: prepare(table.assign(**({} if ids else {"customer_id": "X"}))) for name, table in tables.items()
    }
    parts = sqs_parts(made["train"], made["other"], identifiers=ids)
    columns = list(tables["train"].columns)
    train, other = cut_rows(made["train"].source, made["other"].source)
    found: dict[str, list[float | None]] = {
        **{name.replace("_", " "): [score] for name, score in parts.scores.items()},
        "SQS": [parts.score],
        "attribute inference": [attribute_inference(train, other, order).score for order in orders],
    }
    if "holdout" in tables:
        found["membership inference"] = [
            membership_inference(train, other, made["holdout"].source, columns).score
        ]
    return found


def nvidia(python: Path, folder: str, seed: int) -> list[dict[str, Any]]:
    """Run NVIDIA's components on all pairs, the deterministic ones under the first seed only."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", WORKER, folder, "simulated" if seed else "all"],
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"NVIDIA's implementation failed:\n{done.stderr[-2000:]}")
    lines = [line.removeprefix("RESULT") for line in done.stdout.splitlines() if line.startswith("RESULT")]
    return [json.loads(line) for line in lines]


def show(name: str, mine: dict[str, list[float | None]], theirs: list[dict[str, Any]]) -> bool:
    """Print the line of one pair of tables, and return whether all of it agrees."""
    cells, agreed = [], True
    for measure in (*DETERMINISTIC, *SIMULATED):
        values = [each[measure] for each in theirs if each.get(measure) is not None]
        if not values or mine.get(measure) is None or mine[measure][0] is None:
            cells.append("")
            continue
        value, low, high = float(np.mean(mine[measure])), min(values), max(values)
        cell = f"{value:.1f} / {np.mean(values):.1f}"
        cell += f" ({low:.0f} to {high:.0f})" if low < high else ""
        if not low - 1.0 <= value <= high + 1.0:
            known = measure == "attribute inference" and name in EMPTY_CELLS
            cell += " (other rows than the nearest)" if known else " **differs**"
            agreed &= known
        cells.append(cell)
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return agreed


if __name__ == "__main__":
    sys.exit(main())
