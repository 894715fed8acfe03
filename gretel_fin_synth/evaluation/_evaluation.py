"""The evaluation of one synthetic table: run every measure, keep the results as data, reach a verdict."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth._atomic import new_file
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._at_size import MOST_ROWS
from gretel_fin_synth.evaluation._inputs import (
    ALL_ROWS,
    TableFacts,
    checked_rows,
    coverage,
    facts_of,
    read_any,
)
from gretel_fin_synth.evaluation._pictures import draw_data
from gretel_fin_synth.evaluation.dps import dps
from gretel_fin_synth.evaluation.registry import Measure, available_measures, get_measure
from gretel_fin_synth.evaluation.results import plain
from gretel_fin_synth.evaluation.sqs import check_identifiers, sqs
from gretel_fin_synth.evaluation.verdict import Verdict, reach_verdict

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from gretel_fin_synth.evaluation.fidelity import Fidelity
    from gretel_fin_synth.evaluation.results import Result, Score

__all__ = ["SCHEMA_VERSION", "Evaluation", "TableFacts", "evaluate"]

SCHEMA_VERSION = 1
"""Version of the layout of :meth:`Evaluation.to_dict`; rises when a key moves, goes or changes meaning."""

KIND = "gretel_fin_synth.evaluation"
"""What :meth:`Evaluation.to_dict` calls itself."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured on a synthetic table, the verdict, and the report.

    Made by :func:`evaluate`. Printed, it is the verdict and the scores; in a notebook it shows the report.

    Attributes
    ----------
    results : mapping of str to Result
        The result of each measure by name, in the order in which they ran; built-in ones are attributes too.
    verdict : Verdict
        Who may have the table, and why no one else.
    tables : mapping of str to TableFacts
        Facts about ``"real"``, ``"synthetic"`` and, if there is one, ``"holdout"``.
    measures : mapping of str to Measure
        The measures that ran.
    pictures : mapping of str to Any
        Numbers behind the plots of the report.
    seed : int
        The seed of all random draws.
    """

    results: Mapping[str, Result]
    verdict: Verdict
    tables: Mapping[str, TableFacts]
    measures: Mapping[str, Measure]
    pictures: Mapping[str, Any]
    seed: int

    @property
    def sqs(self) -> Score | None:
        """Synthetic Quality Score; None if it did not run."""
        return self.results.get("sqs")  # type: ignore[return-value]

    @property
    def fidelity(self) -> Fidelity | None:
        """Fidelity of amounts, days, sequences, customers, balances and habits; None if it did not run."""
        return self.results.get("fidelity")  # type: ignore[return-value]

    @property
    def integrity(self) -> Score | None:
        """Counts of broken rows; None if it did not run."""
        return self.results.get("integrity")  # type: ignore[return-value]

    @property
    def replay(self) -> Score | None:
        """Shares of real history played back; None if it did not run."""
        return self.results.get("replay")  # type: ignore[return-value]

    @property
    def dps(self) -> Result | None:
        """Data Privacy Score; None if it was not tested."""
        return self.results.get("dps")

    @property
    def attacks(self) -> Result | None:
        """Attacks on rows and customers; None if they were not tested."""
        return self.results.get("attacks")

    @property
    def utility(self) -> Result | None:
        """Utility of models trained on the synthetic table; None if it was not tested."""
        return self.results.get("utility")

    @property
    def all_rows(self) -> tuple[str, ...]:
        """What was measured on all rows of all tables, as ``"fidelity.amounts"``; the rest on a sample.

        Empty if every table was read whole, where there is nothing to tell apart.
        """
        if all(facts.sampled_rows is None for facts in self.tables.values()):
            return ()
        return tuple(path for path in ALL_ROWS if path.partition(".")[0] in self.results)

    def __getitem__(self, name: str) -> Result:
        if name not in self.results:
            msg = (
                f"No measure {name!r} was run; there are {list(self.results)!r}.\n\n"
                f"Hint: register_measure({name!r}, function) before evaluate(...)"
            )
            raise ParameterError(msg)
        return self.results[name]

    def __str__(self) -> str:
        lines = [
            str(self.verdict),
            *coverage(self.tables),
            "Scores (0 to 100, beside a holdout of real customers):",
        ]
        for name, result in self.results.items():
            score = "unknown" if result.score is None else f"{result.score:.0f}"
            grade = "" if result.grade is None else f" ({result.grade})"
            beside = "no holdout" if result.reference is None else f"holdout {result.reference:.0f}"
            lines.append(f"  {self.measures[name].title}: {score}{grade}, {beside}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        scores = ", ".join(
            f"{name}={result.score:.1f}" for name, result in self.results.items() if result.score is not None
        )
        return f"<Evaluation {scores}; {self.verdict.headline}>"

    def _repr_html_(self) -> str:
        from gretel_fin_synth.evaluation.report import notebook_html

        return notebook_html(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, text and numbers, as JSON holds them.

        Returns
        -------
        dict
            ``kind`` and ``schema_version`` say what it is; the other keys are ``seed``, ``verdict``,
            ``tables``, ``all_rows`` and ``coverage`` (of tables that were not read whole, what was measured
            on all rows, by name and in words), ``results`` (by measure), ``measures`` (their titles and
            questions), ``pictures``.
        """
        return {
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "seed": self.seed,
            "verdict": {**plain(self.verdict), "text": str(self.verdict)},
            "tables": plain(self.tables),
            "all_rows": list(self.all_rows),
            "coverage": coverage(self.tables),
            "results": plain(self.results),
            "measures": {
                name: {"title": measure.title, "question": measure.question}
                for name, measure in self.measures.items()
            },
            "pictures": plain(self.pictures),
        }

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return :meth:`to_dict` as JSON text, and write it to a file if a path is given.

        Parameters
        ----------
        path : path-like, optional
            Where to write; the file is complete or not there at all.
        """
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        if path is not None:
            write_text(Path(path), text)
        return text

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as one HTML page that needs no network, and write it if a path is given.

        Parameters
        ----------
        path : path-like, optional
            Where to write; the file is complete or not there at all.
        """
        from gretel_fin_synth.evaluation.report import render

        text = render(self.to_dict())
        if path is not None:
            write_text(Path(path), text)
        return text


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any | None = None,
    seed: int = 0,
    identifiers: str = "exclude",
    minor_units: int = 2,
    measures: Iterable[str] | None = None,
    privacy: object | None = None,
    max_rows: int = MOST_ROWS,
) -> Evaluation:
    """Judge a synthetic table of transactions beside the real one.

    Parameters
    ----------
    real : dataframe or path
        The transactions that the generator learned from; balances need not add up. A dataframe in memory, a
        lazy one (polars, duckdb, ibis, PySpark, dask), or CSV or Parquet files, a folder or a pattern.
    synthetic : dataframe or path
        The table to judge. It may be broken (empty cells, unreadable dates, wrong balances): that is
        measured, not refused.
    holdout : dataframe or path, optional
        Transactions of other real customers, which the generator never saw. They show what a perfect table
        would score. Best as many as the synthetic ones.
    seed : int
        Seed of all random draws; the same seed gives the same evaluation.
    identifiers : {"exclude", "include"}
        Whether SQS and DPS count ``customer_id`` as a field.
    minor_units : int
        Decimals of the currency.
    measures : iterable of str, optional
        Names of the measures to run; all registered ones by default.
    privacy : PrivacyStatement or str, optional
        What the generator promises, such as ``synthesizer.privacy_``; the verdict and the report repeat it.
        Without one, no table is for the public.
        What is measured here compares with the real table, without noise, and is outside such a promise.
    max_rows : int, default 500,000
        Lazy tables and files with more rows are not brought into memory. What adds up (integrity, replay,
        amounts, days, categories) is counted over all of their rows, in groups of whole customers; the rest
        is measured on whole customers with at most so many rows, drawn by a hash of seed and id.
        ``Evaluation.tables`` and ``Evaluation.all_rows`` tell which is which.

    Returns
    -------
    Evaluation
        Results, verdict and report.

    Raises
    ------
    SchemaViolation
        ``real`` or ``holdout`` is not a table of transactions.
    ParameterError
        A table is empty or lacks columns, or an option has a value that cannot work.

    Examples
    --------
    >>> import gretel_fin_synth as fs
    >>> bank = fs.make_transactions(60, start="2024-01-01", end="2024-06-30", seed=1)
    >>> first = bank["customer_id"] <= "CUST_030"
    >>> evaluation = fs.evaluate(bank[first], bank[first], holdout=bank[~first])
    >>> evaluation.fidelity.score
    100.0
    >>> evaluation.verdict.audiences
    ()
    """
    check_identifiers(identifiers)
    seed = _checked_seed(seed)
    chosen = {name: get_measure(name) for name in (available_measures() if measures is None else measures)}
    max_rows = checked_rows(max_rows)
    read = partial(read_any, minor_units=minor_units, max_rows=max_rows, seed=seed)
    tables = {"real": read(real, "real"), "synthetic": read(synthetic, "synthetic")}
    if holdout is not None:
        tables["holdout"] = read(holdout, "holdout")
    left, right, outside = tables["real"], tables["synthetic"], tables.get("holdout")
    results = {
        name: _with_options(measure, identifiers).run(left, right, outside, _generator(seed, name))
        for name, measure in chosen.items()
    }
    return Evaluation(
        results=results,
        verdict=reach_verdict(results, left, right, outside, "" if privacy is None else str(privacy)),
        tables={name: facts_of(table) for name, table in tables.items()},
        measures=chosen,
        pictures=draw_data(left, right, outside, _generator(seed, "pictures")),
        seed=seed,
    )


def _checked_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        msg = f"seed must be an integer, 0 or above, got {seed!r}.\n\nHint: evaluate(real, synthetic, seed=0)"
        raise ParameterError(msg)
    return int(seed)


def _generator(seed: int, name: str) -> np.random.Generator:
    """Make a generator of each measure's own, so that one more measure changes no other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _with_options(measure: Measure, identifiers: str) -> Measure:
    functions = {"sqs": sqs, "dps": dps}
    if measure.name in functions and identifiers != "exclude":
        return replace(measure, function=partial(functions[measure.name], identifiers=identifiers))
    return measure


def write_text(path: Path, text: str) -> None:
    """Write beside the target, then rename, so that the target is never half a file."""
    with new_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
