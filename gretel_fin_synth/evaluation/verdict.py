"""From the findings of all measures to words: who may have the table, and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gretel_fin_synth.evaluation.registry import PLANNED
from gretel_fin_synth.evaluation.results import AUDIENCES, Concern, worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gretel_fin_synth.evaluation._table import Table
    from gretel_fin_synth.evaluation.results import Result

__all__ = ["Finding", "Verdict", "reach_verdict"]

_FEW_CUSTOMERS = 50
_SURE = 1.64  # standard errors above chance: what 95 of 100 tables without a leak stay below
_PRIVACY = ("attacks", "dps")
_GIVES_AWAY = ("replay", *_PRIVACY)
_FORMAL = "a formal guarantee such as differential privacy, which no look at a table can give"
_STATED = "whether the generator keeps the guarantee that it states, which no look at a table can show"
_ALWAYS_UNTESTED = (
    "the generator itself: an attacker who can retrain or query it may learn more than from this one table",
    _FORMAL,
    "links to other data that an attacker may hold about the same customers",
)


@dataclass(frozen=True)
class Finding:
    """A concern and the measure that raised it.

    Attributes
    ----------
    measure : str
        Name of the measure, ``"evaluation"`` for what concerns the evaluation as a whole.
    text : str
        What was found.
    forbids : str or None
        The narrowest audience that may not have the table because of it.
    hard : bool
        Whether the table is broken.
    """

    measure: str
    text: str
    forbids: str | None
    hard: bool


@dataclass(frozen=True)
class Verdict:
    """Who may have the table, and why no one else.

    Printed, it is a few sentences. It follows the worst finding, never an average.

    Attributes
    ----------
    audiences : tuple of str
        Audiences that may have the table, from the narrowest; empty if it should not be used at all.
    reasons : tuple of str
        Why wider audiences may not have it, the gravest first.
    advice : tuple of str
        What shuts no one out but should be looked at.
    untested : tuple of str
        What this evaluation did not test.
    findings : tuple of Finding
        All findings, the gravest first.
    guarantee : str
        What the generator promises to every customer, in its own words; empty if it promises nothing.
    """

    audiences: tuple[str, ...]
    reasons: tuple[str, ...]
    advice: tuple[str, ...]
    untested: tuple[str, ...]
    findings: tuple[Finding, ...]
    guarantee: str = ""

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if not self.audiences:
            return "Do not use this table."
        if self.audiences == AUDIENCES:
            return (
                "Nothing found speaks against giving this table to anyone, the public included, as long as "
                "the generator keeps the guarantee that it states."
            )
        shut = [audience for audience in AUDIENCES if audience not in self.audiences]
        return f"May go to: {', '.join(self.audiences)}. Not to: {', '.join(shut)}."

    def __str__(self) -> str:
        lines = [self.headline]
        for title, items in (
            ("Because:", self.reasons),
            ("Stated by the generator:", (self.guarantee,) if self.guarantee else ()),
            ("Look at:", self.advice),
            ("Not tested:", self.untested),
        ):
            if items:
                lines += [title, *(f"  - {item}" for item in items)]
        return "\n".join(lines)


def reach_verdict(
    results: Mapping[str, Result],
    real: Table,
    synthetic: Table,
    holdout: Table | None,
    guarantee: str = "",
) -> Verdict:
    """Combine the concerns of all measures; the worst decides.

    Parameters
    ----------
    results : mapping of str to Result
        Result of each measure that ran.
    real, synthetic, holdout : Table
        The tables, whose sizes limit what can be known.
    guarantee : str
        What the generator promises, in words. It is passed on, not tested; without one, a table is not for
        the public, whatever the attacks found.
    """
    findings = [
        Finding(name, concern.text, concern.forbids, concern.hard)
        for name, result in results.items()
        for concern in result.concerns
    ]
    findings += [
        Finding("evaluation", concern.text, concern.forbids, concern.hard)
        for concern in _limits(results, real, synthetic, holdout, guarantee)
    ]
    findings.sort(key=_gravity)
    forbidden = worst(finding.forbids for finding in findings)
    allowed = AUDIENCES if forbidden is None else AUDIENCES[: AUDIENCES.index(forbidden)]
    return Verdict(
        audiences=tuple(allowed),
        reasons=tuple(finding.text for finding in findings if finding.forbids is not None),
        advice=tuple(finding.text for finding in findings if finding.forbids is None),
        untested=_untested(results, holdout, guarantee),
        findings=tuple(findings),
        guarantee=guarantee,
    )


def _gravity(finding: Finding) -> tuple[bool, int, bool]:
    """Order findings: what makes a table unusable, then by audience; what gives customers away first."""
    reach = len(AUDIENCES) if finding.forbids is None else AUDIENCES.index(finding.forbids)
    return not finding.hard, reach, finding.measure not in _GIVES_AWAY


def _limits(
    results: Mapping[str, Result], real: Table, synthetic: Table, holdout: Table | None, guarantee: str
) -> list[Concern]:
    """Return what the evaluation cannot know, as concerns."""
    limits = []
    if holdout is None:
        limits.append(
            Concern(
                "There is no holdout of real customers that the generator never saw: how much likeness is "
                "chance, and how much is copying, can only be estimated.",
                forbids="trusted partners",
            )
        )
    lacking = [name for name in _PRIVACY if not _tested(name, results)]
    if lacking:
        tests = " and ".join(PLANNED[name] for name in lacking)
        limits.append(Concern(f"Not tested: {tests}.", forbids="trusted partners"))
    tables = {"real table": real, "synthetic table": synthetic, "holdout": holdout}
    sizes = {name: table.n_customers for name, table in tables.items() if table is not None}
    least, smallest = min((size, name) for name, size in sizes.items())
    if least < _FEW_CUSTOMERS:
        limits.append(
            Concern(
                f"The {smallest} has {least} customers only; with fewer than {_FEW_CUSTOMERS} a leak of "
                "single customers cannot be told from chance.",
                forbids="trusted partners",
            )
        )
    if not guarantee:
        limits.append(Concern(_unproven(least), forbids="public"))
    return limits


def _unproven(n_customers: int) -> str:
    """Say why attacks alone do not open a table to the public.

    The area under the curve of an attack that knows nothing, on n customers on either side, has a standard
    error of sqrt((2n + 1) / (12 n²)) (Mann and Whitney 1947).
    """
    error = ((2 * n_customers + 1) / (12 * n_customers**2)) ** 0.5
    return (
        "The generator states no formal guarantee. With "
        f"{n_customers:,} customers, a leak that lets an attack reach an area under the curve of "
        f"{0.5 + _SURE * error:.2f} cannot be told from chance; what is public cannot be called back when "
        "attacks get better."
    )


def _untested(results: Mapping[str, Result], holdout: Table | None, guarantee: str) -> tuple[str, ...]:
    items = [text for name, text in PLANNED.items() if not _tested(name, results)]
    if holdout is None:
        items.append("how a holdout of the same bank fares: no score has a reference")
    always = [_STATED if guarantee and text == _FORMAL else text for text in _ALWAYS_UNTESTED]
    return (*items, *always)


def _tested(name: str, results: Mapping[str, Result]) -> bool:
    """Whether a measure ran and could measure something."""
    return name in results and results[name].score is not None
