"""Customers in ranges: what one worker draws at a time.

Customer k of a seed is the same whoever draws it, so any ranges give the same customers; these lie along the
blocks that the backend draws together, so that nothing is drawn twice.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.schema import DATE
from gretel_fin_synth.training.backend import SampleRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from gretel_fin_synth.training.synthesizer import TransactionSynthesizer

__all__ = ["Range", "Shipment", "draw_range", "make_ranges"]

BUCKET, MONTH = "customer_bucket", "month"


@dataclass(frozen=True)
class Range:
    """Customers ``first`` to ``first + n - 1``; `bucket` is the number of the range."""

    bucket: int
    first: int
    n: int


def make_ranges(backend: Any, n_customers: int, about: int) -> list[Range]:
    """Cut customers into ranges of about so many, along the blocks of a backend that has some."""
    bounds: Callable[[int], tuple[int, int]] | None = getattr(backend, "block_bounds", None)
    ends, last, number = [], 0, 0
    while last < n_customers:
        after = last + about if bounds is None else max(bounds(number)[1], last + 1)
        number += 1
        while bounds is not None and after - last < about and after < n_customers:
            after = bounds(number)[1]
            number += 1
        last = min(after, n_customers)
        ends.append(last)
    firsts = [0, *ends[:-1]]
    return [
        Range(place, first, end - first) for place, (first, end) in enumerate(zip(firsts, ends, strict=True))
    ]


def draw_range(synthesizer: TransactionSynthesizer, part: Range, seed: int, options: dict[str, Any]) -> Any:
    """Draw the customers of a range, finished: new ids, exact balances, valid."""
    backend, finisher = synthesizer._backend("sample"), synthesizer._finisher()
    request = SampleRequest(part.n, seed, part.first, dict(options))
    return finisher.finish(finisher.draw(backend, request))


def months(frame: pd.DataFrame) -> pd.Series[Any]:
    """Month of each row, as ``"2024-03"``."""
    named: pd.Series[Any] = frame[DATE].dt.strftime("%Y-%m")
    return named


@dataclass(frozen=True)
class Shipment:
    """A saved model as bytes, with a seed and options, to be sent to where ranges are drawn.

    Attributes
    ----------
    model : bytes
        The saved model, packed; JSON and arrays, no pickle.
    seed : int
        Decides everything that is random.
    options : dict
        Options of sampling.
    """

    model: bytes = field(repr=False)
    seed: int
    options: dict[str, Any]

    @classmethod
    def of(cls, synthesizer: TransactionSynthesizer, seed: int, options: dict[str, Any]) -> Shipment:
        """Pack a fitted synthesizer."""
        packed = io.BytesIO()
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as file:
            synthesizer.save(folder)
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    file.write(path, path.relative_to(folder))
        return cls(packed.getvalue(), seed, options)

    def draw(self, part: Range) -> pd.DataFrame:
        """Draw a range; the model is unpacked once per process."""
        frame: pd.DataFrame = draw_range(_unpacked(self.model), part, self.seed, self.options)
        return frame

    def describe(self, ranges: list[Range]) -> str:
        """Say as JSON what was drawn, for the folder that holds it."""
        rest = {"seed": self.seed, "options": self.options}
        return json.dumps({**rest, "ranges": [asdict(part) for part in ranges]}, indent=1)


@lru_cache(maxsize=1)
def _unpacked(model: bytes) -> TransactionSynthesizer:
    from gretel_fin_synth.training.synthesizer import TransactionSynthesizer

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(io.BytesIO(model)) as file:
            file.extractall(folder)
        return TransactionSynthesizer.load(folder)
