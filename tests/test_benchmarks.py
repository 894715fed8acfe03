from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MODULES = ("_data", "_lines", "_measure", "_run", "engine", "worlds")


@pytest.fixture
def benchmark(monkeypatch):
    """Import a module of the benchmarks as its programs do, and forget it afterwards."""
    if not BENCHMARKS.exists():
        pytest.skip("the benchmarks are not beside the tests")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in list(sys.modules):
        if name in MODULES:
            del sys.modules[name]


def small_case(data: ModuleType):
    table = fs.make_transactions(45, start="2024-01-01", end="2024-03-31", seed=1)
    part = table["customer_id"].str[-2:].astype(int) % 3
    return data.Case("small", "", *(table[part == number].reset_index(drop=True) for number in range(3)))


@pytest.mark.parametrize(
    ("at_least", "number", "beside", "values", "references", "miss"),
    [
        (True, 100.0, False, [99.0, 100.0, 100.0], [], 0.0),
        (True, 100.0, False, [99.0, 99.5, 100.0], [], 0.5),
        (False, 0.55, False, [0.50, 0.60, 0.58], [], 0.03),
        (True, -1.0, True, [90.0, 80.0, 70.0], [91.0, 81.0, 75.0], 0.0),
        (True, -1.0, True, [90.0, 80.0, 70.0], [92.0, 83.0, 71.0], 1.0),
        (False, 0.0, True, [0.16], [0.17], 0.0),
        (False, 0.05, True, [0.60], [0.50], 0.05),
    ],
)
def test_a_target_is_missed_by_the_median_of_the_differences(
    benchmark, at_least, number, beside, values, references, miss
):
    target = benchmark("_lines").Target(at_least, number, beside)
    assert target.miss(values, references) == pytest.approx(miss)


def test_the_holdout_stands_at_100_meets_every_target_beside_it_and_each_figure_has_a_line(benchmark):
    case = small_case(benchmark("_data"))
    measuring, lines = benchmark("_measure"), benchmark("_lines")
    holdout, floor = measuring.references(case)
    assert (holdout["norm"], floor["norm"]) == (100.0, 0.0)
    assert set(holdout) == set(floor) == {line.key for line in (*lines.fidelity_lines(), *lines.OTHER_LINES)}
    result = {"engine": holdout, "holdout": holdout, "floor": floor, "costs": {}, "train rows": 1}
    found = lines.collect([result])
    assert {each.mark for each in found if each.line.target and each.line.target.beside} == {lines.PASS}


def test_a_copy_is_found_by_the_attacks_and_by_its_replayed_rows(benchmark):
    case = small_case(benchmark("_data"))
    copied = benchmark("_measure").measure(case, case.train)
    assert copied[benchmark("_measure").WORST] == 1.0
    assert copied["replayed.rows"] == copied["replayed.runs"] == 1.0
    assert copied["Q"] == pytest.approx(100.0)


def test_the_engine_is_measured_in_a_process_of_its_own(benchmark, capsys, monkeypatch, tmp_path):
    pytest.importorskip("torch")
    case = small_case(benchmark("_data"))
    engine = benchmark("engine")
    monkeypatch.setattr(engine, "load", lambda name, seed: case)
    monkeypatch.setattr(benchmark("_run"), "LARGE", 1000)
    target = tmp_path / "figures.json"
    engine.main(["--data", "seed", "--seeds", "1", "--options", "epochs=1", "--json", str(target)])
    printed = capsys.readouterr().out
    assert "| Integrity | 100.0 | 100.0 |" in printed
    assert "Peak memory" in printed
    assert '"train seconds"' in target.read_text(encoding="utf-8")


def test_a_generator_that_fails_is_reported_not_hidden(benchmark, capsys):
    pytest.importorskip("torch")
    outcome = benchmark("_run").run(small_case(benchmark("_data")), 1, options={"epochs": -1})
    assert outcome.table is None
    assert "epochs" in outcome.failure
