"""The steps behind the program's commands: files in, public functions called, files out."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import gretel_fin_synth as fs
from gretel_fin_synth._atomic import check_replaceable, new_files
from gretel_fin_synth._io import around_hints, locate, read_table, write_table
from gretel_fin_synth._job_balance import STARTING, balance_large, is_large, starting_amounts, with_balances
from gretel_fin_synth._source import open_source
from gretel_fin_synth.errors import SchemaViolation
from gretel_fin_synth.schema import BALANCE, COLUMNS, CUSTOMER

if TYPE_CHECKING:
    import pandas as pd

    from gretel_fin_synth import Evaluation, ExtraColumn, TransactionSynthesizer

__all__ = [
    "HTML",
    "MODEL_MARKER",
    "RunOptions",
    "RunResult",
    "Steps",
    "TableForm",
    "balance_large",
    "is_large",
    "judge",
    "run",
    "save_model",
    "size",
    "untrained",
    "with_balances",
    "write_evaluation",
]

FIVE = [name for name in COLUMNS if name != BALANCE]
MODEL, DATA, REPORT = "model", "data", "report"
HTML, JSON = "tabular-lstm-report.html", "tabular-lstm-report.json"

#: The file by which a folder is known to be a saved model.
MODEL_MARKER = "synthesizer.json"

#: What stands in for a bank's table: customers enough to hold some out, months enough to show a rhythm, and
#: little enough to be learned within a minute or so on two cores.
STAND_IN_CUSTOMERS, STAND_IN_START, STAND_IN_END = 120, "2024-01-01", "2024-06-30"

#: A comparison with fewer held-out customers says more about them than about the synthetic data.
FEWEST_HELD_OUT = 5
SHARE_HELD_OUT = 0.2


class Steps:
    """Says on standard error which step of how many has begun; says nothing if quiet.

    Parameters
    ----------
    total : int
        The number of steps; 0 leaves the count out.
    quiet : bool
        Whether to keep silent.
    """

    def __init__(self, total: int = 0, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._total, self._begun = total, 0

    def __call__(self, what: str) -> None:
        """Announce the next step."""
        self._begun += 1
        self.note(f"[{self._begun}/{self._total}] {what}" if self._total else what)

    def note(self, what: str) -> None:
        """Say something that is no step of its own."""
        if not self.quiet:
            print(what, file=sys.stderr, flush=True)  # noqa: T201 - the program's own voice


@dataclass(frozen=True)
class TableForm:
    """How the tables of a job are to be read.

    Parameters
    ----------
    extras : tuple of ExtraColumn
        Extra columns that count; others are carried along but neither learned nor judged.
    minor_units : int
        Decimals of the currency.
    """

    extras: tuple[ExtraColumn, ...] = ()
    minor_units: int = 2

    def read(self, path: Path) -> pd.DataFrame:
        """Read a table as it is."""
        return read_table(path, numbers=[extra.name for extra in self.extras if extra.kind == "number"])

    def read_valid(self, path: Path) -> pd.DataFrame:
        """Read a table of transactions, whose balances may be missing or not add up; errors say the line."""
        table = self.read(path)
        try:
            return fs.validate_transactions(
                table, balance=False, minor_units=self.minor_units, extra_columns=self.extras
            )
        except SchemaViolation as violation:
            violation.add_note("\n".join([f"In {path}", *locate(violation, path), "", around_hints(path)]))
            raise

    def judged(self, table: pd.DataFrame, *, starts: bool) -> pd.DataFrame:
        """Give the columns by which a table is judged, with or without starting amounts."""
        return table[[name for name in self.columns(starts=starts) if name in table.columns]]

    def columns(self, *, starts: bool) -> list[str]:
        """Name the columns by which a table is judged."""
        return [*COLUMNS, *([STARTING] if starts else []), *(extra.name for extra in self.extras)]

    def write(self, table: pd.DataFrame, path: Path) -> None:
        """Write a table."""
        write_table(table, path, decimals=self.minor_units)


@dataclass(frozen=True)
class RunOptions:
    """What a whole run shall do.

    Parameters
    ----------
    output : Path
        The folder to fill.
    seed : int
        Decides everything that is random.
    input : Path or None
        A table of real transactions; None makes a stand-in.
    customers : int or None
        How many synthetic customers to generate; None for as many as the real table has.
    backend : str
        The name of a registered backend.
    holdout : float or None
        Share of the real customers kept out of training for the evaluation; None for a fifth, or none in a
        table too small for that.
    holdout_file : Path or None
        Real customers for the evaluation in a file of their own; then all of the real table is trained on.
    form : TableForm
        How tables are to be read.
    """

    output: Path
    seed: int
    input: Path | None = None
    customers: int | None = None
    backend: str = "local"
    holdout: float | None = None
    holdout_file: Path | None = None
    form: TableForm = TableForm()


@dataclass(frozen=True)
class RunResult:
    """What a whole run made."""

    real: pd.DataFrame
    training: pd.DataFrame
    holdout: pd.DataFrame | None
    synthetic: pd.DataFrame
    evaluation: Evaluation
    report: Path


def run(options: RunOptions, say: Steps) -> RunResult:
    """Do the whole job: read, train, generate, evaluate, and write everything under the output folder.

    Parameters
    ----------
    options : RunOptions
        What to do.
    say : Steps
        Told which step has begun.

    Returns
    -------
    RunResult
        The tables and the evaluation that were written.

    Raises
    ------
    FinSynthError
        If a step fails; the output folder then holds what it held before.
    """
    form = options.form
    synthesizer = untrained(options.backend, form)
    check_replaceable(options.output / MODEL, marker=MODEL_MARKER)
    with new_files(options.output, whole=[MODEL]) as folder:
        real = _real_table(options, say)
        training, holdout = _split(real, options, say)
        say(f"Training on {size(training)}")
        fit(synthesizer, training, options.seed, say)
        wanted = real[CUSTOMER].nunique() if options.customers is None else options.customers
        say(f"Generating {wanted:,} customers")
        known = list(synthesizer.warnings_)
        synthetic = synthesizer.sample(n_customers=wanted, seed=options.seed)
        for warning in synthesizer.warnings_[len(known) :]:
            say.note(f"  note: {warning}")
        say("Writing tables and model")
        _write_real_side(real, form, folder / DATA)
        form.write(synthetic, folder / DATA / "synthetic_data.csv")
        synthesizer.save(folder / MODEL)
        say("Evaluating")
        evaluation = _evaluate(form, training, synthetic, holdout, options.seed)
        write_evaluation(evaluation, folder / REPORT)
    return RunResult(real, training, holdout, synthetic, evaluation, options.output / REPORT / HTML)


def untrained(backend: str, form: TableForm) -> TransactionSynthesizer:
    """Make a synthesizer; fails before any work if the backend's extra is not installed."""
    return fs.TransactionSynthesizer(backend, extra_columns=form.extras, minor_units=form.minor_units)


def fit(synthesizer: TransactionSynthesizer, table: pd.DataFrame, seed: int, say: Steps) -> None:
    """Fit a synthesizer, and say what it warns of."""
    synthesizer.fit(table, seed=seed, progress=not say.quiet)
    for warning in synthesizer.warnings_:
        say.note(f"  note: {warning}")


def save_model(
    synthesizer: TransactionSynthesizer, model: Path, table: pd.DataFrame, seed: int, say: Steps
) -> None:
    """Fit a synthesizer and save it, replacing an earlier model in its place.

    Raises
    ------
    KeyboardInterrupt
        If training was interrupted; the best state until then is saved all the same, if there is one.
    """
    check_replaceable(model, marker=MODEL_MARKER)
    interrupted = False
    try:
        fit(synthesizer, table, seed, say)
    except KeyboardInterrupt:
        if not hasattr(synthesizer, "warnings_"):
            raise
        interrupted = True
    with new_files(model.parent, whole=[model.name]) as folder:
        synthesizer.save(folder / model.name)
    if interrupted:
        msg = f"Interrupted; the best state until then is saved in {model}."
        raise KeyboardInterrupt(msg)


def judge(real: str, synthetic: str, holdout: str | None, form: TableForm, seed: int) -> Evaluation:
    """Evaluate one file by another, on the six columns, on starting amounts if they are there, and on extras.

    Parameters
    ----------
    real, synthetic, holdout : str
        CSV or Parquet files, folders or patterns; the synthetic table may be broken. Large ones are not
        brought into memory.
    form : TableForm
        How they are to be read.
    seed : int
        Decides everything that is random.

    Returns
    -------
    Evaluation
        Of the synthetic table.
    """
    if any(is_large(path) for path in (real, synthetic, holdout) if path is not None):
        return _judge_large(real, synthetic, holdout, form, seed)
    outside = None if holdout is None else form.read_valid(Path(holdout))
    return _evaluate(form, form.read_valid(Path(real)), form.read(Path(synthetic)), outside, seed)


def _judge_large(real: str, synthetic: str, holdout: str | None, form: TableForm, seed: int) -> Evaluation:
    numbers = [STARTING, *(extra.name for extra in form.extras if extra.kind == "number")]
    paths = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        paths["holdout"] = holdout
    files = {name: open_source(path, numbers=numbers) for name, path in paths.items()}
    for name, path in paths.items():
        if name != "synthetic":
            fs.validate_files(
                path, balance=False, minor_units=form.minor_units, extra_columns=form.extras, progress=False
            )
    judged = form.columns(starts=STARTING in files["synthetic"].names)
    tables = {
        name: replace(source, names=tuple(column for column in judged if column in source.names))
        for name, source in files.items()
    }
    return fs.evaluate(
        tables["real"],
        tables["synthetic"],
        holdout=tables.get("holdout"),
        seed=seed,
        minor_units=form.minor_units,
    )


def _evaluate(
    form: TableForm, real: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame | None, seed: int
) -> Evaluation:
    starts = STARTING in synthetic.columns
    return fs.evaluate(
        form.judged(real, starts=starts),
        form.judged(synthetic, starts=starts),
        holdout=None if holdout is None else form.judged(holdout, starts=starts),
        seed=seed,
        minor_units=form.minor_units,
    )


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write the report as HTML and as JSON into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    evaluation.to_html(folder / HTML)
    evaluation.to_json(folder / JSON)


def _real_table(options: RunOptions, say: Steps) -> pd.DataFrame:
    if options.input is None:
        say(f"Making a stand-in for a bank's table, {STAND_IN_START} to {STAND_IN_END}")
        return fs.make_transactions(
            STAND_IN_CUSTOMERS, start=STAND_IN_START, end=STAND_IN_END, seed=options.seed
        )
    say(f"Reading {options.input}")
    real = options.form.read_valid(options.input)
    if BALANCE in real.columns:
        return real
    return with_balances(options.input, real, options.form.minor_units)


def _split(real: pd.DataFrame, options: RunOptions, say: Steps) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Choose the customers to train on and those to compare with, and say so."""
    if options.holdout_file is not None:
        say(f"Taking {options.holdout_file} as the reference for the report")
        holdout = options.form.read_valid(options.holdout_file)
        both = len(set(real[CUSTOMER]) & set(holdout[CUSTOMER]))
        if both:
            say.note(
                f"  note: {both:,} ids are in both files; customers that were trained on are no reference"
            )
        return real, holdout
    customers = real[CUSTOMER].nunique()
    share = SHARE_HELD_OUT if options.holdout is None else options.holdout
    too_few = options.holdout is None and round(share * customers) < FEWEST_HELD_OUT
    if share == 0 or too_few:
        why = f"{share:.0%} of {customers:,} would be too few to compare with" if too_few else "as asked"
        say(f"Holding out no customer, {why}: the report's scores come without a reference")
        return real, None
    training, holdout = fs.split_customers(real, 1 - share, seed=options.seed)
    say(f"Holding out {size(holdout)} from training, as the reference for the report")
    return training, holdout


def _write_real_side(real: pd.DataFrame, form: TableForm, folder: Path) -> None:
    """Write the real table in the three forms of the original job."""
    amounts = starting_amounts(real, form.minor_units)
    others = [name for name in real.columns if name not in {*FIVE, STARTING, BALANCE}]
    merged = real.drop(columns=STARTING, errors="ignore").merge(amounts, on=CUSTOMER, how="left")
    form.write(real[FIVE], folder / "transactions_only.csv")
    form.write(amounts, folder / "starting_amounts.csv")
    form.write(merged[[*FIVE, STARTING, BALANCE, *others]], folder / "transactions_merged.csv")


def size(table: pd.DataFrame) -> str:
    """Say how many customers and transactions a table has."""
    n_customers, n_rows = table[CUSTOMER].nunique(), len(table)
    return f"{n_customers:,} customer{'s' * (n_customers != 1)} ({n_rows:,} transaction{'s' * (n_rows != 1)})"
