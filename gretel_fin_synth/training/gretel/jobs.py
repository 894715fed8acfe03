"""Training jobs that are submitted in one process and collected in another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gretel_fin_synth._atomic import check_replaceable, new_files
from gretel_fin_synth._gretel.service import Service
from gretel_fin_synth._secrets import hide
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training._state import STATE
from gretel_fin_synth.training.gretel.options import GretelOptions
from gretel_fin_synth.training.synthesizer import TransactionSynthesizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike

    from gretel_fin_synth.schema import ExtraColumn
    from gretel_fin_synth.training.gretel.backend import GretelBackend
    from gretel_fin_synth.training.gretel.progress import JobProgress
    from gretel_fin_synth.training.gretel.report import GretelReport

__all__ = ["GretelJob", "GretelJobs", "JobInfo"]


@dataclass(frozen=True)
class JobInfo:
    """A training job of the project, as it is listed.

    Parameters
    ----------
    job_id, name, status : str
        Its id, its name, its state.
    submitted : str or None
        When, as the service says it.
    """

    job_id: str
    name: str
    status: str
    submitted: str | None


class GretelJob:
    """A training job at Gretel's service, with the record by which other processes find it.

    Made by :class:`GretelJobs`.

    Attributes
    ----------
    record : Path
        The folder of the record. It is what :meth:`TransactionSynthesizer.save` writes: the layout of the
        table, never the table, an id or the key.
    """

    def __init__(self, synthesizer: TransactionSynthesizer, record: Path) -> None:
        self._synthesizer, self.record = synthesizer, record

    @property
    def job_id(self) -> str:
        """The id of the job at the service."""
        return str(self._backend._ticket().model_id)

    @property
    def name(self) -> str:
        """The name of the job at the service."""
        return str(self._backend._ticket().name)

    @property
    def status(self) -> str:
        """Ask the service for the state: created, pending, active, completed, error, cancelled or lost."""
        return self._backend.refresh().status

    @property
    def warnings(self) -> list[str]:
        """What a user must know, as in ``warnings_`` of the synthesizer."""
        return list(self._synthesizer.warnings_)

    @property
    def report(self) -> GretelReport | None:
        """The service's report on the model; None before the job was waited for."""
        return self._backend.report

    def logs(self) -> list[dict[str, Any]]:
        """Ask the service for everything the job wrote: ``ts``, ``msg``, ``ctx``, ``stage``."""
        return list(self._backend.refresh().logs)

    def wait(
        self, timeout: float | None = None, *, progress: Callable[[JobProgress], object] | None = None
    ) -> GretelJob:
        """Wait until the job has completed, and note its report in the record.

        Parameters
        ----------
        timeout : float, optional
            Seconds after which to give up; the job goes on running. By default the option ``job_timeout``.
        progress : callable, optional
            Called with each :class:`~gretel_fin_synth.training.gretel.progress.JobProgress`: phase, status,
            epoch, loss, valid records.

        Returns
        -------
        GretelJob
            The job itself.

        Raises
        ------
        JobTimeoutError
            If it has not ended in time.
        JobFailedError, JobCancelledError, JobLostError
            If it ended in another way.
        """
        self._backend.collect(progress, timeout=timeout)
        self._synthesizer._note_warnings()
        _write(self._synthesizer, self.record)
        return self

    def cancel(self) -> None:
        """Stop the job; nothing happens if it has ended."""
        self._backend.cancel()

    def synthesizer(self, timeout: float | None = None) -> TransactionSynthesizer:
        """Wait until the job has completed, and return the fitted synthesizer."""
        self.wait(timeout)
        return self._synthesizer

    def __repr__(self) -> str:
        """Show what identifies it."""
        return f"GretelJob(job_id={self.job_id!r}, name={self.name!r}, record={str(self.record)!r})"

    @property
    def _backend(self) -> GretelBackend:
        backend: Any = self._synthesizer.backend_
        found: GretelBackend = backend
        return found


class GretelJobs:
    """Submit training jobs to Gretel's service, find them again, and list them.

    ``TransactionSynthesizer("gretel").fit(frame)`` waits for the job that it submits. Here a job is submitted
    and the call returns; a record on disk, written at once, lets any process go on with it.

    Parameters
    ----------
    **options
        Options of the backend, see :class:`~gretel_fin_synth.training.gretel.options.GretelOptions`;
        ``api_key``, ``endpoint`` and ``project`` say where the jobs are.

    Raises
    ------
    ParameterError
        If an option is not known or has a value that cannot work.
    BackendNotInstalledError
        If the extra ``gretel`` is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from gretel_fin_synth import GretelJobs, make_transactions
    >>> from gretel_fin_synth.testing import FakeGretel
    >>> real = make_transactions(40, start="2024-01-01", end="2024-03-31", seed=1)
    >>> with FakeGretel() as service, tempfile.TemporaryDirectory() as folder:
    ...     jobs = GretelJobs(endpoint=service.endpoint, api_key=service.key, poll_interval=0.01)
    ...     submitted = jobs.submit(real, f"{folder}/job", epochs=10)
    ...     job = jobs.resume(f"{folder}/job")  # in any other process, as long as the job exists
    ...     synthetic = job.synthesizer().sample(5, seed=1)
    >>> synthetic["customer_id"].nunique(), job.report.sqs.grade
    (5, 'Excellent')
    """

    def __init__(self, **options: Any) -> None:
        self._options = hide(options)
        self._checked = GretelOptions.from_dict(options)

    def submit(
        self,
        frame: Any,
        record: str | PathLike[str],
        *,
        seed: int | None = None,
        extra_columns: Iterable[ExtraColumn] | None = None,
        minor_units: int = 2,
        **options: Any,
    ) -> GretelJob:
        """Send a table, start a training job, write its record and return.

        Parameters
        ----------
        frame : dataframe of n rows
            As for :meth:`TransactionSynthesizer.fit`.
        record : path
            The folder of the record, which is made; an earlier record in it is replaced.
        seed : int, optional
            Decides the numbers under which customers are sent.
        extra_columns, minor_units
            As for :class:`TransactionSynthesizer`.
        **options
            Further options of the backend, for this job.

        Returns
        -------
        GretelJob
            The job, which is running.

        Raises
        ------
        SchemaViolation, ParameterError
            Before anything is sent, if the table or an option cannot work.
        ServiceError
            If the service cannot be reached or refuses.
        """
        folder = Path(record)
        check_replaceable(folder, marker=STATE)
        synthesizer = TransactionSynthesizer(
            "gretel", extra_columns=extra_columns, minor_units=minor_units, **{**self._options, **options}
        )
        synthesizer._learn(frame, seed, lambda backend, table, number: backend.submit(table, seed=number))
        _write(synthesizer, folder)
        return GretelJob(synthesizer, folder)

    def resume(self, record: str | PathLike[str]) -> GretelJob:
        """Go on with a job by its record, in any process.

        Parameters
        ----------
        record : path
            The folder that :meth:`submit` or :meth:`TransactionSynthesizer.save` wrote.

        Returns
        -------
        GretelJob
            The job; nothing was asked of the service yet.

        Raises
        ------
        ParameterError
            If the folder holds no record of a job of this backend.
        """
        synthesizer = TransactionSynthesizer.load(record, **self._options)
        if synthesizer.backend != "gretel":
            msg = f"{str(record)!r} is a model of backend {synthesizer.backend!r}, which has no jobs."
            raise ParameterError(f"{msg}\n\nHint: TransactionSynthesizer.load({str(record)!r})")
        return GretelJob(synthesizer, Path(record))

    def list(self, *, limit: int = 100) -> list[JobInfo]:
        """List the training jobs of the project, the newest first.

        Parameters
        ----------
        limit : int, default 100
            Most jobs to list.
        """
        found = Service(self._checked.connection()).models(limit=limit)
        return [
            JobInfo(
                str(model.get("uid")),
                str(model.get("name") or (model.get("config") or {}).get("name") or ""),
                str(model.get("status")),
                (model.get("status_history") or {}).get("created"),
            )
            for model in found
        ]


def _write(synthesizer: TransactionSynthesizer, folder: Path) -> None:
    folder = folder.absolute()
    with new_files(folder.parent, whole=[folder.name]) as staged:
        synthesizer.save(staged / folder.name)
