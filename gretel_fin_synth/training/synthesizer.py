"""The synthesizer: what every backend has in common."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth._atomic import new_files
from gretel_fin_synth._money import check_minor_units
from gretel_fin_synth._secrets import hide
from gretel_fin_synth.errors import BackendError, FinSynthError, NotFittedError, ParameterError, ServiceError
from gretel_fin_synth.schema import COLUMNS, CUSTOMER, ExtraColumn, check_extra_columns
from gretel_fin_synth.training._arguments import check_count, check_seed
from gretel_fin_synth.training._at_scale import AtScale
from gretel_fin_synth.training._finish import Finisher, new_prefix
from gretel_fin_synth.training._prepare import STARTING, Prepared, prepare
from gretel_fin_synth.training._shards import MOST_ROWS, read_customers
from gretel_fin_synth.training._shown import shown_as_html, shown_as_text
from gretel_fin_synth.training._state import FORMAT, STATE, folder_for, plain_options, read_state
from gretel_fin_synth.training._template import Template
from gretel_fin_synth.training.backend import Backend, SampleRequest, get_backend
from gretel_fin_synth.training.private.backend import PrivateBackend
from gretel_fin_synth.training.private.facade import (
    check_privacy,
    private_prefix,
    read_privacy,
    without_notes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gretel_fin_synth.training.backend import TrainingTable
    from gretel_fin_synth.training.gretel.report import GretelReport
    from gretel_fin_synth.training.private.guarantee import DifferentialPrivacy, PrivacyStatement

__all__ = ["TransactionSynthesizer"]

WEIGHTS = "backend"


class TransactionSynthesizer(AtScale):
    """Learn a table of transactions and draw new customers from it.

    The account balance is not learned as a column: it is turned into one starting amount per customer before
    training and rebuilt to the minor unit after sampling, so it always adds up.

    Parameters
    ----------
    backend : str, default "local"
        ``"local"`` is the embedded ``tabular-lstm``: offline, on CPU or GPU; ``"gretel"`` trains and samples
        at Gretel's service. See :func:`available_backends`.
    extra_columns : iterable of ExtraColumn, optional
        Further columns to learn; columns that are not described are left out, and ``warnings_`` says so.
    minor_units : int, default 2
        Decimals of the currency, 0 to 8.
    privacy : DifferentialPrivacy, optional
        Give a formal guarantee to every customer: all that is learned, categories, ranges and dates
        included, is measured with noise. Needs ``backend="local"``, which then takes no options and draws
        from the noisy figures instead of a network; `seed` does not decide the noise.
    **options
        Options of the backend; the local one knows those of
        :class:`gretel_fin_synth.training.local.options.LSTMOptions`, Gretel's those of
        :class:`gretel_fin_synth.training.gretel.options.GretelOptions`. Keys and passwords among them are
        neither shown nor saved.

    Attributes
    ----------
    warnings_ : list of str
        What a user must know: balances that do not add up in the data, categories and amounts left out or
        clipped because too few customers have them, too few customers.
    n_customers_, n_rows_ : int
        Size of the table that was fitted.
    backend_ : Backend
        The fitted backend.
    is_fitted : bool
        Whether there is a model to sample from.
    report_ : GretelReport or None
        What the backend's own service says of the model; None for backends that have no service.
    privacy_ : PrivacyStatement or None
        What was spent of the guarantee, part by part; printed, it says so in words. None without `privacy`,
        when nothing is guaranteed.

    Raises
    ------
    ParameterError
        If the backend or an option is not known, or an option has a value that cannot work.
    BackendNotInstalledError
        If the extra of the backend is not installed.

    Examples
    --------
    >>> from gretel_fin_synth import TransactionSynthesizer, check_balance, make_transactions
    >>> real = make_transactions(40, start="2024-01-01", end="2024-03-31", seed=1)
    >>> synthesizer = TransactionSynthesizer(epochs=2).fit(real, seed=1)
    >>> synthetic = synthesizer.sample(n_customers=5, seed=1)
    >>> synthetic["customer_id"].nunique(), check_balance(synthetic).ok
    (5, True)
    """

    def __init__(
        self,
        backend: str = "local",
        *,
        extra_columns: Iterable[ExtraColumn] | None = None,
        minor_units: int = 2,
        privacy: DifferentialPrivacy | None = None,
        **options: Any,
    ) -> None:
        self.backend = backend
        self.extra_columns = check_extra_columns(extra_columns)
        if STARTING in (column.name for column in self.extra_columns):
            msg = (
                f"extra column {STARTING!r} needs no description: a column of that name is always learned."
                "\n\nHint: leave it out of extra_columns"
            )
            raise ParameterError(msg)
        self.minor_units = check_minor_units(minor_units)
        self.options = hide(options)
        self.privacy = check_privacy(privacy, backend, options)
        self._fitted: Backend | None = None
        self._new_backend()

    def fit(
        self,
        frame: Any,
        *,
        seed: int | None = None,
        progress: bool | None = None,
        max_rows: int = MOST_ROWS,
        warm_start: bool = False,
    ) -> TransactionSynthesizer:
        """Learn from a table.

        Parameters
        ----------
        frame : dataframe of n rows
            pandas, polars (eager or lazy), pyarrow or duckdb with the columns of :class:`Transactions`.
            Balances that do not add up and rows in any order are normal; ``account_balance`` may be absent if
            there is a column ``starting_amount``, or else every customer starts with 0. It is not changed.
            Or the path of files (CSV or Parquet: one, a folder, a pattern) that need not fit into memory.
        seed : int, optional
            Decides everything that is random; None for a fresh one.
        progress : bool, optional
            Whether to show progress on standard error; by default on a terminal and in notebooks only.
        max_rows : int, default 2,000,000
            Of files, as many whole customers are learned from as have this many rows together, drawn by a
            hash of their ids; ``warnings_`` says how many that are. Tables in memory are learned whole.
        warm_start : bool, default False
            Begin with what the fitted or loaded model knows instead of anew, as when new months have come.
            The model then tells of both tables. Not with `privacy`, whose guarantee is about one table, and
            only where the backend can.

        Returns
        -------
        TransactionSynthesizer
            The synthesizer itself.

        Raises
        ------
        SchemaViolation
            If `frame` is no table of transactions.
        ParameterError
            If there are too few customers to learn from, or frames of this library cannot be given back.
        KeyboardInterrupt
            If training is interrupted; the best state so far is kept and can be sampled.
        ServiceError
            If the service of the backend refuses or fails. A job that was submitted and may still complete is
            kept: the synthesizer can be saved, and ``sample`` waits for it.
        """
        notes: list[str] = []
        seed = check_seed(seed)
        earlier = self._earlier() if warm_start else None
        if isinstance(frame, (str, PathLike)):
            numbers = [column.name for column in self.extra_columns if column.kind == "number"]
            most = check_count("max_rows", max_rows)
            frame, notes = read_customers(frame, most, seed, numbers, private=self.privacy is not None)

        def learn(backend: Any, table: TrainingTable, number: int) -> None:
            if earlier is not None:
                backend.start_from(earlier)
            backend.fit(table, seed=number, progress=progress)

        self._learn(frame, seed, learn)
        self.warnings_: list[str] = [*notes, *self.warnings_]
        return self

    def _earlier(self) -> Backend:
        """Return the fitted backend to go on from."""
        earlier = self._backend("fit(warm_start=True)")
        if self.privacy is not None or not hasattr(earlier, "start_from"):
            why = "a guarantee of privacy is about one table" if self.privacy is not None else "it cannot"
            msg = f"backend {self.backend!r} does not go on from an earlier model: {why}."
            raise ParameterError(f"{msg}\n\nHint: fit(frame), without warm_start")
        return earlier

    def _learn(
        self, frame: Any, seed: int | None, learn: Callable[[Any, TrainingTable, int], None]
    ) -> TransactionSynthesizer:
        """Prepare a table, let a new backend learn from it, and keep that."""
        seed = check_seed(seed)
        names = [*COLUMNS, *(column.name for column in self.extra_columns)]
        prepared = prepare(frame, self.extra_columns, self.minor_units)
        template = Template.of(frame, names)
        if self.privacy is not None:
            prepared = without_notes(prepared)
        backend = self._new_backend()
        try:
            learn(backend, prepared.table, seed)
        except (KeyboardInterrupt, ServiceError):
            if getattr(backend, "is_usable", False):
                self._keep(backend, template, prepared)
            raise
        self._keep(backend, template, prepared)
        return self

    @property
    def report_(self) -> GretelReport | None:
        """What the backend's own service says of the model; None for backends that have no service."""
        return getattr(self._backend("report"), "report", None)

    def sample(
        self,
        n_customers: int | None = None,
        *,
        n_rows: int | None = None,
        seed: int | None = None,
        **options: Any,
    ) -> Any:
        """Draw new customers.

        Parameters
        ----------
        n_customers : int, optional
            How many; by default as many as were fitted, unless `n_rows` is given.
        n_rows : int, optional
            Draw customers until there are this many rows; the last customer is cut off.
        seed : int, optional
            Decides everything that is random; None for a fresh one. The first customers of a larger sample
            are the customers of a smaller one.
        **options
            Options of the backend's sampling. The local one knows ``temperature`` (1 is as learned, less is
            more typical), ``start`` and ``end`` (first and last day of the window, dates or ISO text; by
            default those of the fitted table) and ``where``, a dict of conditions: for ``transaction_type``
            and ``transaction_category`` a dict of wanted shares of rows, for ``starting_amount`` an amount or
            a pair of limits. A share that cannot be reached is said in a ``UserWarning``.

        Returns
        -------
        dataframe
            Of the type that was fitted: the six columns, then the described extra ones; customers contiguous,
            each in chronological order, with new ids and exact balances.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ParameterError
            If a count is not a whole number of at least 1, both are given, or an option is not known.
        BackendError
            If the backend returned something that is no table of transactions.
        """
        backend = self._backend("sample")
        seed = check_seed(seed)
        if n_customers is not None and n_rows is not None:
            msg = f"n_customers={n_customers!r} and n_rows={n_rows!r} were both given."
            raise ParameterError(f"{msg}\n\nHint: give one of them")
        finisher = self._finisher()
        try:
            if n_rows is not None:
                drawn = self._rows(backend, finisher, check_count("n_rows", n_rows), seed, options)
            else:
                count = self.n_customers_ if n_customers is None else check_count("n_customers", n_customers)
                drawn = finisher.draw(backend, SampleRequest(count, seed, 0, dict(options)))
        finally:
            self._note_warnings()
        return self.template_.apply(finisher.finish(drawn))

    def save(self, directory: str | PathLike[str]) -> None:
        """Write the fitted synthesizer into a folder of JSON and arrays, without pickle.

        The folder holds what was learned of the training customers as a whole and a coarse description of
        each; treat it as confidential as the training data.

        Parameters
        ----------
        directory : path
            A folder that is made; content of an earlier model in it is replaced.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ParameterError
            If `directory` is a file, or an option of the backend is nothing that JSON can hold.
        """
        backend = self._backend("save")
        options = plain_options(self.options)
        with new_files(folder_for(directory), whole=(WEIGHTS,)) as folder:
            (folder / WEIGHTS).mkdir()
            backend.save(folder / WEIGHTS)
            extras = [{"name": column.name, "kind": column.kind} for column in self.extra_columns]
            state = {
                "format": FORMAT,
                "backend": self.backend,
                "options": options,
                "minor_units": self.minor_units,
                "extra_columns": extras,
                "library": self.template_.save(folder),
                "prefix": self.prefix_,
                "warnings": self.warnings_,
                "privacy": None if self.privacy is None else self.privacy.to_dict(),
                "n_customers": self.n_customers_,
                "n_rows": self.n_rows_,
            }
            (folder / STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: str | PathLike[str], **options: Any) -> TransactionSynthesizer:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        directory : path
            The folder.
        **options
            Options of the backend that differ from the saved ones, or were not saved, as keys are not.

        Returns
        -------
        TransactionSynthesizer
            Fitted; the same seed gives the same rows as before saving.

        Raises
        ------
        ParameterError
            If the folder holds no model, or one of another format.
        BackendError
            If what it holds is damaged.
        """
        folder = Path(directory)
        state = read_state(folder)
        try:
            extras = [ExtraColumn(**column) for column in state["extra_columns"]]
            self = cls(
                state["backend"],
                extra_columns=extras,
                minor_units=state["minor_units"],
                privacy=read_privacy(state.get("privacy")),
                **{**state["options"], **options},
            )
            backend = self._new_backend()
            backend.load(folder / WEIGHTS)
            self.template_ = Template.load(folder, state["library"])
            self.prefix_, self.warnings_ = state["prefix"], state["warnings"]
            self.n_customers_, self.n_rows_ = state["n_customers"], state["n_rows"]
        except FinSynthError:
            raise
        except Exception as error:  # whatever a damaged file makes of the readers below
            msg = f"the model in {str(directory)!r} is damaged: {type(error).__name__}: {error}."
            raise BackendError(f"{msg}\n\nHint: fit again, and save into a new folder") from error
        self._fitted = self.backend_ = backend
        return self

    def __repr__(self) -> str:
        """Show the backend and what was fitted."""
        return shown_as_text(self)

    def _repr_html_(self) -> str:
        return shown_as_html(self)

    @property
    def is_fitted(self) -> bool:
        """Whether there is a model to sample from."""
        return self._fitted is not None

    @property
    def privacy_(self) -> PrivacyStatement | None:
        """What was spent of the guarantee; None if there is none."""
        return getattr(self._backend("privacy_"), "statement", None)

    def _keep(self, backend: Backend, template: Template, prepared: Prepared) -> None:
        ids = prepared.table.frame[CUSTOMER]
        self.template_ = template
        self.n_customers_, self.n_rows_ = int(ids.nunique()), len(ids)
        self.prefix_ = new_prefix(ids.unique() if self.privacy is None else ())
        if isinstance(backend, PrivateBackend):
            self.prefix_ = private_prefix()
            self.n_rows_ = round(self.n_customers_ * backend.rows_per_customer)
        self.warnings_ = [*prepared.warnings, *backend.warnings]
        self._fitted = self.backend_ = backend

    def _note_warnings(self) -> None:
        """Take over what the backend has to say since it was fitted."""
        fresh = getattr(self._fitted, "warnings", [])
        self.warnings_ += [warning for warning in fresh if warning not in self.warnings_]

    def _new_backend(self) -> Backend:
        if self.privacy is not None:
            return PrivateBackend(self.privacy)
        return get_backend(self.backend, self.options)

    def _backend(self, what: str) -> Backend:
        if self._fitted is None:
            msg = f"cannot {what} before fit.\n\nHint: TransactionSynthesizer().fit(frame).{what}(...)"
            raise NotFittedError(msg)
        return self._fitted

    def _finisher(self) -> Finisher:
        return Finisher(self.backend, self.prefix_, self.minor_units, self.extra_columns)

    def _rows(
        self, backend: Backend, finisher: Finisher, n_rows: int, seed: int, options: dict[str, Any]
    ) -> pd.DataFrame:
        """Draw customers until there are n_rows rows."""
        parts: list[pd.DataFrame] = []
        have, done = 0, 0
        while have < n_rows:
            per_customer = have / done if done else self.n_rows_ / self.n_customers_
            count = int(np.ceil((n_rows - have) / per_customer * 1.05)) + 1
            parts.append(finisher.draw(backend, SampleRequest(count, seed, done, dict(options))))
            have, done = have + len(parts[-1]), done + count
        return pd.concat(parts, ignore_index=True).iloc[:n_rows]
