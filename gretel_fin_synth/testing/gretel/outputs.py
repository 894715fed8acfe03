"""What jobs of the fake service give: records resampled from the table, and reports with fixed scores."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from gretel_fin_synth.testing.gretel.jobs import Script

__all__ = ["packed", "records", "report_html", "report_json"]

CUSTOMER, DATE, CATEGORY = "customer_id", "transaction_date", "transaction_category"

#: Scores that every report has; they are made up and say nothing of the records.
QUALITY = {"synthetic_data_quality_score": 86}
CLASSIC = {
    "field_correlation_stability": 95,
    "principal_component_stability": 91,
    "field_distribution_stability": 81,
}
RECENT = {
    "column_correlation_stability": 95,
    "deep_structure_stability": 91,
    "column_distribution_stability": 81,
}
PRIVACY = {
    "data_privacy_score": 80,
    "membership_inference_attack_score": 88,
    "attribute_inference_attack_score": 71,
}
GRADES = ((80, "Excellent"), (60, "Good"), (40, "Moderate"), (20, "Poor"), (0, "Very Poor"))


def records(table: bytes, n: int, script: Script, rng: np.random.Generator) -> bytes:
    """Draw records: customer, transaction and date of a record each come from a row of the table.

    As the service does, it gives records the ids of the table, in no order, and some records are exact rows
    of the table. Not as the service does, nothing is learned.
    """
    rows = list(csv.reader(io.StringIO(table.decode("utf-8"))))
    header, rows = rows[0], rows[1:]
    own = _own_columns(header, rows)
    n = n if script.records is None else script.records
    customer, what, when = (rng.integers(len(rows), size=n) for _ in range(3))
    copied = rng.random(n) < 0.1
    customer[copied] = when[copied] = what[copied]
    drawn = []
    for i in range(n):
        source = {True: rows[customer[i]], False: rows[what[i]]}
        drawn.append(
            [rows[when[i]][j] if name == DATE else source[name in own][j] for j, name in enumerate(header)]
        )
    for number in range(min(script.spoiled, n)):
        _spoil(drawn[number * n // max(script.spoiled, 1)], header, number)
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *drawn])
    return text.getvalue().encode("utf-8")


def _own_columns(header: list[str], rows: list[list[str]]) -> set[str]:
    """Columns that have one value per customer."""
    if CUSTOMER not in header:
        return set()
    at = header.index(CUSTOMER)
    own = set()
    for j, name in enumerate(header):
        seen: dict[str, str] = {}
        if all(seen.setdefault(row[at], row[j]) == row[j] for row in rows):
            own.add(name)
    return own


def _spoil(row: list[str], header: list[str], number: int) -> None:
    """Make a record that is no transaction."""
    kind = number % 3
    if kind == 0:
        row[header.index(CUSTOMER) if CUSTOMER in header else 0] = ""
    elif kind == 1 and CATEGORY in header:
        row[header.index(CATEGORY)] = "a category of nobody"
    elif DATE in header:
        row[header.index(DATE)] = "2024-02-31"


def report_json(script: Script) -> bytes:
    """Make the report's numbers, in the new form or in that of before summaries."""
    scores = QUALITY | (CLASSIC if script.report == "legacy" else RECENT)
    if script.report != "legacy":
        scores |= PRIVACY
    report: dict[str, Any] = {
        name: {"raw_score": float(score), "grade": _grade(score), "score": score}
        for name, score in scores.items()
    }
    report |= {"privacy_protection_level": None, "memorized_lines": 3, "fatal_error": False, "fields": []}
    if script.report != "legacy":
        report["summary"] = [{"field": name, "value": score} for name, score in scores.items()]
    return json.dumps(report).encode("utf-8")


def report_html(script: Script) -> bytes:
    """Make the report's page."""
    filters = ", ".join(script.switched_off) or "none"
    return f"<html><body><h1>Fake report</h1><p>filters given up: {filters}</p></body></html>".encode()


def packed(data: bytes) -> bytes:
    """Compress, the same bytes each time."""
    return gzip.compress(data, mtime=0)


def _grade(score: float) -> str:
    return next(name for least, name in GRADES if score >= least)
