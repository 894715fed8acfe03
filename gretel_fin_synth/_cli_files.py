"""The commands that rebuild, check and validate tables of any size."""

from pathlib import Path
from typing import Annotated

import typer

import gretel_fin_synth as fs
from gretel_fin_synth import _job
from gretel_fin_synth._cli_options import (
    Extra,
    Files,
    MinorUnits,
    Quiet,
    StartingAmounts,
    TableFile,
    form_of,
    told,
)

__all__ = ["balance", "check", "validate"]


def balance(
    table: Files,
    output: Annotated[Path | None, TableFile] = None,
    starting_amounts: StartingAmounts = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the balances, as 'check' does.")] = False,
    minor_units: MinorUnits = 2,
    quiet: Quiet = False,
) -> None:
    """Rebuild running balances to the cent, or check them.

    Starting amounts come from --starting-amounts, else from a column of that name in TABLE. A folder, a
    pattern or a large file is read batch by batch and written to one Parquet file; memory stays bounded.

    \b
    Examples:
      gretel-fin-synth balance only.csv --starting-amounts starting_amounts.csv --output merged.csv
      gretel-fin-synth balance 'exports/2024-*.parquet' --output merged.parquet
      gretel-fin-synth balance merged.csv --check
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    if check is (output is not None):
        msg = "give --output FILE to rebuild balances, or --check to check them."
        raise typer.BadParameter(msg)
    with told():
        if output is None:
            _check_balances(table, minor_units, quiet=quiet)
            return
        form, say = form_of([], minor_units), _job.Steps(quiet=quiet)
        amounts = None if starting_amounts is None else form.read(starting_amounts)
        if _job.is_large(table):
            done = _job.balance_large(table, output, amounts, minor_units, show=not quiet)
            say.note(f"Wrote {done.n_customers:,} customers ({done.n_rows:,} transactions) to {output}")
            return
        path = Path(table)
        rebuilt = _job.with_balances(path, form.read_valid(path), minor_units, amounts)
        form.write(rebuilt, output)
        say.note(f"Wrote {_job.size(rebuilt)} to {output}")


def check(
    table: Files,
    starting_amounts: StartingAmounts = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Largest difference, in major units, that is no break.")
    ] = 0.0,
    minor_units: MinorUnits = 2,
    quiet: Quiet = False,
) -> None:
    """Check the running balances of a table of any size.

    Ends with exit code 1 if one does not add up.

    \b
    Examples:
      gretel-fin-synth check merged.csv
      gretel-fin-synth check exports/ --tolerance 0.1
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    with told():
        _check_balances(table, minor_units, starting_amounts, tolerance, quiet=quiet)


def validate(
    table: Files,
    without_balances: Annotated[
        bool, typer.Option("--without-balances", help="Balances may be absent, or not add up.")
    ] = False,
    extra: Extra = [],  # noqa: B006 - typer copies it
    minor_units: MinorUnits = 2,
    quiet: Quiet = False,
) -> None:
    """Check that a table of any size holds transactions.

    Ends with exit code 1 if something is wrong, and says what.

    \b
    Examples:
      gretel-fin-synth validate bank.csv
      gretel-fin-synth validate 'exports/2024-*.parquet' --without-balances
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    form = form_of(extra, minor_units)
    with told():
        found = fs.validate_files(
            table,
            balance=not without_balances,
            minor_units=minor_units,
            extra_columns=form.extras,
            progress=False if quiet else None,
        )
        typer.echo(f"Valid: {found.n_customers:,} customers ({found.n_rows:,} transactions)")


def _check_balances(
    table: str,
    minor_units: int,
    starting_amounts: Path | None = None,
    tolerance: float = 0.0,
    *,
    quiet: bool,
) -> None:
    amounts = None if starting_amounts is None else form_of([], minor_units).read(starting_amounts)
    found = fs.check_files(
        table,
        starting_amounts=amounts,
        tolerance=tolerance,
        minor_units=minor_units,
        progress=False if quiet else None,
    )
    typer.echo(str(found))
    if not found:
        raise typer.Exit(1)
