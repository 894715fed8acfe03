"""The service's own report on a model: its scores in one form, whatever form they came in."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gretel_fin_synth._atomic import new_file

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["GretelReport", "GretelScore"]

SQS, DPS = "synthetic_data_quality_score", "data_privacy_score"

#: Names of parts, old ones beside the newer.
PARTS = {
    "column_correlation_stability": "field_correlation_stability",
    "deep_structure_stability": "principal_component_stability",
    "column_distribution_stability": "field_distribution_stability",
    "membership_inference_attack_score": None,
    "attribute_inference_attack_score": None,
    "privacy_protection_level": None,
}


@dataclass(frozen=True)
class GretelScore:
    """One score of Gretel's.

    Parameters
    ----------
    score : float or None
        From 0 to 100.
    grade : str or None
        The word for it.
    raw : float or None
        What it was made of.
    """

    score: float | None
    grade: str | None = None
    raw: float | None = None

    @classmethod
    def of(cls, found: Any) -> GretelScore | None:
        """Read a score: a number, or a dictionary; None if it is neither."""
        if isinstance(found, dict):
            score, grade = _number(found.get("score")), found.get("grade")
            if score is None and grade is None:
                return None
            return cls(score, None if grade is None else str(grade), _number(found.get("raw_score")))
        number = _number(found)
        return None if number is None else cls(number)

    def __str__(self) -> str:
        number = "no score" if self.score is None else f"{self.score:g}"
        return number + (f" ({self.grade})" if self.grade else "")


@dataclass(frozen=True)
class GretelReport:
    """What the service says of the model that it trained.

    The scores are Gretel's, computed there on records that it drew itself, without a holdout: do not compare
    them with those of :func:`gretel_fin_synth.evaluate`, which judges the table that you have, beside real
    customers that the model never saw.

    Parameters
    ----------
    sqs : GretelScore or None
        Synthetic Quality Score.
    dps : GretelScore or None
        Data Privacy Score; older reports have none.
    parts : dict of str to GretelScore
        What the two are made of, under the newer names: ``column_correlation_stability``,
        ``deep_structure_stability``, ``column_distribution_stability``,
        ``membership_inference_attack_score``, ``attribute_inference_attack_score``,
        ``privacy_protection_level``.
    raw : dict
        The report as it came.
    page : str or None
        The report as HTML, as it came.

    Examples
    --------
    >>> from gretel_fin_synth import GretelReport
    >>> report = GretelReport.of({"synthetic_data_quality_score": {"score": 86, "grade": "Excellent"}})
    >>> report.sqs.score, report.sqs.grade, report.dps
    (86.0, 'Excellent', None)
    """

    sqs: GretelScore | None
    dps: GretelScore | None
    parts: dict[str, GretelScore]
    raw: dict[str, Any] = field(repr=False)
    page: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, raw: dict[str, Any], page: str | None = None) -> GretelReport:
        """Read a report, with or without a summary, with the old names or the new."""
        said = {
            entry.get("field"): entry.get("value")
            for entry in raw.get("summary") or []
            if isinstance(entry, dict)
        }

        def find(*names: str | None) -> GretelScore | None:
            for source in (raw, said):
                for name in names:
                    score = GretelScore.of(source.get(name)) if name else None
                    if score is not None:
                        return score
            return None

        found = {name: find(name, old) for name, old in PARTS.items()}
        parts = {name: score for name, score in found.items() if score is not None}
        return cls(find(SQS), find(DPS), parts, raw, page)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values."""
        scores = {"sqs": self.sqs, "dps": self.dps, **self.parts}
        return {name: None if score is None else vars(score) for name, score in scores.items()}

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the report as HTML: Gretel's page, or the scores alone if there is none."""
        with new_file(Path(path)) as beside:
            beside.write_text(self.page or self._table(), encoding="utf-8")

    def to_json(self, path: str | PathLike[str]) -> None:
        """Write the report as it came."""
        with new_file(Path(path)) as beside:
            beside.write_text(json.dumps(self.raw, indent=1), encoding="utf-8")

    def __str__(self) -> str:
        lines = [f"Gretel's report: SQS {self.sqs or 'none'}, DPS {self.dps or 'none'}"]
        return "\n".join([*lines, *(f"  {name}: {score}" for name, score in self.parts.items())])

    def _repr_html_(self) -> str:
        return self._table()

    def _table(self) -> str:
        scores = {"SQS": self.sqs, "DPS": self.dps, **self.parts}
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(score or 'none'))}</td></tr>"
            for name, score in scores.items()
        )
        return f"<table><caption>Gretel's report</caption>{rows}</table>"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
