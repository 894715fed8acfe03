"""How much of the synthetic table is real history played back, beside how much of a holdout is.

Fees, round amounts and month ends make honest customers coincide: a share of any new customer's rows occurs
in the real table by chance. So no share is read against 0. It is read against the share of a holdout, with
intervals, or, without one, against the share of real rows that some other real customer has too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._overlap import (
    Hits,
    Overlap,
    Pairs,
    Things,
    most_of_one,
    overlaps,
    single_pairs,
    twosomes,
)
from gretel_fin_synth.evaluation._traces import all_traces
from gretel_fin_synth.evaluation.results import Concern, Count, Rate, Score, grade_of, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["TITLES", "bootstrap_interval", "replay"]

TITLES: Mapping[str, str] = {
    "rows": "Rows that a real customer has too (date, amount, type, category)",
    "rows_with_ids": "Rows that the real customer of the same id has too",
    "runs": "Runs of three that a real customer has too (days between, amounts, categories)",
    "histories": "Customers who share much of a history with one real customer",
}
"""What each share counts, in words."""

_COPIES: Mapping[str, str] = {
    "rows": "rows are copies of a real customer's (same date, amount, type and category)",
    "rows_with_ids": "rows are copies of rows of the real customer with the same id",
    "runs": "runs of three are copies of a real customer's (same days between, amounts and categories)",
}
_DRAWS = 1000
_CHUNK = 50
_Z = 1.959963984540054
_SEEN = 0.10  # a holdout with so many more copies than the real table has within itself was not unseen
_GRADES = {"same team": "Very Poor", "other teams": "Poor", "trusted partners": "Moderate"}
_LEAST_RUNS = 5  # that one synthetic and one real customer share and no one else has
_LEVELS = ((0.25, "same team"), (0.02, "other teams"), (0.0, "trusted partners"))


def replay(real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Score:
    """Measure how many rows, rows with ids and runs of three transactions are replayed.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`.
    rng : numpy.random.Generator
        Draws customers for the confidence intervals.

    Returns
    -------
    Score
        ``breakdown`` maps each of :data:`TITLES` to a :class:`Rate`, with 95 % intervals from a bootstrap
        over customers, but ``histories`` to a :class:`Count` of single customers. ``score`` is 100 minus the
        largest excess, in points, over the holdout's share, or over the share within the real table where
        there is no holdout. ``grade`` falls with whom the copies shut out.
    """
    tables = [real, synthetic] if holdout is None else [real, synthetic, holdout]
    parts, sizes = all_traces(tables)
    counted = Counted.over(parts, sizes)
    rates = {name: _rate(overlap, rng) for name, overlap in counted.overlaps.items()}
    copied = _copies(counted.pairs, sizes)
    score = 100.0 * (1.0 - max((max(0.0, _excess(rate)) for rate in rates.values()), default=0.0))
    concerns = (*_seen_holdout(rates), *_concerns(rates), *_copied(copied))
    return Score(
        score=score if len(synthetic) else None,
        grade=_grade(concerns, score) if len(synthetic) else None,
        reference=None if holdout is None else 100.0,
        breakdown={**rates, "histories": copied},
        concerns=concerns,
        notes=_notes(sizes),
    )


def copied_histories(codes: Sequence[Ints], owners: Sequence[Ints], sizes: Sequence[int]) -> Count:
    """Count the synthetic customers who play back much of the history of one real customer.

    Rates over a whole table do not see one copied customer among hundreds. So for every synthetic customer
    the runs are counted that one real customer has, and no other real customer. Five of them, as in seven
    consecutive transactions, are many, if none of the holdout has half as many.

    Parameters
    ----------
    codes, owners : sequence of numpy.ndarray of int64
        Runs and their customers of the real, the synthetic and, if there is one, the holdout table, from
        :func:`~._traces.run_codes`.
    sizes : sequence of int
        Number of customers of each table.

    Returns
    -------
    Count
        ``reference`` is the holdout's share by the same limit; without a holdout the share of real customers
        who share five runs with one other real customer and no third.
    """
    return _copies([_pairs(codes, owners)], sizes)


@dataclass(frozen=True, eq=False)
class Counted:
    """What was counted of all parts of the tables.

    Attributes
    ----------
    overlaps : dict of str to Overlap
        Hits of the customers, by what is compared.
    pairs : list of list of Pairs
        For each part, who shares runs with one real customer: synthetic ones, and those of the holdout or,
        without one, real ones with another real one.
    """

    overlaps: dict[str, Overlap]
    pairs: list[list[Pairs]]

    @classmethod
    def over(cls, parts: Iterable[Things], sizes: Sequence[int]) -> Counted:
        """Count part by part."""
        totals: dict[str, Overlap] = {}
        pairs = []
        for things in parts:
            for name, overlap in overlaps(things, sizes).items():
                totals[name] = totals[name] + overlap if name in totals else overlap
            pairs.append(_pairs(*things["runs"]))
        return cls(totals, pairs)


def _pairs(codes: Sequence[Ints], owners: Sequence[Ints]) -> list[Pairs]:
    found = single_pairs(codes, owners)
    return found if len(found) > 1 else [*found, twosomes(codes[0], owners[0])]


def _copies(pairs: Sequence[Sequence[Pairs]], sizes: Sequence[int]) -> Count:
    shared, honest = (most_of_one(part) for part in zip(*pairs, strict=True))
    limit = max(_LEAST_RUNS, 2 * int(honest.max(initial=0)) if len(sizes) > 2 else 0)
    reference = float((honest >= limit).sum() / max(sizes[2 if len(sizes) > 2 else 0], 1))
    return Count(count=int((shared >= limit).sum()), of=sizes[1], reference=reference)


def bootstrap_interval(
    hits: Bools, customer: Ints, rng: np.random.Generator, *, draws: int = _DRAWS
) -> tuple[float, float]:
    """Return the 95 % interval of a share, whole customers being drawn with replacement.

    The upper end is at least that of Wilson's interval over rows, so that a share of 0 has room above it.

    Parameters
    ----------
    hits : numpy.ndarray of bool
        Whether each row (or run) counts.
    customer : numpy.ndarray of int64
        To whom it belongs.
    rng : numpy.random.Generator
        Draws the customers.
    draws : int
        Number of resamples.

    Examples
    --------
    >>> hits = np.array([True, False, True, False])
    >>> bootstrap_interval(hits, np.array([0, 0, 1, 1]), np.random.default_rng(0))
    (0.5, 0.849...)
    """
    return _interval(Hits.of(hits, customer, int(customer.max()) + 1), rng, draws)


def _interval(hits: Hits, rng: np.random.Generator, draws: int = _DRAWS) -> tuple[float, float]:
    some = hits.counts > 0
    rows, found = hits.counts[some].astype(np.float64), hits.found[some].astype(np.float64)
    size = len(rows)
    shares = np.empty(draws)
    for start in range(0, draws, _CHUNK):
        stop = min(start + _CHUNK, draws)
        weights = rng.multinomial(size, np.full(size, 1.0 / size), size=stop - start)
        shares[start:stop] = (weights @ found) / (weights @ rows)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(max(high, _wilson_upper(hits.total, len(hits))))


def _rate(overlap: Overlap, rng: np.random.Generator) -> Rate:
    synthetic = overlap.others[0]
    share, low, high = _share(synthetic, rng)
    elsewhere, _, elsewhere_high = _share(overlap.elsewhere, rng)
    rate = Rate(
        share=share,
        low=low,
        high=high,
        count=synthetic.total,
        of=len(synthetic),
        within_real=elsewhere,
        within_real_high=elsewhere_high,
    )
    if len(overlap.others) == 1:
        return rate
    reference, reference_low, reference_high = _share(overlap.others[1], rng)
    return replace(rate, reference=reference, reference_low=reference_low, reference_high=reference_high)


def _share(hits: Hits, rng: np.random.Generator) -> tuple[float, float, float] | tuple[None, None, None]:
    if len(hits) == 0:
        return None, None, None
    return (hits.total / len(hits), *_interval(hits, rng))


def _excess(rate: Rate) -> float:
    expected = rate.expected
    return 0.0 if rate.share is None or expected is None else rate.share - expected


def _concerns(rates: Mapping[str, Rate]) -> list[Concern]:
    concerns = []
    for name, rate in rates.items():
        if not rate.flagged or rate.share is None:
            continue
        excess = _excess(rate)
        forbids = next(audience for least, audience in _LEVELS if excess >= least)
        expected = f"in the holdout it is {rate.expected:.1%}"
        if rate.reference is None:
            expected = f"within the real table chance alone makes it {rate.expected:.1%}"
        text = f"{rate.share:.1%} of the {_COPIES[name]}; {expected}"
        concerns.append(Concern(text=text, forbids=forbids, hard=forbids == "same team"))
    return concerns


def _grade(concerns: Sequence[Concern], score: float) -> str | None:
    """Grade by whom the copies shut out: 73 points are not good where 27 % of the runs are copies."""
    least = worst(concern.forbids for concern in concerns)
    return _GRADES[least] if least in _GRADES else grade_of(score)


def _copied(copied: Count) -> list[Concern]:
    expected = copied.reference or 0.0
    margin = 3.0 * float(np.sqrt(expected * (1.0 - expected) / max(copied.of, 1)))
    if copied.count == 0 or (copied.share or 0.0) <= expected + margin:
        return []
    chance = f"by chance {expected:.1%} do" if expected else "by chance none does"
    text = (
        f"{copied.count:,} of {copied.of:,} customers share much of a history (five runs of three or more) "
        f"with one real customer and no other; {chance}"
    )
    return [Concern(text=text, forbids="other teams")]


def _seen_holdout(rates: Mapping[str, Rate]) -> list[Concern]:
    """Return a concern if the holdout holds real customers, for then it excuses what it should reveal."""
    for name, rate in rates.items():
        if rate.reference is None or rate.within_real is None or name == "rows":
            continue
        if rate.reference > rate.within_real + _SEEN:
            text = (
                f"The holdout is not unseen: {rate.reference:.1%} of its {_COPIES[name]}. No reference here "
                "can be relied on"
            )
            return [Concern(text=text, forbids="other teams")]
    return []


def _notes(sizes: Sequence[int]) -> tuple[str, ...]:
    notes = ["Intervals are 95 %, from a bootstrap over customers."]
    if len(sizes) == 2:
        notes.append(
            "Without a holdout, the shares are compared with those of real rows and runs that some other "
            "real customer has too."
        )
    if min(sizes) < 10:
        notes.append("A table has fewer than 10 customers: its intervals are not to be trusted.")
    return tuple(notes)


def _wilson_upper(hits: int, of: int) -> float:
    share, scale = hits / of, _Z**2 / of
    spread = _Z * np.sqrt(share * (1 - share) / of + scale / (4 * of))
    return float((share + scale / 2 + spread) / (1 + scale))
