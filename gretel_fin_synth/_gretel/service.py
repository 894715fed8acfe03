"""A project of the service and its jobs, through the objects of ``gretel_client``.

Everything here raises errors of ours only, whatever the client or a broken reply makes of a call.
"""

from __future__ import annotations

import copy
import gzip
import secrets
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from gretel_fin_synth._gretel import faults
from gretel_fin_synth._gretel.client import require_client
from gretel_fin_synth._gretel.connection import is_gretels
from gretel_fin_synth._gretel.keys import find_access
from gretel_fin_synth._gretel.session import open_session
from gretel_fin_synth._gretel.transport import LostReplyError, Transport
from gretel_fin_synth._secrets import redact
from gretel_fin_synth.errors import (
    AccessDeniedError,
    AuthenticationError,
    FinSynthError,
    NotFoundError,
    RequestRefusedError,
    ServiceError,
    ServiceReplyError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth._gretel.connection import Connection

__all__ = ["ENDED", "JobState", "RemoteJob", "Service"]

Answer = TypeVar("Answer")

COMPLETED, ERROR, CANCELLED, LOST = "completed", "error", "cancelled", "lost"
ENDED = (COMPLETED, ERROR, CANCELLED, LOST)
RUNNING = ("created", "pending", "active")

SUBMISSIONS = 3  # of one job, if replies are lost
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class JobState:
    """What the service says of a job.

    Parameters
    ----------
    status : str
        ``created``, ``pending``, ``active``, ``completed``, ``error``, ``cancelled``, ``lost``, or a word
        that we do not know, which counts as running.
    logs : tuple of dict
        Everything it wrote until now: ``ts``, ``msg``, ``ctx``, ``stage``.
    error : str or None
        What went wrong.
    traceback : str or None
        Where.
    """

    status: str
    logs: tuple[dict[str, Any], ...] = ()
    error: str | None = None
    traceback: str | None = None

    @property
    def is_ended(self) -> bool:
        """Whether it will not change any more."""
        return self.status in ENDED


class Service:
    """A project at the service.

    Parameters
    ----------
    connection : Connection
        How to reach it.
    project_name : str, optional
        The whole name of a project that exists; None for the user's own of ``connection.project``, which is
        made if need be.
    """

    def __init__(self, connection: Connection, *, project_name: str | None = None) -> None:
        require_client()
        self.connection = connection
        access = find_access(connection)
        self.endpoint = access.endpoint
        self.transport = Transport(connection, access)
        self.session = open_session(access, connection.project, self.transport)
        self._project_name, self._project = project_name, None

    @property
    def warnings(self) -> list[str]:
        """What a user must know of the endpoint."""
        if is_gretels(self.endpoint):
            return []
        return [f"the key and the table go to {self.endpoint}, which is not one of Gretel's own addresses"]

    @property
    def project(self) -> Any:
        """The client's project, asked for once."""
        if self._project is None:
            from gretel_client.projects.projects import create_or_get_unique_project, get_project

            name, own = self._project_name, self.connection.project

            def find() -> Any:
                if name is not None:
                    return get_project(name=name, session=self.session)
                return create_or_get_unique_project(name=own, session=self.session)

            try:
                self._project = self.ask("opening the project", find)
            except RequestRefusedError:  # its name is taken: by us, if the reply to a first attempt was lost
                self._project = self.ask("opening the project", find)
        return self._project

    @property
    def project_name(self) -> str:
        """The whole name of the project."""
        return str(self.project.name)

    def ask(self, what: str, question: Callable[[], Answer], job_id: str | None = None) -> Answer:
        """Call the client; whatever it raises comes out as an error of ours, with nothing foreign on it."""
        error: Exception
        try:
            return question()
        except (FinSynthError, LostReplyError) as failure:
            error = failure
        except Exception as failure:  # whatever the client makes of a reply that it did not expect
            error = _translated(failure, what, job_id)
        if isinstance(error, ServiceError) and error.job_id is None:
            error.job_id = job_id
        error.__context__ = error.__cause__ = None
        raise error.with_traceback(None)  # the frames of the client hold the key

    def upload(self, data: bytes) -> str:
        """Store a CSV file in the project; a link that has expired is asked for anew once."""
        from gretel_client.rest.models import Artifact

        filename = f"transactions-{secrets.token_hex(8)}.csv"
        project = self.project

        def place() -> tuple[str, str]:
            reply = project.projects_api.create_artifact(
                project_id=project.project_guid, artifact=Artifact(filename=filename)
            )
            return str(reply["data"]["key"]), str(reply["data"]["url"])

        for attempt in (1, 2):
            key, link = self.ask("asking where to upload", place)
            try:
                self.transport.put(link, data, "PUT of the table")
            except (AccessDeniedError, NotFoundError, AuthenticationError):
                if attempt == 2:
                    raise
            else:
                break
        if not key.startswith("gretel_"):  # the client would take it for a file of this machine
            msg = f"the uploaded table got the key {redact(key)[:40]!r}, which is none of the service's."
            raise ServiceReplyError(f"{msg}\n\nHint: is the endpoint Gretel's?")
        return key

    def submit_model(self, config: dict[str, Any]) -> RemoteJob:
        """Start a training job; if the reply is lost, it is looked for by its name."""

        def submit() -> RemoteJob:
            job = self.project.create_model_obj(copy.deepcopy(config)).submit_cloud()
            return RemoteJob(self, job, str(job.model_id))

        def find() -> RemoteJob | None:
            found = self.find_model(config["name"])
            return None if found is None else self.model(found)

        return self._started("submitting the training job", submit, find)

    def _started(
        self, what: str, submit: Callable[[], RemoteJob], find: Callable[[], RemoteJob | None]
    ) -> RemoteJob:
        """Start a job once, though replies may be lost: look for it before asking again."""
        for attempt in range(1, SUBMISSIONS + 1):
            try:
                return self.ask(what, submit)
            except LostReplyError as lost:
                failure = lost.error
            found = find()
            if found is not None:
                return found
            if attempt < SUBMISSIONS:
                self.transport.pause(self.connection.backoff, what)
        failure.__context__ = None
        raise failure.with_traceback(None)

    def find_model(self, name: str) -> str | None:
        """Return the id of the newest model of a name."""
        for model in self.models(name=name):
            return str(model["uid"])
        return None

    def models(self, *, name: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """List what the service says of the models of the project, the newest first."""
        found: list[dict[str, Any]] = self.ask(
            "listing jobs",
            lambda: list(
                self.project.search_models(factory=dict, model_name=name, limit=limit, sort_by="desc")
            ),
        )
        return found

    def model(self, model_id: str) -> RemoteJob:
        """Look a training job up."""
        job = self.ask("looking up the job", lambda: self.project.get_model(model_id), model_id)
        return RemoteJob(self, job, model_id)

    def submit_run(self, model: RemoteJob, n_records: int, known: set[str]) -> RemoteJob:
        """Start a job that draws records; if the reply is lost, one is looked for that is not in `known`."""

        def submit() -> RemoteJob:
            job = model.job.create_record_handler_obj(params={"num_records": n_records}).submit_cloud()
            return RemoteJob(self, job, str(job.record_id))

        def find() -> RemoteJob | None:
            for run in self.ask("listing jobs", lambda: _runs(model), model.job_id):
                wanted = (run.get("config") or {}).get("params") or {}
                if run["uid"] not in known and wanted.get("num_records") == n_records:
                    return self.run(model, str(run["uid"]))
            return None

        return self._started("submitting the sampling job", submit, find)

    def run(self, model: RemoteJob, record_id: str) -> RemoteJob:
        """Look a sampling job up."""
        job = self.ask("looking up the job", lambda: model.job.get_record_handler(record_id), record_id)
        return RemoteJob(self, job, record_id)


@dataclass
class RemoteJob:
    """A training or sampling job of the service.

    Parameters
    ----------
    service : Service
        Where it runs.
    job : Model or RecordHandler
        The client's object.
    job_id : str
        Its id.
    """

    service: Service
    job: Any
    job_id: str
    state: JobState = field(default_factory=lambda: JobState("created"))

    def refresh(self) -> JobState:
        """Ask for its state."""
        self.state = self.service.ask("asking for the job's state", self._read, self.job_id)
        return self.state

    def _read(self) -> JobState:
        self.job.refresh()
        said = self.job.print_obj
        status = str(said["status"])
        logs = self.job.logs or []
        try:
            traceback = self.job.traceback
        except ValueError:  # no base64
            traceback = said.get("traceback")
        return JobState(
            status,
            tuple(_entry(log) for log in logs),
            redact(said["error_msg"]) if said.get("error_msg") else None,
            redact(traceback) if traceback else None,
        )

    def cancel(self) -> None:
        """Ask the service to stop it; nothing happens if it has ended."""
        self.service.ask("cancelling the job", self.job.cancel, self.job_id)

    def artifact(self, name: str) -> bytes:
        """Read one of its files, unpacked; a link that has expired or a broken file is asked for anew once.

        Raises
        ------
        NotFoundError
            If there is no such file.
        ServiceReplyError
            If what comes cannot be unpacked.
        """
        what = f"GET of {name}"
        for attempt in (1, 2):
            link = self.service.ask(what, lambda: self.job.get_artifact_link(name), self.job_id)
            try:
                return _unpacked(self.service.transport.get(link, what), what)
            except (AccessDeniedError, NotFoundError, ServiceReplyError) as failure:
                error: ServiceError = failure
            if attempt == 2 and isinstance(error, AccessDeniedError):
                msg = f"{what}: there is no such file, or its link has expired twice."
                error = NotFoundError(f"{msg}\n\nHint: did the job complete?", status=403, request=what)
        error.job_id, error.__context__ = self.job_id, None
        raise error


def _runs(model: RemoteJob) -> list[dict[str, Any]]:
    """Return the newest sampling jobs of a model."""
    job = model.job
    reply = job.project.projects_api.query_record_handlers(
        project_id=job.project.project_id,
        model_id=job.model_id,
        skip=0,
        status=",".join([*RUNNING, *ENDED]),
        limit=10,
    )
    return [dict(run) for run in reply["data"]["handlers"]]


def _entry(log: Any) -> dict[str, Any]:
    """Return the four parts of a log entry that we read, redacted."""
    said = log if isinstance(log, dict) else {"msg": log}
    context = said.get("ctx")
    clean = {str(k): redact(v) if isinstance(v, str) else v for k, v in context.items()} if context else {}
    return {
        "ts": str(said.get("ts", "")),
        "msg": redact(said.get("msg", "")),
        "ctx": clean,
        "stage": str(said.get("stage", "")),
    }


def _unpacked(data: bytes, what: str) -> bytes:
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as failure:
        kind = type(failure).__name__
    msg = f"{what}: the file that came is broken ({kind})."
    raise ServiceReplyError(f"{msg}\n\nHint: try again", request=what)


def _translated(failure: Exception, what: str, job_id: str | None) -> ServiceError:
    """Make an error of ours of one of the client's."""
    from gretel_client.projects.exceptions import GretelJobNotFound, GretelProjectError
    from gretel_client.rest.exceptions import ApiException

    if isinstance(failure, ApiException):
        return faults.of_reply(faults.Reply.of(int(failure.status or 0), failure.body, failure.headers), what)
    if isinstance(failure, GretelJobNotFound):
        msg = f"{what}: the service has no job {job_id!r} in this project."
        hint = "is it of another project or endpoint, or has it been deleted?"
        return NotFoundError(f"{msg}\n\nHint: {hint}", status=404, job_id=job_id)
    if isinstance(failure, GretelProjectError):
        return RequestRefusedError(f"{what}: {redact(failure)}\n\nHint: try another project=...")
    msg = f"{what}: the reply could not be understood ({type(failure).__name__}: {redact(failure)[:200]})."
    return ServiceReplyError(f"{msg}\n\nHint: is the endpoint really one of Gretel's service?")
