"""Measure the embedded engine: fidelity, privacy, soundness, speed, beside other real customers.

    python benchmarks/engine.py                                    # the real bank, seeds 1, 2 and 3
    python benchmarks/engine.py --data seed business --seeds 1
    python benchmarks/engine.py --data all-worlds --json worlds.json
    python benchmarks/engine.py --options epochs=10 hidden_size=64
    python benchmarks/engine.py --ablation                         # and what each mechanism buys
    python benchmarks/engine.py --scaling 10000 30000              # only times and memory, by size of table

For each table and seed it fits the engine in a process of its own, samples as many customers as it learned
from, and measures the result with the evaluation of this library. Three columns stand beside each other: the
engine's, that of other customers of the same bank (the holdout), and that of the training table with every
column shuffled on its own. In all tables but the real bank's the seed draws the customers too, and where a
target is the holdout's figure, the difference is taken seed by seed, and its median counts.

Each line has its target, where there is one, and whether it is met. Seconds are those of this machine, and
longer if other programs share it; the targets of speed are judged by CPU seconds, which on a machine of its
own are no fewer than the seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from ast import literal_eval
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _data import NAMES, expand, load
from _docs import PAGE, renew
from _lines import PASS, collect, overview, table
from _measure import measure, references, with_norm, worst_attack
from _run import end_cleanly, run
from _studies import SIZES, ablation, scaling, scaling_table

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    if options.scaling is not None:
        found = scaling(options.scaling or SIZES, options.seeds[0], options.options)
        print("\n## Costs by size of the table\n")
        show(scaling_table(found), "scaling", options)
        write(options.json, {"scaling": found})
        return
    cases: dict[str, dict[str, list[dict[str, Any]]]] = {}
    known = resumed(options)
    for name in expand(options.data):
        if name in known:
            cases[name] = known[name]
            continue
        results = several(name, options.seeds, options.options)
        if not results:
            continue
        report(name, results, options)
        cases[name] = {"results": results}
        if options.ablation:
            cases[name] |= ablated(name, results, options)
        write(options.json, {"version": fs.__version__, "options": options.options, "cases": cases})
    if len(cases) > 1:
        print("\n## All of them: the engine's figures less the holdout's\n")
        found = {name: collect(case["results"]) for name, case in cases.items()}
        show(overview(found), "overview", options)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=["berka"], choices=NAMES, metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument(
        "--options", nargs="+", type=option, default=[], metavar="KEY=VALUE", help="of TransactionSynthesizer"
    )
    parser.add_argument("--ablation", action="store_true", help="also with each mechanism off")
    parser.add_argument(
        "--scaling", nargs="*", type=int, metavar="ROWS", help="times and memory by size of the stand-in"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every seed")
    parser.add_argument("--resume", action="store_true", help="keep the tables that FILE of --json has")
    parser.add_argument("--docs", type=Path, nargs="?", const=PAGE, metavar="FILE", help="renew its tables")
    parsed = parser.parse_args(arguments)
    parsed.options = dict(parsed.options)
    return parsed


def option(text: str) -> tuple[str, Any]:
    """Read ``key=value``; a value that is no Python literal is text."""
    name, equals, value = text.partition("=")
    if not equals:
        msg = f"{text!r} is not KEY=VALUE, such as epochs=10"
        raise argparse.ArgumentTypeError(msg)
    try:
        return name, literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def resumed(options: argparse.Namespace) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the cases that an interrupted run with the same options and seeds has finished."""
    if not options.resume or options.json is None or not options.json.exists():
        return {}
    content = json.loads(options.json.read_text(encoding="utf-8"))
    if content.get("options") != options.options:
        return {}
    return {
        name: case
        for name, case in content["cases"].items()
        if [result["seed"] for result in case["results"]] == options.seeds
    }


def several(name: str, seeds: Sequence[int], options: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure with each seed, leaving out those without a result."""
    return [result for seed in seeds if (result := judged(name, seed, options)) is not None]


def judged(name: str, seed: int, options: dict[str, Any]) -> dict[str, Any] | None:
    """Fit, sample and measure once; None if there are no data or no result."""
    case = load(name, seed)
    if case is None:
        return None
    print(f"{name}, seed {seed}: {len(case.train):,} rows", end=" ", file=sys.stderr, flush=True)
    outcome = run(case, seed, options=options, large=True)
    if outcome.table is None:
        print(f"\n{name}, seed {seed}: failed: {outcome.failure}", flush=True)
        return None
    holdout, floor = references(case)
    figures = with_norm(measure(case, outcome.table), holdout, floor)
    print(f"trained in {outcome.costs['train seconds']:.0f} s, Q {figures['Q']:.1f}", file=sys.stderr)
    return {
        "about": case.about,
        "seed": seed,
        "train rows": len(case.train),
        "train customers": int(case.train["customer_id"].nunique()),
        "engine": figures,
        "holdout": holdout,
        "floor": floor,
        "costs": outcome.costs,
    }


def report(name: str, results: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Print the table of one case, and what it misses."""
    found = collect(results)
    first = results[0]
    attacks = ", ".join(dict.fromkeys(worst_attack(result["engine"]) for result in results))
    missed = [f"{each.line.title.strip('*')} {each.mark}" for each in found if each.mark not in ("", PASS)]
    print(f"\n## {name}: {first['about']}\n")
    lines = [
        f"{first['train customers']:,} customers and {first['train rows']:,} rows in training",
        "",
        *table(found, [result["seed"] for result in results]),
        "",
        f"Worst attacks: {attacks}.",
        f"Missed: {'; '.join(missed) if missed else 'nothing'}.",
    ]
    show(lines, f"engine {name}", options, alone=len(expand(options.data)) == 1)


def show(lines: list[str], name: str, options: argparse.Namespace, *, alone: bool = True) -> None:
    """Print lines, and write them into the documentation if asked to."""
    print("\n".join(lines), flush=True)
    if options.docs is not None and alone:
        renew(options.docs, name, lines)


def ablated(
    name: str, whole: list[dict[str, Any]], options: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    """Measure the engine with each of its mechanisms off, print what that costs, return the results."""
    from gretel_fin_synth.training.local.options import MECHANISMS

    results = {"": whole}
    for mechanism in MECHANISMS:
        results[mechanism] = several(name, options.seeds, {**options.options, "without": [mechanism]})
    print(f"\n### {name}: what changes without each mechanism (differences to the first line)\n")
    show(ablation(results), f"ablation {name}", options)
    return {f"without {mechanism}": each for mechanism, each in results.items() if mechanism}


def write(path: Path | None, content: dict[str, Any]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    end_cleanly()
    main()
