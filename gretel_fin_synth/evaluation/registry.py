"""The measures that an evaluation runs: one function and one registration each."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from gretel_fin_synth.evaluation._table import Table

    MeasureFunction = Callable[[Table, Table, Table | None, np.random.Generator], Result]

__all__ = [
    "PLANNED",
    "Measure",
    "available_measures",
    "get_measure",
    "register_measure",
    "unregister_measure",
]


@dataclass(frozen=True)
class Measure:
    """A registered measure.

    Attributes
    ----------
    name : str
        Key in ``Evaluation.results`` and in the JSON.
    function : callable or str
        A pure function of (real, synthetic, holdout or None, random generator), or ``"module:name"`` of one,
        imported when it is first run.
    title : str
        Heading in the report.
    question : str
        What the measure answers, in one sentence.
    """

    name: str
    function: MeasureFunction | str
    title: str
    question: str

    def run(self, real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Result:
        """Run the measure.

        Raises
        ------
        ParameterError
            What the function returned lacks an attribute of :class:`~.results.Result`.
        """
        result = self._callable()(real, synthetic, holdout, rng)
        if not isinstance(result, Result):
            msg = (
                f"Measure {self.name!r} returned a {type(result).__name__!r}, which lacks one of score, "
                "grade, reference, breakdown, concerns and notes.\n\n"
                "Hint: from gretel_fin_synth.evaluation import Score; return Score(score=...)"
            )
            raise ParameterError(msg)
        return result

    def _callable(self) -> MeasureFunction:
        if not isinstance(self.function, str):
            return self.function
        module, _, name = self.function.partition(":")
        return cast("MeasureFunction", getattr(importlib.import_module(module), name))


PLANNED: dict[str, str] = {
    "dps": "Data Privacy Score (membership and attribute inference protection)",
    "attacks": "attacks on rows and customers (singling out, linkability, inference, membership)",
    "utility": "utility of models trained on the synthetic table",
}
"""Measures that an evaluation always has a place for; listed as not tested while none is registered."""

_HERE = "gretel_fin_synth.evaluation"
_MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "integrity",
            f"{_HERE}.integrity:integrity",
            "Integrity",
            "Is the table sound: do balances add up, is it in order, complete and within the known?",
        ),
        Measure(
            "replay",
            f"{_HERE}.replay:replay",
            "Replay",
            "How many rows and runs of transactions are real ones played back?",
        ),
        Measure(
            "fidelity",
            f"{_HERE}.fidelity:fidelity",
            "Transaction fidelity",
            "Do amounts, days, sequences, customers, balances and habits look real?",
        ),
        Measure(
            "sqs",
            f"{_HERE}.sqs:sqs",
            "Synthetic Quality Score (SQS)",
            "Gretel's score: do columns and pairs of columns have the same distributions?",
        ),
        Measure(
            "dps",
            f"{_HERE}.dps:dps",
            "Data Privacy Score (DPS)",
            "Gretel's score: do simulated attacks on rows learn who was in the data, and what of them?",
        ),
        Measure(
            "attacks",
            f"{_HERE}.attacks:attacks",
            "Attacks",
            "What can be learned of real customers from the table that cannot be learned of others?",
        ),
        Measure(
            "discriminator",
            f"{_HERE}.discriminator:discriminator",
            "Classifier test",
            "Can a classifier tell synthetic rows and customers from real ones?",
        ),
        Measure(
            "utility",
            f"{_HERE}.utility:utility",
            "Utility",
            "Do models trained on the table serve real customers as well as models trained on real data?",
        ),
    )
}


def register_measure(
    name: str,
    function: MeasureFunction | str,
    *,
    title: str | None = None,
    question: str = "",
    replace: bool = False,
) -> None:
    """Add a measure to every evaluation from now on.

    Parameters
    ----------
    name : str
        Key of the result, a Python identifier such as ``"weekend_share"``.
    function : callable or str
        A pure function ``f(real, synthetic, holdout, rng)`` of three :class:`~._table.Table` (the last may be
        None) and a :class:`numpy.random.Generator`, that returns a :class:`Score` or another
        :class:`~.results.Result`; or ``"package.module:function"``, which is imported when first run. It must
        not change its arguments and must draw random numbers from ``rng`` only.
    title, question : str
        Heading and one sentence for the report.
    replace : bool
        Whether a measure of the same name may be replaced.

    Raises
    ------
    ParameterError
        The name is not an identifier, or is taken.

    Examples
    --------
    >>> from gretel_fin_synth.evaluation import Score, available_measures, register_measure
    >>> def weekend_share(real, synthetic, holdout, rng):
    ...     gap = abs((real.weekday >= 5).mean() - (synthetic.weekday >= 5).mean())
    ...     return Score(score=100 * (1 - gap))
    >>> register_measure("weekend_share", weekend_share, question="Is as much paid on weekends?")
    >>> "weekend_share" in available_measures()
    True
    >>> unregister_measure("weekend_share")
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        msg = f"A measure's name must be an identifier, got {name!r}.\n\nHint: 'weekend_share'"
        raise ParameterError(msg)
    if name in _MEASURES and not replace:
        msg = (
            f"There is a measure {name!r} already.\n\n"
            f"Hint: register_measure({name!r}, ..., replace=True), or take another name"
        )
        raise ParameterError(msg)
    _MEASURES[name] = Measure(
        name, function, name.replace("_", " ").capitalize() if title is None else title, question
    )


def unregister_measure(name: str) -> None:
    """Take a measure out of later evaluations.

    Raises
    ------
    ParameterError
        There is no such measure.
    """
    get_measure(name)
    del _MEASURES[name]


def available_measures() -> tuple[str, ...]:
    """Return the names of the registered measures, in the order in which they run."""
    return tuple(_MEASURES)


def get_measure(name: str) -> Measure:
    """Return a registered measure.

    Raises
    ------
    ParameterError
        There is no measure of that name.
    """
    if name not in _MEASURES:
        msg = f"There is no measure {name!r}; there are {list(_MEASURES)!r}.\n\nHint: available_measures()"
        raise ParameterError(msg)
    return _MEASURES[name]
