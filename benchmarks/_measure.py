"""One list of figures for any table beside the one that was learned from: synthetic, held out, or shuffled.

The same functions, those of `gretel_fin_synth.evaluation`, measure all of them, so that a synthetic table's
figure can be read beside those of other real customers and of the training table with its columns shuffled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation import prepare
from gretel_fin_synth.evaluation.attacks.membership import membership_attacks
from gretel_fin_synth.evaluation.discriminator import discriminator
from gretel_fin_synth.evaluation.fidelity import fidelity_groups, group_scores, overall, shuffle_floor
from gretel_fin_synth.evaluation.integrity import integrity
from gretel_fin_synth.evaluation.replay import replay
from gretel_fin_synth.evaluation.sqs import sqs_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from _data import Case

    from gretel_fin_synth.evaluation import Table

    Figures = dict[str, float | None]

MEMBERSHIP = "membership."
WORST = "worst membership attack"
SEED = 0  # of all draws that measuring needs
_KNOWN: dict[str, tuple[Figures, Figures]] = {}


def references(case: Case) -> tuple[Figures, Figures]:
    """Return the figures of other real customers, and of the training table with its columns shuffled.

    Fidelity is the mean of all samples of other customers. What membership attacks make of them is measured
    on a third sample where there is one, and otherwise on half of the holdout, the other half being the
    control.
    """
    if case.name not in _KNOWN:
        found = _references(case)
        if not case.fixed:
            return found
        _KNOWN[case.name] = found
    return _KNOWN[case.name]


def _references(case: Case) -> tuple[Figures, Figures]:
    real, holdout = prepare(case.train), prepare(case.holdout)
    if not case.others:
        halves = np.array_split(np.random.default_rng(SEED).permutation(holdout.n_customers), 2)
        unseen, control = (holdout.select(np.sort(half)) for half in halves)
    else:
        unseen, control = prepare(case.others[0]), holdout
    samples = [fidelity_figures(real, prepare(other)) for other in (case.holdout, *case.others)]
    others = likeness(real, holdout) | mean(samples) | membership(real, unseen, control)
    shuffled = shuffle_floor(real, SEED)
    floor = likeness(real, shuffled) | membership(real, shuffled, holdout)
    return with_norm(others, others, floor), with_norm(floor, others, floor)


def measure(case: Case, table: pd.DataFrame) -> Figures:
    """Return the figures of a synthetic table."""
    real, other = prepare(case.train), prepare(table)
    return likeness(real, other) | membership(real, other, prepare(case.holdout))


def with_norm(figures: Figures, holdout: Figures, floor: Figures) -> Figures:
    """Add where the mean fidelity lies between the floor (0) and the holdout (100)."""
    scale = holdout["Q"] - floor["Q"]
    return figures | {"norm": 100 * (figures["Q"] - floor["Q"]) / scale if scale else None}


def likeness(real: Table, other: Table) -> Figures:
    """Measure all that needs no control: fidelity, replay, the classifier, SQS, integrity, size."""
    figures = fidelity_figures(real, other)
    replayed = replay(real, other, None, np.random.default_rng(SEED)).breakdown
    for part in ("rows", "runs"):
        figures[f"replayed.{part}"] = replayed[part].share
    told = discriminator(real, other, None, np.random.default_rng(SEED)).breakdown
    for part in ("whole_customers", "rows_in_context"):
        figures[f"classifier.{part}"] = told[part].ranking.auc if part in told else None
    figures["sqs"] = sqs_parts(real, other).score
    figures["integrity"] = integrity(real, other).score
    figures["size.rows"] = float(len(other.source))
    figures["size.customers"] = float(other.n_customers)
    return {name: known(value) for name, value in figures.items()}


def fidelity_figures(real: Table, other: Table) -> Figures:
    """Return the mean of the groups, the groups and their members."""
    members = fidelity_groups(real, other)
    groups = group_scores(members)
    figures: Figures = {"Q": overall(groups)}
    for group, score in groups.items():
        figures[group] = score
        figures |= {f"{group}.{name}": 100 * value for name, value in members[group].items()}
    return {name: known(value) for name, value in figures.items()}


def mean(samples: Sequence[Figures]) -> Figures:
    """Return the mean of each figure that all samples have."""
    return {
        name: sum(sample[name] for sample in samples) / len(samples)
        for name in samples[0]
        if all(sample[name] is not None for sample in samples)
    }


def membership(real: Table, other: Table, control: Table) -> Figures:
    """Measure how well each attack finds the training customers among the control's."""
    if min(real.n_customers, control.n_customers) < 4 or not len(other):
        return {WORST: None}
    found = membership_attacks(real, other, control, np.random.default_rng(SEED)).attacks
    areas = {f"{MEMBERSHIP}{name}": ranking.auc for name, ranking in found.items()}
    return {WORST: max(areas.values()), **areas}


def known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def worst_attack(figures: Figures) -> str:
    """Return the name of the attack that finds most."""
    areas = {name: area for name, area in figures.items() if name.startswith(MEMBERSHIP)}
    return max(areas, key=areas.__getitem__).removeprefix(MEMBERSHIP) if areas else ""
