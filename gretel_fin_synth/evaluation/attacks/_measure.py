"""All attacks as one measure: the worst of them speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gretel_fin_synth.evaluation._describe import sample_customers
from gretel_fin_synth.evaluation._ranking import FALSE_ALARMS, Ranking
from gretel_fin_synth.evaluation.attacks._people import CUSTOMER_TITLES, customer_attacks
from gretel_fin_synth.evaluation.attacks._risk import MOST_CONTROL, Risk, risk, success
from gretel_fin_synth.evaluation.attacks._rows import ROW_TITLES, row_attacks
from gretel_fin_synth.evaluation.attacks.membership import (
    LEAST_CUSTOMERS,
    MEMBERSHIP_TITLES,
    membership_attacks,
)
from gretel_fin_synth.evaluation.results import Concern, Score

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

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
        ``breakdown`` has ``on_rows`` and ``on_customers``, with a :class:`Risk` for each attack, and
        ``membership``, with a :class:`~gretel_fin_synth.evaluation._ranking.Ranking` for each. All intervals
        hold jointly at 95 %. ``score`` is 100 less the gain, in points, of the attack whose gain is surest,
        and 100 if none succeeds beyond chance; None without a holdout, for then nobody can say what chance
        gives.
    """
    missing = _missing(train, synthetic, holdout)
    if missing is not None or holdout is None:
        return Score(score=None, notes=(f"Not tested: {missing}.",))
    most = (_MOST_ATTACKED, _MOST_KNOWN, _MOST_ATTACKED)
    tables = [_cut(table, rows, rng) for table, rows in zip((train, synthetic, holdout), most, strict=True)]
    parts: dict[str, Mapping[str, Finding]] = {
        "on_rows": _risks(row_attacks(tables[0], tables[1], tables[2], rng)),
        "on_customers": _risks(customer_attacks(tables[0], tables[1], tables[2], rng)),
        "membership": membership_attacks(tables[0], tables[1], tables[2], rng, level=_LEVEL).attacks,
    }
    findings = {name: finding for part in parts.values() for name, finding in part.items()}
    worst = max(findings.values(), key=proven)
    return Score(
        score=100.0 * (1.0 - gain(worst)) if proven(worst) > 0 else 100.0,
        grade=_level(proven(worst))[2] if proven(worst) > 0 else "Excellent",
        reference=100.0,
        breakdown=parts,
        concerns=tuple(_concerns(parts)),
        notes=tuple(_notes([train, synthetic, holdout], tables, findings)),
    )


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
