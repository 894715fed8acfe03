"""The program ``gretel-fin-synth``: arguments in, public functions called.

Exit codes: 0 done, 1 the job failed (one message, no traceback), 2 the command line cannot be used,
130 interrupted.
"""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

import gretel_fin_synth as fs
from gretel_fin_synth import _job
from gretel_fin_synth._atomic import new_files
from gretel_fin_synth._cli_files import balance, check, validate
from gretel_fin_synth._cli_options import (
    Backend,
    Bank,
    Customers,
    Extra,
    Holdout,
    HoldoutFile,
    Input,
    MinorUnits,
    Output,
    Quiet,
    Seed,
    Table,
    TableFile,
    chosen,
    form_of,
    show_version,
    told,
)
from gretel_fin_synth._io import write_table

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Start the program."""
    signal.signal(signal.SIGTERM, _terminated)
    app(prog_name="gretel-fin-synth")


def _terminated(number: int, _: FrameType | None) -> NoReturn:
    """Leave through every ``finally``, so that nothing half-written stays."""
    sys.exit(128 + number)


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Synthetic bank transactions whose balances add up to the cent.

    \b
    The whole job, on a built-in stand-in for a bank's table:
      gretel-fin-synth run --output output
    The whole job, on a table of your own:
      gretel-fin-synth run --input transactions.csv --output output --seed 7

    'gretel-fin-synth COMMAND --help' shows the examples of each command.
    """  # noqa: D301 - \b is click's mark for lines to leave as they are


@app.command()
def run(
    table: Bank = None,
    input: Input = None,
    output: Output = Path("output"),
    customers: Customers = None,
    seed: Seed = None,
    backend: Backend = "local",
    holdout: Holdout = None,
    holdout_file: HoldoutFile = None,
    extra: Extra = [],  # noqa: B006 - typer copies it
    minor_units: MinorUnits = 2,
    quiet: Quiet = False,
) -> None:
    """Do the whole job: learn from a table, generate, evaluate.

    Without TABLE one is made. A fifth of the real customers is held out: the model never sees them, and the
    report shows the same scores for them. What OUTPUT holds from an earlier run is replaced once everything
    new is complete.

    \b
    Examples:
      gretel-fin-synth run --output output
      gretel-fin-synth run --input bank.parquet --output output --seed 7 --customers 500
      gretel-fin-synth run --input train.csv --holdout-file holdout.csv --output output

    \b
    Writes under OUTPUT:
      data/transactions_only.csv      the real table without balances
      data/starting_amounts.csv       what each real customer starts with
      data/transactions_merged.csv    the real table with both
      data/synthetic_data.csv         the synthetic table
      report/tabular-lstm-report.html the verdict, the scores and the plots; .json has the numbers
      model/                          the trained model, for 'generate'
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    if table is not None and input is not None:
        msg = "give TABLE or --input, not both."
        raise typer.BadParameter(msg)
    if holdout is not None and holdout_file is not None:
        msg = "give --holdout or --holdout-file, not both."
        raise typer.BadParameter(msg)
    form = form_of(extra, minor_units)
    say = _job.Steps(6, quiet=quiet)
    began = time.monotonic()
    with told():
        options = _job.RunOptions(
            output=output,
            seed=chosen(seed, say),
            input=input if table is None else table,
            customers=customers,
            backend=backend,
            holdout=holdout,
            holdout_file=holdout_file,
            form=form,
        )
        result = _job.run(options, say)
        say.note(f"Done in {time.monotonic() - began:.0f} s.\n")
        typer.echo(str(result.evaluation))
        typer.echo(f"Report: {result.report}")


@app.command()
def standin(
    output: Annotated[Path, TableFile],
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 73,
    start: Annotated[str, typer.Option(metavar="DATE", help="First day.")] = "2022-01-01",
    end: Annotated[str, typer.Option(metavar="DATE", help="Last day.")] = "2024-12-31",
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:
    """Make a table that looks like a bank's, if there is none.

    \b
    Example:
      gretel-fin-synth standin --customers 200 --end 2022-12-31 --seed 7 --output standin.csv
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    say = _job.Steps(quiet=quiet)
    with told():
        table = fs.make_transactions(customers, start=start, end=end, seed=chosen(seed, say))
        write_table(table, output)
        say.note(f"Wrote {_job.size(table)} to {output}")


for command in (balance, check, validate):
    app.command()(command)


@app.command()
def train(
    table: Table,
    model: Annotated[Path, typer.Option(file_okay=False, help="The folder to save the model in.")],
    seed: Seed = None,
    backend: Backend = "local",
    extra: Extra = [],  # noqa: B006 - typer copies it
    minor_units: MinorUnits = 2,
    quiet: Quiet = False,
) -> None:
    """Learn from every customer of a table and save the model.

    \b
    Example:
      gretel-fin-synth train train.csv --model model --seed 7
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    form = form_of(extra, minor_units)
    say = _job.Steps(quiet=quiet)
    with told():
        synthesizer = _job.untrained(backend, form)
        real = form.read_valid(table)
        say(f"Training on {_job.size(real)}")
        _job.save_model(synthesizer, model.absolute(), real, chosen(seed, say), say)
        say.note(f"Saved the model in {model}")


@app.command()
def generate(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", exists=True, file_okay=False, help="What 'train' or 'run' saved."),
    ],
    output: Annotated[
        Path,
        typer.Option(help="A CSV or Parquet file; or a folder, by bucket of customers and month."),
    ],
    customers: Annotated[
        int | None,
        typer.Option(min=1, help="How many customers. Default: as many as were learned from."),
    ] = None,
    seed: Seed = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw, for Parquet.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Generate new customers from a saved model.

    Parquet is written as customers are drawn, in memory that does not grow with their number.

    \b
    Examples:
      gretel-fin-synth generate output/model --customers 1000 --seed 7 --output synthetic.csv
      gretel-fin-synth generate output/model --customers 1000000 --workers 2 --output synthetic/
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    say = _job.Steps(quiet=quiet)
    with told():
        synthesizer = fs.TransactionSynthesizer.load(model)
        number = chosen(seed, say)
        if output.suffix.lower() != ".csv":
            shown = False if quiet else None
            n_rows = synthesizer.sample_to(output, customers, seed=number, workers=workers, progress=shown)
            n_drawn = synthesizer.n_customers_ if customers is None else customers
            say.note(f"Wrote {n_drawn:,} customers ({n_rows:,} transactions) to {output}")
            return
        table = synthesizer.sample(n_customers=customers, seed=number)
        write_table(table, output, decimals=synthesizer.minor_units)
        say.note(f"Wrote {_job.size(table)} to {output}")


@app.command()
def evaluate(
    real: Annotated[
        str, typer.Argument(metavar="REAL", help="What was learned from: a file, a folder or a pattern.")
    ],
    synthetic: Annotated[
        str, typer.Argument(metavar="SYNTHETIC", help="What to judge: a file, a folder or a pattern.")
    ],
    output: Annotated[Path, typer.Option(file_okay=False, help="The folder for the report.")],
    holdout_file: Annotated[
        str | None, typer.Option(help="Real customers that the model never saw, in their own file or folder.")
    ] = None,
    extra: Extra = [],  # noqa: B006 - typer copies it
    minor_units: MinorUnits = 2,
    seed: Annotated[int, typer.Option(min=0, help="Decides every random draw of the evaluation.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Judge a synthetic table, whoever made it, by the real one.

    Folders, patterns and files of more than 100 MB are not brought into memory: what adds up is counted over
    all rows, the rest is measured on a sample of whole customers, which the report states.

    \b
    Examples:
      gretel-fin-synth evaluate train.csv synthetic.csv --holdout-file holdout.csv --output report
      gretel-fin-synth evaluate bank/ synthetic/ --output report
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    form = form_of(extra, minor_units)
    say = _job.Steps(quiet=quiet)
    with told(), new_files(output) as folder:
        say("Evaluating")
        evaluation = _job.judge(real, synthetic, holdout_file, form, seed)
        _job.write_evaluation(evaluation, folder)
    typer.echo(str(evaluation))
    typer.echo(f"Report: {output / _job.HTML}")
