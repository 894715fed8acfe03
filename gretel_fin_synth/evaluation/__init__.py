"""Judge a synthetic transaction table beside the real one: similarity, integrity, privacy, and a report."""

from __future__ import annotations

from gretel_fin_synth.evaluation._evaluation import SCHEMA_VERSION, Evaluation, TableFacts, evaluate
from gretel_fin_synth.evaluation._layout import json_schema
from gretel_fin_synth.evaluation._table import Table, prepare
from gretel_fin_synth.evaluation.comparison import Comparison, compare_evaluations
from gretel_fin_synth.evaluation.registry import (
    Measure,
    available_measures,
    register_measure,
    unregister_measure,
)
from gretel_fin_synth.evaluation.results import AUDIENCES, GRADES, Concern, Count, Rate, Result, Score
from gretel_fin_synth.evaluation.verdict import Verdict

__all__ = [
    "AUDIENCES",
    "GRADES",
    "SCHEMA_VERSION",
    "Comparison",
    "Concern",
    "Count",
    "Evaluation",
    "Measure",
    "Rate",
    "Result",
    "Score",
    "Table",
    "TableFacts",
    "Verdict",
    "available_measures",
    "compare_evaluations",
    "evaluate",
    "json_schema",
    "prepare",
    "register_measure",
    "unregister_measure",
]
