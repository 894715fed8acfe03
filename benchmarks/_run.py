"""Starting a generator in a process of its own, with a limit of time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _data import Case

WORKER = Path(__file__).with_name("_worker.py")
LARGE = 100_000  # rows of the larger sample


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a generator made of a table.

    Attributes
    ----------
    table : pandas.DataFrame or None
        What it sampled; None if it failed or was stopped.
    costs : dict of str to float
        Seconds, rows a second, MiB.
    failure : str
        Why there is no table.
    """

    table: pd.DataFrame | None
    costs: dict[str, float | None] = field(default_factory=dict)
    failure: str = ""


def run(
    case: Case,
    seed: int,
    *,
    generator: str = "local",
    options: Mapping[str, Any] | None = None,
    python: str | Path = sys.executable,
    limit: float | None = None,
    large: bool = False,
) -> Outcome:
    """Fit a generator on the training customers and sample as many.

    Parameters
    ----------
    case : Case
        The table.
    seed : int
        Of fitting and sampling.
    generator : str
        One of those that `_worker.py` knows.
    options : mapping, optional
        Passed to it.
    python : path
        The interpreter of the environment in which it is installed.
    limit : float, optional
        Seconds after which it is stopped.
    large : bool
        Whether to sample a larger table too, for its speed only.
    """
    customers = int(case.train["customer_id"].nunique())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        case.train.to_parquet(folder / "train.parquet")
        request = {
            "generator": generator,
            "train": str(folder / "train.parquet"),
            "folder": name,
            "seed": seed,
            "customers": customers,
            "options": dict(options or {}),
            "large": LARGE * customers // len(case.train) + 1 if large else None,
        }
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        return _started([str(python), str(WORKER), str(folder / "request.json")], folder, limit)


def end_cleanly() -> None:
    """Let a request to end this program end what it has started, too."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def _started(command: list[str], folder: Path, limit: float | None) -> Outcome:
    with (folder / "errors.txt").open("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            return Outcome(None, failure=f"stopped after {limit:,.0f} s")
        finally:
            _end(process)
        errors.seek(0)
        lines = errors.read().strip().splitlines()
    if status:
        print("\n".join(lines[-20:]), file=sys.stderr)
        return Outcome(None, failure=lines[-1] if lines else f"exit status {status}")
    costs = json.loads((folder / "costs.json").read_text(encoding="utf-8"))
    return Outcome(pd.read_parquet(folder / "synthetic.parquet"), costs)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process with whatever processes it has started itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
