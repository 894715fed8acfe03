"""The Data Privacy Score (DPS) that users of Gretel know: two simulated attacks, graded.

Membership inference protection asks whether training rows lie nearer to the synthetic rows than the rows of a
holdout do. Attribute inference protection asks whether the rest of a training row can be read off the
synthetic rows that share a part of it. Both follow NVIDIA's NeMo Safe Synthesizer (Apache-2.0), the open
successor of Gretel's evaluator, described anew.

Differences from the published code, all stated in the result's notes:

* The columns are taken in the order of the real table. There, the order comes from a set of names and differs
  from one process to the next; the score of attribute inference, which rests on a few dozen attacks, moves by
  several points with it. The spread over other orders is reported beside the score.
* A part that scores 0 counts as 0. There, it is left out of the mean, so that the worst result raises the
  score.
* ``customer_id`` is left out unless asked for: new ids hide a copy, and kept ones give everyone away.
* A holdout larger than the published code would have set aside (5 % of the rows, 10 to 2000) is sampled down
  to that.

Know what it does not see. Thresholds are relative to the largest distance, and rates are rounded to one
decimal before they are graded, so a table in which a fifth of the customers are copies, or all of them with a
little noise, scores as well as an honest one. Read :mod:`~gretel_fin_synth.evaluation.attacks` beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._columns import cut_rows, scored_columns
from gretel_fin_synth.evaluation._dps_attributes import AttributeInference, attribute_inference
from gretel_fin_synth.evaluation._dps_membership import (
    LABELS,
    MembershipInference,
    grade_attack,
    membership_inference,
)
from gretel_fin_synth.evaluation.results import Concern, Score, grade_of
from gretel_fin_synth.evaluation.sqs import check_identifiers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gretel_fin_synth.evaluation._table import Table

__all__ = [
    "LABELS",
    "AttributeInference",
    "MembershipInference",
    "attribute_inference",
    "dps",
    "grade_attack",
    "membership_inference",
]

_HOLDOUT_SHARE, _LEAST_HOLDOUT, _MOST_HOLDOUT = 0.05, 10, 2000
_FAR = {"membership_inference_protection": 10.0, "attribute_inference_protection": 20.0}
_ORDERS = 8  # column orders over which the spread is reported


def dps(
    real: Table,
    synthetic: Table,
    holdout: Table | None,
    rng: np.random.Generator,
    *,
    identifiers: str = "exclude",
) -> Score:
    """Return the DPS with its two parts.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`. Without a holdout, the score is
        attribute inference protection alone.
    rng : numpy.random.Generator
        Draws the holdout rows where there are too many, and the other column orders; everything else is
        drawn as the definition says.
    identifiers : {"exclude", "include"}
        Whether ``customer_id`` is a column.

    Returns
    -------
    Score
        0 to 100, with Gretel's grades. A concern is raised for a part that lies far below the holdout's: 10
        points for membership, 20 for attributes, whose score rests on few attacks. The references put the
        holdout in place of the synthetic table; for membership one half of its customers, the other half
        being its holdout.

    Raises
    ------
    ParameterError
        ``identifiers`` is neither of the two words.
    """
    check_identifiers(identifiers)
    columns = scored_columns(real, synthetic, identifiers=identifiers == "include")
    if len(columns) < 2:
        return Score(score=None, notes=("Not measured: the tables share fewer than 2 columns.",))
    parts: dict[str, Score] = {}
    if holdout is not None:
        parts["membership_inference_protection"] = _membership(real, synthetic, holdout, columns, rng)
    parts["attribute_inference_protection"] = _attributes(real, synthetic, holdout, columns, rng)
    score = _mean([part.score for part in parts.values()])
    return Score(
        score=score,
        grade=grade_of(score, LABELS),
        reference=None if holdout is None else _mean([part.reference for part in parts.values()]),
        breakdown=parts,
        concerns=tuple(_concerns(parts)) if identifiers == "exclude" else (),
        notes=tuple(_notes(parts, holdout, identifiers)),
    )


def _membership(
    real: Table, synthetic: Table, holdout: Table, columns: Sequence[str], rng: np.random.Generator
) -> Score:
    found = _membership_of(real, synthetic, holdout, columns, rng)
    reference = None
    if holdout.n_customers >= 2:
        order = rng.permutation(holdout.n_customers)
        halves = np.array_split(order, 2)
        unseen, control = (holdout.select(half) for half in halves)
        reference = _membership_of(real, unseen, control, columns, rng)
    return Score(
        score=found.score,
        grade=grade_of(found.score, LABELS),
        reference=None if reference is None else reference.score,
        breakdown={
            "attacks_by_grade": found.grades,
            "auc_of_the_distances": found.auc,
            "rows_in_each_run": found.rows,
        },
    )


def _membership_of(
    real: Table, other: Table, outside: Table, columns: Sequence[str], rng: np.random.Generator
) -> MembershipInference:
    train, released = cut_rows(real.source, other.source)
    share = int(_HOLDOUT_SHARE * len(real.source))
    size = min(len(outside.source), max(_LEAST_HOLDOUT, min(_MOST_HOLDOUT, share)))
    chosen = np.sort(rng.choice(len(outside.source), size=size, replace=False))
    shared = [name for name in columns if name in outside.source.columns]
    return membership_inference(train, released, outside.source.iloc[chosen], shared)


def _attributes(
    real: Table, synthetic: Table, holdout: Table | None, columns: list[str], rng: np.random.Generator
) -> Score:
    train, released = cut_rows(real.source, synthetic.source)
    found = attribute_inference(train, released, columns)
    orders = [[columns[place] for place in rng.permutation(len(columns))] for _ in range(_ORDERS)]
    others = [attribute_inference(train, released, order).score for order in orders]
    reference = None
    shared = columns if holdout is None else [name for name in columns if name in holdout.source.columns]
    if holdout is not None and len(shared) > 1:
        reference = attribute_inference(*cut_rows(real.source, holdout.source), shared)
    fields = {
        name: Score(
            score=score,
            grade=grade_of(score, LABELS),
            reference=None if reference is None else reference.columns.get(name),
            notes=(f"guessed right {found.accuracy[name]:.0%} of the time",),
        )
        for name, score in found.columns.items()
    }
    return Score(
        score=found.score,
        grade=grade_of(found.score, LABELS),
        reference=None if reference is None else reference.score,
        breakdown=fields,
        notes=(
            f"{found.attacks} attacks. In {_ORDERS} other orders of the columns the score is "
            f"{np.mean(others):.0f} on average, {min(others):.0f} to {max(others):.0f}.",
        ),
    )


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if len(known) == len(scores) else None


def _concerns(parts: Mapping[str, Score]) -> list[Concern]:
    """Name a part that lies far below the holdout's; only membership is sure enough to shut anyone out."""
    concerns = []
    for name, part in parts.items():
        if part.score is None or part.reference is None or part.score >= part.reference - _FAR[name]:
            continue
        forbids = "other teams" if name.startswith("membership") else None
        text = (
            f"{name.replace('_', ' ').capitalize()} (DPS): {part.score:.0f}, where a holdout of real "
            f"customers reaches {part.reference:.0f}"
        )
        concerns.append(Concern(text, forbids=forbids))
    return concerns


def _notes(parts: Mapping[str, Score], holdout: Table | None, identifiers: str) -> list[str]:
    notes = [
        "The score passes tables in which customers are copied with a little noise, or a fifth of them "
        "exactly; the attacks do not.",
        "Columns are taken in the order of the real table; the published code takes them in an order that "
        "differs from run to run.",
    ]
    if any(part.score == 0 for part in parts.values()):
        notes.append("A part scores 0 and counts as such; the published code would leave it out of the mean.")
    if holdout is None:
        notes.append("Without a holdout there is no membership inference: attribute inference alone.")
    if identifiers == "exclude":
        notes.append(
            "customer_id is left out: new ids would hide a copy; "
            "evaluate(..., identifiers='include') counts it."
        )
    return notes
