"""The layout of the JSON that an evaluation writes, as a JSON Schema (draft 2020-12)."""

from __future__ import annotations

from typing import Any

from gretel_fin_synth.evaluation._evaluation import KIND, SCHEMA_VERSION
from gretel_fin_synth.evaluation.results import AUDIENCES

__all__ = ["json_schema"]

_TEXTS = {"type": "array", "items": {"type": "string"}}
_POINTS = {"type": ["number", "null"], "minimum": 0, "maximum": 100}
_AUDIENCE = {"enum": [*AUDIENCES, None]}
_COUNT = {"type": "integer", "minimum": 0}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of what :meth:`Evaluation.to_dict` and :meth:`Evaluation.to_json` give.

    It fixes what programs may rely on within one ``schema_version``: the keys at the top, the verdict, the
    facts of the tables, and that every result has a score, a grade, a reference, a breakdown, concerns and
    notes.
    Measures may add keys of their own. The version rises when a key moves, goes or changes meaning.

    Examples
    --------
    >>> json_schema()["properties"]["schema_version"]
    {'const': 1}
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Evaluation of a synthetic table of transactions",
        **_object(
            {
                "kind": {"const": KIND},
                "schema_version": {"const": SCHEMA_VERSION},
                "seed": _COUNT,
                "verdict": _verdict(),
                "tables": {
                    **_object({"real": _FACTS, "synthetic": _FACTS}),
                    "properties": {"real": _FACTS, "synthetic": _FACTS, "holdout": _FACTS},
                },
                "all_rows": _TEXTS,
                "coverage": _TEXTS,
                "results": {"type": "object", "additionalProperties": {"$ref": "#/$defs/result"}},
                "measures": {
                    "type": "object",
                    "additionalProperties": _object(
                        {"title": {"type": "string"}, "question": {"type": "string"}}
                    ),
                },
                "pictures": {"type": "object"},
            }
        ),
        "additionalProperties": False,
        "$defs": {"result": _result()},
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has these properties, and perhaps more."""
    return {"type": "object", "required": list(properties), "properties": properties}


_FACTS = _object(
    {
        "rows": _COUNT,
        "customers": _COUNT,
        "first_date": {"type": "string", "format": "date"},
        "last_date": {"type": "string", "format": "date"},
        "columns": _TEXTS,
        "unusable": {"type": "object", "additionalProperties": _COUNT},
        "sampled_rows": {"type": ["integer", "null"]},
        "sampled_customers": {"type": ["integer", "null"]},
    }
)


def _verdict() -> dict[str, Any]:
    finding = _object(
        {
            "measure": {"type": "string"},
            "text": {"type": "string"},
            "forbids": _AUDIENCE,
            "hard": {"type": "boolean"},
        }
    )
    return _object(
        {
            "audiences": {"type": "array", "items": {"enum": list(AUDIENCES)}},
            "reasons": _TEXTS,
            "advice": _TEXTS,
            "untested": _TEXTS,
            "findings": {"type": "array", "items": finding},
            "headline": {"type": "string"},
            "text": {"type": "string"},
        }
    )


def _result() -> dict[str, Any]:
    concern = _object({"text": {"type": "string"}, "forbids": _AUDIENCE, "hard": {"type": "boolean"}})
    return _object(
        {
            "score": _POINTS,
            "grade": {"type": ["string", "null"]},
            "reference": _POINTS,
            "breakdown": {"type": "object"},
            "concerns": {"type": "array", "items": concern},
            "notes": _TEXTS,
        }
    )
