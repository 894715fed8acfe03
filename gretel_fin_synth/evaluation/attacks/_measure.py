"""All attacks as one measure: the worst of them speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth.evaluation._describe import sample_customers
from gretel_fin_synth.evaluation._ranking import FALSE_ALARMS, Ranking
from gretel_fin_synth.evaluation.attacks._people import CUSTOMER_TITLES, customer_attacks
from gretel_fin_synth.evaluation.attacks._risk import MOST_CONTROL, Risk, risk, success
from gretel_fin_synth.evaluation.attacks._rows import ROW_TITLES, row_attacks
from gretel_fin_synth.evaluation.attacks._single import SINGLE_TITLES
from gretel_fin_synth.evaluation.attacks.membership import (
    LEAST_CUSTOMERS,
    MEMBERSHIP_TITLES,
    membership_attacks,
)
from gretel_fin_synth.evaluation.results import Concern, Score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table
    from gretel_fin_synth.evaluation.results import Count

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Hits = tuple[Bools, Ints]
    Finding = Risk | Ranking

__all__ = ["TITLES", "attacks", "gain", "proven"]

TITLES: Mapping[str, str] = {
    "on_rows": "Attacks on rows",
    "on_customers": "Attacks on customers",
    "membership": "Was this customer in the training data?",
    **ROW_TITLES,
    **CUSTOMER_TITLES,
    **MEMBERSHIP_TITLES,
    "single_customers": "Single customers who stick out",
    **SINGLE_TITLES,
}
"""Groups and attacks in words."""

_COUNT = len(ROW_TITLES) + len(CUSTOMER_TITLES) + len(MEMBERSHIP_TITLES)
_LEVEL = 1 - 0.05 / _COUNT
_MOST_ATTACKED = 150_000  # rows of the real table, and of the holdout, whole customers
_MOST_KNOWN = 400_000  # rows of the synthetic table, whole customers
_FEW = 3  # false alarms that a control must leave room for
_LEVELS = (
    (0.25, "same team", "Very Poor"),
    (0.02, "other teams", "Poor"),
    (0.0, "trusted partners", "Moderate"),
)


def attacks(train: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Score:
    """Attack the training customers through the synthetic table, and customers it never saw beside them.

    Parameters
    ----------
    train, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`; the holdout is the control.
    rng : numpy.random.Generator
        Draws samples, questions and resamples.

    Returns
    -------
    Score
        ``breakdown`` has ``on_rows`` and ``on_customers``, with a :class:`Risk` for each attack;
        ``membership``, with a :class:`~gretel_fin_synth.evaluation._ranking.Ranking` for each, all intervals
        jointly at 95 %; and ``single_customers``, which counts those who stick out one by one. ``score`` is
        100 less the gain, in points, of the attack whose gain is surest, or the share of single customers if
        that is more, and 100 if none succeeds beyond chance. ``reference`` is the score of one half of the
        holdout in place of the synthetic table, the other half being the control. None without a holdout,
        for then nobody can say what chance gives.
    """
    missing = _missing(train, synthetic, holdout)
    if missing is not None or holdout is None:
        return Score(score=None, notes=(f"Not tested: {missing}.",))
    most = (_MOST_ATTACKED, _MOST_KNOWN, _MOST_ATTACKED)
    tables = [_cut(table, rows, rng) for table, rows in zip((train, synthetic, holdout), most, strict=True)]
    parts = _attacked(tables, rng)
    findings = {name: finding for part in _intervals(parts).values() for name, finding in part.items()}
    return Score(
        score=_score(parts),
        grade=_grade(parts),
        reference=_reference(tables, rng),
        breakdown=parts,
        concerns=(*_concerns(_intervals(parts)), *_exposed(parts.get("single_customers", {}))),
        notes=tuple(_notes([train, synthetic, holdout], tables, findings)),
    )


def _attacked(tables: list[Table], rng: np.random.Generator) -> dict[str, Mapping[str, Any]]:
    """Run all attacks on the training customers of the first table, the last being the control."""
    train, synthetic, holdout = tables
    members = membership_attacks(train, synthetic, holdout, rng, level=_LEVEL)
    parts: dict[str, Mapping[str, Any]] = {
        "on_rows": _risks(row_attacks(train, synthetic, holdout, rng)),
        "on_customers": _risks(customer_attacks(train, synthetic, holdout, rng)),
        "membership": members.attacks,
    }
    return parts | ({"single_customers": members.single} if members.single else {})


def _reference(tables: list[Table], rng: np.random.Generator) -> float | None:
    """Return the score of a table that is honest for sure: half of the holdout."""
    train, _, holdout = tables
    if holdout.n_customers < 2 * LEAST_CUSTOMERS:
        return None
    unseen, control = (
        holdout.select(half) for half in np.array_split(rng.permutation(holdout.n_customers), 2)
    )
    return _score(_attacked([train, unseen, control], rng))


def _intervals(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Finding]]:
    """Return the parts whose attacks have an interval."""
    return {name: part for name, part in parts.items() if name != "single_customers"}


def _score(parts: Mapping[str, Mapping[str, Any]]) -> float:
    worst = _worst(parts)
    named = max((count.share or 0.0 for count in parts.get("single_customers", {}).values()), default=0.0)
    return 100.0 * (1.0 - max(named, gain(worst) if proven(worst) > 0 else 0.0))


def _grade(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Grade by the surest gain; a single customer who sticks out is graded as a leak of few."""
    least = proven(_worst(parts))
    if any(count.count for count in parts.get("single_customers", {}).values()):
        least = max(least, _LEVELS[1][0])
    return _level(least)[2] if least > 0 else "Excellent"


def _worst(parts: Mapping[str, Mapping[str, Any]]) -> Finding:
    worst: Finding = max(
        (found for part in _intervals(parts).values() for found in part.values()), key=proven
    )
    return worst


def gain(finding: Finding) -> float:
    """Return what an attacker gains, from 0 (nothing) to 1: the risk, or twice the area beyond chance.

    Of a membership attack it is the share of customers found at few false alarms, where that is more.

    Examples
    --------
    >>> gain(Ranking(0.7, 0.6, 0.8, 0.2, 0.1, 0.3, level=0.95, n_first=250, n_second=250))
    0.4
    """
    if isinstance(finding, Risk):
        return 0.0 if finding.risk is None else finding.risk
    hits = finding.tpr - FALSE_ALARMS if _surely_hit(finding) > 0 else 0.0
    return round(max(0.0, 2.0 * finding.auc - 1.0, hits), 12)


def proven(finding: Finding) -> float:
    """Return the gain that is beyond chance, the lower end of its interval; 0 if there is none.

    Hits at few false alarms count only above the share of three false alarms, for so few say nothing.
    """
    if isinstance(finding, Risk):
        return 0.0 if finding.low is None else finding.low
    return max(0.0, 2.0 * finding.low - 1.0, _surely_hit(finding))


def _surely_hit(ranking: Ranking) -> float:
    enough = ranking.tpr_low > max(FALSE_ALARMS, _FEW / ranking.n_second)
    return ranking.tpr_low - FALSE_ALARMS if enough else 0.0


def _missing(train: Table, synthetic: Table, holdout: Table | None) -> str | None:
    if holdout is None:
        return "there is no holdout, and without customers that the generator never saw there is no control"
    for name, table in (("real", train), ("synthetic", synthetic), ("holdout", holdout)):
        if table.n_customers < LEAST_CUSTOMERS:
            return f"the {name} table has {table.n_customers} customers, of {LEAST_CUSTOMERS} needed"
    return None


def _cut(table: Table, rows: int, rng: np.random.Generator) -> Table:
    size = int(rows * table.n_customers / max(len(table), 1))
    return sample_customers(table, max(size, LEAST_CUSTOMERS), rng)


def _risks(hits: Mapping[str, tuple[Hits, Hits]]) -> dict[str, Risk]:
    return {
        name: risk(success(*attacked, _LEVEL), success(*control, _LEVEL), _LEVEL)
        for name, (attacked, control) in hits.items()
    }


def _level(least: float) -> tuple[float, str, str]:
    return next(level for level in _LEVELS if least >= level[0])


def _concerns(parts: Mapping[str, Mapping[str, Finding]]) -> list[Concern]:
    """Name the worst attack of each group that has one beyond chance."""
    concerns = []
    for part in parts.values():
        worst = max(part, key=lambda name: proven(part[name]))
        succeeding = [name for name in part if proven(part[name]) > 0]
        if succeeding:
            forbids = _level(proven(part[worst]))[1]
            text = _text(worst, part[worst])
            more = f"; {len(succeeding)} of {len(part)} such attacks succeed" if len(succeeding) > 1 else ""
            concerns.append(Concern(text + more, forbids=forbids, hard=forbids == "same team"))
    return concerns


def _exposed(single: Mapping[str, Count]) -> list[Concern]:
    """Name the larger group of customers who stick out, if there is one."""
    name, count = max(single.items(), key=lambda item: item[1].count, default=(None, None))
    if name is None or count is None or count.count == 0:
        return []
    text = (
        f"{TITLES[name]}: {count.count:,} of {count.of:,}, more than chance gives to any of the holdout. "
        "A leak of few histories is a leak"
    )
    return [Concern(text, forbids="other teams")]


def _text(name: str, finding: Finding) -> str:
    title = TITLES[name]
    if isinstance(finding, Risk):
        return (
            f"{title}: succeeds on {finding.attack.rate:.0%} of the training data, and on "
            f"{finding.control.rate:.0%} of the holdout"
        )
    return (
        f"Customers of the training data can be told from others by: {title[0].lower()}{title[1:]} (area "
        f"under the curve {finding.auc:.2f}, where 0.5 is chance; {finding.tpr:.0%} found at 1 % "
        "false alarms)"
    )


def _notes(given: list[Table], used: list[Table], findings: Mapping[str, Finding]) -> list[str]:
    notes = [
        f"Intervals hold for all {_COUNT} attacks together at 95 %.",
        "The holdout is the control: an attack counts by how much better it does on training customers.",
    ]
    ignored = [
        name for name, finding in findings.items() if isinstance(finding, Risk) and finding.risk is None
    ]
    if ignored:
        titles = "; ".join(TITLES[name] for name in ignored)
        notes.append(f"Ignored, for they succeed on over {MOST_CONTROL:.0%} of the holdout too: {titles}.")
    if any(len(before) > len(after) for before, after in zip(given, used, strict=True)):
        sizes = ", ".join(f"{table.n_customers:,}" for table in used)
        notes.append(f"Samples of whole customers were attacked (real, synthetic, holdout: {sizes}).")
    return notes
