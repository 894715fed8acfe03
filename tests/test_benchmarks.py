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
MODULES = (
    "_data",
    "_docs",
    "_environments",
    "_lines",
    "_measure",
    "_run",
    "_studies",
    "engine",
    "peers",
    "worlds",
)


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
    train, holdout, other = (table[part == number].reset_index(drop=True) for number in range(3))
    return data.Case("small", "", train, holdout, (other,))


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
    monkeypatch.setattr(engine, "several", None)  # what is there is not measured again
    again = ["--data", "seed", "--seeds", "1", "--options", "epochs=1", "--json", str(target), "--resume"]
    engine.main(again)


def test_a_generator_that_fails_is_reported_not_hidden(benchmark, capsys):
    pytest.importorskip("torch")
    outcome = benchmark("_run").run(small_case(benchmark("_data")), 1, options={"epochs": -1})
    assert outcome.table is None
    assert "epochs" in outcome.failure


def test_what_runs_over_its_limit_is_stopped_and_says_so(benchmark):
    outcome = benchmark("_run").run(small_case(benchmark("_data")), 1, limit=0.01)
    assert (outcome.table, outcome.failure) == (None, "stopped after 0 s")


def test_rebuilt_balances_follow_from_the_amounts_whatever_a_peer_has_made(benchmark):
    table = fs.make_transactions(3, start="2024-01-01", end="2024-01-31", seed=2)
    broken = table.sample(frac=1, random_state=1).assign(account_balance=lambda rows: rows.index + 0.123)
    broken["transaction_amount"] *= 1.0001
    broken.loc[broken.index[0], "transaction_amount"] = float("nan")
    rebuilt = benchmark("peers").with_balances(broken)
    assert fs.check_balance(rebuilt).ok
    assert len(rebuilt) == len(table) - 1


def test_a_claim_is_met_only_where_the_engine_beats_every_peer(benchmark):
    peers = benchmark("peers")
    rival = peers.PEERS[peers.RIVAL].title
    groups = dict.fromkeys(("Q", *peers.GROUPS), 90.0)
    lines = {
        peers.ENGINE: {**groups, **dict.fromkeys(peers.FASTER, 10.0)},
        rival: {**groups, "balance": 80.0, "Q": 89.0, **dict.fromkeys(peers.FASTER, 20.0)},
        f"{rival}, balances rebuilt": {**groups, "balance": 70.0},
    }
    verdicts = {line.split(":")[0].strip("- "): line for line in peers.claims(lines, reused=False)}
    assert verdicts["balance"].endswith("pass")
    assert verdicts["amounts"].endswith("MISS")
    assert verdicts["Q"].endswith("MISS")
    assert verdicts["train s"].endswith("pass")
    assert verdicts["rows/s"].endswith("MISS")


def test_linear_growth_passes_and_quadratic_growth_does_not(benchmark):
    studies = benchmark("_studies")

    def verdict(power: float) -> str:
        sizes = [
            {
                "customers": 1,
                "rows": rows,
                "train CPU seconds": rows**power,
                "rows/s, large": 1,
                "peak MiB": 1,
            }
            for rows in (1000, 3000, 9000)
        ]
        return studies.scaling_table(sizes)[-1]

    assert verdict(1.0).endswith("1.00: pass.")
    assert verdict(2.0).endswith("2.00: MISS.")


def test_an_ablation_shows_what_is_lost_seed_by_seed(benchmark):
    studies = benchmark("_studies")

    def result(seed: int, level: float):
        return {"seed": seed, "engine": dict.fromkeys(studies.ABLATED, level), "costs": {}}

    lines = studies.ablation(
        {"": [result(1, 90.0), result(2, 80.0)], "copy": [result(1, 85.0), result(2, 73.0)]}
    )
    assert lines[2].startswith("| **all of it** | 85.0 |")
    assert lines[3].startswith("| without `copy` | -6.0 |")


def test_a_table_is_renewed_between_its_markers_and_nowhere_else(benchmark, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin a -->\nstale\n<!-- end a -->\nafter\n", encoding="utf-8")
    docs = benchmark("_docs")
    for _ in range(2):
        docs.renew(page, "a", ["| new |"])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- begin a -->\n\n| new |\n")
    assert text.endswith("\n\n<!-- end a -->\nafter\n")
    assert "stale" not in text
    assert text.count("| new |") == 1
    with pytest.raises(SystemExit, match="begin b"):
        docs.renew(page, "b", [])


def test_what_is_published_names_no_file_outside_the_repository(benchmark, monkeypatch):
    docs = benchmark("_docs")
    said = ["engine.py", "--data", "seed", "--json", "/home/me/out.json", "--resume", "--docs"]
    for arguments in (said, ["engine.py", "--json=/home/me/out.json", "--data", "seed", "--docs"]):
        monkeypatch.setattr(sys, "argv", arguments)
        line = docs.circumstances()
        assert "python benchmarks/engine.py --data seed --docs`" in line
        assert "/home" not in line
