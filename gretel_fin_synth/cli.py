"""The program ``gretel-fin-synth``: arguments in, public functions called.

Exit codes: 0 done, 1 the job failed (one message, no traceback), 2 the command line cannot be used,
130 interrupted.
"""

import contextlib
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn, cast, get_args

import typer

import gretel_fin_synth as fs
from gretel_fin_synth import _job
from gretel_fin_synth._atomic import new_files
from gretel_fin_synth._io import write_table
from gretel_fin_synth.schema import Kind

__all__ = ["app", "main"]

KINDS = get_args(Kind)

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


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn errors that are not ours to debug into one message and an exit code."""
    try:
        yield
    except (KeyboardInterrupt, fs.TrainingInterrupted) as error:
        _complain(str(error) or "Interrupted; nothing was written.")
        raise typer.Exit(130) from error
    except fs.FinSynthError as error:
        _complain("\n\n".join([str(error), *getattr(error, "__notes__", [])]))
        raise typer.Exit(1) from error
    except OSError as error:
        _complain(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        raise typer.Exit(1) from error


def _complain(message: str) -> None:
    typer.echo(f"gretel-fin-synth: {message}", err=True)


def _form(given: list[str], minor_units: int = 2) -> _job.TableForm:
    extras = []
    for text in given:
        name, equals, kind = text.rpartition("=")
        if not equals or kind not in KINDS:
            msg = f"{text!r} is not NAME=KIND with a kind out of {', '.join(KINDS)}."
            raise typer.BadParameter(msg, param_hint="--extra")
        try:
            extras.append(fs.ExtraColumn(name, kind=cast("Kind", kind)))
        except fs.ParameterError as error:
            raise typer.BadParameter(str(error), param_hint="--extra") from error
    return _job.TableForm(tuple(extras), minor_units)


def _known_backend(name: str) -> str:
    known = fs.available_backends()
    if name not in known:
        msg = f"{name!r} is not a backend; there are: {', '.join(known)}."
        raise typer.BadParameter(msg)
    return name


def _known_ending(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in (".csv", ".parquet"):
        msg = f"{str(path)!r} must end in .csv or .parquet."
        raise typer.BadParameter(msg)
    return path


def _chosen(seed: int | None, say: _job.Steps) -> int:
    """Give the seed, drawing one if none was given, so that every run can be repeated."""
    if seed is not None:
        return seed
    drawn = secrets.randbelow(2**31)
    say.note(f"Seed {drawn} (drawn; repeat this run with --seed {drawn})")
    return drawn


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gretel-fin-synth {fs.__version__}")
        raise typer.Exit


Table = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE", exists=True, dir_okay=False, help="A CSV or Parquet file of transactions."
    ),
]
TableFile = typer.Option(callback=_known_ending, dir_okay=False, help="The CSV or Parquet file to write.")
Input = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Real transactions, CSV or Parquet. Default: a stand-in."),
]
Output = Annotated[Path, typer.Option(file_okay=False, help="The folder to fill.")]
Customers = Annotated[
    int | None, typer.Option(min=1, help="Synthetic customers to generate. Default: as many as real ones.")
]
Holdout = Annotated[
    float | None,
    typer.Option(min=0.0, max=0.9, help="Share of real customers kept out of training. Default: 0.2."),
]
HoldoutFile = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="Real customers that the model never saw, in their own file."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="The same seed gives the same bytes. Default: one is drawn, and told."),
]
Backend = Annotated[str, typer.Option(callback=_known_backend, help="What learns and generates.")]
Extra = Annotated[
    list[str],
    typer.Option(
        "--extra", metavar="NAME=KIND", help=f"A further column that counts; {', '.join(KINDS)}. Repeatable."
    ),
]
MinorUnits = Annotated[int, typer.Option(min=0, max=4, help="Decimals of the currency.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors and the result.")]


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
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
    """Read or make a table, learn from it, generate, evaluate, and write everything.

    A fifth of the real customers is held out: the model never sees them, and the report shows the same scores
    for them. What OUTPUT holds from an earlier run is replaced once everything new is complete.

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
    if holdout is not None and holdout_file is not None:
        msg = "give --holdout or --holdout-file, not both."
        raise typer.BadParameter(msg)
    form = _form(extra, minor_units)
    say = _job.Steps(6, quiet=quiet)
    began = time.monotonic()
    with _told():
        options = _job.RunOptions(
            output=output,
            seed=_chosen(seed, say),
            input=input,
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
    """Make a table that looks like a bank's, for when there is none.

    \b
    Example:
      gretel-fin-synth standin --customers 200 --end 2022-12-31 --seed 7 --output standin.csv
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    say = _job.Steps(quiet=quiet)
    with _told():
        table = fs.make_transactions(customers, start=start, end=end, seed=_chosen(seed, say))
        write_table(table, output)
        say.note(f"Wrote {_job.size(table)} to {output}")


@app.command()
def balance(
    table: Table,
    output: Annotated[Path | None, TableFile] = None,
    starting_amounts: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A table with customer_id and starting_amount."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the balances of TABLE.")] = False,
    minor_units: MinorUnits = 2,
    quiet: Quiet = False,
) -> None:
    """Rebuild the running balances of a table to the cent, or check them.

    Starting amounts come from --starting-amounts, else from a column of that name in TABLE.

    \b
    Examples:
      gretel-fin-synth balance only.csv --starting-amounts starting_amounts.csv --output merged.csv
      gretel-fin-synth balance merged.csv --check
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    if check is (output is not None):
        msg = "give --output FILE to rebuild balances, or --check to check them."
        raise typer.BadParameter(msg)
    with _told():
        if output is None:
            _check_balances(table, minor_units)
            return
        form = _form([], minor_units)
        amounts = None if starting_amounts is None else form.read(starting_amounts)
        rebuilt = _job.with_balances(table, form.read_valid(table), minor_units, amounts)
        form.write(rebuilt, output)
        _job.Steps(quiet=quiet).note(f"Wrote {_job.size(rebuilt)} to {output}")


def _check_balances(table: Path, minor_units: int) -> None:
    found = fs.check_balance(_form([], minor_units).read_valid(table), minor_units=minor_units)
    typer.echo(str(found))
    if not found:
        raise typer.Exit(1)


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
    form = _form(extra, minor_units)
    say = _job.Steps(quiet=quiet)
    with _told():
        synthesizer = _job.untrained(backend, form)
        real = form.read_valid(table)
        say(f"Training on {_job.size(real)}")
        _job.save_model(synthesizer, model.absolute(), real, _chosen(seed, say), say)
        say.note(f"Saved the model in {model}")


@app.command()
def generate(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", exists=True, file_okay=False, help="What 'train' or 'run' saved."),
    ],
    output: Annotated[Path, TableFile],
    customers: Annotated[
        int | None,
        typer.Option(min=1, help="How many customers. Default: as many as were learned from."),
    ] = None,
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:
    """Generate new customers from a saved model.

    \b
    Example:
      gretel-fin-synth generate output/model --customers 1000 --seed 7 --output synthetic.csv
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    say = _job.Steps(quiet=quiet)
    with _told():
        synthesizer = fs.TransactionSynthesizer.load(model)
        table = synthesizer.sample(n_customers=customers, seed=_chosen(seed, say))
        write_table(table, output, decimals=synthesizer.minor_units)
        say.note(f"Wrote {_job.size(table)} to {output}")


@app.command()
def evaluate(
    real: Annotated[
        Path, typer.Argument(metavar="REAL", exists=True, dir_okay=False, help="What was learned from.")
    ],
    synthetic: Annotated[
        Path, typer.Argument(metavar="SYNTHETIC", exists=True, dir_okay=False, help="What to judge.")
    ],
    output: Annotated[Path, typer.Option(file_okay=False, help="The folder for the report.")],
    holdout_file: HoldoutFile = None,
    extra: Extra = [],  # noqa: B006 - typer copies it
    minor_units: MinorUnits = 2,
    seed: Annotated[int, typer.Option(min=0, help="Decides every random draw of the evaluation.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Judge a synthetic table by the real one that it was learned from, whoever made it.

    \b
    Example:
      gretel-fin-synth evaluate train.csv synthetic.csv --holdout-file holdout.csv --output report
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    form = _form(extra, minor_units)
    say = _job.Steps(quiet=quiet)
    with _told(), new_files(output) as folder:
        say("Evaluating")
        evaluation = _job.judge(real, synthetic, holdout_file, form, seed)
        _job.write_evaluation(evaluation, folder)
    typer.echo(str(evaluation))
    typer.echo(f"Report: {output / _job.HTML}")
