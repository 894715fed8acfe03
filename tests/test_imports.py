"""Importing the package is quick, and brings in no library that only one backend or the report needs."""

from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

HEAVY = ("torch", "gretel_client", "sklearn", "scipy", "matplotlib", "pyspark", "dask")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def seconds(statement: str) -> float:
    return float(python(f"from time import perf_counter as t; a = t(); {statement}; print(t() - a)"))


def test_importing_takes_less_than_a_second_more_than_its_requirements() -> None:
    alone, ours = [], []
    for _ in range(3):  # alternating, so that a busy machine slows both
        alone.append(seconds("import pandas, pandera"))
        ours.append(seconds("import pandas, pandera, gretel_fin_synth"))
    assert statistics.median(ours) - statistics.median(alone) < 1.0


@pytest.mark.parametrize(
    "statement",
    [
        "import gretel_fin_synth",
        "from gretel_fin_synth import validate_transactions, make_transactions, reconstruct_balance",
        "import gretel_fin_synth.cli",
    ],
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    loaded = python(f"{statement}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded == ""


def test_every_public_name_loads_without_torch_and_without_gretel() -> None:
    loaded = python(
        "import gretel_fin_synth, sys\n"
        "for name in gretel_fin_synth.__all__: getattr(gretel_fin_synth, name)\n"
        "print(*[name for name in ('torch', 'gretel_client') if name in sys.modules])"
    )
    assert loaded == ""
