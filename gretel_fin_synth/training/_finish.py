"""From the rows that a backend drew to transactions that keep every promise, or to an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth.balance import reconstruct_balance
from gretel_fin_synth.errors import BackendError
from gretel_fin_synth.schema import (
    BALANCE,
    COLUMNS,
    CUSTOMER,
    DATE,
    ExtraColumn,
    validate_transactions,
    write_kinds,
)
from gretel_fin_synth.training._prepare import STARTING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gretel_fin_synth.training.backend import Backend, SampleRequest

ID_WIDTH = 6


@dataclass(frozen=True)
class Finisher:
    """What every backend's rows go through.

    Parameters
    ----------
    backend : str
        Name of the backend, for messages.
    prefix : str
        Beginning of the new ids; no real id has it.
    minor_units : int
        Decimals of the currency.
    extra_columns : tuple of ExtraColumn
        Columns that must come back beside the six.
    """

    backend: str
    prefix: str
    minor_units: int
    extra_columns: tuple[ExtraColumn, ...]

    @property
    def names(self) -> list[str]:
        """Columns of the result."""
        return [*COLUMNS, *(column.name for column in self.extra_columns)]

    def draw(self, backend: Backend, request: SampleRequest) -> pd.DataFrame:
        """Ask the backend for customers, and check that it gave what was asked for.

        Returns
        -------
        pandas.DataFrame
            The backend's rows, its ids replaced by the numbers of the customers.
        """
        drawn = backend.sample(request)
        if not isinstance(drawn, pd.DataFrame):
            raise self._broken(f"a {type(drawn).__name__} instead of a pandas.DataFrame")
        wanted = {*self.names, STARTING} - {BALANCE}
        missing = sorted(wanted - set(drawn.columns))
        if missing:
            raise self._broken(f"no column {missing[0]!r}")
        if drawn[DATE].dtype.kind != "M":
            raise self._broken(f"dates of dtype {drawn[DATE].dtype}")
        codes, ids = pd.factorize(drawn[CUSTOMER])
        if (codes < 0).any():
            raise self._broken("a row without customer")
        if len(ids) != request.n_customers:
            raise self._broken(f"{len(ids)} customers instead of {request.n_customers}")
        steps = np.diff(codes)
        if (steps < 0).any() or steps.max(initial=0) > 1:
            raise self._broken("rows of one customer that do not stand together")
        backwards = (drawn[DATE].diff().iloc[1:] < pd.Timedelta(0)).to_numpy(dtype=bool) & (steps == 0)
        if backwards.any():
            row = int(np.flatnonzero(backwards)[0]) + 1
            raise self._broken(f"dates out of order (row {row}, {drawn[DATE].iloc[row]!r})")
        return drawn.assign(**{CUSTOMER: codes + request.first_customer}).reset_index(drop=True)

    def finish(self, drawn: pd.DataFrame) -> pd.DataFrame:
        """Give new ids and exact balances to checked rows; validate the result."""
        numbers, codes = np.unique(drawn[CUSTOMER].to_numpy(dtype=np.int64), return_inverse=True)
        labels = pd.array([f"{self.prefix}{number + 1:0{ID_WIDTH}d}" for number in numbers], dtype="str")
        table = drawn.assign(**{CUSTOMER: labels[codes]})
        try:
            table = reconstruct_balance(table, starting_amounts=STARTING, minor_units=self.minor_units)
            written = write_kinds(table[self.names], self.extra_columns)
            return validate_transactions(
                written, minor_units=self.minor_units, extra_columns=self.extra_columns
            )
        except ValueError as error:
            raise self._broken(f"rows that are no valid transactions: {error}") from error

    def _broken(self, what: str) -> BackendError:
        return BackendError(f"backend {self.backend!r} returned {what}, which is a mistake in the backend.")


def new_prefix(ids: Iterable[str]) -> str:
    """Return a beginning of ids that no real id has, whatever its case."""
    known = [name.upper() for name in ids]
    prefix, number = "SYN_", 1
    while any(name.startswith(prefix) for name in known):
        number += 1
        prefix = f"SYN{number}_"
    return prefix
