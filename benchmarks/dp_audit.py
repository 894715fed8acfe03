"""Attack the guarantee: how much epsilon does the best canary show, and how much was claimed?

    python benchmarks/dp_audit.py [--epsilon 1 3 10] [--runs 500] [--customers 60] [--seed 0] [--docs]

A table is measured again and again, half of the time with one canary in it: a customer made to stand out,
with 2,000 payments of one size in one category. The adversary knows everything else: the other customers,
the program, and every released figure, all of them and not only what is sampled; it bets on the likelihood
ratio of all releases together, which no attack on the model or on its samples can beat. From how often it
is right follows, with 95 % confidence, an epsilon that the program exceeds at least (Clopper and Pearson
bounds of both errors; Jagielski et al. 2020, arXiv 2006.07709). It must lie below the claim. `noise off` is
the same program without its noise: the audit must find that out.

The second column follows from the same bets if the noise is taken to be Gaussian (in the manner of Nasr et
al. 2023, arXiv 2302.07956), and comes nearer to the claim.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from _docs import GUARANTEE, renew
from scipy.stats import beta, norm

import gretel_fin_synth as fs
from gretel_fin_synth.training._prepare import prepare
from gretel_fin_synth.training.private.customers import Customers, bounded
from gretel_fin_synth.training.private.plan import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

DELTA = 1e-5
CONFIDENCE = 0.95
CANARY_ROWS, CANARY_CENTS = 2_000, 123_456_789
WINDOW = ("2024-01-01", "2024-03-31")


class Recorder:
    """Noise that writes down what was asked and answered; or, given answers, repeats them."""

    secure = False

    def __init__(
        self, rng: np.random.Generator, *, size: float = 1.0, answers: Sequence[IntArray] = ()
    ) -> None:
        self.rng, self.size, self.given = rng, size, list(answers)
        self.totals: list[IntArray] = []
        self.answers: list[IntArray] = []
        self.scales: list[float] = []

    def add(self, values: IntArray, scale: float) -> IntArray:
        if self.given:
            answer = self.given[len(self.answers)]
        else:
            answer = values + np.rint(self.size * scale * self.rng.standard_normal(len(values))).astype(
                np.int64
            )
        self.totals.append(values)
        self.answers.append(answer)
        self.scales.append(scale)
        return answer


@dataclass(frozen=True)
class Audit:
    """What an adversary scored with the canary out and in; higher scores speak for it."""

    out: FloatArray
    inside: FloatArray

    def lower_bound(self, delta: float = DELTA) -> float:
        """Return an epsilon that was exceeded, with confidence; thresholds come from one half of the runs."""
        n = len(self.out) // 2
        best, cut = -np.inf, 0.0
        for candidate in np.unique(np.r_[self.out[:n], self.inside[:n]]):
            bound = _bound(self.out[:n], self.inside[:n], candidate, delta)
            best, cut = max((best, cut), (bound, candidate))
        return max(_bound(self.out[n:], self.inside[n:], cut, delta), 0.0)

    def gaussian_bound(self, delta: float = DELTA) -> float:
        """Return the same, if scores are those of a Gaussian mechanism: from the overlap of both."""
        n = len(self.out)
        pairs = self.inside[:, None] > self.out
        area = float(pairs.mean() + 0.5 * (self.inside[:, None] == self.out).mean())
        error = np.sqrt(max(area * (1 - area), 0.25 / n) / n)
        mu = np.sqrt(2) * norm.ppf(min(max(area - norm.ppf(CONFIDENCE) * error, 0.5), 1 - 1e-9))
        return _epsilon_of_gaussian(mu, delta)


def _bound(out: FloatArray, inside: FloatArray, cut: float, delta: float) -> float:
    """Return log((true positives - delta) / false positives) at the worse ends of their intervals."""
    risk = (1 - CONFIDENCE) / 2
    bounds = []
    for negative, positive in ((out >= cut, inside >= cut), (inside < cut, out < cut)):
        false, true, n = int(negative.sum()), int(positive.sum()), len(negative)
        most_false = beta.ppf(1 - risk, false + 1, n - false) if false < n else 1.0
        least_true = beta.ppf(risk, true, n - true + 1) if true else 0.0
        bounds.append(np.log(max(least_true - delta, 1e-12) / most_false))
    return float(max(bounds))


def _epsilon_of_gaussian(mu: float, delta: float) -> float:
    if mu <= 0:
        return 0.0
    low, high = 0.0, 200.0
    for _ in range(60):
        middle = (low + high) / 2
        now = norm.cdf(mu / 2 - middle / mu) - np.exp(middle + norm.logcdf(-mu / 2 - middle / mu))
        low, high = (middle, high) if now > delta else (low, middle)
    return low


def with_canary(table: Customers) -> Customers:
    """Give the last customer, who has no transactions, the canary's."""
    rows = np.arange(CANARY_ROWS)
    first = int(np.datetime64(WINDOW[0], "D").astype(int))
    columns = {
        "type": np.full(CANARY_ROWS, "debit", dtype=object),
        "category": np.full(CANARY_ROWS, "travel", dtype=object),
        "day": np.sort(first + rows % 90),
        "seconds": np.zeros(CANARY_ROWS, np.int64),
        "cents": np.full(CANARY_ROWS, CANARY_CENTS),
        "kind": np.full(CANARY_ROWS, -1),
    }
    joined = {name: np.concatenate([getattr(table, name), value]) for name, value in columns.items()}
    offset = np.r_[table.offset[:-1], table.offset[-1] + CANARY_ROWS]
    return replace(table, **joined, offset=offset)


def base_table(n_customers: int, seed: int) -> tuple[Customers, list[tuple[str, str]]]:
    """Return customers of the stand-in, a blank one after them, and their categories."""
    frame = fs.make_transactions(n_customers, start=WINDOW[0], end=WINDOW[1], seed=seed)
    pairs = {*zip(frame["transaction_type"], frame["transaction_category"], strict=True), ("debit", "travel")}
    table = bounded(prepare(frame, [], 2).table, CANARY_ROWS)
    blank = replace(table, offset=np.r_[table.offset, table.offset[-1]], start=np.r_[table.start, 0])
    return blank, sorted(pairs)


def public(pairs: list[tuple[str, str]]) -> dict[str, object]:
    """Return what the adversary knows anyway, the canary's amount too."""
    amounts = [("debit", "travel", CANARY_CENTS / 100)]
    return {"categories": pairs, "window": WINDOW, "amounts": amounts}


def audit(epsilon: float, *, runs: int, customers: int = 60, seed: int = 0, size: float = 1.0) -> Audit:
    """Bet `runs` times with the canary out and as often with it in.

    ``size`` 0 switches the noise off.
    """
    rng = np.random.default_rng(seed)
    blank, pairs = base_table(customers, seed)
    tables = [blank, with_canary(blank)]
    privacy = fs.DifferentialPrivacy(epsilon, DELTA, public=public(pairs))
    scores: list[list[float]] = [[], []]
    for number in range(2 * runs):
        inside = number % 2
        recorder = Recorder(rng, size=size)
        measure(tables[inside], privacy, (), recorder)
        scores[inside].append(_likelihood_ratio(recorder, tables, privacy, rng))
    return Audit(np.array(scores[0]), np.array(scores[1]))


def _likelihood_ratio(
    recorder: Recorder, tables: Sequence[Customers], privacy: fs.DifferentialPrivacy, rng: np.random.Generator
) -> float:
    """Return log p(answers | canary in) - log p(answers | out), up to rounding."""
    asked = []
    for table in tables:
        again = Recorder(rng, answers=recorder.answers)
        measure(table, privacy, (), again)
        asked.append(again)
    total = 0.0
    parts = zip(asked[0].totals, asked[1].totals, recorder.answers, recorder.scales, strict=True)
    for without, within, answer, scale in parts:
        away = (answer - without).astype(float) ** 2 - (answer - within).astype(float) ** 2
        total += float(away.sum()) / (2 * scale**2)
    return total


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Attack the guarantee with a canary.")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--customers", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--docs", type=Path, nargs="?", const=GUARANTEE, metavar="FILE", help="renew its table"
    )
    options = parser.parse_args(arguments)
    print(f"{options.runs} runs with the canary out, as many with it in; delta {DELTA}; 95 % confidence\n")
    lines = ["| claimed epsilon | it is at least | at least, if Gaussian |", "|---|---|---|"]
    print("\n".join(lines), flush=True)
    for epsilon, size in [*((e, 1.0) for e in options.epsilon), (min(options.epsilon), 0.0)]:
        found = audit(epsilon, runs=options.runs, customers=options.customers, seed=options.seed, size=size)
        claim = f"{epsilon:g}" if size else f"{epsilon:g}, noise off"
        lines.append(f"| {claim} | {found.lower_bound():.2f} | {found.gaussian_bound():.2f} |")
        print(lines[-1], flush=True)
    if options.docs is not None:
        renew(options.docs, "audit", lines)


if __name__ == "__main__":
    main()
