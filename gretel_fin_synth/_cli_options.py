"""What the commands of the program share: their options, and how errors are told."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

import gretel_fin_synth as fs
from gretel_fin_synth import _job
from gretel_fin_synth.schema import Kind

KINDS = get_args(Kind)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn errors that are not ours to debug into one message and an exit code."""
    try:
        yield
    except (KeyboardInterrupt, fs.TrainingInterrupted) as error:
        complain(str(error) or "Interrupted; nothing was written.")
        raise typer.Exit(130) from error
    except fs.FinSynthError as error:
        notes = "\n".join(getattr(error, "__notes__", []))
        complain(f"{error}\n\n{notes}" if notes else str(error))
        raise typer.Exit(1) from error
    except OSError as error:
        complain(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        raise typer.Exit(1) from error


def complain(message: str) -> None:
    """Say what went wrong."""
    typer.echo(f"gretel-fin-synth: {message}", err=True)


def form_of(given: list[str], minor_units: int = 2) -> _job.TableForm:
    """Read NAME=KIND options."""
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


def chosen(seed: int | None, say: _job.Steps) -> int:
    """Give the seed, drawing one if none was given, so that every run can be repeated."""
    if seed is not None:
        return seed
    drawn = secrets.randbelow(2**31)
    say.note(f"Seed {drawn} (drawn; repeat this run with --seed {drawn})")
    return drawn


def show_version(wanted: bool) -> None:
    """Show the version and leave."""
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
Bank = Annotated[
    Path | None, typer.Argument(metavar="TABLE", exists=True, dir_okay=False, help="The same as --input.")
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


Files = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A CSV or Parquet file, a folder of them, or a pattern in quotes such as 'data/2024-*.parquet'.",
    ),
]
StartingAmounts = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A table with customer_id and starting_amount."),
]
