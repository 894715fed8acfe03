"""The steps behind the program's commands: files in, public functions called, files out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gretel_fin_synth as fs
from gretel_fin_synth._atomic import check_replaceable, new_files
from gretel_fin_synth._io import locate, read_table, write_table
from gretel_fin_synth.errors import ParameterError, SchemaViolation
from gretel_fin_synth.schema import BALANCE, COLUMNS, CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from gretel_fin_synth import Evaluation, ExtraColumn, TransactionSynthesizer

__all__ = ["RunOptions", "RunResult", "Steps", "read_transactions", "run", "train", "write_evaluation"]

STARTING = "starting_amount"
FIVE = [name for name in COLUMNS if name != BALANCE]
MODEL, DATA, REPORT = "model", "data", "report"
HTML, JSON = "tabular-lstm-report.html", "tabular-lstm-report.json"

#: The file by which a folder is known to be a saved model.
MODEL_MARKER = "synthesizer.json"

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
    extras : sequence of ExtraColumn
        Extra columns to learn.
    """

    output: Path
    seed: int
    input: Path | None = None
    customers: int | None = None
    backend: str = "local"
    holdout: float | None = None
    holdout_file: Path | None = None
    extras: Sequence[ExtraColumn] = ()


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
    check_replaceable(options.output / MODEL, marker=MODEL_MARKER)
    with new_files(options.output, whole=[MODEL]) as folder:
        real = _real_table(options, say)
        training, holdout = _split(real, options, say)
        say(f"Training on {size(training)}")
        synthesizer = train(training, options.backend, options.seed, options.extras, say)
        wanted = real[CUSTOMER].nunique() if options.customers is None else options.customers
        say(f"Generating {wanted:,} customers")
        synthetic = synthesizer.sample(n_customers=wanted, seed=options.seed)
        say("Writing tables and model")
        _write_real_side(real, folder / DATA)
        write_table(synthetic, folder / DATA / "synthetic_data.csv")
        synthesizer.save(folder / MODEL)
        say("Evaluating")
        evaluation = fs.evaluate(training, synthetic, holdout=holdout, seed=options.seed)
        write_evaluation(evaluation, folder / REPORT)
    return RunResult(real, training, holdout, synthetic, evaluation, options.output / REPORT / HTML)


def read_transactions(path: Path, extras: Sequence[ExtraColumn] = ()) -> pd.DataFrame:
    """Read a table of transactions and bring it into the form of the schema.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file.
    extras : sequence of ExtraColumn
        Extra columns that have to be of their kind; others stay as they are.

    Returns
    -------
    pandas.DataFrame
        The table, with its rows in the file's order.

    Raises
    ------
    SchemaViolation
        If it is not a table of transactions; notes on the error say where in the file.
    """
    table = _read(path, extras)
    try:
        return fs.validate_transactions(table, balance=False, extra_columns=extras)
    except SchemaViolation as violation:
        violation.add_note("\n".join([f"In {path}", *locate(violation, path)]))
        raise


def judge(
    real: Path, synthetic: Path, holdout: Path | None, extras: Sequence[ExtraColumn], seed: int
) -> Evaluation:
    """Evaluate one file by another, on the six columns, the starting amounts and the described extra columns.

    Parameters
    ----------
    real, synthetic, holdout : Path
        CSV or Parquet files; the synthetic table may be broken.
    extras : sequence of ExtraColumn
        Extra columns that count.
    seed : int
        Decides everything that is random.

    Returns
    -------
    Evaluation
        Of the synthetic table.
    """
    names = [*COLUMNS, STARTING, *(extra.name for extra in extras)]

    def those(table: pd.DataFrame) -> pd.DataFrame:
        return table[[name for name in names if name in table.columns]]

    return fs.evaluate(
        those(read_transactions(real, extras)),
        those(_read(synthetic, extras)),
        holdout=None if holdout is None else those(read_transactions(holdout, extras)),
        seed=seed,
    )


def train(
    table: pd.DataFrame, backend: str, seed: int, extras: Sequence[ExtraColumn], say: Steps
) -> TransactionSynthesizer:
    """Fit a synthesizer and say what it warns of.

    Parameters
    ----------
    table : pandas.DataFrame
        Valid transactions.
    backend : str
        The name of a registered backend.
    seed : int
        Decides everything that is random.
    extras : sequence of ExtraColumn
        Extra columns to learn.
    say : Steps
        Told the warnings.

    Returns
    -------
    TransactionSynthesizer
        Fitted.
    """
    synthesizer = fs.TransactionSynthesizer(backend=backend, extra_columns=extras).fit(table, seed=seed)
    for warning in synthesizer.warnings_:
        say.note(f"  note: {warning}")
    return synthesizer


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write the report as HTML and as JSON into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    evaluation.to_html(folder / HTML)
    evaluation.to_json(folder / JSON)


def starting_amounts(table: pd.DataFrame) -> pd.DataFrame:
    """Give every customer's starting amount: from the column of that name if it is one, else from balances.

    Parameters
    ----------
    table : pandas.DataFrame
        Valid transactions.

    Returns
    -------
    pandas.DataFrame
        One row per customer with ``customer_id`` and ``starting_amount``.
    """
    if STARTING in table.columns:
        given = table[[CUSTOMER, STARTING]].drop_duplicates(ignore_index=True)
        if given[CUSTOMER].is_unique and given[STARTING].notna().all():
            return given
    return fs.starting_amounts(table)


def with_balances(table: pd.DataFrame, path: Path, amounts: pd.DataFrame | None = None) -> pd.DataFrame:
    """Give transactions their running balances.

    Parameters
    ----------
    table : pandas.DataFrame
        Transactions, with or without balances.
    path : Path
        The file it comes from, for the message.
    amounts : pandas.DataFrame, optional
        ``customer_id`` and ``starting_amount``; without it the column of that name of `table` is taken.

    Returns
    -------
    pandas.DataFrame
        `table` with ``account_balance``.

    Raises
    ------
    ParameterError
        If there are no starting amounts.
    """
    if amounts is None and STARTING not in table.columns:
        msg = (
            f"{str(path)!r} has no column {STARTING!r}, so nobody knows what its customers start with.\n\n"
            f"Hint: gretel-fin-synth balance {path} --starting-amounts amounts.csv --output merged.csv"
        )
        raise ParameterError(msg)
    return fs.reconstruct_balance(table, starting_amounts=STARTING if amounts is None else amounts)


def _read(path: Path, extras: Sequence[ExtraColumn]) -> pd.DataFrame:
    return read_table(path, numbers=[extra.name for extra in extras if extra.kind == "number"])


def _real_table(options: RunOptions, say: Steps) -> pd.DataFrame:
    if options.input is None:
        say("Making a stand-in for a bank's table")
        return fs.make_transactions(seed=options.seed)
    say(f"Reading {options.input}")
    real = read_transactions(options.input, options.extras)
    return real if BALANCE in real.columns else with_balances(real, options.input)


def _split(real: pd.DataFrame, options: RunOptions, say: Steps) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Choose the customers to train on and those to compare with, and say so."""
    customers = real[CUSTOMER].nunique()
    if options.holdout_file is not None:
        holdout = read_transactions(options.holdout_file, options.extras)
        say(f"Taking {options.holdout_file} as the reference for the report: {size(holdout)}")
        return real, holdout
    share = SHARE_HELD_OUT if options.holdout is None else options.holdout
    too_few = options.holdout is None and round(share * customers) < FEWEST_HELD_OUT
    if share == 0 or too_few:
        why = f"with {customers:,} customers too few would be left to compare with" if too_few else "as asked"
        say(f"Holding out no customer, {why}: the report's scores come without a reference")
        return real, None
    training, holdout = fs.split_customers(real, 1 - share, seed=options.seed)
    say(f"Holding out {size(holdout)} from training, as the reference for the report")
    return training, holdout


def _write_real_side(real: pd.DataFrame, folder: Path) -> None:
    """Write the real table in the three forms of the original job."""
    amounts = starting_amounts(real)
    others = [name for name in real.columns if name not in {*FIVE, STARTING, BALANCE}]
    merged = real.drop(columns=STARTING, errors="ignore").merge(amounts, on=CUSTOMER, how="left")
    write_table(real[FIVE], folder / "transactions_only.csv")
    write_table(amounts, folder / "starting_amounts.csv")
    write_table(merged[[*FIVE, STARTING, BALANCE, *others]], folder / "transactions_merged.csv")


def size(table: pd.DataFrame) -> str:
    """Say how many customers and transactions a table has."""
    return f"{table['customer_id'].nunique():,} customers ({len(table):,} transactions)"
