"""Navigator of the fake service: rows of transactions, or given rows with a starting amount."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Navigator", "Stream"]

MODELS = [
    {"model_id": "gretelai/auto", "model_type": "TABULAR"},
    {"model_id": "gretelai-google/gemini", "model_type": "tabular"},
    {"model_id": "gretelai/natural", "model_type": "natural"},
]
KINDS = (("credit", "salary"), ("debit", "rent"), ("debit", "groceries"), ("debit", "transport"))
MOST_ROWS = 100
PER_READ = 40


@dataclass
class Stream:
    """A stream and the records that it still has to give."""

    records: list[dict[str, Any]]
    at: int = 0


@dataclass
class Navigator:
    """Makes rows; a test may shape what the next streams give.

    Attributes
    ----------
    shapes : list of callable
        Each is called with the records of one new stream and returns those to give; used up in order.
    """

    rng: np.random.Generator
    streams: dict[str, Stream] = field(default_factory=dict)
    shapes: list[Any] = field(default_factory=list)

    def open(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Open a stream."""
        given = (asked.get("ref_data") or {}).get("data")
        if given:
            rows = [self._edited(row) for row in given["table_data"]]
        else:
            rows = [self._row() for _ in range(min(int(asked["num_rows"]), MOST_ROWS))]
        records = [self.rows_record(rows[i : i + PER_READ]) for i in range(0, len(rows), PER_READ)]
        records.insert(0, {"data_type": "logger.info", "data": "generating"})
        usage = json.dumps({"usage": {"input_bytes": 10, "output_bytes": 100, "total_bytes": 110}})
        records.append({"data_type": "ResponseMetadata", "data": usage})
        if self.shapes:
            records = self.shapes.pop(0)(records)
        uid = f"stream_{len(self.streams) + 1:06d}"
        self.streams[uid] = Stream(records)
        return {"stream_id": uid}

    def read(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Read on in a stream; None if there is no such stream."""
        stream = self.streams.get(str(asked.get("stream_id")))
        if stream is None:
            return None
        found = stream.records[stream.at : stream.at + 2]
        stream.at += len(found)
        ended = stream.at >= len(stream.records)
        reply: dict[str, Any] = {"data": found, "stream_state": {"status": "closed" if ended else "open"}}
        if any(record.get("data_type") == "no data" for record in found):
            del reply["data"]
        return {**reply, "next_iterator": str(stream.at)}

    @staticmethod
    def rows_record(rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Make a record of rows."""
        headers = list(rows[0]) if rows else []
        return {"data_type": "TabularResponse", "data": {"table_headers": headers, "table_data": rows}}

    def _row(self) -> dict[str, Any]:
        kind, category = KINDS[int(self.rng.integers(len(KINDS)))]
        day = np.datetime64("2024-01-01") + int(self.rng.integers(180))
        return {
            "customer_id": f"CUST_{int(self.rng.integers(1, 74)):03d}",
            "transaction_date": str(day),
            "transaction_amount": int(self.rng.integers(100, 200_000)) / 100,
            "transaction_type": kind,
            "transaction_category": category,
        }

    def _edited(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "starting_amount": int(self.rng.integers(0, 1_000_000)) / 100}
