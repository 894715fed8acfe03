"""The backend: submits, waits, fetches, and follows the life cycle of a backend."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from gretel_fin_synth._gretel.client import require_client
from gretel_fin_synth._gretel.service import COMPLETED, ENDED, JobState, RemoteJob, Service
from gretel_fin_synth.errors import (
    BackendError,
    NotFoundError,
    ParameterError,
    PrivacyFilterError,
    ServiceReplyError,
)
from gretel_fin_synth.schema import CUSTOMER
from gretel_fin_synth.training.gretel.options import GretelOptions
from gretel_fin_synth.training.gretel.progress import JobProgress, Teller
from gretel_fin_synth.training.gretel.report import GretelReport
from gretel_fin_synth.training.gretel.roundtrip import Layout, parse_csv, warnings_of
from gretel_fin_synth.training.gretel.runs import Run, Runs
from gretel_fin_synth.training.gretel.ticket import Ticket
from gretel_fin_synth.training.gretel.waiting import (
    filters_given_up,
    raise_if_failed,
    unknown_status,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gretel_fin_synth.training.backend import SampleRequest, TrainingTable

__all__ = ["GretelBackend"]

REPORT, PAGE = "report.json", "report.html"
EMPTY_RUNS = 2  # sampling jobs in a row without a single customer after which to give up

MADE_OF_RECORDS = (
    "the service draws each record by itself, under the id of a training customer and in no order; the "
    "records of one id were made one new customer, put in order by date, with the starting amount that most "
    "of them had"
)


class GretelBackend:
    """Trains and samples at Gretel's service; see :class:`gretel_fin_synth.Backend` for the life cycle.

    The service takes no seed, so the same table and seed give another model each time; what a fitted model
    draws with a seed is kept, and is the same each time, also after saving and loading.

    Parameters
    ----------
    **options
        See :class:`~gretel_fin_synth.training.gretel.options.GretelOptions`.

    Attributes
    ----------
    warnings : list of str
        What a user must know.
    report : GretelReport or None
        The service's report on the model.
    ticket : Ticket or None
        The training job.
    """

    def __init__(self, **options: Any) -> None:
        self.options = GretelOptions.from_dict(options)
        require_client()
        self.warnings: list[str] = []
        self.report: GretelReport | None = None
        self.ticket: Ticket | None = None
        self._collected = False
        self._runs = Runs()
        self._service: Service | None = None
        self._model: RemoteJob | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what holds connections and the key."""
        return {**self.__dict__, "_service": None, "_model": None}

    @property
    def is_usable(self) -> bool:
        """Whether there is a training job that may be sampled from, now or later."""
        return self.ticket is not None

    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        """Submit a training job and wait for its end; interrupted, the job goes on and can be waited for."""
        self.submit(table, seed=seed)
        self.collect(Teller(progress))

    def submit(self, table: TrainingTable, *, seed: int) -> None:
        """Send the table and start a training job."""
        self._forget()
        layout = Layout.of(table)
        data = layout.to_csv(table.frame, seed)
        sections = self.options.config()
        service = self._open(None)
        name = f"{self.options.name}-{secrets.token_hex(3)}"
        section = {"data_source": service.upload(data), **sections}
        config = {"schema_version": "1.0", "name": name, "models": [{"synthetics": section}]}
        self._model = service.submit_model(config)
        self.ticket = Ticket(
            model_id=self._model.job_id,
            name=name,
            endpoint=service.endpoint,
            project=service.project_name,
            submitted=datetime.now(UTC).isoformat(timespec="seconds"),
            config=config,
            layout=layout,
            n_rows=len(table.frame),
            fingerprint=hashlib.sha256(data).hexdigest(),
        )
        self._warn([*service.warnings, MADE_OF_RECORDS])

    def refresh(self) -> JobState:
        """Ask for the training job's state."""
        return self.model().refresh()

    def collect(
        self, tell: Callable[[JobProgress], object] | None = None, *, timeout: float | None = None
    ) -> None:
        """Wait for the training job and fetch the report."""
        if self._collected:
            return
        model = self.model()
        timeout = self.options.job_timeout if timeout is None else timeout
        state = wait(model, "training", interval=self.options.poll_interval, timeout=timeout, tell=tell)
        if state.status in ENDED and state.status != COMPLETED:
            self._forget()
        raise_if_failed(state, "training", model.job_id)
        given_up = filters_given_up(state)
        if given_up:
            self._warn(
                [f"privacy filters were off for the records of the service's own report: {given_up[0]}"]
            )
        self._warn(unknown_status(state))
        self.report = self._fetch_report(model)
        self._collected = True

    def cancel(self) -> None:
        """Stop the training job."""
        self.model().cancel()

    def model(self) -> RemoteJob:
        """Return the training job, looked up if need be."""
        ticket = self._ticket()
        if self._model is None:
            service = self._open(ticket.project)
            if service.endpoint != ticket.endpoint:
                msg = f"the model is at {ticket.endpoint}, and this session goes to {service.endpoint}."
                raise ParameterError(f"{msg}\n\nHint: endpoint={ticket.endpoint!r}")
            self._model = service.model(ticket.model_id)
        return self._model

    def sample(self, request: SampleRequest) -> pd.DataFrame:
        """Draw new customers; runs sampling jobs until there are enough."""
        unknown = sorted(request.options)
        if unknown:
            msg = f"unknown sampling option {unknown[0]!r} for backend 'gretel'."
            raise ParameterError(
                f"{msg}\n\nHint: it has none; rows_per_job and job_timeout are options of it"
            )
        layout = self._ticket().layout
        first, last = request.first_customer, request.first_customer + request.n_customers
        parts: list[pd.DataFrame] = []
        have = number = empty = 0
        while have < last:
            run = self._drawn(request.seed, number)
            found = layout.customers(self._records(run))
            self._warn(warnings_of(found))
            empty = 0 if found.n_customers else empty + 1
            if empty == EMPTY_RUNS:
                msg = f"{EMPTY_RUNS} sampling jobs in a row gave no record that is a transaction."
                raise BackendError(f"{msg}\n\nHint: train for more epochs, or on more rows")
            codes = found.frame[CUSTOMER].astype(int) + have
            wanted = (codes >= first) & (codes < last)
            parts.append(found.frame[wanted].assign(**{CUSTOMER: codes[wanted].astype(str)}))
            have, number = have + found.n_customers, number + 1
        return pd.concat([part for part in parts if len(part)], ignore_index=True)

    def save(self, directory: Path) -> None:
        """Write the job record, the report and the records that were drawn; never the key."""
        more = {"warnings": self.warnings, "collected": self._collected, "runs": self._runs.to_dict()}
        self._ticket().write(directory, more)
        self._runs.write(directory)
        if self.report is not None:
            (directory / REPORT).write_text(json.dumps(self.report.raw), encoding="utf-8")
            if self.report.page is not None:
                (directory / PAGE).write_text(self.report.page, encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read what ``save`` wrote; asks the service nothing."""
        self._forget()
        self.ticket, more = Ticket.read(directory)
        self.warnings = [str(text) for text in more["warnings"]]
        self._collected = bool(more["collected"])
        self._runs = Runs.read(directory, more["runs"])
        if (directory / REPORT).is_file():
            raw = json.loads((directory / REPORT).read_text(encoding="utf-8"))
            page = directory / PAGE
            self.report = GretelReport.of(raw, page.read_text(encoding="utf-8") if page.is_file() else None)

    def _forget(self) -> None:
        self.ticket, self.report, self._model = None, None, None
        self._collected, self._runs = False, Runs()
        self.warnings = []

    def _ticket(self) -> Ticket:
        if self.ticket is None:
            msg = "the backend has no training job.\n\nHint: fit it first"
            raise ParameterError(msg)
        return self.ticket

    def _open(self, project: str | None) -> Service:
        if self._service is None:
            self._service = Service(self.options.connection(), project_name=project)
        return self._service

    def _warn(self, texts: list[str]) -> None:
        self.warnings += [text for text in texts if text not in self.warnings]

    def _drawn(self, seed: int, number: int) -> Run:
        """Return a seed's run of a number with its records, submitting it if need be."""
        run = self._runs.find(seed, number)
        if run is not None and run.data is not None:
            self._check_filters(run)
            return run
        self.collect()
        model = self.model()
        if run is None:
            n_records = self.options.rows_per_job or self._ticket().n_rows
            job = model.service.submit_run(model, n_records, self._runs.known())
            run = Run(job.job_id)
            self._runs.add(seed, run)
        else:
            job = model.service.run(model, run.record_id)
        state = wait(job, "sampling", interval=self.options.poll_interval, timeout=self.options.job_timeout)
        if state.status != COMPLETED:
            self._runs.drop(seed, run)
        raise_if_failed(state, "sampling", job.job_id)
        run.filters = filters_given_up(state)
        self._warn(unknown_status(state))
        self._check_filters(run)
        run.data = job.artifact("data")
        return run

    def _check_filters(self, run: Run) -> None:
        """Warn of records that were drawn without a privacy filter, or refuse them."""
        if not run.filters:
            return
        said = (
            f"the service switched a privacy filter off in the sampling job {run.record_id}: {run.filters[0]}"
        )
        self._warn([said])
        if self.options.strict_privacy:
            hint = (
                "train with privacy_filters={'similarity': 'medium', 'outliers': 'medium'}, which the "
                "service does not give up, use backend='local', or take the risk with strict_privacy=False"
            )
            raise PrivacyFilterError(f"{said}\n\nHint: {hint}", job_id=run.record_id)

    def _records(self, run: Run) -> pd.DataFrame:
        try:
            return parse_csv(run.data or b"", self._ticket().layout)
        except (ValueError, UnicodeError) as failure:
            msg = f"the records of the sampling job {run.record_id} cannot be read: {failure}."
        except Exception as failure:  # csv.Error inherits nothing more telling
            msg = f"the records of the sampling job {run.record_id} are no CSV: {failure}."
        run.data = None
        raise ServiceReplyError(
            f"{msg}\n\nHint: sample again, and they are fetched anew", job_id=run.record_id
        )

    def _fetch_report(self, model: RemoteJob) -> GretelReport | None:
        """Read the report; a model without one is used all the same, and that is said."""
        evaluate = self._ticket().config["models"][0]["synthetics"].get("evaluate", {})
        if evaluate.get("skip"):
            self._warn(["there is no report of the service's, because evaluate={'skip': True}"])
            return None
        try:
            data, page = model.artifact("report_json"), model.artifact("report").decode("utf-8", "replace")
        except NotFoundError:
            self._warn(["the service has no report on this model"])
            return None
        try:
            raw = json.loads(data)
        except ValueError:
            raw = None
        if not isinstance(raw, dict):
            self._warn(["the service's report on this model cannot be read"])
            return None
        if raw.get("fatal_error"):
            self._warn(["the service's report on this model ended in an error and may be incomplete"])
        return GretelReport.of(raw, page)
