"""What the engine must reach, line by line, and the tables that show whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from _measure import MEMBERSHIP, WORST

from gretel_fin_synth.evaluation import fidelity
from gretel_fin_synth.evaluation.attacks.membership import MEMBERSHIP_TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _measure import Figures

POINTS, SHARE, AREA, COUNT, SECONDS = "{:.1f}", "{:.2%}", "{:.3f}", "{:,.0f}", "{:.1f}"
PASS, MISS = "pass", "MISS"
ROUNDING = 1e-9
SIZE = 13_100  # rows of training up to which its time has a limit


@dataclass(frozen=True)
class Target:
    """What a figure must be: at least (or at most) a number, or the holdout's figure and some allowance."""

    at_least: bool
    number: float
    beside: bool = False

    def miss(self, values: Sequence[float], references: Sequence[float]) -> float:
        """Return by how much the median misses, 0 if it does not; differences are taken seed by seed."""
        if self.beside:
            values = [value - reference for value, reference in zip(values, references, strict=True)]
        beyond = self.number - median(values) if self.at_least else median(values) - self.number
        return beyond if beyond > ROUNDING else 0.0

    def in_words(self, form: str) -> str:
        sign = "≥" if self.at_least else "≤"
        if not self.beside:
            return f"{sign} {form.format(self.number)}"
        allowance = "" if self.number == 0 else f" {'+-'[self.number < 0]} {abs(self.number):g}"
        return f"{sign} holdout{allowance}"


@dataclass(frozen=True)
class Line:
    """A figure in the table."""

    key: str
    title: str
    form: str
    target: Target | None = None


@dataclass(frozen=True)
class Found:
    """A line's figures, one a seed, for each column."""

    line: Line
    engine: list[float]
    holdout: list[float]
    floor: list[float]

    @property
    def miss(self) -> float | None:
        """By how much the target is missed; None if there is none or nothing to compare."""
        if self.line.target is None or not self.engine or (self.line.target.beside and not self.holdout):
            return None
        return self.line.target.miss(self.engine, self.holdout)

    @property
    def mark(self) -> str:
        if self.miss is None:
            return ""
        if self.miss == 0:
            return PASS
        return f"{MISS} by {self.line.form.format(self.miss)}"


def fidelity_lines() -> list[Line]:
    """Return the six groups, each followed by its members, and the mean."""
    lines = [
        Line("Q", "**Mean of the groups (Q)**", POINTS, Target(True, 0.0, beside=True)),
        Line("norm", "norm: 0 shuffled columns, 100 other real customers", POINTS),
    ]
    for group, members in MEMBERS.items():
        title = f"**{fidelity.TITLES[group]}**"
        lines.append(Line(group, title, POINTS, Target(True, -1.0, beside=True)))
        lines += [Line(f"{group}.{name}", f"· {fidelity.TITLES[name]}", POINTS) for name in members]
    return lines


MEMBERS = {
    "amounts": ("amount", "log_amount", "amount_given_kind", "cents", "roundness"),
    "calendar": ("day_of_month", "month_end", "weekday", "month", "days_between"),
    "categories_and_sequences": ("category", "type_and_category", "runs_of_two", "runs_of_three"),
    "customers": (
        "transactions",
        "active_span",
        "transactions_per_month",
        "monthly_net_flow",
        "categories",
        "mean_log_amount",
    ),
    "balance": ("running_balance", "change_over_life", "monthly_drift", "volatility", "negative_share"),
    "dynamics": ("autocorrelation", "repeats_monthly", "repeats_on_same_day", "mix_between_months"),
}

OTHER_LINES = [
    Line("replayed.rows", "Rows replayed", SHARE, Target(False, 0.0, beside=True)),
    Line("replayed.runs", "Runs of three replayed", SHARE, Target(False, 0.0, beside=True)),
    Line(WORST, "Worst membership attack (area)", AREA, Target(False, 0.55)),
    *(Line(f"{MEMBERSHIP}{name}", f"· {title}", AREA) for name, title in MEMBERSHIP_TITLES.items()),
    Line(
        "classifier.whole_customers", "Classifier on customers (area)", AREA, Target(False, 0.05, beside=True)
    ),
    Line(
        "classifier.rows_in_context", "Classifier on windows (area)", AREA, Target(False, 0.05, beside=True)
    ),
    Line("sqs", "SQS", POINTS),
    Line("integrity", "Integrity", POINTS, Target(True, 100.0)),
    Line("size.customers", "Customers", COUNT),
    Line("size.rows", "Rows", COUNT),
]
COST_LINES = [
    Line("train seconds", "Training, seconds", SECONDS),
    Line("train CPU seconds", "Training, CPU seconds", SECONDS, Target(False, 60.0)),
    Line("rows/s", "Rows sampled a second, as many customers as trained", COUNT),
    Line("rows/s, large", "Rows sampled a second, about 100,000 rows", COUNT),
    Line("rows/CPU s, large", "The same a CPU second", COUNT, Target(True, 20_000.0)),
    Line("peak MiB", "Peak memory, MiB", COUNT, Target(False, 1536.0)),
]


def collect(results: Sequence[Mapping[str, Figures]]) -> list[Found]:
    """Bring the results of the seeds of one case into lines; a figure that a seed lacks drops that seed."""
    found = []
    for line in (*fidelity_lines(), *OTHER_LINES, *COST_LINES):
        columns: dict[str, list[float]] = {"engine": [], "holdout": [], "floor": []}
        for result in results:
            own = result["costs" if line in COST_LINES else "engine"].get(line.key)
            if own is None:
                continue
            columns["engine"].append(own)
            for side in ("holdout", "floor"):
                if result[side].get(line.key) is not None:
                    columns[side].append(result[side][line.key])
        if line.key == "train CPU seconds" and results and results[0]["train rows"] > SIZE:
            line = Line(line.key, line.title, line.form)
        found.append(Found(line, **columns))
    return found


def table(found: Sequence[Found], seeds: Sequence[int]) -> list[str]:
    """Return the table of one case in Markdown."""
    heading = "engine" if len(seeds) == 1 else f"engine, median of {len(seeds)} seeds (least to most)"
    lines = [f"| | {heading} | holdout | shuffled | target | |", "|---|---:|---:|---:|---|---|"]
    for each in found:
        if not each.engine:
            continue
        form = each.line.form
        own, others, floor = (shown(column, form) for column in (each.engine, each.holdout, each.floor))
        if len(each.engine) > 1:
            own += f" ({form.format(min(each.engine))} to {form.format(max(each.engine))})"
        target = "" if each.line.target is None else each.line.target.in_words(form)
        lines.append(f"| {each.line.title} | {own} | {others} | {floor} | {target} | {each.mark} |")
    return lines


def shown(values: Sequence[float], form: str) -> str:
    return form.format(median(values)) if values else ""


SHORT = {
    "Q": "Q",
    "amounts": "amounts",
    "calendar": "calendar",
    "categories_and_sequences": "categories, sequences",
    "customers": "customers",
    "balance": "balance",
    "dynamics": "dynamics",
    "replayed.rows": "rows replayed",
    WORST: "membership",
    "classifier.whole_customers": "classifier, customers",
    "classifier.rows_in_context": "classifier, windows",
    "sqs": "SQS",
}


def overview(cases: Mapping[str, Sequence[Found]], groups: Mapping[str, str] = SHORT) -> list[str]:
    """Return one line a case: the engine's median less the holdout's, and how many targets are missed."""
    lines = [f"| | {' | '.join(groups.values())} | norm | missed |", f"|---|{'---:|' * (len(groups) + 2)}"]
    for name, found in cases.items():
        known = {each.line.key: each for each in found}
        cells = [apart(known[key]) for key in groups if key in known]
        marks = [each.mark for each in found if each.mark]
        missed = f"{sum(mark != PASS for mark in marks)} of {len(marks)}"
        lines.append(f"| {name} | {' | '.join(cells)} | {shown(known['norm'].engine, POINTS)} | {missed} |")
    return lines


def apart(found: Found) -> str:
    """Return the median difference to the holdout, bold where the target is missed."""
    pairs = list(zip(found.engine, found.holdout, strict=False))
    if not pairs:
        return ""
    difference = median(own - other for own, other in pairs)
    text = found.line.form.replace("{:", "{:+").format(difference)
    if found.line.key == WORST:
        text = found.line.form.format(median(found.engine))
    return f"**{text}**" if found.miss else text
