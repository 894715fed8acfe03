"""Several synthetic tables of one real table side by side: who may have which, and how they score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._evaluation import KIND, SCHEMA_VERSION, Evaluation, write_text

if TYPE_CHECKING:
    import os

__all__ = ["Comparison", "compare_evaluations"]

_KIND = "gretel_fin_synth.comparison"
_MOST = 8  # tables that colours can tell apart


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evaluations of several synthetic tables against one real table.

    Made by :func:`compare_evaluations`. Printed, it is a table; in a notebook it shows the report.

    Attributes
    ----------
    evaluations : mapping of str to dict
        What :meth:`Evaluation.to_dict` returns for each table, by the name that was given to it.
    """

    evaluations: Mapping[str, Mapping[str, Any]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables, in the order given."""
        return tuple(self.evaluations)

    @property
    def audiences(self) -> dict[str, tuple[str, ...]]:
        """Who may have each table."""
        return {name: tuple(found["verdict"]["audiences"]) for name, found in self.evaluations.items()}

    @property
    def scores(self) -> dict[str, dict[str, float | None]]:
        """Scores by measure and table, and under ``"holdout"`` the reference that most of them share.

        References differ a little where a measure cuts the holdout to the size of the synthetic table; the
        one of the first table that has one is given.
        """
        rows: dict[str, dict[str, float | None]] = {}
        for measure in self._measures():
            results = {name: found["results"].get(measure) for name, found in self.evaluations.items()}
            known = [result["reference"] for result in results.values() if result is not None]
            rows[measure] = {
                **{name: None if result is None else result["score"] for name, result in results.items()},
                "holdout": next((value for value in known if value is not None), None),
            }
        return rows

    def __str__(self) -> str:
        columns = [*self.names, "holdout"]
        width = max(len(title) for title in (*self._measures().values(), "May go to"))
        wide = {name: max(len(name), 9) for name in columns}
        lines = [" " * width + "".join(f"  {name:>{wide[name]}}" for name in columns)]
        for measure, row in self.scores.items():
            cells = "".join(f"  {_written(row[name]):>{wide[name]}}" for name in columns)
            lines.append(f"{self._measures()[measure]:<{width}}{cells}")
        lines += [f"{name} may go to: {', '.join(who) or 'nobody'}" for name, who in self.audiences.items()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.names)}>"

    def _repr_html_(self) -> str:
        from gretel_fin_synth.evaluation.report import framed, render_comparison

        return framed(render_comparison(self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, text and numbers, as JSON holds them.

        Returns
        -------
        dict
            ``kind`` and ``schema_version`` say what it is; ``names``, ``audiences``, ``scores`` and the
            ``evaluations`` by name.
        """
        return {
            "kind": _KIND,
            "schema_version": SCHEMA_VERSION,
            "names": list(self.names),
            "audiences": {name: list(who) for name, who in self.audiences.items()},
            "scores": self.scores,
            "evaluations": {name: dict(found) for name, found in self.evaluations.items()},
        }

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return :meth:`to_dict` as JSON text, and write it to a file if a path is given."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        if path is not None:
            write_text(Path(path), text)
        return text

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as one HTML page that needs no network, and write it if a path is given."""
        from gretel_fin_synth.evaluation.report import render_comparison

        text = render_comparison(self.to_dict())
        if path is not None:
            write_text(Path(path), text)
        return text

    def _measures(self) -> dict[str, str]:
        """Return the titles of all measures that ran for some table."""
        return {
            name: measure["title"]
            for found in self.evaluations.values()
            for name, measure in found["measures"].items()
        }


def compare_evaluations(evaluations: Mapping[str, Evaluation | Mapping[str, Any]]) -> Comparison:
    """Put the evaluations of several synthetic tables of one real table side by side.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        Two to eight evaluations by the names under which they are shown; what :meth:`Evaluation.to_dict`
        returned, or its JSON read back, will do as well.

    Returns
    -------
    Comparison
        With ``to_html``, ``to_json`` and ``to_dict``.

    Raises
    ------
    ParameterError
        There are fewer than two or more than eight, one is no evaluation, or they were not made of the same
        real table and the same holdout.

    Examples
    --------
    >>> import gretel_fin_synth as fs
    >>> bank = fs.make_transactions(60, start="2024-01-01", end="2024-04-30", seed=1)
    >>> train, holdout = fs.split_customers(bank, 0.5, seed=1)
    >>> chosen = {"holdout": holdout, "measures": ["replay", "sqs"]}
    >>> both = {
    ...     "copy": fs.evaluate(train, train, **chosen),
    ...     "unseen": fs.evaluate(train, holdout, **chosen),
    ... }
    >>> comparison = fs.compare_evaluations(both)
    >>> comparison.audiences["copy"]
    ()
    """
    if not isinstance(evaluations, Mapping) or not 2 <= len(evaluations) <= _MOST:
        count = len(evaluations) if isinstance(evaluations, Mapping) else type(evaluations).__name__
        msg = (
            f"A comparison needs a mapping of 2 to {_MOST} evaluations by name, got {count!r}.\n\n"
            "Hint: compare_evaluations({'a': evaluate(real, a), 'b': evaluate(real, b)})"
        )
        raise ParameterError(msg)
    found = {str(name): _as_dict(str(name), evaluation) for name, evaluation in evaluations.items()}
    _check_same(found)
    return Comparison(found)


def _as_dict(name: str, evaluation: Evaluation | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(evaluation, Evaluation):
        return evaluation.to_dict()
    if isinstance(evaluation, Mapping) and evaluation.get("kind") == KIND:
        if evaluation.get("schema_version") == SCHEMA_VERSION:
            return evaluation
        msg = (
            f"The evaluation {name!r} has layout {evaluation.get('schema_version')!r}; this version reads "
            f"layout {SCHEMA_VERSION!r}.\n\nHint: evaluate the table again"
        )
        raise ParameterError(msg)
    msg = (
        f"{name!r} is no evaluation but a {type(evaluation).__name__!r}.\n\n"
        "Hint: evaluate(real, synthetic, holdout=holdout), or its to_dict()"
    )
    raise ParameterError(msg)


def _check_same(found: Mapping[str, Mapping[str, Any]]) -> None:
    first, *others = found
    for table in ("real", "holdout"):
        facts = found[first]["tables"].get(table)
        for name in others:
            other = found[name]["tables"].get(table)
            if other != facts:
                msg = (
                    f"{first!r} and {name!r} were evaluated against different tables: the {table} table of "
                    f"{first!r} is {_facts(facts)}, that of {name!r} is {_facts(other)}.\n\n"
                    "Hint: evaluate every synthetic table with the same real table and holdout"
                )
                raise ParameterError(msg)


def _facts(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return "absent"
    return f"{facts['rows']:,} rows of {facts['customers']:,} customers from {facts['first_date']}"


def _written(score: float | None) -> str:
    return "unknown" if score is None else f"{score:.0f}"
